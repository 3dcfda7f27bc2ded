package paths

import (
	"fmt"
	"testing"
	"time"
)

const (
	never = time.Hour               // to a server that would still be busy
	ended = 2500 * time.Millisecond // how long an attempt may last on a dead path
)

// deadRow is calls whose path to the home zone dies for good: after the requests have come (acknowledged), or before they are sent.
func deadRow(p proto, calls int, acknowledged bool, o order, s spec) row {
	s.Kind, s.Conns = pinned, max(calls, 10)
	o.Do, o.Calls, o.Label = "send", calls, "doomed"
	when := "before the request"
	if acknowledged {
		when = "after the request"
	}
	return row{
		name: fmt.Sprintf("path dead %s, %d calls", when, calls), proto: p, spec: s, warm: calls,
		play: func(t *testing.T, c *caller) result {
			var atHome plan
			if acknowledged {
				atHome = plan{hold: never, elsewhere: &plan{}}
			}
			c.site.service.plan(o.Label, atHome)
			if !acknowledged {
				fault := c.site.lose(t, 0, home)
				r := c.result(c.do(t, o).Calls)
				r.fault = fault
				return r
			}
			outcomes := c.start(t, o)
			c.site.service.await(t, o.Label, calls)
			fault := c.site.lose(t, 0, home)
			r := c.result(outcomes().Calls)
			r.fault = fault
			return r
		},
	}
}

// Given calls in flight, when the path under them dies, then their attempts end soon, and the SDK's retry is answered elsewhere.
func TestDead(t *testing.T) {
	t.Parallel()
	const deadline = 10 * time.Second
	specs := map[string]spec{
		"":                                       {},
		", the program's connections embedded":   {Embedded: true},
		", the program's own control and probes": {Control: true},
	}
	var rows []row
	for _, p := range []proto{http1, http2} {
		for what, s := range specs {
			for _, acknowledged := range []bool{false, true} {
				r := deadRow(p, 10, acknowledged, order{Deadline: deadline}, s)
				r.name += what
				r.want = func(t *testing.T, bare, ours result) {
					wantDeadline(t, "bare", bare, deadline)
					wantEnded(t, "azaffinity", ours, ended)
					wantNoFailure(t, "azaffinity", ours, ended+3*time.Second) // the SDK's pause takes up to two of them
					wantOnceMore(t, bare, ours, acknowledged)
				}
				rows = append(rows, r)
			}
		}
	}
	runRows(t, abreast, rows)
}

// wantOnceMore: what was executed at home before the path died was executed elsewhere once more, since nobody can know; what was not, once.
func wantOnceMore(t *testing.T, bare, ours result, acknowledged bool) {
	t.Helper()
	if acknowledged {
		wantExecuted(t, "bare", bare, 1, 1)
		wantExecuted(t, "azaffinity", ours, 2, 2)
	} else {
		wantExecuted(t, "bare", bare, 0, 0)
		wantExecuted(t, "azaffinity", ours, 1, 1)
	}
}

// Given calls that nobody would retry, when the path under them dies, then they are left to their deadline: the path may come back.
func TestDeadWithoutRetry(t *testing.T) {
	t.Parallel()
	const deadline = 5 * time.Second
	var rows []row
	for _, p := range []proto{http1, http2} {
		for _, acknowledged := range []bool{false, true} {
			r := deadRow(p, 10, acknowledged, order{Deadline: deadline, Attempts: 1}, spec{})
			r.name += ", one attempt"
			r.want = func(t *testing.T, bare, ours result) {
				executed := 0
				if acknowledged {
					executed = 1
				}
				for who, got := range map[string]result{"bare": bare, "azaffinity": ours} {
					wantDeadline(t, who, got, deadline)
					wantExecuted(t, who, got, executed, executed)
				}
			}
			rows = append(rows, r)
		}
	}
	runRows(t, abreast, rows)
}

// Given hundreds of calls in flight, when the path under them dies, then none fails: there are more of them than the SDK's retry quota pays for at
// once. Of still more, no more fail than of the bare SDK.
func TestManyDead(t *testing.T) {
	t.Parallel()
	const deadline = 20 * time.Second
	var rows []row
	for _, p := range []proto{http1, http2} {
		for _, acknowledged := range []bool{false, true} {
			r := deadRow(p, 300, acknowledged, order{Deadline: deadline}, spec{})
			r.long = acknowledged == (p == http2)
			r.want = func(t *testing.T, bare, ours result) {
				if got := bare.failed(); got != len(bare.calls) {
					t.Errorf("bare: %d of %d calls failed, want all: the path is not dead", got, len(bare.calls))
				}
				wantNoFailure(t, "azaffinity", ours, deadline)
				wantOnceMore(t, bare, ours, acknowledged)
			}
			rows = append(rows, r)
			r = deadRow(p, 1500, acknowledged, order{Deadline: deadline}, spec{})
			r.long = true
			r.want = func(t *testing.T, bare, ours result) {
				if got, most := ours.failed(), bare.failed(); got > most || most != len(bare.calls) {
					t.Errorf("%d of %d calls failed, of the bare SDK's %d; want no more, and all of those: %s", got, len(ours.calls), most, ours.errors())
				}
				wantExecuted(t, "azaffinity", ours, 0, 2)
			}
			rows = append(rows, r)
		}
	}
	runRows(t, abreast, rows)
}
