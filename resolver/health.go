package resolver

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// What failures in a row take a zonal name out of use: three that kept
	// requests from the server, or five answers of one that has no service
	// behind it, or some of both. One that proves the name useless does so alone.
	enough      = 15
	unreachable = enough / 3
	unavailable = enough / 5
	// A name stays out of use for firstPause, and twice as long each time the
	// one caller that then tries it fails, up to longestPause.
	firstPause   = 10 * time.Second
	longestPause = 300 * time.Second
	// lease is how long that caller has before another one may try: it may have
	// been cancelled, and then nobody tells how it went.
	lease = 5 * time.Second
)

// health is what a zonal name has been doing lately. A call reads one word of
// it, or two when it succeeds; only failures, and the first success after one,
// take the lock.
type health struct {
	name  string // the zonal DNS name
	start time.Time
	log   *slog.Logger // nil: silent

	// reopens is 0 while the name is in use. Else it is when, in nanoseconds
	// since start, a caller may try it; whoever moves it on is that caller.
	reopens  atomic.Int64
	failures atomic.Int32 // in a row, while in use, by their weight

	mu     sync.Mutex
	opened int    // times in a row that it went, or stayed, out of use
	spells uint64 // how often it went out of use
	last   failure
}

type failure struct {
	cause Cause
	err   string
	at    time.Time
}

func (h *health) inUse() bool { return h.reopens.Load() == 0 }

// admit tells whether a request may go to the name now, and whether it is the
// one that finds out if the name works again.
func (h *health) admit() (ok, trial bool) {
	reopens := h.reopens.Load()
	if reopens == 0 {
		return true, false
	}
	now := int64(time.Since(h.start))
	if now < reopens || !h.reopens.CompareAndSwap(reopens, now+int64(lease)) {
		return false, false
	}
	return true, true
}

func (h *health) succeeded(trial bool) {
	if h.failures.Load() == 0 && h.reopens.Load() == 0 {
		return
	}
	if h.close(trial) && h.log != nil {
		defer func() { _ = recover() }() // a log handler's
		h.log.Info("azaffinity: zonal name in use again", "name", h.name)
	}
}

// close tells whether it has taken the name into use again. While that is out of
// use, only the trial's success counts: other requests were sent before, and an
// answer that comes over an old connection doesn't say that a new one can be made.
func (h *health) close(trial bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch inUse := h.reopens.Load() == 0; {
	case inUse:
		h.failures.Store(0)
		return false
	case !trial:
		return false
	}
	h.opened = 0
	h.reopens.Store(0)
	return true
}

func (h *health) failed(cause Cause, err error, trial bool) {
	f := failure{cause: cause, at: time.Now()}
	if err != nil {
		f.err = err.Error()
	}
	if pause, opened := h.open(f, trial); opened && h.log != nil {
		defer func() { _ = recover() }() // a log handler's
		h.log.Warn("azaffinity: zonal name out of use, its requests go to the regional name",
			"name", h.name, "cause", cause.String(), "error", f.err, "next_try", pause.Round(time.Second))
	}
}

// open tells whether it has taken the name out of use, and for how long. It also
// prolongs that, when the trial has failed.
func (h *health) open(f failure, trial bool) (pause time.Duration, opened bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = f
	inUse := h.reopens.Load() == 0
	switch {
	case inUse && h.failures.Add(f.cause.weight()) < enough:
		return 0, false // not enough to go by
	case !inUse && !trial:
		return 0, false // sent before the name went out of use: no news
	}
	pause = min(firstPause<<min(h.opened, 5), longestPause)
	pause -= time.Duration(rand.Int64N(int64(pause) / 5)) // many processes must not come back as one
	h.opened++
	if inUse {
		h.spells++
	}
	h.failures.Store(0)
	h.reopens.Store(int64(time.Since(h.start) + pause))
	return pause, inUse
}

// weight is how much of what is enough a failure is. Where the same question
// would have the same answer a moment later, it is all of it.
func (c Cause) weight() int32 {
	switch c {
	case CauseAbsent, CauseCertificate, CauseSilent:
		return enough
	case CauseUnavailable:
		return unavailable
	}
	return unreachable
}
