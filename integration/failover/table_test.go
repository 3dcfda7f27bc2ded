package failover

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// table is the matrix for readers.
type table struct {
	faults    []fault
	workloads []workload

	mu    sync.Mutex
	cells map[spot][]string
}

// spot is a row's fault and whether the SDK's retries are on, and a column's workload.
type spot struct {
	fault    string
	retries  bool
	workload string
}

func newTable(faults []fault, workloads []workload) *table {
	return &table{faults: faults, workloads: workloads, cells: map[spot][]string{}}
}

func (x *table) add(c cell, want expectation, got result, bare *result) {
	x.mu.Lock()
	defer x.mu.Unlock()
	text := fmt.Sprint(got.executed)
	switch {
	case want.outcome == either:
		text = "1 to 3"
	case got.answered && bare != nil && bare.executed > got.executed:
		text = fmt.Sprintf("%d of %d", got.executed, bare.executed)
	case got.err == "deadline":
		text = "wait " + text
	case !got.answered:
		text = "err " + text
	}
	at := spot{c.fault.name, c.retries, c.workload.name}
	if !slices.Contains(x.cells[at], text) {
		x.cells[at] = append(x.cells[at], text)
	}
}

// String is the table in Markdown.
func (x *table) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	rows := [][]string{{"fault", "retries"}}
	for _, w := range x.workloads {
		rows[0] = append(rows[0], w.name)
	}
	for _, f := range x.faults {
		line := func(retries bool) (cells []string) {
			for _, w := range x.workloads {
				got := x.cells[spot{f.name, retries, w.name}]
				slices.Sort(got)
				cells = append(cells, strings.Join(got, ", "))
			}
			return cells
		}
		on, off := line(true), line(false)
		if slices.Equal(on, off) {
			rows = append(rows, append([]string{f.name, "on, off"}, on...))
			continue
		}
		rows = append(rows, append([]string{f.name, "on"}, on...), append([]string{"", "off"}, off...))
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			width[i] = max(width[i], len(text))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, text := range row {
			fmt.Fprintf(&b, "| %-*s ", width[i], text)
		}
		b.WriteString("|\n")
		if n == 0 {
			for i := range row {
				b.WriteString("|" + strings.Repeat("-", width[i]+2))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

var documented = regexp.MustCompile(`(?m)(^//\t\|.*\n)+`)

// document compares the table with the one in the package's documentation, which has several, or puts it there.
func (x *table) document(t *testing.T, which int) {
	t.Helper()
	if len(x.cells) < 2*len(x.faults)*len(x.workloads) {
		return // -run left some out
	}
	const file = "doc.go"
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var comment strings.Builder
	for line := range strings.Lines(x.String()) {
		comment.WriteString("//\t" + line)
	}
	places := documented.FindAllIndex(was, -1)
	if len(places) != 2 {
		t.Fatalf("%s has places for %d tables, want two", file, len(places))
	}
	at := places[which]
	now := slices.Concat(was[:at[0]], []byte(comment.String()), was[at[1]:])
	switch {
	case bytes.Equal(was, now):
	case *update:
		if err := os.WriteFile(file, now, 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table in %s is another: go test -run Matrix ./failover -update writes this one", file)
	}
}
