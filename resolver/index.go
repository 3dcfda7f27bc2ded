package resolver

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// index is which hosts the endpoints serve, whatever the zone and the mode. It never changes.
type index struct {
	// at has, by name, the host that is known as a whole, such as a service host or an
	// endpoint's regional name, and what stands behind the first labels of all other hosts:
	// "s3.us-east-1.amazonaws.com" of "photos.s3.us-east-1.amazonaws.com".
	at             map[string]place
	hosts          []host          // the first is none
	forceInterface map[string]bool // services whose free path is not taken
	notes          notes
}

// place is where in an index's hosts there is one of the name, and one that is the parent
// of others; 0: none.
type place struct{ whole, below int32 }

var noHosts = &index{hosts: make([]host, 1)}

// newIndex makes the index of the endpoints. Those for the services that are in
// forceInterface are used even if there is a free path.
func newIndex(endpoints []endpoint.Endpoint, forceInterface map[string]bool) *index {
	x := &index{forceInterface: forceInterface}
	sorted := make([]*endpoint.Endpoint, len(endpoints))
	for i := range endpoints {
		sorted[i] = &endpoints[i]
	}
	slices.SortStableFunc(sorted, func(a, b *endpoint.Endpoint) int {
		return cmp.Or(
			cmp.Compare(btoi(x.freePath(a) != ""), btoi(x.freePath(b) != "")),
			-cmp.Compare(btoi(a.PrivateDNS), btoi(b.PrivateDNS)),
			cmp.Compare(a.ID, b.ID))
	})
	hosts := hostsOf(sorted)
	x.at = make(map[string]place, len(hosts)+len(sorted))
	x.hosts = make([]host, 1, 1+len(hosts)+2*len(sorted))
	for _, h := range hosts {
		x.addHost(h)
	}
	unrouted(sorted, hosts, &x.notes)
	for _, e := range sorted {
		x.addRegionalName(e)
	}
	return x
}

// addHost enters one service host, unless an endpoint that comes before has it.
func (x *index) addHost(h host) {
	if i := x.at[h.name].of(h.shape); i > 0 {
		if had := x.hosts[i].of.ID; had != h.of.ID {
			x.notes.add("%s: %s is used, and %s is not", h, had, h.of.ID)
		}
		return
	}
	switch free := x.freePath(h.of); {
	case free != "":
		h.free = true
		x.notes.add("%s: %s is not used: %s", h, h.of.ID, free)
	case h.private(): // its regional name is the host itself
	default:
		if h.regional = h.infix + bare(h.of.Regional); len(h.regional) > maxName {
			return
		}
	}
	x.add(h)
}

// addRegionalName enters the endpoint's own regional name, which clients are
// given by AWS_ENDPOINT_URL or BaseEndpoint, by itself and behind other labels.
// Its way back is always the very host that was asked for.
func (x *index) addRegionalName(e *endpoint.Endpoint) {
	if name := bare(e.Regional); x.at[name].whole == 0 {
		x.add(host{name: name, of: e})
		x.add(host{name: name, of: e, shape: prefix})
	}
}

func (x *index) add(h host) {
	at := x.at[h.name]
	if h.shape == whole {
		at.whole = int32(len(x.hosts))
	} else {
		at.below = int32(len(x.hosts))
	}
	x.at[h.name] = at
	x.hosts = append(x.hosts, h)
}

func (x *index) freePath(e *endpoint.Endpoint) string {
	if x.forceInterface[e.Service] {
		return ""
	}
	return e.FreePath
}

func (p place) of(s shape) int32 {
	if s == whole {
		return p.whole
	}
	return p.below
}

// maxNotes bounds what thousands of endpoints leave in a log.
const maxNotes = 50

// notes say what routing leaves aside, and why.
type notes struct {
	first []string // up to maxNotes
	more  int
}

func (n *notes) add(format string, args ...any) {
	if len(n.first) < maxNotes {
		n.first = append(n.first, fmt.Sprintf(format, args...))
	} else {
		n.more++
	}
}

// list is the notes, and how many there are that it leaves out.
func (n *notes) list() []string {
	if n.more == 0 {
		return n.first
	}
	return append(slices.Clip(n.first), fmt.Sprintf("and %d notes more", n.more))
}

// String is the host as notes show it.
func (h host) String() string {
	if h.shape == whole {
		return h.name
	}
	return "*." + h.name
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
