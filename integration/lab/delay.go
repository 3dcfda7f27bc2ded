package lab

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// TypicalDistance is a Region of usual size: 0.1 ms one way inside a zone, 0.5 ms to a neighbour, 0.75 ms between zones that lie further apart.
// Zones are neighbours where their names' last letters are. Use it as Options.Distance.
func TypicalDistance(from, to string) time.Duration {
	if from == "" || to == "" {
		return 0
	}
	switch int(from[len(from)-1]) - int(to[len(to)-1]) {
	case 0:
		return 100 * time.Microsecond
	case 1, -1:
		return 500 * time.Microsecond
	}
	return 750 * time.Microsecond
}

// distance is how long packets take.
type distance struct {
	between func(from, to string) time.Duration // nil: no time
	jitter  Jitter
	paths   atomic.Uint64 // that have had packets
}

// delay is the distance of a zone from the address of a client; none if that is in no zone.
func (l *Lab) delay(client netip.Addr, to *zone) time.Duration {
	if l.distance.between == nil {
		return 0
	}
	for _, from := range l.zones {
		if from.ip == client {
			return max(0, l.distance.between(from.Name, to.Name))
		}
	}
	return 0
}

// late is how much later than the delay the packets of one more path are, one after the other.
func (l *Lab) late(delay time.Duration) func() time.Duration {
	if delay == 0 || l.distance.jitter == (Jitter{}) {
		return func() time.Duration { return 0 }
	}
	return l.distance.jitter.Path(l.distance.paths.Add(1))
}

// wire is the network between a client's TCP connection and the server, which has the other end of a pipe. What goes in on one side comes out on the
// other in order, delayed by the distance, as long as no fault holds it up. Delay does not limit throughput up to the buffer: 128 reads a direction.
type wire struct {
	front    *front
	tcp      *net.TCPConn
	near     net.Conn // our end of the pipe to the server
	delay    time.Duration
	accepted time.Time
	rst      atomic.Bool // end with a reset
	once     sync.Once
	dead     chan struct{}
}

// serverConn is what the server takes for the client's connection.
type serverConn struct {
	net.Conn
	wire *wire
}

func (c serverConn) RemoteAddr() net.Addr { return c.wire.tcp.RemoteAddr() }
func (c serverConn) LocalAddr() net.Addr  { return c.wire.tcp.LocalAddr() }

func newWire(f *front, tcp *net.TCPConn) (*wire, net.Conn) {
	near, far := net.Pipe()
	client := tcp.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
	w := &wire{front: f, tcp: tcp, near: near, delay: f.lab.delay(client, f.zone), accepted: time.Now(), dead: make(chan struct{})}
	return w, serverConn{far, w}
}

func (w *wire) start() {
	w.carry(w.tcp, w.near)
	w.carry(w.near, w.tcp)
}

type packet struct {
	due  time.Time
	data []byte
}

func (w *wire) carry(from, to net.Conn) {
	packets, late := make(chan packet, 128), w.front.lab.late(w.delay)
	read, held, soonest := from.Read, Fault.silent, time.Time{}
	if from == w.tcp {
		// The kernel shook hands at once. On a network that takes a round trip, and only then the client's first bytes set out. A client that
		// waited for so long by itself, as the lab's own dialer does, is not delayed again.
		read, held, soonest = w.read, Fault.stopsRequests, w.accepted.Add(3*w.delay)
	}
	w.front.lab.running.Go(func() {
		defer close(packets)
		buf := make([]byte, 32<<10)
		for {
			n, err := read(buf)
			if n > 0 {
				due := time.Now().Add(w.delay + late())
				if due.Before(soonest) {
					due = soonest
				}
				select {
				case packets <- packet{due, append([]byte(nil), buf[:n]...)}:
				case <-w.dead:
					return
				}
			}
			if err != nil {
				if from == w.tcp && w.front.current().silent() {
					w.kill() // the client gave up on an unanswered connection: nothing of it arrives later
				}
				return
			}
		}
	})
	w.front.lab.running.Go(func() {
		defer w.kill()
		for p := range packets {
			w.front.lab.clock.sleep(time.Until(p.due))
			if !w.front.pass(held, w.dead) {
				return
			}
			if _, err := to.Write(p.data); err != nil {
				return
			}
		}
		if !w.front.pass(held, w.dead) {
			return
		}
		if w.delay > 0 {
			w.front.lab.clock.sleep(w.delay) // the end travels too
		}
	})
}

// read is the server's: it waits while the server does not read.
func (w *wire) read(buf []byte) (int, error) {
	for {
		if !w.front.pass(func(f Fault) bool { return f == PauseReading }, w.dead) {
			return 0, net.ErrClosed
		}
		n, err := w.tcp.Read(buf)
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			continue // the fault began, and obey ended the read
		}
		return n, err
	}
}

// obey does to the connection what a fault does to sockets.
func (w *wire) obey(fault Fault) error {
	deadline := time.Time{}
	if fault == PauseReading {
		deadline = time.Unix(1, 0)
	}
	_ = w.tcp.SetReadDeadline(deadline)
	return w.drop(fault.silent())
}

// drop has the kernel drop what the client sends, or not any more. Meanwhile it must not send anything by itself either: to the client, a keep-alive
// of the server's would be a sign of life.
func (w *wire) drop(on bool) error {
	err := dropPackets(w.tcp, on)
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	_ = w.tcp.SetKeepAlive(!on)
	return err
}

// reset lets what was sent arrive, and then resets the client's connection.
func (w *wire) reset(server net.Conn) {
	w.rst.Store(true)
	_ = server.Close()
}

// kill ends the connection on both sides.
func (w *wire) kill() {
	w.once.Do(func() {
		close(w.dead)
		if w.rst.Load() || w.front.current().silent() {
			_ = w.tcp.SetLinger(0) // close sends RST instead of FIN
		}
		_ = w.drop(false) // the client's answer to the end must get through, or the kernel says it again for a minute
		_ = w.tcp.Close()
		_ = w.near.Close()
		w.front.forget(w)
	})
}
