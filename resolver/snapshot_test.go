package resolver_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// recorder keeps what is logged.
type recorder struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.String()
}

func (r *recorder) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// Given a resolver with something to tell, when its snapshot is made JSON, then
// names stand for numbers, and what there isn't is left out.
func TestSnapshotAsJSON(t *testing.T) {
	r := newResolver(t, zone.Zone{Name: "us-east-1a", ID: "use1-az6"}, []endpoint.Endpoint{of("sqs"), of("s3")})
	r.Resolve("sqs"+region).Failed(resolver.CauseAbsent, errors.New("no such host"))
	text, err := json.Marshal(r.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Mode, ZoneSource, ZoneName string
		ZoneError                  *string
		Zone                       struct{ Name, ID string }
		Endpoints                  []struct {
			ID, Service, Region, Regional, Zonal string
			Ejected                              bool
			RetryAt, LastAt                      *time.Time
			LastCause, LastError                 *string
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Mode != "prefer" || got.ZoneSource != "static" || got.ZoneName != "us-east-1a" || got.Zone.ID != "use1-az6" || got.ZoneError != nil {
		t.Errorf("got %s", text)
	}
	if len(got.Endpoints) != 2 {
		t.Fatalf("got %d endpoints in %s, want 2", len(got.Endpoints), text)
	}
	failed, healthy := got.Endpoints[0], got.Endpoints[1]
	if failed.Zonal != zonal("sqs") || !failed.Ejected || *failed.LastCause != "absent" || *failed.LastError != "no such host" || !failed.RetryAt.After(*failed.LastAt) {
		t.Errorf("ejected: got %s", text)
	}
	if healthy.Zonal != "*."+zonal("s3") || healthy.Ejected || healthy.LastCause != nil || healthy.LastError != nil || healthy.RetryAt != nil || healthy.LastAt != nil {
		t.Errorf("healthy: got %s", text)
	}

	text, err = json.Marshal(newResolver(t, inA, nil).Snapshot())
	if err != nil || !strings.Contains(string(text), `"Endpoints":[]`) {
		t.Errorf("without endpoints: got %s, %v; want an empty list", text, err)
	}
}

// Names in text, where they are and where they are not known.
func TestNames(t *testing.T) {
	for _, tt := range []struct {
		got  interface{ String() string }
		want string
	}{
		{resolver.Zonal, "Zonal"},
		{resolver.Target(9), "unknown(9)"},
		{resolver.SwitchedOff, "SwitchedOff"},
		{resolver.Reason(99), "unknown(99)"},
		{resolver.NoCause, ""},
		{resolver.CauseBroken, "broken"},
		{resolver.Cause(99), "unknown(99)"},
		{resolver.Off, "off"},
		{resolver.Mode(9), "unknown(9)"},
	} {
		if tt.got.String() != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	text, err := json.Marshal([]any{resolver.Zonal, resolver.InZone})
	if want := `["Zonal","InZone"]`; string(text) != want || err != nil {
		t.Errorf("as JSON: got %s, %v; want %s", text, err, want)
	}
	for _, m := range []resolver.Mode{resolver.Prefer, resolver.Observe, resolver.Off} {
		if got, err := resolver.ParseMode(m.String()); got != m || err != nil {
			t.Errorf("%v: got %v, %v", m, got, err)
		}
	}
	for _, s := range []string{"", "Prefer", "on"} {
		if _, err := resolver.ParseMode(s); err == nil {
			t.Errorf("%q: got a mode, want an error", s)
		}
	}
}

// A route with nothing to fall back to stays as it is.
func TestFailedOver(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	route := r.Resolve("sqs" + region).FailedOver(resolver.CauseDNS)
	expect(t, route, regional("sqs"), "", resolver.Regional, resolver.FailedOver)
	if route.Cause != resolver.CauseDNS || route.Endpoint() == "" {
		t.Errorf("got cause %v, endpoint %q", route.Cause, route.Endpoint())
	}
	route = r.Resolve("example.com").FailedOver(resolver.CauseDNS)
	expectUntouched(t, route, "example.com", resolver.NoEndpoint)
}
