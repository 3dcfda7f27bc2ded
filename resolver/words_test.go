package resolver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// Every reason says to what kind of name a request goes.
func TestTargetsOfReasons(t *testing.T) {
	regional := map[Reason]bool{Unhealthy: true, NotInZone: true, NoZone: true, CrossRegion: true, ShiftedAway: true, FailedOver: true, Untried: true}
	for r := range Reason(len(reasonNames) + 1) {
		want := Unmatched
		switch {
		case r == InZone:
			want = Zonal
		case regional[r]:
			want = Regional
		}
		if words := r.Meaning(); int(r) < len(reasonNames) && (len(words) < 10 || words == r.String()) {
			t.Errorf("%v means %q", r, words)
		}
		if got := r.Target(); got != want {
			t.Errorf("%v: got %v, want %v", r, got, want)
		}
	}
}

// What is to be done about a name that is ejected depends on why it is.
func TestRemedies(t *testing.T) {
	for c := range Cause(len(causeNames)) {
		want := "Wait: it is tried again."
		switch c {
		case CauseAbsent:
			want = "Add a subnet of the zone to the endpoint."
		case CauseDNS:
			want = "See that this machine asks the VPC's DNS resolver"
		case CauseConnect, CauseTimeout:
			want = "If it lasts, let the endpoint's security group accept TCP 443"
		case CauseCertificate, CauseTLS:
			want = "See who answers at its address"
		}
		if got := remedyOf(c); !strings.HasPrefix(got, want) {
			t.Errorf("%v: got %q, want %q", c, got, want)
		}
	}
}

// Names are enumerated up to six.
func TestEnumerate(t *testing.T) {
	for names, want := range map[string]string{
		"a": "a", "a b": "a and b", "a b c": "a, b and c", "a b c d e f": "a, b, c, d, e and f",
		"a b c d e f g": "a, b, c, d, e, f and 1 more", "a b c d e f g h i": "a, b, c, d, e, f and 3 more",
	} {
		if got := enumerate(strings.Fields(names)); got != want {
			t.Errorf("%s: got %q, want %q", names, got, want)
		}
	}
	for text, want := range map[string]string{"": "", "a": "A.", "no such host.": "No such host.", "état: x": "État: x."} {
		if got := sentence(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// What is wrong with the zone is said by how much is known of it.
func TestProblemsOfZones(t *testing.T) {
	for _, tt := range []struct{ name, id, fault, code, what, do string }{
		{"us-east-1a", "use1-az6", "", "", "", ""},
		{"us-east-1a", "", "imds: no route", "zone-stale", "Imds: no route.", ""},
		{"", "use1-az6", "", "zone-unnamed", "use1-az6", "AZAFFINITY_ZONE_NAMES"},
		{"", "use1-az6", "imds: no route", "zone-unnamed", "use1-az6", "AZAFFINITY_ZONE_NAMES"},
		{"", "", "", "no-zone", "it is not known yet", "Wait"},
		{"", "", "imds: no route", "no-zone", "Imds: no route.", "Set AZAFFINITY_ZONE"},
	} {
		s := Snapshot{ZoneName: tt.name, ZoneError: tt.fault}
		s.Zone.ID = tt.id
		var got Problem
		if list := s.problemsOfZone(); len(list) > 0 {
			got = list[0]
		}
		if got.Code != tt.code || !strings.Contains(got.What, tt.what) || !strings.Contains(got.Do, tt.do) || (got.Do == "") != (tt.do == "") {
			t.Errorf("%+v: got %+v", tt, got)
		}
	}
}

// What may stand in front of a parent depends on what AWS puts there.
func TestShapes(t *testing.T) {
	const id = "123456789012"
	for front, takers := range map[string][]shape{
		id: {account, control, bucket, prefix}, "photos": {bucket, prefix}, "a.b": {bucket, prefix}, "9": {bucket, prefix},
		"mine-" + id: {accessPoint, bucket, prefix}, "my-own-" + id: {accessPoint, bucket, prefix}, "mine-" + id + "3": {bucket, prefix}, "mine-12345678901x": {bucket, prefix},
		"a.mine-" + id: {bucket, prefix}, "photos--x-s3": {prefix}, "mine--ol-s3": {prefix}, "mine--op-s3": {prefix}, "photos--x-s": {bucket, prefix},
		"-" + id: nil, "": nil, "a..b": nil,
	} {
		for s := account; s <= prefix; s++ {
			if got, want := s.takes(front), slices.Contains(takers, s); got != want {
				t.Errorf("shape %d takes %q: %v, want %v", s, front, got, want)
			}
			if got, want := s.keeps(front), map[bool]string{true: "", false: front}[s == account]; got != want {
				t.Errorf("shape %d keeps %q of %q", s, got, front)
			}
		}
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
