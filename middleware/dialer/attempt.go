package dialer

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
)

// attempt is one address.
type attempt struct {
	address string
	socket  socket
	beside  bool // it takes one of the process's slots
	begun   time.Time
	seen    bool        // its socket is, as soon as there is one
	left    atomic.Bool // nobody needs the connection any more
	over    atomic.Bool // it is known what became of it since
	cancel  context.CancelFunc

	conn   *conn
	secure *tls.Conn
	err    error
}

// socket is where an attempt's socket is seen before it is connected.
type (
	socket struct {
		raw  atomic.Pointer[syscall.RawConn]
		conn atomic.Pointer[conn] // once it is connected
	}
	socketKey struct{}
)

// attempt makes a connection, or an error, whatever the function that connects does.
func (r *race) attempt(ctx context.Context, a *attempt) {
	err := errNoConnection
	defer func() {
		if a.err = err; err != nil && a.conn != nil {
			_ = a.conn.Close()
		}
	}()
	defer r.recover(&err)
	err = r.connect(ctx, a)
}

// connect makes the attempt's connection.
func (r *race) connect(ctx context.Context, a *attempt) error {
	by := r.in.by
	if !r.served && !r.addressed && r.in.usual != nil {
		by = r.in.usual
	}
	r.noteHome(a)
	connecting, cancel := r.limited(ctx)
	inner, err := by(connecting, r.network, a.address)
	cancel()
	switch {
	case err != nil:
		return err
	case inner == nil:
		return errNoConnection
	case a.left.Load():
		_ = inner.Close()
		return errOvertaken
	}
	d := r.in.dialer
	d.use(r.in, r.to.addr, r.to.host) // until the connection is closed
	a.conn = &conn{Conn: inner, target: r.to}
	a.socket.conn.Store(a.conn)
	addr := addrOf(inner)
	raw := rawOf(inner)
	if raw != nil {
		a.socket.raw.Store(&raw)
		r.measure(raw, addr.Addr())
	}
	if r.config != nil {
		a.conn.timeout = d.reading
		if err := r.handshake(ctx, a); err != nil {
			return err
		}
		a.conn.shared = a.secure.ConnectionState().NegotiatedProtocol == "h2"
	}
	a.conn.sent.handed, a.conn.sent.greeted = true, a.secure == nil || a.secure.ConnectionState().Version < tls.VersionTLS13
	r.to.died.Store(false)
	r.to.made.Store(true)
	at := d.nameAt(addr.Addr())
	switch {
	case r.name != nil && addr.IsValid():
		r.name.Connected(addr.Addr())
	case !r.zonal && at != nil:
		at.Connected(addr.Addr())
	}
	if r.served || r.addressed || at != nil {
		d.watch.follow(a.conn, raw, addr, func() { d.pathDied(r.to, addr.Addr()) })
	}
	return nil
}

// handshake is TLS's.
func (r *race) handshake(ctx context.Context, a *attempt) error {
	a.secure = tls.Client(a.conn, r.config)
	if r.in.http == nil || r.in.http.TLSHandshakeTimeout <= 0 {
		return a.secure.HandshakeContext(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, r.in.http.TLSHandshakeTimeout)
	defer cancel()
	err := a.secure.HandshakeContext(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return errHandshake // and not the context's error, which would be taken for the caller's deadline
	}
	return err
}

// addrOf is where a connection leads.
func addrOf(c net.Conn) netip.AddrPort {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		addr := tcp.AddrPort()
		return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	}
	return netip.AddrPort{}
}

// limited is ctx with the time that DNS and TCP have, which TLS has not.
func (r *race) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.latest.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, r.latest)
}

// recover makes a panic of the function that connects, which is the user's perhaps, an error, and counts it. net/http calls that function on a goroutine of
// its own, where a panic ends the process; others call DialContext on theirs, where they might have recovered it, and can't here.
func (r *race) recover(err *error) {
	if p := recover(); p != nil {
		*err = &panicked{p}
		if resolver := r.in.dialer.resolver; resolver != nil {
			link.Panicked(resolver, p)
		}
	}
}

// measure notes how far the address is that was just connected to, as the kernel saw it.
func (r *race) measure(raw syscall.RawConn, addr netip.Addr) {
	if near := r.in.dialer.near; near != nil && !r.served {
		if info, ok := readInfo(raw); ok && info.resent == 0 {
			near.measured(addr, info.rtt)
		}
	}
}

// handshaking reports whether the kernel has something of the server's: a second connection would only make both slower.
func (r *race) handshaking() bool {
	return slices.ContainsFunc(r.running, func(a *attempt) bool {
		info, ok := a.info()
		return a.answered(info) || ok && info.state == stateEstablished && r.config == nil
	})
}

// waits reports whether it is the network, or the server, that all attempts wait for, as far as the kernel knows. If not, this process hasn't
// got round to what is there.
func (r *race) waits() bool {
	return !slices.ContainsFunc(r.running, func(a *attempt) bool { return !a.waits() })
}

// waits reports whether it is the network that the attempt waits for, and not this process, which has not got round to connecting, say.
func (a *attempt) waits() bool {
	if a.seen && a.socket.raw.Load() == nil {
		return false
	}
	info, ok := a.info()
	return !a.answered(info) && !(ok && info.state == stateEstablished && info.sent == 0 && info.unsent == 0)
}

// connected reports whether TCP is, as far as the kernel knows.
func (a *attempt) connected() bool {
	info, ok := a.info()
	return ok && info.state == stateEstablished
}

// answered reports whether the server has begun to answer the handshake: the kernel has something of it, or, where that doesn't tell, we have. The first
// that moves is our part.
func (a *attempt) answered(info tcpInfo) bool {
	c := a.socket.conn.Load()
	return info.state == stateEstablished && info.received > 0 || c != nil && c.moves.Load() > 1
}

// info is what the kernel says of the attempt's socket.
func (a *attempt) info() (tcpInfo, bool) {
	raw := a.socket.raw.Load()
	if raw == nil {
		return tcpInfo{}, false
	}
	return readInfo(*raw)
}
