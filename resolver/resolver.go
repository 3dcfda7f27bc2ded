package resolver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/metrics"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Resolver decides which name of an interface endpoint a service host should be
// reached by right now. Make one with [New] and share it: all methods are safe
// for concurrent use. A nil *Resolver leaves every host as it is; the zero value is
// not usable.
type Resolver struct {
	config config
	start  time.Time
	table  atomic.Pointer[table]
	used   atomic.Bool   // by a request, since the endpoints were last asked for
	use    chan struct{} // and it was the first in a while
	hurry  chan struct{} // closed by the first Ready

	elsewhere   counts // of requests that no endpoint was chosen for
	instruments []metrics.AsyncInstrument

	mu      sync.Mutex // guards what follows, and publishing
	zone    known[zone.Answer]
	catalog known[endpoint.Catalog]
	mode    Mode
	avoid   time.Time   // the zone's names are left alone until then
	rejoin  *time.Timer // ends that; nil where nothing is avoided
	learned []endpoint.Endpoint
	counts  map[string]*counts // of each endpoint, by its regional name
	checks  map[string]*check  // of paths, by the server's address
	told    map[string]bool    // what has been logged
	lines   []func()           // what is to be logged once mu is free, see unlock
	closed  bool

	closing context.Context // ends with Close
	stop    context.CancelFunc
	running sync.WaitGroup
}

// maxLearned bounds how many regional names that no catalogue has are remembered
// from requests. A program has as many as it has clients with a URL of their own.
const maxLearned = 256

// New returns a resolver that finds its zone and the endpoints in the
// background. By default it asks [zone.Detect] and [endpoint.Env]. Until it knows
// the endpoints it leaves every host as it is; until it knows the zone, requests
// for those endpoints go to regional names.
//
// Sources that need not wait, such as the environment or a file, are asked before
// New returns: what is wrong with their answer is New's error.
func New(opts ...Option) (*Resolver, error) {
	r := &Resolver{
		config:  config{zone: zone.Detect(), endpoints: endpoint.Env(), refresh: defaultRefresh, wanted: map[string]bool{}},
		use:     make(chan struct{}, 1),
		hurry:   make(chan struct{}),
		start:   time.Now(),
		zone:    known[zone.Answer]{asked: make(chan struct{})},
		catalog: known[endpoint.Catalog]{asked: make(chan struct{})},
		counts:  map[string]*counts{},
		checks:  map[string]*check{},
		told:    map[string]bool{},
	}
	for _, opt := range opts {
		opt(&r.config)
	}
	if r.config.zone == nil || r.config.endpoints == nil {
		return nil, errors.New("resolver: the source of the zone and the source of the endpoints must not be nil")
	}
	if r.config.mode > Off {
		return nil, fmt.Errorf("resolver: %v is not a mode", r.config.mode)
	}
	r.mode = r.config.mode

	ctx, stop := context.WithCancel(context.Background())
	r.closing, r.stop = ctx, stop
	sources := []struct {
		of     any
		ask    func(context.Context) time.Duration
		wanted func(context.Context) bool
		err    *error
		pause  time.Duration
	}{
		{r.config.zone, r.askZone, always, &r.zone.err, 0},
		{r.config.endpoints, r.askEndpoints, r.whenUsed, &r.catalog.err, 0},
	}
	for i := range sources {
		s := &sources[i]
		if !isImmediate(s.of) {
			continue
		}
		if s.pause = s.ask(ctx); *s.err != nil {
			stop()
			return nil, *s.err
		}
	}
	r.mu.Lock()
	r.publish()
	r.unlock()
	if err := r.measure(r.config.meters); err != nil {
		stop()
		return nil, err
	}
	for _, s := range sources {
		r.running.Add(1)
		go func() {
			defer r.running.Done()
			if s.pause == 0 && !r.first(ctx, spreadOf(s.of)) {
				return
			}
			keepAsking(ctx, s.pause, s.wanted, s.ask)
		}()
	}
	return r, nil
}

// Resolve says which host a request to the given one should be sent to. It never
// blocks. A host it has nothing better for comes back as it is.
//
// Whoever acts on the route should say how it went with [Resolver.Succeeded] or
// [Resolver.Failed].
func (r *Resolver) Resolve(host string) Route {
	if r == nil {
		return Route{Host: host}
	}
	if !r.used.Load() {
		r.wake()
	}
	t := r.table.Load()
	if e := t.exact[host]; e != nil {
		if e.plain() {
			return e.usual
		}
		return e.choose()
	}
	route, known := t.below(host)
	switch {
	case known:
	case t.mode == Off:
		route.Reason = SwitchedOff
	case strings.Contains(host, ".vpce."):
		return r.learn(host)
	}
	return route
}

// wake tells the background that the resolver is in use.
func (r *Resolver) wake() {
	r.used.Store(true)
	select {
	case r.use <- struct{}{}:
	default: // it was told, and hasn't looked yet
	}
}

// learn makes a regional name that no catalogue has part of the table: it came
// from a client's own configuration, and says all that's needed. What it can't
// make anything of is remembered, so that the next request need not ask again.
func (r *Resolver) learn(host string) Route {
	unknown := Route{Host: host}
	at := 0
	if !strings.HasPrefix(host, "vpce-") {
		at = strings.Index(host, ".vpce-") + 1
	}
	e, err := endpoint.Parse(host[at:])
	if err == nil {
		unknown.via = &via{endpoint: e.ID, service: e.Service}
	}
	r.mu.Lock()
	defer r.unlock()
	t := r.table.Load()
	switch {
	case t.mode == Off: // since a moment ago
		unknown.Reason = SwitchedOff
		return unknown
	case err != nil:
	case e.Zonal != nil:
		unknown.Reason = Pinned
	default:
		if t.exact[bare(e.Regional)] == nil && len(r.learned) < maxLearned {
			r.learned = append(r.learned, e)
			r.publish()
			t = r.table.Load()
		}
		if exact := t.exact[host]; exact != nil {
			return exact.choose()
		}
		if route, known := t.below(host); known {
			return route
		}
	}
	t.remember(t.memo.Load(), host, &entry{usual: unknown})
	return unknown
}

// Succeeded tells that a request reached the route's host and was answered.
func (r *Resolver) Succeeded(route Route) {
	if h := route.health(); h != nil {
		h.succeeded(route.trial)
	}
}

// Failed tells that the route's host could not be reached, and why. Of a route
// whose host is not a zonal name it changes nothing, and nothing without a cause.
func (r *Resolver) Failed(route Route, cause Cause, err error) {
	if h := route.health(); h != nil && cause != NoCause {
		h.failed(cause, err, route.trial)
	}
}

// Ready waits until the zone and the endpoints have been asked for once, and
// says what is still not known then; the resolver goes on trying. A source that
// spreads first questions over a while is asked at once. It is for
// tests, for cold starts that would rather wait than have their first calls leave
// the zone, and for diagnosis. Nobody else needs it.
func (r *Resolver) Ready(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	select {
	case <-r.hurry:
	default:
		close(r.hurry)
	}
	r.mu.Unlock()
	for _, asked := range []chan struct{}{r.zone.asked, r.catalog.asked} {
		select {
		case <-asked:
			continue // even if there is no time left
		default:
		}
		select {
		case <-asked:
		case <-ctx.Done():
			return fmt.Errorf("resolver: not ready: %w", ctx.Err())
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	switch {
	case r.zone.since.IsZero():
		errs = append(errs, r.zone.err)
	case r.zoneUnnamed():
		errs = append(errs, fmt.Errorf("resolver: zone %s: %s", r.zone.value.Zone.ID, unnamed))
	}
	if r.catalog.since.IsZero() {
		errs = append(errs, r.catalog.err)
	}
	return errors.Join(errs...)
}

// SetMode changes the mode, for all requests from now on.
func (r *Resolver) SetMode(m Mode) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	if m <= Off && m != r.mode {
		r.mode = m
		r.publish()
		r.info("azaffinity: mode changed", "mode", m.String())
	}
}

// Avoid sends everything that would go to this zone's names to regional ones
// instead, at once and until the given time, whatever the names' health: the answer
// to "this zone is impaired". A time that has passed ends it.
func (r *Resolver) Avoid(until time.Time) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	if r.rejoin != nil {
		r.rejoin.Stop()
	}
	left := time.Until(until)
	if left <= 0 || r.closed {
		r.endAvoid()
		return
	}
	r.avoid = until
	r.rejoin = time.AfterFunc(left, func() {
		defer func() { _ = recover() }() // nobody else would
		r.mu.Lock()
		defer r.unlock()
		if r.avoid.Equal(until) { // not another time by now
			r.endAvoid()
		}
	})
	r.publish()
	r.info("azaffinity: the zone is avoided", "until", until)
}

// endAvoid is called with r.mu held.
func (r *Resolver) endAvoid() {
	if !r.avoid.IsZero() {
		r.avoid = time.Time{}
		r.publish()
		r.info("azaffinity: the zone is no longer avoided")
	}
}

// Close stops everything in the background and waits until it has stopped. The
// resolver goes on answering from what it knows. An error means that a source is
// still busy although its context has ended: Close doesn't wait for it for long.
func (r *Resolver) Close() error {
	if r == nil {
		return nil
	}
	r.stop()
	r.mu.Lock()
	if !r.closed {
		defer r.unmeasure() // not under r.mu, which the instruments take when they are read
	}
	r.closed = true
	if r.rejoin != nil {
		r.rejoin.Stop() // what is avoided stays so
	}
	r.mu.Unlock()
	stopped := make(chan struct{})
	go func() {
		r.running.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-time.After(maxClose):
		return errors.New("resolver: a source of the zone or the endpoints has not returned although its context has ended")
	}
}
