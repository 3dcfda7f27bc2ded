package soak

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/azaffinity/azaffinity/integration/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The load is such that a fault which breaks all calls of a client at once costs a fraction of what the SDK has for retries (500
// tokens for each client, 5 for each retry). Without that, any client runs out of them, with azaffinity and without.
const think = 150 * time.Millisecond // between two calls of one caller, on average

// byChance is how many calls may fail in a long run although none of the bare SDK's does: a zone that the other's connections don't lead to
// may be the one that has a fault while the own zone is still left. The faults of the short run leave nothing to chance.
const byChance = 2

// Given a program under load, with azaffinity and without it, when faults come and go in one zone at a time, and to the process, then no more
// calls fail with it, most are executed in the zone, no attempt is sent again after it may have arrived, and nothing is executed more often than the SDK's own retries make it.
func TestSoak(t *testing.T) {
	length, seed, traces := schedule(t)
	t.Logf("to replay: AZAFFINITY_SOAK=%v AZAFFINITY_SOAK_SEED=%d", length, seed)
	spells := plan(seed, length)
	ours, bare := newWorld(t, false), newWorld(t, true)
	faults, over := context.WithTimeout(t.Context(), length)
	defer over()
	var callers sync.WaitGroup
	for _, w := range []*world{ours, bare} {
		for who, caller := range w.callers() {
			callers.Go(func() {
				random := rand.New(rand.NewPCG(seed, uint64(1+who)))
				for n := 0; ; n++ {
					caller(faults, random, who, n)
					if !sleep(faults, time.Duration(random.Int64N(int64(2*think)))) {
						return
					}
				}
			})
		}
	}
	if err := carryOut(faults, []*lab.Lab{ours.lab, bare.lab}, spells); err != nil {
		t.Error(err)
	}
	<-faults.Done()
	callers.Wait()

	for _, w := range []*world{ours, bare} {
		report := t.Error
		if w == bare {
			report = t.Log
		}
		list(report, w.sentTwice())
		list(t.Log, w.whatFailed(spells))
		t.Log(w.summary())
	}
	most := len(bare.failures)
	if traces {
		most = max(most, byChance)
	}
	if len(ours.failures) > most {
		t.Errorf("%d calls failed, and %d of the bare SDK's", len(ours.failures), len(bare.failures))
	}
	if in, by := ours.inZone(), bare.inZone(); in < 0.5 || in <= by {
		t.Errorf("%.0f %% of the executions were in the zone, and %.0f %% of the bare SDK's", 100*in, 100*by)
	}
	t.Log(compare(spells, ours, bare))
	if traces {
		t.Log(ours.slowest(spells))
	}
}

// schedule is how long faults come and go, and of which seed they are.
func schedule(t *testing.T) (length time.Duration, seed uint64, traces bool) {
	length, seed = 15*time.Second, 2 // which has faults in the own zone in that time
	var err error
	if s := os.Getenv("AZAFFINITY_SOAK"); s != "" {
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatalf("AZAFFINITY_SOAK: %v", err)
		}
		traces, seed = true, rand.Uint64N(1<<32)
	}
	if s := os.Getenv("AZAFFINITY_SOAK_SEED"); s != "" {
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("AZAFFINITY_SOAK_SEED: %v", err)
		}
	}
	return length, seed, traces
}

// shown is how many findings of a kind are shown in full.
const shown = 10

func list(report func(...any), findings []string) {
	for i, finding := range findings {
		if i == shown {
			report(len(findings)-shown, "more")
			return
		}
		report(finding)
	}
}
