package resolver

import (
	"net/netip"
	"slices"
)

// maxAddrs bounds how many addresses of a name are remembered. A zonal name leads to
// one IPv4 address and perhaps one IPv6 address.
const maxAddrs = 8

// connected takes in that somebody has connected to the name.
func (h *health) connected(addr netip.Addr) {
	h.proven.Store(true)
	known := h.addrs.Load()
	if !addr.IsValid() || known != nil && slices.Contains(*known, addr) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var more []netip.Addr
	if known = h.addrs.Load(); known != nil {
		if slices.Contains(*known, addr) {
			return
		}
		more = append(more, (*known)[max(0, len(*known)-maxAddrs+1):]...)
	}
	more = append(more, addr)
	h.addrs.Store(&more)
	if h.suspect.Load() && h.under == nil && !h.unlisted {
		h.names.setSuspect(h, true)
	}
}

// setSuspect enters or removes the addresses of a name, or enters new ones.
func (n *names) setSuspect(h *health, suspect bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if suspect {
		n.suspect[h] = true
	} else {
		delete(n.suspect, h)
	}
	n.indexSuspects()
}

// indexSuspects makes suspects from what is now suspect. n.mu must be held.
func (n *names) indexSuspects() {
	addrs := map[netip.Addr]bool{}
	for h := range n.suspect {
		if known := h.addrs.Load(); known != nil {
			for _, a := range *known {
				addrs[a] = true
			}
		}
	}
	if len(addrs) == 0 {
		n.suspects.Store(nil)
		return
	}
	n.suspects.Store(&addrs)
}
