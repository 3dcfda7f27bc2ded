package main

import (
	"fmt"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// plan is all that is measured, and for how long.
type plan struct {
	Name     string
	Rounds   int           // of everything but faults: each contender's turn comes once in each
	Slice    time.Duration // of a contender's turn
	Deadline time.Duration // of each call
	Steady   []cell
	Dialers  []cell // of the dialers, and what they are compared with
	Faults   []fault

	FaultRounds           int
	Before, During, After time.Duration // a fault
	// FaultRate is how many calls a second each contender makes through a fault, however slow they are. The lab shares the
	// processors with its callers: where all that waited for a repair connect at once, more would be too much for it.
	FaultRate float64

	CostRounds, CostCalls int

	Distances distances
}

// cell is a workload in a setting.
type cell struct {
	setting  setting
	workload workload
	callers  int
	times    int // as many rounds as the plan has; 0: once
}

func (c cell) rounds(p plan) int { return p.Rounds * max(c.times, 1) }

// minRounds is the least number whose median has a 95 % confidence interval.
const minRounds = 6

// standard takes less than five minutes.
func standard() plan {
	p := plan{
		Name: "standard", Rounds: 8, Slice: 160 * time.Millisecond, Deadline: 5 * time.Second, Distances: typical,
		Faults: faults, FaultRounds: 2, Before: time.Second, During: 6 * time.Second, After: 7 * time.Second, FaultRate: 20,
		CostRounds: 24, CostCalls: 1000,
	}
	p.Steady = []cell{
		{healthy, sqsSend, 1, 3},
		{healthy, sqsSend, 16, 3},
		{healthy, sqsSend, 128, 1},
		{healthy, sqsNew, 1, 1},
		{healthy, sqsNew, 16, 1},
		{healthy, sqsNew, 128, 1},
		{healthy, dynamoGet, 1, 1},
		{healthy, dynamoGet, 16, 1},
		{healthy, s3GetSmall, 1, 1},
		{healthy, s3PutSmall, 1, 1},
		{healthy, s3GetLarge, 1, 1},
		{healthy, s3PutLarge, 1, 1},
		{missing, sqsSend, 16, 1},
		{noMetadata, sqsSend, 16, 1},
		{refusing, sqsSend, 16, 1},
	}
	p.Dialers = []cell{{healthy, sqsSend, 1, 1}, {healthy, sqsNew, 16, 1}}
	return p
}

// quick takes little more than a minute: fewer workloads, shorter faults, and rounds that are just enough.
func quick() plan {
	p := standard()
	p.Name, p.Rounds, p.Slice, p.Deadline = "quick", minRounds, 120*time.Millisecond, 3500*time.Millisecond
	p.FaultRounds, p.Before, p.During, p.After = 1, 500*time.Millisecond, 4*time.Second, 500*time.Millisecond
	p.CostRounds, p.CostCalls = 12, 400
	p.Steady = []cell{
		{healthy, sqsSend, 1, 1},
		{healthy, sqsSend, 16, 1},
		{healthy, s3GetSmall, 1, 1},
		{healthy, sqsNew, 1, 1},
		{missing, sqsSend, 16, 1},
		{noMetadata, sqsSend, 16, 1},
		{refusing, sqsSend, 16, 1},
	}
	return p
}

// length is how long it takes, about.
func (p plan) length() time.Duration {
	turns := time.Duration(0)
	for _, c := range p.Steady {
		turns += time.Duration(c.rounds(p) * len(names))
	}
	for _, c := range p.Dialers {
		turns += time.Duration(c.rounds(p) * len(dialerNames))
	}
	outages := time.Duration(len(p.Faults) * p.FaultRounds)
	cost := time.Duration(p.CostRounds*(len(names)+1)*p.CostCalls) * costly
	return turns*(p.Slice+settling) + outages*(p.Before+p.During+p.After+p.Deadline/2) + cost
}

const (
	settling = 60 * time.Millisecond  // of connections, before a turn
	costly   = 100 * time.Microsecond // a call that goes nowhere
)

// distances are one way.
type distances struct{ Inside, Near, Far time.Duration }

var typical = distances{
	lab.TypicalDistance("a", "a"), lab.TypicalDistance("a", "b"), lab.TypicalDistance("a", "c"),
}

// between has zones near each other where their letters are, as [lab.TypicalDistance].
func (d distances) between(from, to string) time.Duration {
	if from == "" || to == "" {
		return 0
	}
	switch int(from[len(from)-1]) - int(to[len(to)-1]) {
	case 0:
		return d.Inside
	case 1, -1:
		return d.Near
	}
	return d.Far
}

func (d distances) String() string {
	return fmt.Sprintf("%v in a zone, %v and %v between zones, one way", d.Inside, d.Near, d.Far)
}
