package endpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests here are of inputs that came from public reports and from practice.

// Given a listing with an entry of another form than AWS's, when it is read, then
// the good ones are used, and a note names the other.
func TestFileWithAnOddEntry(t *testing.T) {
	const kms = `"vpce-00112233445566778"`
	good := describe("VpcEndpointId="+kms, kmsName)
	evil := "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.evil.com"
	plain := Endpoint{Regional: sqsName, Zonal: map[string]string{}}
	inA := plain
	inA.Zonal = map[string]string{"us-east-1a": sqsNameA}
	for _, tt := range []struct {
		name, entry string
		note        string
		want        *Endpoint // beside the good one; nil: none
	}{
		{"an emulator's name", describe("", "vpce-7e4c1f2a90b8d3e65-0f9a1b2c.com.amazonaws.us-east-1.kms"), "com.amazonaws.us-east-1.kms", nil},
		{"somebody else's host", describe("", "evil.example.com"), `"evil.example.com"`, nil},
		{"upper case", describe("", strings.ToUpper(sqsName)), `"VPCE-0A1B`, nil},
		{"a zonal name only", describe("", sqsNameA), "no regional name", nil},
		{"another endpoint's name", describe(`VpcEndpointId="vpce-1"`, sqsName), `"vpce-1"`, nil},
		{"a Region that is none", describe(`ServiceRegion="evil.com/"`, sqsName), `"evil.com/" is not a Region`, nil},
		{"null for an entry", `null`, "it has no VpcEndpointType", nil},
		{"a string for an entry", `"evil.example.com"`, "entry 1 of VpcEndpoints", nil},
		{"a shape of its own", `{"VpcEndpointId": "vpce-1", "State": {"Name": "available"}}`, "State is of the wrong type, object", nil},
		{"a host that it can't have", describe("", sqsName, "evil.example.com"), `its private DNS name "evil.example.com" can't be one`, &plain},
		{"a zone that it can't be in", describe("", sqsName, sqsNameA, strings.Replace(sqsNameB, "1b.", "1b/.", 1)), "us-east-1b/.sqs", &inA},
		{"a host of AWS's for somebody else's name", describe("", evil, sqsHost), "does not lie under evil.com", &Endpoint{Regional: evil, Zonal: map[string]string{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, File(write(t, listing(tt.entry, good))))
			want := []Endpoint{{Regional: kmsName, Zonal: map[string]string{}}}
			if tt.want != nil {
				want = []Endpoint{*tt.want, want[0]}
			}
			expected, err := Catalog{Endpoints: want}.Normalize()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got.Endpoints, expected.Endpoints, same) {
				t.Errorf("got  %+v\nwant %+v", got.Endpoints, expected.Endpoints)
			}
			if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], tt.note) {
				t.Errorf("notes: got %q, want one with %s", got.Notes, tt.note)
			}
		})
	}
}

func TestFileWithAnOddZone(t *testing.T) {
	got := read(t, File(write(t, `{"AvailabilityZones": [{"ZoneId": "use1-az6", "ZoneName": "us-east-1a"}, {"ZoneId": "use1-az1"}, "moon"]}`)))
	if !maps.Equal(got.ZoneNames, map[string]string{"use1-az6": "us-east-1a"}) {
		t.Errorf("got %v, want the good one", got.ZoneNames)
	}
	if notes := strings.Join(got.Notes, "\n"); len(got.Notes) != 2 || !strings.Contains(notes, `"use1-az1"`) || !strings.Contains(notes, "moon") {
		t.Errorf("notes: got %q, want the other two", notes)
	}
}

// The files are as they were reported.
func TestReportedFiles(t *testing.T) {
	sqsOnly := []Endpoint{{ID: sqsID, Service: "sqs", Region: "us-east-1", Regional: sqsName, Zonal: map[string]string{}}}
	for _, tt := range []struct {
		name string
		want []Endpoint
		note string // "": there is none
	}{
		{"endpoints-odd-entry.json", sqsOnly, `"vpce-7e4c1f2a90b8d3e65"`},
		{"endpoints-bom.json", sqsOnly, ""},
		{"endpoints-utf16le.json", sqsOnly, ""},
		{"endpoints-utf16be.json", sqsOnly, ""},
		{"endpoints-empty.json", nil, "of 0 VpcEndpoints listed none is an interface endpoint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, File("testdata/"+tt.name))
			if !slices.EqualFunc(got.Endpoints, tt.want, same) {
				t.Errorf("got %+v, want %+v", got.Endpoints, tt.want)
			}
			if notes := strings.Join(got.Notes, "\n"); (notes == "") != (tt.note == "") || !strings.Contains(notes, tt.note) {
				t.Errorf("notes: got %q, want one with %q", notes, tt.note)
			}
		})
	}
}

// Given two files of which each has a mark in front, when they were put together,
// then they are read.
func TestFileWithMarksInside(t *testing.T) {
	zones := `{"AvailabilityZones": [{"ZoneId": "use1-az6", "ZoneName": "us-east-1a"}]}`
	got := read(t, File(write(t, mark8+listing(describe("", sqsName))+mark8+zones)))
	if len(got.Endpoints) != 1 || len(got.ZoneNames) != 1 {
		t.Errorf("got %+v, want the endpoint and the zone", got)
	}
}

// Given zones of two accounts, then the error names both IDs, whoever says so.
func TestTwoZonesWithOneName(t *testing.T) {
	setenv(t, "", "", "use1-az6=us-east-1a,use1-az1=us-east-1a")
	for name, s := range map[string]Source{
		"a file":          File("testdata/endpoints-two-accounts-zones.json"),
		"the environment": Env(),
		"code":            source{cat: Catalog{ZoneNames: map[string]string{"use1-az6": "us-east-1a", "use1-az1": "us-east-1a"}}},
	} {
		got, err := Ask(t.Context(), s)
		if err == nil || !strings.Contains(err.Error(), "use1-az6") || !strings.Contains(err.Error(), "use1-az1") {
			t.Errorf("%s: got %+v, %v; want an error that names both", name, got, err)
		}
	}

	// Of two sources the first is believed, and a zone without a name of its own has none.
	setenv(t, "", "testdata/describe-availability-zones.json", "use1-az1=us-east-1a")
	got := read(t, Env())
	if got.ZoneNames["use1-az1"] != "us-east-1a" || got.ZoneNames["use1-az6"] != "" {
		t.Errorf("got %v, want us-east-1a for use1-az1 alone", got.ZoneNames)
	}
	if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, "use1-az1") || !strings.Contains(notes, "use1-az6") {
		t.Errorf("notes: got %q, want both", notes)
	}
}

// Given all DNS names of an endpoint, in whatever order, then the list is read as
// in AWS's.
func TestEnvListInAnyOrder(t *testing.T) {
	const partner = "vpce-0a1b2c3d4e5f60718-lj2wisx3.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"
	for _, tt := range []struct {
		name  string
		names []string
	}{
		{"three zones", []string{sqsName, sqsNameA, sqsNameB, strings.Replace(sqsNameA, "1a.", "1c.", 1)}},
		{"with private DNS", []string{"Z1:" + sqsName, "Z1:" + sqsNameA, "Z2:" + sqsHost, "Z3:sqs.us-east-1.api.aws"}},
		{"private DNS being set up", []string{sqsName, "ZONEIDPENDING:" + sqsHost, "Z1:sqs-fips.us-east-1.amazonaws.com"}},
		{"AWS's own service behind a partner's name", []string{"Z1:" + partner, "Z2:*.notebook.us-east-1.sagemaker.aws"}},
		{"S3, with and without its star", []string{s3Name, s3NameA[2:], "*.s3.us-east-1.amazonaws.com", "s3-accesspoint.us-east-1.amazonaws.com"}},
		{"two services", []string{sqsName, sqsHost, kmsName, "kms.us-east-1.amazonaws.com"}},
		{"a partner's beside another", []string{sqsName, partner, "api.partner.example"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := readList(t, tt.names)
			if len(want) == 0 {
				t.Fatal("got no endpoints")
			}
			permute(tt.names, func(names []string) {
				if got := readList(t, names); !slices.EqualFunc(got, want, same) {
					t.Errorf("%v: got\n%+v, want\n%+v", names, got, want)
				}
			})
		})
	}
}

// readList reads a list, and returns its endpoints and their hosts by name.
func readList(t *testing.T, names []string) []Endpoint {
	t.Helper()
	setenv(t, strings.Join(names, ","), "", "")
	endpoints := read(t, Env()).Endpoints
	slices.SortFunc(endpoints, func(a, b Endpoint) int { return strings.Compare(a.Regional, b.Regional) })
	for _, e := range endpoints {
		slices.Sort(e.Hosts)
	}
	return endpoints
}

// permute calls f with every order of s.
func permute(s []string, f func([]string)) {
	var rest func(int)
	s = slices.Clone(s)
	rest = func(n int) {
		if n == len(s) {
			f(s)
			return
		}
		for i := n; i < len(s); i++ {
			s[n], s[i] = s[i], s[n]
			rest(n + 1)
			s[n], s[i] = s[i], s[n]
		}
	}
	rest(0)
}

// Given lists of several endpoints one behind the other, then each private name
// belongs to the endpoint of its service, or to the neighbour that AWS's order says.
func TestEnvOwners(t *testing.T) {
	const (
		ecr     = "vpce-0a1b2c3d4e5f60718-lj2wisx3.api.ecr.us-east-1.vpce.amazonaws.com"
		dkr     = "vpce-0a1b2c3d4e5f60719-lj2wisx3.dkr.ecr.us-east-1.vpce.amazonaws.com"
		ecs     = "vpce-0a1b2c3d4e5f60720-lj2wisx3.ecs.us-east-1.vpce.amazonaws.com"
		agent   = "vpce-0a1b2c3d4e5f60721-lj2wisx3.ecs-agent.us-east-1.vpce.amazonaws.com"
		partner = "vpce-0a1b2c3d4e5f60722-lj2wisx3.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"
	)
	for _, tt := range []struct {
		name string
		list []string
		host string
		want string // the endpoint's regional name; "": nobody's
	}{
		{"AWS's order", []string{ecr, "ecr.us-east-1.api.aws", dkr}, "ecr.us-east-1.api.aws", ecr},
		{"AWS's order, at the end", []string{dkr, ecr, "ecr.us-east-1.api.aws"}, "ecr.us-east-1.api.aws", ecr},
		{"in front of all", []string{"ecr.us-east-1.api.aws", ecr, dkr}, "ecr.us-east-1.api.aws", ecr},
		{"its service's, wherever it stands", []string{dkr, sqsHost, ecs, sqsName}, sqsHost, sqsName},
		{"with a dash for the dot", []string{dkr, ecr, "dkr-ecr.us-east-1.on.aws"}, "dkr-ecr.us-east-1.on.aws", dkr},
		{"FIPS", []string{sqsName, ecr, "sqs-fips.us-east-1.amazonaws.com"}, "sqs-fips.us-east-1.amazonaws.com", sqsName},
		{"a service whose name begins alike", []string{ecs, agent, "ecs-a.us-east-1.amazonaws.com"}, "ecs-a.us-east-1.amazonaws.com", agent},
		{"beside a partner's, nobody's", []string{sqsName, "notebook.us-east-1.sagemaker.aws", partner}, "notebook.us-east-1.sagemaker.aws", ""},
		{"a partner's own", []string{sqsName, partner, "api.partner.example"}, "api.partner.example", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for _, e := range readList(t, tt.list) {
				if slices.Contains(e.Hosts, tt.host) {
					got += e.Regional
				}
			}
			if got != tt.want {
				t.Errorf("%s belongs to %q, want %q", tt.host, got, tt.want)
			}
		})
	}
}

// Given an endpoint with 60,000 private names, or a list of many odd entries or
// zones, then reading it takes well under a second: four times as many may not take
// sixteen times as long.
func TestLargeListings(t *testing.T) {
	const few, many = 15_000, 60_000
	small, large := largeListings(few), largeListings(many)
	for _, name := range slices.Sorted(maps.Keys(small)) {
		t.Run(name, func(t *testing.T) {
			before, took := timed(t, small[name]), timed(t, large[name])
			t.Logf("took %v, and four times as many %v", before, took)
			if took > 2*time.Second && took > 10*before {
				t.Errorf("took %v, and four times as many %v", before, took)
			}
		})
	}
}

// largeListings reads listings of n names, or of n/10 entries.
func largeListings(n int) map[string]func() (Catalog, error) {
	names := []string{sqsName, sqsNameA}
	for i := range n {
		names = append(names, fmt.Sprintf("q%d.us-east-1.amazonaws.com", i))
	}
	entries, zones := []string{describe("", sqsName)}, make([]string, n/10)
	for i := range zones {
		zones[i] = fmt.Sprintf(`{"ZoneId": "use1-az%d", "ZoneName": "us-east-1-x%d-1a"}`, i, i)
		entries = append(entries, describe(fmt.Sprintf(`VpcEndpointId="vpce-%d"`, i), "evil.example.com"))
	}
	list := strings.Join(names, ",")
	file := func(content string) func() (Catalog, error) {
		return func() (Catalog, error) { return parseCLI([]byte(content)) }
	}
	return map[string]func() (Catalog, error){
		"names in a file": file(listing(describe("", names...))),
		"names in a list": func() (Catalog, error) { return parseList(list) },
		"odd endpoints":   file(listing(entries...)),
		"zones":           file(listing(describe("", sqsName)) + `{"AvailabilityZones": [` + strings.Join(zones, ",") + `]}`),
	}
}

func timed(t *testing.T, read func() (Catalog, error)) time.Duration {
	t.Helper()
	start := time.Now()
	cat, err := read()
	if err == nil {
		cat, err = cat.Normalize()
	}
	took := time.Since(start)
	if err != nil || len(cat.Endpoints) != 1 {
		t.Fatalf("got %d endpoints, %v; want one", len(cat.Endpoints), err)
	}
	return took
}
