package truth

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/metrics/smithyotelmetrics"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	home   = "us-east-1a"
	homeID = "use1-az6"
	host   = "sqs.us-east-1.amazonaws.com"
)

// faults are all that the lab has.
var faults = []lab.Fault{
	lab.None, lab.Refuse, lab.BlackHole, lab.DropSYN, lab.Hang, lab.PauseReading, lab.Stall, lab.Reset, lab.Unavailable, lab.Throttle, lab.WrongCertificate,
	lab.DNSAbsent, lab.DNSNoData, lab.DNSServerFailure, lab.DNSSilent, lab.ResetAfter(0), lab.ResetAfter(20), lab.ServerError(500), lab.ServerError(503),
}

var modes = []resolver.Mode{resolver.Prefer, resolver.Observe, resolver.Off}

// knowledge is what a process knows, or lacks.
type knowledge struct {
	name      string
	zone      zone.Source                             // nil: the lab's home zone
	endpoints func(endpoint.Endpoint) endpoint.Source // nil: the lab's one
	then      func(*resolver.Resolver)                // what is done with the resolver
	client    func(*lab.Lab, *aws.Config)             // what is done with the config before azaffinity is attached
	reason    resolver.Reason                         // of requests, while the zonal name is healthy and the mode is Prefer
	problem   string                                  // the code of the problem that has to be named, in Prefer; "": none has to be
	own       bool                                    // the client's own URL is the regional name
}

var all = []knowledge{
	{name: "all", reason: resolver.InZone},
	{name: "zonal names not listed", reason: resolver.InZone, endpoints: func(e endpoint.Endpoint) endpoint.Source {
		return endpoint.Static(endpoint.Endpoint{Regional: e.Regional})
	}},
	{name: "zone not known", reason: resolver.NoZone, problem: "no-zone", zone: failing{errors.New("no metadata")}},
	{name: "zone not known yet", reason: resolver.NoZone, problem: "no-zone", zone: hanging{}},
	{name: "zone's ID only", reason: resolver.NoZone, problem: "zone-unnamed", zone: zone.Static(zone.Zone{ID: homeID})},
	{name: "zone's ID, and what it is called", reason: resolver.InZone, zone: zone.Static(zone.Zone{ID: homeID, Name: "us-east-1f"}), endpoints: func(e endpoint.Endpoint) endpoint.Source {
		return listed{endpoint.Catalog{Endpoints: []endpoint.Endpoint{e}, ZoneNames: map[string]string{homeID: home}}, nil}
	}},
	{name: "endpoints not known", reason: resolver.NoEndpoint, problem: "no-endpoints", endpoints: func(endpoint.Endpoint) endpoint.Source {
		return listed{err: errors.New("access denied")}
	}},
	{name: "no endpoint listed", reason: resolver.NoEndpoint, problem: "no-endpoints", endpoints: func(endpoint.Endpoint) endpoint.Source { return listed{} }},
	{name: "endpoint elsewhere", reason: resolver.NotInZone, problem: "not-in-zone", endpoints: func(e endpoint.Endpoint) endpoint.Source {
		e.Zonal = map[string]string{"us-east-1b": e.Zonal["us-east-1b"]}
		return endpoint.Static(e)
	}},
	{name: "free path", reason: resolver.FreePath, endpoints: func(e endpoint.Endpoint) endpoint.Source {
		e.FreePath = "a gateway endpoint serves it"
		return endpoint.Static(e)
	}},
	{name: "learned from a client", reason: resolver.InZone, own: true, endpoints: func(endpoint.Endpoint) endpoint.Source { return listed{} }},
	{name: "shifted away", reason: resolver.ShiftedAway, problem: "shifted-away", then: func(r *resolver.Resolver) { r.ShiftAway(time.Now().Add(time.Hour)) }},
	{name: "foreign client", reason: resolver.InZone, problem: "note", client: func(l *lab.Lab, c *aws.Config) { c.HTTPClient = l.HTTPClient() }},
}

// failing is a source of the zone that fails, and hanging one that does not answer.
type (
	failing struct{ error }
	hanging struct{}
)

func (f failing) Zone(context.Context) (zone.Zone, error) { return zone.Zone{}, f.error }

func (hanging) Zone(ctx context.Context) (zone.Zone, error) {
	<-ctx.Done()
	return zone.Zone{}, ctx.Err()
}

// listed is a source of the endpoints that has to be asked.
type listed struct {
	endpoint.Catalog
	err error
}

func (l listed) Endpoints(context.Context) (endpoint.Catalog, error) { return l.Catalog, l.err }

// process is a program in the lab's home zone.
type process struct {
	*lab.Lab
	knowledge
	resolver *resolver.Resolver
	reader   *sdkmetric.ManualReader // of metrics
	config   aws.Config
	deadline time.Duration // of a call
	zonal    string
	regional string
}

func start(t *testing.T, l *lab.Lab, k knowledge, m resolver.Mode) *process {
	t.Helper()
	p := &process{Lab: l, knowledge: k, config: l.Config(), deadline: 300 * time.Millisecond, zonal: l.ZonalName("sqs", home), regional: l.RegionalName("sqs")}
	e := endpoint.Endpoint{Regional: p.regional, Zonal: map[string]string{}, Hosts: []string{host}, PrivateDNS: true}
	for _, z := range []string{home, "us-east-1b", "us-east-1c"} {
		e.Zonal[z] = l.ZonalName("sqs", z)
	}
	z, endpoints := k.zone, endpoint.Static(e)
	if z == nil {
		z = zone.Static(zone.Zone{Name: home, ID: homeID})
	}
	if k.endpoints != nil {
		endpoints = k.endpoints(e)
	}
	p.reader = sdkmetric.NewManualReader()
	meters := smithyotelmetrics.Adapt(sdkmetric.NewMeterProvider(sdkmetric.WithReader(p.reader)))
	r, err := resolver.New(resolver.WithZone(z), resolver.WithEndpoints(endpoints), resolver.WithMode(m), resolver.WithMeterProvider(meters))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if _, hangs := z.(hanging); !hangs {
		_ = r.Ready(t.Context()) // which says what is not known
	}
	if k.then != nil {
		k.then(r)
	}
	p.resolver, p.config.RetryMaxAttempts = r, 1
	if k.client != nil {
		k.client(l, &p.config)
	}
	if k.own {
		p.config.BaseEndpoint = aws.String("https://" + p.regional)
	}
	middleware.Attach(&p.config, r)
	return p
}

// startLab starts a VPC with a fault in the home zone.
func startLab(t *testing.T, f lab.Fault) *lab.Lab {
	t.Helper()
	l, err := lab.Start(lab.Options{Endpoints: []lab.Endpoint{{Service: "sqs", PrivateDNS: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Fault(home, f); err != nil {
		t.Fatal(err)
	}
	return l
}

// state is what the snapshot says of the one endpoint.
func (p *process) state() resolver.EndpointState { return p.resolver.Snapshot().Endpoints[0] }

// asked is the host that the SDK resolves.
func (p *process) asked() string {
	if p.own {
		return p.regional
	}
	return host
}
