//go:build go1.25

package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
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

// Given somebody to look names up who answers in part, with nothing, or not at all, then that is an error, and what was answered is not used.
func TestAnswersOfLookups(t *testing.T) {
	r := inZone(t)
	home, down := netip.MustParseAddr("10.0.1.7"), errors.New("down")
	for _, tt := range []struct {
		addrs []netip.Addr
		err   error
		fails bool
	}{{[]netip.Addr{home}, nil, false}, {[]netip.Addr{home}, down, true}, {nil, nil, true}, {[]netip.Addr{netip.IPv4Unspecified()}, nil, true}} {
		got, err := r.askSafely(t.Context(), func(context.Context, string) ([]netip.Addr, error) { return tt.addrs, tt.err }, "name")
		if (err != nil) != tt.fails || tt.err != nil && !errors.Is(err, tt.err) || tt.fails && got != nil {
			t.Errorf("%+v: got %v, %v", tt, got, err)
		}
	}
	if _, err := r.askSafely(t.Context(), func(context.Context, string) ([]netip.Addr, error) { panic("theirs") }, "name"); err == nil || r.Snapshot().Panics != 1 {
		t.Errorf("a panic: got %v", err)
	}
}

// Of the addresses that DNS says, those are kept that something can be at, each once, in one order, and not too many.
func TestUsable(t *testing.T) {
	var all []netip.Addr
	for _, a := range []string{"10.0.0.2", "::ffff:10.0.0.1", "10.0.0.1", "0.0.0.0", "::", "fd00::1"} {
		all = append(all, netip.MustParseAddr(a))
	}
	if got := fmt.Sprint(usable(append(all, netip.Addr{}))); got != "[10.0.0.1 10.0.0.2 fd00::1]" {
		t.Errorf("got %s", got)
	}
	for i := range 2 * maxRegional {
		all = append(all, netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
	}
	if got := len(usable(all)); got != maxRegional {
		t.Errorf("%d are kept, want %d", got, maxRegional)
	}
}
