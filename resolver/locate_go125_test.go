//go:build go1.25

package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// fakeDNS answers by name, and notes what it was asked.
type fakeDNS struct {
	mu      sync.Mutex
	answers map[string][]netip.Addr
	asked   []string
	took    time.Duration
	busy    int
	most    int // asked at a time
}

func (d *fakeDNS) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	d.mu.Lock()
	d.asked = append(d.asked, host)
	d.busy++
	d.most = max(d.most, d.busy)
	answer, took := d.answers[host], d.took
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		d.busy--
		d.mu.Unlock()
	}()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if answer == nil {
		return nil, errors.New("no such host: " + host)
	}
	return answer, nil
}

func (d *fakeDNS) answer(host string, addrs ...netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.answers == nil {
		d.answers = map[string][]netip.Addr{}
	}
	d.answers[host] = addrs
}

// take returns what was asked since it was last called.
func (d *fakeDNS) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.asked
	d.asked = nil
	return asked
}

const partner = "vpce-0a1b2c3d4e5f60718-lj2wisx3.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"

// Given a resolver that somebody wants locations of, then its endpoints' names are looked up in
// the background, a partner's and those of a client's own URL among them, and again every hour.
func TestNamesAreLookedUpInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{}
		zonalPartner := strings.Replace(partner, "lj2wisx3", "lj2wisx3-us-east-1a", 1)
		dns.answer(zonal("sqs"), in('a', 7))
		dns.answer(regional("sqs"), in('b', 7), in('a', 7))
		dns.answer("bucket."+zonal("s3"), in('a', 8))
		dns.answer("bucket."+regional("s3"), in('a', 8), in('b', 8))
		dns.answer(zonalPartner, in('a', 9))
		dns.answer(partner, in('a', 9), in('c', 9))
		dns.answer(zonal("kms"), in('a', 10))
		dns.answer(regional("kms"), in('b', 10))
		r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), of("s3"), {Regional: partner}})
		for range 5 {
			r.Resolve("sqs" + region)
			r.Snapshot()
			time.Sleep(time.Hour)
		}
		link.SetLookup(r, dns.lookup)
		synctest.Wait()
		time.Sleep(time.Second)
		home := map[netip.Addr]resolver.Location{
			in('a', 7): resolver.Home, in('b', 7): resolver.Away, in('a', 8): resolver.Home, in('b', 8): resolver.Away,
			in('a', 9): resolver.Home, in('c', 9): resolver.Away, in('a', 10): resolver.Unknown,
		}
		expectAt(t, r, home)
		if got := dns.take(); len(got) != 6 {
			t.Errorf("asked %q, want each name once, and none before somebody wanted it", got)
		}
		r.Resolve(regional("kms"))
		time.Sleep(time.Second)
		home[in('a', 10)], home[in('b', 10)] = resolver.Home, resolver.Away
		expectAt(t, r, home)
		if got := dns.take(); !slices.Equal(got, []string{zonal("kms"), regional("kms")}) {
			t.Errorf("asked %q, want the new endpoint's names", got)
		}
		time.Sleep(time.Hour)
		if got := dns.take(); len(got) != 8 {
			t.Errorf("asked %q after an hour, want each name once", got)
		}

		r.SetMode(resolver.Off)
		time.Sleep(3 * time.Hour)
		if got := dns.take(); len(got) != 0 {
			t.Errorf("mode Off: asked %q", got)
		}
		r.SetMode(resolver.Prefer)
		expectAt(t, r, home)
		time.Sleep(time.Second)
		if got := dns.take(); len(got) != 8 {
			t.Errorf("mode Prefer again: asked %q, want each name once", got)
		}
		for i, want := range [][]netip.Addr{{in('a', 7)}, {in('a', 8)}, {in('a', 9)}, {in('a', 10)}} {
			if got := r.Snapshot().Endpoints[i].Addresses; !slices.Equal(got, want) {
				t.Errorf("addresses of endpoint %d: got %v, want %v", i, got, want)
			}
		}
	})
}

// Given names that can't be looked up, then they are tried again, less and less often, and what
// they led to is kept; a later answer replaces it.
func TestLookupsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{}
		r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
		link.SetLookup(r, dns.lookup)
		time.Sleep(time.Minute)
		if got := dns.take(); len(got) < 3 || len(got) > 5 || slices.Contains(got, regional("sqs")) {
			t.Errorf("asked %q in a minute, want the zonal name a few times", got)
		}
		time.Sleep(time.Hour)
		if got := dns.take(); len(got) < 8 || len(got) > 15 {
			t.Errorf("asked %d times in an hour, want every ten minutes or so", len(got))
		}
		link.Learned(r, zonal("sqs"), []netip.Addr{in('a', 7)})
		time.Sleep(time.Hour)
		expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 7): resolver.Home})
		dns.answer(zonal("sqs"), in('a', 8))
		dns.answer(regional("sqs")) // an answer without an address is none
		time.Sleep(time.Hour)
		expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 7): resolver.Unknown, in('a', 8): resolver.Home})
		dns.answer(regional("sqs"), in('a', 8), in('b', 8))
		dns.answer(zonal("sqs"))
		time.Sleep(2 * time.Hour)
		expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 8): resolver.Home, in('b', 8): resolver.Unknown})
	})
}

// Given several dialers, then the last one is asked first, the next if that fails or panics, and
// of many the last four.
func TestWhoIsAskedForAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recorder{}
		r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")}, resolver.WithLogger(log.logger()))
		var asked []string
		for i := range 9 {
			link.SetLookup(r, func(_ context.Context, host string) ([]netip.Addr, error) {
				if host == zonal("sqs") {
					asked = append(asked, fmt.Sprint(i))
				}
				switch i {
				case 5:
					return []netip.Addr{in('a', 7)}, nil
				case 6:
					return nil, nil
				case 7:
					panic("no DNS")
				}
				return nil, errors.New("no DNS")
			})
		}
		link.SetLookup(r, nil)
		link.SetLookup("no resolver", nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := strings.Join(asked, " "); got != "8 7 6 5" {
			t.Errorf("asked %s, want the last first and the others until one knows", got)
		}
		expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 7): resolver.Home})
		if got := r.Snapshot().Panics; got == 0 || !strings.Contains(log.String(), "a lookup of a name panicked") {
			t.Errorf("got %d panics, and logged %s", got, log)
		}
	})
}

// Given a dialer, when a program waits for Ready, then the endpoints' names have been looked up;
// a DNS that doesn't answer costs it a second, and no error.
func TestReadyWaitsForLookups(t *testing.T) {
	for _, tt := range []struct {
		name    string
		took    time.Duration
		answers bool
		mode    resolver.Mode
		waited  time.Duration
		at      resolver.Location
	}{
		{"a DNS that answers", 10 * time.Millisecond, true, resolver.Prefer, 20 * time.Millisecond, resolver.Home},
		{"one that knows nothing", 10 * time.Millisecond, false, resolver.Prefer, 10 * time.Millisecond, resolver.Unknown},
		{"one that doesn't answer", time.Hour, true, resolver.Prefer, time.Second, resolver.Unknown},
		{"mode Off", time.Hour, true, resolver.Off, 0, resolver.Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dns := &fakeDNS{took: tt.took}
				if tt.answers {
					dns.answer(zonal("sqs"), in('a', 7))
					dns.answer(regional("sqs"), in('a', 7))
				}
				r, err := resolver.New(resolver.WithZone(zone.Static(inA)), resolver.WithMode(tt.mode),
					resolver.WithEndpoints(endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
						return endpoint.Catalog{Endpoints: sqsOnly()}, nil
					})))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				link.SetLookup(r, dns.lookup)
				start := time.Now()
				if err := r.Ready(t.Context()); err != nil {
					t.Error(err)
				}
				if got := time.Since(start); got != tt.waited {
					t.Errorf("waited %v, want %v", got, tt.waited)
				}
				expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 7): tt.at})
			})
		})
	}
}

// Given no dialer, then whom the options name is asked.
func TestNetResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan string, 100)
		dns := &net.Resolver{PreferGo: true, Dial: func(_ context.Context, network, _ string) (net.Conn, error) {
			asked <- network
			return nil, errors.New("no network in this test")
		}}
		r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")}, resolver.WithNetResolver(nil), resolver.WithNetResolver(dns))
		r.Locate(in('a', 7))
		time.Sleep(time.Second)
		if len(asked) == 0 {
			t.Error("nobody was asked for the endpoint's names")
		}
	})
}

// Given many endpoints and a DNS that is slow, then a few names are looked up at a time; one that
// never answers keeps Close no longer than its context.
func TestLookupsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{took: 4 * time.Second}
		r := newResolver(t, zone.Zone{Name: "us-east-1b"}, largeCatalog(400))
		link.SetLookup(r, dns.lookup)
		time.Sleep(50 * time.Second)
		if dns.mu.Lock(); dns.most != 4 {
			t.Errorf("asked for %d names at a time, want 4", dns.most)
		}
		dns.took = 0
		dns.mu.Unlock()
		time.Sleep(5 * time.Second)
		dns.take()
		time.Sleep(4 * time.Second)
		if got := len(dns.take()); got < 70 || got > 85 {
			t.Errorf("asked %d times in four seconds, want 20 a second", got)
		}
		dns.mu.Lock()
		dns.took = 24 * time.Hour
		dns.mu.Unlock()
		time.Sleep(time.Second)
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		dns.take()
		time.Sleep(time.Hour)
		if got := dns.take(); len(got) != 0 {
			t.Errorf("asked %q after Close", got)
		}
	})
}

// Given lookups, Locate, changes of mode and of what is suspect all at once, then nothing is
// torn: an address that was home stays home, or is kept away from.
func TestLocateAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), of("sns")})
		offline(t, r)
		link.Learned(r, zonal("sqs"), []netip.Addr{in('a', 7)})
		var running sync.WaitGroup
		var lost atomic.Bool
		for _, f := range []func(i int){
			func(i int) { link.Learned(r, zonal("sns"), []netip.Addr{in('b', byte(i))}) },
			func(i int) { link.Learned(r, regional("sns"), []netip.Addr{in('c', byte(i))}) },
			func(i int) { link.NameAt(r, in('a', 7)).Connected(in('a', byte(i))) },
			func(i int) { r.Resolve("sqs"+region).Failed(resolver.CauseConnect, nil) },
			func(i int) { r.Resolve(numbered(i)) },
			func(i int) { r.ShiftAway(time.Now().Add(time.Duration(i%2) * time.Hour)) },
			func(i int) { link.SuspectAddr(r, in('a', 7)) },
			func(i int) {
				if at := r.Locate(in('a', 7)); at != resolver.Home && at != resolver.HomeEjected {
					lost.Store(true)
				}
			},
		} {
			running.Add(1)
			go func() {
				defer running.Done()
				for i := range 100 {
					f(i)
				}
			}()
		}
		running.Wait()
		if lost.Load() {
			t.Error("an address of the own zone was lost for a moment")
		}
	})
}

// Given another zone or catalogue, then addresses are located anew, and what names led to is
// kept for as long as they are listed.
func TestLocateFollowsTheZoneAndTheCatalogue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inB, short atomic.Bool
		r, err := resolver.New(resolver.WithRefresh(time.Minute),
			resolver.WithZone(zoneFunc(func(context.Context) (zone.Answer, error) {
				a := zone.Answer{Zone: inA, Until: time.Now().Add(time.Minute)}
				if inB.Load() {
					a.Zone.Name, a.Subnets = "us-east-1b", []netip.Prefix{netip.MustParsePrefix("10.0.3.0/24")}
				}
				return a, nil
			})),
			resolver.WithEndpoints(endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
				list := []endpoint.Endpoint{of("sqs"), of("sns")}
				if short.Load() {
					list = list[:1]
				}
				return endpoint.Catalog{Endpoints: list}, nil
			})))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		offline(t, r)
		synctest.Wait()
		link.Learned(r, zonal("sqs"), []netip.Addr{in('a', 7)})
		link.Learned(r, zonal("sns"), []netip.Addr{in('a', 8)})
		later := func(want map[netip.Addr]resolver.Location) {
			t.Helper()
			r.Resolve("sqs" + region) // the catalogue is asked for while there are requests
			time.Sleep(2 * time.Minute)
			expectAt(t, r, want)
		}
		later(map[netip.Addr]resolver.Location{in('a', 7): resolver.Home, in('a', 8): resolver.Home})
		short.Store(true)
		later(map[netip.Addr]resolver.Location{in('a', 7): resolver.Home, in('a', 8): resolver.Unknown})
		inB.Store(true)
		later(map[netip.Addr]resolver.Location{in('a', 7): resolver.Unknown, in('c', 8): resolver.Home})
	})
}
