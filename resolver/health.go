package resolver

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// ejectionThreshold is what the weights of failures in a row come to when a
	// name is ejected. See [Cause.weight].
	ejectionThreshold = 15
	// A name stays ejected for baseEjectionTime, as often as steadyEjections in a row,
	// and from then on twice as long each time that a probe of it fails, up to
	// maxEjectionTime: most faults are over within a minute, and each probe of one that
	// isn't costs a request.
	baseEjectionTime = 10 * time.Second
	steadyEjections  = 7
	maxEjectionTime  = 300 * time.Second
	// unprobedTime is how long the probe of a name may be due before any request is it.
	unprobedTime = maxEjectionTime
	// probeTimeout is how long a half-open probe has before another request may be
	// one: the first may have been cancelled, and then nobody says how it went.
	probeTimeout = 5 * time.Second
)

// weight is how much a failure counts toward the ejection threshold. Three that kept
// requests from being answered eject, or five answers of a server that has no service
// behind it, or some of both. If the same question would have the same answer a moment
// later, one is enough. Server errors are compared instead, see comparison.
func (c Cause) weight() int {
	switch c {
	case CauseAbsent, CauseCertificate, CausePathDead:
		return ejectionThreshold
	case CauseUnavailable:
		return ejectionThreshold / 5
	case CauseServerError:
		return 0
	}
	return ejectionThreshold / 3
}

// health is what a zonal name has been doing lately, or one host under it (see
// names.hosts). A request that is routed and answered reads three words of it. Only
// failures, and the first answer after one, take the lock.
type health struct {
	name   string
	probed string  // the host that is tried in the background: S3's zonal name is none by itself
	under  *health // the zonal name that this host lies under; nil for a zonal name itself
	names  *names
	counts *counts // of the endpoint; nil for a host under a zonal name

	// gate decides where a request goes.
	//	0:      to the name
	//	at > 0: to the regional name, to compare, since at
	//	at < 0: to the regional name. The name is ejected; from -at on it is probed
	// Times are names.now.
	gate    atomic.Int64
	proven  atomic.Bool // somebody has connected to the name
	suspect atomic.Bool // ejected, or failed since it last answered
	checked atomic.Bool // by a goroutine, so no request has to be the probe
	addrs   addrs

	mu sync.Mutex // guards record, and changes of gate except by requests
	record
}

// record is the part of a health that only failures and snapshots look at.
type record struct {
	failures    int // in a row while healthy, by their weight
	comparison  comparison
	consecutive int    // ejections and failed probes since the name was last healthy
	ejections   uint64 // how often it went from healthy to ejected
	ejectedFor  Cause
	ejectedAt   time.Time
	before      touched // what the endpoint's counts came to before the first of the failures
	last        failure
	tried       time.Time // when it was last tried because of Untried
	unlisted    bool      // no table routes to it any more, so nobody checks it
}

type failure struct {
	cause Cause
	err   string
	at    time.Time
}

// newHealth returns the health of a zonal name, or of a host under one. A star is not
// part of a name.
func newHealth(name string, under *health, n *names) *health {
	h := &health{name: bare(name), under: under, names: n}
	h.probed = h.name
	if h.name != name {
		h.probed = "bucket." + h.name
	}
	return h
}

// starred reports whether the name is no host by itself: S3's needs "bucket." in front.
// A client that leaves that away asks for a host under the name like any other.
func (h *health) starred() bool { return h.probed != h.name }

func (h *health) ejected() bool { return h.gate.Load() < 0 }

// down reports whether the name is ejected for something that a connection in the
// background can disprove. h.mu must be held.
func (h *health) down() bool { return h.ejected() && h.ejectedFor.ofConnecting() }

// leave reports whether requests must go to the regional name.
func (h *health) leave() bool {
	at := h.gate.Load()
	return at > 0 || at < 0 && (!h.overdue(at) || !h.onTrial(at))
}

// overdue reports whether the probe of an ejected name has been due for so long that any
// request is it.
func (h *health) overdue(at int64) bool { return h.names.now() >= -at+int64(unprobedTime) }

// onTrial makes a name healthy that was to be probed for so long, and by no request that could be sent again elsewhere: else it would stay ejected for ever.
// One more failure ejects it.
func (h *health) onTrial(at int64) bool {
	h.mu.Lock()
	if h.gate.Load() != at || h.checked.Load() {
		h.mu.Unlock()
		return false
	}
	o := h.outage()
	h.before = h.counts.touched()
	h.failures, h.comparison = ejectionThreshold-1, comparison{}
	h.proven.Store(false)
	h.gate.Store(0)
	h.update()
	h.mu.Unlock()
	h.logHealthy(o)
	return true
}

// probeDue reports whether a request may be the probe of the ejected name.
func (h *health) probeDue() bool {
	at := h.gate.Load()
	return at < 0 && h.names.now() >= -at && !h.checked.Load()
}

// takeProbe makes the request the probe, unless another is.
func (h *health) takeProbe() bool {
	at := h.gate.Load()
	return h.probeDue() && h.gate.CompareAndSwap(at, -(h.names.now()+int64(probeTimeout)))
}

// answered takes in that the name answered. While it is ejected, only the answer to
// the probe counts: other requests were sent before, and an answer that comes over an
// old connection doesn't say that a new one can be made.
func (h *health) answered(probe bool) {
	if h.proven.Load() && !h.suspect.Load() {
		return
	}
	h.proven.Store(true)
	h.mu.Lock()
	ejected := h.ejected()
	if ejected && !probe {
		h.mu.Unlock()
		return
	}
	o := h.outage()
	h.restore()
	h.mu.Unlock()
	if ejected {
		h.logHealthy(o)
	}
}

// restore makes the name healthy. h.mu must be held.
func (h *health) restore() {
	h.failures, h.consecutive, h.ejectedFor = 0, 0, NoCause
	h.comparison = comparison{restUntil: h.comparison.restUntil}
	h.gate.Store(0)
	h.update()
}

// failed takes in a failure of host, which is the name or lies under it.
func (h *health) failed(host string, c Cause, err error, probe bool) {
	h.counts.failed(c)
	f := failure{cause: c, at: time.Now()}
	if err != nil {
		f.err = h.withoutHost(err.Error(), host)
	}
	at := h
	if c.ofName() && (host != h.name || h.starred()) {
		// A name that doesn't fit one odd host says nothing of the others.
		if at = h.names.addHost(h, host); at == nil {
			return
		}
		h.mu.Lock()
		h.last = f // for the snapshot
		h.mu.Unlock()
	}
	if pause, ejected := at.take(f, probe); ejected {
		at.logEjected(f, pause)
	}
}

// take records the failure, and reports whether it ejected the name, and for how
// long.
func (h *health) take(f failure, probe bool) (pause time.Duration, ejected bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = f
	healthy := !h.ejected()
	switch {
	case healthy && !h.count(f.cause):
		h.update()
		return 0, false
	case !healthy && !probe:
		return 0, false // sent before the name was ejected: no news
	}
	return h.eject(f.cause), healthy
}

// count adds a failure of a healthy name up with those before, and reports whether
// the name is to be ejected. h.mu must be held.
func (h *health) count(c Cause) bool {
	weight := c.weight()
	if c.serverError() {
		now := h.names.now()
		if h.comparison.resting(now) {
			return false
		}
		h.comparison.failedHere(c, weight)
		switch {
		case h.comparison.worseHere():
			return true
		case h.comparison.undecided() && h.gate.Load() == 0:
			h.gate.Store(now) // requests compare
		}
	}
	h.failures += weight
	return h.failures >= ejectionThreshold
}

// eject keeps requests away from the name, or for longer after a failed probe. h.mu
// must be held.
func (h *health) eject(c Cause) (pause time.Duration) {
	if !h.ejected() {
		h.ejections++
		h.ejectedAt = time.Now()
	}
	h.ejectedFor = c
	pause = h.pause()
	h.gate.Store(-(h.names.now() + int64(pause)))
	h.update()
	h.check()
	return pause
}

// pause is until the next probe: longer each time after a minute, but for names that are
// checked in the background, which burdens no request. Hosts under a name may be hundreds.
// h.mu must be held.
func (h *health) pause() time.Duration {
	h.consecutive++
	pause := min(baseEjectionTime<<min(max(0, h.consecutive-steadyEjections), 5), maxEjectionTime)
	if h.under == nil && h.ejectedFor.ofConnecting() && h.names.checker.Load() != nil {
		pause = baseEjectionTime
	}
	return pause - rand.N(pause/5) // many processes must not come back as one
}

// update makes suspect what the record says. h.mu must be held.
func (h *health) update() {
	suspect := h.ejected() || h.failures > 0 || h.comparison.here > 0
	if h.under != nil {
		h.names.keepHost(h, suspect)
	}
	if h.suspect.Swap(suspect) != suspect && h.under == nil {
		h.before = h.counts.touched()
		h.before.failures-- // the one that has made it suspect is counted already
		h.names.setSuspect(h, suspect && !h.unlisted)
	}
}

// HealthState is what a [Snapshot] says of a zonal name's health.
type HealthState struct {
	// Ejected reports whether the zonal name has failed and is not healthy again, so that
	// requests are kept away from it; EjectedAt since when, and EjectedFor why.
	// Ejections is how often that happened.
	Ejected    bool
	EjectedAt  time.Time `json:",omitzero"`
	EjectedFor Cause     `json:",omitempty"`
	Ejections  uint64    `json:",omitempty"`
	// RetryAt is when an ejected name is tried again: by a dialer in the background if
	// InBackground is true, else by a request. It is zero while nothing tries it, since no
	// request goes to this zone.
	RetryAt      time.Time `json:",omitzero"`
	InBackground bool      `json:",omitempty"`
	// HalfOpen reports whether the next request that can be sent twice, and has another
	// attempt, goes to the ejected name, to find out whether it works again.
	HalfOpen bool `json:",omitempty"`
	// Untried reports whether nobody has connected to the name yet: requests that can't be
	// sent twice go to the regional name meanwhile.
	Untried bool `json:",omitempty"`
	// EjectedHosts is how many hosts under the zonal name, such as buckets', are
	// ejected for themselves, since the name with them in front doesn't exist or has
	// no certificate.
	EjectedHosts int `json:",omitempty"`
	// LastCause, LastError and LastAt tell of the last failure.
	LastCause Cause     `json:",omitempty"`
	LastError string    `json:",omitempty"`
	LastAt    time.Time `json:",omitzero"`
}

// describe says how the name is. requests reports whether any are sent by its health now.
func (h *health) describe(requests bool) HealthState {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := HealthState{
		Ejected: h.ejected(), Ejections: h.ejections, EjectedHosts: h.names.ejectedUnder(h), Untried: requests && !h.proven.Load(),
		LastCause: h.last.cause, LastError: h.last.err, LastAt: h.last.at,
	}
	if !s.Ejected {
		return s
	}
	s.EjectedAt, s.EjectedFor, s.InBackground = h.ejectedAt, h.ejectedFor, h.checked.Load()
	if s.InBackground || requests {
		s.RetryAt = h.names.start.Add(time.Duration(-h.gate.Load()))
		s.HalfOpen = h.probeDue()
	}
	return s
}
