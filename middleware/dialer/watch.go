package dialer

import (
	"net/netip"
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
	tick = 200 * time.Millisecond
	// A connection is looked at when nothing has moved on it for quietTicks, and no longer when nothing is owed and nothing has moved for
	// idleTicks: then it is in a pool, most likely. Until then somebody may be reading an answer that has stopped coming.
	quietTicks, idleTicks = 2, int(time.Minute / tick)
	// Data was sent again lostSends times, by the kernel's timers, and nothing came: some 1.4 s with the usual timer of 0.2 s, which doubles.
	// A path that is back within a second has answered by then.
	lostSends = 3
	// sentLooks is in how many looks that has to be so.
	sentLooks = 2
	// keepAlives that go unanswered are sent at each look. As many in a row take 1.2 s.
	lostKeepAlives = 6
	// samples is how many connections to one address are probed by keep-alives at a time, while all of them are answered. Those that wait for
	// an answer may be thousands, and what kills a path kills it for all, mostly. The samples change every sampleTicks.
	samples, sampleTicks = 16, 5
	// alarmTicks is for how long all of them are probed, when one of an address goes unanswered.
	alarmTicks = 15
)

// watch looks after the connections of one dialer.
type watch struct {
	armed atomic.Bool // a look is due
	mu    sync.Mutex
	timer *time.Timer
	hosts map[netip.AddrPort]*paths
}

// paths are the connections to one address.
type paths struct {
	conns []*conn
	turn  int // of the samples
	age   int // of the samples, in ticks
	alarm int // for how many more ticks all are probed
}

// path is what the watch knows of one connection's way. It is guarded by the watch's lock.
type path struct {
	watch *watch
	raw   syscall.RawConn
	addr  netip.AddrPort
	dead  func() // is called once, when it is

	index   int    // in paths.conns
	seen    uint32 // the connection's moves
	quiet   int    // ticks without any
	lost    int    // looks in a row that found something lost
	waiting bool   // all is acknowledged, and it is quiet: keep-alives have to tell
	told    bool   // that it is dead
	probing bool   // the connection sends our keep-alives
	usual   keepAlive
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
}

func (w *watch) forget(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.hosts[c.path.addr]
	last := p.conns[len(p.conns)-1]
	p.conns[c.path.index], last.path.index = last, c.path.index
	p.conns[len(p.conns)-1] = nil
	if p.conns = p.conns[:len(p.conns)-1]; len(p.conns) == 0 {
		delete(w.hosts, c.path.addr)
	}
}

// arm has the connections looked at soon. It is on the way of every read and write.
func (w *watch) arm() {
	if w.armed.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armLocked()
}

func (w *watch) armLocked() {
	switch {
	case w.armed.Swap(true):
	case w.timer == nil:
		w.timer = time.AfterFunc(tick, w.look)
	default:
		w.timer.Reset(tick)
	}
}

// look looks at all connections, and has that done once more after a tick while there is one to look at.
func (w *watch) look() {
	w.mu.Lock()
	w.armed.Store(false) // first: what moves from now on arms it again
	var found verdicts
	for _, p := range w.hosts {
		p.look(&found)
	}
	if found.more {
		w.armLocked()
	}
	w.mu.Unlock()
	for _, c := range found.news {
		c.path.dead()
	}
	for _, c := range found.dead {
		if c.patient.Load() == 0 {
			c.end()
		}
	}
}

// verdicts are what a look has found.
type verdicts struct {
	dead []*conn // connections whose path is dead
	news []*conn // those of them that were not at the last look
	more bool    // there is one that has to be looked at again
}

func (p *paths) look(found *verdicts) {
	if p.age++; p.age >= sampleTicks {
		p.age, p.turn = 0, p.turn+samples
	}
	if p.alarm > 0 {
		p.alarm--
	}
	for i := range p.conns {
		c := p.conns[(p.turn+i)%len(p.conns)]
		w := c.path
		if moves := c.moves.Load(); moves != w.seen {
			w.rest()
			w.seen, w.quiet, w.lost, w.waiting, w.told = moves, 0, 0, false, false
			found.more = true
			continue
		}
		w.quiet++
		if w.quiet >= idleTicks && !c.owed.Load() && !c.shared {
			w.rest()
			continue
		}
		found.more = true
		if w.quiet < quietTicks {
			continue
		}
		dead := w.isDead(i < samples || p.alarm > 0)
		if w.lost > 0 {
			p.alarm = alarmTicks
		}
		if dead {
			found.dead = append(found.dead, c)
			if !w.told {
				w.told = true
				found.news = append(found.news, c)
			}
		}
	}
}

// isDead asks the kernel, if need be by keep-alives.
func (w *path) isDead(sampled bool) bool {
	if w.waiting && !sampled {
		w.rest()
		w.lost = 0
		return false
	}
	info, ok := readInfo(w.raw)
	if !ok {
		return false // it is closed
	}
	w.waiting = info.unacked == 0 && info.unsent == 0
	switch {
	case w.waiting && !w.probing:
		w.lost = 0
		if sampled {
			w.usual, w.probing = probing.set(w.raw)
		}
		return false
	case w.waiting && info.probes > 0:
		w.lost++
		probe(w.raw)
		return w.lost >= lostKeepAlives
	case info.unacked > 0 && info.retransmits >= lostSends, info.unsent > 0 && info.unacked == 0 && info.probes >= lostSends:
		w.lost++
		return w.lost >= sentLooks
	}
	w.lost = 0
	return false
}

// rest gives the connection its own keep-alives back.
func (w *path) rest() {
	if w.probing {
		w.probing = false
		w.usual.set(w.raw)
	}
}
