//go:build linux && !386 && !s390x

package dialer

import (
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// Given what the kernel says of data that it has sent again and again, or of windows that it has probed, when that is looked at, then a path is dead in the third
// look in a row that found three such, once nothing has moved for 1.4 s, and a single look that found fewer begins the count anew.
func TestUnheard(t *testing.T) {
	again := func(n uint8) tcpInfo { return tcpInfo{unacked: 1, retransmits: n} }
	probed := func(n uint8) tcpInfo { return tcpInfo{unsent: 1, probes: n} }
	for name, tt := range map[string]struct {
		quiet int
		looks []tcpInfo
		want  bool // in the last look; in none before
	}{
		"sent again three times":           {14, []tcpInfo{again(3), again(3), again(3)}, true},
		"and more":                         {50, []tcpInfo{again(4), again(5), again(6)}, true},
		"two looks":                        {14, []tcpInfo{again(3), again(3)}, false},
		"once fewer":                       {14, []tcpInfo{again(2), again(2), again(2), again(2)}, false},
		"too early":                        {13, []tcpInfo{again(3), again(3), again(3), again(3)}, false},
		"acknowledged between":             {14, []tcpInfo{again(3), again(3), again(0), again(3), again(3)}, false},
		"and then lost":                    {14, []tcpInfo{again(3), again(3), again(0), again(3), again(3), again(3)}, true},
		"probed three times":               {14, []tcpInfo{probed(3), probed(3), probed(3)}, true},
		"probed once fewer":                {14, []tcpInfo{probed(2), probed(2), probed(2), probed(2)}, false},
		"keep-alives, and data on its way": {14, []tcpInfo{{unacked: 1, probes: 9}, {unacked: 1, probes: 9}, {unacked: 1, probes: 9}}, false},
		"data that was sent again before":  {14, []tcpInfo{{unsent: 1, retransmits: 9}, {unsent: 1, retransmits: 9}, {unsent: 1, retransmits: 9}}, false},
	} {
		s := sight{quiet: tt.quiet}
		for i, info := range tt.looks {
			last := i == len(tt.looks)-1
			if got := s.unheard(info); got != (last && tt.want) {
				t.Errorf("%s: %v in look %d of %d", name, got, i+1, len(tt.looks))
			}
		}
	}
}

// Given a connection on which nothing is on its way, when it is looked at, then it is left alone until nothing has moved on it in four looks.
func TestQuietTicks(t *testing.T) {
	inner := connected(t)
	c := &conn{Conn: inner}
	w := &path{raw: rawOf(inner)}
	look := func() bool {
		var found verdicts
		w.lookAt(c, &found)
		if found.dead != nil || found.lost != nil || found.doubt {
			t.Errorf("found %+v", found)
		}
		return len(found.quiet) == 1
	}
	for range 2 {
		c.moves.Add(1)
		for i, want := range []bool{false, false, false, false, true} {
			if got := look(); got != want {
				t.Errorf("look %d after something moved: quiet is %v, want %v", i, got, want)
			}
		}
	}
}

// Given a connection that sends keep-alives as Go's do, when it is probed, then it sends one a second, of which the kernel lets 127 be lost; and when it rests, as before.
func TestKeepAlives(t *testing.T) {
	inner := connected(t)
	w := &path{raw: rawOf(inner)}
	before := keepAlive{idle: 15, interval: 15, count: 9} // net.KeepAliveConfig's defaults
	w.parked.Store(true)
	w.probe(&conn{Conn: inner, path: w}, &verdicts{})
	during, ok := probing.set(w.raw)
	if want := (keepAlive{1, 1, 127}); !ok || during != want || !w.probing || w.usual != before {
		t.Errorf("probed: %+v, want %+v; before: %+v, want %+v", during, want, w.usual, before)
	}
	w.rest()
	if after, ok := probing.set(w.raw); !ok || after != before || w.probing {
		t.Errorf("rests: %+v, want %+v", after, before)
	}
	for _, idle := range []bool{false, true} {
		if err := inner.(*net.TCPConn).SetKeepAlive(idle); err != nil {
			t.Fatal(err)
		}
		if _, ok := probing.set(w.raw); ok != idle {
			t.Errorf("keep-alives %v: %v", idle, ok)
		}
	}
}

// Given connections that come, go quiet, move again and end in any order, then the lively ones come first, each knows its place, and those that owe an answer are
// counted.
func TestLivelyOnesComeFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newWatch()
	addr := netip.MustParseAddrPort("10.0.0.1:443")
	p := &paths{}
	w.hosts[addr] = p
	var all []*conn
	for range 5000 {
		var c *conn
		if len(all) > 0 {
			c = all[random.IntN(len(all))]
		}
		switch n := random.IntN(10); {
		case c == nil || n < 2 && len(all) < 40:
			c = &conn{shared: random.IntN(4) == 0}
			c.path = &path{watch: w, addr: addr, index: len(p.conns)}
			all = append(all, c)
			p.conns = append(p.conns, c)
			p.swap(c, p.lively)
			p.lively++
		case n < 4:
			c.owed.Store(random.IntN(2) == 0)
			if !c.path.parked.Load() {
				p.park(c)
			}
		case n < 5: // something moved between the look and the lock
			c.moves.Add(1)
			if !c.path.parked.Load() {
				p.park(c)
			}
			c.path.seen = c.moves.Load()
		case n < 9:
			p.unpark(c)
		case len(all) > 1:
			w.forget(c)
			all = slices.DeleteFunc(all, func(other *conn) bool { return other == c })
		}
		owing := 0
		for i, c := range p.conns {
			if c.path.index != i || c.path.parked.Load() != (i >= p.lively) || c.path.owing && !c.path.parked.Load() {
				t.Fatalf("connection %d of %d, of which %d are lively: %+v", i, len(p.conns), p.lively, c.path)
			}
			if c.path.owing {
				owing++
			}
		}
		if owing != p.owing || len(p.conns) != len(all) {
			t.Fatalf("%d connections, want %d; %d are said to owe, want %d", len(p.conns), len(all), p.owing, owing)
		}
	}
}

// Given races at every stage, then those to this zone have 0.2 s until something is connected, and all have the time that the dialer gives zonal names, if it does.
func TestLimits(t *testing.T) {
	inner := connected(t)
	made, connecting := &attempt{}, &attempt{}
	raw := rawOf(inner)
	made.socket.raw.Store(&raw)
	for _, tt := range []struct {
		to      place
		timeout time.Duration
		running []*attempt
		want    time.Duration
	}{
		{anywhere, time.Second, nil, time.Second},
		{anywhere, 0, nil, 0},
		{elsewhere, time.Second, []*attempt{made}, time.Second},
		{atHome, time.Second, nil, homeSilence},
		{atHome, 0, []*attempt{connecting}, homeSilence},
		{atHome, time.Second, []*attempt{connecting, made}, time.Second},
		{atHome, 0, []*attempt{made}, math.MaxInt64},
	} {
		r := &race{goal: goal{in: &transport{dialer: &Dialer{timeout: tt.timeout}, place: tt.to}}, running: tt.running}
		if got := r.limit(); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

// Given connections that are probed, when nothing is left to be seen, then there is one more look, and after that they rest.
func TestTheLastLook(t *testing.T) {
	w := newWatch()
	w.timer = time.NewTimer(time.Hour)
	probed := []*conn{{}, {}}
	p := &paths{conns: slices.Clone(probed), probed: probed, parked: idleTicks}
	w.hosts[netip.MustParseAddrPort("10.0.0.1:443")] = p
	w.armed.Store(true)
	if rested := w.again(false); rested != nil || p.probed == nil || w.armed.Load() {
		t.Errorf("before the last look %d rest, armed: %v", len(rested), w.armed.Load())
	}
	if rested := w.again(false); len(rested) != 2 || p.probed != nil {
		t.Errorf("after it %d rest, want both", len(rested))
	}
	for lively, looks := range []int{(idleTicks + restTicks - 1) / restTicks, 1000} {
		p.lively, p.parked = lively, 0
		n := 1
		for w.again(false); w.armed.Load() && n < 1000; n++ {
			w.again(false)
		}
		if n != looks {
			t.Errorf("%d are lively: %d looks are due, want %d", lively, n, looks)
		}
		if want := 1000; lively > 0 && p.parked != want {
			t.Errorf("%d ticks were counted, want %d", p.parked, want)
		}
	}
	for what, change := range map[string]func(){
		"one is lively":   func() { p.lively = 1 },
		"one owes":        func() { p.owing = 1 },
		"one came lately": func() { p.parked = idleTicks - restTicks - 1 },
	} {
		p.lively, p.owing, p.parked = 0, 0, idleTicks
		w.armed.Store(false)
		if change(); w.again(false) != nil || !w.armed.Load() {
			t.Errorf("%s, and no look is due", what)
		}
	}
}

// Given forty quiet connections to one address, when it is chosen which are probed, then it is sixteen, others after a second, and those before rest unless they are
// chosen again; and after an alarm all are for as long as it lasts.
func TestSamples(t *testing.T) {
	p := &paths{}
	for range 2 + 40 {
		p.conns = append(p.conns, &conn{})
	}
	p.lively = 2
	seen := map[*conn]bool{}
	var before []*conn
	for round := range 5 {
		rested := p.choose()
		if len(p.probed) != samples {
			t.Fatalf("round %d: %d are probed, want %d", round, len(p.probed), samples)
		}
		for _, c := range p.probed {
			if slices.Index(p.conns, c) < p.lively || slices.Contains(rested, c) {
				t.Errorf("round %d: one that is lively, or rests, is probed", round)
			}
			seen[c] = true
		}
		for _, c := range before {
			if slices.Contains(rested, c) == slices.Contains(p.probed, c) {
				t.Errorf("round %d: one that was probed rests and is probed, or neither", round)
			}
		}
		before = slices.Clone(p.probed)
		for look := range sampleTicks - 1 {
			if rested := p.choose(); rested != nil || !slices.Equal(p.probed, before) {
				t.Errorf("round %d, look %d: others are probed", round, look)
			}
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d of 40 were probed in five rounds", len(seen))
	}
	p.alarm = 2
	for range 2 {
		if rested := p.choose(); rested != nil || len(p.probed) != 40 {
			t.Errorf("%d are probed after an alarm, want all", len(p.probed))
		}
	}
	if p.alarm != 0 {
		t.Errorf("the alarm goes on for %d looks", p.alarm)
	}
	few := &paths{conns: p.conns[:3]}
	if few.choose(); len(few.probed) != 3 {
		t.Errorf("%d of three are probed", len(few.probed))
	}
}

// Given what a look has found, then a path that is dead is told of once, and doubts make the whole address be probed while there are some.
func TestVerdicts(t *testing.T) {
	c := &conn{}
	c.path = &path{}
	var found verdicts
	found.isDead(c)
	found.isDead(c)
	if len(found.dead) != 2 || len(found.news) != 1 {
		t.Errorf("%d times dead, and news %d times", len(found.dead), len(found.news))
	}
	for lost, want := range map[int]bool{0: true, lostKeepAlives: true, lostKeepAlives + 1: false} {
		found = verdicts{}
		c.path.lost = lost
		c.path.doubt(c, &found, true)
		if (len(found.lost) == 1) != want {
			t.Errorf("lost in %d looks: %d leave doubts", lost, len(found.lost))
		}
		c.path.doubt(c, &found, false)
		if (len(found.lost) == 1) != want {
			t.Error("nothing was lost, and leaves doubts")
		}
	}
}
