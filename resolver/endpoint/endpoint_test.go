package endpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestStaticReadsTheNames(t *testing.T) {
	tests := []struct {
		name        string
		given, want Endpoint
	}{
		{"a regional name alone", Endpoint{Regional: sqsName}, Endpoint{ID: sqsID, Service: "sqs", Region: "us-east-1", Regional: sqsName}},
		{
			"S3, as its buckets are addressed",
			Endpoint{Regional: "bucket." + s3Name[2:], Zonal: map[string]string{"us-east-1a": "bucket." + s3NameA[2:]}},
			Endpoint{ID: sqsID, Service: "s3", Region: "us-east-1", Regional: s3Name, Zonal: map[string]string{"us-east-1a": s3NameA}},
		},
		{
			"everything",
			Endpoint{ID: sqsID, Service: "sqs", Region: "us-east-1", Regional: sqsName, Zonal: map[string]string{"us-east-1a": sqsNameA}, Hosts: []string{sqsHost}, PrivateDNS: true},
			Endpoint{ID: sqsID, Service: "sqs", Region: "us-east-1", Regional: sqsName, Zonal: map[string]string{"us-east-1a": sqsNameA}, Hosts: []string{sqsHost}, PrivateDNS: true},
		},
		{"known to be in no zone", Endpoint{Regional: sqsName, Zonal: map[string]string{}}, Endpoint{ID: sqsID, Service: "sqs", Region: "us-east-1", Regional: sqsName, Zonal: map[string]string{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, Static(tt.given))
			if len(got.Endpoints) != 1 || !same(got.Endpoints[0], tt.want) {
				t.Errorf("got  %+v\nwant %+v", got.Endpoints, tt.want)
			}
		})
	}
}

// Given an endpoint with something in it that no request may be sent to or for,
// when a static source is asked, then the error names the value.
func TestStaticRefuses(t *testing.T) {
	zonal := func(zone, name string) Endpoint {
		return Endpoint{Regional: sqsName, Zonal: map[string]string{zone: name}}
	}
	hosts := func(regional string, hosts ...string) Endpoint { return Endpoint{Regional: regional, Hosts: hosts} }
	evil := "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.evil.com"
	partner := "vpce-0a1b2c3d4e5f60718-lj2wisx3.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"
	tests := []struct {
		name  string
		given Endpoint
		want  string
	}{
		{"nothing", Endpoint{}, `"" is not the DNS name`},
		{"somebody else's host", Endpoint{Regional: "evil.example.com"}, `"evil.example.com"`},
		{"a zonal name for the regional one", Endpoint{Regional: sqsNameA}, "is the zonal name of us-east-1a: want the regional one, \"" + sqsName},
		{"another id", Endpoint{ID: "vpce-1", Regional: sqsName}, `endpoint "vpce-1": its regional name`},
		{"another service", Endpoint{Service: "kms", Regional: sqsName}, `"kms"`},
		{"a Region that is none", Endpoint{Region: "us-east-1.evil.com", Regional: sqsName}, `"us-east-1.evil.com" is not a Region`},
		{"somebody else's zonal host", zonal("us-east-1a", "evil.example.com"), `"evil.example.com"`},
		{"another zone's name", zonal("us-east-1b", sqsNameA), `is not its name in the zone "us-east-1b"`},
		{"another endpoint's zonal name", zonal("us-east-1a", strings.Replace(sqsNameA, "lj2wisx3", "lj2wisx4", 1)), "is not its name in the zone"},
		{"the regional name for a zonal one", zonal("", sqsName), `is not its name in the zone ""`},
		{"a zone with a slash", zonal("us-east-1/a", sqsNameA), `"us-east-1/a"`},
		{"somebody else's private name", hosts(sqsName, "evil.example.com"), `"evil.example.com" can't be one: it does not lie under amazonaws.com`},
		{"a private name that only ends alike", hosts(sqsName, "evilamazonaws.com"), `"evilamazonaws.com"`},
		{"all of AWS", hosts(sqsName, "*.amazonaws.com"), `"*.amazonaws.com"`},
		{"a URL", hosts(sqsName, "https://"+sqsHost), "not a host name"},
		{"a host of AWS's for somebody else's endpoint", hosts(evil, sqsHost), `"sqs.us-east-1.amazonaws.com" can't be one: it does not lie under evil.com`},
		{"a site of Amazon's for somebody else's endpoint", hosts(evil, "us-east-1.signin.aws.amazon.com"), "does not lie under evil.com"},
		{"another partition's host", hosts(sqsName, "sqs.cn-north-1.amazonaws.com.cn"), "amazonaws.com.cn"},
		{"a host of AWS's for a partner's endpoint", hosts(partner, sqsHost), "it is AWS's"},
		{"a host of AWS's for a partner's endpoint elsewhere", hosts(strings.Replace(partner, "amazonaws", "evil", 1), sqsHost), "it is AWS's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Static(Endpoint{Regional: kmsName}, tt.given).Endpoints(context.Background())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "endpoint: ") {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
			if len(got.Endpoints) != 0 {
				t.Errorf("got %+v beside the error, want nothing", got.Endpoints)
			}
		})
	}
}

func TestPrivateNamesThatAWSLists(t *testing.T) {
	of := func(service, suffix string) string {
		return "vpce-0a1b2c3d4e5f60718-lj2wisx3." + service + ".us-east-1.vpce." + suffix
	}
	tests := []struct{ regional, host string }{
		{sqsName, "sqs.us-east-1.api.aws"},
		{of("dkr.ecr", "amazonaws.com"), "*.dkr-ecr.us-east-1.on.aws"},
		{of("studio", "sagemaker.aws"), "studio.us-east-1.sagemaker.aws"},
		{of("studio", "sagemaker.aws"), "studio.sagemaker.us-east-1.app.aws"},
		{of("signin", "amazonaws.com"), "*.signin.aws.amazon.com"},
		{of("sqs", "amazonaws.com.cn"), "sqs.cn-north-1.api.amazonwebservices.com.cn"},
		{of("sqs", "sc2s.sgov.gov"), "sqs.us-isob-east-1.api.aws.scloud"},
		{of("sqs", "cloud.example"), "sqs.xx-north-1.cloud.example"}, // a partition that we have not heard of
		{of("vpce-svc-0123456789abcdef0", "amazonaws.com"), "api.partner.example"},
	}
	for _, tt := range tests {
		if _, err := Static(Endpoint{Regional: tt.regional, Hosts: []string{tt.host}}).Endpoints(context.Background()); err != nil {
			t.Errorf("%s: %v", tt.host, err)
		}
	}
}

// Given sources that know different things of one endpoint, when they are joined,
// then what the first says is kept, and the rest filled in.
func TestJoin(t *testing.T) {
	a, b := map[string]string{"us-east-1a": sqsNameA}, map[string]string{"us-east-1b": sqsNameB}
	both := map[string]string{"us-east-1a": sqsNameA, "us-east-1b": sqsNameB}
	tests := []struct {
		name                string
		first, second, want Endpoint // of sqsName
	}{
		{"nothing to add", Endpoint{}, Endpoint{}, Endpoint{}},
		{"zones known to one", Endpoint{}, Endpoint{Zonal: b}, Endpoint{Zonal: b}},
		{"zones known in part", Endpoint{Zonal: a}, Endpoint{Zonal: both}, Endpoint{Zonal: both}},
		{"a zone known to each", Endpoint{Zonal: a}, Endpoint{Zonal: b}, Endpoint{Zonal: both}},
		{"known to be in no zone", Endpoint{}, Endpoint{Zonal: map[string]string{}}, Endpoint{Zonal: map[string]string{}}},
		{"hosts", Endpoint{}, Endpoint{Hosts: []string{sqsHost}, PrivateDNS: true}, Endpoint{Hosts: []string{sqsHost}, PrivateDNS: true}},
		{"hosts of the first", Endpoint{Hosts: []string{sqsHost}}, Endpoint{Hosts: []string{"sqs.us-east-1.api.aws"}, PrivateDNS: true}, Endpoint{Hosts: []string{sqsHost}}},
		{"private DNS by the first's word", Endpoint{PrivateDNS: true}, Endpoint{Hosts: []string{sqsHost}}, Endpoint{Hosts: []string{sqsHost}, PrivateDNS: true}},
		{"wanted by the first", Endpoint{}, Endpoint{FreePath: "a gateway"}, Endpoint{}},
		{"wanted by the second", Endpoint{FreePath: "a gateway"}, Endpoint{}, Endpoint{}},
		{"wanted by neither", Endpoint{FreePath: "a gateway"}, Endpoint{FreePath: "its DNS"}, Endpoint{FreePath: "a gateway"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.first.Regional, tt.second.Regional = sqsName, sqsName
			tt.want.ID, tt.want.Service, tt.want.Region, tt.want.Regional = sqsID, "sqs", "us-east-1", sqsName
			got := read(t, Join(Static(tt.first), Static(tt.second, Endpoint{Regional: kmsName})))
			if len(got.Endpoints) != 2 || !same(got.Endpoints[0], tt.want) {
				t.Errorf("got  %+v\nwant %+v and another", got.Endpoints, tt.want)
			}
			if got := read(t, Static(tt.first, tt.second)); len(got.Endpoints) != 1 || !same(got.Endpoints[0], tt.want) {
				t.Errorf("listed twice in one catalogue: got %+v\nwant %+v", got.Endpoints, tt.want)
			}
		})
	}
}

// Given sources that contradict each other, when they are joined, then the first
// is believed, and a note says so.
func TestJoinNotesConflicts(t *testing.T) {
	other := strings.Replace(sqsName, "lj2wisx3", "lj2wisx4", 1)
	got := read(t, Join(
		source{cat: Catalog{Endpoints: []Endpoint{{Regional: sqsName}}, ZoneNames: map[string]string{"use1-az6": "us-east-1a"}, Notes: []string{"mine"}}},
		source{cat: Catalog{
			Endpoints: []Endpoint{{Regional: other, Zonal: map[string]string{}}},
			ZoneNames: map[string]string{"use1-az6": "us-east-1b", "use1-az1": "us-east-1c"},
		}},
	))
	if len(got.Endpoints) != 1 || got.Endpoints[0].Regional != sqsName || got.Endpoints[0].Zonal != nil {
		t.Errorf("endpoints: got %+v, want only %s", got.Endpoints, sqsName)
	}
	if len(got.ZoneNames) != 2 || got.ZoneNames["use1-az6"] != "us-east-1a" || got.ZoneNames["use1-az1"] != "us-east-1c" {
		t.Errorf("zone names: got %v, want the first's, and what it doesn't have", got.ZoneNames)
	}
	want := "mine\n" +
		sqsID + " has two names: " + sqsName + " is used, and " + other + " is not\n" +
		"the zone use1-az6 has two names: us-east-1a is used, and us-east-1b is not"
	if notes := strings.Join(got.Notes, "\n"); notes != want {
		t.Errorf("notes: got\n%s\nwant\n%s", notes, want)
	}
}

func TestJoinFailsWithOneOfThem(t *testing.T) {
	broken := errors.New("no such luck")
	for name, s := range map[string]Source{"an error": source{err: broken}, "a bad answer": source{cat: Catalog{Endpoints: []Endpoint{{Regional: "evil.example.com"}}}}} {
		got, err := Join(Static(Endpoint{Regional: sqsName}), s).Endpoints(context.Background())
		if err == nil || len(got.Endpoints) != 0 {
			t.Errorf("%s: got %+v, %v; want an error and nothing else", name, got, err)
		}
	}
	if !errors.Is(func() error { _, err := Join(source{err: broken}).Endpoints(context.Background()); return err }(), broken) {
		t.Error("the source's error is not to be found")
	}
}

// Given an answer, when it is changed, then the source's next one is as before;
// neither do changes of what a source was made from reach it.
func TestAnswersAreCopies(t *testing.T) {
	given := Endpoint{Regional: sqsName, Zonal: map[string]string{"us-east-1a": sqsNameA}, Hosts: []string{sqsHost}}
	own := source{cat: Catalog{Endpoints: []Endpoint{given}, ZoneNames: map[string]string{"use1-az6": "us-east-1a"}, Notes: []string{"a note"}}}
	endpoints := []Endpoint{given}
	sources := map[string]Source{"static": Static(endpoints...), "join": Join(own, Static(endpoints...))}
	before := map[string]string{}
	for name, s := range sources {
		before[name] = fmt.Sprint(read(t, s))
	}
	for name, s := range sources {
		got := read(t, s)
		got.Endpoints[0].Zonal["us-east-1b"] = "evil.example.com"
		got.Endpoints[0].Hosts[0] = "evil.example.com"
		got.Endpoints[0].Regional = "evil.example.com"
		if got.ZoneNames != nil {
			got.ZoneNames["use1-az1"], got.Notes[0] = "evil", "evil"
		}
		if now := fmt.Sprint(read(t, s)); now != before[name] {
			t.Errorf("%s, after its answer was changed: got %s, want %s", name, now, before[name])
		}
	}
	given.Zonal["us-east-1c"], given.Hosts[0], endpoints[0].Regional = "evil.example.com", "evil.example.com", "evil.example.com"
	if now := fmt.Sprint(read(t, sources["static"])); now != before["static"] {
		t.Errorf("after what it was made from was changed: got %s, want %s", now, before["static"])
	}
}

func TestNormalizeZoneNames(t *testing.T) {
	tests := []struct {
		name, id, zone string
		ok             bool
	}{
		{"a zone", "use1-az6", "us-east-1a", true},
		{"a Local Zone", "usw2-lax1-az1", "us-west-2-lax-1a", true},
		{"a Wavelength Zone", "use1-wl1-bos-wlz1", "us-east-1-wl1-bos-wlz-1", true},
		{"the wrong way round", "us-east-1a", "use1-az6", false},
		{"no ID", "", "us-east-1a", false},
		{"no name", "use1-az6", "", false},
		{"a Region", "use1-az6", "us-east-1", false},
		{"a dot in the name", "use1-az6", "us-east-1a.evil.com", false},
		{"a slash in the ID", "use1/az6", "us-east-1a", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Catalog{ZoneNames: map[string]string{tt.id: tt.zone}}.Normalize()
			if (err == nil) != tt.ok {
				t.Errorf("got %v, want ok %v", err, tt.ok)
			}
			if err != nil && (!strings.Contains(err.Error(), quote(tt.id)) || !strings.Contains(err.Error(), quote(tt.zone))) {
				t.Errorf("got %q, want it to quote both", err)
			}
		})
	}
}

type source struct {
	cat Catalog
	err error
}

func (s source) Endpoints(context.Context) (Catalog, error) { return s.cat, s.err }

func read(t *testing.T, s Source) Catalog {
	t.Helper()
	cat, err := s.Endpoints(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}
