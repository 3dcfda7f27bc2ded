package resolver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// in is an address of zone a, b or c: 10.0.1.7 is in(a, 7).
func in(z byte, n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, z - 'a' + 1, n}) }

// offline has nothing looked up: what a name leads to is what a test says.
func offline(t testing.TB, r *resolver.Resolver) {
	t.Helper()
	link.SetLookup(r, func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no DNS in this test") })
}

func expectAt(t testing.TB, r *resolver.Resolver, want map[netip.Addr]resolver.Location) {
	t.Helper()
	for addr, at := range want {
		if got := r.Locate(addr); got != at {
			t.Errorf("%v: got %v, want %v", addr, got, at)
		}
	}
}

// Given a zonal name of which DNS has told one address family alone, then the regional name's addresses of the other are nobody's.
func TestLocateByHalfAnAnswer(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	offline(t, r)
	v6 := netip.MustParseAddr("2600:1f14::7")
	link.Learned(r, zonal("sqs"), []netip.Addr{in('a', 7)})
	link.Learned(r, regional("sqs"), []netip.Addr{in('a', 7), in('b', 7), v6})
	expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 7): resolver.Home, in('b', 7): resolver.Away, v6: resolver.Unknown})
	link.Learned(r, zonal("sqs"), []netip.Addr{v6})
	expectAt(t, r, map[netip.Addr]resolver.Location{v6: resolver.Home})
}

// Given what a dialer has just looked up, then at once the own zone's addresses are home, and
// those that the regional name leads to besides are elsewhere; of others nothing is known.
func TestLocateByWhatADialerHasLookedUp(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), of("s3")})
	offline(t, r)
	expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 7): resolver.Unknown})
	all := []netip.Addr{in('b', 7), in('a', 7), in('c', 7), {}, netip.IPv4Unspecified()}
	link.Learned(r, regional("sqs"), all)
	expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 7): resolver.Unknown, in('b', 7): resolver.Unknown}) // one of them may be home
	link.Learned(r, strings.ToUpper(zonal("sqs"))+".", []netip.Addr{in('a', 7)})
	v6 := netip.MustParseAddr("2600:1f14::7")
	link.Learned(r, "photos.bucket."+zonal("s3"), []netip.Addr{v6, in('a', 8)})
	link.Learned(r, "photos.bucket."+regional("s3"), []netip.Addr{in('b', 8), in('a', 8)})
	link.Learned(r, "sqs"+region, []netip.Addr{in('c', 9)}) // a service host may lead anywhere
	link.Learned(r, "x"+zonal("sqs"), []netip.Addr{in('c', 9)})
	link.Learned(nil, zonal("sqs"), nil)
	expectAt(t, r, map[netip.Addr]resolver.Location{
		in('a', 7): resolver.Home, netip.AddrFrom16(in('a', 7).As16()): resolver.Home, in('b', 7): resolver.Away, in('c', 7): resolver.Away,
		v6: resolver.Home, in('a', 8): resolver.Home, in('b', 8): resolver.Away,
		in('c', 9): resolver.Unknown, {}: resolver.Unknown, netip.IPv4Unspecified(): resolver.Unknown, netip.MustParseAddr("192.0.2.1"): resolver.Unknown,
	})
	link.Learned(r, zonal("sqs"), []netip.Addr{in('a', 9)}) // one more, and the other was not said to be gone
	expectAt(t, r, map[netip.Addr]resolver.Location{in('a', 7): resolver.Home, in('a', 9): resolver.Home})

	var none *resolver.Resolver
	if got := none.Locate(in('a', 7)); got != resolver.Unknown || link.NameAt(none, in('a', 7)) != nil {
		t.Errorf("a nil resolver: got %v", got)
	}
}

// Given a zonal name that is ejected, then its addresses are not to be used, under whatever
// host; so are all of the zone's while it is shifted away from.
func TestLocateKeepsAwayFromWhatIsEjected(t *testing.T) {
	own := zoneWith(inA, "10.0.1.0/28")
	r, err := resolver.New(resolver.WithZone(own), resolver.WithEndpoints(endpoint.Static(of("sqs"), of("sns"))))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	offline(t, r)
	link.Learned(r, zonal("sqs"), []netip.Addr{in('a', 17)})
	link.Learned(r, zonal("sns"), []netip.Addr{in('a', 18)})
	link.Learned(r, regional("sns"), []netip.Addr{in('a', 18), in('b', 18)})
	sqs, sns, subnet, away := in('a', 17), in('a', 18), in('a', 1), in('b', 18)
	check := func(when string, want map[netip.Addr]resolver.Location) {
		t.Helper()
		for addr, at := range want {
			if got := r.Locate(addr); got != at {
				t.Errorf("%s: %v: got %v, want %v", when, addr, got, at)
			}
			if got := link.SuspectAddr(r, addr); got != (at == resolver.HomeEjected) {
				t.Errorf("%s: %v is suspect: got %v", when, addr, got)
			}
		}
	}
	check("at first", map[netip.Addr]resolver.Location{sqs: resolver.Home, sns: resolver.Home, subnet: resolver.Home, away: resolver.Away})
	name := link.NameAt(r, sqs)
	if name == nil || link.NameAt(r, subnet) != nil || link.NameAt(r, away) != nil {
		t.Fatalf("the names at the addresses: got %v, want that of one alone", name)
	}
	name.Failed(link.Cause(resolver.CausePathDead), errors.New("dead"))
	check("ejected", map[netip.Addr]resolver.Location{sqs: resolver.HomeEjected, sns: resolver.Home, subnet: resolver.Home, away: resolver.Away})
	if got := r.Resolve("sqs" + region).Reason; got != resolver.Unhealthy {
		t.Errorf("the address's health is the name's: got %v, want Unhealthy", got)
	}
	r.ShiftAway(time.Now().Add(time.Hour))
	shifted := map[netip.Addr]resolver.Location{sqs: resolver.HomeEjected, sns: resolver.HomeEjected, subnet: resolver.HomeEjected, away: resolver.Away}
	check("shifted away", shifted)
	if link.NameAt(r, sns) == nil {
		t.Error("shifted away, an address has no health")
	}
	r.Resolve(regional("kms")) // whose names become known meanwhile
	link.Learned(r, zonal("kms"), []netip.Addr{in('a', 19)})
	check("shifted away", map[netip.Addr]resolver.Location{in('a', 19): resolver.HomeEjected})
	for _, m := range []resolver.Mode{resolver.Observe, resolver.Off} {
		r.SetMode(m)
		for addr := range shifted {
			if got := r.Locate(addr); got != resolver.Unknown || link.NameAt(r, addr) != nil {
				t.Errorf("mode %v: %v: got %v, want Unknown and no health", m, addr, got)
			}
		}
	}
	r.SetMode(resolver.Prefer)
	check("shifted away", shifted)
	r.ShiftAway(time.Time{})
	check("afterwards", map[netip.Addr]resolver.Location{
		sqs: resolver.HomeEjected, sns: resolver.Home, subnet: resolver.Home, away: resolver.Away, in('a', 19): resolver.Home,
	})
}

// zoneNow and catalogNow are sources that need not wait.
type (
	zoneNow    struct{ answer zone.Answer }
	catalogNow struct{ catalog endpoint.Catalog }
)

func (z zoneNow) Zone(context.Context) (zone.Zone, error)                { return z.answer.Zone, nil }
func (z zoneNow) Answer(context.Context, bool) (zone.Answer, error)      { return z.answer, nil }
func (c catalogNow) Endpoints(context.Context) (endpoint.Catalog, error) { return c.catalog, nil }

func (c catalogNow) Answer(context.Context, bool) (endpoint.Answer, error) {
	return endpoint.Answer{Catalog: c.catalog}, nil
}

// zoneWith is a source that knows subnets, too.
func zoneWith(z zone.Zone, subnets ...string) zone.Source {
	a := zone.Answer{Zone: z}
	for _, s := range subnets {
		a.Subnets = append(a.Subnets, netip.MustParsePrefix(s))
	}
	return zoneNow{a}
}

// catalogOf is a source with subnets, each "10.0.1.0/24 use1-az6 us-east-1a".
func catalogOf(names map[string]string, endpoints []endpoint.Endpoint, subnets ...string) endpoint.Source {
	c := endpoint.Catalog{Endpoints: endpoints, ZoneNames: names}
	for _, s := range subnets {
		f := strings.Split(s, " ")
		c.Subnets = append(c.Subnets, endpoint.Subnet{Prefix: netip.MustParsePrefix(f[0]), ZoneID: f[1], Zone: f[2]})
	}
	return catalogNow{c}
}

// Given subnets, then the zone's ID says which are the own zone's, and where it isn't known the
// name that the endpoints' owner has for it.
func TestLocateBySubnets(t *testing.T) {
	names := map[string]string{"use1-az6": "us-east-1a", "use1-az1": "us-east-1b"}
	both := zone.Zone{Name: "us-east-1c", ID: "use1-az6"} // another account's letters
	for _, tt := range []struct {
		name    string
		zone    zone.Zone
		names   map[string]string
		subnets []string
		own     []string
		want    map[string]resolver.Location
	}{
		{
			"by ID", both, nil,
			[]string{"10.0.1.0/24 use1-az6 us-east-1a", "10.0.2.0/24 use1-az1 us-east-1c"},
			nil,
			map[string]resolver.Location{"10.0.1.0": resolver.Home, "10.0.1.255": resolver.Home, "10.0.2.7": resolver.Away, "10.0.3.7": resolver.Unknown},
		},
		{
			"by the owner's name", inA, nil,
			[]string{"10.0.1.0/24  us-east-1a", "10.0.2.0/24  us-east-1b"},
			nil,
			map[string]resolver.Location{"10.0.1.7": resolver.Home, "10.0.2.7": resolver.Away},
		},
		{
			"by the owner's name for an ID", inA, names,
			[]string{"10.0.1.0/24 use1-az6 ", "10.0.2.0/24 use1-az1 ", "10.0.3.0/24 use1-az9 "},
			nil,
			map[string]resolver.Location{"10.0.1.7": resolver.Home, "10.0.2.7": resolver.Away, "10.0.3.7": resolver.Unknown},
		},
		{
			"by the owner's name for the process's ID",
			zone.Zone{ID: "use1-az6"},
			names,
			[]string{"10.0.1.0/24  us-east-1a", "10.0.2.0/24  us-east-1b"},
			nil,
			map[string]resolver.Location{"10.0.1.7": resolver.Home, "10.0.2.7": resolver.Away},
		},
		{
			"by nothing that says",
			zone.Zone{ID: "use1-az6"},
			nil,
			[]string{"10.0.1.0/24  us-east-1a"},
			nil,
			map[string]resolver.Location{"10.0.1.7": resolver.Unknown},
		},
		{
			"IPv6", both, nil,
			[]string{"2600:1f14:30ab:6901::/64 use1-az6 ", "2600:1f14:30ab:6902::/64 use1-az1 ", "10.0.0.0/16 use1-az6 "},
			nil,
			map[string]resolver.Location{"2600:1f14:30ab:6901::7": resolver.Home, "2600:1f14:30ab:6902::7": resolver.Away, "2600:1f14:30ab:6903::7": resolver.Unknown, "::ffff:10.0.9.9": resolver.Home},
		},
		{
			"the own", inA, nil, nil,
			[]string{"10.0.1.0/24", "2600:1f14:30ab:6901::/64"},
			map[string]resolver.Location{"10.0.1.7": resolver.Home, "2600:1f14:30ab:6901::7": resolver.Home, "10.0.2.7": resolver.Unknown},
		},
		{
			"the own, which the list has elsewhere", inA, nil,
			[]string{"10.0.1.0/24  us-east-1b"},
			[]string{"10.0.1.0/24"},
			map[string]resolver.Location{"10.0.1.7": resolver.Home},
		},
		{
			"one in another", both, nil,
			[]string{"10.0.0.0/16 use1-az6 ", "10.0.2.0/24 use1-az1 ", "10.0.2.128/28 use1-az6 "},
			nil,
			map[string]resolver.Location{"10.0.1.7": resolver.Home, "10.0.2.7": resolver.Away, "10.0.2.129": resolver.Home},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := resolver.New(resolver.WithZone(zoneWith(tt.zone, tt.own...)), resolver.WithEndpoints(catalogOf(tt.names, nil, tt.subnets...)))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for addr, want := range tt.want {
				if got := r.Locate(netip.MustParseAddr(addr)); got != want {
					t.Errorf("%s: got %v, want %v", addr, got, want)
				}
			}
		})
	}
}

// Given names and subnets that differ, then a zonal name's address is home whatever subnet it is
// in, and a regional name's is elsewhere unless its subnet is home.
func TestNamesAndSubnets(t *testing.T) {
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a", ID: "use1-az6"})),
		resolver.WithEndpoints(catalogOf(nil, []endpoint.Endpoint{of("sqs")}, "10.0.1.0/24 use1-az6 ", "10.0.2.0/24 use1-az1 ")))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	offline(t, r)
	link.Learned(r, zonal("sqs"), []netip.Addr{in('b', 7)})
	link.Learned(r, regional("sqs"), []netip.Addr{in('a', 8), in('b', 7), in('b', 8), in('c', 8)})
	expectAt(t, r, map[netip.Addr]resolver.Location{
		in('b', 7): resolver.Home, in('a', 8): resolver.Home, in('b', 8): resolver.Away, in('c', 8): resolver.Away, in('c', 9): resolver.Unknown,
	})
	if got := r.Snapshot(); got.Subnets != 2 || !slices.Equal(got.Endpoints[0].Addresses, []netip.Addr{in('b', 7)}) {
		t.Errorf("snapshot: got %d subnets and %v, want 2 and the zonal name's address", got.Subnets, got.Endpoints[0].Addresses)
	}
}

// Given a thousand endpoints and three subnets, then an address is located without memory.
func TestLocateAllocates(t *testing.T) {
	for name, addr := range benchAddrs(t) {
		r := newLocated(t)
		if got := testing.AllocsPerRun(100, func() { r.Locate(addr); link.NameAt(r, addr); link.SuspectAddr(r, addr) }); got != 0 {
			t.Errorf("%s: got %v allocations, want none", name, got)
		}
	}
}

func newLocated(t testing.TB) *resolver.Resolver {
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1b", ID: "use1-az1"})),
		resolver.WithEndpoints(catalogOf(nil, largeCatalog(1000), "10.1.0.0/24 use1-az6 ", "10.1.1.0/24 use1-az1 ", "10.1.2.0/24 use1-az2 ")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	offline(t, r)
	for i, e := range r.Snapshot().Endpoints {
		link.Learned(r, strings.TrimPrefix(e.Zonal, "*."), []netip.Addr{netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)})})
	}
	return r
}

func benchAddrs(t testing.TB) map[string]netip.Addr {
	t.Helper()
	return map[string]netip.Addr{
		"name": netip.MustParseAddr("10.2.1.7"), "subnet": netip.MustParseAddr("10.1.1.7"),
		"unknown": netip.MustParseAddr("192.0.2.1"), "IPv6": netip.MustParseAddr("2600:1f14::7"),
	}
}

func BenchmarkLocate(b *testing.B) {
	r := newLocated(b)
	for name, addr := range benchAddrs(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Locate(addr)
			}
		})
	}
}

func TestLocationsAsText(t *testing.T) {
	text, err := json.Marshal([]resolver.Location{resolver.Unknown, resolver.Home, resolver.HomeEjected, resolver.Away})
	if want := `["Unknown","Home","HomeEjected","Away"]`; string(text) != want || err != nil {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
	if got := fmt.Sprint(resolver.Location(9)); got != "unknown(9)" {
		t.Errorf("got %s", got)
	}
}
