package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// setFault changes what listens at the front end's address if the fault asks for that, and what becomes of connections there are.
func (f *front) setFault(fault Fault) error {
	if fault.needsHTTP() && !f.speaksHTTP() {
		return fmt.Errorf("lab: %s: the lab doesn't understand what the server of %s is sent", fault, f.service)
	}
	f.switching.Lock()
	defer f.switching.Unlock()
	f.mu.Lock()
	before := f.fault
	if f.closed || fault == before {
		f.mu.Unlock()
		return nil
	}
	f.fault = fault
	close(f.changed)
	f.changed = make(chan struct{})
	wires := f.wiresLocked()
	var failed error
	for _, w := range wires { // with the lock, so that a connection that is accepted meanwhile obeys the same fault
		failed = errors.Join(failed, w.obey(fault))
	}
	f.mu.Unlock()

	if fault == Refuse {
		f.stop()
		for _, w := range wires {
			w.rst.Store(true)
			w.kill()
		}
		return nil
	}
	if f.listening == nil {
		ln, err := f.listen(f.addr)
		if err != nil {
			return err
		}
		f.accept(ln)
	}
	if fault.dropsSYN() || before.dropsSYN() {
		failed = errors.Join(failed, dropPackets(f.listening, fault.dropsSYN()))
	}
	return failed
}

// settle listens at the endpoint's port, or at one of its own where this process may not.
func (f *front) settle(addr netip.Addr, port uint16) (*net.TCPListener, error) {
	ln, err := f.listen(netip.AddrPortFrom(addr, port))
	if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EADDRINUSE) { // taken by somebody who listens at all addresses
		ln, err = f.listen(netip.AddrPortFrom(addr, 0))
	}
	return ln, err
}

func (f *front) listen(addr netip.AddrPort) (*net.TCPListener, error) {
	var ln net.Listener
	err := f.lab.inside(f.zone, func() (err error) {
		config := net.ListenConfig{Control: sharePort}
		config.SetMultipathTCP(false) // Go's default. Such sockets take no filter
		ln, err = config.Listen(context.Background(), "tcp4", addr.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	return ln.(*net.TCPListener), nil
}

// stop has connecting refused from now on.
func (f *front) stop() {
	if f.listening != nil {
		_ = f.listening.Close()
		f.listening = nil
	}
}

// accept hands connections to the server until f.stop is called.
func (f *front) accept(ln *net.TCPListener) {
	f.listening = ln
	f.lab.running.Go(func() {
		for {
			tcp, err := ln.AcceptTCP()
			if err != nil {
				return
			}
			w, conn := newWire(f, tcp)
			if !f.remember(w) {
				continue
			}
			w.start()
			select {
			case f.accepted <- conn:
			case <-w.dead:
			}
		}
	})
}

// remember takes a connection in, or resets it if it came too late.
func (f *front) remember(w *wire) bool {
	f.mu.Lock()
	late := f.closed || f.fault == Refuse
	if !late {
		f.wires[w] = struct{}{}
		f.lab.log.connected(place{f.service, f.zone.Name})
		if f.fault == BlackHole { // the handshake came first, and nothing else gets through
			_ = w.drop(true)
		}
	}
	f.mu.Unlock()
	if late {
		w.rst.Store(true)
		w.kill()
	}
	return !late
}

func (f *front) forget(w *wire) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.wires, w)
}

// connections is how many there are.
func (f *front) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.wires)
}

func (f *front) wiresLocked() []*wire { return slices.Collect(maps.Keys(f.wires)) }

func (f *front) close() {
	f.switching.Lock()
	defer f.switching.Unlock()
	f.mu.Lock()
	f.closed = true
	close(f.changed)
	f.changed = make(chan struct{})
	doomed := f.wiresLocked()
	f.mu.Unlock()

	f.stop()
	for _, w := range doomed {
		w.rst.Store(true) // an end would wait behind what was lost before it
		w.kill()
	}
	_ = f.server.Close()
	f.release()
}

// listener is the server's view of whatever listens at the moment.
type listener struct{ front *front }

func (l listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.front.accepted:
		return conn, nil
	case <-l.front.done:
		return nil, net.ErrClosed
	}
}

// Close is called by the server, once.
func (l listener) Close() error {
	close(l.front.done)
	return nil
}

func (l listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.front.addr) }
