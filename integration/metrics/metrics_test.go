// Package metrics reads azaffinity's metrics the way a user of OpenTelemetry does:
// with AWS's adapter and OpenTelemetry's SDK.
package metrics

import (
	"errors"
	"fmt"
	"slices"
	"testing"

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
				lines = append(lines, fmt.Sprintf("%s: %d", line, p.Value))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func newResolver(p metrics.MeterProvider, l *lab.Lab) (*resolver.Resolver, error) {
	return resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: l.RegionalName("sts")})),
		resolver.WithMeterProvider(p))
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
	want := []string{
		"azaffinity.attempts reason=InZone service=sts target=Zonal: 2",
		"azaffinity.endpoint.ejected service=sts zone=us-east-1a: 0",
	}
	if got := collect(t, reader); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	if err := l.Fault("us-east-1a", lab.Refuse); err != nil {
		t.Fatal(err)
	}
	cfg = l.Config() // without a connection from before
	middleware.Attach(&cfg, r)
	client = sts.NewFromConfig(cfg)
	for !slices.Contains(collect(t, reader), "azaffinity.endpoint.ejected service=sts zone=us-east-1a: 1") {
		call()
	}
	got := collect(t, reader)
	for _, want := range []string{
		"azaffinity.failovers cause=connect service=sts: 3",
		"azaffinity.failures cause=connect service=sts: 3",
		"azaffinity.attempts reason=FailedOver service=sts target=Regional: 3",
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
