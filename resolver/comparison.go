package resolver

import "time"

// comparison finds out whether server errors are the zone's own. A service that fails
// everywhere alike must not be left, since that would bring nothing; one that fails in
// this zone only must be, whoever wrote the answers:
//
//   - Three server errors in a row under the zonal name, and an answer under the
//     regional name since the first of them, eject the zonal name. The SDK's retries go
//     to the regional name, so these answers usually come without further ado.
//   - If there were three, and nobody has gone elsewhere, since retries are off, all
//     requests are sent to the regional name until one of them has come to something.
//     To send one of them only would have the others fail in the meantime.
//   - A server error under the regional name means that it is the same everywhere:
//     what was counted is dropped, and for ten seconds nothing is. Another failure
//     there says that it is no better there: what was counted is dropped.
//   - Any other answer under the zonal name drops what was counted.
//
// A service that gives server errors to some requests everywhere may come to be left for
// a while by accident. That costs half a millisecond a request.
type comparison struct {
	here      int   // server errors in a row under the zonal name
	weight    int   // what they added to the failures
	cause     Cause // of the last of them
	elsewhere bool  // the regional name has answered since the first
	restUntil int64 // names.now until which nothing is compared
}

const (
	compareAfter = 3
	compareRest  = 10 * time.Second
)

func (c *comparison) resting(now int64) bool { return now < c.restUntil }

func (c *comparison) failedHere(cause Cause, weight int) {
	c.here++
	c.weight += weight
	c.cause = cause
}

func (c *comparison) worseHere() bool { return c.here >= compareAfter && c.elsewhere }

func (c *comparison) undecided() bool { return c.here >= compareAfter && !c.elsewhere }

// answeredElsewhere takes in that a request was answered under the regional name.
func (h *health) answeredElsewhere() {
	if !h.suspect.Load() {
		return
	}
	h.mu.Lock()
	if h.ejected() || h.comparison.here == 0 {
		h.mu.Unlock()
		return
	}
	h.comparison.elsewhere = true
	if !h.comparison.worseHere() {
		h.mu.Unlock()
		return
	}
	f := h.last
	if f.cause != h.comparison.cause {
		f.err = ""
	}
	f.cause = h.comparison.cause
	pause := h.eject(f.cause)
	h.mu.Unlock()
	h.logEjected(f, pause)
}

// failedElsewhere takes in that a request failed under the regional name.
func (h *health) failedElsewhere(c Cause) {
	if !h.suspect.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ejected() || h.comparison.here == 0 {
		return
	}
	rest := h.comparison.restUntil
	if c.serverError() {
		rest = h.names.now() + int64(compareRest)
	}
	h.failures = max(0, h.failures-h.comparison.weight)
	h.comparison = comparison{restUntil: rest}
	h.gate.Store(0)
	h.update()
}
