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

// width is how many columns a line of text has at most.
const width = 100

// grid is a table before it is text or HTML.
type grid struct {
	Title  string
	Note   string
	Header []string
	Rows   [][]string
	groups []int // rows that a group begins with
	labels int   // how many of the first columns name the group: in text they are its title
	narrow bool  // in text, contenders and intervals have a line for each of their parts
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
		labels: 3, narrow: true,
		Header: []string{"setting", "workload", "callers", "contender", "calls", "in zone", "p50", "p90", "p99", "p99.9", "failed", ">1s", "p50 / bare", "p50 / pinned"},
	}
	for _, s := range r.Steady {
		steady.groups = append(steady.groups, len(steady.Rows))
		for i, x := range s.Results {
			row := []string{"", "", "", x.Contender, fmt.Sprint(x.Calls), percent(x.Home, x.Failed < x.Calls)}
			if i == 0 {
				row[0], row[1], row[2] = s.Setting, s.Workload, callers(s.Callers)
			}
			steady.Rows = append(steady.Rows, append(append(row, latencies(x.Latency)...),
				fmt.Sprint(x.Failed), fmt.Sprint(x.Slow), x.P50VsBare.String(), x.P50VsPinned.String()))
		}
	}
	all = append(all, steady)

	if len(r.Faults) > 0 {
		all = append(all, r.faults(), r.settled())
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
			groups: []int{0}, narrow: true,
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

// faults are how calls came through them.
func (r Report) faults() grid {
	g := grid{
		Title: "Through a fault of the own zone",
		Note: fmt.Sprintf("All contenders at the same time, %d calls at once when they are due; rounds: %d. ", burst, r.FaultRounds) +
			"Recovered: no call that began later failed or took over a second. Back: how long after the repair a call was in the zone. " + onLoopback(r) +
			"Late is how late the machine ran this process (p99): where that is more than some ms, it was too busy to tell much.",
		Header: []string{"fault", "contender", "calls", "failed", ">1s", "in zone before", "in it: calls", "failed", "recovered", "back"},
		labels: 1,
	}
	for _, f := range r.Faults {
		g.groups = append(g.groups, len(g.Rows))
		for i, x := range f.Results {
			row := []string{
				"", x.Contender, fmt.Sprint(x.Calls), fmt.Sprint(x.Failed), fmt.Sprint(x.Slow), percent(x.Before.Home, x.Before.Failed < x.Before.Calls),
				fmt.Sprint(x.During.Calls), fmt.Sprint(x.During.Failed), seconds(x.Recovered, "no"), seconds(x.Returned, "not seen"),
			}
			switch i {
			case 0:
				row[0] = f.Fault
			case 1:
				row[0] = fmt.Sprintf("(%s ms late)", figure(f.Late))
			}
			g.Rows = append(g.Rows, row)
		}
	}
	return g
}

// settled are how long calls took when the fault had lasted for a while.
func (r Report) settled() grid {
	g := grid{
		Title:  "Settled in the fault",
		Note:   "Calls of the fault's second half, in ms; none where most weren't answered before the repair.",
		Header: []string{"fault", "contender", "p50", "p90", "p99", "p50 / bare", "p50 / pinned"},
		labels: 1,
	}
	for _, f := range r.Faults {
		g.groups = append(g.groups, len(g.Rows))
		for i, x := range f.Results {
			row := append([]string{"", x.Contender}, latencies(x.Steady)[:3]...)
			if i == 0 {
				row[0] = f.Fault
			}
			g.Rows = append(g.Rows, append(row, x.P50VsBare.String(), x.P50VsPinned.String()))
		}
	}
	return g
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
	for _, said := range append(r.verdict(), "", r.headline()) {
		fmt.Fprintln(w, wrap(said))
	}
	for _, g := range r.grids() {
		fmt.Fprintf(w, "\n%s\n", g.Title)
		if g.Note != "" {
			fmt.Fprintln(w, wrap(g.Note))
		}
		fmt.Fprintln(w, g.text(pretty))
	}
}

func wrap(s string) string { return trimmed(text.WrapSoft(s, width)) }

// trimmed has no blanks at the ends of lines.
func trimmed(s string) string {
	all := strings.Split(s, "\n")
	for i := range all {
		all[i] = strings.TrimRight(all[i], " ")
	}
	return strings.Join(all, "\n")
}

// columns are how wide those of texts may be before they are broken into lines, and slim those of narrow grids.
var (
	columns = map[string]int{
		"target": 54, "measured": 30, "error": 35, "where": 18, "workload": 18, "fault": 20,
		"in zone before": 7, "in it: calls": 6, "alone: least": 6, "beside calls: p50": 7,
	}
	slim = map[string]int{"contender": 12, "in zone": 4}
)

// text has the names of groups in the lines between them, not in columns, so that a terminal has room for the others.
func (g grid) text(pretty bool) string {
	t := table.NewWriter()
	style, line := table.StyleDefault, "-"
	if pretty {
		style, line = table.StyleLight, "─"
	}
	style.Options = table.Options{SeparateHeader: true, SeparateColumns: false}
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	var configs []table.ColumnConfig
	for i, name := range g.Header[g.labels:] {
		most := columns[name]
		if g.narrow {
			most = max(most, slim[name])
		}
		if most > 0 {
			configs = append(configs, table.ColumnConfig{Number: i + 1, WidthMax: most, WidthMaxEnforcer: text.WrapSoft})
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(cells(g.Header[g.labels:]))
	for i, row := range g.Rows {
		if i > 0 && slices.Contains(g.groups, i) {
			t.AppendSeparator()
		}
		t.AppendRow(cells(g.broken(row[g.labels:])))
	}
	return g.titled(trimmed(t.Render()), line)
}

// broken has intervals in a line of their own where the grid is narrow.
func (g grid) broken(row []string) []string {
	row = slices.Clone(row)
	for i := range row {
		if g.narrow {
			row[i] = strings.Replace(row[i], " [", "\n[", 1)
		}
	}
	return row
}

// titled has a group's name in the line before it.
func (g grid) titled(s, line string) string {
	all := strings.Split(s, "\n")
	for i, group := 0, 0; i < len(all) && g.labels > 0 && group < len(g.groups); i++ {
		if strings.Trim(all[i], line) != "" {
			continue
		}
		if name := g.name(group); len(all[i])/len(line) > len(name)+4 {
			all[i] = strings.Repeat(line, 2) + " " + name + " " + all[i][len(line)*(len(name)+4):]
		}
		group++
	}
	return strings.Join(all, "\n")
}

// name is what the first columns of a group's rows say.
func (g grid) name(group int) string {
	end := len(g.Rows)
	if group+1 < len(g.groups) {
		end = g.groups[group+1]
	}
	var parts []string
	for _, row := range g.Rows[g.groups[group]:end] {
		for _, cell := range row[:g.labels] {
			if cell != "" {
				parts = append(parts, cell)
			}
		}
	}
	return strings.Join(parts, ", ")
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
