//go:build go1.25

package resolver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Given a catalogue that is there, when endpoints are to be asked for again, then that waits for a request, one that came meanwhile counts, and each counts once.
func TestOneRequestWakesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Resolver{}
		r.demand = newDemand()
		r.catalog.since = time.Now()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if r.untilUsed(ended) {
			t.Error("woken by nobody")
		}
		woken := make(chan bool, 1)
		go func() { woken <- r.untilUsed(t.Context()) }()
		synctest.Wait()
		if len(woken) != 0 {
			t.Error("woken by nobody")
		}
		r.demand.wake()
		if !<-woken {
			t.Error("not woken by a request")
		}
		if r.untilUsed(ended) {
			t.Error("woken twice by one request")
		}
		r.demand.wake()
		r.demand.wake()
		if !r.untilUsed(ended) || r.untilUsed(ended) {
			t.Error("requests that came meanwhile wake once")
		}
		r.catalog.since = time.Time{}
		if !r.untilUsed(ended) {
			t.Error("without a catalogue nobody is waited for")
		}
	})
}
