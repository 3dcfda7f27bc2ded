package main

import (
	"fmt"
	"strings"
)

// These tables are narrow, so that a terminal of 100 columns has room for them: names have a line for each of their parts.

// dialers is what the dialer does for clients without the middleware.
func (r Report) dialers() grid {
	g := grid{
		Title: "Clients without the middleware, where nothing changes",
		Note: "The SDK on the regional name, with the dialer's transport and nothing else of azaffinity. " + dialed + ": the endpoints are listed. " + nearest +
			": nothing is, and the nearest zone is told by the kernel's handshake times of some connections before; -netns has it, since those are all alike " +
			"on the loopback. p50 in ms.",
		Header: []string{"workload", "contender", "calls", "in zone", "failed", "p50", "/ bare", "/ pinned"},
	}
	for _, s := range r.Dialers {
		g.groups = append(g.groups, len(g.Rows))
		first := lines(s.Workload+", "+callers(s.Callers), len(s.Results))
		for i, x := range s.Results {
			g.Rows = append(g.Rows, []string{
				first[i], x.Contender, fmt.Sprint(x.Calls), percent(x.Home, x.Failed < x.Calls), fmt.Sprint(x.Failed), latencies(x.Latency)[0],
				x.P50VsBare.center(), x.P50VsPinned.String(),
			})
		}
	}
	return g
}

// dialerFaults is the same through faults.
func (r Report) dialerFaults() grid {
	g := grid{
		Title:  "Clients without the middleware, through a fault of the own zone",
		Note:   "At the same time as those above, whose columns these are. In zone: before the fault. Settled: p50 in ms. " + onLoopback(r),
		Header: []string{"fault", "contender", "calls", "failed", ">1s", "in zone", "recovered", "back", "settled"},
	}
	for _, f := range r.DialerFaults {
		g.groups = append(g.groups, len(g.Rows))
		first := lines(f.Fault, len(f.Results))
		for i, x := range f.Results {
			g.Rows = append(g.Rows, []string{
				first[i], x.Contender, fmt.Sprint(x.Calls), fmt.Sprint(x.Failed), fmt.Sprint(x.Slow), percent(x.Before.Home, x.Before.Failed < x.Before.Calls),
				seconds(x.Recovered, "no"), seconds(x.Returned, "not seen"), latencies(x.Steady)[0],
			})
		}
	}
	return g
}

// lines are the parts of a name, and no more after them.
func lines(name string, n int) []string {
	parts := strings.SplitAfter(name, ", ")
	for len(parts) < n {
		parts = append(parts, "")
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return append(parts[:n-1], strings.Join(parts[n-1:], " "))
}

// center is the ratio without its interval.
func (r *Ratio) center() string {
	if r == nil {
		return "-"
	}
	return ratio(r.Center)
}
