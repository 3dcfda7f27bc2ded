package resolver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookupRefresh is how old the addresses of a name may get. An interface's address
	// never changes, but an endpoint can get one more: a zone, or an IPv6 address.
	lookupRefresh = time.Hour
	// A name that can't be looked up is tried again after firstLookupRetry, then after
	// ever longer pauses up to lastLookupRetry: it may not exist.
	firstLookupRetry = 10 * time.Second
	lastLookupRetry  = 10 * time.Minute
	// An endpoint's two names are some four packets to the VPC's resolver, of which it takes
	// 1,024 a second from a network interface, that may be a hundred processes'. So after
	// the first few, as many as most VPCs have, there is a gap.
	lookupBurst = 16
	lookupGap   = 50 * time.Millisecond
	// maxBesides is how many endpoints' names are looked up at a time: more are those of a
	// resolver that is slow or gone.
	maxBesides = 4
	// maxLookups is how many dialers are asked: more would be those of a program that makes
	// one after the other.
	maxLookups = 4
	// maxLocated is how long Ready waits for names to be looked up.
	maxLocated = time.Second
)

// lookup finds a host's addresses.
type lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// lookups finds out in the background where the endpoints' names lead.
type lookups struct {
	wanted atomic.Bool
	wake   chan struct{} // there may be something to look up

	mu   sync.Mutex
	all  []lookup      // of dialers, the last one's first; replaced and never changed
	pass chan struct{} // closed and replaced when all that were due have been looked up
}

func newLookups() lookups { return lookups{wake: make(chan struct{}, 1), pass: make(chan struct{})} }

// wantLocations has names looked up from now on.
func (r *Resolver) wantLocations() {
	if !r.lookups.wanted.Load() && r.lookups.wanted.CompareAndSwap(false, true) {
		r.background.start(r.keepLocating)
	}
}

func (l *lookups) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default: // it was told, and hasn't looked yet
	}
}

// register has one more dialer asked, before the others.
func (l *lookups) register(ask lookup) {
	l.mu.Lock()
	l.all = append([]lookup{ask}, l.all[:min(len(l.all), maxLookups-1)]...)
	l.mu.Unlock()
	l.wakeUp()
}

func (l *lookups) passed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.pass)
	l.pass = make(chan struct{})
}

func (l *lookups) nextPass() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pass
}

// waitLocated waits until every name has been looked up once, if anybody wants to know, but
// not for long: a DNS that doesn't answer is no reason not to be ready.
func (r *Resolver) waitLocated(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, maxLocated)
	defer cancel()
	for r.lookups.wanted.Load() && r.table.Load().mode != Off {
		pass := r.lookups.nextPass()
		if !r.unasked() {
			return
		}
		select {
		case <-pass:
		case <-ctx.Done():
			return
		case <-r.background.ctx.Done():
			return
		}
	}
}

// unasked reports whether there are names that nobody has looked up yet.
func (r *Resolver) unasked() bool {
	r.mu.Lock() // an answer that is being taken in may bring some
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.names.places.list(), func(h home) bool { return !h.addrs.asked.Load() })
}

// askers are whom to ask, one after the other.
func (r *Resolver) askers() []lookup {
	r.lookups.mu.Lock()
	defer r.lookups.mu.Unlock()
	if len(r.lookups.all) > 0 {
		return r.lookups.all
	}
	return []lookup{func(ctx context.Context, host string) ([]netip.Addr, error) {
		return r.config.netResolver.LookupNetIP(ctx, "ip", host+".") // with no search domain behind it
	}}
}

// turn is when an endpoint's names are looked up.
type turn struct {
	at    time.Time
	retry time.Duration // the pause after the last failure
}

// after sets the next turn.
func (t *turn) after(err error) {
	pause := lookupRefresh
	if t.retry = min(max(2*t.retry, firstLookupRetry), lastLookupRetry); err == nil {
		t.retry = 0
	} else {
		pause = t.retry
	}
	t.at = time.Now().Add(pause - rand.N(pause/5))
}

// keepLocating looks names up for as long as the resolver lives.
func (r *Resolver) keepLocating(ctx context.Context) {
	turns := map[*health]*turn{}
	for {
		turns = r.locateDue(ctx, turns)
		r.lookups.passed()
		timer := time.NewTimer(time.Until(firstOf(turns)))
		select {
		case <-timer.C:
		case <-r.lookups.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

func firstOf(turns map[*health]*turn) time.Time {
	first := time.Now().Add(lookupRefresh)
	for _, t := range turns {
		if t.at.Before(first) {
			first = t.at
		}
	}
	return first
}

// locateDue looks up the names whose turn it is, and returns the turns of all that there
// are. Names that are new have theirs at once, and all do after the mode was Off.
func (r *Resolver) locateDue(ctx context.Context, before map[*health]*turn) map[*health]*turn {
	turns := map[*health]*turn{}
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, maxBesides)
	asked := 0
	for _, h := range r.names.places.list() {
		if r.table.Load().mode == Off || ctx.Err() != nil {
			return nil
		}
		t := before[h.health]
		if t == nil {
			t = &turn{}
		}
		turns[h.health] = t
		if time.Now().Before(t.at) {
			continue
		}
		slots <- struct{}{}
		running.Add(1)
		go func() {
			defer running.Done()
			t.after(r.locate(ctx, h))
			h.addrs.asked.Store(true)
			<-slots
		}()
		if asked++; asked > lookupBurst {
			sleep(ctx, lookupGap)
		}
	}
	return turns
}

// locate finds out where an endpoint's names lead. Whatever the regional name leads to,
// nothing is known of it while the zonal name doesn't answer.
func (r *Resolver) locate(ctx context.Context, h home) error {
	zonal, err := r.lookUp(ctx, h.probed)
	if err != nil {
		return err
	}
	h.led(zonal)
	news := h.addrs.zonal.set(zonal)
	regional, err := r.lookUp(ctx, h.probedRegional())
	if err == nil {
		news = h.addrs.regional.set(regional) || news
	}
	if news {
		r.names.places.refresh()
	}
	return err
}

// lookUp asks until there is one who knows the name.
func (r *Resolver) lookUp(ctx context.Context, name string) (found []netip.Addr, err error) {
	for _, ask := range r.askers() {
		if found, err = r.askSafely(ctx, ask, name); err == nil {
			return found, nil
		}
	}
	return nil, err
}

// askSafely asks one, who is not ours to trust.
func (r *Resolver) askSafely(ctx context.Context, ask lookup, name string) (found []netip.Addr, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxCheck)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r.log.panicked("a lookup of a name", p)
			err = fmt.Errorf("resolver: the lookup panicked: %v", p)
		}
	}()
	if found, err = ask(ctx, name); err != nil {
		return nil, err
	}
	if found = usable(found); len(found) == 0 {
		return nil, errors.New("resolver: the name has no address")
	}
	return found, nil
}

// usable is the addresses that something can be at, in one order.
func usable(addrs []netip.Addr) []netip.Addr {
	var list []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); a.IsValid() && !a.IsUnspecified() {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	list = slices.Compact(list)
	return list[:min(len(list), maxRegional)]
}
