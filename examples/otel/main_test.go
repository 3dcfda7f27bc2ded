package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/azaffinity/azaffinity/examples/internal/inlabtest"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// collect reads the metrics: numbers by name and attributes, how often for histograms.
func collect(t *testing.T, reader *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil && !errors.Is(err, sdkmetric.ErrReaderNotRegistered) { // yet
		t.Fatal(err)
	}
	values := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					reason, _ := p.Attributes.Value("reason")
					cause, _ := p.Attributes.Value("cause")
					values[m.Name+" "+reason.AsString()+cause.AsString()] = p.Value
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					service, _ := p.Attributes.Value("service")
					values[m.Name+" "+service.AsString()] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					values[m.Name] += int64(p.Count)
				}
			}
		}
	}
	return values
}

// sends are the hosts that the span's request was sent to; its attribute has to be the last of them.
func sends(t *testing.T, span sdktrace.ReadOnlySpan) (hosts []string) {
	t.Helper()
	for _, e := range span.Events() {
		if e.Name == "sent" {
			hosts = append(hosts, e.Attributes[0].Value.AsString())
		}
	}
	for _, a := range span.Attributes() {
		if a.Key == "server.address" && (len(hosts) == 0 || a.Value.AsString() != hosts[len(hosts)-1]) {
			t.Errorf("%s: server.address is %s, sent to %q", span.Name(), a.Value.AsString(), hosts)
		}
	}
	return hosts
}

// Given the program, when it calls, then its metrics and the SDK's count that, and the attempts' spans have the zone's
// host; when the endpoints there go down, then they have the fallback's.
func TestTelemetry(t *testing.T) {
	v := inlabtest.Start(t)
	spans, reader, beat := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader(), make(chan time.Time)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- program{spans, reader, beat}.run(ctx, v.Options()...) }()

	calls := int64(0)
	call := func() {
		beat <- time.Time{}
		calls++
		inlabtest.Await(t, "the call ends", func() bool { return collect(t, reader)["client.call.duration"] == calls })
	}
	inlabtest.Await(t, "a call in the zone", func() bool { // which is found meanwhile
		call()
		return collect(t, reader)["azaffinity.attempts InZone"] > 0
	})
	before := calls
	call()
	zonal, public := v.ZonalName("sqs", v.Home.Name), "sqs.us-east-1.amazonaws.com"
	if got := collect(t, reader); got["azaffinity.attempts InZone"] != 2 || got["azaffinity.attempts InZone"]+got["azaffinity.attempts NoZone"] != calls ||
		got["azaffinity.endpoint.ejected sqs"] != 0 {
		t.Errorf("after %d calls: got %v", calls, got)
	}

	inlabtest.Break(t, v, lab.Refuse)
	inlabtest.Await(t, "the zonal name is ejected", func() bool {
		call()
		return collect(t, reader)["azaffinity.endpoint.ejected sqs"] > 0
	})
	got := collect(t, reader)
	var failovers int64 // by all causes: a connection that was kept may have been met first
	for name, n := range got {
		if strings.HasPrefix(name, "azaffinity.failovers ") {
			failovers += n
		}
	}
	if got["azaffinity.failovers connect"] == 0 || failovers != got["azaffinity.attempts FailedOver"] {
		t.Errorf("with the zone down: got %v, want failovers, and as many attempts", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the end: got error %v, want none", err)
	}

	var attempts [][]string
	for _, span := range spans.Ended() {
		if span.Name() == "Attempt" {
			attempts = append(attempts, sends(t, span))
		}
	}
	if int64(len(attempts)) < calls {
		t.Fatalf("got %d attempts' spans for %d calls", len(attempts), calls)
	}
	if got, want := attempts[before], []string{zonal}; !slices.Equal(got, want) {
		t.Errorf("in the zone: sent to %q, want %q", got, want)
	}
	if want := []string{zonal, public}; !slices.ContainsFunc(attempts[before+1:], func(a []string) bool { return slices.Equal(a, want) }) {
		t.Errorf("with the zone down: sent to %q, want %q among them", attempts[before+1:], want)
	}
}
