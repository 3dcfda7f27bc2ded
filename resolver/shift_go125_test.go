//go:build go1.25

package resolver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given a running resolver that is told to shift away from the zone, then requests leave it
// at once, and come back when the time is over or when told so.
func TestShiftAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...))
		away := func() {
			t.Helper()
			expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.ShiftedAway)
		}
		back := func() {
			t.Helper()
			expect(t, r.Resolve(sqs), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
		}
		back()
		until := time.Now().Add(time.Hour)
		r.ShiftAway(until)
		away()
		if got := r.Snapshot().ShiftedAwayUntil; !got.Equal(until) {
			t.Errorf("the snapshot says until %v, want %v", got, until)
		}
		time.Sleep(time.Hour - time.Second)
		away()
		r.ShiftAway(until.Add(time.Hour)) // longer
		time.Sleep(time.Hour)
		away()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		back()
		r.ShiftAway(time.Now().Add(time.Hour))
		away()
		r.ShiftAway(time.Time{})
		back()
		r.ShiftAway(time.Now().Add(time.Hour)) // is over with Close, which leaves no timer
	})
}

// Given an ejected name, when the mode is off for a moment, or the zone shifted away from,
// then what is known of the name isn't forgotten.
func TestHealthOutlivesTheMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...))
		r.Resolve(sqs).Failed(resolver.CauseAbsent, nil)
		r.SetMode(resolver.Off)
		r.SetMode(resolver.Prefer)
		expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.Unhealthy)
		r.ShiftAway(time.Now().Add(time.Second))
		r.ShiftAway(time.Time{})
		expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.Unhealthy)
	})
}
