package resolver

import (
	"slices"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// publish makes a new table from what is known. r.mu must be held.
func (r *Resolver) publish() {
	r.judgeShift()
	t := newTable(tableInput{
		mode:           r.mode,
		zone:           r.zoneName(),
		shifted:        !r.shift.until.IsZero(),
		endpoints:      r.catalog.value.Endpoints,
		forceInterface: r.config.forceInterface,
		names:          r.names,
		unmatched:      r.unserved.others,
	})
	r.learning.Lock()
	r.learned = slices.DeleteFunc(r.learned, func(e endpoint.Endpoint) bool { return t.exact[bare(e.Regional)] != nil })
	if t.mode != Off {
		for _, e := range r.learned {
			t.addLearned(e)
		}
	}
	r.table.Store(t)
	r.publishPlaces(t.zone)
	r.learning.Unlock()
	r.names.setShifted(t.shifted)
	if t.mode != Off && !t.shifted { // else names are not in use, and not forgotten
		r.logForgotten(r.names.keep(func(zonal string) bool { return t.zonalName(zonal) != nil }))
	}
	for _, note := range slices.Concat(r.catalog.value.Notes, t.notes) {
		r.infoOnce("azaffinity: " + note)
	}
	if r.zoneUnnamed() {
		r.warnOnce("azaffinity: requests are not kept in the zone: "+unnamed, "zone_id", r.zone.value.Zone.ID)
	}
	r.warnUnlocated()
}

// zoneUnnamed reports whether only the zone's ID is known, and will stay so.
func (r *Resolver) zoneUnnamed() bool {
	return !r.zone.since.IsZero() && !r.catalog.since.IsZero() && r.zoneName() == ""
}

// unnamed is what is wrong then, and the remedy.
const unnamed = "no zone name is known for its ID: set AZAFFINITY_ZONE_NAMES, or AZAFFINITY_ZONE to the zone's name"

// zoneName is the zone's name as the endpoints' names spell it. The zone's ID
// decides if the catalogue has a name for it, since the names carry the
// letters of the account that owns the endpoints.
func (r *Resolver) zoneName() string {
	z := r.zone.value.Zone
	if name, ok := r.catalog.value.ZoneNames[z.ID]; ok && z.ID != "" {
		return name
	}
	return z.Name
}
