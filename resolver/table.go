package resolver

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// table is everything a request needs to know, worked out beforehand. But for its
// memo and the learned names it never changes: another zone, catalogue or mode makes
// another table.
type table struct {
	tableInput
	// exact has the hosts that are known as a whole, with their routes: service
	// hosts, and endpoints' regional names.
	exact map[string]*entry
	// parents has what stands behind the first labels of all other hosts:
	// "s3.us-east-1.amazonaws.com" of "photos.s3.us-east-1.amazonaws.com".
	parents map[string]*entry
	// zonal has the zonal names that the table routes to.
	zonal map[string]*health
	// memo has the routes of hosts that were asked about and are not in exact, and
	// alone those of hosts with a vpce name in them that are left as they are.
	memo, alone memo[*entry]
	unserved    memo[*entry] // of hosts that nothing is known for, see unserved
	learned     learned
	notes       []string
}

// tableInput is what a table is made from.
type tableInput struct {
	mode           Mode
	zone           string // the zone's name as the endpoints' owner spells it; "" if not known
	shifted        bool   // away from the zone
	endpoints      []endpoint.Endpoint
	forceInterface map[string]bool // services whose free path is not taken
	names          *names
	unmatched      *entry // of hosts that no endpoint is chosen for
}

func newTable(in tableInput) *table {
	t := &table{tableInput: in, exact: map[string]*entry{}, parents: map[string]*entry{}, zonal: map[string]*health{}}
	if in.mode == Off {
		return t
	}
	endpoints := slices.Clone(in.endpoints)
	slices.SortStableFunc(endpoints, func(a, b endpoint.Endpoint) int {
		return cmp.Or(
			cmp.Compare(btoi(t.freePath(a) != ""), btoi(t.freePath(b) != "")),
			-cmp.Compare(btoi(a.PrivateDNS), btoi(b.PrivateDNS)),
			cmp.Compare(a.ID, b.ID))
	})
	hosts := hostsOf(endpoints)
	for _, h := range hosts {
		t.addHost(h)
	}
	t.notes = append(t.notes, unrouted(endpoints, hosts)...)
	for _, e := range endpoints {
		t.addRegionalName(e)
	}
	return t
}

// addHost enters one service host, unless an endpoint that comes before has it.
func (t *table) addHost(h host) {
	into, shown := t.exact, h.name
	if h.shape != whole {
		into, shown = t.parents, "*."+h.name
	}
	if had, ok := into[h.name]; ok {
		if had.info.id != h.of.ID {
			t.notes = append(t.notes, fmt.Sprintf("%s: %s is used, and %s is not", shown, had.info.id, h.of.ID))
		}
		return
	}
	var e *entry
	if free := t.freePath(*h.of); free != "" {
		e = &entry{info: t.infoOf(*h.of), primary: Route{Reason: FreePath}}
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
		e = t.newEntry(*h.of, infix, regional)
	}
	if e.shape = h.shape; e.shape == whole {
		e = e.keep(h.name, "")
	}
	t.note(e)
	into[h.name] = e
}

// addRegionalName enters the endpoint's own regional name, which clients are
// given by AWS_ENDPOINT_URL or BaseEndpoint, by itself and behind other labels.
// Its way back is always the very host that was asked for.
func (t *table) addRegionalName(e endpoint.Endpoint) {
	name := bare(e.Regional)
	if t.exact[name] != nil {
		return
	}
	behind := t.newEntry(e, "", "")
	behind.shape = prefix
	t.note(behind)
	t.exact[name], t.parents[name] = behind.keep(name, ""), behind
}

// note remembers that the table routes to the entry's zonal name.
func (t *table) note(e *entry) {
	if e.health != nil {
		t.zonal[e.health.name] = e.health
	}
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
		made.health = t.names.of(zonal, made.info.counts)
		made.zonal = infix + made.health.name
		made.primary.Target, *reason = Zonal, InZone
	}
	return made
}

func (t *table) infoOf(e endpoint.Endpoint) *endpointInfo {
	return &endpointInfo{id: e.ID, service: e.Service, zone: t.zone, counts: t.names.countsOf(e)}
}

// find finds the entry of a host.
func (t *table) find(asked string, into *entry) *entry {
	if e := t.exact[asked]; e != nil {
		return e
	}
	if e, ok := t.memo.get(asked); ok {
		return e
	}
	return t.below(asked, into)
}

// below finds the entry of a host that is known by what it ends in: the host's own,
// or into, which it fills in.
func (t *table) below(asked string, into *entry) *entry {
	for i := 1; i < len(asked); i++ {
		if asked[i] != '.' {
			continue
		}
		if e := t.parents[asked[i+1:]]; e != nil && e.shape.takes(asked[:i]) {
			return t.complete(e, asked, e.shape.keeps(asked[:i+1]), into)
		}
	}
	return nil
}

// complete makes a parent's entry the one of a host below it, and remembers it if there
// is room: else it fills in into. It returns nil if the names would be too long.
func (t *table) complete(e *entry, asked, front string, into *entry) *entry {
	if len(front)+max(len(e.zonal), len(e.regional)) > maxName {
		return nil
	}
	if !t.memo.full() {
		kept := e.keep(asked, front)
		t.memo.add(asked, kept)
		return kept
	}
	*into = e.at(asked, front)
	return into
}

// zonalName is the health of a zonal name that the table routes to, or nil.
func (t *table) zonalName(name string) *health {
	if h := t.zonal[name]; h != nil {
		return h
	}
	h, _ := t.learned.zonal.get(name)
	return h
}

func (t *table) freePath(e endpoint.Endpoint) string {
	if t.forceInterface[e.Service] {
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
