package middleware

import (
	"sync"
	"time"
)

// watch looks at the sends that are under way, every period while there are any.
// One timer for all of them costs a call less than a timer of its own.
type watch struct {
	period time.Duration

	mu    sync.Mutex
	first *connection
	timer *time.Timer // calls look; nil until the first send
	armed bool

	paceMu    sync.Mutex
	pace      time.Time // when the present spell of cancelling began
	cancelled int       // in it
}

// lookShare is how much more often there is a look than the shortest time that is
// waited for.
const lookShare = 20

func (w *watch) add(c *connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.next = w.first
	if w.first != nil {
		w.first.prev = c
	}
	w.first = c
	switch {
	case w.armed:
		return
	case w.timer == nil:
		w.timer = time.AfterFunc(w.period, w.look)
	default:
		w.timer.Reset(w.period)
	}
	w.armed = true
}

func (w *watch) remove(c *connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.next != nil {
		c.next.prev = c.prev
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		w.first = c.next
	}
	c.prev, c.next = nil, nil
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := now()
	for c := w.first; c != nil; c = c.next {
		c.look(now)
	}
	if w.armed = w.first != nil; w.armed {
		w.timer.Reset(w.period)
	}
}

// The SDK pays for retries from a purse of 500 tokens, 14 for each at the most.
// When a path dies under many calls, not all of them may be sent back to it at
// once: those that find the purse empty would fail.
const (
	maxCancelled = 32
	spell        = 500 * time.Millisecond
)

// mayCancel tells whether one more send may be cancelled now, or should wait.
func (w *watch) mayCancel() bool {
	w.paceMu.Lock()
	defer w.paceMu.Unlock()
	if now := time.Now(); now.Sub(w.pace) >= spell {
		w.pace, w.cancelled = now, 0
	}
	w.cancelled++
	return w.cancelled <= maxCancelled
}
