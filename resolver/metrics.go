package resolver

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/smithy-go/metrics"
)

// WithMeterProvider makes what the resolver counts readable as metrics, through the
// interface that the SDK's own metrics use, so that one provider serves both:
//
//	azaffinity.attempts          counter {service, target, reason}: sends, by where they went and why
//	azaffinity.failovers         counter {service, cause}: sends that went to the fallback, by what made them
//	azaffinity.failures          counter {service, cause}: what went wrong under zonal names, such as deadlines that passed unanswered
//	azaffinity.endpoint.ejected  gauge   {service, zone, endpoint}: 1 while the zonal name is ejected, else 0
//
// service is the endpoint's, "sqs", and "" for attempts that no endpoint was chosen
// for. The instruments are asynchronous: they are read when the provider collects,
// and cost a call nothing. Close ends them: callers that want the last interval flush
// the provider first. The default, and nil, is none.
func WithMeterProvider(p metrics.MeterProvider) Option {
	return func(c *config) { c.meters = p }
}

// measure registers the instruments.
func (r *Resolver) measure(p metrics.MeterProvider) error {
	if p == nil {
		return nil
	}
	meter := p.Meter("github.com/azaffinity/azaffinity")
	var errs []error
	keep := func(i metrics.AsyncInstrument, err error) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		r.instruments = append(r.instruments, i)
	}
	keep(meter.Int64AsyncCounter("azaffinity.attempts", r.observeAttempts, describe("{attempt}", "Requests sent, by the name they were sent to and why")))
	keep(meter.Int64AsyncCounter("azaffinity.failovers", r.observeFailovers, describe("{failover}", "Requests sent to the fallback, by what kept them from the zonal name")))
	keep(meter.Int64AsyncCounter("azaffinity.failures", r.observeFailures, describe("{failure}", "What went wrong under zonal names, by its cause")))
	keep(meter.Int64AsyncGauge("azaffinity.endpoint.ejected", r.observeEjected, describe("{endpoint}", "1 while the zonal name is ejected")))
	if err := errors.Join(errs...); err != nil {
		r.unmeasure()
		return fmt.Errorf("resolver: metrics: %w", err)
	}
	return nil
}

func (r *Resolver) unmeasure() {
	for _, i := range r.instruments {
		i.Stop()
	}
}

func describe(unit, text string) metrics.InstrumentOption {
	return func(o *metrics.InstrumentOptions) { o.UnitLabel, o.Description = unit, text }
}

// with gives a measurement its attributes, in pairs of a name and a value.
func with(pairs ...string) metrics.RecordMetricOption {
	return func(o *metrics.RecordMetricOptions) {
		for i := 0; i+1 < len(pairs); i += 2 {
			o.Properties.Set(pairs[i], pairs[i+1])
		}
	}
}

// byService adds up what several endpoints of a service have counted.
func (r *Resolver) byService() map[string]*totals {
	services := map[string]*totals{}
	for _, c := range r.allCounts() {
		t := services[c.service]
		if t == nil {
			t = &totals{map[Reason]uint64{}, map[Cause]uint64{}, map[Cause]uint64{}}
			services[c.service] = t
		}
		add(t.attempts, counted[Reason](c.attempts[:]))
		add(t.failovers, counted[Cause](c.failovers[:]))
		add(t.failures, counted[Cause](c.failures[:]))
	}
	return services
}

type totals struct {
	attempts            map[Reason]uint64
	failovers, failures map[Cause]uint64
}

func add[K comparable](to, numbers map[K]uint64) {
	for k, n := range numbers {
		to[k] += n
	}
}

func (r *Resolver) observeAttempts(ctx context.Context, o metrics.Int64Observer) {
	for service, t := range r.byService() {
		for reason, n := range t.attempts {
			o.Observe(ctx, int64(n), with("service", service, "target", reason.Target().String(), "reason", reason.String()))
		}
	}
}

func (r *Resolver) observeFailovers(ctx context.Context, o metrics.Int64Observer) {
	r.observeCauses(ctx, o, func(t *totals) map[Cause]uint64 { return t.failovers })
}

func (r *Resolver) observeFailures(ctx context.Context, o metrics.Int64Observer) {
	r.observeCauses(ctx, o, func(t *totals) map[Cause]uint64 { return t.failures })
}

func (r *Resolver) observeCauses(ctx context.Context, o metrics.Int64Observer, of func(*totals) map[Cause]uint64) {
	for service, t := range r.byService() {
		for cause, n := range of(t) {
			o.Observe(ctx, int64(n), with("service", service, "cause", cause.String()))
		}
	}
}

func (r *Resolver) observeEjected(ctx context.Context, o metrics.Int64Observer) {
	s := r.Snapshot()
	for _, e := range s.Endpoints {
		if e.Zonal != "" {
			o.Observe(ctx, int64(btoi(e.Ejected)), with("service", e.Service, "zone", s.ZoneName, "endpoint", e.ID))
		}
	}
}
