package resolver_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// Given what a dialer asks and says, when there is no resolver, then nothing is known and nothing happens; and when there is one, then it answers, and takes notice.
func TestLink(t *testing.T) {
	none := (*resolver.Resolver)(nil)
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	offline(t, r)
	home := in('a', 7)
	for _, to := range []any{nil, none, r} {
		link.Learned(to, zonal("sqs"), []netip.Addr{home})
		link.Nearest(to, "db.example", []netip.Addr{home}, "near")
		link.Note(to, "noted")
		link.Note(to, "noted")
		link.Panicked(to, "the user's")
		link.SetChecker(to, func(context.Context, string) error { return nil })
		if link.SuspectAddr(to, home) {
			t.Errorf("%T: an address is suspect", to)
		}
		is := to == any(r)
		if name := link.NameOf(to, zonal("sqs")); (name != nil) != is {
			t.Errorf("%T: a name is %v", to, name)
		}
		if name := link.NameAt(to, home); (name != nil) != is {
			t.Errorf("%T: at the address is %v", to, name)
		}
		if link.Serves(to, "sqs"+region) != is || link.Serves(to, "kms"+region) || link.Active(to) != is {
			t.Errorf("%T: it serves, or is active, or not", to)
		}
	}
	if link.Closing(nil).Done() != nil || link.Closing(none).Done() != nil || link.Closing(r).Err() != nil {
		t.Error("it is said to be closed, or that it will be")
	}
	s := r.Snapshot()
	if s.Panics != 1 || len(s.Nearest) != 1 {
		t.Errorf("got %d panics, and as the nearest %v", s.Panics, s.Nearest)
	}
	if got := whatIs(s, "panics"); !strings.Contains(got, "1 panics") {
		t.Errorf("of the panic it is said %q", got)
	}
	if n := strings.Count(whatIs(s, "note"), "Noted."); n != 1 {
		t.Errorf("it is noted %d times, want once", n)
	}
	if err := r.Close(); err != nil || link.Closing(r).Err() == nil {
		t.Errorf("%v; it is closed, and nobody was told", err)
	}
}

// Given endpoints, when a dialer asks what is served, then it is the hosts that requests are routed for: services', those under them, and none that look alike.
func TestServes(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), of("s3"), of("rum")})
	for host, want := range map[string]bool{
		"sqs" + region: true, regional("sqs"): true, "x.sqs" + region: false, "xsqs" + region: false, ".sqs" + region: false,
		"photos.s3" + region: true, "a.b.s3" + region: true, "photos.s3" + region + ".x": false, "dataplane." + regional("rum"): true,
		"sqs": false, "": false, ".": false, strings.TrimPrefix(region, "."): false,
	} {
		if got := link.Serves(r, host); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
		if routed := r.Resolve(host).Target != resolver.Unmatched; routed != want {
			t.Errorf("%q is routed: %v, want %v", host, routed, want)
		}
	}
}

// Given a resolver that nobody asks for a location, when a dialer registers its DNS, or tells where a name leads, then DNS is asked in the background from then on.
func TestWhoWantsLocations(t *testing.T) {
	for name, want := range map[string]func(*resolver.Resolver, func()){
		"a dialer's DNS": func(r *resolver.Resolver, asked func()) {
			link.SetLookup(r, func(context.Context, string) ([]netip.Addr, error) {
				asked()
				return nil, errors.New("no DNS in this test")
			})
		},
		"what a dialer learned": func(r *resolver.Resolver, _ func()) {
			link.Learned(r, zonal("sqs"), []netip.Addr{in('a', 7)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			told := make(chan bool, 100)
			asked := func() {
				select {
				case told <- true:
				default:
				}
			}
			r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")}, resolver.WithNetResolver(&net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				asked()
				return nil, errors.New("no DNS in this test")
			}}))
			want(r, asked)
			select {
			case <-told:
			case <-time.After(10 * time.Second):
				t.Error("DNS was not asked")
			}
		})
	}
}

// Given a regional name that was learned from a request, when the mode has been another for a while, then it is served again before anybody asks for it.
func TestLearnedNamesOutliveTheMode(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("s3")})
	r.Resolve(regional("sqs"))
	for _, mode := range []resolver.Mode{resolver.Off, resolver.Observe} {
		r.SetMode(mode)
		if link.Serves(r, regional("sqs")) {
			t.Errorf("%v: it is served", mode)
		}
		r.SetMode(resolver.Prefer)
		if !link.Serves(r, regional("sqs")) || !link.Serves(r, "x."+regional("sqs")) || link.Serves(r, "x"+regional("sqs")) {
			t.Errorf("after %v it is not served, or a host under it, or another is", mode)
		}
	}
}

// Given failures of a zonal name and of a bucket under one, then the errors name the zonal name, and no bucket.
func TestErrorsNameNoBucket(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), of("s3")})
	for host, want := range map[string]string{"sqs" + region: zonal("sqs"), "photos.s3" + region: "*." + zonal("s3")} {
		route := r.Resolve(host)
		route.Failed(resolver.CauseConnect, errors.New("dial "+route.Host+": refused"))
		got := ""
		for _, e := range r.Snapshot().Endpoints {
			if e.Service == route.Service() {
				got = e.LastError
			}
		}
		if got != "dial "+want+": refused" {
			t.Errorf("%s: got %q, want %q in it", host, got, want)
		}
	}
}
