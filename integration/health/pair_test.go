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
	firstPause   = 10 * time.Second
	longestPause = 300 * time.Second
	jitter       = 5 // a pause is shorter by less than a fifth of it
	lease        = 5 * time.Second
	enough       = 15
)

// weights are how much of what is enough a failure is.
var weights = map[resolver.Cause]int{
	resolver.CauseAbsent:      15,
	resolver.CauseCertificate: 15,
	resolver.CausePathDead:    15,
	resolver.CauseDNS:         5,
	resolver.CauseConnect:     5,
	resolver.CauseTLS:         5,
	resolver.CauseTimeout:     5,
	resolver.CauseBroken:      5,
	resolver.CauseUnavailable: 3,
}

var (
	errSick   = errors.New("sick")
	errNoNews = errors.New("nobody knows")
)

// pair is a resolver with one zonal name, and a circuit breaker beside it that is told the same. After each step the name is in
// use exactly if the circuit is closed, and a request is sent to it exactly if the circuit lets it through. What the two do
// differently on purpose is said, and made up for, in this file:
//
//   - the breaker's pauses are all the same; ours double (gate);
//   - the breaker counts failures; ours have weights (fail);
//   - the breaker waits for the one request that tries, for ever; ours has a lease (resolve);
//   - the breaker takes no report of a request from before its last change; we take all reports while the name is in use, and
//     those of requests that tried always (succeed, fail).
type pair struct {
	t testing.TB
	r *resolver.Resolver

	breaker    *gobreaker.TwoStepCircuitBreaker[any]
	generation int // of the breaker: it changes with its state
	opened     uint64

	// gate is when a request may try the name, of which the breaker knows the beginning only: its own pause is the shortest that
	// ours can be. It is the end of our pause, or of the lease of the request that tries.
	gate   time.Time
	pauses int // since the name was last in use
	trial  *request

	inFlight []*request

	longest, late int // pauses in a row; reports of requests that tried at an earlier time, while it was out of use
}

// request is one that was let through by both.
type request struct {
	route      resolver.Route
	done       func(error) // tells the breaker
	generation int
	tries      bool // it was let through while the name was out of use
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
		Timeout:     firstPause - firstPause/jitter,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= enough },
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

// resolve sends a request, or as many at once: of several, in whatever order they come, only one may try the name.
func (p *pair) resolve(many int) {
	p.t.Helper()
	inUse, early := p.closed(), time.Now().Before(p.gate)
	want := 1
	switch {
	case inUse:
		want = many
	case early:
		want = 0
		// Before our gate the breaker lets nobody through, either, unless it is one that stands there because pauses double.
		if waits := p.breaker.State() == gobreaker.StateHalfOpen && p.trial == nil; !waits && p.allow() != nil {
			p.t.Fatal("the breaker lets a request through before its time: the model is wrong")
		}
	case p.trial != nil:
		// The lease has ended: to the breaker the request that tried is one that doesn't count.
		p.trial.done(errNoNews)
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
		q.route, q.tries = route, !inUse
		if q.tries {
			p.trial, p.gate = q, time.Now().Add(lease)
		}
		p.inFlight = append(p.inFlight, q)
	}
	p.check()
}

// concurrently is the routes of those requests that were sent to the zonal name.
func (p *pair) concurrently(many int) []resolver.Route {
	routes := make([]resolver.Route, many)
	if many == 1 {
		routes[0] = p.r.Resolve(host)
	} else {
		var all sync.WaitGroup
		for i := range routes {
			all.Go(func() { routes[i] = p.r.Resolve(host) })
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
	case q.tries && q.generation != p.generation:
		// It tried the name at an earlier time, and the breaker isn't interested. Ours closes.
		p.late++
		p.newBreaker()
	default:
		q.done(nil)
	}
	if p.closed() {
		p.pauses, p.trial, p.gate = 0, nil, time.Time{}
	}
	p.check()
}

// fail reports that the request was not answered. One failure of ours is as many of the breaker's as its weight.
func (p *pair) fail(q *request, cause resolver.Cause) {
	p.t.Helper()
	q.route.Failed(cause, errSick)
	weight := weights[cause]
	if weight == 0 {
		p.check() // nothing that counts
		return
	}
	inUse := p.closed()
	switch {
	case inUse:
		for p.now(q).done(errSick); weight > 1 && p.closed(); weight-- {
			p.allow().done(errSick)
		}
	case q.tries && q.generation != p.generation:
		// As when it succeeds late: ours takes the name out of use anew.
		p.late++
		opened := p.opened
		p.newBreaker()
		for p.closed() {
			p.allow().done(errSick)
		}
		p.opened = opened // it was out of use before
	default:
		q.done(errSick)
	}
	if !p.closed() && (inUse || q.tries) {
		p.checkPause()
	}
	p.check()
}

// now is the request as the breaker is to see it, in use: one that it would take for an old one is a new one.
func (p *pair) now(q *request) *request {
	if q.generation == p.generation {
		return q
	}
	return p.allow()
}

// checkPause looks at a pause that has just begun, and takes over when it ends, which is left to chance.
func (p *pair) checkPause() {
	p.t.Helper()
	full := min(firstPause<<min(p.pauses, 10), longestPause)
	p.pauses++
	p.longest = max(p.longest, p.pauses)
	p.trial = nil
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
		p.t.Fatalf("in use: got %v, want %v", !got.Ejected, want)
	}
	if got.Ejections != p.opened {
		p.t.Fatalf("out of use for the %dth time, want %d", got.Ejections, p.opened)
	}
	if !got.RetryAt.Equal(p.gate) {
		p.t.Fatalf("next try in %v, want %v", time.Until(got.RetryAt), time.Until(p.gate))
	}
}

func (p *pair) state() resolver.EndpointState { return p.r.Snapshot().Endpoints[0] }

// steps are as many as there are pairs of bytes: what to do, and to which request or for how long.
func (p *pair) steps(script []byte) {
	p.t.Helper()
	for ; len(script) >= 2; script = script[2:] {
		p.step(script[0], int(script[1]))
		if most := 24; len(p.inFlight) > most { // nobody ever tells of the oldest
			p.inFlight = slices.Delete(p.inFlight, 0, len(p.inFlight)-most)
		}
	}
}

func (p *pair) step(what byte, which int) {
	p.t.Helper()
	switch cause := resolver.Cause(which / 16 % 10); what % 16 {
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
	case 14: // the last one, which may be the one that tries
		p.ended(len(p.inFlight)-1, p.succeed)
	case 15:
		p.ended(len(p.inFlight)-1, func(q *request) { p.fail(q, cause) })
	}
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
		0, 1, time.Millisecond, time.Second, lease - 1, lease, firstPause*4/5 - 1, firstPause, time.Minute, longestPause,
		left, left, left, max(0, left-1), left + 1, left + time.Second,
	}
	return choices[which%len(choices)]
}
