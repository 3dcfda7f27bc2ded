package main

import (
	"fmt"
	"slices"
)

// Target is what azaffinity is meant to reach, and what was measured.
type Target struct {
	Text     string  `json:"target"`
	Measured string  `json:"measured"`
	Verdict  Verdict `json:"verdict"`
}

// Verdict says whether a target was reached.
type Verdict string

// The verdicts.
const (
	Met     Verdict = "met"
	Missed  Verdict = "missed"
	Unclear Verdict = "unclear" // the interval has the target in it, or the machine was too busy
)

// tooLate is how late a machine may run this process, in milliseconds, for what was missed to count.
const tooLate = 10

// unless neither blames nor praises anybody for what a busy machine may have done.
func (v Verdict) unless(late float64) Verdict {
	if late > tooLate {
		return Unclear
	}
	return v
}

// within judges a ratio by its interval.
func within(r *Ratio, limit float64) Verdict {
	switch {
	case r == nil || r.Low == nil || r.High == nil:
		return Unclear
	case *r.High <= limit:
		return Met
	case *r.Low > limit:
		return Missed
	}
	return Unclear
}

// targets are the project's own, judged.
func targets(r Report) (all []Target) {
	for _, s := range r.Steady {
		if s.Setting == refusing.Name {
			us := s.of(ours)
			all = append(all, Target{
				Text:     fmt.Sprintf("%s, %s: p99 within 5%% of the bare SDK's", s.Setting, callers(s.Callers)),
				Measured: us.P99VsBare.String(), Verdict: within(us.P99VsBare, 1.05).unless(r.Late),
			})
		}
		if s.Setting != healthy.Name || !slices.Contains([]string{sqsSend.Name, dynamoGet.Name, sqsNew.Name}, s.Workload) {
			continue
		}
		us := s.of(ours)
		all = append(all, Target{
			Text:     fmt.Sprintf("%s, %s: p50 within 5%% of the pinned name's", s.Workload, callers(s.Callers)),
			Measured: us.P50VsPinned.String(), Verdict: within(us.P50VsPinned, 1.05).unless(r.Late),
		})
		if s.Workload == sqsNew.Name || us.Saved == nil {
			continue
		}
		if s.Ideal <= 0 {
			continue
		}
		all = append(all, Target{
			Text:     fmt.Sprintf("%s, %s: saves 95%% of what it would if the bare SDK's calls had all been in the zone, %.2f ms a call", s.Workload, callers(s.Callers), s.Ideal),
			Measured: fmt.Sprintf("%s ms, %.0f%%", us.Saved, 100*us.Saved.Center/s.Ideal), Verdict: reaches(us.Saved, 0.95*s.Ideal).unless(r.Late),
		})
	}
	for _, f := range r.Faults {
		us, they, plain := f.of(ours), f.of(pinned), f.of(bare)
		verdict := Met
		if us.Failed > 0 {
			verdict = Missed
		}
		all = append(all, Target{
			Text: f.Fault + ": no failed call",
			Measured: fmt.Sprintf("%d of %d, %d of them begun in it; pinned name %d, %d; bare SDK %d, %d",
				us.Failed, us.Calls, us.During.Failed, they.Failed, they.During.Failed, plain.Failed, plain.During.Failed),
			Verdict: verdict.unless(f.Late),
		})
	}
	all = append(all, dialerTargets(r)...)
	sharp := slices.ContainsFunc(r.Costs, func(c Cost) bool { return c.Contender == control && c.CPURatio.within(0.02) })
	for _, c := range r.Costs {
		if c.Contender != ours {
			continue
		}
		cpu := within(c.CPURatio, 1.02).unless(r.Late)
		if !sharp {
			cpu = Unclear // the bare SDK differs from itself by more
		}
		all = append(all,
			Target{"own CPU at most 2% of a bare call's without its network", c.CPURatio.String(), cpu},
			Target{"own allocations at most 2% of a bare call's without its network", c.AllocRatio.String(), within(c.AllocRatio, 1.02)})
	}
	return all
}

// dialerTargets are those of the dialer by itself.
func dialerTargets(r Report) (all []Target) {
	for _, s := range r.Dialers {
		for _, us := range s.Results[2:] { // the first two are the yardsticks
			share := 1.0
			if us.Contender == nearest {
				share = 0.95
			}
			where := fmt.Sprintf("%s, %s, %s: ", s.Workload, callers(s.Callers), us.Contender)
			all = append(all,
				Target{where + fmt.Sprintf("%.0f%% of the calls in the zone", 100*share), percent(us.Home, us.Failed < us.Calls), reached(us.Home >= share)},
				Target{where + "p50 within 5% of the pinned name's", us.P50VsPinned.String(), within(us.P50VsPinned, 1.05).unless(r.Late)})
		}
	}
	for _, f := range r.DialerFaults {
		all = append(all, f.dialerTargets()...)
	}
	for _, n := range r.Nearness {
		all = append(all, Target{
			fmt.Sprintf("nearest, %s ms: at most 1%% of the connections after the first %d elsewhere", n.asked(), untaught),
			fmt.Sprintf("%.2f%%, %d of %d", 100*n.share(), n.Elsewhere, n.Connections), reached(n.Connections > 0 && n.share() <= 0.01),
		})
	}
	return all
}

// soon is how long after a repair the zone should be in use again, in seconds. Nearest stays where its connections are.
const soon = 15

func (f Fault) dialerTargets() (all []Target) {
	plain := f.of(bare)
	for _, us := range f.Results[2:] {
		all = append(all, Target{
			f.Fault + ", " + us.Contender + ": no more failed calls than the bare SDK's", fmt.Sprintf("%d of %d; bare SDK %d", us.Failed, us.Calls, plain.Failed),
			reached(us.Failed <= plain.Failed).unless(f.Late),
		})
	}
	us, verdict := f.of(dialed), Unclear // it was not watched for so long
	if us.Returned != nil {
		verdict = reached(*us.Returned <= soon)
	}
	return append(all, Target{fmt.Sprintf("%s, %s: back in the zone within %d s of the repair", f.Fault, dialed, soon), seconds(us.Returned, "not seen"), verdict})
}

func reached(so bool) Verdict {
	if so {
		return Met
	}
	return Missed
}

// within reports whether the interval is no wider than so much on either side.
func (r *Ratio) within(side float64) bool {
	return r != nil && r.Low != nil && r.High != nil && *r.High-*r.Low <= 2*side
}

// reaches judges a figure that should be large.
func reaches(r *Ratio, least float64) Verdict {
	switch {
	case r == nil || r.Low == nil || r.High == nil:
		return Unclear
	case *r.Low >= least:
		return Met
	case *r.High < least:
		return Missed
	}
	return Unclear
}

func (s Steady) of(contender string) SteadyResult {
	for _, r := range s.Results {
		if r.Contender == contender {
			return r
		}
	}
	return SteadyResult{}
}

func (f Fault) of(contender string) FaultResult {
	for _, r := range f.Results {
		if r.Contender == contender {
			return r
		}
	}
	return FaultResult{}
}
