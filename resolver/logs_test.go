package resolver

import (
	"testing"
	"time"
)

// Given times in the past, when a log says how long ago that was, then in milliseconds up to ten seconds, and in seconds beyond.
func TestLasted(t *testing.T) {
	for ago, unit := range map[time.Duration]time.Duration{
		0: time.Millisecond, 1234567 * time.Microsecond: time.Millisecond, 8 * time.Second: time.Millisecond,
		12345 * time.Millisecond: time.Second, time.Hour: time.Second,
	} {
		got := lasted(time.Now().Add(-ago))
		if got%unit != 0 || got < ago-unit || got > ago+2*time.Second {
			t.Errorf("%v: got %v", ago, got)
		}
	}
}
