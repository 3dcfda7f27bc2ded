package dialer

import (
	"sync"
	"sync/atomic"
	"time"
)

// sent is what proves that a request was not sent over a connection: nothing was written since it began, or what was written has been answered. net/http
// sends a request again by itself only if none of an answer was read.
type sent struct {
	handed  bool         // to whoever asked for the connection: what was written before is of its making
	greeted bool         // what is read is an answer; TLS 1.3 sends tickets before
	at      atomic.Int64 // when something was last written that is not answered, since started; 0: nothing
	writing sync.Mutex   // is held until it is known whether anything was
}

// write writes by that function. A kept connection that was reset takes nothing, which is known only afterwards.
func (s *sent) write(p []byte, by func([]byte) (int, error)) (int, error) {
	if !s.handed || isAlert(p) {
		return by(p)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	before, now := s.at.Load(), max(1, int64(time.Since(started)))
	s.at.Store(now)
	n, err := by(p)
	if n == 0 && err != nil {
		s.at.CompareAndSwap(now, before)
	}
	return n, err
}

// settled reports whether it is known what was written.
func (s *sent) settled() bool {
	known := s.writing.TryLock()
	if known {
		s.writing.Unlock()
	}
	return known
}

// settle waits until that is known, after the connection was closed: it ends the write, but perhaps not one of a connection that the user has wrapped.
func (s *sent) settle() {
	for range 20 {
		if s.settled() {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// read reports false if it is the other side's end of TLS that was read: net/http knows of it at once, and we wouldn't before the connection's end.
func (s *sent) read(p []byte) bool {
	if !s.handed {
		return true
	}
	if isAlert(p) {
		return false
	}
	if s.greeted {
		s.at.Store(0)
	}
	s.greeted = true
	return true
}

// isAlert reports whether bytes of a TLS connection end with an alert, such as the close_notify that a server ends one with. In TLS 1.3 it looks like data of
// two bytes (RFC 8446, section 5.2: one byte is the type, 16 are the cipher's), and no request or answer comes as such.
func isAlert(p []byte) bool {
	const alert, data = 21, 23
	if len(p) >= 7 && p[0] == alert && p[1] == 3 {
		return true
	}
	for _, record := range [...]struct{ kind, length int }{{data, 2 + 1 + 16}, {alert, 8 + 2 + 16}, {alert, 2 + 16}} { // TLS 1.3; TLS 1.2 with AES-GCM, with ChaCha20
		if n := len(p) - 5 - record.length; n >= 0 && p[n] == byte(record.kind) && p[n+1] == 3 && p[n+3] == 0 && p[n+4] == byte(record.length) {
			return true
		}
	}
	return false
}

// lose notes that a connection has ended over which a request was sent at that time.
func (to *target) lose(at int64) {
	for {
		last := to.lost.Load()
		if at <= last || to.lost.CompareAndSwap(last, at) {
			return
		}
	}
}
