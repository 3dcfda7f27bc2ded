package endpoint

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// setenv makes an environment with nothing of ours in it but the given.
func setenv(t *testing.T, endpoints, files, zoneNames string) {
	t.Helper()
	t.Setenv(EnvEndpoints, endpoints)
	t.Setenv(EnvEndpointsFile, files)
	t.Setenv(EnvZoneNames, zoneNames)
}

func TestEnvList(t *testing.T) {
	const id = sqsID
	sqs := Endpoint{ID: id, Service: "sqs", Region: "us-east-1", Regional: sqsName}
	kms := Endpoint{ID: "vpce-00112233445566778", Service: "kms", Region: "us-east-1", Regional: kmsName}
	with := func(e Endpoint, change func(*Endpoint)) Endpoint { change(&e); return e }
	inA := func(e *Endpoint) { e.Zonal = map[string]string{"us-east-1a": sqsNameA} }
	whole := with(sqs, func(e *Endpoint) {
		e.Zonal = map[string]string{"us-east-1a": sqsNameA, "us-east-1b": sqsNameB}
		e.Hosts, e.PrivateDNS = []string{sqsHost, "sqs.us-east-1.api.aws"}, true
	})
	tests := []struct {
		name, list string
		want       []Endpoint
	}{
		{"unset", "", nil},
		{"separators only", " ,\n,", nil},
		{"one", sqsName, []Endpoint{sqs}},
		{"commas", sqsName + "," + kmsName, []Endpoint{sqs, kms}},
		{"spaces", sqsName + "  " + kmsName, []Endpoint{sqs, kms}},
		{"lines", "\n" + sqsName + "\r\n" + kmsName + "\n", []Endpoint{sqs, kms}},
		{"all of them", sqsName + ", \t" + kmsName + ",", []Endpoint{sqs, kms}},
		{"CloudFormation's", "Z7HUB22UULQXV:" + sqsName + ",Z7HUB22UULQXV:" + kmsName, []Endpoint{sqs, kms}},
		{"S3 as AWS lists it", s3Name, []Endpoint{{ID: id, Service: "s3", Region: "us-east-1", Regional: s3Name}}},
		{"twice", sqsName + "," + kmsName + "," + sqsName, []Endpoint{sqs, kms}},
		{"a zonal name alone", sqsNameA, []Endpoint{sqs}},
		{"zonal names alone", sqsNameB + "," + sqsNameA, []Endpoint{sqs}},
		{"zonal before regional", sqsNameA + "," + sqsName, []Endpoint{with(sqs, inA)}},
		{
			"all its entries", strings.Join([]string{sqsName, sqsNameB, sqsNameA, sqsHost, "sqs.us-east-1.api.aws", kmsName}, ","),
			[]Endpoint{whole, kms},
		},
		{
			"all its entries, CloudFormation's", "Z7HUB22UULQXV:" + sqsName + ",Z7HUB22UULQXV:" + sqsNameA + ",Z7HUB22UULQXV:" + sqsNameB +
				",Z1ABCDEFGHIJKL:" + sqsHost + ",Z1ABCDEFGHIJKL:sqs.us-east-1.api.aws", []Endpoint{whole},
		},
		{
			"private DNS not yet set up", sqsName + ",ZONEIDPENDING:" + sqsHost,
			[]Endpoint{with(sqs, func(e *Endpoint) { e.Hosts = []string{sqsHost} })},
		},
		{
			"private DNS set up in part", sqsName + ",Z1ABC:" + sqsHost + ",ZONEIDPENDING:sqs.us-east-1.api.aws,Z1ABC:sqs-fips.us-east-1.amazonaws.com",
			[]Endpoint{with(sqs, func(e *Endpoint) {
				e.Hosts = []string{sqsHost, "sqs.us-east-1.api.aws", "sqs-fips.us-east-1.amazonaws.com"}
			})},
		},
		{
			"private names belong to what stands before them", kmsName + "," + sqsName + "," + kmsName + ",kms.us-east-1.amazonaws.com",
			[]Endpoint{with(kms, func(e *Endpoint) { e.Hosts, e.PrivateDNS = []string{"kms.us-east-1.amazonaws.com"}, true }), sqs},
		},
		{"a private name twice", sqsName + "," + sqsHost + "," + sqsHost, []Endpoint{with(sqs, func(e *Endpoint) { e.Hosts, e.PrivateDNS = []string{sqsHost}, true })}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			setenv(t, tt.list, "", "")
			got := read(t, Env()).Endpoints
			if len(got) != len(tt.want) {
				t.Fatalf("got %d endpoints %+v, want %d", len(got), got, len(tt.want))
			}
			for i := range got {
				if !same(got[i], tt.want[i]) {
					t.Errorf("endpoint %d: got\n%+v, want\n%+v", i, got[i], tt.want[i])
				}
			}
		})
	}
}

// Given an environment with something wrong in it, when it is read, then the error
// names the variable and the value.
func TestEnvRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.json")
	tests := []struct {
		name, endpoints, files, zoneNames string
		want                              []string
	}{
		{name: "somebody else's host", endpoints: "evil.example.com", want: []string{EnvEndpoints, `"evil.example.com"`}},
		{name: "the same behind an endpoint", endpoints: sqsName + ",evil.example.com", want: []string{EnvEndpoints, `"evil.example.com"`, sqsID}},
		{name: "a service host that is too long", endpoints: sqsName + "," + strings.Repeat("a.", 114) + "sqs.us-east-1.amazonaws.com", want: []string{"not a host name"}},
		{name: "an id", endpoints: sqsName + "," + "vpce-00112233445566778", want: []string{EnvEndpoints, `"vpce-00112233445566778" has no ".vpce."`}},
		{name: "a service host", endpoints: sqsHost, want: []string{EnvEndpoints, `"sqs.us-east-1.amazonaws.com"`}},
		{name: "a URL", endpoints: "https://" + sqsName, want: []string{EnvEndpoints, "looks like a URL"}},
		{name: "a port", endpoints: sqsName + ":443", want: []string{EnvEndpoints, "without a port"}},
		{name: "semicolons", endpoints: sqsName + ";" + kmsName, want: []string{EnvEndpoints, ";vpce-"}},
		{name: "a file that isn't there", endpoints: sqsName, files: missing, want: []string{EnvEndpointsFile, missing}},
		{name: "zones without names", zoneNames: "use1-az6", want: []string{EnvZoneNames, `"use1-az6"`}},
		{name: "zones the wrong way round", zoneNames: "us-east-1a=use1-az6", want: []string{EnvZoneNames, `"us-east-1a"`}},
		{name: "a zone with a slash", zoneNames: "use1-az6=us-east-1a/x", want: []string{EnvZoneNames, `"us-east-1a/x"`}},
		{name: "a zone with two names", zoneNames: "use1-az6=us-east-1a use1-az6=us-east-1b", want: []string{EnvZoneNames, "us-east-1a", "us-east-1b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			setenv(t, tt.endpoints, tt.files, tt.zoneNames)
			got, err := Env().Endpoints(context.Background())
			if err == nil {
				t.Fatalf("got %+v and no error", got)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to have %s", err, want)
				}
			}
			if len(got.Endpoints) != 0 || got.ZoneNames != nil {
				t.Errorf("got %+v beside the error, want nothing", got)
			}
		})
	}
}

func TestEnvZoneNames(t *testing.T) {
	setenv(t, "", "", "use1-az6=us-east-1a, use1-az1=us-east-1b\nuse1-az6=us-east-1a")
	want := map[string]string{"use1-az6": "us-east-1a", "use1-az1": "us-east-1b"}
	if got := read(t, Env()).ZoneNames; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Given two files, and an endpoint and a zone that are listed by hand too, when
// the environment is read, then all is joined, what is listed by hand wins, and
// it is used although a gateway endpoint is free.
func TestEnvJoinsFiles(t *testing.T) {
	const s3 = "*.vpce-0a000000000000002-abcd2345.s3.us-east-1.vpce.amazonaws.com"
	setenv(t, s3, "testdata/describe-vpc-endpoints.json , testdata/describe-availability-zones.json,", "use1-az6=us-east-1d")
	got := read(t, Env())
	if len(got.Endpoints) != 5 {
		t.Fatalf("got %d endpoints %+v, want 5", len(got.Endpoints), got.Endpoints)
	}
	e := got.Endpoints[0]
	if e.Regional != s3 || e.FreePath != "" || len(e.Zonal) != 2 || len(e.Hosts) != 4 || e.PrivateDNS {
		t.Errorf("listed by hand: got %+v, want the file's zones and hosts, and no free path", e)
	}
	if got.ZoneNames["use1-az6"] != "us-east-1d" || got.ZoneNames["use1-az2"] != "us-east-1c" {
		t.Errorf("zone names: got %v, want az6's by hand and az2's from the file", got.ZoneNames)
	}
	if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, "us-east-1d is used, and us-east-1a is not") {
		t.Errorf("notes: got\n%s\nwant the zone's two names", notes)
	}
}

func TestEnvIsReadEachTime(t *testing.T) {
	setenv(t, sqsName, "", "")
	s := Env()
	read(t, s)
	if err := os.Setenv(EnvEndpoints, kmsName); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s).Endpoints; len(got) != 1 || got[0].Regional != kmsName {
		t.Errorf("got %+v, want only %s", got, kmsName)
	}
}

// Whatever list is accepted, every name in the catalogue can be sent a request to
// or for, and the same list reads the same.
func FuzzEnv(f *testing.F) {
	for _, s := range []string{
		"", sqsName, sqsNameA + " " + s3Name + ",Z7HUB22UULQXV:" + kmsName, sqsName + "," + sqsHost + ",ZONEIDPENDING:*." + sqsHost,
		"evil.example.com", sqsName + ",evil.example.com", "Z1:Z2:" + sqsName, sqsHost,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		cat, err := parseList(list)
		if err == nil {
			checkSafe(t, cat)
		}
	})
}

// checkSafe fails if a catalogue has a name that no request may be sent to or
// for, or if it isn't one that a resolver takes.
func checkSafe(t *testing.T, cat Catalog) {
	t.Helper()
	for _, e := range cat.Endpoints {
		names := append([]string{e.ID, e.Service, e.Region, e.Regional}, e.Hosts...)
		for zone, name := range e.Zonal {
			names = append(names, zone, name)
		}
		for _, name := range names {
			if !isSafe(name) {
				t.Errorf("endpoint %+v has %q", e, name)
			}
		}
		if !strings.Contains(e.Regional, ".vpce.") {
			t.Errorf("endpoint %+v isn't under .vpce.", e)
		}
		if strings.ContainsFunc(e.FreePath, func(r rune) bool { return r < ' ' }) {
			t.Errorf("endpoint %+v has control characters in its free path", e)
		}
	}
	for id, name := range cat.ZoneNames {
		if !isSafe(id) || !isSafe(name) {
			t.Errorf("zone %q has the name %q", id, name)
		}
	}
	for _, s := range cat.Subnets {
		if !isSubnet(s.Prefix) || s.Prefix != s.Prefix.Masked() || s.ZoneID+s.Zone == "" || s.ZoneID != "" && !isSafe(s.ZoneID) || s.Zone != "" && !isSafe(s.Zone) {
			t.Errorf("subnet %+v is not one", s)
		}
	}
	if len(cat.Notes) > maxNotes || strings.ContainsFunc(strings.Join(cat.Notes, ""), func(r rune) bool { return r < ' ' }) {
		t.Errorf("got %d notes %q, want at most %d without control characters", len(cat.Notes), cat.Notes, maxNotes)
	}
	again, err := cat.Normalize()
	if err != nil || len(again.Endpoints) != len(cat.Endpoints) {
		t.Fatalf("normalized again: got %+v, %v; want %+v", again, err, cat)
	}
	for i := range again.Endpoints {
		if !same(again.Endpoints[i], cat.Endpoints[i]) {
			t.Errorf("normalized again: got %+v, want %+v", again.Endpoints[i], cat.Endpoints[i])
		}
	}
}
