package resolver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
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
	// maxClose is how long Close waits for a source that takes no notice of its
	// context.
	maxClose = time.Second

	never = time.Duration(-1)
)

// keepAsking calls ask after a pause, and again until it says never. ask returns
// how long its answer is good for, or 0 where it has none. What is wanted only
// while there are requests is asked for when wanted says that there was one.
func keepAsking(ctx context.Context, pause time.Duration, wanted func(context.Context) bool, ask func(context.Context) time.Duration) {
	retry := firstRetry
	for pause != never {
		if pause > 0 && !(sleep(ctx, pause) && wanted(ctx)) {
			return
		}
		if pause = safely(ctx, ask); pause != 0 {
			retry = firstRetry
			continue
		}
		pause = retry - time.Duration(rand.Int64N(int64(retry)/2))
		retry = min(2*retry, lastRetry)
	}
}

// safely asks. Something of ours that panics in the background would take the
// whole program with it.
func safely(ctx context.Context, ask func(context.Context) time.Duration) (pause time.Duration) {
	defer func() {
		if recover() != nil {
			pause = 0
		}
	}()
	return ask(ctx)
}

// always is for what is wanted in an idle process, too.
func always(ctx context.Context) bool { return ctx.Err() == nil }

// whenUsed waits for a request, unless there was one since it was last called, or
// there is no catalogue yet that could be used meanwhile.
func (r *Resolver) whenUsed(ctx context.Context) bool {
	r.mu.Lock()
	none := r.catalog.since.IsZero()
	r.mu.Unlock()
	if r.used.Swap(false) || none {
		select {
		case <-r.use: // that is the one
		default:
		}
		return true
	}
	select {
	case <-r.use:
		r.used.Store(false)
		return true
	case <-ctx.Done():
		return false
	}
}

// sleep tells whether the pause is over, and not the context.
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

// isImmediate tells whether a source says that asking it takes no time.
func isImmediate(source any) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false // it will be asked in the background, and may panic there
		}
	}()
	i, ok := source.(interface{ Immediate() bool })
	return ok && i.Immediate()
}

// spreadOf tells over what time many processes' first questions to the source
// should be spread.
func spreadOf(source any) (d time.Duration) {
	defer func() {
		if recover() != nil {
			d = 0
		}
	}()
	s, ok := source.(endpoint.Spread)
	if !ok {
		return 0
	}
	return s.Spread()
}

// first waits for this process's share of the spread, unless somebody is waiting
// for the answer.
func (r *Resolver) first(ctx context.Context, spread time.Duration) bool {
	if spread <= 0 {
		return true
	}
	pause := rand.N(spread)
	r.mu.Lock()
	r.info("azaffinity: the endpoints will be asked for", "in", pause.Round(time.Second))
	r.unlock()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.hurry:
	case <-ctx.Done():
		return false
	}
	return true
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
	delete(r.told, unknown)
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
	catalog, err := endpointsOf(ctx, r.config.endpoints)
	r.mu.Lock()
	defer r.unlock()
	news := r.catalog.since.IsZero() || !reflect.DeepEqual(catalog, r.catalog.value)
	r.catalog.update(catalog, err)
	const unread = "azaffinity: could not read the endpoints"
	if err != nil {
		r.warnOnce(unread, "error", err, "in_use_since", r.catalog.since)
		// A source that is throttled knows best when to ask it again.
		var throttled interface{ RetryAfter() time.Duration }
		if errors.As(err, &throttled) {
			return max(throttled.RetryAfter(), firstRetry)
		}
		return 0
	}
	delete(r.told, unread)
	refresh := r.config.refresh - r.config.refresh/10 + time.Duration(rand.Int64N(int64(r.config.refresh)/5))
	if !news {
		return refresh
	}
	listed := map[string]bool{}
	for _, e := range catalog.Endpoints {
		listed[bare(e.Regional)] = true
	}
	r.learned = slices.DeleteFunc(r.learned, func(e endpoint.Endpoint) bool { return listed[bare(e.Regional)] })
	r.publish()
	return refresh
}

// endpointsOf asks the source, trusting it with nothing.
func endpointsOf(ctx context.Context, s endpoint.Source) (c endpoint.Catalog, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = endpoint.Catalog{}, fmt.Errorf("resolver: the endpoint source %T panicked: %v", s, p)
		}
	}()
	c, err = s.Endpoints(ctx)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	return c.Normalize()
}

// publish makes the table anew from what is known. r.mu must be held.
func (r *Resolver) publish() {
	old := r.table.Load()
	t := newTable(scene{
		mode:      r.mode,
		zone:      r.zoneName(),
		evacuated: !r.avoid.IsZero(),
		catalog:   r.catalog.value,
		learned:   r.learned,
		wanted:    r.config.wanted,
		health: func(name string) *health {
			if old != nil && old.zonal[name] != nil {
				return old.zonal[name] // what it has been doing stays
			}
			return &health{name: name, start: r.start, log: r.config.log}
		},
		counts: r.countsOf,
	})
	if old != nil && (r.mode == Off || !r.avoid.IsZero()) {
		t.zonal = old.zonal // not in use, and not forgotten
	}
	r.table.Store(t)
	for _, note := range slices.Concat(r.catalog.value.Notes, t.notes) {
		r.infoOnce("azaffinity: " + note)
	}
	if r.zoneUnnamed() {
		r.warnOnce("azaffinity: requests are not kept in the zone: "+unnamed, "zone_id", r.zone.value.Zone.ID)
	}
}

// countsOf are kept for as long as the resolver lives: who had an endpoint made
// anew wants to see both.
func (r *Resolver) countsOf(e endpoint.Endpoint) *counts {
	name := bare(e.Regional)
	if r.counts[name] == nil {
		r.counts[name] = &counts{service: e.Service}
	}
	return r.counts[name]
}

// zoneUnnamed tells whether only the zone's ID is known, and will stay so.
func (r *Resolver) zoneUnnamed() bool {
	return !r.zone.since.IsZero() && !r.catalog.since.IsZero() && r.zoneName() == ""
}

// unnamed is what is wrong then, and the remedy.
const unnamed = "no zone name is known for its ID: set AZAFFINITY_ZONE_NAMES, or AZAFFINITY_ZONE to the zone's name"

// zoneName is the zone's name as the endpoints' names spell it. The zone's ID
// decides where the catalogue has a name for it, since the names carry the
// letters of the account that owns the endpoints.
func (r *Resolver) zoneName() string {
	z := r.zone.value.Zone
	if name, ok := r.catalog.value.ZoneNames[z.ID]; ok && z.ID != "" {
		return name
	}
	return z.Name
}

// unlock releases r.mu and then logs what came up under it: a log handler may
// take its time, ask for a Snapshot, or send its lines through this very resolver.
func (r *Resolver) unlock() {
	lines := r.lines
	r.lines = nil
	r.mu.Unlock()
	defer func() { _ = recover() }() // a log handler's
	for _, line := range lines {
		line()
	}
}

func (r *Resolver) info(msg string, args ...any) {
	if r.config.log != nil {
		r.lines = append(r.lines, func() { r.config.log.Info(msg, args...) })
	}
}

func (r *Resolver) infoOnce(msg string, args ...any) {
	if !r.told[msg] {
		r.told[msg] = true
		r.info(msg, args...)
	}
}

func (r *Resolver) warnOnce(msg string, args ...any) {
	if r.config.log != nil && !r.told[msg] {
		r.told[msg] = true
		r.lines = append(r.lines, func() { r.config.log.Warn(msg, args...) })
	}
}
