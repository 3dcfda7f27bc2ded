package main

import (
	"maps"
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

// pooled is the ratio of the q-th quantiles of all rounds' values together, for quantiles that a single round has too few values for. The
// interval is a bootstrap's over rounds, whose calls have much in common. Both sides need enough values.
func pooled(of, by map[int][]float64, q float64) *Ratio {
	const resamples = 1000
	rounds := slices.Sorted(maps.Keys(of))
	ratio := func(rounds []int) float64 {
		var a, b []float64
		for _, round := range rounds {
			a, b = append(a, of[round]...), append(b, by[round]...)
		}
		slices.Sort(a)
		slices.Sort(b)
		if len(a) < enough(q) || len(b) < enough(q) {
			return math.NaN()
		}
		if x := quantile(b, q); finite(x) != nil {
			return quantile(a, q) / x
		}
		return math.NaN()
	}
	r := &Ratio{Center: ratio(rounds)}
	if finite(r.Center) == nil {
		return nil
	}
	if len(rounds) < minRounds {
		return r
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same calls give the same interval
	var ratios []float64
	drawn := make([]int, len(rounds))
	for range resamples {
		for i := range drawn {
			drawn[i] = rounds[random.IntN(len(rounds))]
		}
		if x := ratio(drawn); finite(x) != nil {
			ratios = append(ratios, x)
		}
	}
	if len(ratios) < resamples*9/10 {
		return r
	}
	slices.Sort(ratios)
	low, high := quantile(ratios, (1-confidence)/2), quantile(ratios, (1+confidence)/2)
	r.Low, r.High = &low, &high
	return r
}

// enough is how many values a quantile above the median needs: where there are fewer, it is one of the two greatest.
func enough(q float64) int {
	if q <= 0.5 {
		return 1
	}
	return int(math.Round(2 / (1 - q)))
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

// Latency is that of answered calls, in milliseconds. What there are too few calls for is 0.
type Latency struct {
	P50  float64 `json:"p50,omitempty"`
	P90  float64 `json:"p90,omitempty"`
	P99  float64 `json:"p99,omitempty"`
	P999 float64 `json:"p999,omitempty"`
	Mean float64 `json:"mean,omitempty"`
}

func latencyOf(sorted []float64) (l Latency) {
	if len(sorted) == 0 {
		return l
	}
	for _, x := range sorted {
		l.Mean += x / float64(len(sorted))
	}
	if finite(l.Mean) == nil {
		l.Mean = 0
	}
	of := func(q float64) float64 {
		if x := quantile(sorted, q); len(sorted) >= enough(q) && finite(x) != nil {
			return x
		}
		return 0
	}
	l.P50, l.P90, l.P99, l.P999 = of(0.5), of(0.9), of(0.99), of(0.999)
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

// perRound are each round's answered calls, in milliseconds.
func perRound(samples []sample) map[int][]float64 {
	rounds := map[int][]float64{}
	for _, s := range samples {
		if s.Err == nil {
			rounds[s.Round] = append(rounds[s.Round], ms(s.Took))
		}
	}
	return rounds
}

// byRound is a figure of each round's answered calls.
func byRound(samples []sample, figure func(Latency) float64) map[int]float64 {
	figures := map[int]float64{}
	for round, took := range perRound(samples) {
		slices.Sort(took)
		figures[round] = figure(latencyOf(took))
	}
	return figures
}
