//go:build go1.25

package resolver

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Given names that can't be looked up, and can, then the next turn comes after ever longer pauses up to ten minutes, and after an answer as usual; each up to a fifth
// earlier.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now turn
		down := errors.New("down")
		failing := []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 320 * time.Second, 10 * time.Minute, 10 * time.Minute}
		for range 2 {
			for i, want := range slices.Concat(failing, []time.Duration{lookupRefresh, lookupRefresh}) {
				if i < len(failing) {
					now.after(down)
				} else {
					now.after(nil)
				}
				if got := time.Until(now.at); got > want || got <= want-want/5 {
					t.Errorf("turn %d: after %v, want %v or up to a fifth less", i, got, want)
				}
			}
		}
	})
}
