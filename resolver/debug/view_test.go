package debug

import (
	"reflect"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// Times and numbers as people read them.
func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 1600 * time.Millisecond: "2 s", 99 * time.Second: "99 s", 100 * time.Second: "1 min", 99 * time.Minute: "99 min",
		100 * time.Minute: "1 h 40 min", 47*time.Hour + 59*time.Minute: "47 h 59 min", 100 * time.Hour: "4 days",
	} {
		if got := short(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	for _, tt := range []struct {
		zonal, all uint64
		want       string
	}{{0, 7, "0 %"}, {7, 7, "100 %"}, {1, 3, "33 %"}, {9999, 10000, "> 99 %"}, {1, 10000, "< 1 %"}, {995, 1000, "> 99 %"}, {994, 1000, "99 %"}, {5, 1000, "< 1 %"}, {6, 1000, "1 %"}} {
		got := trafficOf(map[resolver.Reason]uint64{resolver.InZone: tt.zonal, resolver.NotInZone: tt.all - tt.zonal})
		if got.Share() != tt.want || got.All != tt.all {
			t.Errorf("%d of %d: got %s of %d, want %s", tt.zonal, tt.all, got.Share(), got.All, tt.want)
		}
	}
}

// Every reason that a next request may have has a word, and every reason has a meaning.
func TestEveryReasonHasAWord(t *testing.T) {
	for _, w := range legend() {
		if w.Meaning == "" || w.Name == "" {
			t.Errorf("%+v: a word without a meaning", w)
		}
	}
	for r := range resolver.Nearest + 1 {
		e := resolver.EndpointState{NextRequest: resolver.NextRequest{Target: r.Target(), Reason: r, InUse: r == resolver.InZone}}
		switch s := statusOf(e); r {
		case resolver.Pinned, resolver.FailedOver, resolver.Untried, resolver.Nearest: // of a request, and never of the next one
		default:
			if s.Name == r.String() || s.Name == "" || s.Goes == "" {
				t.Errorf("%v: got %+v", r, s)
			}
		}
	}
}

// Where requests of an endpoint go that has a name by private DNS.
func TestWhereRequestsGo(t *testing.T) {
	e := resolver.EndpointState{NextRequest: resolver.NextRequest{Target: resolver.Regional, Reason: resolver.Unhealthy}, Regional: "vpce-1"}
	for _, tt := range []struct {
		private bool
		hosts   []string
		want    string
	}{{true, []string{"first", "second"}, "first"}, {true, []string{"first"}, "first"}, {true, nil, "vpce-1"}, {false, []string{"first"}, "vpce-1"}} {
		if e.PrivateDNS, e.Hosts = tt.private, tt.hosts; statusOf(e).To != tt.want {
			t.Errorf("%+v: got %q", tt, statusOf(e).To)
		}
	}
}

// Endpoints are counted by what is the matter with them, the worst first, and those that are an error are shown as such.
func TestCount(t *testing.T) {
	var v view
	for _, r := range []resolver.Reason{resolver.NotInZone, resolver.InZone, resolver.Unhealthy, resolver.NoZone, resolver.NotInZone, resolver.InZone, resolver.InZone, resolver.Unhealthy} {
		v.Endpoints = append(v.Endpoints, resolver.EndpointState{
			NextRequest: resolver.NextRequest{Target: r.Target(), Reason: r, InUse: r == resolver.InZone},
			HealthState: resolver.HealthState{Ejected: r == resolver.Unhealthy},
		})
	}
	want := count{3, []group{{2, "ejected", "error"}, {2, "not in the zone", ""}, {1, "zone not known", "error"}}}
	if got := v.Count(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Endpoints stand in the order of how bad it is, those in use of which something is ejected before the other ones that are, and those with the same state by
// their services' names.
func TestSorted(t *testing.T) {
	states := []struct {
		reason   resolver.Reason
		ejected  bool
		hosts    int
		observed resolver.Target
	}{
		{resolver.InZone, false, 0, 0},
		{resolver.Unhealthy, false, 0, resolver.Zonal}, // observed
		{resolver.FreePath, false, 0, 0},
		{resolver.CrossRegion, false, 0, 0},
		{resolver.SwitchedOff, false, 0, 0},
		{resolver.ShiftedAway, false, 0, 0},
		{resolver.NoZone, false, 0, 0},
		{resolver.NoEndpoint, false, 0, 0},
		{resolver.InZone, false, 1, 0},
		{resolver.InZone, true, 0, 0},
		{resolver.NotInZone, false, 0, 0},
		{resolver.Unhealthy, false, 0, 0},
		{resolver.Unhealthy, true, 0, 0},
	}
	var v view
	for i, s := range states {
		v.Endpoints = append(v.Endpoints, resolver.EndpointState{
			Service:     string(rune('a' + i)),
			NextRequest: resolver.NextRequest{Target: s.reason.Target(), Reason: s.reason, InUse: s.reason == resolver.InZone, Observed: s.observed},
			HealthState: resolver.HealthState{Ejected: s.ejected, EjectedHosts: s.hosts},
		})
	}
	got := ""
	for _, e := range v.Sorted() {
		got += e.Service
	}
	if want := "mlkijhfgecdba"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What went where lately is added up, the most first.
func TestRecent(t *testing.T) {
	v := view{resolver.Snapshot{Endpoints: []resolver.EndpointState{
		{RecentAttempts: map[resolver.Reason]uint64{resolver.InZone: 5, resolver.Unhealthy: 1}},
		{RecentAttempts: map[resolver.Reason]uint64{resolver.InZone: 2, resolver.NotInZone: 4}},
	}}}
	for range 2 {
		want := traffic{12, 7, []row{{"NotInZone", 4, false}, {"Unhealthy", 1, false}}}
		if v.RecentUnmatched != nil {
			want = traffic{15, 7, []row{{"NotInZone", 4, false}, {"NoEndpoint", 3, false}, {"Unhealthy", 1, false}}}
		}
		if got := v.Recent(); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		v.RecentUnmatched = map[resolver.Reason]uint64{resolver.NoEndpoint: 3}
	}
	if n := v.RecentUnmatched[resolver.InZone]; n != 0 {
		t.Errorf("the snapshot was changed: %d", n)
	}
}

// When an ejected name is tried again, and by whom.
func TestRetry(t *testing.T) {
	now := time.Now()
	v := view{resolver.Snapshot{Process: resolver.Process{Time: now}}}
	for _, tt := range []struct {
		health resolver.HealthState
		want   string
	}{
		{resolver.HealthState{}, "not tried again while no request goes to the zone"},
		{resolver.HealthState{RetryAt: now.Add(8 * time.Second), InBackground: true}, "tried again in 8 s, in the background"},
		{resolver.HealthState{RetryAt: now.Add(-time.Second), InBackground: true}, "being tried in the background"},
		{resolver.HealthState{RetryAt: now.Add(8 * time.Second)}, "tried again in 8 s, by a call that can be sent twice"},
		{resolver.HealthState{RetryAt: now.Add(-time.Second), HalfOpen: true}, "tried again by the next call that can be sent twice"},
	} {
		if got := v.Retry(tt.health); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.health, got, tt.want)
		}
	}
}
