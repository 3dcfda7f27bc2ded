package main

import (
	"bytes"
	"errors"
	"html"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// widest is a report with all there can be in it, and figures as wide as they get.
func widest(p plan) Report {
	r := full(p)
	low, high := 104.4, 9999.9
	wide := &Ratio{Center: 1234.5, Low: &low, High: &high}
	counts := Counts{Calls: 99999, Failed: 9999, Slow: 9999, Home: 0.995}
	latency := Latency{P50: 1234, P90: 2345, P99: 34567, P999: 45678}
	const long = `operation error SQS: SendMessage, https response error StatusCode: 0, RequestID: , request send failed, Post "https://vpce-08b6f28a483d18fb9-865916b0-us-east-1a.sqs.us-east-1.vpce.amazonaws.com/": dial tcp: no such host`
	at := 12345.6
	for _, c := range p.Steady {
		s := Steady{Setting: c.setting.Name, Workload: c.workload.Name, Callers: 16}
		for _, name := range names {
			s.Results = append(s.Results, SteadyResult{Contender: name, Counts: counts, Latency: latency, P50VsBare: wide, P50VsPinned: wide, Error: long})
		}
		r.Steady = append(r.Steady, s)
	}
	r.Faults = nil
	for _, f := range p.Faults {
		out := Fault{Fault: f.Name, Workload: f.workload.Name, Late: 999.9}
		for _, name := range names {
			out.Results = append(out.Results, FaultResult{
				Contender: name, Counts: counts, Before: counts, During: counts, Recovered: &at, Returned: &at, Steady: latency, P50VsBare: wide, P50VsPinned: wide, Error: long,
			})
		}
		r.Faults = append(r.Faults, out)
	}
	for _, name := range append(slices.Clone(names), control) {
		r.Costs = append(r.Costs, Cost{Contender: name, CPU: 1234, Allocs: 9999, Bytes: 999999, CPURatio: wide, AllocRatio: wide, ByteRatio: wide})
	}
	timing := PathTiming{Least: 99.99, Latency: latency, Count: 99999}
	r.Paths = []Path{{Zone: "us-east-1a", Asked: 99.9, Idle: timing, Busy: timing}}
	r.Farther = []Farther{{Zone: "us-east-1b", Asked: 99.9, Measured: 1234, Calls: 99999}}
	r.Targets = []Target{{Text: strings.Repeat("p50 within 5% of the pinned name's ", 4), Measured: wide.String() + ", " + wide.String(), Verdict: Unclear}}
	return r
}

// Given a report of either plan, however large its figures are, then each of its lines fits a terminal of 100 columns.
func TestTextFits(t *testing.T) {
	for _, p := range []plan{standard(), quick()} {
		r := widest(p)
		for _, pretty := range []bool{false, true} {
			var out strings.Builder
			r.writeText(&out, pretty)
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s: a line has %d columns, want %d at most: %s", p.Name, n, width, line)
				}
			}
			if !strings.Contains(out.String(), " [104, 10000]") || strings.Contains(out.String(), "[104,\n") {
				t.Errorf("%s: an interval is broken:\n%s", p.Name, &out)
			}
			for _, s := range r.Steady { // names that have become the lines between groups are still there
				if name := s.Setting + ", " + s.Workload + ", 16 callers"; !strings.Contains(out.String(), name) {
					t.Errorf("%s: the report has no %q", p.Name, name)
				}
			}
		}
	}
}

// A report begins with what it comes to, in whole sentences: what is better, by how much, and what is worse.
func TestVerdictOfReport(t *testing.T) {
	half, over := 0.5, 1.2
	r := Report{
		Plan: "quick",
		Steady: []Steady{
			{Setting: "healthy", Workload: "SQS SendMessage", Callers: 1, Results: []SteadyResult{{
				Contender: ours, Counts: Counts{Home: 1}, P50VsBare: &Ratio{Center: half, Low: &half, High: &half}, P50VsPinned: &Ratio{Center: 1.01},
			}}},
			{Setting: "healthy", Workload: "S3 get", Callers: 4, Results: []SteadyResult{{
				Contender: ours, Counts: Counts{Home: 1}, P50VsBare: &Ratio{Center: 0.7}, P50VsPinned: &Ratio{Center: 1},
			}}},
			{Setting: "no metadata", Workload: "SQS SendMessage", Callers: 16, Results: []SteadyResult{{
				Contender: ours, Counts: Counts{Home: 0.3}, P50VsBare: &Ratio{Center: over, Low: &over, High: &over},
			}}},
		},
		Faults: []Fault{{Results: []FaultResult{
			{Contender: bare, Counts: Counts{Calls: 100, Failed: 2}}, {Contender: pinned, Counts: Counts{Calls: 100, Failed: 60}}, {Contender: ours, Counts: Counts{Calls: 101}},
		}}},
		Costs:   []Cost{{Contender: ours, CPURatio: &Ratio{Center: 1.016}, AllocRatio: &Ratio{Center: 1.01}}},
		Late:    tooLate + 5,
		Targets: []Target{{Verdict: Met}, {Verdict: Met}, {Verdict: Unclear}},
	}
	want := []string{
		"Calls kept in the zone: the median took 0.50 to 0.70 times the bare SDK's time, in 1 of 2 workloads clearly less, and 1.00 to 1.01 times that of a client pinned to its zonal name.",
		"Through 1 fault of the zone, these calls failed: 0 of 101 with azaffinity, 2 of 100 with the bare SDK, 60 of 100 with a pinned zonal name.",
		"Worse: a call takes 1.016 times the bare SDK's CPU time and 1.010 times its allocations, its network left out; with SQS SendMessage (no metadata, 16 callers) its median took 1.200 times the bare SDK's time.",
		"Of 3 targets, 2 met, 0 missed and 1 unclear.",
		"The machine ran this process up to 15.0 ms late: it was too busy to tell much.",
	}
	if got := r.verdict(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var out strings.Builder
	r.writeText(&out, false)
	page, err := r.html(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(strings.Join(strings.Fields(out.String()), " "), want[0]) || !strings.Contains(string(page), "</h1>\n<p class=\"verdict\">Calls kept in the zone") {
		t.Errorf("got\n%s\n%s\nwant the verdict first", &out, page)
	}
	if got := (Report{}).verdict(); len(got) > 0 {
		t.Errorf("of nothing: got %q", got)
	}
}

// Given a dark page, then there are plots for it: dark behind, where those for a white one are white.
func TestPlotsForBothPages(t *testing.T) {
	calls := []sample{{At: 0, Took: time.Millisecond, Home: true}, {At: time.Second, Took: 2 * time.Millisecond}, {At: 2 * time.Second, Took: 3 * time.Millisecond, Err: errors.New("no answer")}}
	all := []taken{{contender: bare, samples: calls}, {contender: ours, samples: calls}}
	r := Report{
		Steady: []Steady{{Setting: "healthy", Workload: "SQS", taken: all}},
		Faults: []Fault{{Fault: "zone refuses", outages: []outage{{struck: time.Second / 2, repaired: 3 * time.Second / 2, all: all}}}},
	}
	pictures, err := r.pictures()
	if err != nil || len(pictures) != 2 {
		t.Fatalf("got %d pictures and %v, want two", len(pictures), err)
	}
	page, err := r.html(pictures)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures {
		for attribute, content := range map[string][]byte{"src": p.PNG, "srcset": p.Dark} {
			if !strings.Contains(html.UnescapeString(string(page)), attribute+`="`+data(content)+`"`) {
				t.Errorf("%s: the page has none in its %s", p.File, attribute)
			}
		}
		for dark, content := range map[bool][]byte{false: p.PNG, true: p.Dark} {
			picture, err := png.Decode(bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			if red, _, _, _ := picture.At(1, 1).RGBA(); dark != (red < 1<<15) {
				t.Errorf("%s: dark: %t: got a background of %x", p.File, dark, red)
			}
		}
	}
}
