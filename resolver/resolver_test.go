package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// No test here asks this machine's DNS. Package net makes a channel for its first lookup, which
// must not be one of a test's with time of its own.
func init() {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no DNS in tests")
	}}
	_, _ = net.DefaultResolver.LookupHost(context.Background(), "dns.invalid")
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

func (f zoneFunc) Answer(ctx context.Context, wait bool) (zone.Answer, error) {
	if !wait {
		return zone.Answer{}, zone.ErrWouldBlock
	}
	return f(ctx)
}

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
	for i := range 800 { // 256 that are remembered for good, and 512 for as long as the table
		host := numbered(i)
		if got := r.Resolve(host); i < 768 && got.Fallback != host || i >= 768 && got.Host != host {
			t.Fatalf("%s: got %v", host, got)
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

// Given a bucket that is asked for again and again among thousands of others, then its
// route is made once, and those of buckets that were asked for once are not kept.
func TestBucketsThatAreAskedForOften(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("s3")})
	once, often := r.Resolve("once.s3"+region), r.Resolve("often.s3"+region)
	for i := range 5000 {
		r.Resolve(fmt.Sprintf("bucket-%d.s3%s", i, region))
		if i%400 == 0 && r.Resolve("often.s3"+region) != often {
			t.Fatalf("after %d others: the route was made anew", i)
		}
	}
	if r.Resolve("once.s3"+region) == once {
		t.Error("after 5000 others a route is still kept")
	}
}

// numbered is a regional name that no catalogue has.
func numbered(i int) string {
	return strings.Replace(regional("sqs"), "lj2wisx3", fmt.Sprint("x", i), 1)
}

// Given regional names that no catalogue has, then each is answered from the name
// itself, by itself and behind labels; they outlive tables, and those that are more than
// are remembered are routed as long as there is room.
func TestLearnedNames(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("s3")})
	inZone := func(name string) string { return strings.Replace(name, ".sqs", "-us-east-1a.sqs", 1) }
	for range 2 {
		for i := range 256 {
			name := numbered(i)
			expect(t, r.Resolve(name), inZone(name), name, resolver.Zonal, resolver.InZone)
			expect(t, r.Resolve("x."+name), "x."+inZone(name), "x."+name, resolver.Zonal, resolver.InZone)
		}
		r.SetMode(resolver.Off)
		expectUntouched(t, r.Resolve(numbered(0)), numbered(0), resolver.SwitchedOff)
		r.SetMode(resolver.Prefer)
	}
	more := numbered(256)
	for range 2 {
		expect(t, r.Resolve(more), inZone(more), more, resolver.Zonal, resolver.InZone)
		r.Resolve(more).Failed(resolver.CauseBroken, nil)
	}
	r.Resolve(more).Failed(resolver.CauseBroken, nil)
	expect(t, r.Resolve(more), more, "", resolver.Regional, resolver.Unhealthy)
	r.Resolve(more).Sent()
	if got := r.Snapshot().Unmatched[resolver.Unhealthy]; got != 1 {
		t.Errorf("sent by no endpoint that is listed: got %d, want 1", got)
	}
	if got := len(r.Snapshot().Endpoints); got != 1+256 {
		t.Errorf("endpoints: got %d, want one and 256 learned", got)
	}
	expectUntouched(t, r.Resolve("-x."+numbered(0)), "-x."+numbered(0), resolver.NoEndpoint)
}

// Given hosts spelled in another way that DNS takes for the same, then their routes are
// the same, and what stays as it is keeps its spelling.
func TestSpellingsOfAHost(t *testing.T) {
	sqs := of("sqs")
	private := endpoint.Endpoint{Regional: regional("kms"), Hosts: []string{"kms" + region}, PrivateDNS: true, Zonal: map[string]string{}}
	r := newResolver(t, inA, []endpoint.Endpoint{sqs, of("s3"), private})
	for _, tt := range []struct{ asked, host, fallback string }{
		{"SQS" + region, zonal("sqs"), regional("sqs")},
		{"sqs" + region + ".", zonal("sqs"), regional("sqs")},
		{"Sqs.US-East-1.AmazonAWS.com.", zonal("sqs"), regional("sqs")},
		{"Photos.S3" + region + ".", "photos.bucket." + zonal("s3"), "photos.bucket." + regional("s3")},
		{strings.ToUpper(regional("sns")), zonal("sns"), regional("sns")},
		{regional("states") + ".", zonal("states"), regional("states")},
		{"KMS" + region, "KMS" + region, ""}, // NotInZone, by private DNS
		{"Example.COM.", "Example.COM.", ""},
		{zonal("sqs") + ".", zonal("sqs") + ".", ""},
	} {
		for range 2 {
			if got := r.Resolve(tt.asked); got.Host != tt.host || got.Fallback != tt.fallback {
				t.Errorf("%s: got %v, want %s", tt.asked, got, tt.host)
			}
		}
	}
	if got := r.Resolve(zonal("sqs") + ".").Reason; got != resolver.Pinned {
		t.Errorf("a pinned name with a dot: got %v, want Pinned", got)
	}
	r.SetMode(resolver.Observe)
	if got := r.Resolve("SQS" + region); got.Host != "SQS"+region || got.Observed != zonal("sqs") {
		t.Errorf("observed: got %v", got)
	}
}

// Routes, as people read them.
func TestRouteString(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	route := r.Resolve("sqs" + region)
	for _, tt := range []struct {
		route resolver.Route
		want  string
	}{
		{resolver.Route{}, "no host (Unmatched, NoEndpoint)"},
		{r.Resolve("example.com"), "example.com (Unmatched, NoEndpoint)"},
		{route, zonal("sqs") + " (Zonal, InZone; fallback " + regional("sqs") + ")"},
		{route.FailedOver(resolver.CauseUnanswered), regional("sqs") + " (Regional, FailedOver: unanswered)"},
		{route.Untried(), regional("sqs") + " (Regional, Untried)"},
	} {
		if got := fmt.Sprint(tt.route); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	r.SetMode(resolver.Observe)
	if got, want := r.Resolve("sqs"+region).String(), "sqs"+region+" (observed: "+zonal("sqs")+", Zonal, InZone)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A route that no resolver made takes everything, and counts nothing.
func TestZeroRoute(t *testing.T) {
	var route resolver.Route
	route.Sent()
	route.Answered()
	route.Failed(resolver.CauseAbsent, nil)
	if probe, ok := route.Probe(); ok || !route.Proven() || probe != route || route.Untried() != route || route.FailedOver(resolver.CauseDNS) != route {
		t.Error("something came of it")
	}
}

// Given the environment's mode, then it is the resolver's, unless the code says another,
// and a misspelling is an error that names the variable.
func TestModeOfTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		value string
		opts  []resolver.Option
		want  resolver.Mode
		err   string
	}{
		{"", nil, resolver.Prefer, ""},
		{"off", nil, resolver.Off, ""},
		{"observe", nil, resolver.Observe, ""},
		{"prefer", nil, resolver.Prefer, ""},
		{"off", []resolver.Option{resolver.WithMode(resolver.Prefer)}, resolver.Prefer, ""},
		{"offf", nil, 0, `AZAFFINITY_MODE: resolver: "offf" is not a mode`},
		{"offf", []resolver.Option{resolver.WithMode(resolver.Off)}, resolver.Off, ""}, // nobody asks
	} {
		t.Setenv(resolver.EnvMode, tt.value)
		r, err := resolver.New(append([]resolver.Option{resolver.WithZone(zone.Static(inA)), resolver.WithEndpoints(endpoint.Static())}, tt.opts...)...)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q: got error %v, want %s", tt.value, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.value, err)
			continue
		}
		if got := r.Snapshot().Mode; got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.value, got, tt.want)
		}
		r.Close()
	}
}

// What is sent is counted by where it went, whether an endpoint was chosen or not.
func TestSent(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	route := r.Resolve("sqs" + region)
	route.Sent()
	route.FailedOver(resolver.CauseDNS).Sent()
	route.Untried().Sent()
	r.Resolve("example.com").Sent()
	r.Resolve("example.com").Sent()
	r.Resolve(zonal("sns")).Sent()
	s := r.Snapshot()
	e := s.Endpoints[0]
	if e.Attempts[resolver.InZone] != 1 || e.Attempts[resolver.FailedOver] != 1 || e.Attempts[resolver.Untried] != 1 || e.Failovers[resolver.CauseDNS] != 1 {
		t.Errorf("got %+v", e)
	}
	if s.Unmatched[resolver.NoEndpoint] != 2 || s.Unmatched[resolver.Pinned] != 1 {
		t.Errorf("unmatched: got %v", s.Unmatched)
	}
}
