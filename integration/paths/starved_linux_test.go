package paths

import (
	"fmt"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// starve leaves a caller little of a processor, until the returned function is called.
type starve struct {
	name string
	spec spec
	do   func(*testing.T, *caller) (lift func())
}

// quotaOf is a group of processes with so many hundredths of a processor, and the caller computing in it, too.
func quotaOf(percent, spinning int) starve {
	return starve{fmt.Sprintf("%d%% of a processor", percent), spec{}, func(t *testing.T, c *caller) func() {
		c.do(t, order{Do: "spin", Calls: spinning})
		return c.quota(t, percent)
	}}
}

// busy is a caller with one processor and so many goroutines that compute.
func busy(spinning int) starve {
	return starve{fmt.Sprintf("one processor, %d goroutines compute", spinning), spec{Procs: 1}, func(t *testing.T, c *caller) func() {
		c.do(t, order{Do: "spin", Calls: spinning})
		return func() {}
	}}
}

func wantAsBare(t *testing.T, bare, ours result) {
	t.Helper()
	wantExecuted(t, "bare", bare, 0, 1)
	wantExecuted(t, "azaffinity", ours, 0, 1)
	if got, most := ours.failed(), bare.failed(); got > most {
		t.Errorf("azaffinity: %d of %d calls failed, of the bare SDK's %d: %s", got, len(ours.calls), most, ours.errors())
	}
}

// Given a healthy network, when the process gets little of a processor, then it fails and repeats no calls that the bare SDK doesn't, and makes as many
// connections.
func TestStarved(t *testing.T) {
	need(t)
	if _, err := groupRoot(); err != nil {
		t.Logf("%v: goroutines compute instead", err)
		runRows(t, paired, starvedRows(busy(40), busy(20)))
		return
	}
	runRows(t, abreast, starvedRows(quotaOf(20, 2), quotaOf(5, 0)))
}

// Given a healthy network, when goroutines compute on the only processor, then the process fails and repeats no calls that the bare SDK doesn't.
func TestBusy(t *testing.T) {
	runRows(t, paired, starvedRows(busy(40)))
}

// handshakeTimeout is TLSHandshakeTimeout of the SDK's own transport (aws/transport/http, DefaultHTTPTransportTLSHandleshakeTimeout).
const handshakeTimeout = 10 * time.Second

// youngStreams is how many calls one HTTP/2 connection takes until net/http has read the server's settings (initialMaxConcurrentStreams). Of calls that have
// waited for a connection together, those beyond that make others. In twelve runs 200 calls made 84 to 265 connections bare, 239 of them in a run in which none was
// late, and 110 to 289 with azaffinity.
const youngStreams = 100

// starvedRows are calls of a process that is starved in the first way, and a burst of first calls in the others.
func starvedRows(calling starve, bursts ...starve) (rows []row) {
	const first = 200
	for _, p := range []proto{http1, http2} {
		rows = append(rows, row{
			name: "starved: " + calling.name, proto: p, spec: calling.spec,
			play: func(t *testing.T, c *caller) result {
				lift := calling.do(t, c)
				c.site.service.plan("slow", plan{hold: 4 * time.Second})
				slow := c.start(t, order{Do: "send", Label: "slow", Calls: 5})
				quick := c.do(t, order{Do: "send", Label: "quick", Calls: 100, Workers: 20})
				calls := append(slow().Calls, quick.Calls...)
				lift()
				return c.result(calls)
			},
			want: wantAsBare,
		})
		for _, way := range bursts {
			rows = append(rows, row{
				name: fmt.Sprintf("starved: %d first calls, %s", first, way.name), proto: p, spec: way.spec,
				play: func(t *testing.T, c *caller) result {
					lift := way.do(t, c)
					calls := c.do(t, order{Do: "send", Label: "first", Calls: first}).Calls
					lift()
					return c.result(calls)
				},
				want: func(t *testing.T, bare, ours result) {
					wantAsBare(t, bare, ours)
					// A call whose turn comes late finds a connection that another has left, by chance; else it makes one.
					// One that takes longer than the transport gives a handshake has made a second, as the bare SDK's has.
					late := 0
					for _, o := range ours.calls {
						if o.Target != resolver.Zonal.String() {
							t.Errorf("azaffinity: %s went by the %s name: being starved was taken for the zone's fault", o.Name, o.Target)
						}
						if o.End.Sub(o.Start) > handshakeTimeout {
							late++
						}
					}
					most := max(bare.connections+bare.connections/10, first)
					if p == http2 {
						most = max(most, first+youngStreams)
					}
					if got := ours.connections; got > most+late {
						t.Errorf("azaffinity made %d connections, the bare SDK %d; %d calls took longer than a handshake may", got, bare.connections, late)
					}
				},
			})
		}
	}
	return rows
}

// Given one processor, when a TLS handshake takes it for longer than the connect timeout, then there is one handshake, and the call takes as long as that.
func TestSlowHandshake(t *testing.T) {
	const takes = 1500 * time.Millisecond
	var rows []row
	for _, p := range []proto{http1, http2} {
		rows = append(rows, row{
			name: "one slow handshake", proto: p, spec: spec{Procs: 1, Handshake: takes},
			play: func(t *testing.T, c *caller) result {
				return c.result(c.do(t, order{Do: "send", Label: "first", Calls: 1}).Calls)
			},
			want: func(t *testing.T, bare, ours result) {
				for who, got := range map[string]result{"bare": bare, "azaffinity": ours} {
					wantAnswered(t, who, got, takes+600*time.Millisecond)
					if got.connections != 1 {
						t.Errorf("%s made %d connections, want 1", who, got.connections)
					}
				}
			},
		})
	}
	runRows(t, paired, rows)
}
