package dialer

import (
	"fmt"
	"math/rand"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// distances are how far addresses are, in microseconds, and by how much that varies.
type distances struct {
	far  [3]float64
	vary float64
}

// visit makes connections to a host with three addresses, which DNS rotates, one a second, with handshake times drawn from the distances, and calls each with the
// address and whether it was chosen.
func visit(n *nearest, seed int64, connections int, d distances, each func(i, to int, chosen bool)) {
	random := rand.New(rand.NewSource(seed))
	var ips []netip.Addr
	for i := range d.far {
		ips = append(ips, testAddr(i))
	}
	for i := range connections {
		to, chosen := i%len(ips), false
		if near, _ := n.prefer("host", ips, time.Duration(i)*time.Second); len(near) > 0 && !n.explores("host") {
			chosen = len(near) == 1
			for !slices.Contains(near, ips[to]) {
				to = (to + 1) % len(ips)
			}
		}
		each(i, to, chosen)
		n.measured(ips[to], uint32(max(20, d.far[to]+random.NormFloat64()*d.vary)))
	}
}

// Given hosts with a choice among their addresses, and without, when connections are made, then one in 200 is made as DNS says, one in 100 while another address
// may be nearer, and of hosts without none is said to be.
func TestExploring(t *testing.T) {
	for want, p := range map[int]*preference{0: nil, 5: {}, 10: {wins: 1}} {
		n := newNearest()
		if p != nil {
			n.hosts["host"] = p
		}
		got := 0
		for range 1000 {
			if n.explores("host") {
				got++
			}
		}
		if got != want {
			t.Errorf("%+v: %d of 1,000 explore, want %d", p, got, want)
		}
	}
}

// Given a choice, when it is made again and again, then what narrows it, or replaces an address that is gone, holds at once, and another in the third window in a row
// that has the same.
func TestChoices(t *testing.T) {
	a, b, c := testAddr(1), testAddr(2), testAddr(3)
	all := []netip.Addr{a, b, c}
	p := &preference{window: -1}
	for i, tt := range []struct {
		near   []netip.Addr // the first is the best
		ips    []netip.Addr
		window int64
		want   []netip.Addr
		wins   int
	}{
		{[]netip.Addr{a, b}, all, 0, []netip.Addr{a, b}, 0},
		{[]netip.Addr{a}, all, 0, []netip.Addr{a}, 0}, // narrower
		{[]netip.Addr{b}, all, 0, []netip.Addr{a}, 0}, // in the same window
		{[]netip.Addr{b}, all, 1, []netip.Addr{a}, 1},
		{[]netip.Addr{b}, all, 1, []netip.Addr{a}, 1},
		{[]netip.Addr{b}, all, 2, []netip.Addr{a}, 2},
		{[]netip.Addr{c}, all, 3, []netip.Addr{a}, 1}, // another rival
		{[]netip.Addr{c}, all, 4, []netip.Addr{a}, 2},
		{[]netip.Addr{a, c}, all, 5, []netip.Addr{a}, 0}, // it is the best again
		{[]netip.Addr{c}, all, 6, []netip.Addr{a}, 1},
		{[]netip.Addr{c}, all, 7, []netip.Addr{a}, 2},
		{[]netip.Addr{c}, all, 8, []netip.Addr{c}, 0}, // the third window
		{[]netip.Addr{b}, all, 9, []netip.Addr{c}, 1},
		{[]netip.Addr{b}, []netip.Addr{a, b}, 9, []netip.Addr{b}, 0}, // what was chosen is gone
		{nil, all, 10, []netip.Addr{b}, 1},                           // none is nearer any more
		{nil, all, 11, []netip.Addr{b}, 2},
		{nil, all, 12, nil, 0},
		{[]netip.Addr{c}, all, 12, []netip.Addr{c}, 0},
	} {
		best := netip.Addr{}
		if len(tt.near) > 0 {
			best = tt.near[0]
		}
		p.choose(best, tt.near, tt.ips, tt.window)
		if !slices.Equal(p.near, tt.want) || p.wins != tt.wins {
			t.Errorf("choice %d: got %v, with %d wins for %v; want %v and %d", i, p.near, p.wins, p.rivals, tt.want, tt.wins)
		}
	}
}

// Given addresses at distances that were measured in AWS, and such that load blurs, when connections are made, then at most one of a hundred after the first ten is
// made to another than the nearest by choice; and where they are as far apart as zones are, at least 95 of a hundred are made to the nearest.
func TestNearestIsRight(t *testing.T) {
	for _, d := range []distances{
		{[3]float64{220, 600, 1200}, 200},
		{[3]float64{220, 600, 1200}, 20},
		{[3]float64{350, 450, 1000}, 200},
		{[3]float64{350, 450, 1000}, 30},
	} {
		t.Run(fmt.Sprint(d), func(t *testing.T) {
			t.Parallel()
			var all, wrong, near float64
			for seed := range int64(100) {
				visit(newNearest(), seed, 1000, d, func(i, to int, chosen bool) {
					switch {
					case i < 10:
						return
					case to == 0:
						near++
					case chosen:
						wrong++
					}
					all++
				})
			}
			t.Logf("%.2f %% chosen wrongly, %.1f %% made to the nearest", 100*wrong/all, 100*near/all)
			if wrong > all/100 {
				t.Errorf("%.2f %% were chosen wrongly", 100*wrong/all)
			}
			if d.far[1] > 500 && near < 0.95*all {
				t.Errorf("%.1f %% were made to the nearest", 100*near/all)
			}
		})
	}
}

// Given two addresses that are as near, and a third that is farther, when connections are made, then they are spread over the two, but for those that look again, and the
// third is left out from then on, when one of the two turns out to be nearer, too.
func TestNearestMayBeTwo(t *testing.T) {
	n := newNearest()
	var to [3]int
	count := func(_, there int, _ bool) { to[there]++ }
	visit(n, 1, 1000, distances{[3]float64{400, 410, 1000}, 10}, count)
	if to[0] < 300 || to[1] < 300 || to[2] > 10 {
		t.Errorf("%v connections were made", to)
	}
	to = [3]int{}
	visit(n, 1, 200, distances{[3]float64{400, 600, 1000}, 10}, count)
	if to[0] < 150 || to[2] > 3 {
		t.Errorf("%v connections were made, once the second was farther", to)
	}
}

// Given an address that is chosen, when another becomes the nearest, then the choice changes after three minutes in a row, and once.
func TestNearestChangesSlowly(t *testing.T) {
	n := newNearest()
	quiet := func(int, int, bool) {}
	visit(n, 1, 100, distances{[3]float64{200, 600, 1200}, 10}, quiet)
	ips := []netip.Addr{testAddr(0), testAddr(1), testAddr(2)}
	for range keptTimes {
		n.measured(ips[0], 1500)
	}
	var changed []int
	for second := range 600 {
		near, news := n.prefer("host", ips, 100*time.Second+time.Duration(second)*time.Second)
		if news != "" {
			changed = append(changed, second)
			if !slices.Equal(near, ips[1:2]) {
				t.Errorf("changed to %v", near)
			}
		}
	}
	if len(changed) != 1 || changed[0] < 120 || changed[0] > 180 {
		t.Errorf("changed at %v seconds, want once, in the third minute", changed)
	}
}

// Given addresses that are not all private, or are equally far, or of which one is not known, then none is chosen.
func TestNearestLeavesAlone(t *testing.T) {
	private, shared := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("100.64.0.1")
	for name, tt := range map[string]struct {
		other netip.Addr
		far   uint32
		times int
		want  bool
	}{
		"farther":              {shared, 400, 4, true},
		"a unique local one":   {netip.MustParseAddr("fd00::1"), 400, 4, true},
		"public":               {netip.MustParseAddr("203.0.113.1"), 400, 4, false},
		"this machine":         {netip.MustParseAddr("127.0.0.1"), 400, 4, false},
		"nearly as near":       {shared, 239, 4, false},
		"seen three times":     {shared, 400, 3, false},
		"no time was measured": {shared, 0, 4, false},
	} {
		n := newNearest()
		ips := []netip.Addr{tt.other, private}
		_, _ = n.prefer("host", ips, 0)
		for range tt.times {
			n.measured(private, 200)
			n.measured(tt.other, tt.far)
		}
		if near, news := n.prefer("host", ips, 0); slices.Equal(near, ips[1:]) != tt.want || (news != "") != tt.want {
			t.Errorf("%s: got %v, %q", name, near, news)
		}
	}
}

// Given more hosts and addresses than are remembered, then no more are, and the choices stay.
func TestNearestIsBounded(t *testing.T) {
	n := newNearest()
	visit(n, 1, 50, distances{[3]float64{200, 600, 1200}, 10}, func(int, int, bool) {})
	for i := range 10 * maxNearHosts {
		_, _ = n.prefer(fmt.Sprint(i), []netip.Addr{testAddr(2*i + 10), testAddr(2*i + 11)}, 0)
	}
	if len(n.hosts) > maxNearHosts || len(n.addrs) > maxNearAddrs {
		t.Errorf("%d hosts and %d addresses are remembered", len(n.hosts), len(n.addrs))
	}
	if near, _ := n.prefer("host", []netip.Addr{testAddr(0), testAddr(1), testAddr(2)}, 0); !slices.Equal(near, []netip.Addr{testAddr(0)}) {
		t.Errorf("chose %v, want the choice to stay", near)
	}
}

// Given an address that was the nearest, when all are as near for a while, then it is said that none is preferred any more, and before, which is, and why.
func TestNewsOfTheNearest(t *testing.T) {
	n := newNearest()
	ips := []netip.Addr{testAddr(1), testAddr(2)}
	var news []string
	at := time.Duration(0)
	measure := func(far ...uint32) {
		for range 2 * keptTimes {
			for i, ip := range ips {
				n.measured(ip, far[i])
			}
			at += window
			if near, what := n.prefer("host", ips, at); what != "" {
				news = append(news, fmt.Sprintf("%v: %s", near, what))
			}
		}
	}
	n.prefer("host", ips, at)
	measure(200, 900)
	measure(900, 890)
	if want := []string{"[10.0.0.1]: 0.20 ms, and the next 0.90 ms", "[]: all may be as near as the nearest, 0.89 ms: connections are made as DNS says"}; !slices.Equal(news, want) {
		t.Errorf("got %q, want %q", news, want)
	}
}
