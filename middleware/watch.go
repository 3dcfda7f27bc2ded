package middleware

import (
	"os"
	"sync"
	"sync/atomic"
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

	hedging atomic.Int32 // calls that have asked for more than one connection
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

// maxHedging is how many calls may ask for more than one connection at a time:
// where all are slow to connect, asking for more makes it worse.
const maxHedging = 32

// mayHedge tells whether one more may, and counts it until it is done.
func (w *watch) mayHedge() bool {
	if w.hedging.Add(1) <= maxHedging {
		return true
	}
	w.hedging.Add(-1)
	return false
}

// spent is what we had the SDK pay for retries, and it didn't get back yet. It pays
// for each from a purse of 500 tokens, and gets them back when the retry is
// answered. When a path dies under many calls, not all of them may be sent to their
// retries at once: those that found the purse empty would fail. So this is kept below
// that, and others wait until some were answered. Each client has a purse of its own;
// who has which can't be seen from here.
var spent atomic.Int32

const purse = 450

// price is what a retry costs. AWS_NEW_RETRIES_2026 is the SDK's own variable.
func price() int32 {
	if os.Getenv("AWS_NEW_RETRIES_2026") == "true" {
		return 14
	}
	return 5
}

// mayCancel tells whether one more send may be cancelled now.
func mayCancel() bool {
	if spent.Add(price()) <= purse {
		return true
	}
	spent.Add(-price())
	return false
}

// repay takes back what the cancelled sends of a call cost that was answered, and a
// token for one that needed no retry, as the SDK does.
func repay(cancelled int32) {
	if spent.Load() == 0 {
		return
	}
	if left := spent.Add(-max(1, price()*cancelled)); left < 0 {
		spent.CompareAndSwap(left, 0)
	}
}
