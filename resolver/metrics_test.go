package resolver

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/smithy-go/metrics"
)

var nothing metrics.MeterProvider = metrics.NopMeterProvider{}

// Given resolvers that want one name for their metrics, then each has its own, and the first is free again when its resolver is closed.
func TestNamesOfMeasuredResolvers(t *testing.T) {
	taken := func() string {
		r := &Resolver{}
		r.config.name = takeName("of this test")
		r.config.meters = nothing
		t.Cleanup(r.unmeasure)
		return r.config.name
	}
	r := &Resolver{}
	if r.config.name, r.config.meters = takeName("of this test"), nothing; r.config.name != "of this test" {
		t.Errorf("got %q", r.config.name)
	}
	if second := taken(); second == "of this test" {
		t.Error("two have one name")
	}
	r.unmeasure()
	if third := taken(); third != "of this test" {
		t.Errorf("got %q when the name is free again", third)
	}
}

// Given a value with attributes, when a provider collects, then it has those, in pairs, and whose it is.
func TestAttributes(t *testing.T) {
	r := &Resolver{}
	r.config.name = "shop"
	var got observed
	r.reader(func(o observe) {
		o(5, "service", "sqs", "zone", "us-east-1a")
		o(7)
	})(t.Context(), &got)
	if want := (observed{`5 "shop" "sqs" "us-east-1a"`, `7 "shop" %!q(<nil>) %!q(<nil>)`}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

type observed []string

func (o *observed) Observe(_ context.Context, value int64, opts ...metrics.RecordMetricOption) {
	var m metrics.RecordMetricOptions
	for _, opt := range opts {
		opt(&m)
	}
	*o = append(*o, fmt.Sprintf("%d %q %q %q", value, m.Properties.Get("resolver"), m.Properties.Get("service"), m.Properties.Get("zone")))
}
