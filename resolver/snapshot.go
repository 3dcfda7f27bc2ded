package resolver

import (
	"net/netip"
	"slices"
	"time"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Snapshot is what a resolver knows at one moment, made for people and for JSON.
type Snapshot struct {
	Mode Mode
	// ShiftedAwayUntil is set while [Resolver.ShiftAway] keeps requests away from the
	// zone.
	ShiftedAwayUntil time.Time `json:",omitzero"`
	// Zone is the zone as its source gave it, ZoneSource who that was, and
	// ZoneName the name that zonal names are made with: the endpoints' owner's.
	Zone       zone.Zone
	ZoneSource string
	ZoneName   string
	// ZoneError is what the last question to its source came to; empty when it was
	// answered.
	ZoneError string `json:",omitempty"`
	CatalogState
	Endpoints []EndpointState
	// Unmatched counts the attempts, by reason, for which no endpoint was chosen.
	// A reason says where they went: see [Reason.Target].
	Unmatched map[Reason]uint64 `json:",omitempty"`
	// Nearest are the hosts that no endpoint serves and of which a dialer prefers some
	// addresses, in the order of their names.
	Nearest []NearestAddrs `json:",omitempty"`
	// Notes say what routing leaves aside, and why.
	Notes []string `json:",omitempty"`
	// Panics counts those of sources, dialers and log handlers that were caught.
	Panics uint64 `json:",omitempty"`
}

// CatalogState is where the endpoints in a [Snapshot] come from.
type CatalogState struct {
	// CatalogTime is when the endpoints in use were read; zero: not yet.
	// CatalogSource says where from.
	CatalogTime   time.Time `json:",omitzero"`
	CatalogSource string
	// CatalogError is what the last question to the source came to; empty when it
	// was answered.
	CatalogError string `json:",omitempty"`
	// Subnets is how many subnets are known to be in this zone or in another, this
	// process's own among them: see [Resolver.Locate].
	Subnets int `json:",omitempty"`
}

// EndpointState is one endpoint in a [Snapshot].
type EndpointState struct {
	ID, Service, Region string
	Regional            string
	Zonal               string `json:",omitempty"` // in this zone; empty: none
	PrivateDNS          bool
	// Addresses are where DNS leads the zonal name, as far as that was needed: see
	// [Resolver.Locate].
	Addresses   []netip.Addr `json:",omitempty"`
	HealthState              // of the zonal name
	// Attempts counts what was sent by the endpoint's names, by reason, sends to
	// the fallback included. In [Observe] mode it counts what would have been.
	// Failovers counts the latter by what made them necessary.
	Attempts  map[Reason]uint64 `json:",omitempty"`
	Failovers map[Cause]uint64  `json:",omitempty"`
	// Failures counts what went wrong under the zonal name, by its cause: also what no
	// failover made good, such as deadlines that passed unanswered, and what was found
	// in the background.
	Failures map[Cause]uint64 `json:",omitempty"`
}

// Snapshot says what the resolver knows now.
func (r *Resolver) Snapshot() Snapshot {
	if r == nil {
		return Snapshot{Mode: Off}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.table.Load()
	s := Snapshot{
		Mode:             r.mode,
		ShiftedAwayUntil: r.shift.until,
		Zone:             r.zone.value.Zone,
		ZoneSource:       r.zone.value.Source,
		ZoneName:         r.zoneName(),
		Unmatched:        counted[Reason](r.unmatched.info.counts.attempts[:]),
		Panics:           r.log.panics.Load(),
	}
	s.CatalogTime, s.CatalogSource = r.catalog.since, r.catalogSource
	s.Subnets = len(r.subnets().home)
	s.Nearest = r.nearest.list()
	s.Notes = slices.Concat(r.remarks, r.catalog.value.Notes, t.notes)
	if r.zone.err != nil {
		s.ZoneError = r.zone.err.Error()
	}
	if r.catalog.err != nil {
		s.CatalogError = r.catalog.err.Error()
	}
	r.learning.Lock()
	endpoints := slices.Concat(r.catalog.value.Endpoints, r.learned)
	r.learning.Unlock()
	s.Endpoints = make([]EndpointState, 0, len(endpoints)) // in JSON a list even if empty
	for _, e := range endpoints {
		s.Endpoints = append(s.Endpoints, r.describe(e, s.ZoneName))
	}
	return s
}

func (r *Resolver) describe(e endpoint.Endpoint, zoneName string) EndpointState {
	s := EndpointState{ID: e.ID, Service: e.Service, Region: e.Region, Regional: e.Regional, PrivateDNS: e.PrivateDNS}
	c := r.names.countsOf(e)
	s.Attempts, s.Failovers, s.Failures = counted[Reason](c.attempts[:]), counted[Cause](c.failovers[:]), counted[Cause](c.failures[:])
	if zonal, ok := e.ZonalName(zoneName); ok && zoneName != "" {
		if h := r.names.known(bare(zonal)); h != nil {
			s.Zonal, s.HealthState = zonal, h.describe()
			s.Addresses = slices.Clone(h.addrs.zonal.get())
		}
	}
	return s
}
