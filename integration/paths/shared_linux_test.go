package paths

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// Given long calls on an HTTP/2 connection, when other calls on it fail, leave the zonal name, and come back to it, then the long ones are answered: the
// connection belongs to net/http.
func TestSharedConnection(t *testing.T) {
	t.Parallel()
	const (
		calls   = 10
		takes   = 22 * time.Second
		ill     = 3 * time.Second
		healthy = "Zonal"
	)
	var rows []row
	for _, p := range []proto{http2, h2c} {
		rows = append(rows, row{
			name: "name ejected and back under long calls", proto: p, spec: spec{Kind: pinned}, warm: 2,
			play: func(t *testing.T, c *caller) result {
				c.site.dns.steady.Store(true) // the other zone answers
				var broken atomic.Bool
				broken.Store(true)
				c.site.service.plan("long", plan{hold: takes})
				c.site.service.plan("short", plan{broken: func(zone string) bool { return zone == home && broken.Load() }})
				long := c.start(t, order{Do: "receive", Label: "long", Calls: calls, Deadline: takes + 20*time.Second})
				c.site.service.await(t, "long", calls)

				r := result{}
				fault := time.Now()
				for _, o := range c.do(t, order{Do: "send", Label: "short", Calls: 30, Every: ill / 30, Deadline: ill}).Calls {
					r.ejected = r.ejected || len(o.Attempts) == 1 && o.Err == "" && o.Target == "Regional"
				}
				broken.Store(false)
				// Calls on the connection of the regional name, which is left when the zonal name is back.
				c.site.service.plan("meanwhile", plan{hold: takes - 2*ill})
				meanwhile := c.start(t, order{Do: "receive", Label: "meanwhile", Calls: calls, Deadline: takes + 20*time.Second})
				c.site.service.await(t, "meanwhile", calls)
				for i := 0; r.ejected && time.Since(fault) < takes; i++ { // now and then a call, any of which may be the half-open probe
					c.site.service.plan(fmt.Sprint("later", i), plan{})
					o := c.do(t, order{Do: "send", Label: fmt.Sprint("later", i), Calls: 1, Deadline: ill}).Calls[0]
					if o.Target == healthy {
						r.returned = o.End
						break
					}
					time.Sleep(100 * time.Millisecond)
				}
				ejected, returned := r.ejected, r.returned
				r = c.result(append(long().Calls, meanwhile().Calls...))
				r.ejected, r.returned, r.fault = ejected, returned, fault
				return r
			},
			want: func(t *testing.T, bare, ours result) {
				wantAnswered(t, "bare", bare, takes+3*time.Second)
				wantAnswered(t, "azaffinity", ours, takes+3*time.Second)
				if !ours.ejected || ours.returned.IsZero() {
					t.Fatalf("azaffinity left the zonal name: %v, and came back: %v; want both while the long calls last", ours.ejected, !ours.returned.IsZero())
				}
				t.Logf("azaffinity: the name was back %v after the fault began", ours.returned.Sub(ours.fault).Round(time.Millisecond))
			},
		})
	}
	runRows(t, abreast, rows)
}
