package resolver

import (
	"strings"
	"sync/atomic"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// table is everything a request needs to know: another zone, catalogue or mode makes
// another table. Hosts that nobody has asked about have no entries yet, so that a change
// costs little however many endpoints there are.
type table struct {
	tableInput
	at      map[string]place        // the index's, one step nearer
	entries []atomic.Pointer[entry] // of the index's hosts; the first stays nil
	// memo has the routes of hosts that are known by what they end in, and alone those
	// of hosts with a vpce name in them that are left as they are.
	memo, alone lately[*entry]
	unserved    memo[*entry] // of hosts that nothing is known for, see unserved
	learned     learned
}

// tableInput is what a table is made from.
type tableInput struct {
	*index
	mode      Mode
	zone      string // the zone's name as the endpoints' owner spells it; "" if not known
	shifted   bool   // away from the zone
	names     *names
	zonal     map[string]*health // the endpoints' zonal names in the zone
	unmatched *entry             // of hosts that no endpoint is chosen for
}

func newTable(in tableInput) *table {
	if in.mode == Off {
		in.index = noHosts
	}
	return &table{tableInput: in, at: in.index.at, entries: make([]atomic.Pointer[entry], len(in.hosts))}
}

// whole is the entry of a host that is known as a whole, or nil.
func (t *table) whole(host string) *entry { return t.entry(t.at[host].whole) }

// parent is the entry of the hosts below a parent, or nil.
func (t *table) parent(name string) *entry { return t.entry(t.at[name].below) }

func (t *table) entry(i int32) *entry {
	if e := t.entries[i].Load(); e != nil || i == 0 {
		return e
	}
	return t.makeEntry(i)
}

// makeEntry is entry for the first request.
func (t *table) makeEntry(i int32) *entry {
	h := &t.hosts[i]
	e := &entry{info: t.infoOf(*h.of), primary: Route{Reason: FreePath}}
	if !h.free {
		e = t.newEntry(*h.of, h.infix, h.regional)
	}
	if e.shape = h.shape; e.shape == whole {
		e = e.keep(h.name, "")
	}
	t.entries[i].CompareAndSwap(nil, e) // or another request was first
	return t.entries[i].Load()
}

// newEntry works out what requests by an endpoint are to do. The entry is a parent's.
func (t *table) newEntry(e endpoint.Endpoint, infix, regional string) *entry {
	made := &entry{info: t.infoOf(e), observed: t.mode == Observe, regional: regional}
	made.primary.Target = Regional
	zonal, inZone := e.ZonalName(t.zone)
	inZone = inZone && len(infix)+len(bare(zonal)) <= maxName
	switch reason := &made.primary.Reason; {
	case t.shifted:
		*reason = ShiftedAway
	case t.zone == "":
		*reason = NoZone
	case !endpoint.InRegion(t.zone, e.Region):
		*reason = CrossRegion
	case !inZone:
		*reason = NotInZone
	default:
		if made.health = t.zonal[bare(zonal)]; made.health == nil { // of an endpoint that was learned
			made.health = t.names.of(zonal, made.info.counts)
		}
		made.zonal = infix + made.health.name
		made.primary.Target, *reason = Zonal, InZone
	}
	return made
}

func (t *table) infoOf(e endpoint.Endpoint) *endpointInfo {
	return &endpointInfo{id: e.ID, service: e.Service, zone: t.zone, counts: t.names.countsOf(e)}
}

// find finds the entry of a host, or nil.
func (t *table) find(asked string) *entry {
	if e := t.whole(asked); e != nil {
		return e
	}
	if e, ok := t.memo.get(asked); ok {
		return e
	}
	return t.below(asked)
}

// below makes the entry of a host that is known by what it ends in.
func (t *table) below(asked string) *entry {
	for i := 1; i < len(asked); i++ {
		if asked[i] != '.' {
			continue
		}
		if e := t.parent(asked[i+1:]); e != nil && e.shape.takes(asked[:i]) {
			return t.complete(e, asked, e.shape.keeps(asked[:i+1]))
		}
	}
	return nil
}

// complete makes a parent's entry the one of a host below it, and remembers it. It
// returns nil if the names would be too long.
func (t *table) complete(e *entry, asked, front string) *entry {
	if len(front)+max(len(e.zonal), len(e.regional)) > maxName {
		return nil
	}
	return t.memo.add(asked, e.keep(asked, front))
}

// zonalName is the health of a zonal name that the table routes to, or nil.
func (t *table) zonalName(name string) *health {
	if t.shifted {
		return nil
	}
	if h := t.zonal[name]; h != nil {
		return h
	}
	h, _ := t.learned.zonal.get(name)
	return h
}

// bare is a name without the star that S3's begin with.
func bare(name string) string { return strings.TrimPrefix(name, "*.") }
