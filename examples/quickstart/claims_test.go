package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// made is a tally of n calls that took so long, in zones a, b and c.
func made(took time.Duration, a, b, c int) tally {
	return tally{
		took:    slices.Repeat([]time.Duration{took}, a+b+c),
		zones:   map[string]int{"a": a, "b": b, "c": c},
		reasons: map[resolver.Reason]int{},
	}
}

// asTheyShouldBe are findings by which every claim holds.
func asTheyShouldBe() findings {
	const ms = time.Millisecond
	return findings{
		home: "a", zones: []string{"a", "b", "c"}, workers: 6, spared: ms,
		without: made(2*ms, 30, 30, 30), with: made(ms, 90, 0, 0),
		withoutMedians: []time.Duration{2 * ms, 2 * ms}, withMedians: []time.Duration{ms, ms},
		up: made(ms, 10, 0, 0), down: made(ms, 2, 10, 10), repaired: made(ms, 5, 5, 5), back: made(ms, 10, 0, 0),
		stray: 2, waited: true, returned: true,
		presigned: presigned{plain: made(ms, 5, 5, 5), dialed: made(ms, 15, 0, 0), down: made(ms, 1, 7, 7)},
	}
}

func TestClaims(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		given  string
		change func(*findings)
		broken string // what the broken claim has in it; "" for none
	}{
		{"all well", func(*findings) {}, ""},
		{"nothing to gain", func(f *findings) { f.without = made(2*ms, 90, 0, 0) }, "without azaffinity calls left"},
		{"a call that left the zone", func(f *findings) { f.with = made(ms, 89, 1, 0) }, "none did"},
		{"calls that reached no endpoint", func(f *findings) { f.with.zones["a"] = 80 }, "none did"},
		{"no calls", func(f *findings) { f.with = made(ms, 0, 0, 0) }, "none did"},
		{"slower calls", func(f *findings) { f.with.took = made(3*ms, 90, 0, 0).took }, "half of the calls"},
		{"no calls in the outage", func(f *findings) { f.down = made(ms, 2, 0, 0) }, "while a was down"},
		{"a zone that wasn't down", func(f *findings) { f.stray = 7 }, "while a was down"},
		{"no return", func(f *findings) { f.returned = false }, "after the repair"},
		{"half a return", func(f *findings) { f.back = made(ms, 9, 1, 0) }, "after the repair"},
		{"no return, which nobody waited for", func(f *findings) { f.returned, f.waited = false, false }, ""},
		{"a presigned URL that had nowhere to go", func(f *findings) { f.presigned.plain = made(ms, 15, 0, 0) }, "left the zone, too"},
		{"a presigned URL that left the zone", func(f *findings) { f.presigned.dialed = made(ms, 14, 1, 0) }, "with the host unchanged"},
		{"a presigned URL that was never requested", func(f *findings) { f.presigned.dialed = made(ms, 0, 0, 0) }, "with the host unchanged"},
		{"a presigned URL with another host", func(f *findings) { f.presigned.changed = 1 }, "with the host unchanged"},
		{"a presigned URL that stayed where all is down", func(f *findings) { f.presigned.down = made(ms, 15, 0, 0) }, "they went on"},
		{"a presigned URL answered where all is down", func(f *findings) { f.presigned.stray = 7 }, "they went on"},
		{"no port for presigned URLs", func(f *findings) { f.presigned = presigned{unreachable: true} }, ""},
		{"a presigned URL that was refused", func(f *findings) { f.presigned.down.errs = []error{errors.New("403 Forbidden")} }, "403"},
		{"a failed call", func(f *findings) { f.down.errs = []error{errors.New("refused")} }, "refused"},
	} {
		f := asTheyShouldBe()
		test.change(&f)
		var broke []string
		for _, c := range f.claims() {
			if c.state == broken {
				broke = append(broke, c.text)
			}
		}
		switch {
		case test.broken == "" && len(broke) > 0, test.broken != "" && len(broke) == 0,
			test.broken != "" && !slices.ContainsFunc(broke, func(s string) bool { return strings.Contains(s, test.broken) }):
			t.Errorf("given %s: %q broke, want %q", test.given, broke, test.broken)
		}
	}
}

func TestLatencyOnABusyMachine(t *testing.T) {
	const ms = time.Millisecond
	f := asTheyShouldBe()
	f.with.took = made(3*ms, 90, 0, 0).took
	f.withMedians = []time.Duration{ms, 5 * ms}
	if c := f.latency(); c.state != unsaid || !strings.Contains(c.text, "1.0 ms to 5.0 ms") {
		t.Errorf("medians of 1 to 5 ms in equal rounds: got %+v, want nothing said", c)
	}
}

func TestPercent(t *testing.T) {
	for _, test := range []struct {
		n, of int
		want  string
	}{{0, 0, "0%"}, {0, 9, "0%"}, {1, 1000, "<1%"}, {1, 3, "33%"}, {999, 1000, ">99%"}, {9, 9, "100%"}} {
		if got := percent(test.n, test.of); got != test.want {
			t.Errorf("%d of %d: got %s, want %s", test.n, test.of, got, test.want)
		}
	}
}
