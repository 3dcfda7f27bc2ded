//go:build go1.25

package resolver_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

const sqs = "sqs" + region

func sqsOnly() []endpoint.Endpoint { return []endpoint.Endpoint{of("sqs")} }

// send is the route of a request that may be the half-open probe.
func send(r *resolver.Resolver) resolver.Route {
	route, _ := r.Resolve(sqs).Probe()
	return route
}

// fail reports failures of as many requests.
func fail(t *testing.T, r *resolver.Resolver, times int) {
	t.Helper()
	for range times {
		route := send(r)
		if route.Reason != resolver.InZone {
			t.Fatalf("got %v, want InZone", route.Reason)
		}
		route.Failed(resolver.CauseConnect, errors.New("connection refused"))
	}
}

// pause is how long the zonal name stays ejected yet.
func pause(t *testing.T, r *resolver.Resolver) time.Duration {
	t.Helper()
	state := r.Snapshot().Endpoints[0]
	if !state.Ejected {
		t.Fatal("the zonal name is healthy, want it ejected")
	}
	return time.Until(state.RetryAt)
}

// Given requests one after the other, each at a time of its own, what each finds.
func TestHealthStepByStep(t *testing.T) {
	const (
		ok, refused, dns, absent = "ok", resolver.CauseConnect, resolver.CauseDNS, resolver.CauseAbsent
		in, out                  = resolver.InZone, resolver.Unhealthy
	)
	type step struct {
		after time.Duration
		want  resolver.Reason
		how   any // ok, a Cause, or nil: nobody says
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"three failures in a row", []step{{0, in, refused}, {0, in, dns}, {0, in, resolver.CauseTimeout}, {0, out, nil}}},
		{"two are not enough", []step{{0, in, refused}, {0, in, refused}, {0, in, nil}}},
		{"a success in between", []step{{0, in, refused}, {0, in, refused}, {0, in, ok}, {0, in, refused}, {0, in, refused}, {0, in, nil}}},
		{"a name that doesn't exist", []step{{0, in, absent}, {0, out, nil}}},
		{"another name's certificate", []step{{0, in, resolver.CauseCertificate}, {0, out, nil}}},
		{"a failed handshake alone", []step{{0, in, resolver.CauseTLS}, {0, in, resolver.CauseBroken}, {0, in, nil}}},
		{"no cause at all", []step{{0, in, resolver.NoCause}, {0, in, resolver.NoCause}, {0, in, resolver.NoCause}, {0, in, nil}}},
		{"success of the probe", []step{{0, in, absent}, {7 * time.Second, out, nil}, {3 * time.Second, in, ok}, {0, in, ok}}},
		{"the count starts again", []step{{0, in, absent}, {10 * time.Second, in, ok}, {0, in, refused}, {0, in, refused}, {0, in, refused}, {0, out, nil}}},
		{"failure of the probe", []step{{0, in, absent}, {10 * time.Second, in, refused}, {7 * time.Second, out, nil}, {3 * time.Second, in, ok}, {0, in, nil}}},
		{"a probe that never ends", []step{{0, in, absent}, {10 * time.Second, in, nil}, {4 * time.Second, out, nil}, {time.Second, in, nil}, {time.Second, out, nil}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newResolver(t, inA, sqsOnly())
				for i, s := range tt.steps {
					time.Sleep(s.after)
					route := send(r)
					if route.Reason != s.want {
						t.Fatalf("step %d: got %v, want %v", i+1, route.Reason, s.want)
					}
					switch how := s.how.(type) {
					case resolver.Cause:
						route.Failed(how, nil)
					case string:
						route.Answered()
					}
				}
			})
		})
	}
}

// Given a zonal name that keeps failing, then the pauses double after a minute, up to five,
// and no two processes make the same ones; and after a success they are short again.
func TestPausesDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, sqsOnly())
		fail(t, r, 3)
		jittered := false
		for i, full := range []time.Duration{10, 10, 10, 10, 10, 10, 10, 20, 40, 80, 160, 300, 300, 300} {
			full *= time.Second
			got := pause(t, r)
			if got > full || got <= full*4/5-time.Nanosecond {
				t.Errorf("pause %d: got %v, want at most %v and more than four fifths of it", i+1, got, full)
			}
			jittered = jittered || got != full
			time.Sleep(got)
			fail(t, r, 1)
		}
		if !jittered {
			t.Error("got no jitter")
		}
		time.Sleep(pause(t, r))
		send(r).Answered()
		fail(t, r, 3)
		if got := pause(t, r); got > 10*time.Second {
			t.Errorf("got %v after a success, want at most 10 s", got)
		}
	})
}

// Given many requests when an ejected name may be probed, then one does.
func TestOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, sqsOnly())
		old := r.Resolve(sqs)
		fail(t, r, 3)
		time.Sleep(pause(t, r))
		for _, route := range []resolver.Route{old, {}, old.FailedOver(resolver.CauseConnect)} {
			if got, ok := route.Probe(); ok || got != route {
				t.Errorf("a route to what isn't ejected, and from before: got the probe %v", got)
			}
		}
		var probes atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if send(r).Reason == resolver.InZone {
					probes.Add(1)
				}
			})
		}
		all.Wait()
		if got := probes.Load(); got != 1 {
			t.Errorf("got %d probes, want 1", got)
		}
	})
}

// Given requests from before the name was ejected, when they end, then
// neither do their failures keep it ejected for longer, nor do answers over old
// connections bring it back; the probe's own report counts, however late.
func TestOldRequestsAreNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, sqsOnly())
		old := r.Resolve(sqs)
		fail(t, r, 3)
		want := pause(t, r)
		time.Sleep(time.Second)
		for range 5 {
			old.Failed(resolver.CauseAbsent, nil)
		}
		old.Answered()
		if got := pause(t, r); got != want-time.Second {
			t.Errorf("pause: got %v, want %v", got, want-time.Second)
		}
		time.Sleep(pause(t, r))
		probe := send(r)
		old.Failed(resolver.CauseConnect, nil)
		r.Resolve(sqs).Answered() // of the regional name
		if got := r.Resolve(sqs).Reason; got != resolver.Unhealthy {
			t.Errorf("during the probe: got %v, want Unhealthy", got)
		}
		time.Sleep(time.Minute) // long after its timeout
		probe.Answered()
		if got := r.Resolve(sqs).Reason; got != resolver.InZone {
			t.Errorf("after the probe: got %v, want InZone", got)
		}
	})
}

// Health belongs to the zonal name: hosts share it, and it outlives tables.
func TestHealthIsSharedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, []endpoint.Endpoint{of("s3"), of("sqs")})
		for _, bucket := range []string{"photos", "videos", "photos"} {
			r.Resolve(bucket+".s3"+region).Failed(resolver.CauseTimeout, nil)
		}
		r.SetMode(resolver.Observe)
		r.SetMode(resolver.Prefer)
		r.Resolve(regional("sns")) // is learned
		for _, host := range []string{"photos.s3" + region, "others.s3" + region, "s3" + region, accountID + ".s3-control" + region, "bucket." + regional("s3")} {
			if got := r.Resolve(host); got.Reason != resolver.Unhealthy || got.Target != resolver.Regional {
				t.Errorf("%s: got %v, %v; want Regional, Unhealthy", host, got.Target, got.Reason)
			}
		}
		if got := r.Resolve(sqs).Reason; got != resolver.InZone {
			t.Errorf("another endpoint: got %v, want InZone", got)
		}
	})
}

// Given a logger, then each change is one line, requests are none, and a handler
// that asks the resolver back doesn't stop it.
func TestHealthIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &asking{Handler: slog.NewTextHandler(&bytes.Buffer{}, nil)}
		var r *resolver.Resolver
		h.ask = func() {
			if r != nil {
				r.Snapshot()
				r.Resolve(sqs).Answered()
				r.Resolve(regional("sns"))
				r.SetMode(resolver.Prefer)
			}
		}
		r = newResolver(t, inA, sqsOnly(), resolver.WithLogger(slog.New(h)))
		for range 100 {
			r.Resolve(sqs).Answered()
		}
		fail(t, r, 3)
		for range 100 {
			r.Resolve(sqs).Answered()
		}
		time.Sleep(pause(t, r))
		fail(t, r, 1)
		time.Sleep(pause(t, r))
		send(r).Answered()
		r.SetMode(resolver.Off)
		got, want := strings.Join(h.lines, "; "), "azaffinity: started; azaffinity: zonal name ejected, its requests go to the regional name; "+
			"azaffinity: zonal name healthy again; azaffinity: mode changed; azaffinity: mode changed"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// asking is a log handler that uses what logs.
type asking struct {
	slog.Handler
	lines []string
	ask   func()
}

func (a *asking) Handle(_ context.Context, r slog.Record) error {
	a.lines = append(a.lines, r.Message)
	a.ask()
	return nil
}
