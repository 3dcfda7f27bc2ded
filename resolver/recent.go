package resolver

import (
	"context"
	"sync"
	"time"
)

const (
	// sampleEvery is how often what was counted is remembered, and maxSamples how many of
	// these there are: what a [Snapshot] calls recent begins with the oldest.
	sampleEvery = time.Minute
	maxSamples  = 5
)

// recent remembers what was counted minutes ago. So a snapshot can say what happened since,
// and a request pays nothing for it. The zero value is not usable: see begin.
type recent struct {
	mu      sync.Mutex
	samples []sample // the oldest first; at least one
}

// sample is what was counted at a moment. What is missing was not there yet.
type sample struct {
	at       time.Time
	attempts map[*counts]perReason
}

type perReason [len(reasonNames)]uint64

func (c *counts) perReason() (now perReason) {
	for i := range now {
		now[i] = c.attempts[i].Load()
	}
	return now
}

// begin forgets what was before.
func (r *recent) begin(all []*counts) {
	r.mu.Lock()
	r.samples = nil
	r.mu.Unlock()
	r.take(all)
}

// take takes one more sample, in the place of the oldest if there are too many.
func (r *recent) take(all []*counts) {
	now := sample{time.Now(), make(map[*counts]perReason, len(all))}
	for _, c := range all {
		now.attempts[c] = c.perReason()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples[max(0, len(r.samples)+1-maxSamples):], now)
}

func (r *recent) oldest() sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.samples[0]
}

// since is what these have counted since the sample.
func (s sample) since(all ...*counts) map[Reason]uint64 {
	m := map[Reason]uint64{}
	for _, c := range all {
		now, then := c.perReason(), s.attempts[c]
		for i := range now {
			if n := now[i] - then[i]; n > 0 {
				m[Reason(i)] += n
			}
		}
	}
	return m
}

// keepSampling takes samples for as long as the resolver lives.
func (r *Resolver) keepSampling(ctx context.Context) {
	for sleep(ctx, sampleEvery) {
		r.recent.take(r.allCounts())
	}
}

// allCounts are those of all endpoints, and of what no endpoint was chosen for.
func (r *Resolver) allCounts() []*counts { return append(r.names.counts(), r.unserved.counts()...) }
