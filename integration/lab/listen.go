package lab

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
)

// setFault changes what listens at the front end's address where the fault asks for that, and what becomes of connections there are.
func (f *front) setFault(fault Fault) error {
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
	var doomed []*wire
	if fault == Refuse {
		doomed = f.wiresLocked()
	}
	f.mu.Unlock()

	var err error
	if listens(fault) != listens(before) {
		f.stop()
		f.stop = func() {}
		switch {
		case fault == BlackHole:
			err = f.vanish()
		case listens(fault) == None:
			var ln *net.TCPListener
			if ln, err = f.listen(f.addr); err == nil {
				f.accept(ln)
			}
		}
	}
	for _, w := range doomed {
		w.rst.Store(true)
		w.kill()
	}
	return err
}

// listens is the fault reduced to what it does before a connection is there.
func listens(fault Fault) Fault {
	if fault == Refuse || fault == BlackHole {
		return fault
	}
	return None
}

func (f *front) listen(addr netip.AddrPort) (*net.TCPListener, error) {
	var ln net.Listener
	err := f.lab.inside(f.zone, func() (err error) {
		ln, err = (&net.ListenConfig{Control: sharePort}).Listen(context.Background(), "tcp4", addr.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	return ln.(*net.TCPListener), nil
}

func (f *front) vanish() error {
	ln, err := f.listen(f.addr)
	if err != nil {
		return err
	}
	release, err := blackHole(ln)
	if err != nil {
		_ = ln.Close()
		return err
	}
	f.stop = func() {
		_ = ln.Close()
		release()
	}
	return nil
}

// accept hands connections to the server until f.stop is called.
func (f *front) accept(ln *net.TCPListener) {
	f.stop = func() { _ = ln.Close() }
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

// remember takes a connection in, or resets it where it came too late.
func (f *front) remember(w *wire) bool {
	f.mu.Lock()
	late := f.closed || f.fault == Refuse
	if !late {
		f.wires[w] = struct{}{}
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
