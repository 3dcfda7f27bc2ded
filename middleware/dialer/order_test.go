package dialer

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// Given a host with an address in this zone, when a request that was sent here connects, then it does if the zone's name is healthy, or was ejected for what it
// answered, and not if it is known that it can't be connected to, or the address has turned out to be elsewhere.
func TestHomeThatCanBeConnectedTo(t *testing.T) {
	home, other := testAddr(1), testAddr(2)
	fail := func(cause resolver.Cause) func(*testing.T, *Dialer) {
		return func(t *testing.T, d *Dialer) {
			name := d.nameAt(home)
			for range 3 {
				name.Failed(uint8(cause), errors.New("broke"))
			}
			if name.Healthy() {
				t.Error("the name is not ejected")
			}
		}
	}
	for name, tt := range map[string]struct {
		then func(*testing.T, *Dialer)
		at   netip.Addr
		want bool
	}{
		"healthy":                {func(*testing.T, *Dialer) {}, home, true},
		"ejected, for refusing":  {fail(resolver.CauseConnect), home, false},
		"ejected, for answering": {fail(resolver.CauseBroken), home, true},
		"elsewhere":              {func(*testing.T, *Dialer) {}, other, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestResolver(t)
			d := New(r)
			link.Learned(r, zonal, []netip.Addr{home})
			tt.then(t, d)
			l := &leads{in: d.plain, addrs: []netip.Addr{home, other}, home: []netip.Addr{tt.at}, served: true}
			l.at.Store(int64(time.Since(started)))
			d.hosts.put(regional, l)
			got := d.newRace(d.plain, "tcp", regional+":443", regional, nil).atHome(t.Context(), regional, "443")
			if tt.want && (got.err != nil || len(got.addresses) != 1 || got.addresses[0] != "10.0.0.1:443") || !tt.want && !errors.Is(got.err, errNotHome) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Given requests that are sent away from this zone, then that counts where the transport would take either, and nowhere else.
func TestPlaceFor(t *testing.T) {
	for _, to := range []place{anywhere, atHome, elsewhere} {
		in := &transport{place: to}
		if got := in.placeFor(t.Context()); got != to {
			t.Errorf("%d: got %d", to, got)
		}
		want := to
		if to == anywhere {
			want = elsewhere
		}
		if got := in.placeFor(Elsewhere(t.Context())); got != want {
			t.Errorf("%d, elsewhere: got %d, want %d", to, got, want)
		}
	}
	for network, want := range map[string]string{"tcp": "ip", "tcp4": "ip4", "tcp6": "ip6"} {
		if got := family(network); got != want {
			t.Errorf("%s: got %s, want %s", network, got, want)
		}
	}
}
