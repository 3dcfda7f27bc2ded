package resolver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// known is a source's last good answer, and what came after it.
type known[T any] struct {
	value T
	since time.Time     // when it was given; zero: never
	err   error         // of the last time the source was asked
	lost  time.Time     // since when there are errors; zero: there are none
	asked chan struct{} // closed when the source has been asked for the first time
}

// update takes in what the source said.
func (k *known[T]) update(value T, err error) {
	switch k.err = err; {
	case err == nil:
		k.value, k.since, k.lost = value, time.Now(), time.Time{}
	case k.lost.IsZero():
		k.lost = time.Now()
	}
	select {
	case <-k.asked:
	default:
		close(k.asked)
	}
}

const (
	// A source that fails is asked again after firstRetry, then after ever
	// longer pauses up to lastRetry, for as long as the resolver lives: metadata
	// can be late at boot, and it costs next to nothing.
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// maxAsk bounds one question, so that a source that hangs is asked again.
	maxAsk = 30 * time.Second
	// maxClose is how long Close waits for what takes no notice of its context.
	maxClose = time.Second

	never = time.Duration(-1)
)

// poll asks one source, and keeps asking it.
type poll struct {
	// ask returns how long the source's answer is good for, or how long it wants to be
	// left alone after a failure: 0 if it doesn't say.
	ask func(context.Context) time.Duration
	// wait returns true when the source should be asked again, once a pause is over,
	// and false if the resolver is closed.
	wait func(context.Context) bool

	source   string        // who is asked
	first    time.Duration // how long a source that has to wait is left alone at first
	pause    time.Duration // until the next question; 0: it has not been asked
	resolver *Resolver
}

// startPolls asks the sources that need not wait, and returns how all of them are asked
// from then on. What is wrong with an answer is the error.
func (r *Resolver) startPolls(ctx context.Context) ([]*poll, error) {
	place, err := guarded(ctx, r.log, r.config.zone, zone.AskNow)
	ofZone := &poll{ask: r.askZone, wait: always, source: place.Source, first: time.Until(place.Until), resolver: r}
	if !errors.Is(err, zone.ErrWouldBlock) {
		ofZone.pause = r.takeZone(place, err)
	}
	listing, err := guarded(ctx, r.log, r.config.endpoints, endpoint.AskNow)
	ofEndpoints := &poll{ask: r.askEndpoints, wait: r.untilUsed, source: listing.Source, first: time.Until(listing.Until), resolver: r}
	r.catalogSource = listing.Source
	if !errors.Is(err, endpoint.ErrWouldBlock) {
		ofEndpoints.pause = r.takeEndpoints(listing, err)
	}
	if r.zone.err != nil {
		return nil, r.zone.err
	}
	return []*poll{ofZone, ofEndpoints}, r.catalog.err
}

// always is a poll's wait for a source that is asked whether there are requests or not.
func always(ctx context.Context) bool { return ctx.Err() == nil }

// run asks for as long as the resolver lives.
func (p *poll) run(ctx context.Context) {
	if p.pause == 0 && !p.waitForTurn(ctx) {
		return
	}
	retry := firstRetry
	for p.pause != never {
		if p.pause > 0 && !(sleep(ctx, p.pause) && p.wait(ctx)) {
			return
		}
		if p.pause = p.askSafely(ctx); p.pause != 0 {
			retry = firstRetry
			continue
		}
		p.pause = retry - rand.N(retry/2)
		retry = min(2*retry, lastRetry)
	}
}

// askSafely asks. A panic must not end the asking.
func (p *poll) askSafely(ctx context.Context) (pause time.Duration) {
	defer func() {
		if recovered := recover(); recovered != nil {
			p.resolver.log.panicked("the background", recovered)
			pause = 0
		}
	}()
	return p.ask(ctx)
}

// waitForTurn waits until the source wants to be asked for the first time, unless
// somebody is waiting for the answer.
func (p *poll) waitForTurn(ctx context.Context) bool {
	if p.first <= 0 {
		return true
	}
	p.resolver.log.info("azaffinity: waiting before the first question", "source", p.source, "pause", p.first.Round(time.Second))
	timer := time.NewTimer(p.first)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.resolver.demand.readyRequested:
	case <-ctx.Done():
		return false
	}
	return true
}

// demand is whether anybody wants to know.
type demand struct {
	used           atomic.Bool   // by a request, since the endpoints were last asked for
	first          chan struct{} // and it was the first in a while
	readyRequested chan struct{} // closed by the first Ready
	once           *sync.Once
}

func newDemand() demand {
	return demand{first: make(chan struct{}, 1), readyRequested: make(chan struct{}), once: new(sync.Once)}
}

// wake says that there is a request.
func (d *demand) wake() {
	d.used.Store(true)
	select {
	case d.first <- struct{}{}:
	default: // the poll was told, and hasn't looked yet
	}
}

func (d *demand) requestReady() { d.once.Do(func() { close(d.readyRequested) }) }

// untilUsed waits for a request, unless there was one since it was last called, or
// there is no catalogue yet that could be used meanwhile.
func (r *Resolver) untilUsed(ctx context.Context) bool {
	r.mu.Lock()
	none := r.catalog.since.IsZero()
	r.mu.Unlock()
	if r.demand.used.Swap(false) || none {
		select {
		case <-r.demand.first: // that is the one
		default:
		}
		return true
	}
	select {
	case <-r.demand.first:
		r.demand.used.Store(false)
		return true
	case <-ctx.Done():
		return false
	}
}

// sleep reports whether the pause is over, and not the context.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (r *Resolver) askZone(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, maxAsk)
	defer cancel()
	return r.takeZone(guarded(ctx, r.log, r.config.zone, zone.Ask))
}

// takeZone takes in what the zone's source said, and returns what ask does.
func (r *Resolver) takeZone(answer zone.Answer, err error) time.Duration {
	r.mu.Lock()
	defer r.unlock()
	before := r.zone
	r.zone.update(answer, err)
	r.logZone(before, answer.Source)
	if err != nil {
		return untilNext(answer.Until)
	}
	if before.since.IsZero() || answer.Zone != before.value.Zone || !slices.Equal(answer.Subnets, before.value.Subnets) {
		r.publish()
	}
	if answer.Until.IsZero() {
		return never
	}
	return untilNext(answer.Until)
}

// untilNext is how long to wait before a source is asked again: 0 if it doesn't say.
func untilNext(until time.Time) time.Duration {
	if until.IsZero() {
		return 0
	}
	return max(time.Until(until), firstRetry)
}

func (r *Resolver) askEndpoints(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, maxAsk)
	defer cancel()
	return r.takeEndpoints(guarded(ctx, r.log, r.config.endpoints, endpoint.Ask))
}

// takeEndpoints is takeZone for the endpoints.
func (r *Resolver) takeEndpoints(answer endpoint.Answer, err error) time.Duration {
	refresh := r.config.refresh - r.config.refresh/10 + rand.N(r.config.refresh/5)
	if !answer.Until.IsZero() {
		refresh = untilNext(answer.Until)
	}
	r.mu.Lock()
	defer r.unlock()
	catalog := answer.Catalog
	r.catalogSource = cmp.Or(answer.Source, r.catalogSource) // a panic says nobody's name
	pause := untilNext(answer.Until)                         // a source that is throttled knows best
	if had := len(r.catalog.value.Endpoints); err == nil && had > 0 && len(catalog.Endpoints) == 0 {
		// A filter that was mistyped lists none, too, and nobody deletes all.
		err = fmt.Errorf("resolver: no endpoint is listed any more: the last answer, with %d, stays in use", had)
		pause = refresh
	}
	before := r.catalog
	r.catalog.update(catalog, err)
	r.logCatalog(before)
	if err != nil {
		return pause
	}
	if before.since.IsZero() || !reflect.DeepEqual(catalog, before.value) {
		if !before.since.IsZero() {
			r.logListing(before.value.Endpoints, catalog.Endpoints)
		}
		r.publish()
	}
	return refresh
}

// guarded asks a source, which may be anybody's: a panic in it is its error.
func guarded[S, A any](ctx context.Context, log *logs, source S, ask func(context.Context, S) (A, error)) (answer A, err error) {
	defer func() {
		if p := recover(); p != nil {
			log.panicked(fmt.Sprintf("the source %T", source), p)
			err = fmt.Errorf("resolver: the source %T panicked: %v", source, p)
		}
	}()
	return ask(ctx, source)
}
