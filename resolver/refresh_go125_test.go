//go:build go1.25

package resolver_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given a resolver whose requests come and go, then the endpoints are asked for
// again about every ten minutes while they come, not at all while they don't, and
// with the first that comes after a pause.
func TestEndpointsAreAskedForAgainWhileInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var count atomic.Int32
		r := newSlowResolver(t, zone.Static(inA), endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
			count.Add(1)
			return endpoint.Catalog{Endpoints: sqsOnly()}, nil
		}))
		synctest.Wait()
		if got := count.Load(); got != 1 {
			t.Fatalf("at the start: asked %d times, want once", got)
		}
		for range 60 {
			r.Resolve(sqs)
			time.Sleep(time.Minute)
		}
		busy := count.Load()
		if busy < 6 || busy > 8 {
			t.Errorf("in an hour with a request a minute: asked %d times, want about 7", busy)
		}
		time.Sleep(24 * time.Hour)
		if got := count.Load() - busy; got > 1 {
			t.Errorf("in a day without a request: asked %d times, want once at most, for the last one before", got)
		}
		idle := count.Load()
		r.Resolve(sqs)
		synctest.Wait()
		if got := count.Load() - idle; got != 1 {
			t.Errorf("with the first request after it: asked %d times, want once", got)
		}
	})
}

// Given endpoints that change, and a source that then fails, then the last good
// answer is in use, names that stay keep their health, and a snapshot says what is
// wrong.
func TestTheLastGoodCatalogueStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type answer struct {
			catalog endpoint.Catalog
			err     error
		}
		var next atomic.Pointer[answer]
		answers := func(err error, endpoints ...endpoint.Endpoint) {
			next.Store(&answer{endpoint.Catalog{Endpoints: endpoints}, err})
		}
		answers(nil, sqsOnly()...)
		r := newSlowResolver(t, zone.Static(inA), endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
			a := next.Load()
			return a.catalog, a.err
		}), resolver.WithRefresh(time.Minute))
		later := func() {
			for range 3 {
				r.Resolve(sqs)
				time.Sleep(time.Minute)
			}
			synctest.Wait()
		}
		synctest.Wait()
		r.Resolve(sqs).Failed(resolver.CauseAbsent, nil)
		expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.Unhealthy)

		answers(nil, append(sqsOnly(), endpoint.Endpoint{Regional: regional("kms")})...)
		r.Resolve(sqs)
		time.Sleep(time.Minute + 6*time.Second)
		synctest.Wait()
		expect(t, r.Resolve("kms.us-east-1.amazonaws.com"), zonal("kms"), regional("kms"), resolver.Zonal, resolver.InZone)

		denied := errors.New("UnauthorizedOperation")
		answers(denied)
		later()
		expect(t, r.Resolve("kms.us-east-1.amazonaws.com"), zonal("kms"), regional("kms"), resolver.Zonal, resolver.InZone)
		if got := r.Snapshot().CatalogError; got != denied.Error() {
			t.Errorf("the snapshot says %q, want %q", got, denied)
		}
	})
}

// Given a listing that shrinks, then what is gone is logged; one that shrinks to nothing
// is an error, which stays one until it lists something again, and what was known before
// stays in use.
func TestListingsThatShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var next atomic.Pointer[endpoint.Catalog]
		list := func(endpoints ...endpoint.Endpoint) { next.Store(&endpoint.Catalog{Endpoints: endpoints}) }
		list(of("sqs"), of("kms"))
		log := &recorder{}
		r := newSlowResolver(t, zone.Static(inA), endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
			return *next.Load(), nil
		}), resolver.WithRefresh(time.Minute), resolver.WithLogger(log.logger()))
		later := func() {
			for range 3 {
				r.Resolve(sqs)
				time.Sleep(time.Minute)
			}
			synctest.Wait()
		}
		later()
		list(of("sqs"))
		later()
		expectUntouched(t, r.Resolve("kms"+region), "kms"+region, resolver.NoEndpoint)
		if got := log.String(); strings.Count(got, "no longer listed") != 1 || !strings.Contains(got, "(kms)") || strings.Contains(got, "(sqs)") {
			t.Errorf("logged %s", got)
		}
		since := r.Snapshot().CatalogTime
		list()
		later()
		later()
		expect(t, r.Resolve(sqs), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
		if got := r.Snapshot(); !strings.Contains(got.CatalogError, "no endpoint is listed any more") || got.CatalogTime.Before(since) || time.Since(got.CatalogTime) < 5*time.Minute {
			t.Errorf("got error %q, of %v", got.CatalogError, got.CatalogTime)
		}
		if got := strings.Count(log.String(), "no endpoint is listed any more"); got != 1 {
			t.Errorf("logged %d times, want once", got)
		}
		list(of("sns"))
		later()
		expectUntouched(t, r.Resolve(sqs), sqs, resolver.NoEndpoint)
		if got := r.Snapshot().CatalogError; got != "" {
			t.Errorf("got error %q", got)
		}
	})
}

// shared is a source that many processes ask, and that says when.
type shared struct {
	endpointsFunc
	first, next time.Duration
}

func (s shared) Answer(ctx context.Context, wait bool) (endpoint.Answer, error) {
	if !wait {
		return endpoint.Answer{Source: "shared", Until: time.Now().Add(s.first)}, endpoint.ErrWouldBlock
	}
	cat, err := s.endpointsFunc(ctx)
	return endpoint.Answer{Catalog: cat, Source: "shared", Until: time.Now().Add(s.next)}, err
}

// Given a source that many processes share, then it is first asked when it wants
// to be, or at once when somebody waits for it; and whether it answers or is
// throttled, it is left alone for as long as it says.
func TestSharedSources(t *testing.T) {
	for _, tt := range []struct {
		waits bool
		err   error
	}{{false, errors.New("RequestLimitExceeded")}, {true, errors.New("RequestLimitExceeded")}, {false, nil}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			asked := make(chan time.Duration, 10)
			source := shared{func(context.Context) (endpoint.Catalog, error) {
				asked <- time.Since(start)
				return endpoint.Catalog{Endpoints: sqsOnly()}, tt.err
			}, time.Hour, 7 * time.Minute}
			r := newSlowResolver(t, zone.Static(inA), source)
			if got := r.Snapshot().CatalogSource; got != "shared" {
				t.Errorf("the snapshot says that %q is asked", got)
			}
			if tt.waits {
				if err := r.Ready(t.Context()); err == nil {
					t.Error("ready without endpoints")
				}
			}
			first := <-asked
			want := map[bool]time.Duration{false: time.Hour, true: 0}
			if first != want[tt.waits] {
				t.Errorf("somebody waits: %v: first asked after %v, want %v", tt.waits, first, want[tt.waits])
			}
			r.Resolve(sqs)
			if got := <-asked - first; got != 7*time.Minute {
				t.Errorf("asked again after %v, want the seven minutes that the source said", got)
			}
		})
	}
}
