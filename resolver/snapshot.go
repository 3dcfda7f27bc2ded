package resolver

import (
	"slices"
	"time"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Snapshot is what a resolver knows at one moment, made for people and for JSON.
type Snapshot struct {
	Mode Mode
	// AvoidUntil is set while [Resolver.Avoid] keeps requests away from the zone.
	AvoidUntil time.Time `json:",omitzero"`
	// Zone is the zone as its source told it, ZoneSource who that was, and
	// ZoneName the name that zonal names are made with: the endpoints' owner's.
	Zone       zone.Zone
	ZoneSource string
	ZoneName   string
	// ZoneError and CatalogError are what the last question to the sources came
	// to; empty when it was answered.
	ZoneError    string `json:",omitempty"`
	CatalogError string `json:",omitempty"`
	// CatalogTime is when the endpoints in use were read; zero: not yet.
	// CatalogSource says where from.
	CatalogTime   time.Time `json:",omitzero"`
	CatalogSource string
	Endpoints     []EndpointState
	// Elsewhere counts the attempts, by reason, for which no endpoint was chosen.
	// A reason says where they went: see [Reason.Target].
	Elsewhere map[Reason]uint64 `json:",omitempty"`
	// Notes say what routing leaves aside, and why.
	Notes []string `json:",omitempty"`
}

// EndpointState is one endpoint in a [Snapshot].
type EndpointState struct {
	ID, Service, Region string
	Regional            string
	Zonal               string `json:",omitempty"` // in this zone; empty: none
	PrivateDNS          bool
	// InUse tells whether requests are sent to the zonal name. Where a zonal
	// name has been taken out of use, NextTry is when a request may try it.
	InUse   bool
	NextTry time.Time `json:",omitzero"`
	// Opened is how often the zonal name has been taken out of use.
	Opened    uint64    `json:",omitempty"`
	LastCause Cause     `json:",omitempty"`
	LastError string    `json:",omitempty"`
	LastAt    time.Time `json:",omitzero"`
	// Attempts counts what was sent by the endpoint's names, by reason, sends to
	// the fallback included. In [Observe] mode it counts what would have been.
	// Failovers counts the latter by what made them necessary.
	Attempts  map[Reason]uint64 `json:",omitempty"`
	Failovers map[Cause]uint64  `json:",omitempty"`
}

// Snapshot tells what the resolver knows now.
func (r *Resolver) Snapshot() Snapshot {
	if r == nil {
		return Snapshot{Mode: Off}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.table.Load()
	s := Snapshot{
		Mode:        r.mode,
		AvoidUntil:  r.avoid,
		Zone:        r.zone.value.Zone,
		ZoneSource:  r.zone.value.Source,
		ZoneName:    r.zoneName(),
		CatalogTime: r.catalog.since, CatalogSource: endpoint.NameOf(r.config.endpoints),
		Elsewhere: r.elsewhere.byReason(),
		Notes:     slices.Concat(r.catalog.value.Notes, t.notes),
	}
	if r.zone.err != nil {
		s.ZoneError = r.zone.err.Error()
	}
	if r.catalog.err != nil {
		s.CatalogError = r.catalog.err.Error()
	}
	endpoints := slices.Concat(r.catalog.value.Endpoints, r.learned)
	s.Endpoints = make([]EndpointState, 0, len(endpoints)) // in JSON a list even if empty
	for _, e := range endpoints {
		state := EndpointState{ID: e.ID, Service: e.Service, Region: e.Region, Regional: e.Regional, PrivateDNS: e.PrivateDNS}
		if c := r.counts[bare(e.Regional)]; c != nil {
			state.Attempts, state.Failovers = c.byReason(), c.byCause()
		}
		if name, ok := e.ZonalName(s.ZoneName); ok && s.ZoneName != "" {
			if h := t.zonal[bare(name)]; h != nil {
				state.Zonal = name
				h.describe(&state)
			}
		}
		s.Endpoints = append(s.Endpoints, state)
	}
	return s
}

func (h *health) describe(into *EndpointState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	reopens := h.reopens.Load()
	into.InUse = reopens == 0
	if !into.InUse {
		into.NextTry = h.start.Add(time.Duration(reopens))
	}
	into.Opened = h.spells
	into.LastCause, into.LastError, into.LastAt = h.last.cause, h.last.err, h.last.at
}
