package resolver

import (
	"net/netip"
	"sync/atomic"
)

// Location says where an address is, seen from this process's zone.
type Location uint8

const (
	Unknown     Location = iota // nothing is known of the address, or the mode is not Prefer
	Home                        // it is in this zone
	HomeEjected                 // it is in this zone, and requests keep away from it for now
	Away                        // it is in another zone
)

var locationNames = [...]string{"Unknown", "Home", "HomeEjected", "Away"}

func (l Location) String() string { return nameOf(locationNames[:], uint8(l)) }

// MarshalText is what JSON shows.
func (l Location) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Locate says where an address is. It never blocks and does not allocate.
func (r *Resolver) Locate(addr netip.Addr) Location {
	if r == nil {
		return Unknown
	}
	t := r.table.Load()
	known := r.locations.Load()
	if t.mode != Prefer || known == nil {
		return Unknown
	}
	h, ok := known.zonal[addr.Unmap()]
	switch {
	case !ok:
		return Unknown
	case h == nil:
		return Away
	case t.shifted || h.ejected():
		return HomeEjected
	}
	return Home
}

// locations is where addresses are. It is replaced and never changed.
type locations struct {
	zonal map[netip.Addr]*health // of endpoints: the zonal name of this zone, or nil if it is another zone's
}

// located is the locations that requests read.
type located = atomic.Pointer[locations]
