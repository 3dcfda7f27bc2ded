package main

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestColdStart measures how long it takes from the start of the process to its first response, without the time that the
// lab takes to start: with azaffinity, with azaffinity switched off, and without it. It claims nothing, since that depends
// on the machine; the lab has warmed the SDK up by then, so that other cold starts take longer, and the ratio is rather
// that of a bad case. AZAFFINITY_COLD_STARTS says how often (default 9).
func TestColdStart(t *testing.T) {
	runs := 9
	if s := os.Getenv("AZAFFINITY_COLD_STARTS"); s != "" {
		var err error
		if runs, err = strconv.Atoi(s); err != nil || runs < 1 {
			t.Fatalf("AZAFFINITY_COLD_STARTS=%s is no number of runs", s)
		}
	}
	if testing.Short() {
		t.Skip("not with -short: it starts many processes")
	}
	contenders := map[string]given{
		"with": {}, "off": {env: []string{"AZAFFINITY_MODE=off"}}, "without": {variant: "without"},
	}
	names := slices.Sorted(maps.Keys(contenders))
	took := map[string][]time.Duration{}
	for run := range runs + 1 {
		for i := range names {
			name := names[(i+run)%len(names)]
			e := start(t, contenders[name])
			host, at := e.invoke(t)
			if isZonal(host) != (name == "with") {
				t.Errorf("%s: got %s", name, host)
			}
			e.end()
			if run > 0 { // the first run finds the program on disk
				took[name] = append(took[name], at.Sub(e.began)-e.setup)
			}
		}
	}
	for _, name := range names {
		slices.Sort(took[name])
	}
	median := func(name string) time.Duration { return took[name][len(took[name])/2] }
	for _, name := range names {
		t.Logf("%-7s first response after %v in the median of %d (%v to %v), %.2f times that without", name,
			median(name).Round(10*time.Microsecond), runs, took[name][0].Round(10*time.Microsecond),
			took[name][runs-1].Round(10*time.Microsecond), float64(median(name))/float64(median("without")))
	}
}
