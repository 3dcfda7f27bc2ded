package zone

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     Zone
	}{
		{"a zone's name", "us-east-1a", Zone{Name: "us-east-1a"}},
		{"a zone's ID", "use1-az6", Zone{ID: "use1-az6"}},
		{"Sydney", "ap-southeast-2a", Zone{Name: "ap-southeast-2a"}},
		{"Sydney's ID", "apse2-az1", Zone{ID: "apse2-az1"}},
		{"a two-digit number", "ap-southeast-10f", Zone{Name: "ap-southeast-10f"}},
		{"GovCloud", "us-gov-west-1a", Zone{Name: "us-gov-west-1a"}},
		{"GovCloud's ID", "usgw1-az1", Zone{ID: "usgw1-az1"}},
		{"China", "cn-north-1a", Zone{Name: "cn-north-1a"}},
		{"China's ID", "cnn1-az1", Zone{ID: "cnn1-az1"}},
		{"an isolated Region", "us-isob-east-1a", Zone{Name: "us-isob-east-1a"}},
		{"the European Sovereign Cloud", "eusc-de-east-1a", Zone{Name: "eusc-de-east-1a"}},
		{"a Local Zone", "us-west-2-lax-1a", Zone{Name: "us-west-2-lax-1a"}},
		{"a Local Zone's ID", "usw2-lax1-az1", Zone{ID: "usw2-lax1-az1"}},
		{"a Wavelength Zone", "us-east-1-wl1-bos-wlz-1", Zone{Name: "us-east-1-wl1-bos-wlz-1"}},
		{"a Wavelength Zone's ID", "use1-wl1-bos-wlz1", Zone{ID: "use1-wl1-bos-wlz1"}},
		{"a Wavelength Zone with a letter", "eu-west-3-cmn-wlz-1a", Zone{Name: "eu-west-3-cmn-wlz-1a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(c.in)
			if err != nil || got != c.want {
				t.Errorf("Parse(%q) = %+v, %v; want %+v", c.in, got, err, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, inError string }{
		{"nothing", "", `""`},
		{"a Region", "us-east-1", `"us-east-1"`},
		{"a Region's part of an ID", "use1", `"use1"`},
		{"a word", "localhost", `"localhost"`},
		{"a host", "us-east-1a.evil.example.com", `"us-east-1a.evil.example.com"`},
		{"a path", "us-east-1a/x", `"us-east-1a/x"`},
		{"capitals", "US-EAST-1A", `"US-EAST-1A"`},
		{"space", " us-east-1a", `" us-east-1a"`},
		{"a line's end", "us-east-1a\n", `"us-east-1a\n"`},
		{"a NUL", "us-east-1a\x00", `"us-east-1a\x00"`},
		{"another alphabet", "us-eаst-1a", `"us-e\u0430st-1a"`},
		{"a letter too many", "us-east-1ab", `"us-east-1ab"`},
		{"a dash at the end", "us-east-1a-", `"us-east-1a-"`},
		{"another cloud's zone", "europe-west4-a", `"europe-west4-a"`},
		{"something long", strings.Repeat("a", 10<<20), `"` + strings.Repeat("a", 64) + `"...`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(c.in)
			if err == nil || got != (Zone{}) {
				t.Fatalf("Parse = %+v, %v; want an error", got, err)
			}
			if !strings.Contains(err.Error(), c.inError+" is neither a zone name") {
				t.Errorf("error %q doesn't name the value as %s", err, c.inError)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Zone
		ok   bool
	}{
		{"a name", Zone{Name: "us-east-1a"}, true},
		{"an ID", Zone{ID: "use1-az6"}, true},
		{"both", Zone{Name: "us-east-1a", ID: "use1-az6"}, true},
		{"a name of no known shape", Zone{Name: "moon"}, true},
		{"63 characters", Zone{Name: strings.Repeat("a", 63)}, true},
		{"one character", Zone{Name: "a"}, true},
		{"neither", Zone{}, false},
		{"64 characters", Zone{Name: strings.Repeat("a", 64)}, false},
		{"a dot", Zone{Name: "us-east-1a.evil"}, false},
		{"a slash", Zone{ID: "use1/az6"}, false},
		{"a dash in front", Zone{Name: "-us-east-1a"}, false},
		{"a dash at the end", Zone{ID: "use1-"}, false},
		{"a capital", Zone{Name: "us-east-1A"}, false},
		{"a good name with a bad ID", Zone{Name: "us-east-1a", ID: "@"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.in.Validate(); (err == nil) != c.ok {
				t.Errorf("(%+v).Validate() = %v, want ok %v", c.in, err, c.ok)
			}
		})
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		in   Zone
		want string
	}{
		{Zone{Name: "us-east-1a", ID: "use1-az6"}, "us-east-1a (use1-az6)"},
		{Zone{Name: "us-east-1a"}, "us-east-1a"},
		{Zone{ID: "use1-az6"}, "use1-az6"},
		{Zone{}, "unknown zone"},
	} {
		if got := c.in.String(); got != c.want {
			t.Errorf("(%#v).String() = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"us-east-1a", "use1-az6", "us-west-2-lax-1a", "use1-wl1-bos-wlz1", "", "-", "us-east-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		z, err := Parse(s)
		if err != nil {
			if z != (Zone{}) {
				t.Errorf("Parse(%q) = %+v together with %v", s, z, err)
			}
			return
		}
		if z != (Zone{Name: s}) && z != (Zone{ID: s}) {
			t.Errorf("Parse(%q) = %+v, want it as the name or as the ID", s, z)
		}
		if err := z.Validate(); err != nil {
			t.Errorf("Parse(%q) passed what Validate refuses: %v", s, err)
		}
	})
}
