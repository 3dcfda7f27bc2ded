package resolver

import "sync/atomic"

// counts are the numbers of the requests of one endpoint, or of those that no
// endpoint was chosen for.
type counts struct {
	service   string
	attempts  [len(reasonNames)]atomic.Uint64
	failovers [len(causeNames)]atomic.Uint64
}

func (c *counts) count(reason Reason, cause Cause) {
	if int(reason) < len(c.attempts) {
		c.attempts[reason].Add(1)
	}
	if cause != NoCause && int(cause) < len(c.failovers) {
		c.failovers[cause].Add(1)
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
