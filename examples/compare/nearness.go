package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab/zonenet"
	"github.com/azaffinity/azaffinity/middleware/dialer"
)

// Nearness is how often a dialer that knows nothing but the kernel's handshake times connects elsewhere than to the nearest zone, while this process's
// goroutines keep twice as many processors busy as there are.
type Nearness struct {
	// Paths are how far the zones are, the nearest first.
	Paths []Path `json:"paths"`
	// Connections are those after the first ten, and Elsewhere those of them that another zone has.
	Connections int `json:"connections"`
	Elsewhere   int `json:"elsewhere"`
}

// nearDistances are a Region of usual size, and one whose zones are as near each other as any: its next zone is hardly farther than the own.
var nearDistances = []distances{
	{110 * time.Microsecond, 300 * time.Microsecond, 600 * time.Microsecond},
	{175 * time.Microsecond, 225 * time.Microsecond, 500 * time.Microsecond},
}

// switching is what the network's own work adds to each way, about: the kernel should see the distances that were asked for.
const switching = 50 * time.Microsecond

const (
	untaught = 10 // connections that need not lead to the nearest zone
	oneByOne = 64 // connections that are made one after the other: those that are made at once with the first are none the wiser for them
	together = 1024
	dialing  = 8 // goroutines
)

// nearness measures one Region, whose network ends with it.
func nearness(ctx context.Context, d distances) (n Nearness, err error) {
	distance := func(from, to string) time.Duration { return d.between(from, to) - switching }
	network, err := zonenet.Start(zonenet.Options{Home: home, Zones: zoneNames, Distance: distance})
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	p, err := newPlace(ctx, healthy, nil, network)
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	r, err := p.knowsNothing()
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()

	paths, err := watchPaths(ctx, network, d)
	if err != nil {
		return n, err
	}
	idle := keepBusy(ctx)
	zones, err := connections(ctx, dialer.New(r, dialer.WithNetResolver(p.lookup)), p.zones("sqs"))
	idle()
	n.Paths = paths()
	for _, zone := range zones[min(untaught, len(zones)):] {
		n.Connections++
		if zone != home {
			n.Elsewhere++
		}
	}
	return n, err
}

// keepBusy has goroutines compute on all processors until idle. They give way every millisecond or so: it is the lab's DNS that they would keep waiting most.
func keepBusy(ctx context.Context) (idle func()) {
	var computing sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	for range 2 * runtime.GOMAXPROCS(0) {
		computing.Go(func() {
			for x := uint32(1); ctx.Err() == nil; runtime.Gosched() {
				for range 1 << 20 {
					x = x*1664525 + 1013904223
				}
			}
		})
	}
	return func() { cancel(); computing.Wait() }
}

// connections makes some, and says which zone each led to.
func connections(ctx context.Context, d *dialer.Dialer, zoneAt map[netip.Addr]string) (zones []string, err error) {
	var mu sync.Mutex
	connect := func(times int) {
		for range times {
			conn, e := d.DialContext(ctx, "tcp", net.JoinHostPort("sqs.us-east-1.amazonaws.com", "443"))
			mu.Lock()
			if e != nil {
				err = e
			} else {
				zones = append(zones, zoneAt[conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()])
				_ = conn.Close()
			}
			failed := err != nil
			mu.Unlock()
			if failed {
				return
			}
		}
	}
	connect(oneByOne)
	var all sync.WaitGroup
	for range dialing {
		all.Go(func() { connect(together / dialing) })
	}
	all.Wait()
	return zones, err
}

func (n Nearness) share() float64 { return float64(n.Elsewhere) / float64(max(n.Connections, 1)) }

// trips are what the ways to all zones have in common.
func (n Nearness) trips(of func(Path) float64) string {
	var all []string
	for _, p := range n.Paths {
		all = append(all, figure(of(p)))
	}
	return strings.Join(all, " / ")
}

func (n Nearness) asked() string { return n.trips(func(p Path) float64 { return p.Asked }) }

// nearness is where nearest connects to.
func (r Report) nearness() grid {
	g := grid{
		Title: "How often nearest connects elsewhere",
		Note: fmt.Sprintf("Connections after the first %d, with nothing listed, while goroutines compute on all processors. The ways to the zones and back are in ms, "+
			"at p50: as asked, and as the kernel saw them in handshakes, alone and beside those goroutines.", untaught),
		Header: []string{"asked", "alone", "beside load", "connections", "elsewhere", "share"}, groups: []int{0},
	}
	for _, n := range r.Nearness {
		g.Rows = append(g.Rows, []string{
			n.asked(), n.trips(func(p Path) float64 { return p.Idle.P50 }), n.trips(func(p Path) float64 { return p.Busy.P50 }),
			fmt.Sprint(n.Connections), fmt.Sprint(n.Elsewhere), fmt.Sprintf("%.2f%%", 100*n.share()),
		})
	}
	return g
}
