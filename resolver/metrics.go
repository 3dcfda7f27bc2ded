package resolver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/smithy-go/metrics"
)

// WithMeterProvider makes what the resolver counts and knows readable as metrics, through
// the interface that the SDK's own metrics use, so that one provider serves both:
//
//	azaffinity.attempts          counter {service, target, reason}: sends, by where they went and why
//	azaffinity.failovers         counter {service, cause}: sends that went to the fallback, by what made them
//	azaffinity.failures          counter {service, cause}: what went wrong under zonal names; "unanswered" are deadlines that passed there
//	azaffinity.policy.denials    counter {service}: requests that said that an endpoint's policy denied them
//	azaffinity.endpoint.ejected  gauge   {service, zone, endpoint}: 1 while the zonal name is ejected, else 0
//	azaffinity.endpoints         gauge   {}: how many endpoints are known
//	azaffinity.catalog.age       gauge   {}: seconds since the endpoints were last read; none before that
//	azaffinity.zone.known        gauge   {zone, zone_id}: 1 while the zone's name is known, else 0
//	azaffinity.zone.shifted      gauge   {}: 1 while a zonal shift keeps requests away from the zone, else 0
//	azaffinity.mode              gauge   {mode}: 1 for the mode that is set, 0 for the others
//
// All have the attribute resolver, which [WithName] sets, so resolvers that share a
// provider don't overwrite each other's. service is the endpoint's, "sqs", and "" for
// attempts that no endpoint was chosen for. In [Observe] mode attempts are where
// requests would have gone. Endpoints are read only while there are requests: the
// catalogue of a process that is idle ages.
//
// The instruments are asynchronous: they are read when the provider collects,
// and cost a call nothing. Close ends them: callers that want the last interval flush
// the provider first. The default, and nil, is none.
func WithMeterProvider(p metrics.MeterProvider) Option {
	return func(c *config) { c.meters = p }
}

// WithName names the resolver in its metrics: after its Region, say, in a program that has
// a resolver for each of two. The default, and "", is "default". While several resolvers of
// a process that are measured want the same name, the second gets "-2" after it, and so on;
// Close makes the name free again.
func WithName(name string) Option {
	return func(c *config) { c.name = name }
}

// measuredNames are those of the resolvers in this process that are measured.
var measuredNames = struct {
	sync.Mutex
	taken map[string]bool
}{taken: map[string]bool{}}

// takeName returns the name, or one like it that no other resolver has.
func takeName(wanted string) string {
	measuredNames.Lock()
	defer measuredNames.Unlock()
	name := wanted
	for i := 2; measuredNames.taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", wanted, i)
	}
	measuredNames.taken[name] = true
	return name
}

func freeName(name string) {
	measuredNames.Lock()
	defer measuredNames.Unlock()
	delete(measuredNames.taken, name)
}

// measure registers the instruments.
func (r *Resolver) measure(p metrics.MeterProvider) error {
	if p == nil {
		return nil
	}
	r.config.name = takeName(cmp.Or(r.config.name, "default"))
	meter := p.Meter("github.com/azaffinity/azaffinity")
	var errs []error
	for _, m := range []struct {
		name, unit, text string
		make             func(string, metrics.Int64Callback, ...metrics.InstrumentOption) (metrics.AsyncInstrument, error)
		read             func(observe)
	}{
		{"attempts", "{attempt}", "Requests sent, by the name they were sent to and why", meter.Int64AsyncCounter, r.observeAttempts},
		{"failovers", "{failover}", "Requests sent to the fallback, by what kept them from the zonal name", meter.Int64AsyncCounter, r.observeFailovers},
		{"failures", "{failure}", "What went wrong under zonal names, by its cause", meter.Int64AsyncCounter, r.observeFailures},
		{"policy.denials", "{request}", "Requests that said that an endpoint's policy denied them", meter.Int64AsyncCounter, r.observeDenials},
		{"endpoint.ejected", "{endpoint}", "1 while the zonal name is ejected", meter.Int64AsyncGauge, r.observeEjected},
		{"endpoints", "{endpoint}", "Endpoints known", meter.Int64AsyncGauge, r.observeEndpoints},
		{"catalog.age", "s", "Time since the endpoints were last read", meter.Int64AsyncGauge, r.observeAge},
		{"zone.known", "{zone}", "1 while the zone's name is known", meter.Int64AsyncGauge, r.observeZone},
		{"zone.shifted", "{zone}", "1 while requests are kept away from the zone", meter.Int64AsyncGauge, r.observeShift},
		{"mode", "{mode}", "1 for the mode that is set", meter.Int64AsyncGauge, r.observeMode},
	} {
		instrument, err := m.make("azaffinity."+m.name, r.reader(m.read), describe(m.unit, m.text))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.instruments = append(r.instruments, instrument)
	}
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
	if r.config.meters != nil {
		freeName(r.config.name)
	}
}

// observe takes a value with its attributes, in pairs of a name and a value.
type observe func(value int64, pairs ...string)

// reader is what a provider calls when it collects.
func (r *Resolver) reader(read func(observe)) metrics.Int64Callback {
	return func(ctx context.Context, o metrics.Int64Observer) {
		read(func(value int64, pairs ...string) {
			o.Observe(ctx, value, func(m *metrics.RecordMetricOptions) {
				m.Properties.Set("resolver", r.config.name)
				for i := 0; i+1 < len(pairs); i += 2 {
					m.Properties.Set(pairs[i], pairs[i+1])
				}
			})
		})
	}
}

func describe(unit, text string) metrics.InstrumentOption {
	return func(o *metrics.InstrumentOptions) { o.UnitLabel, o.Description = unit, text }
}

// byService adds up what several endpoints of a service have counted. Of those that nobody has asked for yet that is nothing.
func (r *Resolver) byService() map[string]*totals {
	services := map[string]*totals{}
	of := func(service string) *totals {
		t := services[service]
		if t == nil {
			t = &totals{map[Reason]uint64{}, map[Cause]uint64{}, map[Cause]uint64{}, 0}
			services[service] = t
		}
		return t
	}
	r.mu.Lock()
	endpoints := r.catalog.value.Endpoints
	r.mu.Unlock()
	for _, e := range endpoints {
		of(e.Service)
	}
	for _, c := range r.allCounts() {
		t := of(c.service)
		add(t.attempts, counted[Reason](c.attempts[:]))
		add(t.failovers, counted[Cause](c.failovers[:]))
		add(t.failures, counted[Cause](c.failures[:]))
		t.denials += c.denials.Load()
	}
	return services
}

type totals struct {
	attempts            map[Reason]uint64
	failovers, failures map[Cause]uint64
	denials             uint64
}

func add[K comparable](to, numbers map[K]uint64) {
	for k, n := range numbers {
		to[k] += n
	}
}

func (r *Resolver) observeAttempts(o observe) {
	for service, t := range r.byService() {
		for reason, n := range t.attempts {
			o(int64(n), "service", service, "target", reason.Target().String(), "reason", reason.String())
		}
	}
}

func (r *Resolver) observeFailovers(o observe) {
	for service, t := range r.byService() {
		o.causes(service, t.failovers)
	}
}

// observeFailures has a zero for deadlines from the beginning: of a number that comes into
// being as 5 Prometheus sees no increase.
func (r *Resolver) observeFailures(o observe) {
	for service, t := range r.byService() {
		if service != "" {
			add(t.failures, map[Cause]uint64{CauseUnanswered: 0})
		}
		o.causes(service, t.failures)
	}
}

func (o observe) causes(service string, numbers map[Cause]uint64) {
	for cause, n := range numbers {
		o(int64(n), "service", service, "cause", cause.String())
	}
}

// observeDenials has zeros from the beginning, too.
func (r *Resolver) observeDenials(o observe) {
	for service, t := range r.byService() {
		if service != "" {
			o(int64(t.denials), "service", service)
		}
	}
}

func (r *Resolver) observeEjected(o observe) {
	s := r.Snapshot()
	for _, e := range s.Endpoints {
		if e.Zonal != "" {
			o(int64(btoi(e.Ejected)), "service", e.Service, "zone", s.ZoneName, "endpoint", e.ID)
		}
	}
}

func (r *Resolver) observeEndpoints(o observe) { o(int64(len(r.Snapshot().Endpoints))) }

func (r *Resolver) observeAge(o observe) {
	if read := r.Snapshot().CatalogTime; !read.IsZero() {
		o(int64(time.Since(read).Seconds()))
	}
}

func (r *Resolver) observeZone(o observe) {
	s := r.Snapshot()
	o(int64(btoi(s.ZoneName != "")), "zone", s.ZoneName, "zone_id", s.Zone.ID)
}

func (r *Resolver) observeShift(o observe) { o(int64(btoi(r.table.Load().shifted))) }

func (r *Resolver) observeMode(o observe) {
	set := r.table.Load().mode
	for i, name := range modeNames {
		o(int64(btoi(Mode(i) == set)), "mode", name)
	}
}
