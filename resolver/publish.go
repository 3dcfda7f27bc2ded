package resolver

import (
	"slices"
	"time"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// published is what is made of the zone and the endpoints, and stays the same while the
// mode changes.
type published struct {
	index   *index
	indexed time.Time          // of which catalogue: when that was given
	zonal   map[string]*health // the endpoints' zonal names in the zone
	stale   bool               // zonal and places are from before
	kept    bool               // names that are not in zonal have been forgotten
}

// publish makes a new table from what is known of the zone and the endpoints. r.mu must be
// held.
func (r *Resolver) publish() {
	r.judgeShift()
	if r.index == nil || !r.indexed.Equal(r.catalog.since) {
		r.index, r.indexed = newIndex(r.catalog.value.Endpoints, r.config.forceInterface), r.catalog.since
	}
	r.stale, r.kept = true, false
	r.publishTable()
	for _, note := range slices.Concat(r.catalog.value.Notes, r.index.notes.list()) {
		r.infoOnce("azaffinity: " + note)
	}
	if r.zoneUnnamed() {
		r.warnOnce("azaffinity: requests are not kept in the zone: "+unnamed, "zone_id", r.zone.value.Zone.ID)
	}
	r.warnUnlocated()
}

// publishTable makes a new table, for another mode or a shift say. r.mu must be held.
func (r *Resolver) publishTable() {
	r.learning.Lock()
	defer r.learning.Unlock() // once names are forgotten: what is being learned is in use
	r.learned = slices.DeleteFunc(r.learned, func(e endpoint.Endpoint) bool { return r.index.at[bare(e.Regional)].whole > 0 })
	if r.stale {
		r.zonal, r.stale = r.publishPlaces(r.zoneName()), false
	}
	t := newTable(tableInput{
		index: r.index, mode: r.mode, zone: r.zoneName(), shifted: !r.shift.until.IsZero(),
		names: r.names, zonal: r.zonal, unmatched: r.unserved.others,
	})
	if t.mode != Off {
		for _, e := range r.learned {
			t.addLearned(e)
		}
	}
	r.table.Store(t)
	r.lookups.wakeUp()
	r.names.setShifted(t.shifted)
	if t.mode != Off && !t.shifted && !r.kept { // else names are not in use, and not forgotten
		r.logForgotten(r.names.keep(func(zonal string) bool { return t.zonalName(zonal) != nil }))
		r.kept = true
	}
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
