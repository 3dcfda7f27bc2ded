package resolver

import (
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
