//go:build go1.25

package resolver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Ready returns when both have been asked for once, not when they have answered.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := newSlowResolver(t,
			zoneFunc(func(context.Context) (zone.Answer, error) {
				time.Sleep(time.Second)
				return zone.Answer{}, errors.New("no zone")
			}),
			endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
				time.Sleep(2 * time.Second)
				return endpoint.Catalog{}, errors.New("no endpoints")
			}))
		impatient, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if err := r.Ready(impatient); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with too little time: got %v, want %v", err, context.DeadlineExceeded)
		}
		for range 20 { // the second time at once, and whatever the context says
			err := r.Ready(t.Context())
			if err == nil || err.Error() != "no zone\nno endpoints" {
				t.Errorf("got %v, want both reasons", err)
			}
			if got := time.Since(start); got != 2*time.Second {
				t.Errorf("it took %v, want 2s", got)
			}
			if err := r.Ready(impatient); errors.Is(err, context.DeadlineExceeded) {
				t.Error("both have been asked, and the context's end was returned")
			}
		}
	})
}

// Given a source that hangs, then it is given up, and asked again.
func TestSourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := newSlowResolver(t, zoneFunc(func(ctx context.Context) (zone.Answer, error) {
			asked++
			<-ctx.Done()
			return zone.Answer{}, ctx.Err()
		}), endpoint.Static(sqsOnly()...))
		if err := r.Ready(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ready: got %v, want %v", err, context.DeadlineExceeded)
		}
		time.Sleep(2 * time.Second)
		start := time.Now()
		if err := r.Close(); err != nil || time.Since(start) != 0 || asked != 2 {
			t.Errorf("Close after question %d: got %v in %v, want nil at once after the second", asked, err, time.Since(start))
		}
		expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.NoZone)
	})
}

// Given a source that takes no notice of its context, then Close says so, soon.
func TestSourceThatTakesNoNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r, err := resolver.New(resolver.WithEndpoints(endpoint.Static()), resolver.WithZone(
			zoneFunc(func(context.Context) (zone.Answer, error) {
				<-release
				return zone.Answer{Zone: inA, Until: time.Now().Add(time.Minute)}, nil
			})))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := r.Close(); err == nil || time.Since(start) > 5*time.Second {
			t.Errorf("Close: got %v after %v, want an error within 5s", err, time.Since(start))
		}
		close(release)
		if err := r.Close(); err != nil {
			t.Errorf("Close when it has returned: got %v, want nil", err)
		}
	})
}

// A regional name that was learned from a request, and is listed later, is one.
func TestLearnedThenListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
			time.Sleep(time.Second)
			return endpoint.Catalog{Endpoints: []endpoint.Endpoint{of("s3")}}, nil
		}))
		host := "photos.bucket." + regional("s3")
		for range 2 {
			expect(t, r.Resolve(host), "photos.bucket."+zonal("s3"), host, resolver.Zonal, resolver.InZone)
			if got := len(r.Snapshot().Endpoints); got != 1 {
				t.Errorf("endpoints: got %d, want 1", got)
			}
			time.Sleep(2 * time.Second)
		}
	})
}
