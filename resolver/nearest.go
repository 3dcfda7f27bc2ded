package resolver

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// NearestAddrs are the addresses that a dialer connects to first of those of a host that
// no endpoint serves: most often one, and several if none of them is surely nearer than the
// others. Whether they are in this zone nobody knows: they are the nearest of the host's
// private addresses.
type NearestAddrs struct {
	Host      string
	Addresses []netip.Addr
	Why       string    // the dialer's words
	Since     time.Time // when these became the nearest
}

// maxNearest bounds how many hosts have one. Routes to others don't say so.
const maxNearest = 256

// nearest is the hosts of which a dialer prefers addresses. The zero value is ready.
type nearest struct {
	hosts atomic.Pointer[map[string]NearestAddrs] // nil if there are none; replaced and never changed
	mu    sync.Mutex                              // held to replace it
}

// mark says of the route of a host that no endpoint is known for whether it has a nearest
// address.
func (n *nearest) mark(m Mode, route Route, host string) Route {
	if hosts := n.hosts.Load(); hosts != nil && m == Prefer && route.Target == Unmatched && route.Reason == NoEndpoint {
		if _, ok := (*hosts)[host]; ok {
			route.Reason = Nearest
		}
	}
	return route
}

// prefer takes in that a dialer prefers addresses of the host, or no longer any, and logs
// what is new.
func (n *nearest) prefer(log *logs, host string, addrs []netip.Addr, why string) {
	before, changed := n.replace(host, NearestAddrs{host, addrs, why, time.Now()})
	switch {
	case !changed:
	case len(addrs) == 0:
		log.info("azaffinity: no address of a host is the nearest any longer", "host", host, "was", before.Addresses, "why", why)
	default:
		log.info("azaffinity: connections to a host are made to its nearest address first", "host", host, "addresses", addrs, "why", why)
	}
}

// replace enters a host's addresses, or removes them, and reports whether that is a change.
func (n *nearest) replace(host string, now NearestAddrs) (before NearestAddrs, changed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	hosts := map[string]NearestAddrs{}
	if all := n.hosts.Load(); all != nil {
		hosts = maps.Clone(*all)
	}
	before, had := hosts[host]
	switch {
	case slices.Equal(before.Addresses, now.Addresses), !had && len(hosts) >= maxNearest:
		return NearestAddrs{}, false
	case len(now.Addresses) > 0:
		hosts[host] = now
	default:
		delete(hosts, host)
	}
	if len(hosts) == 0 {
		n.hosts.Store(nil)
	} else {
		n.hosts.Store(&hosts)
	}
	return before, true
}

// list is all of them, by their hosts' names.
func (n *nearest) list() []NearestAddrs {
	hosts := n.hosts.Load()
	if hosts == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(*hosts), func(a, b NearestAddrs) int { return cmp.Compare(a.Host, b.Host) })
}
