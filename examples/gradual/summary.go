package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/azaffinity/azaffinity/resolver"
)

// summary says of how many attempts there would have been, or were, how many in the zone, and why the others not. With
// some NoZone at the start, and no other reasons, there is nothing to be afraid of.
func summary(s resolver.Snapshot) string {
	reasons := map[resolver.Reason]uint64{}
	var all uint64
	for _, counts := range append([]map[resolver.Reason]uint64{s.Unmatched}, attempts(s.Endpoints)...) {
		for reason, n := range counts {
			reasons[reason] += n
			all += n
		}
	}
	text := fmt.Sprintf("%s: %d of %d attempts in zone %s", s.Mode, reasons[resolver.InZone], all, s.ZoneName)
	delete(reasons, resolver.InZone)
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		text += fmt.Sprintf(", %d %s", reasons[reason], reason)
	}
	return text
}

func attempts(endpoints []resolver.EndpointState) (counts []map[resolver.Reason]uint64) {
	for _, e := range endpoints {
		counts = append(counts, e.Attempts)
	}
	return counts
}
