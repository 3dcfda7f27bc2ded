package resolver

import "sync/atomic"

// counts are the numbers of the requests of one endpoint, or of those that no
// endpoint was chosen for.
type counts struct {
	service   string
	attempts  [len(reasonNames)]atomic.Uint64
	failovers [len(causeNames)]atomic.Uint64
	failures  [len(causeNames)]atomic.Uint64 // of the zonal name
	denials   atomic.Uint64                  // by the endpoint's policy
}

func (c *counts) count(reason Reason, cause Cause) {
	if int(reason) < len(c.attempts) {
		c.attempts[reason].Add(1)
	}
	if cause != NoCause && int(cause) < len(c.failovers) {
		c.failovers[cause].Add(1)
	}
}

func (c *counts) failed(cause Cause) {
	if int(cause) < len(c.failures) {
		c.failures[cause].Add(1)
	}
}

// counted are those of the numbers that are not zero.
func counted[K ~uint8](numbers []atomic.Uint64) map[K]uint64 {
	m := map[K]uint64{}
	for i := range numbers {
		if n := numbers[i].Load(); n > 0 {
			m[K(i)] = n
		}
	}
	return m
}
