package dialer

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A path is dead when the kernel says so, of that very connection: a service that takes its time acknowledges what it was sent, a server that
// pauses reading answers window probes, and the kernel acknowledges for a process that is starved or stopped. So nothing here is judged by this
// process's clock; the ticks only say when to look.
const (
	// tick is how often connections are looked at while something is outstanding on one.
	tick = 100 * time.Millisecond
	// restTicks is how many ticks apart the looks are while all is quiet and every keep-alive is answered: each wakes the process up, which costs more than the look.
	restTicks = 3
	// A connection is looked at when nothing has moved on it for quietTicks. If nothing is owed on any, and nothing has moved for idleTicks, no look is due:
	// they are in a pool, most likely. Until then somebody may be reading an answer that has stopped coming.
	quietTicks, idleTicks = 4, int(time.Minute / tick)
	// Data was sent again lostSends times, by the kernel's timers, and nothing came: some 1.4 s with the usual timer of 0.2 s, which doubles. Some kernels
	// are told to be quicker, so it has to be quiet for sentTicks, too. A path that is back within a second has answered by then.
	lostSends, sentTicks = 3, 14
	// sentLooks is in how many looks that has to be so.
	sentLooks = 3
	// lostKeepAlives is how many looks in a row find a keep-alive unanswered, of which one is sent after each. They take 1.1 s: a path that
	// is back within 0.9 s has answered one by then.
	lostKeepAlives = 11
	// samples is how many connections to one address are probed by keep-alives at a time, while they are answered. Those that wait for an answer may be
	// thousands, and what kills a path kills it for all, mostly. The samples change every sampleTicks.
	samples, sampleTicks = 16, 10
	// alarmTicks is for how long all of them are probed, when alarmLooks in a row have found one unanswered.
	alarmTicks, alarmLooks = 30, 3
)

// watch looks after the connections of one dialer.
type watch struct {
	armed   atomic.Bool // a look is due
	looking sync.Mutex  // one at a time
	mu      sync.Mutex  // guards all below, and the lists of paths; what a look knows of a path is the look's own
	timer   *time.Timer
	hosts   map[netip.AddrPort]*paths
}

// paths are the connections to one address. The first are lively: something moved on them lately, or data is on its way. On the others everything is
// acknowledged and all is quiet: keep-alives have to tell.
type paths struct {
	conns  []*conn
	lively int
	owing  int // how many of the others owe an answer
	parked int // ticks since one came to them
	turn   int // of the samples
	age    int // of the samples, in looks
	alarm  int // for how many more looks all are probed
	probed []*conn
}

func newWatch() *watch { return &watch{hosts: map[netip.AddrPort]*paths{}} }

// follow has a connection watched from now on, if the kernel tells of it.
func (w *watch) follow(c *conn, raw syscall.RawConn, addr netip.AddrPort, dead func()) {
	if raw == nil {
		return
	}
	if _, ok := readInfo(raw); !ok {
		return
	}
	c.path = &path{watch: w, raw: raw, addr: addr, dead: dead}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.hosts[addr]
	if p == nil {
		p = &paths{}
		w.hosts[addr] = p
	}
	c.path.index = len(p.conns)
	p.conns = append(p.conns, c)
	p.swap(c, p.lively)
	p.lively++
}

func (w *watch) forget(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.hosts[c.path.addr]
	p.unpark(c)
	p.lively--
	p.swap(c, p.lively)
	p.swap(c, len(p.conns)-1)
	p.conns[len(p.conns)-1] = nil
	if p.conns = p.conns[:len(p.conns)-1]; len(p.conns) == 0 {
		delete(w.hosts, c.path.addr)
	}
}

// swap puts a connection at an index, and what is there in its place.
func (p *paths) swap(c *conn, to int) {
	other, from := p.conns[to], c.path.index
	p.conns[to], p.conns[from] = c, other
	c.path.index, other.path.index = to, from
}

// park makes a lively connection one of the others.
func (p *paths) park(c *conn) {
	p.lively--
	p.swap(c, p.lively)
	p.parked = 0
	c.path.parked.Store(true)
	if c.path.owing = c.owed.Load() || c.shared; c.path.owing {
		p.owing++
	}
	if c.moves.Load() != c.path.seen { // since it was looked at
		p.unpark(c)
	}
}

// unpark makes it lively again.
func (p *paths) unpark(c *conn) {
	if !c.path.parked.Load() {
		return
	}
	c.path.parked.Store(false)
	p.swap(c, p.lively)
	p.lively++
	if c.path.owing {
		c.path.owing = false
		p.owing--
	}
}

// moved is on the way of every read and write: it has the connection looked at soon.
func (w *watch) moved(c *conn) {
	if c.path.parked.Load() {
		w.mu.Lock()
		if p := w.hosts[c.path.addr]; p != nil && !c.closed.Load() {
			p.unpark(c)
		}
		w.mu.Unlock()
	}
	if !w.armed.Load() {
		w.arm()
	}
}

func (w *watch) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.armed.Swap(true):
	case w.timer == nil:
		w.timer = time.AfterFunc(tick, w.look)
	default:
		w.timer.Reset(tick)
	}
}

// look looks at the connections, and has that done once more after a tick while there is one to look at. The kernel is asked
// without the lock, which reads and writes may have to wait for.
func (w *watch) look() {
	w.looking.Lock()
	var lively, probed, rested []*conn
	w.mu.Lock()
	for _, p := range w.hosts {
		lively = append(lively, p.conns[:p.lively]...)
		rested = append(rested, p.choose()...)
		probed = append(probed, p.probed...)
	}
	w.mu.Unlock()

	var found verdicts
	for _, c := range rested {
		c.path.rest()
	}
	for _, c := range lively {
		c.path.lookAt(c, &found)
	}
	for _, c := range probed {
		c.path.probe(c, &found)
	}

	w.mu.Lock()
	for _, c := range found.quiet {
		if p := w.hosts[c.path.addr]; p != nil && !c.closed.Load() && !c.path.parked.Load() {
			p.park(c)
		}
	}
	for _, c := range found.lost {
		if p := w.hosts[c.path.addr]; p != nil {
			p.alarm = alarmTicks
		}
	}
	rested = w.again(found.doubt)
	w.mu.Unlock()
	for _, c := range rested {
		c.path.rest()
	}
	w.looking.Unlock() // whoever is told may log, over one of these connections perhaps: the next look ends it
	for _, c := range found.news {
		c.path.dead()
	}
	for _, c := range found.dead {
		if c.patient.Load() == 0 {
			c.end()
		}
	}
}

// again has another look come, unless nothing is to be seen. Then there is one more, which sees what moved before it was known that none would come. After
// that, those that were probed rest.
func (w *watch) again(doubt bool) (rested []*conn) {
	active, ticks := false, restTicks
	for _, p := range w.hosts {
		if p.lively > 0 || doubt {
			ticks = 1
		}
	}
	for _, p := range w.hosts {
		p.parked += ticks
		active = active || p.lively > 0 || p.owing > 0 || p.parked < idleTicks
	}
	switch {
	case active:
		w.armed.Store(true)
	case w.armed.Swap(false):
	default:
		for _, p := range w.hosts {
			rested = append(rested, p.probed...)
			p.probed = nil
		}
		return rested
	}
	w.timer.Reset(time.Duration(ticks) * tick)
	return nil
}

// choose says which of the quiet connections are probed from now on, and returns those that no longer are.
func (p *paths) choose() (rested []*conn) {
	others := p.conns[p.lively:]
	if p.alarm > 0 {
		p.alarm--
		p.probed = slices.Clone(others)
		return nil
	}
	if p.age++; p.age >= sampleTicks || p.probed == nil {
		rested, p.probed = p.probed, nil
		p.age, p.turn = 0, p.turn+samples
		for i := range min(samples, len(others)) {
			p.probed = append(p.probed, others[(p.turn+i)%len(others)])
		}
		rested = slices.DeleteFunc(rested, func(c *conn) bool { return slices.Contains(p.probed, c) })
	}
	return rested
}

// verdicts are what a look has found.
type verdicts struct {
	quiet []*conn // lively connections with nothing on its way any more
	lost  []*conn // that leave doubts of the whole address
	dead  []*conn // whose path is dead
	news  []*conn // and was not at the last look
	doubt bool    // a keep-alive has not been answered yet
}

func (v *verdicts) isDead(c *conn) {
	v.dead = append(v.dead, c)
	if !c.path.told {
		c.path.told = true
		v.news = append(v.news, c)
	}
}
