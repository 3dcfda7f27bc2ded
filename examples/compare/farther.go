package main

import (
	"fmt"
	"slices"
)

// Farther is how much longer small calls took that were answered in another zone, at p50, in milliseconds: what a distance is for a call, however
// faithful the lab is.
type Farther struct {
	Zone     string  `json:"zone"`
	Asked    float64 `json:"asked"` // by the distances
	Measured float64 `json:"measured"`
	Calls    int     `json:"calls"`
}

// fartherOf compares all contenders' calls by zone. It is nil if a zone has too few.
func fartherOf(s Steady, d distances) (all []Farther) {
	byZone := map[string][]float64{}
	for _, t := range s.taken {
		for _, x := range t.samples {
			if x.Err == nil {
				byZone[x.Zone] = append(byZone[x.Zone], ms(x.Took))
			}
		}
	}
	p50 := map[string]float64{}
	for _, zone := range zoneNames {
		slices.Sort(byZone[zone])
		if len(byZone[zone]) < 20 {
			return nil
		}
		p50[zone] = quantile(byZone[zone], 0.5)
	}
	for _, zone := range zoneNames {
		if zone != home {
			asked := 2 * (d.between(home, zone) - d.between(home, home))
			all = append(all, Farther{zone, ms(asked), p50[zone] - p50[home], len(byZone[zone])})
		}
	}
	return all
}

func (r Report) farther() grid {
	g := grid{
		Title: "How much longer calls to other zones take",
		Note: "At p50, in ms, of all contenders' calls in \"" + sqsSend.Name + ", " + callers(1) + "\": by the distances asked for, and as measured, with " +
			"what is imprecise about them.",
		Header: []string{"zone", "asked", "measured", "beyond", "calls"}, groups: []int{0},
	}
	for _, f := range r.Farther {
		g.Rows = append(g.Rows, []string{f.Zone, figure(f.Asked), figure(f.Measured), fmt.Sprintf("%+.2f", f.Measured-f.Asked), fmt.Sprint(f.Calls)})
	}
	return g
}
