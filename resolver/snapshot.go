package resolver

import (
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/azaffinity/azaffinity/internal/version"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Snapshot is what a resolver knows at one moment, made for people and for JSON. What it says
// of names is what happens to the next request, whatever the mode. Counts are since the resolver
// was made, but for those that say recent.
type Snapshot struct {
	Process
	Mode Mode
	// Problems say what is wrong and what to do about it, the most important first: none,
	// and requests go to this zone wherever there is an endpoint.
	Problems []Problem
	// ShiftedAwayUntil is set while [Resolver.ShiftAway], or a source of shifts, keeps requests
	// away from the zone: to the year 9999 if a source has to end it. ShiftedAwayBy says which.
	ShiftedAwayUntil time.Time `json:",omitzero"`
	ShiftedAwayBy    string    `json:",omitempty"`
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
	UnmatchedState
	// Nearest are the hosts that no endpoint serves and of which a dialer prefers some
	// addresses, in the order of their names.
	Nearest []NearestAddrs `json:",omitempty"`
	// Notes say what routing leaves aside, and why.
	Notes []string `json:",omitempty"`
	// Panics counts those of sources, dialers and log handlers that were caught.
	Panics uint64 `json:",omitempty"`
}

// Process says whose [Snapshot] it is.
type Process struct {
	// Time is when the snapshot was made, and Started when the resolver was.
	Time    time.Time
	Started time.Time `json:",omitzero"`
	// Hostname is what the system calls the machine; empty: it is not known. Version is this
	// library's.
	Hostname string `json:",omitempty"`
	Version  string
}

// UnmatchedState says more, in a [Snapshot], of the attempts for which no endpoint was chosen.
type UnmatchedState struct {
	// UnmatchedHosts are the hosts that no endpoint was known for, those with the most
	// attempts first: 256 of them are told apart. Modes other than Off count.
	UnmatchedHosts []HostAttempts `json:",omitempty"`
	// RecentSince is when what is recent began: some five minutes ago, or when the resolver
	// was made or its mode changed, if that was later. RecentUnmatched is Unmatched since then.
	RecentSince     time.Time         `json:",omitzero"`
	RecentUnmatched map[Reason]uint64 `json:",omitempty"`
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
	Zonal               string `json:",omitempty"` // in this zone; empty: none, or the zone is not known
	PrivateDNS          bool
	NextRequest
	// Addresses are where DNS leads the zonal name, as far as that was needed: see
	// [Resolver.Locate].
	Addresses   []netip.Addr `json:",omitempty"`
	HealthState              // of the zonal name
	// Attempts counts what was sent by the endpoint's names, by reason, sends to
	// the fallback included. In [Observe] mode it counts what would have been.
	// RecentAttempts is the same since RecentSince. Failovers counts the sends to the
	// fallback by what made them necessary.
	Attempts       map[Reason]uint64 `json:",omitempty"`
	RecentAttempts map[Reason]uint64 `json:",omitempty"`
	Failovers      map[Cause]uint64  `json:",omitempty"`
	// Failures counts what went wrong under the zonal name, by its cause: also what no
	// failover made good, such as deadlines that passed unanswered, and what was found
	// in the background.
	Failures map[Cause]uint64 `json:",omitempty"`
}

// Snapshot says what the resolver knows now.
func (r *Resolver) Snapshot() Snapshot {
	if r == nil {
		s := Snapshot{Process: process(time.Time{}), Mode: Off, Endpoints: []EndpointState{}}
		s.Problems = s.problemsOfMode()
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t, recent, sinceStart := r.table.Load(), r.recent.oldest(), sample{}
	s := Snapshot{
		Process:          process(r.names.start),
		Mode:             r.mode,
		ShiftedAwayUntil: r.shift.until,
		ShiftedAwayBy:    r.shift.by,
		Zone:             r.zone.value.Zone,
		ZoneSource:       r.zone.value.Source,
		ZoneName:         r.zoneName(),
		Panics:           r.log.panics.Load(),
	}
	unmatched := r.unserved.counts()
	s.Unmatched, s.UnmatchedHosts = sinceStart.since(unmatched...), r.unserved.list()
	s.RecentSince, s.RecentUnmatched = recent.at, recent.since(unmatched...)
	s.CatalogTime, s.CatalogSource = r.catalog.since, r.catalogSource
	s.Subnets = len(r.subnets().home)
	if r.mode == Prefer {
		s.Nearest = r.nearest.list()
	}
	s.Notes = slices.Concat(r.remarks, r.shift.notes(), r.catalog.value.Notes, r.index.notes.list())
	if r.zone.err != nil {
		s.ZoneError = r.zone.err.Error()
	}
	if r.catalog.err != nil {
		s.CatalogError = r.catalog.err.Error()
	}
	r.learning.Lock()
	endpoints := slices.Concat(r.catalog.value.Endpoints, r.learned)
	r.learning.Unlock()
	hosts := t.served()
	s.Endpoints = make([]EndpointState, 0, len(endpoints)) // in JSON a list even if empty
	for _, e := range endpoints {
		s.Endpoints = append(s.Endpoints, r.describe(e, t, hosts, recent))
	}
	return withProblems(s, r.remarks)
}

func (r *Resolver) describe(e endpoint.Endpoint, t *table, hosts served, recent sample) EndpointState {
	s := EndpointState{ID: e.ID, Service: e.Service, Region: e.Region, Regional: e.Regional, PrivateDNS: e.PrivateDNS}
	c := r.names.countsOf(e)
	s.Attempts, s.Failovers, s.Failures = counted[Reason](c.attempts[:]), counted[Cause](c.failovers[:]), counted[Cause](c.failures[:])
	s.RecentAttempts = recent.since(c)
	s.NextRequest = t.next(e, hosts[c], len(s.Attempts) > 0)
	zoneName := r.zoneName()
	zonal, ok := e.ZonalName(zoneName)
	if !ok || !endpoint.InRegion(zoneName, e.Region) {
		return s
	}
	s.Zonal = zonal
	if h := r.names.known(bare(zonal)); h != nil {
		s.HealthState = h.describe(t.mode == Prefer && !t.shifted)
		s.Addresses = slices.Clone(h.addrs.zonal.get())
	}
	return s
}

func process(started time.Time) Process {
	hostname, _ := os.Hostname()
	return Process{Time: time.Now(), Started: started, Hostname: hostname, Version: version.Version}
}
