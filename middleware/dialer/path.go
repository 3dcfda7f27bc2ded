package dialer

import (
	"net/netip"
	"sync/atomic"
	"syscall"
)

// path is what the watch knows of one connection's way.
type path struct {
	watch *watch
	raw   syscall.RawConn
	addr  netip.AddrPort
	dead  func() // is called once, when it is

	index  int         // in paths.conns; guarded by the watch's lock
	parked atomic.Bool // it is not lively; changes with the watch's lock held
	owing  bool        // and counts as owing; guarded by the watch's lock
	sight
}

// sight is what the looks have seen of a path.
type sight struct {
	seen    uint32 // the connection's moves
	quiet   int    // looks without any
	lost    int    // looks in a row that found something lost
	told    bool   // that it is dead
	probing bool   // the connection sends our keep-alives
	usual   keepAlive
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
	case w.unheard(info):
		found.isDead(c)
	}
	w.doubt(c, found, info.retransmits >= lostSends)
}

// unheard takes in that data is on its way, and reports whether it has been sent so often, or the other side's window probed, that nobody can be there.
func (s *sight) unheard(info tcpInfo) bool {
	again := info.retransmits
	if info.unacked == 0 {
		again = info.probes
	}
	if s.quiet < sentTicks || again < lostSends {
		s.lost = 0
		return false
	}
	s.lost++
	return s.lost >= sentLooks
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
		found.doubt = true
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
