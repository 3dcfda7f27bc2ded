package paths

import (
	"fmt"
	"testing"
	"time"
)

// Faults that pass, or that a call under way doesn't meet: it is answered on the connection it is on, and executed once.

// Given calls on connections that were there before, when the SYNs of new ones are dropped, then the calls don't notice.
func TestNewConnectionsRefused(t *testing.T) {
	t.Parallel()
	const calls, takes = 20, 2500 * time.Millisecond
	var rows []row
	for _, p := range []proto{http1, http2} {
		for where, zones := range map[string][]string{"everywhere": {home, away}, "at home": {home}} {
			rows = append(rows, row{
				name: "SYNs dropped " + where, proto: p, spec: spec{Conns: calls}, warm: calls,
				play: func(t *testing.T, c *caller) result {
					c.site.closeTo(t, zones...)
					c.site.service.plan("slow", plan{hold: takes})
					return c.result(c.do(t, order{Do: "send", Label: "slow", Calls: calls, Deadline: 15 * time.Second}).Calls)
				},
				want: func(t *testing.T, bare, ours result) {
					wantAnswered(t, "bare", bare, takes+2*time.Second)
					wantAnswered(t, "azaffinity", ours, takes+2*time.Second)
				},
			})
		}
	}
	runRows(t, abreast, rows)
}

const (
	blipCalls = 60
	blipTakes = 3 * time.Second
	// blipLimit: what was lost is sent again when the kernel's timer says so, which doubles; or elsewhere, after a pause of the SDK's.
	blipLimit = blipTakes + 6*time.Second
)

func wantBlip(t *testing.T, bare, ours result) {
	wantAnswered(t, "bare", bare, blipLimit)
	wantAnswered(t, "azaffinity", ours, blipLimit)
}

// Given calls that began at different moments, when all packets are lost for a while that TCP gets over, then each is answered and executed once.
func TestBlip(t *testing.T) {
	t.Parallel()
	var rows []row
	for _, p := range []proto{http1, http2} {
		for _, d := range []time.Duration{350, 500, 700, 900} {
			d *= time.Millisecond
			for where, zones := range map[string][]string{"everywhere": {home, away}, "at home": {home}} {
				yardstick := bare
				if where == "at home" {
					yardstick = pinned // the regional name's connections may all be elsewhere
				}
				rows = append(rows, row{
					name: fmt.Sprintf("%v of loss %s, sixty moments", d, where), proto: p, spec: spec{Kind: yardstick, Conns: blipCalls}, warm: blipCalls,
					play: func(t *testing.T, c *caller) result {
						c.site.service.plan("slow", plan{hold: blipTakes})
						begun := time.Now()
						calls := c.start(t, order{Do: "send", Label: "slow", Calls: blipCalls, Every: blipTakes / blipCalls, Deadline: 20 * time.Second})
						time.Sleep(time.Until(begun.Add(blipTakes - d/2))) // requests and answers are lost, and neither
						c.site.lose(t, d, zones...)
						return c.result(calls().Calls)
					},
					want: wantBlip,
				})
			}
			for moment := range 10 {
				rows = append(rows, row{
					name: fmt.Sprintf("%v of loss, moment %d", d, moment), proto: p, long: true, spec: spec{Kind: pinned, Conns: blipCalls}, warm: blipCalls,
					play: func(t *testing.T, c *caller) result {
						c.site.service.plan("slow", plan{hold: blipTakes})
						calls := order{Do: "send", Label: "slow", Calls: blipCalls, Deadline: 20 * time.Second}
						if moment == 0 { // before the request
							c.site.lose(t, d, home)
							return c.result(c.do(t, calls).Calls)
						}
						outcomes := c.start(t, calls)
						c.site.service.await(t, "slow", blipCalls)
						time.Sleep(time.Duration(moment) * blipTakes / 10)
						c.site.lose(t, d, home)
						return c.result(outcomes().Calls)
					},
					want: wantBlip,
				})
			}
		}
	}
	runRows(t, abreast, rows)
}

// Given calls in flight, when their process is stopped for a while, then it takes nothing of that for the network's fault.
func TestStopped(t *testing.T) {
	t.Parallel()
	const calls = 20
	var rows []row
	for _, p := range []proto{http1, http2} {
		for _, d := range []time.Duration{700 * time.Millisecond, 3 * time.Second, 30 * time.Second} {
			for _, takes := range []time.Duration{2 * time.Second, 5 * time.Second} {
				rows = append(rows, row{
					name: fmt.Sprintf("stopped for %v under calls of %v", d, takes), proto: p, long: d > 10*time.Second, spec: spec{Conns: calls}, warm: calls,
					play: func(t *testing.T, c *caller) result {
						c.site.service.plan("slow", plan{hold: takes})
						outcomes := c.start(t, order{Do: "send", Label: "slow", Calls: calls})
						c.site.service.await(t, "slow", calls)
						time.Sleep(600 * time.Millisecond) // past the moment that azaffinity looks at the path
						c.stop(t, d)
						return c.result(outcomes().Calls)
					},
					want: func(t *testing.T, bare, ours result) {
						limit := max(takes, d+600*time.Millisecond) + 2*time.Second
						wantAnswered(t, "bare", bare, limit)
						wantAnswered(t, "azaffinity", ours, limit)
					},
				})
			}
		}
	}
	runRows(t, abreast, rows)
}
