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
	// addressed says that attempts are made at addresses, and not at the host by its name.
	addressed bool
	only      netip.AddrPort // what a check of an address connects to
}

// race is the making of one connection: attempts to several addresses, of which the first to succeed wins.
type race struct {
	goal
	results chan *attempt
	running []*attempt
	next    []string // addresses that are left
	first   error
	failing bool // it is the name's failure, and not the caller's
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
			r.leave(ctx, a)
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
	waited := patience{last: time.Now()}
	if limit := r.limit(); r.hurried && limit > 0 {
		ticker := time.NewTicker(min(step, limit))
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
			r.next, r.addressed = l.addresses, l.known
			if r.in.place == atHome {
				waited = patience{last: time.Now()} // it is the address that has to answer
			}
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
			case r.down():
				return nil, r.timeout()
			case r.waits() && waited.over(time.Now(), r.limit()):
				r.failing = true
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
	r.failing = ended == nil || errors.Is(ended, context.DeadlineExceeded)
	switch {
	case err != nil:
		return err
	case errors.Is(ended, context.DeadlineExceeded):
		return &net.OpError{Op: "dial", Net: r.network, Err: errDeadline}
	}
	return &net.OpError{Op: "dial", Net: r.network, Err: ended}
}

func (r *race) timeout() error { return &net.OpError{Op: "dial", Net: r.network, Err: errTimeout} }

// lookup is what a host's addresses are.
type lookup struct {
	addresses []string
	known     bool // they are addresses, and not the host's name
	err       error
}

// addresses are those to try, in order. A host of which nothing is known is left to what connects, and so is one that it wants to know.
func (r *race) addresses(ctx context.Context) lookup {
	host, port, _ := net.SplitHostPort(r.to.addr)
	ctx, cancel := r.limited(ctx)
	defer cancel()
	ip, err := netip.ParseAddr(host)
	switch literal := err == nil; {
	case r.only.IsValid():
		return lookup{addresses: []string{r.only.String()}}
	case r.in.byHost && r.served && !r.zonal:
		return lookup{addresses: slices.Repeat([]string{r.to.addr}, asks)}
	case literal:
		known := !r.in.byHost && r.in.dialer.nameAt(ip.Unmap()) != nil // somebody has looked it up before: see LookupHost
		return lookup{addresses: []string{r.to.addr}, known: known}
	case r.in.byHost, !r.served && !r.in.knows(ctx, host):
		return lookup{addresses: []string{r.to.addr}}
	case r.in.place == atHome:
		return r.atHome(ctx, host, port)
	case r.zonal:
		ips, err := r.in.lookup.LookupNetIP(ctx, family(r.network), host)
		return r.lookup(ips, port, err)
	}
	ips, err := r.in.addresses(ctx, family(r.network), host)
	return r.lookup(r.in.order(host, ips, r.in.nearest(host, ips), r.in.placeFor(ctx)), port, err)
}

// atHome are the host's addresses in this zone. They needn't be looked up: the request was sent here because they are known. A name that is ejected for what it
// answered can be connected to, by the request that probes it.
func (r *race) atHome(ctx context.Context, host, port string) lookup {
	l := r.in.dialer.hosts.of(host)
	if l == nil || l.older(knownFor) {
		l = r.in.learn(ctx, host, learnTimeout)
	}
	var ips []netip.Addr
	if l != nil {
		for _, ip := range l.home {
			if name := r.in.dialer.nameAt(ip); r.in.rank(host, ip, atHome) == first || name != nil && !name.Down() {
				ips = append(ips, ip)
			}
		}
	}
	if len(ips) == 0 {
		return r.lookup(nil, port, errNotHome)
	}
	return r.lookup(ips, port, nil)
}

func (r *race) lookup(ips []netip.Addr, port string, err error) lookup {
	if err != nil {
		return lookup{err: &net.OpError{Op: "dial", Net: r.network, Err: err}}
	}
	l := lookup{known: true}
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
	a := &attempt{address: r.next[0], beside: aside, begun: time.Now(), seen: r.addressed}
	r.next = r.next[1:]
	r.running = append(r.running, a)
	if r.judges() {
		ctx = context.WithoutCancel(ctx) // it may go on without the caller: see leave
	}
	ctx, a.cancel = context.WithCancel(context.WithValue(ctx, socketKey{}, &a.socket))
	go func() {
		defer func() {
			if aside {
				beside.Add(-1)
			}
			select {
			case r.results <- a:
			case <-done: // it was overtaken, or is too late
				r.late(ctx, a)
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
	if ctx.Err() == nil {
		r.blame(a, a.err)
	}
}

func (r *race) drop(a *attempt) {
	r.running = slices.DeleteFunc(r.running, func(other *attempt) bool { return other == a })
}

// unwanted reports whether a connection leads to an address that is to be avoided, and another one may still be had. Only a dialer that knows
// hosts only makes such connections.
func (r *race) unwanted(a *attempt) bool {
	if !r.in.byHost || r.zonal || len(r.next) == 0 {
		return false
	}
	addr := addrOf(a.conn)
	return addr.IsValid() && r.in.rank(r.to.host, addr.Addr(), r.in.place) == last
}

// lastResort reports whether the next address is one to try last. It may connect well and never answer, so it has to win no race against a healthy one that
// takes a moment.
func (r *race) lastResort() bool {
	addr, err := netip.ParseAddrPort(r.next[0])
	return err == nil && r.name == nil && r.served && r.in.rank(r.to.host, addr.Addr().Unmap(), r.in.place) == last
}

// patience counts the time in which this process ran.
type patience struct {
	spent time.Duration
	last  time.Time
}

// over counts the time since it was last called, and reports whether the limit is reached.
func (p *patience) over(now time.Time, limit time.Duration) bool {
	took := now.Sub(p.last)
	p.last = now
	if took > step {
		took = time.Duration(float64(step) * float64(step) / float64(took))
	}
	p.spent += took
	return p.spent >= limit
}
