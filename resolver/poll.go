package resolver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
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
	asked chan struct{} // closed when the source has been asked for the first time
}

// update takes in what the source said.
func (k *known[T]) update(value T, err error) {
	if k.err = err; err == nil {
		k.value, k.since = value, time.Now()
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
	// ask returns how long the source's answer is good for, or 0 if it has none.
	ask func(context.Context) time.Duration
	// wait returns true when the source should be asked again, once a pause is over,
	// and false if the resolver is closed.
	wait func(context.Context) bool
	err  *error // of the last question

	immediate bool          // the source need not wait, so New asks it
	spread    time.Duration // of many processes' first questions
	pause     time.Duration // until the next question; 0: it has not been asked
	resolver  *Resolver
}

// polls are those of a resolver's sources.
func (r *Resolver) polls() []*poll {
	always := func(ctx context.Context) bool { return ctx.Err() == nil }
	polls := []*poll{
		{ask: r.askZone, wait: always, err: &r.zone.err, resolver: r},
		{ask: r.askEndpoints, wait: r.untilUsed, err: &r.catalog.err, resolver: r},
	}
	polls[0].describe(r.config.zone)
	polls[1].describe(r.config.endpoints)
	return polls
}

// describe takes in what a source says of itself.
func (p *poll) describe(source any) {
	defer func() {
		if recovered := recover(); recovered != nil { // it will be asked in the background, and may panic there
			p.resolver.log.panicked(fmt.Sprintf("%T", source), recovered)
			p.immediate, p.spread = false, 0
		}
	}()
	if s, ok := source.(interface{ Immediate() bool }); ok {
		p.immediate = s.Immediate()
	}
	if s, ok := source.(endpoint.Spread); ok {
		p.spread = s.Spread()
	}
}

// askNow asks a source that need not wait.
func (p *poll) askNow(ctx context.Context) error {
	if !p.immediate {
		return nil
	}
	p.pause = p.ask(ctx)
	return *p.err
}

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

// askSafely asks. A panic in the background would take the whole program with it.
func (p *poll) askSafely(ctx context.Context) (pause time.Duration) {
	defer func() {
		if recovered := recover(); recovered != nil {
			p.resolver.log.panicked("the background", recovered)
			pause = 0
		}
	}()
	return p.ask(ctx)
}

// waitForTurn waits for this process's share of the spread, unless somebody is
// waiting for the answer.
func (p *poll) waitForTurn(ctx context.Context) bool {
	if p.spread <= 0 {
		return true
	}
	pause := rand.N(p.spread)
	p.resolver.log.info("azaffinity: the endpoints will be asked for", "in", pause.Round(time.Second))
	timer := time.NewTimer(pause)
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
	answer, err := zone.Ask(ctx, r.config.zone)
	r.mu.Lock()
	defer r.unlock()
	news := r.zone.since.IsZero() || answer.Zone != r.zone.value.Zone
	r.zone.update(answer, err)
	const unknown = "azaffinity: could not find out the zone"
	if err != nil {
		r.warnOnce(unknown, "error", err)
		return 0
	}
	r.log.again(unknown)
	if news {
		r.publish()
	}
	if answer.Until.IsZero() {
		return never
	}
	return max(time.Until(answer.Until), firstRetry)
}

func (r *Resolver) askEndpoints(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, maxAsk)
	defer cancel()
	catalog, err := r.endpoints(ctx)
	refresh := r.config.refresh - r.config.refresh/10 + rand.N(r.config.refresh/5)
	r.mu.Lock()
	defer r.unlock()
	const unread = "azaffinity: could not read the endpoints"
	if had := len(r.catalog.value.Endpoints); err == nil && had > 0 && len(catalog.Endpoints) == 0 {
		// A filter that was mistyped lists none, too, and nobody deletes all.
		err = fmt.Errorf("resolver: no endpoint is listed any more: the last answer, with %d, stays in use", had)
		r.catalog.update(catalog, err)
		r.warnOnce(unread, "error", err, "in_use_since", r.catalog.since)
		return refresh
	}
	before := r.catalog
	r.catalog.update(catalog, err)
	if err != nil {
		r.warnOnce(unread, "error", err, "in_use_since", r.catalog.since)
		// A source that is throttled knows best when to ask it again.
		var throttled interface{ RetryAfter() time.Duration }
		if errors.As(err, &throttled) {
			return max(throttled.RetryAfter(), firstRetry)
		}
		return 0
	}
	r.log.again(unread)
	if before.since.IsZero() || !reflect.DeepEqual(catalog, before.value) {
		r.logGone(before.value, catalog)
		r.publish()
	}
	return refresh
}

// logGone logs which endpoints are no longer listed.
func (r *Resolver) logGone(before, now endpoint.Catalog) {
	listed := map[string]bool{}
	for _, e := range now.Endpoints {
		listed[bare(e.Regional)] = true
	}
	var gone []string
	for _, e := range before.Endpoints {
		if !listed[bare(e.Regional)] {
			gone = append(gone, e.ID+" ("+e.Service+")")
		}
	}
	if len(gone) > 0 {
		r.info("azaffinity: endpoints are no longer listed", "gone", gone, "left", len(now.Endpoints))
	}
}

// endpoints asks the source, trusting it with nothing.
func (r *Resolver) endpoints(ctx context.Context) (c endpoint.Catalog, err error) {
	s := r.config.endpoints
	defer func() {
		if p := recover(); p != nil {
			r.log.panicked(fmt.Sprintf("the endpoint source %T", s), p)
			c, err = endpoint.Catalog{}, fmt.Errorf("resolver: the endpoint source %T panicked: %v", s, p)
		}
	}()
	c, err = s.Endpoints(ctx)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	return c.Normalize()
}
