//go:build go1.25

package resolver_test

import (
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given requests over hours, when a snapshot is made, then what it calls recent was sent within
// the last five minutes, since the start or since the mode was changed.
func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...))
		expect := func(inZone, unmatched uint64, age time.Duration) {
			t.Helper()
			s := r.Snapshot()
			if got := s.Endpoints[0].RecentAttempts[resolver.InZone]; got != inZone {
				t.Errorf("in the zone: got %d, want %d", got, inZone)
			}
			for reason, n := range s.Endpoints[0].RecentAttempts {
				if n == 0 {
					t.Errorf("%v is listed, and there were none", reason)
				}
			}
			if got := s.RecentUnmatched[resolver.NoEndpoint]; got != unmatched {
				t.Errorf("by no endpoint: got %d, want %d", got, unmatched)
			}
			if got := s.Time.Sub(s.RecentSince); got != age {
				t.Errorf("since %v, want %v", got, age)
			}
		}
		send := func(host string, n int) {
			for range n {
				r.Resolve(host).Sent()
			}
		}
		send(sqs, 3)
		send("lambda"+region, 2)
		expect(3, 2, 0)
		time.Sleep(3 * time.Minute)
		send(sqs, 4)
		expect(7, 2, 3*time.Minute)
		time.Sleep(3*time.Minute - time.Second)
		expect(4, 0, 5*time.Minute-time.Second)
		time.Sleep(time.Hour)
		expect(0, 0, 5*time.Minute-time.Second)
		send(sqs, 1)
		r.SetMode(resolver.Observe)
		expect(0, 0, 0)
		send(sqs, 5)
		expect(5, 0, 0)
		if got := r.Snapshot().Endpoints[0].Attempts[resolver.InZone]; got != 13 {
			t.Errorf("since the start: got %d, want 13", got)
		}
	})
}

// Given an ejected name that a request has to probe, and none does, then the snapshot says who is
// to try it, and that the name is on trial when nobody has for so long that any request may.
func TestNextRequestOfAnEjectedName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...))
		state := func() resolver.EndpointState { return r.Snapshot().Endpoints[0] }
		if got := state(); !got.InUse || !got.Untried || got.Ejected {
			t.Errorf("at first: got %+v", got)
		}
		r.Resolve(sqs).Answered()
		for range 3 {
			r.Resolve(sqs).Failed(resolver.CauseUnanswered, errors.New("late"))
		}
		ejected := time.Now()
		if got := state(); got.InUse || got.Target != resolver.Regional || got.Reason != resolver.Unhealthy || !got.EjectedAt.Equal(ejected) ||
			got.EjectedFor != resolver.CauseUnanswered || got.HalfOpen || got.InBackground || got.Untried {
			t.Errorf("ejected: got %+v", got)
		}
		r.SetMode(resolver.Off)
		if got := state(); !got.Ejected || got.Zonal == "" || !got.RetryAt.IsZero() || got.Reason != resolver.SwitchedOff {
			t.Errorf("off: got %+v", got)
		}
		r.SetMode(resolver.Prefer)
		time.Sleep(time.Minute)
		for range 2 { // to look changes nothing
			if got := state(); got.InUse || !got.HalfOpen || r.Resolve(sqs).Target != resolver.Regional {
				t.Errorf("half-open: got %+v", got)
			}
		}
		time.Sleep(5 * time.Minute)
		for range 2 {
			if got := state(); !got.InUse || !got.Ejected {
				t.Errorf("overdue: got %+v", got)
			}
		}
		if route := r.Resolve(sqs); route.Target != resolver.Zonal {
			t.Errorf("got %v, want the zonal name", route)
		}
		if got := state(); !got.InUse || got.Ejected || !got.Untried {
			t.Errorf("on trial: got %+v", got)
		}
	})
}

// Given server errors under the zonal name and nothing from elsewhere, then the snapshot says that
// requests compare, although the name isn't ejected.
func TestNextRequestOfANameThatIsCompared(t *testing.T) {
	r := newResolver(t, inA, sqsOnly())
	for range 3 {
		r.Resolve(sqs).Failed(resolver.CauseServerError, nil)
	}
	got := r.Snapshot()
	if e := got.Endpoints[0]; e.InUse || e.Ejected || e.Reason != resolver.Unhealthy || !maps.Equal(codes(got), map[string]int{"comparing": 1}) {
		t.Errorf("got %+v, %v", e, got.Problems)
	}
}
