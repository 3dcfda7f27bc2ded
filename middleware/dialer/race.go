package dialer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

const (
	// attemptDelay is how long a connection attempt goes on alone, if the host has more addresses ("Connection Attempt Delay", RFC 8305).
	attemptDelay = 100 * time.Millisecond
	// step is what the connect timeout is counted in. A step that took n times as long says that this process hardly ran, and counts as an nth.
	step = 50 * time.Millisecond
	// maxBeside is how many attempts this process makes beside others at a time: if everything is slow to connect, more of them make it worse.
	maxBeside = 32
	// asks is how often a dialer that knows hosts only is asked, to come to another address.
	asks = 4
)

var beside atomic.Int32

// connect makes a connection, with TLS if there is a config for it.
func (in *transport) connect(ctx context.Context, network, addr string, config *tls.Config) (*conn, *tls.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	d := in.dialer
	r := d.newRace(in, network, addr, host, config)
	defer d.unuse(r.to)
	if d.resolver != nil {
		r.name = link.NameOf(d.resolver, host)
	}
	r.zonal = r.name != nil
	r.served = r.zonal || in.served(host)
	r.hurried = r.name != nil && !in.asIs && ctx.Value(asIsKey{}) == nil
	if r.hurried && r.name.Down() {
		return nil, nil, in.refused(r.to, network)
	}
	won, err := r.run(ctx)
	if err != nil {
		err := in.failed(r.to, host, err)
		if r.name != nil && r.blame && !ours(err) {
			r.name.Failed(uint8(err.Cause), err.Err)
		}
		return nil, nil, err
	}
	return won.conn, won.secure, nil
}

// refused is the error for a name that is ejected, and tried in the background. net/http comes here by itself with a GET whose connection's path died.
func (in *transport) refused(to *target, network string) *Error {
	err := in.failed(to, to.host, &net.OpError{Op: "dial", Net: network, Err: errEjected})
	if to.died.Load() {
		err.Cause = resolver.CausePathDead
	}
	return err
}

// ours reports whether it is this process that can't make connections.
func ours(err error) bool {
	return errors.As(err, new(*panicked)) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// failed is the error for a connection that wasn't made.
func (in *transport) failed(to *target, host string, err error) *Error {
	return &Error{Host: host, Cause: causeOf(err), Err: err, to: to}
}

// race is the making of one connection: attempts to several addresses, of which the first to succeed wins.
type race struct {
	in      *transport
	network string
	to      *target
	config  *tls.Config
	served  bool      // an endpoint serves the host
	zonal   bool      // the host is a zonal name, or lies under one
	name    link.Name // of it, unless it is only checked
	hurried bool      // within the connect timeout, and not at all if it is ejected
	results chan *attempt

	running []*attempt
	next    []string // addresses that are left
	first   error
	blame   bool      // it is the name's failure, and not the caller's
	latest  time.Time // when DNS and TCP have to be done; zero: that is not limited
}

func (d *Dialer) newRace(in *transport, network, addr, host string, config *tls.Config) *race {
	r := &race{in: in, network: network, to: d.use(in, addr, host), config: config, results: make(chan *attempt)}
	if in.timeout > 0 {
		r.latest = time.Now().Add(in.timeout)
	}
	if config != nil {
		r.to.secure.Store(true)
	}
	return r
}

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
		raw  atomic.Pointer[syscall.RawConn]
		conn atomic.Pointer[conn] // once it is connected
	}
	socketKey struct{}
)

// run makes attempts until one succeeds, all have failed, or there is no time left.
func (r *race) run(ctx context.Context) (*attempt, error) {
	done := make(chan struct{})
	defer close(done)
	defer func() {
		for _, a := range r.running {
			a.cancel()
		}
	}()
	looked := make(chan lookup, 1)
	go func() {
		l := lookup{err: errNoConnection}
		defer func() { looked <- l }()
		defer r.recover(&l.err)
		l = r.addresses(ctx)
	}()
	var ticks <-chan time.Time
	waited := patience{limit: r.in.dialer.timeout, last: time.Now()}
	if r.hurried && waited.limit > 0 {
		ticker := time.NewTicker(min(step, waited.limit))
		defer ticker.Stop()
		ticks = ticker.C
	}
	delay := time.NewTimer(attemptDelay)
	defer delay.Stop()
	begun := time.Now()
	for {
		select {
		case l := <-looked:
			if l.err != nil {
				return nil, r.over(ctx, l.err)
			}
			r.next = l.addresses
			r.start(ctx, done, false)
			delay.Reset(attemptDelay)
		case a := <-r.results:
			r.drop(a)
			switch {
			case a.err != nil:
				a.cancel()
				r.failed(ctx, a)
			case !r.unwanted(a):
				a.conn.release = a.cancel // its context may be the connection's
				return a, nil
			default:
				_ = a.conn.Close()
				a.cancel()
			}
			if !r.start(ctx, done, false) && len(r.running) == 0 {
				return nil, r.over(ctx, r.first)
			}
			delay.Reset(attemptDelay)
		case <-delay.C:
			if len(r.next) > 0 {
				if !r.lastResort() || time.Since(begun) >= DefaultConnectTimeout {
					r.start(ctx, done, true)
				}
				delay.Reset(attemptDelay)
			}
		case <-ticks:
			switch {
			case r.name.Down():
				return nil, r.timeout()
			case r.waits() && waited.over(time.Now()):
				r.blame = true
				return nil, r.timeout()
			}
		case <-ctx.Done():
			return nil, r.over(ctx, r.first)
		}
	}
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

// over is the error when there is nothing left to try, or no time.
func (r *race) over(ctx context.Context, err error) error {
	ended := ctx.Err()
	r.blame = ended == nil || errors.Is(ended, context.DeadlineExceeded)
	switch {
	case err != nil:
		return err
	case errors.Is(ended, context.DeadlineExceeded):
		return r.timeout()
	}
	return &net.OpError{Op: "dial", Net: r.network, Err: ended}
}

func (r *race) timeout() error { return &net.OpError{Op: "dial", Net: r.network, Err: errTimeout} }

// lookup is what a host's addresses are.
type lookup struct {
	addresses []string
	err       error
}

// addresses are those to try, in order. A host that no endpoint serves is left to what connects, and so is one that it wants to know.
func (r *race) addresses(ctx context.Context) lookup {
	host, port, _ := net.SplitHostPort(r.to.addr)
	switch {
	case !r.served || r.in.byHost && r.zonal:
		return lookup{addresses: []string{r.to.addr}}
	case r.in.byHost:
		return lookup{addresses: slices.Repeat([]string{r.to.addr}, asks)}
	}
	ctx, cancel := r.limited(ctx)
	defer cancel()
	ips, err := r.in.lookup.LookupNetIP(ctx, family(r.network), host)
	if err != nil {
		return lookup{err: &net.OpError{Op: "dial", Net: r.network, Err: err}}
	}
	if !r.zonal {
		ips = r.in.dialer.order(ips)
	}
	var l lookup
	for _, ip := range ips {
		l.addresses = append(l.addresses, net.JoinHostPort(ip.Unmap().String(), port))
	}
	return l
}

// family is how package net names the addresses that a network takes.
func family(network string) string {
	switch network {
	case "tcp4":
		return "ip4"
	case "tcp6":
		return "ip6"
	}
	return "ip"
}

// start makes an attempt at the next address. One that is to go beside others waits until there is a slot for it, and until it is of use.
func (r *race) start(ctx context.Context, done <-chan struct{}, aside bool) bool {
	if len(r.next) == 0 {
		return false
	}
	aside = aside && len(r.running) > 0
	if aside {
		if r.handshaking() {
			return false
		}
		if beside.Add(1) > maxBeside {
			beside.Add(-1)
			return false
		}
	}
	a := &attempt{address: r.next[0], beside: aside}
	r.next = r.next[1:]
	r.running = append(r.running, a)
	ctx, a.cancel = context.WithCancel(context.WithValue(ctx, socketKey{}, &a.socket))
	go func() {
		defer func() {
			if aside {
				beside.Add(-1)
			}
			select {
			case r.results <- a:
			case <-done: // it was overtaken, or is too late
				if a.err == nil {
					_ = a.conn.Close()
				}
				a.cancel()
			}
		}()
		r.attempt(ctx, a)
	}()
	return true
}

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
	if !r.served && r.in.usual != nil {
		by = r.in.usual
	}
	connecting, cancel := r.limited(ctx)
	inner, err := by(connecting, r.network, a.address)
	cancel()
	switch {
	case err != nil:
		return err
	case inner == nil:
		return errNoConnection
	}
	d := r.in.dialer
	d.use(r.in, r.to.addr, r.to.host) // until the connection is closed
	a.conn = &conn{Conn: inner, target: r.to}
	a.socket.conn.Store(a.conn)
	raw := rawOf(inner)
	if raw != nil {
		a.socket.raw.Store(&raw)
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
	addr := addrOf(inner)
	if r.name != nil && addr.IsValid() {
		r.name.Connected(addr.Addr())
	}
	if r.served {
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

// failed notes what became of an attempt.
func (r *race) failed(ctx context.Context, a *attempt) {
	if r.first == nil {
		r.first = a.err
	}
	if addr, err := netip.ParseAddrPort(a.address); err == nil && ctx.Err() == nil && !r.zonal && r.served && !ours(a.err) {
		r.in.dialer.avoidAddr(addr.Addr().Unmap())
	}
}

func (r *race) drop(a *attempt) {
	for i, other := range r.running {
		if other == a {
			r.running = append(r.running[:i], r.running[i+1:]...)
			return
		}
	}
}

// unwanted reports whether a connection leads to an address that is to be avoided, and another one may still be had. Only a dialer that knows
// hosts only makes such connections.
func (r *race) unwanted(a *attempt) bool {
	if !r.in.byHost || r.zonal || len(r.next) == 0 {
		return false
	}
	addr := addrOf(a.conn)
	return addr.IsValid() && r.in.dialer.shouldAvoid(addr.Addr())
}

// lastResort reports whether the next address is one to avoid. It may connect well and never answer, so it has to win no race against a healthy one that
// takes a moment.
func (r *race) lastResort() bool {
	addr, err := netip.ParseAddrPort(r.next[0])
	return err == nil && r.name == nil && r.served && r.in.dialer.shouldAvoid(addr.Addr().Unmap())
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
	return !slices.ContainsFunc(r.running, func(a *attempt) bool {
		info, ok := a.info()
		return a.answered(info) || ok && info.state == stateEstablished && info.sent == 0 && info.unsent == 0
	})
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
