// Package metrics reads azaffinity's metrics the way a user of OpenTelemetry does:
// with AWS's adapter and OpenTelemetry's SDK.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/metrics/smithyotelmetrics"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// collect lists what a reader sees, a line for each value.
func collect(t *testing.T, reader *sdkmetric.ManualReader) []string {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			var points []metricdata.DataPoint[int64]
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				if !data.IsMonotonic {
					t.Errorf("%s is no counter", m.Name)
				}
				points = data.DataPoints
			case metricdata.Gauge[int64]:
				points = data.DataPoints
			}
			for _, p := range points {
				line := m.Name
				for _, kv := range p.Attributes.ToSlice() {
					if kv.Key != "endpoint" {
						line += fmt.Sprintf(" %s=%s", kv.Key, kv.Value.AsString())
					}
				}
				value := fmt.Sprint(p.Value)
				if m.Name == "azaffinity.catalog.age" && p.Value >= 0 && p.Value < 60 {
					value = "recent"
				}
				lines = append(lines, line+": "+value)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func newResolver(p metrics.MeterProvider, l *lab.Lab, opts ...resolver.Option) (*resolver.Resolver, error) {
	return resolver.New(append([]resolver.Option{
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: l.RegionalName("sts")})),
		resolver.WithMeterProvider(p),
	}, opts...)...)
}

// state is what is collected of a resolver in us-east-1a, in mode prefer, that has one endpoint.
func state(name string) []string {
	return []string{
		"azaffinity.catalog.age resolver=" + name + ": recent",
		"azaffinity.endpoint.ejected resolver=" + name + " service=sts zone=us-east-1a: 0",
		"azaffinity.endpoints resolver=" + name + ": 1",
		"azaffinity.failures cause=unanswered resolver=" + name + " service=sts: 0",
		"azaffinity.mode mode=observe resolver=" + name + ": 0",
		"azaffinity.mode mode=off resolver=" + name + ": 0",
		"azaffinity.mode mode=prefer resolver=" + name + ": 1",
		"azaffinity.policy.denials resolver=" + name + " service=sts: 0",
		"azaffinity.zone.known resolver=" + name + " zone=us-east-1a zone_id=: 1",
		"azaffinity.zone.shifted resolver=" + name + ": 0",
	}
}

// Given a provider, when calls are made, then it reads where they went and why; and
// nothing once the resolver is closed.
func TestOpenTelemetry(t *testing.T) {
	l, err := lab.Start(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	reader := sdkmetric.NewManualReader()
	r, err := newResolver(smithyotelmetrics.Adapt(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))), l)
	if err != nil {
		t.Fatal(err)
	}
	cfg := l.Config()
	middleware.Attach(&cfg, r)
	client := sts.NewFromConfig(cfg)
	call := func() {
		t.Helper()
		if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	call()
	call()
	want := slices.Concat([]string{"azaffinity.attempts reason=InZone resolver=default service=sts target=Zonal: 2"}, state("default"))
	if got := collect(t, reader); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	if err := l.Fault("us-east-1a", lab.Refuse); err != nil {
		t.Fatal(err)
	}
	cfg = l.Config() // without a connection from before
	middleware.Attach(&cfg, r)
	client = sts.NewFromConfig(cfg)
	for !slices.Contains(collect(t, reader), "azaffinity.endpoint.ejected resolver=default service=sts zone=us-east-1a: 1") {
		call()
	}
	got := collect(t, reader)
	for _, want := range []string{
		"azaffinity.failovers cause=connect resolver=default service=sts: 3",
		"azaffinity.failures cause=connect resolver=default service=sts: 3",
		"azaffinity.attempts reason=FailedOver resolver=default service=sts target=Regional: 3",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("got %q, want %q among them", got, want)
		}
	}

	r.Close()
	if got := collect(t, reader); len(got) != 0 {
		t.Errorf("got %q after Close, want nothing", got)
	}
}

// broken makes no instruments.
type broken struct{ metrics.NopMeterProvider }

func (broken) Meter(string, ...metrics.MeterOption) metrics.Meter { return brokenMeter{} }

type brokenMeter struct{ metrics.Meter }

var errBroken = errors.New("no such instrument")

func (brokenMeter) Int64AsyncCounter(string, metrics.Int64Callback, ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	return nil, errBroken
}

func (brokenMeter) Int64AsyncGauge(string, metrics.Int64Callback, ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	return nil, errBroken
}

// Given a provider that can't, when a resolver is made with it, then that is said
// at once.
func TestBrokenProvider(t *testing.T) {
	l, err := lab.Start(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := newResolver(broken{}, l); !errors.Is(err, errBroken) {
		t.Errorf("got error %v, want %v", err, errBroken)
	}
}

// Given resolvers that share a provider, and the same endpoint, then each has its own
// numbers, under its own name; when one is closed, then the others keep theirs, and its
// name is free.
func TestSharedProvider(t *testing.T) {
	l, err := lab.Start(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	start := func(opts ...resolver.Option) *resolver.Resolver {
		t.Helper()
		r, err := newResolver(smithyotelmetrics.Adapt(provider), l, opts...) // an adapter of its own, as a program's parts have
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r
	}
	check := func(names ...string) {
		t.Helper()
		var want []string
		for _, name := range names {
			want = append(want, state(name)...)
		}
		slices.Sort(want)
		if got := collect(t, reader); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	first := start()
	start()
	start(resolver.WithName("eu-west-1"))
	check("default", "default-2", "eu-west-1")
	first.Close()
	check("default-2", "eu-west-1")
	start()
	check("default-2", "eu-west-1", "default")
}

// Given a resolver whose zone's name is unknown, that is shifted away, observes or is off,
// then the gauges say so.
func TestStates(t *testing.T) {
	l, err := lab.Start(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	reader := sdkmetric.NewManualReader()
	r, err := newResolver(smithyotelmetrics.Adapt(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))), l,
		resolver.WithZone(zone.Static(zone.Zone{ID: "use1-az6"})))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, c := range []struct {
		do   func()
		want string
	}{
		{func() {}, "azaffinity.zone.known resolver=default zone= zone_id=use1-az6: 0"},
		{func() { r.ShiftAway(time.Now().Add(time.Hour)) }, "azaffinity.zone.shifted resolver=default: 1"},
		{func() { r.ShiftAway(time.Time{}) }, "azaffinity.zone.shifted resolver=default: 0"},
		{func() { r.SetMode(resolver.Observe) }, "azaffinity.mode mode=observe resolver=default: 1"},
		{func() { r.SetMode(resolver.Off) }, "azaffinity.mode mode=off resolver=default: 1"},
	} {
		c.do()
		if got := collect(t, reader); !slices.Contains(got, c.want) {
			t.Errorf("got %q, want %q among them", got, c.want)
		}
	}
}

// denying is a client whose requests an endpoint's policy denies, in the words that AWS documents.
type denying struct{}

func (denying) Do(r *http.Request) (*http.Response, error) {
	const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>` +
		`User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:GetCallerIdentity because no VPC endpoint policy allows ` +
		`the sts:GetCallerIdentity action</Message></Error><RequestId>1</RequestId></ErrorResponse>`
	return &http.Response{
		StatusCode: http.StatusForbidden, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {"1"}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// Given an endpoint whose policy denies calls, then they are counted, and no failure is.
func TestPolicyDenials(t *testing.T) {
	l, err := lab.Start(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	reader := sdkmetric.NewManualReader()
	r, err := newResolver(smithyotelmetrics.Adapt(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))), l)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cfg := l.Config()
	cfg.HTTPClient = denying{}
	middleware.Append(&cfg.APIOptions, r)
	for range 2 {
		if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil); err == nil {
			t.Fatal("got no error, want a denial")
		}
	}
	want := slices.Concat([]string{"azaffinity.attempts reason=InZone resolver=default service=sts target=Zonal: 2"}, state("default"))
	want[slices.Index(want, "azaffinity.policy.denials resolver=default service=sts: 0")] = "azaffinity.policy.denials resolver=default service=sts: 2"
	if got := collect(t, reader); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Given a call whose deadline passes unanswered in the zone, then that is counted.
func TestUnanswered(t *testing.T) {
	l, err := lab.Start(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Fault("us-east-1a", lab.Stall); err != nil {
		t.Fatal(err)
	}
	reader := sdkmetric.NewManualReader()
	r, err := newResolver(smithyotelmetrics.Adapt(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))), l)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cfg := l.Config()
	middleware.Attach(&cfg, r)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil); err == nil {
		t.Fatal("got an answer, want none")
	}
	if got, want := collect(t, reader), "azaffinity.failures cause=unanswered resolver=default service=sts: 1"; !slices.Contains(got, want) {
		t.Errorf("got %q, want %q among them", got, want)
	}
}
