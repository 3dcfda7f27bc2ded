//go:build go1.25

package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/metrics"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// recordedMetrics is a provider of metrics that makes lines of them. integration/metrics has a real one.
type recordedMetrics struct {
	metrics.NopMeterProvider
	scope       string
	instruments []*line
	refuses     string // an instrument that it can't make
}

type recordedMeter struct {
	metrics.Meter
	to *recordedMetrics
}

// line is an instrument.
type line struct {
	kind, name string
	read       metrics.Int64Callback
	metrics.InstrumentOptions
	stopped int
}

func (w *recordedMetrics) Meter(scope string, opts ...metrics.MeterOption) metrics.Meter {
	w.scope = scope
	return &recordedMeter{w.NopMeterProvider.Meter(scope, opts...), w}
}

func (m *recordedMeter) add(kind, name string, read metrics.Int64Callback, opts []metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	if name == m.to.refuses {
		return nil, errors.New("no " + name)
	}
	l := &line{kind: kind, name: name, read: read}
	for _, o := range opts {
		o(&l.InstrumentOptions)
	}
	m.to.instruments = append(m.to.instruments, l)
	return l, nil
}

func (m *recordedMeter) Int64AsyncCounter(name string, read metrics.Int64Callback, opts ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	return m.add("counter", name, read, opts)
}

func (m *recordedMeter) Int64AsyncGauge(name string, read metrics.Int64Callback, opts ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	return m.add("gauge", name, read, opts)
}

func (l *line) Stop() { l.stopped++ }

// values are an instrument's.
type values []string

func (v *values) Observe(_ context.Context, value int64, opts ...metrics.RecordMetricOption) {
	var m metrics.RecordMetricOptions
	for _, o := range opts {
		o(&m)
	}
	var attributes []string
	for k, x := range m.Properties.Values() {
		attributes = append(attributes, fmt.Sprintf("%v=%v", k, x))
	}
	slices.Sort(attributes)
	*v = append(*v, strings.Join(append(attributes, fmt.Sprint(value)), " "))
}

// collect reads all instruments: by kind and name, what they say.
func (w *recordedMetrics) collect(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, l := range w.instruments {
		if l.Description == "" || l.UnitLabel == "" || l.stopped > 0 {
			t.Errorf("%s is described as %q and %q, and was stopped %d times", l.name, l.Description, l.UnitLabel, l.stopped)
		}
		var v values
		l.read(t.Context(), &v)
		slices.Sort(v)
		all[l.kind+" "+strings.TrimPrefix(l.name, "azaffinity.")] = v
	}
	return all
}

func wantValues(t *testing.T, got map[string][]string, want map[string][]string) {
	t.Helper()
	for name, lines := range want {
		if !slices.Equal(got[name], lines) {
			t.Errorf("%s: got %q, want %q", name, got[name], lines)
		}
	}
}

// Given requests of every fate, and states of every kind, when metrics are collected, then they say what was counted and what is.
func TestMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recordedMetrics{}
		kms := of("kms")
		kms.Zonal = map[string]string{} // not in this zone
		r, err := resolver.New(resolver.WithMeterProvider(w), resolver.WithName("shop"), resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a", ID: "use1-az6"})),
			resolver.WithEndpoints(endpoint.Static(of("sqs"), kms)))
		if err != nil {
			t.Fatal(err)
		}
		const shop, ofSQS, ofKMS = "resolver=shop ", "resolver=shop service=sqs ", "resolver=shop service=kms "
		wantValues(t, w.collect(t), map[string][]string{
			"counter attempts":       nil,
			"counter failovers":      nil,
			"counter failures":       {"cause=unanswered " + ofKMS + "0", "cause=unanswered " + ofSQS + "0"},
			"counter policy.denials": {ofKMS + "0", ofSQS + "0"},
			"gauge endpoint.ejected": {"endpoint=vpce-0a1b2c3d4e5f60718 " + ofSQS + "zone=us-east-1a 0"},
			"gauge endpoints":        {shop + "2"},
			"gauge catalog.age":      {shop + "0"},
			"gauge zone.known":       {shop + "zone=us-east-1a zone_id=use1-az6 1"},
			"gauge zone.shifted":     {shop + "0"},
			"gauge mode":             {"mode=observe " + shop + "0", "mode=off " + shop + "0", "mode=prefer " + shop + "1"},
		})
		if len(w.instruments) != 10 || w.scope != "github.com/azaffinity/azaffinity" {
			t.Errorf("got %d instruments of %q", len(w.instruments), w.scope)
		}

		route := r.Resolve(sqs)
		for range 3 {
			route.Sent()
			route.Failed(resolver.CauseUnanswered, nil)
		}
		route.FailedOver(resolver.CauseConnect).Sent()
		route.Denied()
		r.Resolve("kms" + region).Sent()
		r.Resolve("example.com").Sent()
		r.ShiftAway(time.Now().Add(time.Hour))
		time.Sleep(70 * time.Second)
		wantValues(t, w.collect(t), map[string][]string{
			"counter attempts": {
				"reason=FailedOver " + ofSQS + "target=Regional 1", "reason=InZone " + ofSQS + "target=Zonal 3",
				"reason=NoEndpoint " + shop + "service= target=Unmatched 1", "reason=NotInZone " + ofKMS + "target=Regional 1",
			},
			"counter failovers":      {"cause=connect " + ofSQS + "1"},
			"counter failures":       {"cause=unanswered " + ofKMS + "0", "cause=unanswered " + ofSQS + "3"},
			"counter policy.denials": {ofKMS + "0", ofSQS + "1"},
			"gauge endpoint.ejected": {"endpoint=vpce-0a1b2c3d4e5f60718 " + ofSQS + "zone=us-east-1a 1"},
			"gauge catalog.age":      {shop + "70"},
			"gauge zone.shifted":     {shop + "1"},
		})
		r.SetMode(resolver.Observe)
		wantValues(t, w.collect(t), map[string][]string{
			"gauge mode": {"mode=observe " + shop + "1", "mode=off " + shop + "0", "mode=prefer " + shop + "0"},
		})
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		for _, l := range w.instruments {
			if l.stopped != 1 {
				t.Errorf("%s was stopped %d times, want once", l.name, l.stopped)
			}
		}
	})
}

// Given a zone and endpoints that nobody knows yet, when metrics are collected, then they say that, and nothing of what isn't known; and the name is the usual one.
func TestMeasuredBeforeAnythingIsKnown(t *testing.T) {
	w := &recordedMetrics{}
	silent := &saysEndpoints{}
	silent.set(nil, errors.New("down"))
	newSlowResolver(t, zone.Static(zone.Zone{ID: "use1-az6"}), silent, resolver.WithMeterProvider(w))
	wantValues(t, w.collect(t), map[string][]string{
		"gauge endpoint.ejected": nil,
		"gauge endpoints":        {"resolver=default 0"},
		"gauge catalog.age":      nil,
		"gauge zone.known":       {"resolver=default zone= zone_id=use1-az6 0"},
	})
}

// Given a provider that can't make an instrument, then New says so, what was made is stopped, and the name is free.
func TestMetersThatRefuse(t *testing.T) {
	w := &recordedMetrics{refuses: "azaffinity.catalog.age"}
	opts := []resolver.Option{resolver.WithMeterProvider(w), resolver.WithName("refused"), resolver.WithZone(zone.Static(inA)), resolver.WithEndpoints(endpoint.Static())}
	if _, err := resolver.New(opts...); err == nil || !strings.Contains(err.Error(), "resolver: metrics: no azaffinity.catalog.age") {
		t.Errorf("got %v", err)
	}
	for _, l := range w.instruments {
		if l.stopped != 1 {
			t.Errorf("%s was stopped %d times, want once", l.name, l.stopped)
		}
	}
	w = &recordedMetrics{}
	r, err := resolver.New(append(opts, resolver.WithMeterProvider(w))...)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	wantValues(t, w.collect(t), map[string][]string{"gauge endpoints": {"resolver=refused 0"}})
}
