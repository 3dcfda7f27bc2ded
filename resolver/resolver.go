package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/metrics"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Resolver decides which name of an interface endpoint a service host should be
// reached by right now. Make one with [New] and share it: all methods are safe
// for concurrent use. A nil *Resolver leaves every host as it is; the zero value is
// not usable.
type Resolver struct {
	config      config
	table       atomic.Pointer[table]
	demand      demand
	names       *names
	lookups     lookups
	nearest     nearest
	unserved    *unserved
	recent      recent
	instruments []metrics.AsyncInstrument
	log         *logs
	background  *background

	mu sync.Mutex // guards state, and publishing
	state

	// learning guards learned, and the table's learned names. It is taken after mu.
	learning sync.Mutex
	learned  []endpoint.Endpoint // regional names from requests, which no catalogue has
}

// state is what the background knows, and requests don't read.
type state struct {
	zone          known[zone.Answer]
	catalog       known[endpoint.Catalog]
	catalogSource string // who was asked for it last
	mode          Mode
	shift         zonalShift
	published
	remarks     []string // of those who use the resolver, for snapshots
	pendingLogs []func() // what is to be logged once mu is free, see unlock
	startDue    bool     // that it has started is still to be logged
	closed      bool
}

// EnvMode is the environment variable that sets the mode of resolvers made without
// [WithMode]: "prefer" (the default), "observe" or "off".
const EnvMode = "AZAFFINITY_MODE"

// New returns a resolver that finds its zone and the endpoints in the
// background. By default it asks [zone.Detect] and [endpoint.Env]. Until it knows
// the endpoints it leaves every host as it is; until it knows the zone, requests
// for those endpoints go to regional names.
//
// Sources that need not wait, such as the environment or a file, are asked before
// New returns: what is wrong with their answer is New's error. So is a value of
// [EnvMode] that is no mode.
func New(opts ...Option) (*Resolver, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	log := newLogs(c.log)
	r := &Resolver{
		config:     c,
		demand:     newDemand(),
		log:        log,
		background: newBackground(log),
		lookups:    newLookups(),
		unserved:   newUnserved(),
		state: state{
			mode:    *c.mode,
			zone:    known[zone.Answer]{asked: make(chan struct{})},
			catalog: known[endpoint.Catalog]{asked: make(chan struct{})},
		},
	}
	r.names = newNames(r.log, r.background)
	r.recent.begin(nil)
	polls, err := r.startPolls(r.background.ctx)
	if err != nil {
		r.background.stop()
		return nil, err
	}
	r.mu.Lock()
	r.publish()
	r.unlock()
	if err := r.measure(c.meters); err != nil {
		r.background.stop()
		return nil, err
	}
	r.announce()
	for _, p := range append(polls, r.startShiftPolls(r.background.ctx)...) {
		r.background.start(p.run)
	}
	r.background.start(r.keepSampling)
	return r, nil
}

func newConfig(opts []Option) (config, error) {
	c := config{
		zone: zone.Detect(), endpoints: endpoint.Env(), refresh: defaultRefresh,
		forceInterface: map[string]bool{}, netResolver: net.DefaultResolver,
	}
	for _, opt := range opts {
		opt(&c)
	}
	if c.zone == nil || c.endpoints == nil {
		return c, errors.New("resolver: the source of the zone and the source of the endpoints must not be nil")
	}
	if slices.ContainsFunc(c.shifts, func(s shift.Source) bool { return s == nil }) {
		return c, errors.New("resolver: a source of shifts must not be nil")
	}
	if c.mode == nil {
		mode := Prefer
		if s := os.Getenv(EnvMode); s != "" {
			var err error
			if mode, err = ParseMode(s); err != nil {
				return c, fmt.Errorf("%s: %w", EnvMode, err)
			}
		}
		c.mode = &mode
	}
	if *c.mode > Off {
		return c, fmt.Errorf("resolver: %v is not a mode", *c.mode)
	}
	return c, nil
}

// Resolve says which host a request to the given one should be sent to. It never
// blocks. A host it has nothing better for comes back as it is. Case, and a dot at
// the end, make no difference.
//
// Callers that act on the route say how it went, see [Route].
func (r *Resolver) Resolve(host string) Route {
	if r == nil {
		return Route{Host: host}
	}
	if !r.demand.used.Load() {
		r.demand.wake()
	}
	t := r.table.Load()
	i := t.at[host].whole
	e := t.entries[i].Load()
	if e == nil {
		if i > 0 {
			e = t.makeEntry(i)
		} else if e, _ = t.memo.get(host); e == nil {
			return r.resolveUnseen(t, host)
		}
	}
	if e.plain() {
		return e.primary
	}
	return e.choose()
}

// resolveUnseen is Resolve for hosts that the table doesn't know as a whole.
func (r *Resolver) resolveUnseen(t *table, host string) Route {
	if e, ok := t.unserved.get(host); ok {
		return r.leftAlone(t, e, host, host)
	}
	if e := t.below(host); e != nil {
		return e.choose()
	}
	plain := host
	if t.mode != Off {
		if plain = canonical(host); plain != host {
			if e := t.find(plain); e != nil {
				return asSpelled(e.choose(), plain, host)
			}
		}
		if strings.Contains(plain, ".vpce.") {
			return r.nearest.mark(t.mode, asSpelled(r.learn(t, plain), plain, host), plain)
		}
	}
	if t.mode == Off {
		route := r.unserved.others.primary
		route.Host, route.Reason = host, SwitchedOff
		return route
	}
	return r.leftAlone(t, r.unserved.entry(t, plain), host, plain)
}

// leftAlone is the route of a host that no endpoint is known for.
func (r *Resolver) leftAlone(t *table, e *entry, host, plain string) Route {
	route := e.primary
	route.Host = host
	return r.nearest.mark(t.mode, route, plain)
}

// asSpelled is a route that was made for plain: if that stays as it is, so does the
// host that was asked about.
func asSpelled(route Route, plain, asked string) Route {
	if route.Host == plain {
		route.Host = asked
	}
	return route
}

// canonical is a host in lower case and without a dot at the end.
func canonical(host string) string {
	if n := len(host); n > 1 && host[n-1] == '.' {
		host = host[:n-1]
	}
	for i := 0; i < len(host); i++ {
		if c := host[i]; 'A' <= c && c <= 'Z' {
			return strings.ToLower(host)
		}
	}
	return host
}

// Ready waits until the zone and the endpoints have been asked for once, and
// says what is still not known then; the resolver goes on trying. A source that
// wants to be asked later at first is asked at once. If a dialer uses the resolver, it
// also waits until the endpoints' names have been looked up, for a second at most. It is for
// tests, for cold starts that would rather wait than have their first calls leave
// the zone, and for diagnosis. Other callers don't need it.
func (r *Resolver) Ready(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.demand.requestReady()
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
	r.waitLocated(ctx)
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
	if was := r.mode; m <= Off && m != was {
		r.mode = m
		r.publishTable()
		r.recent.begin(r.allCounts()) // in another mode the reasons mean something else
		r.info("azaffinity: mode changed", "mode", m.String(), "was", was.String())
	}
}

// Close stops everything in the background and waits until it has stopped. The
// resolver goes on answering from what it knows. An error means that a source, or a
// dialer's check or lookup, is still busy although its context has ended: Close doesn't
// wait for it for long.
func (r *Resolver) Close() error {
	if r == nil {
		return nil
	}
	stopped := r.background.close()
	r.mu.Lock()
	if !r.closed {
		defer r.unmeasure() // not under r.mu, which the instruments take when they are read
	}
	r.closed = true
	r.shift.stop() // requests stay away from the zone
	r.mu.Unlock()
	select {
	case <-stopped:
		return nil
	case <-time.After(maxClose):
		return errors.New("resolver: a source of the zone or the endpoints, or a dialer's check or lookup, has not returned although its context has ended")
	}
}
