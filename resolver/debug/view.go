package debug

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// view is what the page is made from.
type view struct{ resolver.Snapshot }

// How things are: classes of the page's.
const (
	good = "good"
	warn = "warn"
	bad  = "bad"
)

// status is what happens to the next request for an endpoint, in a word and in a few.
type status struct {
	Name, Class string
	rank        int // the page shows the lowest first
	Goes, To    string
}

func statusOf(e resolver.EndpointState) status {
	s := wordFor(e)
	switch {
	case e.InUse:
		s.Goes, s.To = "to the zonal name", e.Zonal
	case e.Target == resolver.Regional:
		s.Goes, s.To = "to the regional name", e.Regional
		if e.PrivateDNS && len(e.Hosts) > 0 {
			s.To = e.Hosts[0] // which private DNS leads to it
		}
	case e.Reason == resolver.NoEndpoint:
		s.Goes = "no host leads here"
	case e.Observed == resolver.Zonal:
		s.Goes, s.To = "where the SDK sends it; prefer would send it to the zonal name", e.Zonal
	default:
		s.Goes = "where the SDK sends it"
	}
	return s
}

func wordFor(e resolver.EndpointState) status {
	switch {
	case e.InUse && (e.EjectedHosts > 0 || e.Ejected):
		return status{Name: "in use", Class: good, rank: 3}
	case e.InUse:
		return status{Name: "in use", Class: good, rank: 9}
	case e.Observed == resolver.Zonal:
		return status{Name: "observed", rank: 8}
	}
	switch e.Reason {
	case resolver.Unhealthy:
		if e.Ejected {
			return status{Name: "ejected", Class: bad}
		}
		return status{Name: "comparing", Class: warn, rank: 1}
	case resolver.NotInZone:
		return status{Name: "not in the zone", Class: warn, rank: 2}
	case resolver.NoEndpoint:
		return status{Name: "not routed", Class: warn, rank: 4}
	case resolver.NoZone:
		return status{Name: "zone not known", Class: bad, rank: 5}
	case resolver.ShiftedAway:
		return status{Name: "shifted away", Class: warn, rank: 5}
	case resolver.SwitchedOff:
		return status{Name: "off", rank: 6}
	case resolver.CrossRegion:
		return status{Name: "another Region", rank: 7}
	case resolver.FreePath:
		return status{Name: "gateway endpoint", rank: 7}
	}
	return status{Name: e.Reason.String(), rank: 5}
}

// Sorted is the endpoints, those with a problem first.
func (v view) Sorted() []resolver.EndpointState {
	return slices.SortedStableFunc(slices.Values(v.Endpoints), func(a, b resolver.EndpointState) int {
		return cmp.Or(cmp.Compare(statusOf(a).rank, statusOf(b).rank), cmp.Compare(a.Service, b.Service))
	})
}

// count is how many endpoints there are of each status.
type count struct {
	InUse  int
	Others []group
}

type group struct {
	N           int
	Name, Class string
}

// Count counts the endpoints, in the order of Sorted.
func (v view) Count() (c count) {
	for _, e := range v.Sorted() {
		s := statusOf(e)
		if e.InUse {
			c.InUse++
			continue
		}
		i := slices.IndexFunc(c.Others, func(g group) bool { return g.Name == s.Name })
		if i < 0 {
			i = len(c.Others)
			c.Others = append(c.Others, group{0, s.Name, ""})
			if s.Class == bad {
				c.Others[i].Class = "error"
			}
		}
		c.Others[i].N++
	}
	return c
}

// Level is how things are on the whole.
func (v view) Level() string {
	switch inUse := v.Count().InUse; {
	case len(v.Problems) == 0:
		return good
	case v.Mode == resolver.Prefer && inUse == 0:
		return bad
	}
	return warn
}

// Headline says in a line what happens to the next requests.
func (v view) Headline() string {
	c, all := v.Count(), len(v.Endpoints)
	elsewhere := all - c.InUse
	switch {
	case v.Mode == resolver.Off:
		return "Switched off: requests go where the SDK sends them"
	case v.Mode == resolver.Observe:
		return "Observing: requests go where the SDK sends them"
	case !v.ShiftedAwayUntil.IsZero():
		return "Shifted away from " + cmp.Or(v.ZoneName, "the zone") + ": requests go to regional names"
	case v.ZoneName == "" && v.Zone.ID != "":
		return "The zone's name is not known: requests are not kept in it"
	case v.ZoneName == "":
		return "The zone is not known: requests are not kept in it"
	case all == 0:
		return "No endpoint is known: requests go where the SDK sends them"
	case c.InUse == 0:
		return "No request is kept in " + v.ZoneName
	case elsewhere > 0:
		return fmt.Sprintf("%d of %d endpoints are not used in %s", elsewhere, all, v.ZoneName)
	case len(v.Problems) > 0:
		return "Requests stay in " + v.ZoneName + ", with a problem"
	}
	return "Requests stay in " + v.ZoneName
}

// traffic is what went where.
type traffic struct {
	All, Zonal uint64
	Left       []row // what did not go to a zonal name
}

// Share is the part that went to zonal names.
func (t traffic) Share() string {
	switch percent := 100 * float64(t.Zonal) / float64(t.All); {
	case t.Zonal < t.All && percent >= 99.5:
		return "> 99 %"
	case t.Zonal > 0 && percent <= 0.5:
		return "< 1 %"
	default:
		return fmt.Sprintf("%.0f %%", percent)
	}
}

func trafficOf(attempts map[resolver.Reason]uint64) (t traffic) {
	for _, row := range reasons(attempts) {
		t.All += row.N
		if row.zonal {
			t.Zonal += row.N
		} else {
			t.Left = append(t.Left, row)
		}
	}
	return t
}

// Recent is what went where lately, by all endpoints and none.
func (v view) Recent() traffic {
	all := maps.Clone(v.RecentUnmatched)
	if all == nil {
		all = map[resolver.Reason]uint64{}
	}
	for _, e := range v.Endpoints {
		for reason, n := range e.RecentAttempts {
			all[reason] += n
		}
	}
	return trafficOf(all)
}

// For is how long it has been since t.
func (v view) For(t time.Time) string { return short(v.Time.Sub(t)) }

// Ago is how long ago t was, or in how long it will be.
func (v view) Ago(t time.Time) string {
	switch d := v.Time.Sub(t); {
	case t.IsZero():
		return "never"
	case d < 0:
		return "in " + short(-d)
	default:
		return short(d) + " ago"
	}
}

// Retry is when an ejected name is tried again, and by whom.
func (v view) Retry(h resolver.HealthState) string {
	switch {
	case h.RetryAt.IsZero():
		return "not tried again while no request goes to the zone"
	case h.InBackground && h.RetryAt.After(v.Time):
		return "tried again " + v.Ago(h.RetryAt) + ", in the background"
	case h.InBackground:
		return "being tried in the background"
	case h.HalfOpen:
		return "tried again by the next call that can be sent twice"
	}
	return "tried again " + v.Ago(h.RetryAt) + ", by a call that can be sent twice"
}

// short is a time in one or two units.
func short(d time.Duration) string {
	switch s := int(d.Round(time.Second).Seconds()); {
	case s < 100:
		return fmt.Sprintf("%d s", s)
	case s < 100*60:
		return fmt.Sprintf("%d min", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%d days", s/86400)
	}
}

type row struct {
	Name  string
	N     uint64
	zonal bool
}

// reasons and causes list counts, the largest first.
func reasons(m map[resolver.Reason]uint64) []row {
	return rows(m, func(r resolver.Reason) row { return row{r.String(), m[r], r.Target() == resolver.Zonal} })
}

func causes(m map[resolver.Cause]uint64) []row {
	return rows(m, func(c resolver.Cause) row { return row{Name: c.String(), N: m[c]} })
}

func rows[K cmp.Ordered](m map[K]uint64, of func(K) row) []row {
	var list []row
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, of(k))
	}
	slices.SortStableFunc(list, func(a, b row) int { return cmp.Compare(b.N, a.N) })
	return list
}

// grouped is a number with its thousands apart.
func grouped(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// word is one of those that the page explains.
type word struct{ Name, Meaning string }

// legend explains the reasons.
func legend() (words []word) {
	for r := range resolver.Nearest + 1 {
		words = append(words, word{r.String(), r.Meaning()})
	}
	return words
}

func first[T any](n int, list []T) []T { return list[:min(n, len(list))] }
