package resolver

import "sync/atomic"

// counts are the numbers of the requests of one endpoint, or of those that no
// endpoint was chosen for.
type counts struct {
	service   string
	attempts  [len(reasonNames)]atomic.Uint64
	failovers [len(causeNames)]atomic.Uint64
}

// Count tells that a request is about to be sent on the route. It is for
// [Snapshot] to show.
func (r *Resolver) Count(route Route) {
	if r == nil {
		return
	}
	c := &r.elsewhere
	if route.via != nil && route.via.counts != nil {
		c = route.via.counts
	}
	if int(route.Reason) < len(c.attempts) {
		c.attempts[route.Reason].Add(1)
	}
	if route.Cause != NoCause && int(route.Cause) < len(c.failovers) {
		c.failovers[route.Cause].Add(1)
	}
}

func (c *counts) byReason() map[Reason]uint64 {
	m := map[Reason]uint64{}
	for i := range c.attempts {
		if n := c.attempts[i].Load(); n > 0 {
			m[Reason(i)] = n
		}
	}
	return m
}

func (c *counts) byCause() map[Cause]uint64 {
	m := map[Cause]uint64{}
	for i := range c.failovers {
		if n := c.failovers[i].Load(); n > 0 {
			m[Cause(i)] = n
		}
	}
	return m
}
