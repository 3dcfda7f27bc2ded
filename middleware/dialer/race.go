package dialer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
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

// goal is what is to be connected to.
type goal struct {
	in      *transport
	network string
	to      *target
	config  *tls.Config
	served  bool      // an endpoint serves the host
	zonal   bool      // the host is a zonal name, or lies under one
	name    link.Name // of it, unless it is only checked
	hurried bool      // within the connect timeout, and not at all if it is ejected
	latest  time.Time // when DNS and TCP have to be done; zero: that is not limited
}

// race is the making of one connection: attempts to several addresses, of which the first to succeed wins.
type race struct {
	goal
	results chan *attempt
	running []*attempt
	next    []string // addresses that are left
	first   error
	blame   bool // it is the name's failure, and not the caller's
}

func (d *Dialer) newRace(in *transport, network, addr, host string, config *tls.Config) *race {
	r := &race{goal: goal{in: in, network: network, to: d.use(in, addr, host), config: config}, results: make(chan *attempt)}
	if in.timeout > 0 {
		r.latest = time.Now().Add(in.timeout)
	}
	if config != nil {
		r.to.secure.Store(true)
	}
	return r
}

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
