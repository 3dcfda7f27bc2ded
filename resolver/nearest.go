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

// NearestAddr is the address that a dialer connects to first of those of a host that no
// endpoint serves. Whether it is in this zone nobody knows: it is the nearest of the
// host's private addresses.
type NearestAddr struct {
	Host    string
	Address netip.Addr
	Why     string    // the dialer's words
	Since   time.Time // when this address became the nearest
}

// maxNearest bounds how many hosts have one. Routes to others don't say so.
const maxNearest = 256

// nearest is the hosts of which a dialer prefers an address. The zero value is ready.
type nearest struct {
	hosts atomic.Pointer[map[string]NearestAddr] // nil if there are none; replaced and never changed
	mu    sync.Mutex                             // held to replace it
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

// prefer takes in that a dialer prefers an address of the host, or no longer one if addr
// is not valid, and logs what is new.
func (n *nearest) prefer(log *logs, host string, addr netip.Addr, why string) {
	before, changed := n.replace(host, NearestAddr{host, addr, why, time.Now()})
	switch {
	case !changed:
	case !addr.IsValid():
		log.info("azaffinity: no address of a host is the nearest any longer", "host", host, "was", before.Address, "why", why)
	default:
		log.info("azaffinity: connections to a host are made to its nearest address first", "host", host, "address", addr, "why", why)
	}
}

// replace enters a host's address, or removes it, and reports whether that is a change.
func (n *nearest) replace(host string, now NearestAddr) (before NearestAddr, changed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	hosts := map[string]NearestAddr{}
	if all := n.hosts.Load(); all != nil {
		hosts = maps.Clone(*all)
	}
	before, had := hosts[host]
	switch {
	case before.Address == now.Address, !had && len(hosts) >= maxNearest:
		return before, false
	case now.Address.IsValid():
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
func (n *nearest) list() []NearestAddr {
	hosts := n.hosts.Load()
	if hosts == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(*hosts), func(a, b NearestAddr) int { return cmp.Compare(a.Host, b.Host) })
}
