package main

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, test := range []struct {
		name   string
		values []float64
		q      float64
		want   float64
	}{
		{"none", nil, 0.5, 0},
		{"one", []float64{7}, 0.999, 7},
		{"the median of an even number is the lower one", []float64{1, 2, 3, 4}, 0.5, 2},
		{"p0 is the least", hundred, 0, 1},
		{"p50", hundred, 0.5, 50},
		{"p99", hundred, 0.99, 99},
		{"p99.9 of a hundred is the greatest", hundred, 0.999, 100},
	} {
		if got := quantile(test.values, test.q); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestOverRounds(t *testing.T) {
	rounds := func(values ...float64) map[int]float64 {
		m := map[int]float64{}
		for i, x := range values {
			m[i] = x
		}
		return m
	}
	// The machine is twice as slow in every other round: that is no part of the ratio.
	r := overRounds(rounds(50, 102, 49, 100, 51, 98), rounds(100, 200, 100, 200, 100, 200))
	if math.Abs(r.Center-0.5) > 0.01 || r.Low == nil || *r.Low != 0.49 || *r.High != 0.51 {
		t.Errorf("got %v, want 0.5 between 0.49 and 0.51", r)
	}
	if r := overRounds(rounds(1, 1, 1), rounds(2, 2, 2)); r.Center != 0.5 || r.Low != nil || r.High != nil {
		t.Errorf("three rounds: got %v, want 0.5 without an interval", r)
	}
	if r := overRounds(rounds(1, 0, 3), rounds(1, 5)); r.Center != 1 {
		t.Errorf("rounds without an answer on one side: got %v, want the others' 1", r)
	}
	if r := overRounds(rounds(0, 0), rounds(1, 1)); r != nil {
		t.Errorf("nothing answered: got %v, want none", r)
	}
}

func TestPooled(t *testing.T) {
	of, by := map[int][]float64{}, map[int][]float64{}
	for i := range 500 {
		of[i%10], by[i%10] = append(of[i%10], 2*float64(i+1)), append(by[i%10], float64(i+1))
	}
	r := pooled(of, by, 0.99)
	if r.Center != 2 || r.Low == nil || *r.Low < 1.9 || *r.High > 2.1 {
		t.Errorf("got %v, want 2 inside a narrow interval: the rounds are alike", r)
	}
	if again := pooled(of, by, 0.99); *again.Low != *r.Low || *again.High != *r.High {
		t.Errorf("the same calls: got %v, and then %v", r, again)
	}
	if r := pooled(of, by, 0.999); r != nil {
		t.Errorf("p99.9 of 500: got %v, want none", r)
	}
	two := map[int][]float64{0: of[0], 1: of[1]}
	if r := pooled(two, two, 0.5); r.Center != 1 || r.Low != nil {
		t.Errorf("two rounds: got %v, want 1 without an interval", r)
	}
	if r := pooled(nil, by, 0.5); r != nil {
		t.Errorf("no calls: got %v, want none", r)
	}
	never := map[int][]float64{0: {math.Inf(1), math.Inf(1)}}
	if r := pooled(by, never, 0.5); r != nil {
		t.Errorf("most never answered by the other: got %v, want none", r)
	}
	if r := pooled(never, by, 0.5); r != nil {
		t.Errorf("most never answered: got %v, want none", r)
	}
}

func TestVerdicts(t *testing.T) {
	ratio := func(low, high float64) *Ratio { return &Ratio{Center: (low + high) / 2, Low: &low, High: &high} }
	for _, test := range []struct {
		name            string
		r               *Ratio
		within, reaches Verdict // of 1
	}{
		{"below", ratio(0.8, 0.9), Met, Missed},
		{"above", ratio(1.1, 1.2), Missed, Met},
		{"around", ratio(0.9, 1.1), Unclear, Unclear},
		{"without an interval", &Ratio{Center: 0.5}, Unclear, Unclear},
		{"nothing", nil, Unclear, Unclear},
	} {
		if got := within(test.r, 1); got != test.within {
			t.Errorf("%s: within: got %v, want %v", test.name, got, test.within)
		}
		if got := reaches(test.r, 1); got != test.reaches {
			t.Errorf("%s: reaches: got %v, want %v", test.name, got, test.reaches)
		}
		if got := within(test.r, 1).unless(tooLate + 1); got != Unclear {
			t.Errorf("%s: on a busy machine: got %v, want Unclear", test.name, got)
		}
	}
}

func TestRecovery(t *testing.T) {
	const s = time.Second
	broken := errors.New("broken")
	for _, test := range []struct {
		name   string
		during []sample
		after  time.Duration
		ok     bool
	}{
		{"nothing went wrong", []sample{{At: 3 * s}, {At: 9 * s}}, 0, true},
		{"failures at first", []sample{{At: 2 * s, Err: broken}, {At: 4 * s, Err: broken}, {At: 6 * s}}, 2 * s, true},
		{"slow calls at first", []sample{{At: 3 * s, Took: 2 * s}, {At: 6 * s}}, s, true},
		{"failures to the end", []sample{{At: 3 * s, Err: broken}, {At: 10800 * time.Millisecond, Err: broken}}, 8800 * time.Millisecond, false},
		{"what the repair cut short doesn't count", []sample{{At: 3 * s}, {At: 11500 * time.Millisecond, Took: 2 * s}}, 0, true},
	} {
		after, ok := recovery(test.during, outage{struck: 2 * s, repaired: 12 * s})
		if after != test.after || ok != test.ok {
			t.Errorf("%s: got %v, %t, want %v, %t", test.name, after, ok, test.after, test.ok)
		}
	}
}

// Given calls that took 1 ms in the own zone, 2 ms in the next and 3 ms in the far one, whatever was asked for, then
// that is what is measured, and what could be saved.
func TestFarther(t *testing.T) {
	var samples []sample
	for i, zone := range zoneNames {
		for range 20 {
			samples = append(samples, sample{Zone: zone, Took: time.Duration(i+1) * time.Millisecond})
		}
	}
	all := fartherOf(Steady{taken: []taken{{bare, samples}}}, typical)
	if len(all) != 2 || all[0] != (Farther{"us-east-1b", 0.8, 1, 20}) || all[1] != (Farther{"us-east-1c", 1.3, 2, 20}) {
		t.Fatalf("got %+v", all)
	}
	if all := fartherOf(Steady{taken: []taken{{bare, samples[:50]}}}, typical); all != nil {
		t.Errorf("ten calls in a zone: got %+v, want none", all)
	}
	for i := range samples {
		samples[i].Home = samples[i].Zone == home
	}
	if got := ideal(samples); math.Abs(got-1) > 1e-9 {
		t.Errorf("a third in each zone: %v ms could be saved, want 1", got)
	}
}

// What is answered by the repair only, or fails, took for ever.
func TestSettled(t *testing.T) {
	const s = time.Second
	o := outage{struck: 2 * s, repaired: 12 * s}
	got := o.settled([]sample{
		{At: 3 * s, Took: s}, // in the first half
		{At: 8 * s, Took: s / 1000}, {At: 8 * s, Took: s, Err: errors.New("broken")}, {At: 10 * s, Took: 3 * s}, {At: 11999 * time.Millisecond, Took: s / 100},
	})
	if want := []float64{1, math.Inf(1), math.Inf(1), 10}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if l := latencyOf([]float64{1, math.Inf(1), math.Inf(1)}); l != (Latency{}) {
		t.Errorf("most never answered: got %+v, want nothing", l)
	}
}

// The plans promise how long they take.
func TestLength(t *testing.T) {
	for _, test := range []struct {
		plan plan
		most time.Duration
	}{{quick(), 90 * time.Second}, {standard(), 5 * time.Minute}} {
		if got := test.plan.length(); got > test.most {
			t.Errorf("%s: got %v, want %v at most", test.plan.Name, got, test.most)
		}
		if test.plan.Rounds < minRounds {
			t.Errorf("%s: got %d rounds, want %d at least", test.plan.Name, test.plan.Rounds, minRounds)
		}
	}
}
