package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// countedCalls is in how many calls allocations are counted, some at a time.
const countedCalls, someCalls = 2000, 20

// count is what a call takes of memory.
type count struct{ allocations, bytes float64 }

// counted is the median of the means over some calls at a time, of n: now and then a connection is made anew, or a map grows. The garbage collector is off
// meanwhile: it empties pools, and then those who use them allocate.
func counted(do call, n int) (count, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	some := min(n, someCalls)
	var allocations, bytes []float64
	for i := 0; i <= n; i += some {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := timed(do, some); err != nil {
			return count{}, err
		}
		runtime.ReadMemStats(&after)
		if i > 0 { // not what is made once
			allocations = append(allocations, float64(after.Mallocs-before.Mallocs)/float64(some))
			bytes = append(bytes, float64(after.TotalAlloc-before.TotalAlloc)/float64(some))
		}
	}
	return count{median(allocations), median(bytes)}, nil
}

// interleave makes batches of calls in turns, and returns the processor time of a call, in nanoseconds, for each of calls in each round.
func interleave(calls []call, rounds int, batch time.Duration) ([][]float64, error) {
	n := 1
	for { // about a batch of the first
		took, err := timed(calls[0], n)
		if err != nil {
			return nil, err
		}
		if took >= batch/2 {
			break
		}
		n *= 2
	}
	took := make([][]float64, len(calls))
	for range rounds {
		for _, i := range rand.Perm(len(calls)) {
			runtime.GC() // each begins with the same heap
			all, err := timed(calls[i], n)
			if err != nil {
				return nil, err
			}
			took[i] = append(took[i], float64(all)/float64(n))
		}
	}
	return took, nil
}

// timed is the processor time of n calls.
func timed(do call, n int) (time.Duration, error) {
	before := cpu()
	for range n {
		if err := do(); err != nil {
			return 0, err
		}
	}
	return cpu() - before, nil
}

// interval is an estimate.
type interval struct{ low, middle, high float64 }

func (i interval) String() string { return fmt.Sprintf("%.3f [%.3f, %.3f]", i.middle, i.low, i.high) }

// ratiosOf is the median of a's ratio to b over rounds, which are independent of each other, and its 95 % bootstrap interval.
func ratiosOf(a, b []float64) interval {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same rounds have the same interval
	medians := make([]float64, 2000)
	sample := make([]float64, len(ratios))
	for i := range medians {
		for j := range sample {
			sample[j] = ratios[random.IntN(len(ratios))]
		}
		medians[i] = median(sample)
	}
	slices.Sort(medians)
	return interval{medians[len(medians)*25/1000], median(ratios), medians[len(medians)*975/1000]}
}

// difference is by how much a's least differs from b's, which other work on the machine changes least.
func difference(a, b []float64) string {
	return fmt.Sprintf("%+.2f µs", (slices.Min(a)-slices.Min(b))/1000)
}

// median leaves its argument as it is.
func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	if len(sorted)%2 == 1 {
		return sorted[len(sorted)/2]
	}
	return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
}
