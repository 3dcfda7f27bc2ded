package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// What this file does is for trying the example without AWS: it prints a page of what telemetry there is, and ends.

const calls = 6

// inLab has the program call some times, the last half of them while the zone is down.
func (p *program) inLab(v *inlab.VPC) error {
	beat := make(chan time.Time)
	p.beat = beat
	p.spans = sdktrace.NewSimpleSpanProcessor(attempts{})
	p.metrics = sdkmetric.NewPeriodicReader(&counts{}, sdkmetric.WithInterval(time.Hour)) // it is flushed at the end
	go func() {
		defer close(beat)
		for i := range calls {
			time.Sleep(200 * time.Millisecond)
			if i == calls/2 {
				fmt.Println(v.Home.Name, "is down")
				_ = v.Fault(v.Home.Name, lab.Refuse)
			}
			beat <- time.Now()
		}
	}()
	return nil
}

// attempts prints the hosts that each attempt's span has.
type attempts struct{}

func (attempts) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, span := range spans {
		if span.Name() != "Attempt" {
			continue
		}
		fmt.Println("span Attempt")
		for _, e := range span.Events() {
			if e.Name == "sent" {
				fmt.Println(" ", e.Attributes[0].Value.AsString())
			}
		}
	}
	return nil
}

func (attempts) Shutdown(context.Context) error { return nil }

// counts prints azaffinity's own metrics, once.
type counts struct{ printed bool }

func (*counts) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

func (*counts) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

func (c *counts) Export(_ context.Context, all *metricdata.ResourceMetrics) error {
	if c.printed {
		return nil
	}
	c.printed = true
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if strings.HasPrefix(m.Name, "azaffinity.") {
				for _, p := range points(m.Data) {
					fmt.Println(m.Name, p)
				}
			}
		}
	}
	return nil
}

func (*counts) ForceFlush(context.Context) error { return nil }
func (*counts) Shutdown(context.Context) error   { return nil }

// points are a metric's values but those that are 0, each with its attributes but the endpoint's name, which is long, and the resolver's: there is one.
func points(data metricdata.Aggregation) (lines []string) {
	var all []metricdata.DataPoint[int64]
	switch data := data.(type) {
	case metricdata.Sum[int64]:
		all = data.DataPoints
	case metricdata.Gauge[int64]:
		all = data.DataPoints
	}
	for _, p := range all {
		if p.Value == 0 {
			continue
		}
		var pairs []string
		for _, a := range p.Attributes.ToSlice() {
			if a.Key != "endpoint" && a.Key != "resolver" {
				pairs = append(pairs, string(a.Key)+"="+a.Value.String())
			}
		}
		lines = append(lines, fmt.Sprintf("%d  %s", p.Value, strings.Join(pairs, " ")))
	}
	return lines
}
