package dialer

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// besideWait is how much longer than a host's own addresses the zonal name's may take, which are asked for at the same time, before the first connection is
// made without them. It is waited for in besideTicks.
const besideWait, besideTicks = 50 * time.Millisecond, 5

// place is what a transport connects to.
type place uint8

const (
	anywhere  place = iota // this zone first
	atHome                 // addresses in this zone only
	elsewhere              // this zone last
)

type elsewhereKey struct{}

// Elsewhere returns a context for requests that are sent away from this zone: connections that are made for them lead to addresses in this zone last. Package
// middleware gives it to those that its failover sends.
func Elsewhere(ctx context.Context) context.Context {
	return context.WithValue(ctx, elsewhereKey{}, true)
}

// placeFor is what is connected to for a request.
func (in *transport) placeFor(ctx context.Context) place {
	if in.place == anywhere && ctx.Value(elsewhereKey{}) != nil {
		return elsewhere
	}
	return in.place
}

// rank is where an address comes in the order to try.
type rank uint8

const (
	first rank = iota
	ordinary
	last // it has failed lately, or nobody is to go there
)

// rank says where an address of the host comes, if a place is to be connected to. One in this zone is last only if its name is ejected: a failure or two don't do that, and nobody would see it
// answer again.
func (in *transport) rank(host string, ip netip.Addr, to place) rank {
	d := in.dialer
	at := d.resolver.Locate(ip)
	switch {
	case at == resolver.HomeEjected, d.avoid.has(host, ip):
		return last
	case at == resolver.Home && to == elsewhere:
		return last
	case at == resolver.Home:
		return first
	case d.resolver != nil && link.SuspectAddr(d.resolver, ip):
		return last
	}
	return ordinary
}

// order puts addresses in the order to try: those in this zone, the others as DNS rotates them, and those that failed lately or belong to an ejected name. Of
// the others, the nearest come first if they are known.
func (in *transport) order(host string, ips, nearest []netip.Addr, to place) []netip.Addr {
	var ranked [last + 1][]netip.Addr
	for _, ip := range ips {
		ip = ip.Unmap()
		r := in.rank(host, ip, to)
		if r == ordinary && slices.Contains(nearest, ip) {
			r = first
		}
		ranked[r] = append(ranked[r], ip)
	}
	return slices.Concat(ranked[first], ranked[ordinary], ranked[last])
}

// knows reports whether there is something known of a host that no endpoint serves: of where one of its addresses is, that one has failed, or which is the
// nearest. If not, it is connected to by its name, as it would be without this package.
func (in *transport) knows(ctx context.Context, host string) bool {
	d := in.dialer
	if d.resolver == nil || !link.Active(d.resolver) {
		return false
	}
	l := d.hosts.of(host)
	if l == nil || l.older(knownFor) {
		l = in.learn(ctx, host, attemptDelay)
	}
	if l == nil {
		return false
	}
	if len(l.addrs) == 0 {
		d.arm(l) // DNS was late, perhaps: it is asked again beside calls, and not by them
		return false
	}
	if slices.ContainsFunc(l.addrs, func(ip netip.Addr) bool { return in.rank(host, ip, in.place) != ordinary }) {
		return true
	}
	return len(in.nearest(host, l.addrs)) > 0 && !d.near.explores(host)
}

// nearest is which of a host's addresses are known to be the nearest, if none is in this zone.
func (in *transport) nearest(host string, ips []netip.Addr) []netip.Addr {
	d := in.dialer
	if d.near == nil || d.resolver == nil || !link.Active(d.resolver) || in.served(host) {
		return nil
	}
	var others []netip.Addr
	for _, ip := range ips {
		switch ip = ip.Unmap(); in.rank(host, ip, in.place) {
		case first:
			return nil
		case ordinary:
			others = append(others, ip)
		}
	}
	near, news := d.near.prefer(host, others, time.Since(started))
	if news != "" {
		link.Nearest(d.resolver, host, near, news)
	}
	return near
}

// addresses are a host's. If an endpoint serves it, and it is not known yet which of them is in this zone, its zonal name is asked for, too, at the same time.
func (in *transport) addresses(ctx context.Context, family, host string) ([]netip.Addr, error) {
	learned := in.learnZonal(ctx, host)
	ips, err := in.lookup.LookupNetIP(ctx, family, host)
	if err != nil || learned == nil {
		return ips, err
	}
	if slices.ContainsFunc(ips, func(ip netip.Addr) bool { return in.dialer.resolver.Locate(ip.Unmap()) != resolver.Unknown }) {
		return ips, nil
	}
	ticks := time.NewTicker(besideWait / besideTicks)
	defer ticks.Stop()
	waitBeside(ctx, learned, ticks.C)
	return ips, nil
}

// waitBeside waits until it is learned, but only for so many ticks, of which a late one is one: a process that hardly runs waits longer, since whoever learns
// has to run, too.
func waitBeside(ctx context.Context, learned <-chan struct{}, ticks <-chan time.Time) {
	for range besideTicks {
		select {
		case <-learned:
			return
		case <-ticks:
		case <-ctx.Done():
			return
		}
	}
}

// learnZonal has a host's zonal name looked up, if there is one that nobody has looked up yet, and returns what is closed when that is done.
func (in *transport) learnZonal(ctx context.Context, host string) <-chan struct{} {
	r := in.dialer.resolver
	if r == nil {
		return nil
	}
	route := r.Resolve(host)
	if route.Target != resolver.Zonal || route.Observed != "" {
		return nil
	}
	located := func(ip netip.Addr) bool { return r.Locate(ip) != resolver.Unknown }
	if name := link.NameOf(r, route.Host); name == nil || slices.ContainsFunc(name.Addrs(), located) {
		return nil
	}
	learned := make(chan struct{})
	go func() {
		defer close(learned)
		defer func() {
			if p := recover(); p != nil { // in a Dial function of the user's
				link.Panicked(r, p)
			}
		}()
		if ips, err := in.lookup.LookupNetIP(ctx, "ip", rooted(route.Host)); err == nil {
			link.Learned(r, route.Host, ips)
		}
	}()
	return learned
}

const (
	// avoidFor is how long an address is tried last, after it failed.
	avoidFor = 10 * time.Second
	maxAvoid = 256 // how many are remembered
)

// avoided are addresses that failed lately, and whose failure is not the health of a zonal name in this zone.
type avoided struct {
	some  atomic.Bool
	mu    sync.Mutex
	until map[hostAt]time.Duration // since started
}

// hostAt is a host at an address; no host stands for all.
type hostAt struct {
	host string
	addr netip.Addr
}

// has reports whether connections for a host should be made to another address, if there is one.
func (a *avoided) has(host string, ip netip.Addr) bool {
	if !a.some.Load() {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hasNow(hostAt{"", ip}) || a.hasNow(hostAt{host, ip})
}

func (a *avoided) hasNow(at hostAt) bool {
	until, ok := a.until[at]
	if ok && time.Since(started) >= until {
		delete(a.until, at)
		a.some.Store(len(a.until) > 0)
		return false
	}
	return ok
}

// add has an address tried last for a while: for a host, or for all.
func (a *avoided) add(host string, ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Since(started)
	if len(a.until) >= maxAvoid {
		maps.DeleteFunc(a.until, func(_ hostAt, until time.Duration) bool { return until <= now })
	}
	if len(a.until) < maxAvoid {
		a.until[hostAt{host, ip}] = now + avoidFor
		a.some.Store(true)
	}
}
