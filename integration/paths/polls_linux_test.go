package paths

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Given 10,000 long polls in flight, when nothing happens, then watching their paths costs next to nothing: no more than waking up does. A virtual machine
// may charge a process of this size some milliseconds for each time that it wakes up, whatever for (measured: 4.5 ms), so the yardstick is the bare SDK in a
// program that has a timer. What it costs without one is logged.
func TestPolls(t *testing.T) {
	const (
		polls  = 10_000
		window = 30 * time.Second
		most   = 0.01                   // of a core
		looks  = 300 * time.Millisecond // restTicks of package dialer
	)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < polls+1000 {
		unable(t, fmt.Errorf("a process may open %d files here, which is too few for %d connections", limit.Max, polls))
	}
	var rows []row
	for _, p := range []proto{http1, http2} {
		rows = append(rows, row{
			name: "10,000 long polls", proto: p, long: true, spec: spec{Conns: polls, NoLimit: true},
			play: func(t *testing.T, c *caller) result {
				c.site.service.plan("poll", plan{hold: never})
				c.start(t, order{Do: "receive", Label: "poll", Calls: polls, Every: 3 * time.Millisecond}) // nobody waits for their end
				c.site.service.await(t, "poll", polls)
				time.Sleep(5 * time.Second) // the garbage of the beginning
				cores := func() float64 {
					before, start := c.do(t, order{Do: "usage"}).CPU, time.Now()
					time.Sleep(window)
					return float64(c.do(t, order{Do: "usage"}).CPU-before) / float64(time.Since(start))
				}
				r := c.result(nil)
				r.cores = cores()
				if c.kind == bare {
					t.Logf("without a timer the bare SDK uses %.4f cores", r.cores)
					c.start(t, order{Do: "wake", Every: looks})
					r.cores = cores()
				}
				for i := range polls {
					call := fmt.Sprint("poll.", i)
					r.executions[call] = c.site.service.of(call)
				}
				return r
			},
			want: func(t *testing.T, bare, ours result) {
				for who, got := range map[string]result{"bare": bare, "azaffinity": ours} {
					wantExecuted(t, who, got, 1, 1)
				}
				if more := ours.cores - bare.cores; more > most {
					t.Errorf("azaffinity uses %.4f cores more than the bare SDK's %.4f, want at most %v", more, bare.cores, most)
				}
			},
		})
	}
	runRows(t, single, rows)
}
