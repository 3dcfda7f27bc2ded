package health

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// together runs do n times at once.
func together(n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(do)
	}
	all.Wait()
}

// Given many callers at once, when their name is ejected and comes back over and over, then each time it does so once, and
// one of them is the probe.
func TestTogether(t *testing.T) {
	const callers, rounds = 32, 100
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t)
		state := func() resolver.EndpointState { return r.Snapshot().Endpoints[0] }
		for round := range uint64(rounds) {
			old := r.Resolve(host)
			together(callers, func() { r.Resolve(host).Failed(resolver.CauseAbsent, errFailed) })
			s := state()
			if pause := time.Until(s.RetryAt); !s.Ejected || s.Ejections != round+1 || pause > baseEjection || pause <= baseEjection*4/5 {
				t.Fatalf("round %d: got %+v, to be probed in %v", round, s, pause)
			}
			var probe atomic.Pointer[resolver.Route]
			for range 2 { // a probe that isn't heard of is followed by another
				time.Sleep(time.Until(state().RetryAt))
				var probes, others atomic.Int64
				together(callers, func() {
					old.Answered()
					switch route, _ := r.Resolve(host).Probe(); route.Reason {
					case resolver.InZone:
						probes.Add(1)
						probe.Store(&route)
					case resolver.Unhealthy:
						others.Add(1)
						route.Failed(resolver.CauseConnect, errFailed) // the regional name's failure
					}
				})
				if s := state(); probes.Load() != 1 || others.Load() != callers-1 || !s.Ejected || time.Until(s.RetryAt) != probeTimeout {
					t.Fatalf("round %d: %d requests were the probe, want 1; %+v", round, probes.Load(), s)
				}
			}
			together(callers, func() { probe.Load().Answered() })
			if s := state(); s.Ejected || s.Ejections != round+1 {
				t.Fatalf("round %d: got %+v, want the name healthy", round, s)
			}
		}
	})
}

// changes counts what is logged.
type changes struct {
	slog.Handler
	out, in atomic.Int64
}

func (c *changes) Enabled(context.Context, slog.Level) bool { return true }

func (c *changes) Handle(_ context.Context, r slog.Record) error {
	switch {
	case strings.Contains(r.Message, "ejected"):
		c.out.Add(1)
	case strings.Contains(r.Message, "healthy again"):
		c.in.Add(1)
	}
	return nil
}

// Given callers that do as they like, when all is over, then the name was ejected as often as it says, once more than it came
// back if it is ejected, and nobody saw a state that can't be.
func TestAnythingAtOnce(t *testing.T) {
	const callers, calls = 16, 2000
	synctest.Test(t, func(t *testing.T) {
		log := &changes{Handler: slog.DiscardHandler}
		r := newResolver(t, resolver.WithLogger(slog.New(log)))
		together(callers, func() {
			for range calls {
				route, _ := r.Resolve(host).Probe()
				time.Sleep(rand.N(3 * time.Second))
				switch n := rand.IntN(40); { // from 36 on nobody tells
				case n < 9:
					route.Failed(resolver.Cause(1+n), errFailed)
				case n < 36:
					route.Answered()
				}
				s := r.Snapshot().Endpoints[0]
				if pause := time.Until(s.RetryAt); !s.Ejected != s.RetryAt.IsZero() || pause > maxEjection {
					t.Errorf("got %+v, to be probed in %v", s, pause)
					return
				}
			}
		})
		s := r.Snapshot().Endpoints[0]
		out, in := log.out.Load(), log.in.Load()
		if want := out - in; uint64(out) != s.Ejections || want != 0 && want != 1 || !s.Ejected != (want == 0) {
			t.Errorf("logged %d times ejected and %d times healthy, got %+v", out, in, s)
		}
		if out < 10 {
			t.Errorf("ejected %d times only", out)
		}
	})
}
