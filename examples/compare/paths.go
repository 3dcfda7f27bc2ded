package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab/zonenet"
)

// Path is how long packets took to a zone and back, as the kernel saw it in TCP handshakes, in milliseconds.
type Path struct {
	Zone  string     `json:"zone"`
	Asked float64    `json:"asked"`
	Idle  PathTiming `json:"idle"`   // before anything else went on
	Busy  PathTiming `json:"steady"` // while calls were made where nothing changes
}

// PathTiming is of this many handshakes.
type PathTiming struct {
	Count int     `json:"count"`
	Least float64 `json:"least"`
	Latency
}

// compareApart is compare, with zones that are network namespaces.
func compareApart(ctx context.Context, p plan, b bar) (report Report, err error) {
	var near []Nearness
	for _, d := range nearDistances { // before the plan's own distances: a process has one network at a time
		b.next("nearest")
		n, err := nearness(ctx, d)
		if err != nil {
			return report, fmt.Errorf("nearest: %w", err)
		}
		near = append(near, n)
	}
	network, err := zonenet.Start(zonenet.Options{Home: home, Zones: zoneNames, Distance: p.Distances.between})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	return compare(ctx, p, network, near, b)
}

const (
	idleHandshakes = 60 // a zone
	pathEvery      = 10 * time.Millisecond
)

// watchPaths measures the ways to all zones, first alone, and from then on beside whatever is done until stop, which returns what it saw. Without
// a network there is nothing to measure.
func watchPaths(ctx context.Context, network *zonenet.Network, asked distances) (stop func() []Path, err error) {
	if network == nil {
		return func() []Path { return nil }, nil
	}
	idle, busy := map[string][]float64{}, map[string][]float64{}
	for range idleHandshakes {
		if err := handshakes(ctx, network, idle); err != nil {
			return nil, fmt.Errorf("the way between zones: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = handshakes(ctx, network, busy) // that none is made the calls show
		}
	}()
	return func() (all []Path) {
		cancel()
		<-done
		for _, zone := range zoneNames {
			all = append(all, Path{Zone: zone, Asked: ms(2 * asked.between(home, zone)), Idle: timing(idle[zone]), Busy: timing(busy[zone])})
		}
		return all
	}, nil
}

func timing(took []float64) PathTiming {
	slices.Sort(took)
	t := PathTiming{Count: len(took), Latency: latencyOf(took)}
	if len(took) > 0 {
		t.Least = took[0]
	}
	return t
}

// paths says how faithful the distances are.
func (r Report) paths() grid {
	g := grid{
		Title: "Packets to a zone and back",
		Note: "In ms, as the kernel saw them in TCP handshakes: before anything else went on, and while calls were made where nothing changes. " +
			"Beyond is the median beyond what was asked.",
		Header: []string{"zone", "asked", "alone: least", "p50", "p90", "p99", "beyond", "beside calls: p50", "p90", "p99", "beyond", "handshakes"},
		groups: []int{0},
	}
	for _, p := range r.Paths {
		g.Rows = append(g.Rows, []string{
			p.Zone, figure(p.Asked), figure(p.Idle.Least), figure(p.Idle.P50), figure(p.Idle.P90), figure(p.Idle.P99), figure(p.Idle.P50 - p.Asked),
			figure(p.Busy.P50), figure(p.Busy.P90), figure(p.Busy.P99), figure(p.Busy.P50 - p.Asked), fmt.Sprint(p.Idle.Count + p.Busy.Count),
		})
	}
	return g
}

// handshakes makes one with each zone.
func handshakes(ctx context.Context, network *zonenet.Network, took map[string][]float64) error {
	for _, zone := range zoneNames {
		sleep(ctx, pathEvery)
		patient, cancel := context.WithTimeout(ctx, 5*time.Second)
		d, err := network.RoundTrip(patient, zone)
		cancel()
		if err != nil {
			return err
		}
		took[zone] = append(took[zone], ms(d))
	}
	return nil
}
