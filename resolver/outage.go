package resolver

import "time"

// outage is how long a name was ejected, and what that touched, for the log.
type outage struct {
	lasted time.Duration
	touched
}

// touched is how many requests failed under an endpoint's zonal name, and how many went to the regional one for that.
type touched struct{ failures, elsewhere uint64 }

// outage is the one that is about to end. h.mu must be held.
func (h *health) outage() (o outage) {
	if !h.ejected() {
		return o
	}
	now := h.counts.touched()
	return outage{lasted(h.ejectedAt), touched{now.failures - h.before.failures, now.elsewhere - h.before.elsewhere}}
}

// touched counts what an outage of the endpoint's zonal name adds to. A host under it has no counts of its own.
func (c *counts) touched() (t touched) {
	if c == nil {
		return t
	}
	for i := range c.failures {
		t.failures += c.failures[i].Load()
	}
	t.elsewhere = c.attempts[Unhealthy].Load() + c.attempts[FailedOver].Load()
	return t
}
