package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// verdict is what the report comes to, in a few sentences: what is better, by how much, and what is worse.
func (r Report) verdict() (all []string) {
	for _, said := range []string{r.inZone(), r.throughFaults(), r.worse(), r.reached(), r.busy()} {
		if said != "" {
			all = append(all, said)
		}
	}
	return all
}

// inZone compares medians where azaffinity could keep calls in the zone.
func (r Report) inZone() string {
	var bareRatios, pinnedRatios []float64
	clear := 0
	for _, s := range r.Steady {
		us := s.of(ours)
		if us.P50VsBare == nil || us.Home < 0.99 {
			continue
		}
		bareRatios = append(bareRatios, us.P50VsBare.Center)
		if high := us.P50VsBare.High; high != nil && *high < 1 {
			clear++
		}
		if us.P50VsPinned != nil {
			pinnedRatios = append(pinnedRatios, us.P50VsPinned.Center)
		}
	}
	if len(bareRatios) == 0 {
		return ""
	}
	said := fmt.Sprintf("Calls kept in the zone: the median took %s the bare SDK's time, in %d of %s clearly less", span(bareRatios), clear, plural(len(bareRatios), "workload"))
	if len(pinnedRatios) > 0 {
		said += fmt.Sprintf(", and %s that of a client pinned to its zonal name", span(pinnedRatios))
	}
	return said + "."
}

// throughFaults compares how many calls failed.
func (r Report) throughFaults() string {
	var parts []string
	for _, name := range []string{ours, bare, pinned} {
		calls, failed := 0, 0
		for _, f := range r.Faults {
			for _, x := range f.Results {
				if x.Contender == name {
					calls, failed = calls+x.Calls, failed+x.Failed
				}
			}
		}
		if calls > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d with %s", failed, calls, map[string]string{ours: ours, bare: "the bare SDK", pinned: "a pinned zonal name"}[name]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("Through %s of the zone, these calls failed: %s.", plural(len(r.Faults), "fault"), strings.Join(parts, ", "))
}

// worse says what azaffinity takes, and where its calls were clearly slower than the bare SDK's.
func (r Report) worse() string {
	var parts []string
	for _, c := range r.Costs {
		if c.Contender == ours && c.CPURatio != nil && c.AllocRatio != nil {
			parts = append(parts, fmt.Sprintf("a call takes %s times the bare SDK's CPU time and %s times its allocations, its network left out", ratio(c.CPURatio.Center), ratio(c.AllocRatio.Center)))
		}
	}
	for _, s := range r.Steady {
		if x := s.of(ours).P50VsBare; x != nil && x.Low != nil && *x.Low > 1 {
			parts = append(parts, fmt.Sprintf("with %s (%s, %s) its median took %s times the bare SDK's time", s.Workload, s.Setting, callers(s.Callers), ratio(x.Center)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Worse: " + strings.Join(parts, "; ") + "."
}

// reached counts the targets.
func (r Report) reached() string {
	if len(r.Targets) == 0 {
		return ""
	}
	n := map[Verdict]int{}
	for _, t := range r.Targets {
		n[t.Verdict]++
	}
	return fmt.Sprintf("Of %s, %d met, %d missed and %d unclear.", plural(len(r.Targets), "target"), n[Met], n[Missed], n[Unclear])
}

// busy says that the machine was, if so.
func (r Report) busy() string {
	late := r.Late
	for _, f := range r.Faults {
		late = max(late, f.Late)
	}
	if late <= tooLate {
		return ""
	}
	return fmt.Sprintf("The machine ran this process up to %s ms late: it was too busy to tell much.", figure(late))
}

// span is from the least to the greatest, which are alike if there's one.
func span(of []float64) string {
	least, most := round2(slices.Min(of)), round2(slices.Max(of))
	if least == most {
		return fmt.Sprintf("%.2f times", least)
	}
	return fmt.Sprintf("%.2f to %.2f times", least, most)
}

func round2(x float64) float64 { return math.Round(100*x) / 100 }

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}
