package dialer

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// attempt is one address.
type attempt struct {
	address string
	socket  socket
	beside  bool // it takes one of the process's slots
	cancel  context.CancelFunc

	conn   *conn
	secure *tls.Conn
	err    error
}

// socket is where an attempt's socket is seen before it is connected.
type (
	socket struct {
		raw atomic.Pointer[syscall.RawConn]
	}
	socketKey struct{}
)

// connect makes the attempt's connection.
func (r *race) connect(ctx context.Context, a *attempt) {
	by := r.in.by
	if !r.served {
		by = r.in.usual
	}
	inner, err := by(ctx, r.network, a.address)
	if err != nil {
		a.err = err
		return
	}
	d := r.in.dialer
	d.use(r.in, r.to.addr, r.to.host) // until the connection is closed
	a.conn = &conn{Conn: inner, target: r.to}
	raw := rawOf(inner)
	if raw != nil {
		a.socket.raw.Store(&raw)
	}
	if r.config != nil {
		a.conn.timeout = d.reading
		if a.err = r.handshake(ctx, a); a.err != nil {
			_ = a.conn.Close()
			return
		}
		a.conn.shared = a.secure.ConnectionState().NegotiatedProtocol == "h2"
	}
	r.to.died.Store(false)
	addr := addrOf(inner)
	if r.name != nil && addr.IsValid() {
		r.name.Connected(addr.Addr())
	}
	if r.served {
		d.watch.follow(a.conn, raw, addr, func() { d.pathDied(r.to, addr.Addr()) })
	}
}

// handshake is TLS's.
func (r *race) handshake(ctx context.Context, a *attempt) error {
	if r.in.http != nil && r.in.http.TLSHandshakeTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.in.http.TLSHandshakeTimeout)
		defer cancel()
	}
	a.secure = tls.Client(a.conn, r.config)
	return a.secure.HandshakeContext(ctx)
}

// addrOf is where a connection leads.
func addrOf(c net.Conn) netip.AddrPort {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		addr := tcp.AddrPort()
		return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	}
	return netip.AddrPort{}
}

// handshaking reports whether the kernel has something of the server's: a second connection would only make both slower.
func (r *race) handshaking() bool {
	for _, a := range r.running {
		if info, ok := a.info(); ok && info.state == stateEstablished && (info.received > 0 || r.config == nil) {
			return true
		}
	}
	return false
}

// waits reports whether it is the network, or the server, that all attempts wait for, as far as the kernel knows. If not, this process hasn't
// got round to what is there.
func (r *race) waits() bool {
	for _, a := range r.running {
		info, ok := a.info()
		if ok && info.state == stateEstablished && (info.received > 0 || info.sent == 0 && info.unsent == 0) {
			return false
		}
	}
	return true
}

// info is what the kernel says of the attempt's socket.
func (a *attempt) info() (tcpInfo, bool) {
	raw := a.socket.raw.Load()
	if raw == nil {
		return tcpInfo{}, false
	}
	return readInfo(*raw)
}

// patience counts the time in which this process ran.
type patience struct {
	limit, spent time.Duration
	last         time.Time
}

// over counts the time since it was last called, and reports whether the limit is reached.
func (p *patience) over(now time.Time) bool {
	took := now.Sub(p.last)
	p.last = now
	if took > step {
		took = time.Duration(float64(step) * float64(step) / float64(took))
	}
	p.spent += took
	return p.spent >= p.limit
}
