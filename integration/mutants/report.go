package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// wanted is the least share of mutants that tests have to kill, in percent.
const wanted = 95

// result is what became of a mutant, and by what: the test that killed it, or why it is equivalent.
type result struct {
	mutant
	Fate, By string
}

//go:embed equivalent.txt
var listed string

// equivalents returns the reasons of equivalent.txt by mutant.
func equivalents() (map[string]string, error) { return parseEquivalents(listed) }

func parseEquivalents(text string) (map[string]string, error) {
	reasons := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		key, reason, _ := strings.Cut(line, " // ")
		if strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("equivalent.txt: no reason: %s", line)
		}
		reasons[key] = reason
	}
	return reasons, lines.Err()
}

// String names the mutant in a line that stays the same if lines above it come and go.
func (m *mutant) String() string {
	return m.File + " " + m.Func + ": " + oneLine(m.Was) + " => " + oneLine(m.Is)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// report prints the figures by package, then what survived, and says whether enough was killed.
func report(w io.Writer, results []result) bool {
	counts := map[string]map[string]int{}
	total := map[string]int{}
	for _, r := range results {
		if counts[r.Package] == nil {
			counts[r.Package] = map[string]int{}
		}
		counts[r.Package][r.Fate]++
		total[r.Fate]++
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "package\tkilled\tsurvived\tequivalent\tdoesn't build")
	for _, pkg := range slices.Sorted(maps.Keys(counts)) {
		row(table, pkg, counts[pkg])
	}
	row(table, "all", total)
	table.Flush()
	for _, r := range results {
		if r.Fate == survived {
			fmt.Fprintf(w, "survived: line %d of %s\n", r.Line, r.String())
		}
	}
	return total[killed]*100 >= wanted*(total[killed]+total[survived])
}

func row(w io.Writer, name string, of map[string]int) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", name, of[killed], of[survived], of[equivalent], of[unbuilt])
}

func writeJSON(path string, results []result) error {
	text, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
