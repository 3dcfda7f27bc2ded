package health

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	host = "sqs.us-east-1.amazonaws.com"
	name = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
)

// What is written here a second time is what users were promised, not what the code happens to say.
const (
	baseEjection = 10 * time.Second
	maxEjection  = 300 * time.Second
	jitter       = 5 // a pause is shorter by less than a fifth of it
	steady       = 7 // pauses of the same length, before they double
	probeTimeout = 5 * time.Second
	threshold    = 15
)

// weights are how much a failure counts toward the ejection threshold. Server errors are not here: they are compared with what
// happens elsewhere, of which a circuit breaker knows nothing, and have tests of their own.
var weights = map[resolver.Cause]int{
	resolver.CauseAbsent:      15,
	resolver.CauseCertificate: 15,
	resolver.CausePathDead:    15,
	resolver.CauseDNS:         5,
	resolver.CauseConnect:     5,
	resolver.CauseTLS:         5,
	resolver.CauseTimeout:     5,
	resolver.CauseBroken:      5,
	resolver.CauseUnanswered:  5,
}

var (
	errFailed = errors.New("failed")
	errNoNews = errors.New("nobody knows")
)

// pair is a resolver with one zonal name, and a circuit breaker beside it that is told the same. After each step the name is
// healthy exactly if the circuit is closed, and a request is sent to it exactly if the circuit lets it through. What the two do
// differently on purpose is said, and made up for, in this file:
//
//   - the breaker's pauses are all the same; ours double after a minute (gate);
//   - the breaker counts failures; ours have weights (fail);
//   - the breaker waits for the one request that probes, for ever; ours has a timeout (resolve);
//   - the breaker takes no report of a request from before its last change; we take all reports while the name is healthy, and
//     those of requests that were probes always (succeed, fail).
type pair struct {
	t testing.TB
	r *resolver.Resolver

	breaker    *gobreaker.TwoStepCircuitBreaker[any]
	generation int // of the breaker: it changes with its state
	opened     uint64

	// gate is when a request may try the name, of which the breaker knows the beginning only: its own pause is the shortest that
	// ours can be. It is the end of our pause, or the timeout of the probe.
	gate   time.Time
	pauses int // since the name was last healthy
	probe  *request

	inFlight []*request

	longest, late int // pauses in a row; reports of earlier probes, while it was ejected
}

// request is one that was let through by both.
type request struct {
	route      resolver.Route
	done       func(error) // tells the breaker
	generation int
	probes     bool // it was let through while the name was ejected
}

func newPair(t testing.TB, opts ...resolver.Option) *pair {
	t.Helper()
	p := &pair{t: t, r: newResolver(t, opts...)}
	p.newBreaker()
	return p
}

func newResolver(t testing.TB, opts ...resolver.Option) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(append([]resolver.Option{
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: name})),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func (p *pair) newBreaker() {
	p.generation++
	p.breaker = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		MaxRequests: 1,
		Timeout:     baseEjection - baseEjection/jitter,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= threshold },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNoNews) },
		OnStateChange: func(_ string, from, _ gobreaker.State) {
			p.generation++
			if from == gobreaker.StateClosed {
				p.opened++
			}
		},
	})
}

func (p *pair) closed() bool { return p.breaker.State() == gobreaker.StateClosed }

// allow asks the breaker.
func (p *pair) allow() *request {
	done, err := p.breaker.Allow()
	if err != nil {
		return nil
	}
	return &request{done: done, generation: p.generation}
}

// resolve sends a request, or as many at once: of several, in whatever order they come, only one may be the probe.
func (p *pair) resolve(many int) {
	p.t.Helper()
	healthy, early := p.closed(), time.Now().Before(p.gate)
	want := 1
	switch {
	case healthy:
		want = many
	case early:
		want = 0
		// Before our gate the breaker lets nobody through, either, unless it is one that stands there because pauses double.
		if waits := p.breaker.State() == gobreaker.StateHalfOpen && p.probe == nil; !waits && p.allow() != nil {
			p.t.Fatal("the breaker lets a request through before its time: the model is wrong")
		}
	case p.probe != nil:
		// The timeout has passed: to the breaker the probe is one that doesn't count.
		p.probe.done(errNoNews)
	}
	admitted := p.concurrently(many)
	if len(admitted) != want {
		p.t.Fatalf("%d of %d requests sent to the zonal name, want %d", len(admitted), many, want)
	}
	for _, route := range admitted {
		q := p.allow()
		if q == nil {
			p.t.Fatal("the breaker lets no request through")
		}
		q.route, q.probes = route, !healthy
		if q.probes {
			p.probe, p.gate = q, time.Now().Add(probeTimeout)
		}
		p.inFlight = append(p.inFlight, q)
	}
	p.check()
}

// concurrently is the routes of those requests that were sent to the zonal name.
func (p *pair) concurrently(many int) []resolver.Route {
	routes := make([]resolver.Route, many)
	if many == 1 {
		routes[0], _ = p.r.Resolve(host).Probe()
	} else {
		var all sync.WaitGroup
		for i := range routes {
			all.Go(func() { routes[i], _ = p.r.Resolve(host).Probe() })
		}
		all.Wait()
	}
	var admitted []resolver.Route
	for _, route := range routes {
		switch route.Reason {
		case resolver.InZone:
			admitted = append(admitted, route)
		case resolver.Unhealthy:
		default:
			p.t.Fatalf("got %v, want InZone or Unhealthy", route.Reason)
		}
	}
	return admitted
}

// succeed reports that the request was answered.
func (p *pair) succeed(q *request) {
	p.t.Helper()
	q.route.Answered()
	switch {
	case p.closed():
		p.now(q).done(nil)
	case q.probes && q.generation != p.generation:
		// It was an earlier probe, and the breaker isn't interested. Ours closes.
		p.late++
		p.newBreaker()
	default:
		q.done(nil)
	}
	if p.closed() {
		p.pauses, p.probe, p.gate = 0, nil, time.Time{}
	}
	p.check()
}

// fail reports that the request was not answered. One failure of ours is as many of the breaker's as its weight.
func (p *pair) fail(q *request, cause resolver.Cause) {
	p.t.Helper()
	q.route.Failed(cause, errFailed)
	weight := weights[cause]
	if weight == 0 {
		p.check() // nothing that counts
		return
	}
	healthy := p.closed()
	switch {
	case healthy:
		for p.now(q).done(errFailed); weight > 1 && p.closed(); weight-- {
			p.allow().done(errFailed)
		}
	case q.probes && q.generation != p.generation:
		// As when it succeeds late: ours ejects the name again.
		p.late++
		opened := p.opened
		p.newBreaker()
		for p.closed() {
			p.allow().done(errFailed)
		}
		p.opened = opened // it was ejected before
	default:
		q.done(errFailed)
	}
	if !p.closed() && (healthy || q.probes) {
		p.checkPause()
	}
	p.check()
}

// now is the request as the breaker is to see it while the name is healthy: one that it would take for an old one is a new one.
func (p *pair) now(q *request) *request {
	if q.generation == p.generation {
		return q
	}
	return p.allow()
}

// checkPause looks at a pause that has just begun, and takes over when it ends, which is left to chance.
func (p *pair) checkPause() {
	p.t.Helper()
	full := min(baseEjection<<min(max(0, p.pauses-steady+1), 10), maxEjection)
	p.pauses++
	p.longest = max(p.longest, p.pauses)
	p.probe = nil
	p.gate = p.state().RetryAt
	if got := time.Until(p.gate); got > full || got <= full-full/jitter {
		p.t.Fatalf("pause %d is %v, want at most %v and more than four fifths of it", p.pauses, got, full)
	}
}

// check compares the two.
func (p *pair) check() {
	p.t.Helper()
	got := p.state()
	if want := p.closed(); !got.Ejected != want {
		p.t.Fatalf("healthy: got %v, want %v", !got.Ejected, want)
	}
	if got.Ejections != p.opened {
		p.t.Fatalf("ejected %d times, want %d", got.Ejections, p.opened)
	}
	if !got.RetryAt.Equal(p.gate) {
		p.t.Fatalf("to be probed in %v, want %v", time.Until(got.RetryAt), time.Until(p.gate))
	}
}

func (p *pair) state() resolver.EndpointState { return p.r.Snapshot().Endpoints[0] }

// steps are as many as there are pairs of bytes: what to do, and to which request or for how long.
func (p *pair) steps(script []byte) {
	p.t.Helper()
	for ; len(script) >= 2; script = script[2:] {
		p.step(script[0], int(script[1]))
		if most := 24; len(p.inFlight) > most { // nobody ever reports the oldest
			p.inFlight = slices.Delete(p.inFlight, 0, len(p.inFlight)-most)
		}
	}
}

func (p *pair) step(what byte, which int) {
	p.t.Helper()
	switch cause := causes[which/16%len(causes)]; what % 16 {
	case 0, 1, 2, 3:
		p.resolve(1)
	case 4, 5:
		p.resolve(2 + which%7)
	case 6, 7:
		time.Sleep(p.duration(which))
		p.check()
	case 8, 9:
		p.ended(which, p.succeed)
	case 10, 11, 12:
		p.ended(which, func(q *request) { p.fail(q, cause) })
	case 13: // of which more will be heard
		if n := len(p.inFlight); n > 0 {
			p.fail(p.inFlight[which%n], cause)
		}
	case 14: // the last one, which may be the one that probes
		p.ended(len(p.inFlight)-1, p.succeed)
	case 15:
		p.ended(len(p.inFlight)-1, func(q *request) { p.fail(q, cause) })
	}
}

// causes are those that count by their weight, and none.
var causes = []resolver.Cause{
	resolver.NoCause, resolver.CauseAbsent, resolver.CauseDNS, resolver.CauseConnect, resolver.CauseCertificate, resolver.CauseTLS,
	resolver.CauseTimeout, resolver.CauseBroken, resolver.CausePathDead, resolver.CauseUnanswered,
}

// ended takes a request out of those in flight.
func (p *pair) ended(which int, how func(*request)) {
	p.t.Helper()
	if n := len(p.inFlight); n > 0 {
		q := p.inFlight[which%n]
		p.inFlight = slices.Delete(p.inFlight, which%n, which%n+1)
		how(q)
	}
}

// duration is some time, often one at whose end something changes.
func (p *pair) duration(which int) time.Duration {
	left := max(0, time.Until(p.gate))
	choices := [...]time.Duration{
		0, 1, time.Millisecond, time.Second, probeTimeout - 1, probeTimeout, baseEjection*4/5 - 1, baseEjection, time.Minute, maxEjection,
		left, left, left, max(0, left-1), left + 1, left + time.Second,
	}
	d := choices[which%len(choices)]
	if !p.gate.IsZero() {
		// A name whose probe has been due for as long as the longest pause is healthy on trial, of which gobreaker knows nothing: package resolver tests that.
		d = max(0, min(d, time.Until(p.gate)+maxEjection-1))
	}
	return d
}
