package resolver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// table is everything a request needs to know, worked out beforehand. But for its
// memo it never changes: another zone, catalogue or mode makes another table.
type table struct {
	mode Mode
	// exact has the hosts that are known as a whole, with their routes: service
	// hosts, and endpoints' regional names.
	exact map[string]*entry
	// parents has what stands behind the first labels of all other hosts:
	// "s3.us-east-1.amazonaws.com" of "photos.s3.us-east-1.amazonaws.com".
	parents map[string]*entry
	// memo has the routes of hosts below parents that were asked about.
	memo atomic.Pointer[map[string]*entry]
	// zonal has the health of every zonal name in use, by the name.
	zonal map[string]*health
	notes []string
}

// entry is the routes of one host, or of all hosts below a parent. In a
// parent's routes the names lack what the host has in front.
type entry struct {
	shape  shape
	health *health // of usual's zonal name; nil where it has none
	usual  Route   // what the rules choose
	avoids Route   // instead of usual, while the zonal name is out of use
}

// scene is what a table is made from.
type scene struct {
	mode      Mode
	zone      string // the zone's name as the endpoints' owner spells it; "" if not known
	evacuated bool
	catalog   endpoint.Catalog
	learned   []endpoint.Endpoint // seen only as the host of a request
	wanted    map[string]bool     // services to keep off their free path
	health    func(zonalName string) *health
	counts    func(endpoint.Endpoint) *counts
}

func newTable(s scene) *table {
	t := &table{mode: s.mode, exact: map[string]*entry{}, parents: map[string]*entry{}, zonal: map[string]*health{}}
	if s.mode == Off {
		return t
	}
	endpoints := slices.Clone(s.catalog.Endpoints)
	slices.SortStableFunc(endpoints, func(a, b endpoint.Endpoint) int {
		return cmp.Or(
			cmp.Compare(btoi(s.freePath(a) != ""), btoi(s.freePath(b) != "")),
			-cmp.Compare(btoi(a.PrivateDNS), btoi(b.PrivateDNS)),
			cmp.Compare(a.ID, b.ID))
	})
	for _, h := range hostsOf(endpoints) {
		t.addHost(s, h)
	}
	for _, e := range slices.Concat(endpoints, s.learned) {
		t.addRegionalName(s, e)
	}
	return t
}

// addHost enters one service host, unless an endpoint that comes before has it.
func (t *table) addHost(s scene, h host) {
	into, shown := t.exact, h.name
	if h.shape != whole {
		into, shown = t.parents, "*."+h.name
	}
	if had, ok := into[h.name]; ok {
		if had.usual.Endpoint() != h.of.ID {
			t.notes = append(t.notes, fmt.Sprintf("%s: %s is used, and %s is not", shown, had.usual.Endpoint(), h.of.ID))
		}
		return
	}
	e := &entry{shape: h.shape}
	if free := s.freePath(h.of); free != "" {
		e.usual = Route{Reason: FreePath, via: &via{endpoint: h.of.ID, service: h.of.Service, counts: s.counts(h.of)}}
		t.notes = append(t.notes, fmt.Sprintf("%s: %s is not used: %s", shown, h.of.ID, free))
	} else {
		infix := ""
		if h.infix != "" {
			infix = h.infix + "."
		}
		regional := infix + bare(h.of.Regional)
		switch {
		case h.private():
			regional = "" // the host itself
		case len(regional) > maxName:
			return
		}
		t.fill(s, e, h.of, infix, regional)
	}
	t.finish(e, h.name)
	into[h.name] = e
}

// finish completes the routes of a host that is known as a whole.
func (t *table) finish(e *entry, name string) {
	if e.shape == whole {
		e.usual, e.avoids = t.complete(e.usual, name, ""), t.complete(e.avoids, name, "")
	}
}

// addRegionalName enters the endpoint's own regional name, which clients are
// given by AWS_ENDPOINT_URL or BaseEndpoint, by itself and behind other labels.
// Its way back is always the very host that was asked for.
func (t *table) addRegionalName(s scene, e endpoint.Endpoint) {
	name := bare(e.Regional)
	if t.exact[name] != nil || e.AnyNames { // what a client was told to use that AWS didn't make is its own business
		return
	}
	exact, behind := &entry{}, &entry{shape: prefix}
	t.fill(s, exact, e, "", "")
	t.fill(s, behind, e, "", "")
	t.finish(exact, name)
	t.exact[name], t.parents[name] = exact, behind
}

// fill works out the routes of an entry. Until they are completed, an empty name
// in them stands for the host that is asked about.
func (t *table) fill(s scene, into *entry, e endpoint.Endpoint, infix, regional string) {
	through := &via{endpoint: e.ID, service: e.Service, zone: s.zone, counts: s.counts(e)}
	into.avoids = Route{Host: regional, Target: Regional, via: through}
	into.usual = into.avoids
	zonal, inZone := e.ZonalName(s.zone)
	inZone = inZone && len(infix)+len(bare(zonal)) <= maxName
	switch {
	case s.evacuated:
		into.usual.Reason = Evacuated
	case s.zone == "":
		into.usual.Reason = NoZone
	case !endpoint.InRegion(s.zone, e.Region):
		into.usual.Reason = CrossRegion
	case !inZone:
		into.usual.Reason = NotInZone
	default:
		zonal = bare(zonal)
		if t.zonal[zonal] == nil {
			t.zonal[zonal] = s.health(zonal)
		}
		through.health = t.zonal[zonal]
		into.health = through.health
		into.avoids.Reason = Unhealthy
		into.usual.Host, into.usual.Fallback = infix+zonal, regional
		into.usual.Target, into.usual.Reason = Zonal, InZone
	}
}

// below finds the route of a host that is known by what it ends in.
func (t *table) below(asked string) (r Route, known bool) {
	memo := t.memo.Load()
	if memo != nil {
		if e := (*memo)[asked]; e != nil {
			return e.choose(), true
		}
	}
	for i := 1; i < len(asked); i++ {
		if asked[i] != '.' {
			continue
		}
		if e := t.parents[asked[i+1:]]; e != nil && e.shape.takes(asked[:i]) {
			front := e.shape.keeps(asked[:i+1])
			if len(front)+max(len(e.usual.Host), len(e.usual.Fallback), len(e.avoids.Host)) > maxName {
				break // it is too long for such a name
			}
			if memo == nil || len(*memo) < maxMemo {
				t.remember(memo, asked, &entry{
					health: e.health, usual: t.complete(e.usual, asked, front), avoids: t.complete(e.avoids, asked, front),
				})
			}
			return t.complete(e.choose(), asked, front), true
		}
	}
	return Route{Host: asked}, false
}

// maxMemo bounds how many hosts below parents have their routes kept. A program
// uses few buckets over and over; one that uses many makes their names each time.
const maxMemo = 512

// remember keeps a host's routes, unless there are many already or somebody else
// is doing the same: then the next request will.
func (t *table) remember(memo *map[string]*entry, asked string, routes *entry) {
	if memo != nil && len(*memo) >= maxMemo {
		return
	}
	more := map[string]*entry{}
	if memo != nil {
		more = maps.Clone(*memo)
	}
	more[asked] = routes
	t.memo.CompareAndSwap(memo, &more)
}

// plain tells whether there's no choice: the zonal name is in use, or is none.
func (e *entry) plain() bool { return e.health == nil || e.health.inUse() }

// choose takes the route by what the zonal name has been doing.
func (e *entry) choose() Route {
	if e.plain() {
		return e.usual
	}
	ok, trial := e.health.admit()
	if !ok {
		return e.avoids
	}
	r := e.usual
	r.trial = trial
	return r
}

// complete makes an entry's route the one of the host that is asked about, which
// has front, with its dot, before the parent.
func (t *table) complete(r Route, asked, front string) Route {
	switch {
	case r.Host == "":
		r.Host = asked
	case r.Target == Zonal && r.Fallback == "":
		r.Host, r.Fallback = front+r.Host, asked
	case r.Target == Zonal: // both names in one allocation
		both := front + r.Host + front + r.Fallback
		n := len(front) + len(r.Host)
		r.Host, r.Fallback = both[:n], both[n:]
	default:
		r.Host = front + r.Host
	}
	if t.mode == Observe && r.Host != asked {
		r.Observed, r.Host, r.Fallback, r.trial = r.Host, asked, "", false
	}
	return r
}

func (s scene) freePath(e endpoint.Endpoint) string {
	if s.wanted[e.Service] {
		return ""
	}
	return e.FreePath
}

// bare is a name without the star that S3's begin with.
func bare(name string) string { return strings.TrimPrefix(name, "*.") }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
