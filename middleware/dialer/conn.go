package dialer

import (
	"errors"
	"net"
	"reflect"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// conn is a connection that this package made. It does what the one inside does, and notes what its target and its path have to know.
type conn struct {
	net.Conn
	target *target
	path   *path // nil: nobody watches it
	shared bool  // by HTTP/2's streams

	owed    atomic.Bool   // something was written, and nothing has been read since
	moves   atomic.Uint32 // reads and writes, so that a watcher sees whether there were any
	closed  atomic.Bool   // by whoever has it
	patient atomic.Int32  // requests that have no other attempt: their deadline ends them
	verdict atomic.Pointer[Error]
	timeout time.Duration // of reads; 0: none
	release func()        // is called when it is closed; nil: nothing is to be done
	sent    sent
}

func (c *conn) Write(p []byte) (int, error) {
	c.owed.Store(true)
	c.moved()
	n, err := c.sent.write(p, c.Conn.Write)
	return n, c.ended(err)
}

func (c *conn) Read(p []byte) (int, error) {
	if c.timeout > 0 {
		if err := c.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.owed.Store(false)
		c.moved()
		if !c.sent.read(p[:n]) {
			c.over(c.sent.settled())
		}
	}
	return n, c.ended(err)
}

func (c *conn) moved() {
	c.moves.Add(1)
	if c.path != nil {
		c.path.watch.moved(c)
	}
}

// over notes what was sent over the connection and will not be answered, if that is known yet. If not, Close does.
func (c *conn) over(known bool) {
	if known {
		c.target.lose(c.sent.at.Load())
	}
}

// ended notes that the connection broke, and says so if it was its path.
func (c *conn) ended(err error) error {
	if err == nil {
		return nil
	}
	c.over(c.sent.settled())
	if v := c.verdict.Load(); v != nil {
		return v // whatever else came of it
	}
	return err
}

// Close ends the connection.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	if c.path != nil {
		c.path.watch.forget(c)
	}
	if c.release != nil {
		defer c.release()
	}
	err := c.Conn.Close()
	c.sent.settle()
	c.over(true) // net/http waits for this before it tries another connection
	c.target.transport.dialer.unuse(c.target)
	return err
}

// Hold keeps a connection that this package made open even if its path is found dead, until release is called: for requests that nobody would send again.
// conn is what [net/http/httptrace.GotConnInfo] has.
func Hold(c net.Conn) (release func()) {
	for range maxDepth {
		if own, ok := c.(*conn); ok {
			own.patient.Add(1)
			return func() { own.patient.Add(-1) }
		}
		if c = inside(c); c == nil {
			break
		}
	}
	return func() {}
}

// NetConn returns the connection inside, as [tls.Conn.NetConn] does.
func (c *conn) NetConn() net.Conn { return c.Conn }

// end ends the connection because its path is dead.
func (c *conn) end() {
	c.verdict.CompareAndSwap(nil, &Error{
		Host: c.target.host, Cause: resolver.CausePathDead,
		Err: errors.New("no answer from " + c.target.host + " at " + c.RemoteAddr().String() + ": the path is dead"),
	})
	abort(c.path.raw)
	_ = c.Conn.Close()
}

// CloseWrite is a TCP connection's: a reverse proxy ends its half of an upgraded one so.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn is a TCP connection's: database drivers look at it before they use a kept one.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if raw := rawOf(c.Conn); raw != nil {
		return raw, nil
	}
	return nil, errors.ErrUnsupported
}

// started is where this package's times begin.
var started = time.Now()

// maxDepth is how deep a connection may be wrapped: nobody wraps deeper.
const maxDepth = 8

// rawOf finds the TCP socket under a connection, or nil.
func rawOf(c net.Conn) syscall.RawConn {
	for range maxDepth {
		if socket, ok := c.(syscall.Conn); ok {
			raw, err := socket.SyscallConn()
			if err != nil {
				return nil
			}
			return raw
		}
		if c = inside(c); c == nil {
			return nil
		}
	}
	return nil
}

// inside is the connection that c wraps, or nil.
func inside(c net.Conn) net.Conn {
	if outer, ok := c.(interface{ NetConn() net.Conn }); ok {
		return outer.NetConn()
	}
	return embedded(c)
}

// embedded is the connection in a struct{ net.Conn }, which is how programs that count or limit what a connection carries wrap one: it has no
// method to get at it.
func embedded(c net.Conn) net.Conn {
	v := reflect.ValueOf(c)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	f, ok := v.Type().FieldByName("Conn")
	if !ok || !f.Anonymous {
		return nil
	}
	inner, _ := v.FieldByIndex(f.Index).Interface().(net.Conn)
	return inner
}
