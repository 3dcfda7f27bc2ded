package resolver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// codes are those of a snapshot's problems, with how many endpoints each is about.
func codes(s resolver.Snapshot) map[string]int {
	m := map[string]int{}
	for _, p := range s.Problems {
		m[p.Code] = len(p.Endpoints)
	}
	return m
}

// Given something that is wrong, then the snapshot names it, and what else would be wrong if it
// weren't.
func TestProblems(t *testing.T) {
	two := []endpoint.Endpoint{of("sqs"), of("kms")}
	elsewhere := of("sns")
	elsewhere.Zonal = map[string]string{"us-east-1b": strings.Replace(zonal("sns"), "1a.", "1b.", 1)}
	const otherRegion = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.eu-west-1.vpce.amazonaws.com"
	for _, tt := range []struct {
		name  string
		zone  zone.Zone
		list  []endpoint.Endpoint
		opts  []resolver.Option
		then  func(*resolver.Resolver)
		codes map[string]int
	}{
		{name: "nothing", zone: inA, list: two},
		{name: "another Region, which nobody can change", zone: inA, list: []endpoint.Endpoint{{Regional: otherRegion}}},
		{name: "a free path, which is somebody's choice", zone: inA, list: []endpoint.Endpoint{{Regional: regional("sqs"), FreePath: "free"}}},
		{name: "a partner's service", zone: inA, list: []endpoint.Endpoint{of("vpce-svc-0123456789abcdef0")}},
		{name: "off", zone: inA, list: two, opts: []resolver.Option{resolver.WithMode(resolver.Off)}, codes: map[string]int{"off": 0}},
		{name: "observe", zone: inA, list: two, opts: []resolver.Option{resolver.WithMode(resolver.Observe)}, codes: map[string]int{"observe": 0}},
		{name: "observe, and not in the zone", zone: inA, list: []endpoint.Endpoint{elsewhere}, opts: []resolver.Option{resolver.WithMode(resolver.Observe)}, codes: map[string]int{"observe": 0, "not-in-zone": 1}},
		{name: "shifted away", zone: inA, list: two, then: func(r *resolver.Resolver) { r.ShiftAway(time.Now().Add(time.Hour)) }, codes: map[string]int{"shifted-away": 0}},
		{name: "an ID without a name", zone: zone.Zone{ID: "use1-az6"}, list: two, codes: map[string]int{"zone-unnamed": 0}},
		{name: "no endpoints", zone: inA, codes: map[string]int{"no-endpoints": 0}},
		{name: "one not in the zone", zone: inA, list: []endpoint.Endpoint{of("sqs"), elsewhere}, codes: map[string]int{"not-in-zone": 1}},
		{name: "one that no host leads to", zone: inA, list: []endpoint.Endpoint{of("sqs"), of("iam")}, codes: map[string]int{"not-routed": 1}},
		{
			name: "two ejected, for two reasons", zone: inA, list: two, codes: map[string]int{"ejected": 1},
			then: func(r *resolver.Resolver) {
				r.Resolve("sqs"+region).Failed(resolver.CauseAbsent, nil)
				r.Resolve("kms"+region).Failed(resolver.CausePathDead, nil)
			},
		},
		{
			name: "a bucket ejected", zone: inA, list: []endpoint.Endpoint{of("s3")}, codes: map[string]int{"hosts-ejected": 1},
			then: func(r *resolver.Resolver) {
				r.Resolve("a.b.s3"+region).Failed(resolver.CauseCertificate, nil)
			},
		},
		{
			name: "a note of a dialer or client", zone: inA, list: two, codes: map[string]int{"note": 0},
			then: func(r *resolver.Resolver) { link.Note(r, "a client is foreign: attach it") },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newResolver(t, tt.zone, tt.list, tt.opts...)
			if tt.then != nil {
				tt.then(r)
			}
			s := r.Snapshot()
			if got := codes(s); !maps.Equal(got, tt.codes) {
				t.Errorf("got %v, want %v", s.Problems, tt.codes)
			}
			for _, p := range s.Problems {
				if !strings.HasSuffix(p.What, ".") || p.Do != "" && !strings.HasSuffix(p.Do, ".") || strings.Contains(p.What+p.Do, "%!") {
					t.Errorf("%q, %q: want sentences", p.What, p.Do)
				}
			}
			text, err := json.Marshal(s)
			if err != nil || !strings.Contains(string(text), `"Problems":[`) {
				t.Errorf("as JSON: got %s, %v", text, err)
			}
		})
	}
}

// Given sources that fail after they have answered, then that is a problem, too.
func TestProblemsOfSources(t *testing.T) {
	failing := errors.New("access denied")
	r, err := resolver.New(
		resolver.WithZone(zoneFunc(func(context.Context) (zone.Answer, error) { return zone.Answer{}, failing })),
		resolver.WithEndpoints(endpointsFunc(func(context.Context) (endpoint.Catalog, error) { return endpoint.Catalog{}, failing })))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Ready(t.Context()); !errors.Is(err, failing) {
		t.Errorf("Ready: got %v", err)
	}
	s := r.Snapshot()
	if got, want := codes(s), map[string]int{"no-zone": 0, "no-endpoints": 0}; !maps.Equal(got, want) || !strings.Contains(s.Problems[0].What, "denied") {
		t.Errorf("got %v, want %v", s.Problems, want)
	}
	if got := (*resolver.Resolver)(nil).Snapshot(); !maps.Equal(codes(got), map[string]int{"off": 0}) {
		t.Errorf("without a resolver: got %v", got.Problems)
	}
}

// Given endpoints of the same service, when one serves its hosts, then the other's next request is
// nobody's; unless somebody asks for it by its own name.
func TestNextRequestByItsOwnName(t *testing.T) {
	second := endpoint.Endpoint{Regional: "vpce-0ffffffffffffffff-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"}
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), second, of("vpce-svc-0123456789abcdef0")})
	states := func() []resolver.EndpointState { return r.Snapshot().Endpoints }
	if s := states(); !s[0].InUse || !slices.Equal(s[0].Hosts, []string{"sqs" + region}) || s[1].InUse || s[1].Reason != resolver.NoEndpoint || !s[2].InUse || s[2].Hosts != nil {
		t.Errorf("got %+v", s)
	}
	r.Resolve(second.Regional).Sent()
	if s := states(); !s[1].InUse || s[1].Reason != resolver.InZone || s[1].Hosts != nil {
		t.Errorf("asked for by its name: got %+v", s[1])
	}
	learned := "vpce-0eeeeeeeeeeeeeeee-lj2wisx3.kms.us-east-1.vpce.amazonaws.com"
	r.Resolve(learned)
	if s := states(); len(s) != 4 || !s[3].InUse || s[3].Zonal == "" {
		t.Errorf("learned: got %+v", s)
	}
	if s := newResolver(t, inA, []endpoint.Endpoint{of("s3")}).Snapshot().Endpoints[0]; !slices.Equal(s.Hosts, []string{
		"s3" + region, "*.s3-accesspoint" + region, "*.s3-control" + region, "*.s3" + region,
	}) {
		t.Errorf("S3's hosts: got %v", s.Hosts)
	}
}

// Given hosts that no endpoint is known for, when they are sent to, then the snapshot tells them
// apart and counts them, without what stands in front of a service's host.
func TestUnmatchedHosts(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	for host, n := range map[string]int{
		"lambda" + region: 4, "LAMBDA" + region + ".": 1,
		"photos.s3" + region: 1, "my.photos.s3" + region: 2, "s3" + region: 1,
		accountID + ".dkr.ecr" + region: 1, accountID + ".ddb" + region: 1, "db.example.com": 1,
		"sqs" + region: 9,
	} {
		for range n {
			r.Resolve(host).Sent()
		}
	}
	r.Resolve("kms" + region) // and not sent
	want := []resolver.HostAttempts{
		{Host: "lambda" + region, Attempts: 5},
		{Host: "*.s3" + region, Attempts: 3},
		{Host: "*.ddb" + region, Attempts: 1},
		{Host: "*.dkr.ecr" + region, Attempts: 1},
		{Host: "db.example.com", Attempts: 1},
		{Host: "s3" + region, Attempts: 1},
	}
	if got := r.Snapshot(); !slices.Equal(got.UnmatchedHosts, want) || got.Unmatched[resolver.NoEndpoint] != 12 {
		t.Errorf("got %v, and %v in all; want %v", got.UnmatchedHosts, got.Unmatched, want)
	}
	r.SetMode(resolver.Off)
	r.Resolve("lambda" + region).Sent()
	r.SetMode(resolver.Observe)
	r.Resolve("lambda" + region).Sent()
	if got := r.Snapshot().UnmatchedHosts[0].Attempts; got != 6 {
		t.Errorf("after one in Off and one in Observe: got %d, want 6", got)
	}
}

// Given more hosts than are told apart, then all are counted, and no more are kept.
func TestUnmatchedHostsAreBounded(t *testing.T) {
	r := newResolver(t, inA, nil)
	for i := range 2000 {
		host := fmt.Sprintf("service%d%s", i, region)
		expectUntouched(t, r.Resolve(host), host, resolver.NoEndpoint)
		r.Resolve(host).Sent()
	}
	got := r.Snapshot().UnmatchedHosts
	if len(got) != 257 || got[0] != (resolver.HostAttempts{Attempts: 2000 - 256}) {
		t.Errorf("got %d hosts, the first of them %v", len(got), got[0])
	}
}

// Given endpoints of many services, ejected for several reasons, when their problems are shown, then the services are enumerated, six by name, and the reasons come in
// the order of their causes, whatever the endpoints' is.
func TestProblemsOfManyEndpoints(t *testing.T) {
	services := []string{"sqs", "kms", "sts", "ssm", "logs", "events", "monitoring", "sns"}
	var all []endpoint.Endpoint
	for _, s := range services {
		all = append(all, of(s))
	}
	r := newResolver(t, inA, all)
	offline(t, r)
	fail := func(service string, cause resolver.Cause) {
		for range 3 {
			r.Resolve(regional(service)).Failed(cause, errors.New("broke"))
		}
	}
	var got []string
	for _, s := range services[:7] {
		fail(s, resolver.CausePathDead)
		got = append(got, whatIs(r.Snapshot(), "ejected"))
	}
	fail("sns", resolver.CauseConnect)
	if got := whatIs(r.Snapshot(), "ejected"); !strings.HasPrefix(got, "The zonal name of sns is ejected: "+resolver.CauseConnect.Meaning()+".\n") {
		t.Errorf("got %q, want sns first", got)
	}
	for n, want := range map[int]string{
		1: "The zonal name of sqs is",
		2: "The zonal name of sqs and kms is",
		3: "The zonal name of sqs, kms and sts is",
		6: "The zonal name of sqs, kms, sts, ssm, logs and events is",
		7: "The zonal name of sqs, kms, sts, ssm, logs, events and 1 more is",
	} {
		if !strings.HasPrefix(got[n-1], want) {
			t.Errorf("%d: got %q, want %q", n, got[n-1], want)
		}
	}
}

// whatIs has what is wrong, of the problems with this code, a line each.
func whatIs(s resolver.Snapshot, code string) string {
	var what []string
	for _, p := range s.Problems {
		if p.Code == code {
			what = append(what, p.What)
		}
	}
	return strings.Join(what, "\n")
}
