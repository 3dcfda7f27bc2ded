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
	tick = 200 * time.Millisecond
	// A connection is looked at when nothing has moved on it for quietTicks. If nothing is owed on any, and nothing has moved for idleTicks, no look is due:
	// they are in a pool, most likely. Until then somebody may be reading an answer that has stopped coming.
	quietTicks, idleTicks = 2, int(time.Minute / tick)
	// Data was sent again lostSends times, by the kernel's timers, and nothing came: some 1.4 s with the usual timer of 0.2 s, which doubles. Some kernels
	// are told to be quicker, so it has to be quiet for sentTicks, too. A path that is back within a second has answered by then.
	lostSends, sentTicks = 3, 7
	// sentLooks is in how many looks that has to be so.
	sentLooks = 2
	// lostKeepAlives is how many looks in a row find a keep-alive unanswered, of which one is sent after each. They take 1.2 s.
	lostKeepAlives = 6
	// samples is how many connections to one address are probed by keep-alives at a time, while they are answered. Those that wait for an answer may be
	// thousands, and what kills a path kills it for all, mostly. The samples change every sampleTicks.
	samples, sampleTicks = 16, 5
	// Those that nothing is to be seen of are looked at once in sampleTicks: to find out that they moved takes longer than all else if they are many,
	// since each is somewhere else in memory.
	// alarmTicks is for how long all of them are probed, when one of an address goes unanswered.
	alarmTicks = 15
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
	seats []seat
	tick  int // how often they were looked at
	turn  int // of the samples
	age   int // of the samples, in ticks
	alarm int // for how many more ticks all are probed
}

// seat is a connection's place among them.
type seat struct {
	conn    *conn
	expects expectation
}

// expectation is what is expected of a connection, as far as known at its last look.
type expectation uint8

const (
	expectAnything expectation = iota // anything
	expectAnswer                      // an answer: it moves when it comes, or the samples show that the path died
	expectNothing                     // nothing: it is in a pool
)

// path is what the watch knows of one connection's way. It is guarded by the watch's lock.
type path struct {
	watch *watch
	raw   syscall.RawConn
	addr  netip.AddrPort
	dead  func() // is called once, when it is

	index   int    // in paths.seats
	seen    uint32 // the connection's moves
	moved   int    // the tick at which there were some
	lost    int    // looks in a row that found something lost
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
	c.path.index, c.path.moved = len(p.seats), p.tick
	p.seats = append(p.seats, seat{conn: c})
}

func (w *watch) forget(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.hosts[c.path.addr]
	last := &p.seats[len(p.seats)-1]
	p.seats[c.path.index], last.conn.path.index = *last, c.path.index
	*last = seat{}
	if p.seats = p.seats[:len(p.seats)-1]; len(p.seats) == 0 {
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
	defer w.looking.Unlock()
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
	rested = w.again()
	w.mu.Unlock()
	for _, c := range rested {
		c.path.rest()
	}
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
func (w *watch) again() (rested []*conn) {
	active := false
	for _, p := range w.hosts {
		p.parked++
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
	w.timer.Reset(tick)
	return nil
}

func (p *paths) look(found *verdicts) {
	p.tick++
	if p.age++; p.age >= sampleTicks {
		p.age, p.turn = 0, p.turn+samples
	}
	if p.alarm > 0 {
		p.alarm--
		p.probed = slices.Clone(others)
		return nil
	}
	for i := range p.seats {
		s := &p.seats[(p.turn+i)%len(p.seats)]
		sampled := i < samples || p.alarm > 0
		if sampled || s.expects == expectAnything || i%sampleTicks == p.age {
			s.expects = p.lookAt(s.conn, sampled, found)
		}
		found.more = found.more || s.expects != expectNothing
	}
}

// lookAt looks at one connection.
func (p *paths) lookAt(c *conn, sampled bool, found *verdicts) expectation {
	w := c.path
	if moves := c.moves.Load(); moves != w.seen {
		w.rest()
		w.seen, w.moved, w.lost, w.waiting, w.told = moves, p.tick, 0, false, false
		return expectAnything
	}
	switch quiet := p.tick - w.moved; {
	case quiet >= idleTicks && !c.owed.Load() && !c.shared:
		w.rest()
		return expectNothing
	case quiet < quietTicks:
		return expectAnything
	}
	dead := w.isDead(sampled)
	if w.lost > 0 {
		p.alarm = alarmTicks
	}
	if dead {
		found.dead = append(found.dead, c)
		if !w.told {
			w.told = true
			found.news = append(found.news, c)
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
}

func (v *verdicts) isDead(c *conn) {
	v.dead = append(v.dead, c)
	if !c.path.told {
		c.path.told = true
		v.news = append(v.news, c)
	}
	if w.waiting && !w.probing {
		return expectAnswer
	}
	return expectAnything
}

// moved reports whether something moved since the last look.
func (w *path) moved(c *conn) bool {
	moves := c.moves.Load()
	if moves == w.seen {
		w.quiet++
		return false
	}
	w.rest()
	w.seen, w.quiet, w.lost, w.told = moves, 0, 0, false
	return true
}

// lookAt looks at a lively connection.
func (w *path) lookAt(c *conn, found *verdicts) {
	if w.moved(c) || w.quiet < quietTicks {
		return
	}
	info, ok := readInfo(w.raw)
	switch {
	case !ok: // it is closed
	case info.unacked == 0 && info.unsent == 0:
		w.lost = 0
		found.quiet = append(found.quiet, c)
	case w.quiet >= sentTicks && (info.unacked > 0 && info.retransmits >= lostSends || info.unacked == 0 && info.probes >= lostSends):
		if w.lost++; w.lost >= sentLooks {
			found.isDead(c)
		}
	default:
		w.lost = 0
	}
	w.doubt(c, found, info.retransmits >= lostSends)
}

// probe looks at a quiet connection, and has the kernel send a keep-alive.
func (w *path) probe(c *conn, found *verdicts) {
	if !w.parked.Load() || w.moved(c) {
		return
	}
	info, ok := readInfo(w.raw)
	switch {
	case !ok:
	case !w.probing:
		w.usual, w.probing = probing.set(w.raw)
		w.lost = 0
	case info.probes == 0:
		w.lost = 0
	default:
		w.lost++
		probe(w.raw)
		if w.lost >= lostKeepAlives {
			found.isDead(c)
		}
		w.doubt(c, found, w.lost >= alarmLooks)
	}
}

// doubt has all connections to the address probed, unless this one has told already.
func (w *path) doubt(c *conn, found *verdicts, lost bool) {
	if lost && w.lost <= lostKeepAlives {
		found.lost = append(found.lost, c)
	}
}

// rest gives the connection its own keep-alives back.
func (w *path) rest() {
	if w.probing {
		w.probing, w.lost = false, 0
		w.usual.set(w.raw)
	}
}
