package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// width is how many columns a line of text has. The widest tables have more.
const width = 100

// grid is a table before it is text or HTML.
type grid struct {
	Title  string
	Note   string
	Header []string
	Rows   [][]string
	groups []int // rows that a group begins with
}

// grids are the whole report.
func (r Report) grids() (all []grid) {
	if len(r.Paths) > 0 {
		all = append(all, r.paths())
	}
	if len(r.Farther) > 0 {
		all = append(all, r.farther())
	}
	steady := grid{
		Title: "Where nothing changes",
		Note: "Latency of answered calls in ms; none where there are too few calls to say. Ratios of medians with their 95% interval over rounds; below 1 is better. " +
			"Callers of a workload share a rate, small calls 500 a second: more of them would measure the machine's processors. " +
			"Where connections are kept, net/http prefers those that were returned last, which are those of the slower zones. " +
			fmt.Sprintf("The machine ran this process up to %s ms late (p99).", figure(r.Late)),
		Header: []string{"setting", "workload", "callers", "contender", "calls", "in zone", "p50", "p90", "p99", "p99.9", "failed", ">1s", "p50 / bare", "p50 / pinned"},
	}
	for _, s := range r.Steady {
		steady.groups = append(steady.groups, len(steady.Rows))
		for i, x := range s.Results {
			row := []string{"", "", "", x.Contender, fmt.Sprint(x.Calls), percent(x.Home, x.Failed < x.Calls)}
			if i == 0 {
				row[0], row[1], row[2] = s.Setting, s.Workload, fmt.Sprint(s.Callers)
			}
			steady.Rows = append(steady.Rows, append(append(row, latencies(x.Latency)...),
				fmt.Sprint(x.Failed), fmt.Sprint(x.Slow), x.P50VsBare.String(), x.P50VsPinned.String()))
		}
	}
	all = append(all, steady)

	if len(r.Faults) > 0 {
		faults := grid{
			Title: "Through a fault of the own zone",
			Note: fmt.Sprintf("All contenders at the same time, %d calls at once when they are due; rounds: %d. ", burst, r.FaultRounds) +
				"Recovered: no call that began later failed or took over a second. Back: how long after the repair a call was in the zone. " +
				"Settled: calls of the fault's second half, in ms; none where most weren't answered before the repair. " + onLoopback(r) +
				"Late is how late the machine ran this process (p99): where that is more than some ms, it was too busy to tell much.",
			Header: []string{
				"fault", "contender", "calls", "failed", ">1s", "in zone before", "in it: calls", "failed", "recovered", "back",
				"settled p50", "p90", "p99", "p50 / bare", "p50 / pinned",
			},
		}
		for _, f := range r.Faults {
			faults.groups = append(faults.groups, len(faults.Rows))
			for i, x := range f.Results {
				row := []string{
					"", x.Contender, fmt.Sprint(x.Calls), fmt.Sprint(x.Failed), fmt.Sprint(x.Slow), percent(x.Before.Home, x.Before.Failed < x.Before.Calls),
					fmt.Sprint(x.During.Calls), fmt.Sprint(x.During.Failed), seconds(x.Recovered, "no"), seconds(x.Returned, "not seen"),
				}
				if i == 0 {
					row[0] = f.Fault
				}
				if i == 1 {
					row[0] = fmt.Sprintf("(%s ms late)", figure(f.Late))
				}
				row = append(row, latencies(x.Steady)[:3]...)
				faults.Rows = append(faults.Rows, append(row, x.P50VsBare.String(), x.P50VsPinned.String()))
			}
		}
		all = append(all, faults)
	}
	if len(r.Dialers) > 0 {
		all = append(all, r.dialers())
	}
	if len(r.DialerFaults) > 0 {
		all = append(all, r.dialerFaults())
	}
	if len(r.Nearness) > 0 {
		all = append(all, r.nearness())
	}
	if len(r.Costs) > 0 {
		costs := grid{
			Title: "What a call costs the process, without its network",
			Note: "A stand-in for the network answers at once: the lab's own work would be in it otherwise. " +
				"The ratios of \"" + control + "\" are the noise.",
			Header: []string{"contender", "CPU µs", "/ bare", "allocations", "/ bare", "bytes", "/ bare"},
			groups: []int{0},
		}
		for _, c := range r.Costs {
			costs.Rows = append(costs.Rows, []string{
				c.Contender, figure(c.CPU), c.CPURatio.String(), fmt.Sprintf("%.0f", c.Allocs), c.AllocRatio.String(),
				fmt.Sprintf("%.0f", c.Bytes), c.ByteRatio.String(),
			})
		}
		all = append(all, costs)
	}
	if g := r.failures(); len(g.Rows) > 0 {
		all = append(all, g)
	}
	if len(r.Targets) > 0 {
		targets := grid{
			Title: "Targets", Note: "Unclear: the interval has the target in it, there is none, or the machine was too busy to tell.",
			Header: []string{"target", "measured", "verdict"}, groups: []int{0},
		}
		for _, t := range r.Targets {
			targets.Rows = append(targets.Rows, []string{t.Text, t.Measured, string(t.Verdict)})
		}
		all = append(all, targets)
	}
	return all
}

// failures are what the first failed call of each said.
func (r Report) failures() grid {
	g := grid{Title: "What failed calls said, the first of each", Header: []string{"where", "workload", "contender", "error"}, groups: []int{0}}
	add := func(where, workload, contender, err string) {
		if err == "" {
			return
		}
		if len(err) > 160 {
			err = "... " + err[len(err)-160:] // the end says most
		}
		g.Rows = append(g.Rows, []string{where, workload, contender, err})
	}
	for _, s := range slices.Concat(r.Steady, r.Dialers) {
		for _, x := range s.Results {
			add(s.Setting, s.Workload, x.Contender, x.Error)
		}
	}
	for _, f := range r.Faults {
		for _, x := range f.Results {
			add(f.Fault, f.Workload, x.Contender, x.Error)
		}
	}
	for _, f := range r.DialerFaults {
		for _, x := range f.Results[2:] { // the first two are in r.Faults, too
			add(f.Fault, f.Workload, x.Contender, x.Error)
		}
	}
	return g
}

// headline says what ran where.
func (r Report) headline() string {
	parts := []string{fmt.Sprintf("%s plan, %s, rounds: %d or more", r.Plan, r.Took, r.Rounds)}
	if r.Distances != "" {
		parts = append(parts, r.Distances)
	}
	parts = append(parts, fmt.Sprintf("%g s for each call", r.Deadline), fmt.Sprintf("%d CPUs %s, %s, %s", r.Machine.CPUs, r.Machine.CPU, r.Machine.OS, r.Machine.Go))
	if r.Machine.Commit != "" {
		parts = append(parts, "commit "+r.Machine.Commit)
	}
	return strings.Join(parts, "; ")
}

func (r Report) writeText(w io.Writer, pretty bool) {
	fmt.Fprintln(w, text.WrapSoft(r.headline(), width))
	for _, g := range r.grids() {
		fmt.Fprintf(w, "\n%s\n", g.Title)
		if g.Note != "" {
			fmt.Fprintln(w, text.WrapSoft(g.Note, width))
		}
		fmt.Fprintln(w, g.text(pretty))
	}
}

// wrapped are the columns of texts that are longer than a line.
var wrapped = []table.ColumnConfig{
	{Name: "target", WidthMax: 54, WidthMaxEnforcer: text.WrapSoft}, {Name: "measured", WidthMax: 30, WidthMaxEnforcer: text.WrapSoft},
}

func (g grid) text(pretty bool) string {
	t := table.NewWriter()
	style := table.StyleDefault
	if pretty {
		style = table.StyleLight
	}
	style.Options = table.Options{SeparateHeader: true, SeparateColumns: false}
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SetColumnConfigs(wrapped)
	t.AppendHeader(cells(g.Header))
	for i, row := range g.Rows {
		for _, begins := range g.groups {
			if begins == i && i > 0 {
				t.AppendSeparator()
			}
		}
		t.AppendRow(cells(row))
	}
	lines := strings.Split(t.Render(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func cells(row []string) table.Row {
	all := make(table.Row, len(row))
	for i, c := range row {
		all[i] = c
	}
	return all
}

// latencies are the four columns.
func latencies(l Latency) []string {
	all := make([]string, 4)
	for i, x := range []float64{l.P50, l.P90, l.P99, l.P999} {
		if all[i] = "-"; x > 0 {
			all[i] = figure(x)
		}
	}
	return all
}

// onLoopback says what a black hole is not, if packets don't really travel.
func onLoopback(r Report) string {
	if len(r.Paths) > 0 {
		return ""
	}
	return "On the loopback the kernel keeps what is sent into a black hole, and delivers it at the repair: with -netns it is really lost. "
}

// String is the center and the interval.
func (r *Ratio) String() string {
	switch {
	case r == nil:
		return "-"
	case r.Low == nil || r.High == nil:
		return ratio(r.Center)
	}
	return fmt.Sprintf("%s [%s, %s]", ratio(r.Center), ratio(*r.Low), ratio(*r.High))
}

// ratio has what digits matter: near 1 it is about percents.
func ratio(x float64) string {
	switch {
	case math.Abs(x) < 10:
		return fmt.Sprintf("%.3f", x)
	case math.Abs(x) < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

func percent(share float64, known bool) string {
	switch {
	case !known:
		return "-"
	case share > 0.99 && share < 1:
		return ">99%"
	case share > 0 && share < 0.01:
		return "<1%"
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

func seconds(s *float64, never string) string {
	if s == nil {
		return never
	}
	return fmt.Sprintf("%.1f s", *s)
}

// figure has three digits or so.
func figure(x float64) string {
	switch {
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}
