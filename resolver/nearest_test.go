package resolver_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

func one(zone byte) []netip.Addr { return []netip.Addr{in(zone, 7)} }

// Given a dialer that prefers an address of a host that no endpoint serves, then the host's routes
// say so for as long as it does, and nothing else about them changes.
func TestNearest(t *testing.T) {
	const host = "db.example.com"
	log := &recorder{}
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")}, resolver.WithLogger(log.logger()))
	multiRegion := "vpce-0a1b2c3d4e5f60718.s3-global.vpce.amazonaws.com" // of which only AWS can make names
	expectUntouched(t, r.Resolve(host), host, resolver.NoEndpoint)
	for _, h := range []string{"DB.example.com.", multiRegion, "sqs" + region, zonal("sns")} {
		link.Nearest(r, h, one('a'), "0.2 ms, the next 0.6 ms")
	}
	for _, h := range []string{host, "db.Example.com", multiRegion} {
		expectUntouched(t, r.Resolve(h), h, resolver.Nearest)
	}
	expectUntouched(t, r.Resolve("other.example.com"), "other.example.com", resolver.NoEndpoint)
	expect(t, r.Resolve("sqs"+region), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
	expectUntouched(t, r.Resolve(zonal("sns")), zonal("sns"), resolver.Pinned)
	r.Resolve(host).Sent()
	r.Resolve(host).Answered()
	if got := r.Snapshot().Unmatched[resolver.Nearest]; got != 1 {
		t.Errorf("counted %d attempts, want 1", got)
	}

	since := r.Snapshot().Nearest[0].Since
	lines := strings.Count(log.String(), host)
	link.Nearest(r, host, one('a'), "0.2 ms, the next 0.7 ms") // no change
	if got := r.Snapshot().Nearest[0]; !reflect.DeepEqual(got, resolver.NearestAddrs{Host: host, Addresses: one('a'), Why: "0.2 ms, the next 0.6 ms", Since: since}) || since.IsZero() {
		t.Errorf("got %+v", got)
	}
	if got := strings.Count(log.String(), host); got != lines || lines != 1 {
		t.Errorf("logged %d lines, then %d; want 1: %s", lines, got, log)
	}
	link.Nearest(r, host, one('b'), "it answers")
	if got := r.Snapshot().Nearest[0]; !slices.Equal(got.Addresses, one('b')) || got.Since.Before(since) {
		t.Errorf("got %+v, want the other address", got)
	}
	text, err := json.Marshal(r.Snapshot().Nearest)
	if !strings.HasPrefix(string(text), `[{"Host":"db.example.com","Addresses":["10.0.2.7"],"Why":"it answers","Since":"2`) || err != nil {
		t.Errorf("got %s, %v", text, err)
	}
	for _, m := range []resolver.Mode{resolver.Observe, resolver.Off} {
		r.SetMode(m)
		if got := r.Resolve(host).Reason; got == resolver.Nearest {
			t.Errorf("mode %v: got %v", m, got)
		}
	}
	r.SetMode(resolver.Prefer)
	link.Nearest(r, host, nil, "too few connections")
	link.Nearest(r, host, nil, "too few connections")
	expectUntouched(t, r.Resolve(host), host, resolver.NoEndpoint)
	if got := strings.Count(log.String(), host); got != 3 || !strings.Contains(log.String(), "any longer") || !strings.Contains(log.String(), "was=[10.0.2.7]") {
		t.Errorf("logged %d lines, want 3: %s", got, log)
	}
	link.Nearest(nil, host, one('a'), "")
}

// Given more hosts than are remembered, then those beyond are routed as before, and there is room
// when others go.
func TestNearestIsBounded(t *testing.T) {
	r := newResolver(t, inA, nil)
	host := func(i int) string { return fmt.Sprintf("db%d.example.com", i) }
	for i := range 300 {
		link.Nearest(r, host(i), one('a'), "")
	}
	if got := len(r.Snapshot().Nearest); got != 256 || r.Resolve(host(255)).Reason != resolver.Nearest || r.Resolve(host(256)).Reason != resolver.NoEndpoint {
		t.Errorf("got %d hosts, want the first 256", got)
	}
	link.Nearest(r, host(0), nil, "")
	link.Nearest(r, host(299), one('a'), "")
	if got := r.Resolve(host(299)).Reason; got != resolver.Nearest {
		t.Errorf("got %v", got)
	}
	if got := testing.AllocsPerRun(100, func() { r.Resolve(host299).Sent() }); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

const host299 = "db299.example.com"
