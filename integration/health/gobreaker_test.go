package health

import (
	"flag"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

var (
	seed  = flag.Uint64("seed", 0, "of the first random sequence; 0: any")
	count = flag.Int("sequences", 300, "how many random sequences there are")
)

// Given random successes, failures, pauses and late reports, when a resolver and a circuit breaker are told the same, then they
// agree, at every step, on whether the name is healthy and on which request is the probe.
func TestAgainstGobreaker(t *testing.T) {
	first := *seed
	if first == 0 {
		first = rand.Uint64N(1 << 32)
	}
	t.Logf("to replay: -seed %d", first)
	var opened, pauses, late int
	for n := range *count {
		random := rand.New(rand.NewPCG(first+uint64(n), 0))
		script := make([]byte, 2*(1+random.IntN(600)))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t)
			defer func() {
				if t.Failed() {
					t.Logf("to replay: -seed %d -sequences 1", first+uint64(n))
				}
			}()
			p.steps(script)
			opened += int(p.opened)
			pauses = max(pauses, p.longest)
			late += p.late
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("ejected %d times, for up to %d pauses in a row; %d late reports of probes", opened, pauses, late)
	if *count >= 100 && (opened < 1000 || pauses < 6 || late == 0) {
		t.Error("the sequences don't get around enough")
	}
}
