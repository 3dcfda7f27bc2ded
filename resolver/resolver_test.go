package resolver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	accountID = "123456789012"
	region    = ".us-east-1.amazonaws.com"
)

var inA = zone.Zone{Name: "us-east-1a"}

// regional is the regional name of the service's endpoint in these tests.
func regional(service string) string {
	return "vpce-0a1b2c3d4e5f60718-lj2wisx3." + service + ".us-east-1.vpce.amazonaws.com"
}

// zonal is the same in us-east-1a.
func zonal(service string) string {
	return strings.Replace(regional(service), "lj2wisx3", "lj2wisx3-us-east-1a", 1)
}

// of is an endpoint of the service that is known by nothing but its name.
func of(service string) endpoint.Endpoint {
	e := endpoint.Endpoint{Regional: regional(service)}
	if service == "s3" {
		e.Regional = "*." + e.Regional
	}
	return e
}

func newResolver(t testing.TB, z zone.Zone, catalog []endpoint.Endpoint, opts ...resolver.Option) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(append([]resolver.Option{
		resolver.WithZone(zone.Static(z)), resolver.WithEndpoints(endpoint.Static(catalog...)),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

// expect compares what a caller acts on.
func expect(t testing.TB, got resolver.Route, host, fallback string, target resolver.Target, reason resolver.Reason) {
	t.Helper()
	if got.Host != host || got.Fallback != fallback || got.Target != target || got.Reason != reason {
		t.Errorf("got host %q, fallback %q, %v, %v; want %q, %q, %v, %v",
			got.Host, got.Fallback, got.Target, got.Reason, host, fallback, target, reason)
	}
}

func expectUntouched(t testing.TB, got resolver.Route, asked string, reason resolver.Reason) {
	t.Helper()
	expect(t, got, asked, "", resolver.Unmatched, reason)
}

// zoneFunc and endpointsFunc are sources that do what a test needs.
type zoneFunc func(ctx context.Context) (zone.Answer, error)

func (f zoneFunc) Answer(ctx context.Context) (zone.Answer, error) { return f(ctx) }

func (f zoneFunc) Zone(ctx context.Context) (zone.Zone, error) {
	a, err := f(ctx)
	return a.Zone, err
}

type endpointsFunc func(ctx context.Context) (endpoint.Catalog, error)

func (f endpointsFunc) Endpoints(ctx context.Context) (endpoint.Catalog, error) { return f(ctx) }

func TestNilResolverLeavesEverythingAsItIs(t *testing.T) {
	var r *resolver.Resolver
	route := r.Resolve("sqs" + region)
	expectUntouched(t, route, "sqs"+region, resolver.NoEndpoint)
	route.Answered()
	route.Failed(resolver.CauseConnect, nil)
	r.SetMode(resolver.Off)
	if err := r.Ready(t.Context()); err != nil {
		t.Errorf("Ready: got %v, want nil", err)
	}
	if got := r.Snapshot().Mode; got != resolver.Off {
		t.Errorf("mode: got %v, want off", got)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: got %v, want nil", err)
	}
}

// Given configuration that is wrong, New says so: nothing is asked of a network.
func TestNewReturnsErrorsOfConfiguration(t *testing.T) {
	good := resolver.WithEndpoints(endpoint.Static())
	here := resolver.WithZone(zone.Static(inA))
	for _, tt := range []struct {
		name string
		opts []resolver.Option
		want string
	}{
		{"no source of the zone", []resolver.Option{good, resolver.WithZone(nil)}, "must not be nil"},
		{"no source of the endpoints", []resolver.Option{here, resolver.WithEndpoints(nil)}, "must not be nil"},
		{"a mode that isn't one", []resolver.Option{here, good, resolver.WithMode(7)}, "unknown(7) is not a mode"},
		{"a zone that isn't one", []resolver.Option{good, resolver.WithZone(zone.Static(zone.Zone{Name: "evil.example.com/"}))}, "evil.example.com/"},
		{"an endpoint that isn't one", []resolver.Option{here, resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "sqs.example.com"}))}, "sqs.example.com"},
		{"a file that isn't there", []resolver.Option{here, resolver.WithEndpoints(endpoint.File("/no/such/file"))}, "/no/such/file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := resolver.New(tt.opts...)
			if r != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want an error with %q", r, err, tt.want)
			}
		})
	}
}

func TestModes(t *testing.T) {
	asked, pinned := "sqs"+region, zonal("sns")
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), of("s3")}, resolver.WithMode(resolver.Observe))

	route := r.Resolve(asked)
	expect(t, route, asked, "", resolver.Zonal, resolver.InZone)
	if route.Observed != zonal("sqs") {
		t.Errorf("observed: got %q, want %q", route.Observed, zonal("sqs"))
	}
	for range 5 { // what happens to the service host says nothing of the zonal name
		route.Failed(resolver.CauseAbsent, nil)
	}
	if got := r.Resolve("photos.s3" + region).Observed; got != "photos.bucket."+zonal("s3") {
		t.Errorf("a bucket, observed: got %q", got)
	}
	if got := r.Resolve(pinned).Observed; got != "" {
		t.Errorf("a pinned name, observed: got %q, want none", got)
	}

	r.SetMode(resolver.Prefer)
	expect(t, r.Resolve(asked), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
	r.SetMode(99)
	if got := r.Snapshot().Mode; got != resolver.Prefer {
		t.Errorf("after a mode that isn't one: got %v, want prefer", got)
	}
	r.SetMode(resolver.Off)
	for _, host := range []string{asked, "photos.s3" + region, regional("sns"), pinned, "example.com"} {
		expectUntouched(t, r.Resolve(host), host, resolver.SwitchedOff)
	}
}

// Given more hosts than are worth remembering, memory and time stay bounded.
func TestManyHosts(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("s3")})
	for i := range 2000 {
		name := fmt.Sprintf("bucket-%d", i)
		expect(t, r.Resolve(name+".s3"+region), name+".bucket."+zonal("s3"), name+".bucket."+regional("s3"), resolver.Zonal, resolver.InZone)
	}
	if got := testing.AllocsPerRun(100, func() { r.Resolve("another.s3" + region) }); got > 1 {
		t.Errorf("one host too many: got %v allocations, want at most 1", got)
	}
	for i := range 300 {
		host := strings.Replace(regional("sqs"), "lj2wisx3", fmt.Sprint("x", i), 1)
		if got := r.Resolve(host); got.Host != host && got.Fallback != host {
			t.Fatalf("%s: got %+v", host, got)
		}
	}
	if got := len(r.Snapshot().Endpoints); got > 1+256 {
		t.Errorf("endpoints learned: got %d, want at most 256", got-1)
	}
	pinned := zonal("sns")
	r.Resolve(pinned)
	if got := testing.AllocsPerRun(100, func() { r.Resolve(pinned) }); got != 0 {
		t.Errorf("a pinned name asked again: got %v allocations, want 0", got)
	}
}
