//go:build go1.25

package resolver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given a fault of ours, when a shift ends by itself, then it ends no program, and is counted.
func TestAFaultAtTheEndOfAShift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
			WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"})))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		r.ShiftAway(time.Now().Add(time.Second))
		r.mu.Lock()
		index := r.index
		r.index = nil
		r.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.mu.Lock()
		r.index = index
		r.mu.Unlock()
		if n := r.Snapshot().Panics; n != 1 {
			t.Errorf("%d panics were counted, want 1", n)
		}
	})
}

// Given faults of ours in the background, then they end no program, are counted, and a source is asked again.
func TestAFaultInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		asked := 0
		p := &poll{resolver: r, wait: always, ask: func(context.Context) time.Duration {
			if asked++; asked < 3 {
				panic("a poll's")
			}
			return never
		}}
		r.background.start(p.run)
		r.background.start(func(context.Context) { panic("another's") })
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := r.Snapshot().Panics; n != 3 || asked != 3 {
			t.Errorf("%d panics were counted, want 3; asked %d times, want 3", n, asked)
		}
	})
}

// Given a background that is closed, then nothing starts in it any more.
func TestNothingStartsAfterClose(t *testing.T) {
	b := newBackground(newLogs(nil))
	<-b.close()
	ran := make(chan bool, 1)
	if b.start(func(context.Context) { ran <- true }) {
		t.Error("it is said to have started")
	}
	b.running.Wait()
	if len(ran) > 0 {
		t.Error("it started")
	}
}
