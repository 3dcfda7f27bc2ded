package resolver

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
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

// Locate says where an address is. It never blocks and does not allocate. These tell,
// the first of them that knows the address:
//
//   - the endpoints' names in this zone: what they lead to is Home, or HomeEjected while
//     the name is ejected;
//   - subnets, of which the longest that holds the address decides: this process's own,
//     which instance and task metadata name ([zone.Answer]), and those that the source of
//     the endpoints lists ([endpoint.Catalog]);
//   - the endpoints' regional names: what else they lead to is Away.
//
// While [Resolver.ShiftAway] keeps requests away from the zone, all that is in it is
// HomeEjected. In a mode other than [Prefer] everything is Unknown, and so is a public
// address, unless it is the VPC's own and in a listed subnet.
//
// Names are looked up in the background, from the first Locate on or once a dialer uses
// the resolver: no program pays for it that doesn't need it. After the first sixteen
// endpoints' names it takes some 80 packets a second until all are known, of the 1,024 that
// a VPC's resolver takes from a network interface ("Amazon DNS quotas" in the VPC User
// Guide). A name that is known is
// looked up again about every hour, since the address of an endpoint's network interface
// never changes; one that is not, within ten seconds to ten minutes. What a name led to
// is kept while lookups fail.
func (r *Resolver) Locate(addr netip.Addr) Location {
	if r == nil {
		return Unknown
	}
	r.wantLocations()
	t := r.table.Load()
	if t.mode != Prefer {
		return Unknown
	}
	h, at := r.names.places.find(addr)
	if at == Home && (t.shifted || h != nil && h.ejected()) {
		return HomeEjected
	}
	return at
}

// locations is where addresses are. It is replaced and never changed.
type locations struct {
	addrs map[netip.Addr]*health // of endpoints: the zonal name in this zone, or nil if they are in another
	subnets
}

// subnets says of subnets whether they are in this zone.
type subnets struct {
	home    map[netip.Prefix]bool
	lengths []int // of the prefixes, the longest first
}

func newSubnets(home map[netip.Prefix]bool) subnets {
	s := subnets{home: home}
	for p := range home {
		if !slices.Contains(s.lengths, p.Bits()) {
			s.lengths = append(s.lengths, p.Bits())
		}
	}
	slices.SortFunc(s.lengths, func(a, b int) int { return b - a })
	return s
}

func (s *subnets) find(addr netip.Addr) Location {
	for _, bits := range s.lengths {
		if bits > addr.BitLen() {
			continue
		}
		p, _ := addr.Prefix(bits)
		if home, ok := s.home[p]; ok {
			return where(home)
		}
	}
	return Unknown
}

func where(home bool) Location {
	if home {
		return Home
	}
	return Away
}

// home is an endpoint that has a name in this zone.
type home struct {
	*health         // of that name
	regional string // the endpoint's other name, without a star
}

// probedRegional is a host that leads where the regional name does: S3's is none by itself.
func (h home) probedRegional() string {
	if h.starred() {
		return "bucket." + h.regional
	}
	return h.regional
}

// homeOf is the endpoint as one that has a name in the zone, if it has one.
func (n *names) homeOf(e endpoint.Endpoint, zone string) (h home, ok bool) {
	zonal, ok := e.ZonalName(zone)
	if !ok || zone == "" || !endpoint.InRegion(zone, e.Region) {
		return h, false
	}
	return home{n.of(zonal, n.countsOf(e)), bare(e.Regional)}, true
}

// places knows where addresses are, as far as the endpoints' names and subnets say.
type places struct {
	known atomic.Pointer[locations] // nil: nothing is known

	mu      sync.Mutex // taken last
	homes   []home     // appended to and replaced, never changed
	subnets subnets
}

// find finds an address, and the zonal name that leads to it.
func (p *places) find(addr netip.Addr) (*health, Location) {
	known := p.known.Load()
	if known == nil {
		return nil, Unknown
	}
	addr = addr.Unmap()
	if h, ok := known.addrs[addr]; ok {
		return h, where(h != nil)
	}
	return nil, known.find(addr)
}

// set replaces the endpoints and subnets.
func (p *places) set(homes []home, s subnets) {
	p.mu.Lock()
	p.homes, p.subnets = homes, s
	p.mu.Unlock()
	p.refresh()
}

// add adds an endpoint.
func (p *places) add(h home) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.homes = append(p.homes, h)
}

func (p *places) list() []home {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.homes
}

// refresh makes the locations from what is known now.
func (p *places) refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &locations{addrs: map[netip.Addr]*health{}, subnets: p.subnets}
	for _, h := range p.homes {
		zonal := h.addrs.zonal.get()
		for _, a := range h.addrs.regional.get() {
			// Of a family that nothing is known of, one of the regional name's may be home: DNS is asked for each by itself.
			known := slices.ContainsFunc(zonal, func(z netip.Addr) bool { return z.Is4() == a.Is4() })
			if known && l.find(a) != Home {
				l.addrs[a] = nil
			}
		}
	}
	for _, h := range p.homes {
		for _, a := range h.addrs.zonal.get() {
			if l.addrs[a] == nil {
				l.addrs[a] = h.health
			}
		}
	}
	if len(l.addrs)+len(l.home) == 0 {
		l = nil
	}
	p.known.Store(l)
}

// learn takes in where a name leads, or a host under one, as somebody has looked up just now.
func (p *places) learn(name string, addrs []netip.Addr) {
	for _, h := range p.list() {
		switch {
		case isUnder(name, h.name):
			h.found(addrs)
		case isUnder(name, h.regional):
			if h.addrs.regional.add(addrs, maxRegional) {
				p.refresh()
			}
		default:
			continue
		}
		return
	}
}

// isUnder reports whether name is parent or lies under it.
func isUnder(name, parent string) bool {
	front, ok := strings.CutSuffix(name, parent)
	return ok && (front == "" || front[len(front)-1] == '.')
}

// publishPlaces has addresses located by what is known of the zone and the endpoints, and
// returns the endpoints' names in the zone. r.mu must be held, and r.learning.
func (r *Resolver) publishPlaces(zone string) map[string]*health {
	zonal := make(map[string]*health, len(r.catalog.value.Endpoints))
	homes := make([]home, 0, len(r.catalog.value.Endpoints))
	for _, endpoints := range [][]endpoint.Endpoint{r.catalog.value.Endpoints, r.learned} {
		for _, e := range endpoints {
			if h, ok := r.names.homeOf(e, zone); ok {
				homes, zonal[h.name] = append(homes, h), h.health
			}
		}
	}
	r.names.places.set(homes, r.subnets())
	return zonal
}

// subnets are those that are known to be in this zone or in another. r.mu must be held.
func (r *Resolver) subnets() subnets {
	home := map[netip.Prefix]bool{}
	for _, s := range r.catalog.value.Subnets {
		if in, known := r.inZone(s); known {
			home[s.Prefix] = in
		}
	}
	for _, own := range r.zone.value.Subnets {
		home[own] = true
	}
	return newSubnets(home)
}

// inZone reports whether a subnet is in this zone. The zones' IDs decide if both are
// known: names differ between accounts.
func (r *Resolver) inZone(s endpoint.Subnet) (in, known bool) {
	if own := r.zone.value.Zone.ID; own != "" && s.ZoneID != "" {
		return s.ZoneID == own, true
	}
	name, own := s.Zone, r.zoneName()
	if name == "" {
		name = r.catalog.value.ZoneNames[s.ZoneID]
	}
	return name == own, name != "" && own != ""
}
