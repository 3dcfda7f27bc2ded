package main

import (
	"fmt"
	"iter"
	"math"
	"regexp"
	"slices"
	"time"
)

// Report is all that was measured: what -json writes.
type Report struct {
	Made    time.Time `json:"made"`
	Took    string    `json:"took"`
	Machine Machine   `json:"machine"`
	Plan    string    `json:"plan"`
	Rounds  int       `json:"rounds"`
	// Deadline is that of each call, the same for all contenders, in seconds.
	Deadline float64 `json:"deadlineSeconds"`
	// Distances is empty where they are not the lab's.
	Distances string `json:"distances,omitempty"`
	// FaultRounds are those of each fault.
	FaultRounds int `json:"faultRounds,omitempty"`
	// Farther is there with the lab's distances.
	Farther []Farther `json:"farther,omitempty"`
	// Paths are there if packets really travel.
	Paths []Path `json:"paths,omitempty"`
	// Late is how much later than it should this process was run while nothing changed, at p99, in milliseconds: on a busy machine long.
	Late   float64  `json:"lateMilliseconds"`
	Steady []Steady `json:"steady"`
	Faults []Fault  `json:"faults,omitempty"`
	// Dialers and DialerFaults are the same of clients that connect by the dialer, without the middleware.
	Dialers      []Steady   `json:"dialers,omitempty"`
	DialerFaults []Fault    `json:"dialerFaults,omitempty"`
	Nearness     []Nearness `json:"nearness,omitempty"` // of nearest, if packets really travel
	Costs        []Cost     `json:"costs,omitempty"`
	Targets      []Target   `json:"targets,omitempty"`
}

// Steady is one workload while nothing changes.
type Steady struct {
	Setting  string `json:"setting"`
	Workload string `json:"workload"`
	Callers  int    `json:"callers"`
	Rounds   int    `json:"rounds"`
	// Ideal is by how much the bare SDK's mean would be less if all its calls took as long as those in the own zone did, in milliseconds.
	Ideal   float64        `json:"idealMilliseconds,omitempty"`
	Results []SteadyResult `json:"results"`

	taken []taken
}

// SteadyResult is one contender's.
type SteadyResult struct {
	Contender string `json:"contender"`
	Counts
	Latency Latency `json:"milliseconds"`
	// The ratios of medians are taken round by round, those of p99 of all rounds together; nil if a side answered nothing, or too little.
	P50VsBare   *Ratio `json:"p50VsBare,omitempty"`
	P50VsPinned *Ratio `json:"p50VsPinned,omitempty"`
	P99VsBare   *Ratio `json:"p99VsBare,omitempty"`
	P99VsPinned *Ratio `json:"p99VsPinned,omitempty"`
	// Saved is by how much the mean is less than the bare SDK's, in milliseconds.
	Saved *Ratio `json:"savedMilliseconds,omitempty"`
	Error string `json:"error,omitempty"` // the first
}

func steadyOf(c cell, rounds int, all []taken) Steady {
	s := Steady{Setting: c.setting.Name, Workload: c.workload.Name, Callers: c.callers, Rounds: rounds, taken: all}
	p50 := func(l Latency) float64 { return l.P50 }
	mean := func(l Latency) float64 { return l.Mean }
	against := map[string][]sample{}
	for _, t := range all {
		against[t.contender] = t.samples
	}
	s.Ideal = ideal(against[bare])
	for _, t := range all {
		r := SteadyResult{Contender: t.contender, Counts: count(t.samples), Latency: latencyOf(milliseconds(t.samples)), Error: firstError(t.samples)}
		if t.contender != bare {
			r.P50VsBare = overRounds(byRound(t.samples, p50), byRound(against[bare], p50))
			r.P99VsBare = pooled(perRound(t.samples), perRound(against[bare]), 0.99)
			r.Saved = difference(byRound(against[bare], mean), byRound(t.samples, mean))
		}
		if t.contender != pinned {
			r.P50VsPinned = overRounds(byRound(t.samples, p50), byRound(against[pinned], p50))
			r.P99VsPinned = pooled(perRound(t.samples), perRound(against[pinned]), 0.99)
		}
		s.Results = append(s.Results, r)
	}
	return s
}

func ideal(samples []sample) float64 {
	inside := slices.DeleteFunc(slices.Clone(samples), func(s sample) bool { return !s.Home })
	all, home := milliseconds(samples), milliseconds(inside)
	if len(home) < 20 {
		return 0
	}
	return latencyOf(all).Mean - latencyOf(home).Mean
}

// difference is taken round by round, as ratios are.
func difference(of, minus map[int]float64) *Ratio {
	var all []float64
	for round, a := range of {
		if b := minus[round]; b > 0 && a > 0 {
			all = append(all, a-b)
		}
	}
	return median(all)
}

func firstError(samples []sample) string {
	for _, s := range samples {
		if s.Err != nil {
			return withoutServer(s.Err.Error())
		}
	}
	return ""
}

var lookupServer = regexp.MustCompile(`(lookup \S+) on \S+:\d+: `)

// withoutServer leaves out which DNS server said so: the lab's has another port each time.
func withoutServer(err string) string { return lookupServer.ReplaceAllString(err, "$1: ") }

// Fault is what became of calls through one, over all its rounds.
type Fault struct {
	Fault    string        `json:"fault"`
	Workload string        `json:"workload"`
	Rounds   int           `json:"rounds"`
	Lasted   float64       `json:"lastedSeconds"`
	Late     float64       `json:"lateMilliseconds"` // as the report's
	Results  []FaultResult `json:"results"`

	outages []outage
}

// FaultResult is one contender's.
type FaultResult struct {
	Contender string `json:"contender"`
	Counts           // of all calls, from before the fault until after it
	Before    Counts `json:"before"` // of those that began before the fault
	During    Counts `json:"during"` // of those that began while it lasted
	// Recovered is how long after the fault began all calls that began from then on were answered within a second, in seconds, the
	// longest of all rounds. Nil: not before it was repaired.
	Recovered *float64 `json:"recoveredSeconds,omitempty"`
	// Returned is how long after the repair calls were in the own zone again, in seconds, the longest of all rounds. Nil: not
	// as long as it was watched. Of the bare SDK it says when the first call was.
	Returned *float64 `json:"returnedSeconds,omitempty"`
	// Steady is of calls that began in the second half of the fault. Those that failed, or were slow and not answered before the repair,
	// took for ever.
	Steady      Latency `json:"steadyMilliseconds"`
	P50VsBare   *Ratio  `json:"steadyP50VsBare,omitempty"`
	P50VsPinned *Ratio  `json:"steadyP50VsPinned,omitempty"`
	Error       string  `json:"error,omitempty"` // the first
}

func faultOf(f fault, outages []outage) Fault {
	out := Fault{Fault: f.Name, Workload: f.workload.Name, Rounds: len(outages), outages: outages}
	steady := map[string]map[int][]float64{}
	for i, t := range outages[0].all {
		name := t.contender
		r := FaultResult{Contender: name}
		var all, before, during []sample
		settled := map[int][]float64{}
		recovered, returned := 0.0, 0.0
		everRecovered, everReturned := true, true
		for round, o := range outages {
			samples := o.all[i].samples
			all = append(all, samples...)
			d := between(samples, o.struck, o.repaired)
			before, during = append(before, between(samples, 0, o.struck)...), append(during, d...)
			settled[round] = o.settled(samples)
			at, ok := recovery(d, o)
			recovered, everRecovered = max(recovered, at.Seconds()), everRecovered && ok
			at, ok = comeback(samples, o)
			returned, everReturned = max(returned, at.Seconds()), everReturned && ok
			out.Lasted += (o.repaired - o.struck).Seconds() / float64(len(outages)*len(o.all))
		}
		r.Counts, r.Before, r.During, r.Error = count(all), count(before), count(during), firstError(all)
		if everRecovered {
			r.Recovered = &recovered
		}
		if everReturned {
			r.Returned = &returned
		}
		steady[name] = settled
		r.Steady = latencyOf(slices.Sorted(values(settled)))
		if name != bare {
			r.P50VsBare = pooled(settled, steady[bare], 0.5)
		}
		if name != bare && name != pinned {
			r.P50VsPinned = pooled(settled, steady[pinned], 0.5)
		}
		out.Results = append(out.Results, r)
	}
	return out
}

// settled is how many milliseconds calls took that began in the second half of the fault.
func (o outage) settled(samples []sample) (took []float64) {
	for _, s := range between(samples, (o.struck+o.repaired)/2, o.repaired) {
		if s.Err != nil || s.Took > slow && s.At+s.Took > o.repaired {
			took = append(took, math.Inf(1)) // it was the repair that it waited for
		} else {
			took = append(took, ms(s.Took))
		}
	}
	return took
}

func values(rounds map[int][]float64) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		for _, round := range rounds {
			for _, x := range round {
				if !yield(x) {
					return
				}
			}
		}
	}
}

// between are the samples of calls that began then.
func between(samples []sample, from, to time.Duration) (some []sample) {
	for _, s := range samples {
		if s.At >= from && s.At < to {
			some = append(some, s)
		}
	}
	return some
}

// lastingQuiet is for how long at least calls have to go well for it to count as a recovery.
const lastingQuiet = 500 * time.Millisecond

// recovery is how long after the fault began the last call began that failed or was slow. Not ok: such calls went on
// until the repair. Those that began within a second of it are left out, since the repair is what some of them were waiting for.
func recovery(during []sample, o outage) (after time.Duration, ok bool) {
	end := o.repaired - slow
	for _, s := range during {
		if s.At < end && (s.Err != nil || s.Took > slow) {
			after = s.At - o.struck
		}
	}
	return after, after < end-o.struck-lastingQuiet
}

// comeback is how long after the repair a call was answered in the zone.
func comeback(samples []sample, o outage) (after time.Duration, ok bool) {
	for _, s := range samples {
		if s.At >= o.repaired && s.Err == nil && s.Home {
			return s.At - o.repaired, true
		}
	}
	return 0, false
}

func callers(n int) string {
	if n == 1 {
		return "1 caller"
	}
	return fmt.Sprint(n, " callers")
}
