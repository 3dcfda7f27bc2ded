package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/perf/benchmath"
)

// confidence is that of all intervals.
const confidence = 0.95

// slow is from when on a call counts as a slow one.
const slow = time.Second

// Ratio is a contender's figure divided by another's, with its 95 % confidence interval.
type Ratio struct {
	Center float64 `json:"center"`
	// Low and High are nil where there is too little to go by.
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
}

// overRounds takes the ratio in each round: its two sides were measured within a second or two of each other. The center is the median
// of the rounds, and the interval assumes nothing about how they are distributed.
func overRounds(of, by map[int]float64) *Ratio {
	var ratios []float64
	for round, a := range of {
		if b := by[round]; b > 0 && a > 0 {
			ratios = append(ratios, a/b)
		}
	}
	return median(ratios)
}

func median(values []float64) *Ratio {
	if len(values) == 0 {
		return nil
	}
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), confidence)
	return &Ratio{Center: s.Center, Low: finite(s.Lo), High: finite(s.Hi)}
}

func finite(x float64) *float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil
	}
	return &x
}

// overCalls is the ratio of two samples' quantiles where there are no rounds to compare. The interval is a bootstrap's.
func overCalls(of, by []float64, q float64) *Ratio {
	const resamples = 1000
	if len(of) < 2 || len(by) < 2 {
		return nil
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same calls give the same interval
	again := func(xs []float64) float64 {
		drawn := make([]float64, len(xs))
		for i := range drawn {
			drawn[i] = xs[random.IntN(len(xs))]
		}
		slices.Sort(drawn)
		return quantile(drawn, q)
	}
	ratios := make([]float64, resamples)
	for i := range ratios {
		ratios[i] = again(of) / again(by)
	}
	slices.Sort(ratios)
	low, high := quantile(ratios, (1-confidence)/2), quantile(ratios, (1+confidence)/2)
	of, by = slices.Sorted(slices.Values(of)), slices.Sorted(slices.Values(by))
	return &Ratio{Center: quantile(of, q) / quantile(by, q), Low: &low, High: &high}
}

// quantile is the least of the sorted values that at least the q-th part does not exceed.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// milliseconds of the answered calls, sorted.
func milliseconds(samples []sample) []float64 {
	var all []float64
	for _, s := range samples {
		if s.Err == nil {
			all = append(all, ms(s.Took))
		}
	}
	slices.Sort(all)
	return all
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Latency is that of answered calls, in milliseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Mean float64 `json:"mean"`
}

func latencyOf(sorted []float64) (l Latency) {
	if len(sorted) == 0 {
		return l
	}
	for _, x := range sorted {
		l.Mean += x / float64(len(sorted))
	}
	l.P50, l.P90, l.P99, l.P999 = quantile(sorted, 0.5), quantile(sorted, 0.9), quantile(sorted, 0.99), quantile(sorted, 0.999)
	return l
}

// Counts are of calls.
type Counts struct {
	Calls  int `json:"calls"`
	Failed int `json:"failed"`
	// Slow took over a second, whether answered or not.
	Slow int `json:"over1s"`
	// Home is the part of the answered calls that were answered in the own zone, from 0 to 1.
	Home float64 `json:"inZone"`
	// Zones are the parts of the answered calls by zone.
	Zones map[string]float64 `json:"zones,omitempty"`
}

func count(samples []sample) (c Counts) {
	answered, home, zones := 0, 0, map[string]float64{}
	for _, s := range samples {
		c.Calls++
		if s.Took > slow {
			c.Slow++
		}
		if s.Err != nil {
			c.Failed++
			continue
		}
		answered++
		zones[s.Zone]++
		if s.Home {
			home++
		}
	}
	if answered > 0 {
		c.Home = float64(home) / float64(answered)
		for zone := range zones {
			zones[zone] /= float64(answered)
		}
		c.Zones = zones
	}
	return c
}

// byRound is a figure of each round's answered calls.
func byRound(samples []sample, figure func(Latency) float64) map[int]float64 {
	rounds := map[int][]sample{}
	for _, s := range samples {
		rounds[s.Round] = append(rounds[s.Round], s)
	}
	figures := map[int]float64{}
	for round, of := range rounds {
		figures[round] = figure(latencyOf(milliseconds(of)))
	}
	return figures
}
