package dialer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
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

// Given a host's addresses, then those in this zone come first, the others as DNS has them, the nearest before them if they are known, and last those that failed, that
// are ejected, or that nobody is to go to; and they are as they would be elsewhere.
func TestOrder(t *testing.T) {
	home, avoided, b, c := testAddr(1), testAddr(2), testAddr(3), testAddr(4)
	mapped := netip.AddrFrom16(b.As16())
	all := []netip.Addr{avoided, mapped, home, c}
	for name, tt := range map[string]struct {
		to      place
		nearest []netip.Addr
		then    func(*Dialer)
		want    []netip.Addr
	}{
		"this zone first":       {anywhere, nil, nil, []netip.Addr{home, b, c, avoided}},
		"the nearest first":     {anywhere, []netip.Addr{c, avoided}, nil, []netip.Addr{home, c, b, avoided}},
		"elsewhere":             {elsewhere, nil, nil, []netip.Addr{b, c, avoided, home}},
		"elsewhere, by nearest": {elsewhere, []netip.Addr{c, home}, nil, []netip.Addr{c, b, avoided, home}},
		"ejected": {anywhere, nil, func(d *Dialer) {
			for range 3 {
				d.nameAt(home).Failed(uint8(resolver.CauseConnect), errors.New("refused"))
			}
		}, []netip.Addr{b, c, avoided, home}},
		"failed once":  {anywhere, nil, func(d *Dialer) { d.nameAt(home).Failed(uint8(resolver.CauseConnect), errors.New("refused")) }, []netip.Addr{home, b, c, avoided}},
		"shifted away": {anywhere, nil, func(d *Dialer) { d.resolver.ShiftAway(time.Now().Add(time.Hour)) }, []netip.Addr{b, c, avoided, home}},
	} {
		r := newTestResolver(t)
		d := New(r)
		link.Learned(r, zonal, []netip.Addr{home})
		d.avoid.add("", avoided)
		if tt.then != nil {
			tt.then(d)
		}
		in := *d.plain
		in.place = tt.to
		if got := in.order(regional, all, tt.nearest, tt.to); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// Given hosts that requests were made to, when more of them are remembered than there is room for, then those go that nobody has used since they were refreshed, and if
// that is none, all.
func TestHostsThatAreRemembered(t *testing.T) {
	d := New(newTestResolver(t))
	for i := range maxHosts {
		d.plain.put(fmt.Sprint("host", i), []netip.Addr{testAddr(1)}).used.Store(i%2 == 0)
	}
	if n := len(*d.hosts.known.Load()); n != maxHosts {
		t.Fatalf("%d are remembered", n)
	}
	d.plain.put("one more", []netip.Addr{testAddr(1)})
	if n := len(*d.hosts.known.Load()); n != maxHosts/2+1 || d.hosts.of("host0") == nil || d.hosts.of("host1") != nil || d.hosts.of("one more") == nil {
		t.Errorf("%d are remembered, want those that are used, and one more", n)
	}
	for i := range maxHosts {
		d.plain.put(fmt.Sprint("used", i), []netip.Addr{testAddr(1)}).used.Store(true)
	}
	if n := len(*d.hosts.known.Load()); n > maxHosts {
		t.Errorf("%d are remembered", n)
	}
}

// Given a host that is looked up again, then the same addresses in another order are no news, and others are; and whether it was used stays.
func TestHostsThatLeadElsewhere(t *testing.T) {
	r := newTestResolver(t)
	d := New(r)
	home, other := testAddr(1), testAddr(2)
	l := d.plain.put("h", []netip.Addr{home, other})
	l.used.Store(true)
	l.at.Store(0)
	if got := d.plain.put("h", []netip.Addr{other, home}); got != l || l.at.Load() == 0 || l.split() {
		t.Errorf("the same in another order is %+v", got)
	}
	link.Learned(r, zonal, []netip.Addr{home})
	now := d.plain.put("h", []netip.Addr{other, home})
	if now == l || !now.split() || !now.used.Load() || !slices.Equal(now.home, []netip.Addr{home}) {
		t.Errorf("when one is known to be in this zone: %+v", now)
	}
	if got := d.plain.put("h", []netip.Addr{home}); got == now || got.split() {
		t.Errorf("with this zone's alone: %+v", got)
	}
	if got := d.plain.put("h", []netip.Addr{other}); got.split() {
		t.Errorf("with another's alone: %+v", got)
	}
	if got := (&transport{dialer: d}).put("h", []netip.Addr{other}); got.in == d.plain {
		t.Error("the transport that looks it up is the one before")
	}
	l.at.Store(int64(time.Since(started) - time.Minute))
	if !l.older(time.Minute-time.Second) || l.older(2*time.Minute) {
		t.Error("it is a minute old")
	}
}

// Given ticks that come late, when a zonal name's addresses are waited for, then that ends with the fifth, however long it took, or when they are known, or the
// caller gives up.
func TestWaitBeside(t *testing.T) {
	for name, end := range map[string]func(cancel func(), learned chan struct{}, ticks chan time.Time){
		"the last tick":       func(_ func(), _ chan struct{}, ticks chan time.Time) { ticks <- time.Now() },
		"it is learned":       func(_ func(), learned chan struct{}, _ chan time.Time) { close(learned) },
		"the caller gives up": func(cancel func(), _ chan struct{}, _ chan time.Time) { cancel() },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		learned, ticks, waited := make(chan struct{}), make(chan time.Time), make(chan struct{})
		go func() {
			defer close(waited)
			waitBeside(ctx, learned, ticks)
		}()
		for i := range besideTicks - 1 {
			select {
			case ticks <- time.Now():
			case <-waited:
				t.Fatalf("%s: it was over after %d ticks", name, i)
			}
		}
		end(cancel, learned, ticks)
		<-waited
		cancel()
	}
}
