package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
)

// width is how many columns there are.
const width = 100

// output writes for people who watch, and for those who read it later: colours, frames and progress are for the former.
type output struct {
	stdout, stderr io.Writer
	pretty         bool // stdout is a terminal
	watched        bool // stderr is
}

func newOutput(stdout, stderr io.Writer) output {
	return output{stdout: stdout, stderr: stderr, pretty: isTerminal(stdout), watched: isTerminal(stderr)}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (o output) paint(s string, colors ...text.Color) string {
	if !o.pretty {
		return s
	}
	return text.Colors(colors).Sprint(s)
}

func (o output) heading(s string) {
	fmt.Fprintf(o.stdout, "\n%s\n", o.paint(s, text.Bold))
}

// say writes a paragraph.
func (o output) say(format string, args ...any) {
	o.lines(text.WrapSoft(fmt.Sprintf(format, args...), width))
}

// table writes the rows, the first being the header. Columns from right on hold numbers.
func (o output) table(right int, rows ...[]string) {
	t := table.NewWriter()
	style := table.StyleDefault
	if o.pretty {
		style = table.StyleLight
		style.Color.Header = text.Colors{text.Bold}
	}
	style.Options = table.Options{SeparateHeader: true}
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	var columns []table.ColumnConfig
	for i := range rows[0] {
		if i >= right {
			columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	t.SetColumnConfigs(columns)
	for i, row := range rows {
		cells := make(table.Row, len(row))
		for j, cell := range row {
			cells[j] = cell
		}
		if i == 0 {
			t.AppendHeader(cells)
		} else {
			t.AppendRow(cells)
		}
	}
	o.lines(t.Render())
}

// lines writes them without the blanks that they are filled up with.
func (o output) lines(s string) {
	for line := range strings.Lines(s) {
		fmt.Fprintln(o.stdout, strings.TrimRight(line, " \n"))
	}
}

func (o output) introduction(f findings) {
	furthest := time.Duration(0)
	for _, zone := range f.zones {
		furthest = max(furthest, lab.TypicalDistance(f.home, zone))
	}
	o.say("A VPC with the zones %s, and this program in %s. S3, DynamoDB, SQS and STS have an interface endpoint in each zone. "+
		"A round trip takes %s in a zone, and up to %s between two. %d workers call all four with aws-sdk-go-v2.",
		strings.Join(f.zones, ", "), f.home, millis(2*lab.TypicalDistance(f.home, f.home)), millis(2*furthest), f.workers)
	o.heading("1. Where calls go")
}

func (o output) comparison(f findings) {
	rows := [][]string{append(o.zoneHeader("", f), "calls", "failed", "p50", "p99")}
	for _, side := range []struct {
		name string
		of   tally
	}{{"without azaffinity", f.without}, {"with azaffinity", f.with}} {
		rows = append(rows, append(o.shares(side.name, side.of, f),
			count(side.of.calls()), o.failed(side.of), millis(side.of.quantile(0.5)), millis(side.of.quantile(0.99))))
	}
	o.table(1, rows...)
	o.say("An endpoint's regional name stands for all its zones in turn, and a connection stays in the zone it was made to. " +
		"azaffinity uses the endpoint's name in its own zone.")
	o.heading("2. The endpoints in " + f.home + " go down, and come back, while calls run")
}

func (o output) outage(f findings) {
	rows := [][]string{append(o.zoneHeader("with azaffinity", f), "calls", "failed", "p50", "slowest")}
	add := func(name string, t tally) {
		rows = append(rows, append(o.shares(name, t, f),
			count(t.calls()), o.failed(t), millis(t.quantile(0.5)), millis(t.quantile(1))))
	}
	add("up", f.up)
	add("down", f.down)
	if f.waited {
		add("repaired, ejected", f.repaired)
		add("healthy again", f.back)
	} else {
		add("repaired", f.back)
	}
	o.table(1, rows...)
	o.say("%s calls met the outage: they were sent again and answered through other zones. Then %s went there at once, since a name that "+
		"keeps failing is ejected. A connection in the background tries it again every 10 s or so. A request that may have been executed is "+
		"sent again by the SDK only, after a pause of its own.",
		count(f.down.reasons[resolver.FailedOver]), count(f.down.reasons[resolver.Unhealthy]))
}

func (o output) presigned(f findings) {
	if f.presigned.unreachable {
		return
	}
	o.heading("3. A presigned URL, which can't be rewritten")
	rows := [][]string{append(o.zoneHeader("GET by a plain client", f), "calls", "failed")}
	for _, of := range []struct {
		name string
		t    tally
	}{{"http.Client", f.presigned.plain}, {"with the dialer", f.presigned.dialed}, {"the same, " + f.home + " down", f.presigned.down}} {
		rows = append(rows, append(o.shares(of.name, of.t, f), count(of.t.calls()), o.failed(of.t)))
	}
	o.table(1, rows...)
	o.say("The URL's signature names its host, %s. http.Client{Transport: dialer.New(r).RoundTripper(nil)} leaves that as it is, and chooses which of the host's "+
		"addresses to connect to.", f.presigned.host)
}

func (o output) zoneHeader(first string, f findings) []string {
	header := []string{first}
	for _, zone := range f.zones {
		if zone == f.home {
			zone += " (own)"
		}
		header = append(header, zone)
	}
	return header
}

func (o output) shares(name string, t tally, f findings) []string {
	row := []string{name}
	for _, zone := range f.zones {
		share := percent(t.zones[zone], t.requests())
		switch {
		case t.zones[zone] == 0:
			share = o.paint(share, text.Faint)
		case zone == f.home:
			share = o.paint(share, text.FgGreen, text.Bold)
		}
		row = append(row, share)
	}
	return row
}

func (o output) failed(t tally) string {
	if n := len(t.errs); n > 0 {
		return o.paint(count(n), text.FgRed, text.Bold)
	}
	return "0"
}

// verdicts writes what was claimed, and reports whether none of it is broken.
func (o output) verdicts(claims []claim) bool {
	all := true
	for _, c := range claims {
		mark := o.paint("  ok ", text.FgGreen)
		switch c.state {
		case broken:
			mark, all = o.paint("  NO ", text.FgRed, text.Bold), false
		case unsaid:
			mark = o.paint("  -- ", text.FgYellow)
		}
		fmt.Fprintln(o.stdout, mark+c.text)
	}
	return all
}

// progress is shown on a terminal only.
type progress struct{ bar *progressbar.ProgressBar }

func (o output) progress(what string, steps int) progress {
	if !o.watched {
		return progress{}
	}
	return progress{progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(o.stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(20),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionClearOnFinish())}
}

// add never ends the bar: what it counts may take longer than expected.
func (p progress) add(n int) {
	if p.bar != nil && p.bar.State().CurrentNum+int64(n) < p.bar.GetMax64() {
		_ = p.bar.Add(n)
	}
}

func (p progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// percent never rounds to all or nothing what isn't.
func percent(n, of int) string {
	switch share := 100 * float64(n) / float64(max(of, 1)); {
	case n > 0 && share < 1:
		return "<1%"
	case n < of && share > 99:
		return ">99%"
	default:
		return fmt.Sprintf("%.0f%%", share)
	}
}

// count writes 12345 as 12,345.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
