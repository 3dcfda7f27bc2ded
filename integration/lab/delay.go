package lab

import (
	"net"
	"net/netip"
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

// delay is the distance between two addresses; none where either is in no zone.
func (l *Lab) delay(from, to netip.Addr) time.Duration {
	if l.distance == nil {
		return 0
	}
	var a, b *zone
	for _, z := range l.zones {
		if z.ip == from {
			a = z
		}
		if z.ip == to {
			b = z
		}
	}
	if a == nil || b == nil {
		return 0
	}
	return max(0, l.distance(a.Name, b.Name))
}

// wire is the network between a client's TCP connection and the server, which has the other end of a pipe. What goes in on one side comes out on the
// other in order, delayed by the distance, as long as no fault silences it. Delay does not limit throughput up to the buffer: 128 reads a direction.
type wire struct {
	front *front
	tcp   *net.TCPConn
	near  net.Conn // our end of the pipe to the server
	delay time.Duration
	rst   atomic.Bool // end with a reset
	once  sync.Once
	dead  chan struct{}
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
	w := &wire{front: f, tcp: tcp, near: near, delay: f.lab.delay(client, f.zone.ip), dead: make(chan struct{})}
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
	packets := make(chan packet, 128)
	w.front.lab.running.Go(func() {
		defer close(packets)
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				select {
				case packets <- packet{time.Now().Add(w.delay), append([]byte(nil), buf[:n]...)}:
				case <-w.dead:
					return
				}
			}
			if err != nil {
				if from == w.tcp && w.front.current().silent() {
					w.kill() // the client gave up on a silent connection: nothing of it arrives later
				}
				return
			}
		}
	})
	w.front.lab.running.Go(func() {
		defer w.kill()
		for p := range packets {
			w.front.lab.clock.sleep(time.Until(p.due))
			if !w.front.passable(w.dead) {
				return
			}
			if _, err := to.Write(p.data); err != nil {
				return
			}
		}
		if w.delay > 0 {
			w.front.lab.clock.sleep(w.delay) // the end travels too
		}
	})
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
		if w.rst.Load() {
			_ = w.tcp.SetLinger(0) // close sends RST instead of FIN
		}
		_ = w.tcp.Close()
		_ = w.near.Close()
		w.front.forget(w)
	})
}
