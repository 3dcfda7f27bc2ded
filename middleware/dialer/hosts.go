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

const (
	// refreshEvery is how often the addresses of hosts that requests are made to are looked up again: a zone may come back while all connections are kept.
	refreshEvery = 5 * time.Second
	// knownFor is how long the addresses of other hosts are relied on, to tell whether anything is known of them.
	knownFor = 30 * time.Second
	// learnTimeout is how long the first request to a host waits for its addresses, before it is sent without knowing whether one of them is in this zone. It has to
	// wait for them anyway, to be connected.
	learnTimeout = time.Second
	// maxHosts is how many hosts are remembered, at the most.
	maxHosts = 1024
)

// leads is where a host leads.
type leads struct {
	in     *transport // that looked it up
	addrs  []netip.Addr
	home   []netip.Addr // of them, those in this zone, ejected or not
	served bool         // an endpoint serves the host
	at     atomic.Int64 // when that was looked up, since started
	used   atomic.Bool  // by a request, since it was last refreshed
}

// older reports whether it was looked up longer ago than that.
func (l *leads) older(than time.Duration) bool {
	return time.Since(started)-time.Duration(l.at.Load()) > than
}

// split reports whether there is a choice between this zone and elsewhere.
func (l *leads) split() bool { return len(l.home) > 0 && len(l.home) < len(l.addrs) }

// same reports whether nothing has changed. DNS rotates the addresses.
func (l *leads) same(other *leads) bool {
	sorted := func(ips []netip.Addr) []netip.Addr { return slices.SortedFunc(slices.Values(ips), netip.Addr.Compare) }
	return l.served == other.served && slices.Equal(sorted(l.addrs), sorted(other.addrs)) && slices.Equal(sorted(l.home), sorted(other.home))
}

// hosts are where the hosts lead that requests were made to lately. A request reads one immutable map.
type hosts struct {
	known atomic.Pointer[map[string]*leads]
	armed atomic.Bool // a refresh is due
	mu    sync.Mutex  // guards changes of known, and timer
	timer *time.Timer
}

// of is where a host leads, or nil.
func (h *hosts) of(host string) *leads {
	if known := h.known.Load(); known != nil {
		return (*known)[host]
	}
	return nil
}

// put remembers where a host leads, and returns what is then known of it.
func (h *hosts) put(host string, l *leads) *leads {
	l.at.Store(int64(time.Since(started)))
	h.mu.Lock()
	defer h.mu.Unlock()
	known := map[string]*leads{}
	if now := h.known.Load(); now != nil {
		known = *now
	}
	if had := known[host]; had != nil {
		if had.in == l.in && had.same(l) {
			had.at.Store(l.at.Load())
			return had
		}
		l.used.Store(had.used.Load())
	}
	more := maps.Clone(known)
	if len(more) >= maxHosts {
		maps.DeleteFunc(more, func(_ string, l *leads) bool { return !l.used.Load() })
	}
	if len(more) >= maxHosts {
		clear(more) // they are looked up again when requests ask for them
	}
	more[host] = l
	h.known.Store(&more)
	return l
}

// learn looks a host up, for no longer than that, and remembers where it leads. If that fails, what was known stays; a host of which nothing was leads nowhere
// until it is looked up again. It returns nil if the caller gave up.
func (in *transport) learn(ctx context.Context, host string, timeout time.Duration) *leads {
	hosts := &in.dialer.hosts
	l := &leads{in: in, served: in.served(host)}
	if _, err := netip.ParseAddr(host); err == nil {
		return hosts.put(host, l)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	ips, err := in.addresses(limited, "ip", host)
	cancel()
	if ctx.Err() != nil {
		return nil
	}
	if had := hosts.of(host); err != nil && had != nil {
		return had
	}
	in.take(l, ips)
	return hosts.put(host, l)
}

// take notes which of the addresses are in this zone.
func (in *transport) take(l *leads, ips []netip.Addr) {
	for _, ip := range ips {
		ip = ip.Unmap()
		l.addrs = append(l.addrs, ip)
		if in.dialer.atHome(ip) {
			l.home = append(l.home, ip)
		}
	}
}

// put remembers where a host leads.
func (in *transport) put(host string, addrs []netip.Addr) *leads {
	l := &leads{in: in, served: in.served(host)}
	in.take(l, addrs)
	return in.dialer.hosts.put(host, l)
}

// atHome reports whether an address is in this zone, ejected or not.
func (d *Dialer) atHome(ip netip.Addr) bool {
	at := d.resolver.Locate(ip)
	return at == resolver.Home || at == resolver.HomeEjected
}

// arm has what requests use refreshed. It is on the way of every request.
func (d *Dialer) arm(l *leads) {
	if !l.used.Load() {
		l.used.Store(true)
	}
	if d.hosts.armed.Load() {
		return
	}
	h := &d.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.armed.Swap(true):
	case h.timer == nil:
		h.timer = time.AfterFunc(refreshEvery, d.refresh)
	default:
		h.timer.Reset(refreshEvery)
	}
}

// refresh looks hosts up that requests have asked for since the last time. If there are none, it isn't done again until there is a request.
func (d *Dialer) refresh() {
	defer func() {
		if p := recover(); p != nil { // in a Dial function of the user's
			link.Panicked(d.resolver, p)
			d.hosts.armed.Store(false)
		}
	}()
	again := false
	for host, l := range *d.hosts.known.Load() {
		if l.used.Swap(false) {
			again = true
			d.relearn(host, l)
		}
	}
	if !again {
		d.hosts.armed.Store(false)
		return
	}
	d.hosts.mu.Lock()
	defer d.hosts.mu.Unlock()
	d.hosts.timer.Reset(refreshEvery)
}

// relearn looks a host up again. What is known of it stays if that fails. One of which nothing is known, since DNS says nothing of it perhaps, keeps the others
// waiting for less.
func (d *Dialer) relearn(host string, l *leads) {
	timeout := refreshEvery
	if len(l.addrs) == 0 {
		timeout = learnTimeout
	}
	ctx, cancel := context.WithTimeout(link.Closing(d.resolver), timeout)
	defer cancel()
	if ips, err := l.in.addresses(ctx, "ip", host); err == nil {
		now := &leads{in: l.in, served: l.in.served(host)}
		l.in.take(now, ips)
		d.hosts.put(host, now)
	}
}
