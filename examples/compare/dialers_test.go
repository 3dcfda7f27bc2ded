package main

import (
	"strings"
	"testing"
)

// full is a report of the plan's tables of dialers, with figures as wide as they get.
func full(p plan) (r Report) {
	wide, ratio := 9.999, func() *Ratio { x := 9.999; return &Ratio{x, &x, &x} }
	counts := Counts{Calls: 99999, Failed: 9999, Slow: 999, Home: 1}
	for _, c := range p.Dialers {
		s := Steady{Workload: c.workload.Name, Callers: 128}
		for _, name := range dialerNames {
			s.Results = append(s.Results, SteadyResult{Contender: name, Counts: counts, Latency: Latency{P50: wide}, P50VsBare: ratio(), P50VsPinned: ratio()})
		}
		r.Dialers = append(r.Dialers, s)
	}
	for _, f := range p.Faults {
		of := Fault{Fault: f.Name, Workload: f.workload.Name}
		for _, name := range dialerNames {
			of.Results = append(of.Results, FaultResult{Contender: name, Counts: counts, Before: counts, Recovered: &wide, Steady: Latency{P50: wide}})
		}
		r.DialerFaults = append(r.DialerFaults, of)
	}
	for _, d := range nearDistances {
		var n Nearness
		for _, zone := range zoneNames {
			n.Paths = append(n.Paths, Path{Zone: zone, Asked: ms(2 * d.between(home, zone)), Idle: PathTiming{Latency: Latency{P50: wide}}, Busy: PathTiming{Latency: Latency{P50: wide}}})
		}
		n.Connections, n.Elsewhere = 9999, 9998
		r.Nearness = append(r.Nearness, n)
	}
	return r
}

func TestTablesOfDialersFit(t *testing.T) {
	for _, p := range []plan{standard(), quick()} {
		r := full(p)
		targets := Report{Targets: dialerTargets(r)}.grids()
		for _, g := range []grid{r.dialers(), r.dialerFaults(), r.nearness(), targets[len(targets)-1]} {
			if len(g.Rows) == 0 {
				t.Errorf("%s: no rows", g.Title)
			}
			for line := range strings.Lines(g.text(false)) {
				if n := len(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s: a line has %d columns, want %d at most: %s", g.Title, n, width, line)
				}
			}
		}
	}
}

func TestLines(t *testing.T) {
	for _, test := range []struct {
		name string
		n    int
		want string
	}{
		{"zone flaps", 3, "zone flaps||"},
		{"SQS SendMessage, 1 caller", 3, "SQS SendMessage,|1 caller|"},
		{"SQS SendMessage, new connections, 16 callers", 3, "SQS SendMessage,|new connections,|16 callers"},
		{"a, b, c, d", 3, "a,|b,|c, d"},
	} {
		if got := strings.Join(lines(test.name, test.n), "|"); got != test.want {
			t.Errorf("%q on %d lines: got %q, want %q", test.name, test.n, got, test.want)
		}
	}
}

func TestDialerTargets(t *testing.T) {
	soonEnough, tooLate := 14.9, 15.1
	for _, test := range []struct {
		given  string
		change func(*Report)
		want   Verdict
		about  string // what the target has in its text
	}{
		{"a dialer's calls in the zone", func(r *Report) {}, Met, "dialer: 100%"},
		{"one that left it", func(r *Report) { r.Dialers[0].Results[2].Home = 0.999 }, Missed, "dialer: 100%"},
		{"nearest's in the zone but some", func(r *Report) { r.Dialers[0].Results[3].Home = 0.95 }, Met, "nearest: 95%"},
		{"too many of them", func(r *Report) { r.Dialers[0].Results[3].Home = 0.94 }, Missed, "nearest: 95%"},
		{"as many failed calls as the bare SDK's", func(r *Report) {}, Met, "refuses, dialer: no more failed"},
		{"one more", func(r *Report) { r.DialerFaults[0].Results[2].Failed++ }, Missed, "refuses, dialer: no more failed"},
		{"one more, on a busy machine", func(r *Report) { r.DialerFaults[0].Results[2].Failed++; r.DialerFaults[0].Late = 11 }, Unclear, "refuses, dialer: no more failed"},
		{"no return while it was watched", func(r *Report) {}, Unclear, "refuses, dialer: back"},
		{"a return", func(r *Report) { r.DialerFaults[0].Results[2].Returned = &soonEnough }, Met, "refuses, dialer: back"},
		{"a late one", func(r *Report) { r.DialerFaults[0].Results[2].Returned = &tooLate }, Missed, "refuses, dialer: back"},
		{"one connection of a hundred elsewhere", func(r *Report) { r.Nearness[0].Connections, r.Nearness[0].Elsewhere = 1000, 10 }, Met, "0.22 / 0.60 / 1.20 ms"},
		{"one more", func(r *Report) { r.Nearness[0].Connections, r.Nearness[0].Elsewhere = 1000, 11 }, Missed, "0.22 / 0.60 / 1.20 ms"},
		{"no connections", func(r *Report) { r.Nearness[0].Connections, r.Nearness[0].Elsewhere = 0, 0 }, Missed, "0.22 / 0.60 / 1.20 ms"},
	} {
		r := full(quick())
		test.change(&r)
		found := 0
		for _, target := range dialerTargets(r) {
			if !strings.Contains(target.Text, test.about) {
				continue
			}
			if found++; found == 1 && target.Verdict != test.want {
				t.Errorf("given %s: %s: got %s, want %s", test.given, target.Text, target.Verdict, test.want)
			}
		}
		if found == 0 {
			t.Errorf("given %s: no target about %q", test.given, test.about)
		}
	}
}
