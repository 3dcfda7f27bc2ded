package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

var mixed = lab.Options{Endpoints: []lab.Endpoint{
	{Service: "s3"}, {Service: "dynamodb", Zones: []string{"us-east-1b"}}, {Service: "sqs", PrivateDNS: true}, {Service: "sts", PrivateDNS: true},
}}

func read(t *testing.T, path string) endpoint.Catalog {
	t.Helper()
	catalog, err := endpoint.File(path).Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// Given a list of AWS's, when a snapshot is taken, then endpoint.File makes the same of it.
func TestSnapshotOfAFile(t *testing.T) {
	t.Parallel()
	l, n := startLab(t, mixed)
	inbound := bytes.Replace(l.DescribeVpcEndpoints(), []byte(`"DnsRecordIpType": "ipv4"`), []byte(`"PrivateDnsOnlyForInboundResolverEndpoint": true`), 1)
	for name, content := range map[string][]byte{
		"as it is": l.DescribeVpcEndpoints(), "with a gateway endpoint": withGateway(t, l, "s3"), "for inbound resolvers": inbound,
	} {
		given := write(t, content)
		taken := filepath.Join(t.TempDir(), "taken.json")
		if err := os.WriteFile(taken, []byte("what was there before"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, stdout, stderr := printed(t, n, "-endpoints", given, "-zone", home, "-services", "sqs", "-snapshot", taken)
		if stderr != "" || strings.Contains(stdout, "dynamodb") {
			t.Errorf("%s: got\n%s%s\nwant a report on sqs", name, stdout, stderr)
		}
		if got, want := read(t, taken), read(t, given); !reflect.DeepEqual(got.Endpoints, want.Endpoints) || !reflect.DeepEqual(got.ZoneNames, want.ZoneNames) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, want)
		}
		if info, err := os.Stat(taken); err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: got %v and %v, want a file that all may read", name, info, err)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(taken), "*")); len(left) != 1 {
			t.Errorf("%s: got %q, want no file beside it", name, left)
		}
	}
}

// Given endpoints that are listed by hand, without their zones, then a snapshot has the zones that DNS knows.
func TestSnapshotOfNames(t *testing.T) {
	l, n := startLab(t, mixed)
	t.Setenv("AZAFFINITY_ENDPOINTS", l.RegionalName("s3")+","+l.RegionalName("dynamodb"))
	t.Setenv("AZAFFINITY_ZONE_NAMES", "use1-az6=us-east-1a,use1-az1=us-east-1b")
	var stdout, stderr bytes.Buffer
	if code := runIn(t.Context(), n, []string{"-zone", "use1-az6", "-snapshot", "-"}, &stdout, &stderr); code != exitProblems || stderr.Len() > 0 {
		t.Errorf("got exit code %d and %q, want 1, since dynamodb isn't in the zone", code, &stderr)
	}
	got := read(t, write(t, stdout.Bytes()))
	want := endpoint.Catalog{ZoneNames: map[string]string{"use1-az6": "us-east-1a", "use1-az1": "us-east-1b"}}
	for service, zones := range map[string][]string{"s3": {"us-east-1a", "us-east-1b", "us-east-1c"}, "dynamodb": {"us-east-1b"}} {
		e, err := endpoint.Parse(l.RegionalName(service))
		if err != nil {
			t.Fatal(err)
		}
		e.Zonal = map[string]string{}
		for _, z := range zones {
			e.Zonal[z] = l.ZonalName(service, z)
		}
		want.Endpoints = append(want.Endpoints, e)
	}
	for _, c := range []endpoint.Catalog{got, want} {
		slices.SortFunc(c.Endpoints, func(a, b endpoint.Endpoint) int { return strings.Compare(a.ID, b.ID) })
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// What can't be written is said, and what was there stays.
func TestNoSnapshot(t *testing.T) {
	l, n := startLab(t, lab.Options{})
	fails := *n
	fails.lookup = lookupBy(failingDNS(t))
	t.Setenv("AZAFFINITY_ENDPOINTS", l.RegionalName("sqs"))
	had := write(t, []byte("{}"))
	for _, test := range []struct {
		name, endpoints, to, want string
		n                         *network
	}{
		{"no directory", l.RegionalName("sqs"), filepath.Join(t.TempDir(), "none", "endpoints.json"), "no such file or directory", n},
		{"no endpoint", "", had, "no endpoint is known", n},
		{"DNS that fails", l.RegionalName("sqs"), had, "is not known: lookup", &fails},
	} {
		t.Setenv("AZAFFINITY_ENDPOINTS", test.endpoints)
		code, stdout, stderr := printed(t, test.n, "-zone", home, "-snapshot", test.to)
		if code != exitUnknown || stdout != "" || !strings.Contains(stderr, "the snapshot can't be written: ") || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: got exit code %d, %q and %q; want 2, nothing and %q", test.name, code, stdout, stderr, test.want)
		}
	}
	if content, err := os.ReadFile(had); err != nil || string(content) != "{}" {
		t.Errorf("got %q, %v; want the file as it was", content, err)
	}
}
