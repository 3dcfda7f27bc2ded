package resolver

import (
	"context"
	"fmt"
	"math/rand/v2"
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

	never = time.Duration(-1)
)

// keepAsking calls ask until it says never. ask returns how long its answer is
// good for, or 0 where it has none.
func keepAsking(ctx context.Context, ask func(context.Context) time.Duration) {
	retry := firstRetry
	for {
		pause := ask(ctx)
		switch pause {
		case never:
			return
		case 0:
			pause = retry - time.Duration(rand.Int64N(int64(retry)/2))
			retry = min(2*retry, lastRetry)
		default:
			retry = firstRetry
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (r *Resolver) askZone(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, maxAsk)
	defer cancel()
	answer, err := zone.Ask(ctx, r.config.zone)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.zone.update(answer, err)
	if err != nil {
		r.warnOnce("azaffinity: the zone is not known, requests are not kept in it", "error", err)
		return 0
	}
	delete(r.told, "azaffinity: the zone is not known, requests are not kept in it")
	r.publish()
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
	defer r.mu.Unlock()
	r.catalog.update(catalog, err)
	if err != nil {
		r.warnOnce("azaffinity: the endpoints are not known", "error", err)
		return 0
	}
	r.publish()
	return never
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
		mode:    r.mode,
		zone:    r.zoneName(),
		catalog: r.catalog.value,
		learned: r.learned,
		wanted:  r.config.wanted,
		health: func(name string) *health {
			if old != nil && old.zonal[name] != nil {
				return old.zonal[name] // what it has been doing stays
			}
			return &health{name: name, start: r.start, log: r.config.log}
		},
	})
	r.table.Store(t)
	for _, note := range append(r.catalog.value.Notes, t.notes...) {
		r.infoOnce("azaffinity: " + note)
	}
}

// zoneName is the zone's name as the endpoints' names spell it. The zone's ID
// decides where the catalogue has a name for it, since the names carry the
// letters of the account that owns the endpoints.
func (r *Resolver) zoneName() string {
	z := r.zone.value.Zone
	if name, ok := r.catalog.value.ZoneNames[z.ID]; ok && z.ID != "" {
		return name
	}
	if z.Name == "" && z.ID != "" && !r.catalog.since.IsZero() {
		r.warnOnce("azaffinity: no zone name is known for this zone's ID, requests are not kept in the zone: set AZAFFINITY_ZONE_NAMES, or AZAFFINITY_ZONE to the zone's name",
			"zone_id", z.ID)
	}
	return z.Name
}

func (r *Resolver) info(msg string, args ...any) {
	if r.config.log != nil {
		r.config.log.Info(msg, args...)
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
		r.config.log.Warn(msg, args...)
	}
}
