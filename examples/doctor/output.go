package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// width is how many columns there are.
const width = 80

// output writes for people who watch, and for those who read it later: colours, frames and progress are for the former.
type output struct {
	stdout, stderr io.Writer
	colour         bool
	frame          bool // stdout is a terminal
	watched        bool // stderr is
}

func newOutput(stdout, stderr io.Writer) output {
	terminal := isTerminal(stdout)
	return output{
		stdout: stdout, stderr: stderr, frame: terminal, watched: isTerminal(stderr),
		colour: terminal && os.Getenv("NO_COLOR") == "", // no-color.org
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (o output) paint(s string, colors ...text.Color) string {
	if !o.colour {
		return s
	}
	return text.Colors(colors).Sprint(s)
}

// report writes it for people. It is written at once, so that the one error there can be is seen.
func (o output) report(rep *report) error {
	var page bytes.Buffer
	to := o.stdout
	o.stdout = &page
	o.head(rep)
	if len(rep.Endpoints) > 0 {
		o.endpoints(rep)
	}
	if rep.Gain != nil {
		o.gain(rep.Gain)
	}
	o.findings("Problems", problem, rep)
	o.findings("Advice", advice, rep)
	o.notes(rep.Notes)
	o.summary(rep)
	_, err := to.Write(page.Bytes())
	return err
}

func (o output) head(rep *report) {
	z := rep.Zone
	zone := "not known"
	switch {
	case z.Error != "":
	case z.Name != "" && z.ID != "":
		zone = z.Name + " (" + z.ID + ")"
	default:
		zone = z.Name + z.ID
	}
	if z.Error == "" && z.NameUsed != "" && z.NameUsed != z.Name {
		zone += ", which the endpoints' owner calls " + z.NameUsed
	}
	if z.Source != "" {
		zone += fmt.Sprintf(", by %s in %s", z.Source, millis(time.Duration(z.TookMS*float64(time.Millisecond))))
	}
	o.hang("zone       ", zone)
	o.hang("endpoints  ", fmt.Sprintf("%d, by %s", len(rep.Endpoints), rep.From))
	fmt.Fprintln(o.stdout)
}

func (o output) endpoints(rep *report) {
	rows := []table.Row{{"service", "answer", "zone", "other zones", "calls go to"}}
	for _, x := range rep.Endpoints {
		rows = append(rows, o.row(x))
	}
	o.table(rows)
}

func (o output) table(rows []table.Row) {
	t := table.NewWriter()
	style := table.StyleDefault
	if o.frame {
		style = table.StyleLight
	}
	if o.colour {
		style.Color.Header = text.Colors{text.Bold}
	}
	style.Options = table.Options{SeparateHeader: true}
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.AppendHeader(rows[0])
	t.AppendRows(rows[1:])
	o.lines(t.Render())
}

// gain says how far zones are, and what follows.
func (o output) gain(g *gain) {
	o.heading("Round trips from this zone")
	rows := []table.Row{{"zone", "by AWS, p50", "measured here", ""}}
	for i, z := range g.Zones {
		row := table.Row{strings.TrimSpace(z.ID + " " + z.Name), "-", "-", ""}
		for column, took := range []float64{z.AWS, z.Measured} {
			if took > 0 {
				row[column+1] = fmt.Sprintf("%.2f ms", took)
			}
		}
		if i == 0 {
			row[3] = "this zone"
		}
		rows = append(rows, row)
	}
	o.table(rows)
	for _, by := range []struct {
		saves float64
		whose string
	}{{g.AWS, "AWS's figures, the median of a day"}, {g.Measured, "the fastest handshakes with the endpoints"}} {
		switch {
		case by.saves > 0:
			o.hang("", fmt.Sprintf("Kept in the zone, a round trip is %.2f ms shorter on average than spread over these %d zones, by %s.", by.saves, len(g.Zones), by.whose))
		case by.saves < 0:
			o.hang("", fmt.Sprintf("Kept in the zone, a round trip is no shorter, by %s.", by.whose))
		}
	}
	if g.AWS > 0 || g.Measured > 0 {
		o.hang("", "A call takes one round trip on a connection that is kept, and three or four with a new one.")
	}
}

func (o output) row(x *exam) table.Row {
	row := table.Row{x.Service}
	p := x.Zonal
	if p == nil {
		p = x.Regional
	}
	if p == nil || x.Verdict == notExamined {
		row = append(row, "-", "-", "-")
	} else {
		row = append(row, o.answer(p.result()), roundTrips(ownAddresses(x)), roundTrips(x.others()))
	}
	goes := x.CallsTo
	switch x.Verdict {
	case inZone:
		goes = o.paint(goes, text.FgGreen)
	case broken, failing:
		goes = o.paint(goes, text.FgRed, text.Bold)
	case elsewhere, notExamined:
		goes = o.paint(goes, text.FgYellow)
	}
	return append(row, goes)
}

func ownAddresses(x *exam) []address {
	if x.Zonal == nil {
		return nil
	}
	return x.Zonal.Addresses
}

// answer is the status that an address answered with, or how far it got.
func (o output) answer(a address) string {
	switch {
	case a.unavailable():
		return o.paint(strconv.Itoa(a.Status), text.FgRed, text.Bold)
	case a.Status > 0:
		return strconv.Itoa(a.Status)
	case a.Failed == "":
		return "-"
	}
	return o.paint(string(a.Failed)+": "+word(a), text.FgRed, text.Bold)
}

func word(a address) string {
	switch {
	case isNotFound(a.err):
		return "none"
	case isTimeout(a.err):
		return "timeout"
	case errors.Is(a.err, syscall.ECONNREFUSED):
		return "refused"
	}
	return "failed"
}

// roundTrips is how long they take, from the shortest to the longest.
func roundTrips(addrs []address) string {
	var all []time.Duration
	for _, a := range addrs {
		if a.rtt > 0 {
			all = append(all, a.rtt)
		}
	}
	if len(all) == 0 {
		return "-"
	}
	least, most := millis(slices.Min(all)), millis(slices.Max(all))
	if least == most {
		return most
	}
	return strings.TrimSuffix(least, " ms") + " to " + most
}

// findings writes those of a level, and what is the same for several endpoints once.
func (o output) findings(title string, l level, rep *report) {
	type same struct{ what, do string }
	type entry struct {
		same
		services, names []string
	}
	var entries []entry
	add := func(f finding, service string) {
		if f.Level != l {
			return
		}
		i := slices.IndexFunc(entries, func(e entry) bool { return e.same == same{f.What, f.Do} })
		if i < 0 {
			i = len(entries)
			entries = append(entries, entry{same: same{f.What, f.Do}})
		}
		e := &entries[i]
		if service != "" && !slices.Contains(e.services, service) {
			e.services = append(e.services, service)
		}
		if f.Name != "" {
			e.names = append(e.names, f.Name)
		}
	}
	for _, f := range rep.Findings {
		add(f, "")
	}
	for _, x := range rep.Endpoints {
		for _, f := range x.Findings {
			add(f, x.Service)
		}
	}
	if len(entries) == 0 {
		return
	}
	o.heading(title)
	for _, e := range entries {
		what := e.what
		if of := strings.Join(e.services, ", "); of != "" {
			what = of + ": " + what
		}
		o.hang("- ", what)
		for _, name := range e.names {
			fmt.Fprintf(o.stdout, "    %s\n", o.paint(name, text.Faint))
		}
		o.hang("  > ", e.do)
	}
}

func (o output) notes(notes []string) {
	if len(notes) == 0 {
		return
	}
	o.heading("Notes")
	for _, n := range notes {
		o.hang("- ", n)
	}
}

func (o output) summary(rep *report) {
	used, in := 0, 0
	for _, x := range rep.Endpoints {
		if x.Verdict != leftAside {
			used++
		}
		if x.Verdict == inZone {
			in++
		}
	}
	problems, advices, unchecked := rep.tally()
	var parts []string
	switch {
	case problems == 0 && unchecked == 0:
		parts = append(parts, o.paint("All is well", text.FgGreen, text.Bold))
	case problems > 0:
		parts = append(parts, o.paint(plural(problems, "problem"), text.FgRed, text.Bold))
	}
	if unchecked > 0 {
		parts = append(parts, o.paint(fmt.Sprintf("%d not checked", unchecked), text.FgYellow, text.Bold))
	}
	if advices > 0 {
		parts = append(parts, plural(advices, "piece")+" of advice")
	}
	fmt.Fprintf(o.stdout, "\n%s.\nCalls to %d of %s can be kept in the zone.\n", strings.Join(parts, ", "), in, plural(used, "endpoint"))
	if rep.snapshot != "" {
		o.hang("", "The endpoints are in "+rep.snapshot+": set AZAFFINITY_ENDPOINTS_FILE to it.")
	}
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func (o output) heading(s string) { fmt.Fprintf(o.stdout, "\n%s\n", o.paint(s, text.Bold)) }

// hang writes a paragraph that begins with a mark and is indented as far.
func (o output) hang(mark, s string) {
	in := strings.Repeat(" ", len(mark))
	o.lines(mark + strings.ReplaceAll(text.WrapSoft(s, width-len(mark)), "\n", "\n"+in))
}

// lines writes them without the blanks that they are filled up with.
func (o output) lines(s string) {
	for line := range strings.Lines(s) {
		fmt.Fprintln(o.stdout, strings.TrimRight(line, " \n"))
	}
}

func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
