package resolver

import (
	"net/netip"
	"slices"
	"sync/atomic"
)

const (
	// maxAddrs bounds how many addresses of a name are remembered. A zonal name leads to
	// one IPv4 address and perhaps one IPv6 address.
	maxAddrs = 8
	// maxRegional is the same for a regional name, which leads to those of every zone.
	maxRegional = 32
)

// addrs is where an endpoint's names lead.
type addrs struct {
	lately   addrList    // the zonal name, by DNS and by connections
	zonal    addrList    // the zonal name, by DNS alone: behind a connection may be a proxy
	regional addrList    // the regional name
	asked    atomic.Bool // DNS was, at least once
}

// addrList is a list that is replaced and never changed.
type addrList struct{ list atomic.Pointer[[]netip.Addr] }

func (l *addrList) get() []netip.Addr {
	if list := l.list.Load(); list != nil {
		return *list
	}
	return nil
}

// set replaces the list, and reports whether that is news.
func (l *addrList) set(addrs []netip.Addr) bool {
	for {
		before := l.list.Load()
		if before != nil && slices.Equal(*before, addrs) {
			return false
		}
		if l.list.CompareAndSwap(before, &addrs) {
			return true
		}
	}
}

// add adds what is not in the list, in place of the first if there are too many, and
// reports whether there was anything.
func (l *addrList) add(addrs []netip.Addr, most int) bool {
	for {
		before := l.list.Load()
		list := slices.Clip(l.get())
		news := false
		for _, a := range addrs {
			if !slices.Contains(list, a) {
				list, news = append(list, a), true
			}
		}
		if !news {
			return false
		}
		list = list[max(0, len(list)-most):]
		if l.list.CompareAndSwap(before, &list) {
			return true
		}
	}
}

// connected takes in that somebody has connected to the name.
func (h *health) connected(addr netip.Addr) {
	h.proven.Store(true)
	if addr.IsValid() {
		h.led([]netip.Addr{addr})
	}
}

// led takes in where the name led.
func (h *health) led(to []netip.Addr) {
	if !h.addrs.lately.add(to, maxAddrs) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.suspect.Load() && h.under == nil && !h.unlisted {
		h.names.setSuspect(h, true)
	}
}

// found takes in what DNS says of the name, beside what it said before.
func (h *health) found(addrs []netip.Addr) {
	h.led(addrs)
	places := &h.names.places
	unknown := func(a netip.Addr) bool { // they may have come from elsewhere a moment ago, which has not told yet
		_, at := places.find(a)
		return at == Unknown
	}
	if h.addrs.zonal.add(addrs, maxAddrs) || slices.ContainsFunc(addrs, unknown) {
		places.refresh()
	}
}

// suspects are the addresses that connections avoid.
type suspects struct {
	now     atomic.Pointer[suspicion] // nil: there are none
	names   map[*health]bool          // that are suspect; guarded by the names' lock, as is shifted
	shifted bool                      // away from the zone
}

// suspicion is replaced and never changed.
type suspicion struct {
	addrs   map[netip.Addr]bool // where suspect names lead
	shifted bool                // all of this zone's addresses are suspect, too
}

// suspectAddr reports whether connections should avoid an address.
func (r *Resolver) suspectAddr(addr netip.Addr) bool {
	now := r.names.suspects.now.Load()
	if now == nil {
		return false
	}
	return now.addrs[addr.Unmap()] || now.shifted && r.Locate(addr) == HomeEjected
}

// setSuspect enters or removes the addresses of a name, or enters new ones.
func (n *names) setSuspect(h *health, suspect bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if suspect {
		n.suspects.names[h] = true
	} else {
		delete(n.suspects.names, h)
	}
	n.indexSuspects()
}

// setShifted makes all addresses in the zone suspect, or no longer.
func (n *names) setShifted(shifted bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.suspects.shifted != shifted {
		n.suspects.shifted = shifted
		n.indexSuspects()
	}
}

// indexSuspects makes the suspicion from what is now suspect. n.mu must be held.
func (n *names) indexSuspects() {
	now := &suspicion{addrs: map[netip.Addr]bool{}, shifted: n.suspects.shifted}
	for h := range n.suspects.names {
		for _, a := range h.addrs.lately.get() {
			now.addrs[a] = true
		}
	}
	if len(now.addrs) == 0 && !now.shifted {
		now = nil
	}
	n.suspects.now.Store(now)
}
