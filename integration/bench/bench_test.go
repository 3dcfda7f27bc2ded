package main

import (
	"math"
	"os"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	if isChild() {
		return
	}
	os.Exit(m.Run())
}

// newWorld is one that ends with the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	t.Cleanup(w.close)
	return w
}

// Given each kind of call, when each client makes one, then it goes to the host that the row says: the zonal name with azaffinity.
func TestCallsGoWhereTheRowSays(t *testing.T) {
	for _, k := range cases {
		for _, c := range clients {
			t.Run(k.name+"/"+c.String(), func(t *testing.T) {
				var mu sync.Mutex
				var host string
				w := newWorld(t)
				w.seen = func(h string) {
					mu.Lock()
					defer mu.Unlock()
					host = h
				}
				do, err := k.make(w, c)
				if err != nil {
					t.Fatal(err)
				}
				if err := do(); err != nil {
					t.Fatal(err)
				}
				want := k.usual
				if c == azaffinity {
					want = k.zonal
				}
				mu.Lock()
				defer mu.Unlock()
				if host != want {
					t.Errorf("sent to %s, want %s", host, want)
				}
			})
		}
	}
}

// Given each kind of call, when allocations are counted, then azaffinity adds no more than the README says.
func TestAllocations(t *testing.T) {
	const most = 4
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			w := newWorld(t)
			var calls [len(clients)]call
			for _, c := range clients {
				var err error
				if calls[c], err = k.make(w, c); err != nil {
					t.Fatal(err)
				}
			}
			for try := 1; ; try++ { // what else the process does while a client is counted is counted, too
				var counts [len(clients)]count
				for _, c := range clients {
					var err error
					if counts[c], err = counted(calls[c], 500); err != nil {
						t.Fatal(err)
					}
				}
				noise := math.Abs(counts[bareAgain].allocations - counts[bare].allocations)
				added := counts[azaffinity].allocations - counts[bare].allocations
				switch {
				case noise > 0.5 && try < 10:
					continue
				case noise > 0.5:
					t.Errorf("the bare SDK differs from itself by %.2f allocations", noise)
				case added > most+0.5:
					t.Errorf("azaffinity adds %.2f allocations to the bare SDK's %.2f, want at most %d", added, counts[bare].allocations, most)
				}
				return
			}
		})
	}
}

// Given samples of which the ratio is known, when it is estimated, then the interval is around it.
func TestRatios(t *testing.T) {
	var a, b []float64
	for i := range 40 {
		base := 100 + float64(i%7) // the machine is slower in some rounds
		a, b = append(a, base*1.1*(1+0.01*float64(i%3-1))), append(b, base)
	}
	if got := ratiosOf(a, b); got.low > 1.1001 || got.high < 1.0999 || math.Abs(got.middle-1.1) > 0.001 || got.high-got.low > 0.025 {
		t.Errorf("got %v, want 1.1 and an interval around it", got)
	}
	if got := ratiosOf(b, b); got != (interval{1, 1, 1}) {
		t.Errorf("got %v of the same, want 1", got)
	}
}
