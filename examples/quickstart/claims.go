package main

import (
	"fmt"
	"slices"
	"time"
)

// claim is something that the quickstart says of azaffinity, and whether it turned out so.
type claim struct {
	text  string
	state state
}

type state int

const (
	holds state = iota
	broken
	unsaid // what was measured says neither
)

func check(so bool, format string, args ...any) claim {
	c := claim{text: fmt.Sprintf(format, args...)}
	if !so {
		c.state = broken
	}
	return c
}

// claims are checked against what was counted: by the callers, and by the endpoints they reached.
func (f findings) claims() []claim {
	claims := []claim{
		check(f.without.away(f.home) > 0,
			"without azaffinity calls left the zone: %s of %s", count(f.without.away(f.home)), count(f.without.requests())),
		check(f.with.calls() > 0 && f.with.away(f.home) == 0 && f.with.requests() >= f.with.calls(),
			"with it none did: %s of %s stayed in %s", count(f.with.zones[f.home]), count(f.with.requests()), f.home),
		f.latency(),
		// A request that was being executed when the endpoints went down may have been finished: one a worker, at most.
		check(f.down.away(f.home) > 0 && f.stray <= f.workers,
			"while %s was down, calls went on: %s through other zones", f.home, count(f.down.away(f.home))),
	}
	if f.waited {
		claims = append(claims, check(f.returned && f.back.calls() > 0 && f.back.away(f.home) == 0,
			"after the repair they came back: %s of %s in %s", count(f.back.zones[f.home]), count(f.back.requests()), f.home))
	}
	claims = append(claims, f.presigned.claims(f)...)
	all, errs := 0, []error(nil)
	for _, t := range []tally{f.without, f.with, f.up, f.down, f.repaired, f.back, f.presigned.plain, f.presigned.dialed, f.presigned.down} {
		all += t.calls()
		errs = append(errs, t.errs...)
	}
	none := check(len(errs) == 0 && all > 0, "no call failed: %s of %s were answered", count(all-len(errs)), count(all))
	if len(errs) > 0 {
		none.text += fmt.Sprintf("; the first error: %v", errs[0])
	}
	return append(claims, none)
}

func (p presigned) claims(f findings) []claim {
	if p.unreachable {
		return []claim{{"presigned URLs: this process may not listen at port 443, where they lead", unsaid}}
	}
	return []claim{
		check(p.plain.away(f.home) > 0, "requests to a presigned URL left the zone, too: %s of %s", count(p.plain.away(f.home)), count(p.plain.requests())),
		check(p.dialed.calls() > 0 && p.dialed.away(f.home) == 0 && p.dialed.requests() >= p.dialed.calls() && p.changed == 0,
			"with the dialer none did, with the host unchanged: %s of %s stayed in %s", count(p.dialed.zones[f.home]), count(p.dialed.requests()), f.home),
		check(p.down.away(f.home) > 0 && p.stray <= f.workers, "while %s was down, they went on: %s through other zones", f.home, count(p.down.away(f.home))),
	}
}

// latency claims no more than that half of the calls are faster than half of those without azaffinity. If that isn't
// so, and medians of equal rounds differ by more than the network's part of a call, this machine is too busy to tell.
func (f findings) latency() claim {
	without, with := f.without.quantile(0.5), f.with.quantile(0.5)
	c := check(with > 0 && with < without, "half of the calls took %s at most, and %s without", millis(with), millis(without))
	if c.state == broken && max(spread(f.withMedians), spread(f.withoutMedians)) > f.spared {
		return claim{fmt.Sprintf("latency: this machine is too busy to tell, medians of equal rounds went from %s to %s",
			millis(slices.Min(f.withMedians)), millis(slices.Max(f.withMedians))), unsaid}
	}
	return c
}

func spread(medians []time.Duration) time.Duration {
	if len(medians) == 0 {
		return 0
	}
	return slices.Max(medians) - slices.Min(medians)
}
