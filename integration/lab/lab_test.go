package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/azaffinity/azaffinity/integration/lab"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t testing.TB, opts lab.Options) *lab.Lab {
	t.Helper()
	l, err := lab.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

// within bounds a call that a bug could let hang.
func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// stsAt is a client of one name that makes a connection per call and doesn't retry.
func stsAt(cfg aws.Config, name string) *sts.Client {
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		o.BaseEndpoint = base(name)
		o.Retryer = aws.NopRetryer{}
	})
}

func TestRegionalNameSpreadsCallsOverZones(t *testing.T) {
	l := start(t, lab.Options{})
	for _, name := range []string{l.RegionalName("sts"), ""} {
		l.ResetRequests()
		for range 9 { // each with a client, so a connection, of its own
			must(stsAt(l.Config(), name).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
		}
		for zone, n := range l.RequestsOf("sts") {
			if n != 3 {
				t.Errorf("name %q: got %d requests in %s, want 3", name, n, zone)
			}
		}
	}
}

func TestZonalNameStaysInItsZone(t *testing.T) {
	l := start(t, lab.Options{})
	for range 5 {
		must(stsAt(l.Config(), l.ZonalName("sts", "us-east-1c")).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	}
	want := map[string]int{"us-east-1a": 0, "us-east-1b": 0, "us-east-1c": 5}
	if got := l.Requests(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got requests %v, want %v", got, want)
	}
	e := l.Executions()
	if len(e) != 5 || e[0].Host != l.ZonalName("sts", "us-east-1c") || e[0].Operation != "GetCallerIdentity" || e[0].Service != "sts" || e[0].Invocation == "" || e[0].Attempt != "attempt=1" {
		t.Errorf("got executions %+v", e)
	}
}

func TestDNS(t *testing.T) {
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{
		{Service: "sqs", Zones: []string{"us-east-1a", "us-east-1b"}, PrivateDNS: true}, {Service: "s3"},
	}})
	s3Regional := strings.TrimPrefix(l.RegionalName("s3"), "*.")
	for _, test := range []struct {
		name string
		want int // addresses; 0 is NXDOMAIN
	}{
		{l.RegionalName("sqs"), 2},
		{strings.ToUpper(l.RegionalName("sqs")), 2},
		{l.ZonalName("sqs", "us-east-1b"), 1},
		{l.ZonalName("sqs", "us-east-1c"), 0},
		{"sqs.us-east-1.amazonaws.com", 2},
		{"x." + l.RegionalName("sqs"), 0},
		{"photos.bucket." + s3Regional, 3},
		{"bucket." + s3Regional, 3},
		{"a.b.accesspoint." + strings.TrimPrefix(l.ZonalName("s3", "us-east-1a"), "*."), 1},
		{s3Regional, 0},
		{"s3.us-east-1.amazonaws.com", 0},
		{"sts.us-east-1.amazonaws.com", 0},
		{"example.com", 0},
	} {
		ips, err := l.Resolver().LookupIPAddr(t.Context(), test.name+".")
		var dnsErr *net.DNSError
		if len(ips) != test.want || (test.want == 0) != (errors.As(err, &dnsErr) && dnsErr.IsNotFound) {
			t.Errorf("%s: got %v, %v, want %d addresses", test.name, ips, err, test.want)
		}
	}
	if _, err := l.Resolver().LookupNetIP(t.Context(), "ip6", l.RegionalName("sqs")+"."); err == nil {
		t.Error("AAAA: got an answer, want none")
	}
	// The dialer's error is net.Dialer's.
	_, err := stsAt(l.Config(), "").GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	var opErr *net.OpError
	var dnsErr *net.DNSError
	if !errors.As(err, &opErr) || opErr.Op != "dial" || !errors.As(err, &dnsErr) || !dnsErr.IsNotFound || dnsErr.Name != "sts.us-east-1.amazonaws.com" {
		t.Errorf("got error %v, want a dial error of an unknown name", err)
	}
}

func TestTwoLabsDoNotMeet(t *testing.T) {
	one, two := start(t, lab.Options{}), start(t, lab.Options{})
	must(stsAt(one.Config(), "").GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	must(stsAt(one.Config(), "").GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	if _, err := stsAt(two.Config(), "").GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err == nil {
		t.Error("a closed lab answers")
	}
	for zone, n := range two.Requests() {
		if n != 0 {
			t.Errorf("the other lab got %d requests in %s", n, zone)
		}
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	for want, opts := range map[string]lab.Options{
		`region "us east"`:      {Region: "us east"},
		"set Options.Zones":     {Region: "eu-west-1"},
		`"us-east-1x"`:          {Home: "us-east-1x"},
		`no service "sns"`:      {Endpoints: []lab.Endpoint{{Service: "sns"}}},
		"a Handler or a Server": {Endpoints: []lab.Endpoint{{Service: "dkr.ecr"}}},
		"endpoint for sqs: a H": {Endpoints: []lab.Endpoint{{Service: "sqs", Server: "127.0.0.1:1"}}},
		"one of the two":        {Endpoints: []lab.Endpoint{{Service: partner, Server: "127.0.0.1:1", Handler: seen}}},
		"Hosts are a partner's": {Endpoints: []lab.Endpoint{{Service: "sqs", Hosts: []string{"sqs.example"}}}},
		`no service "vpce-svc-`: {Endpoints: []lab.Endpoint{{Service: "vpce-svc-1", Server: "127.0.0.1:1"}}},
		"no packet is early":    {Distance: lab.TypicalDistance, Jitter: lab.Jitter{Mean: -1}},
		"set Options.Distance":  {Jitter: lab.Jitter{Mean: 1}},
		"two endpoints for sqs": {Endpoints: []lab.Endpoint{{Service: "sqs"}, {Service: "sqs"}}},
		"no private DNS":        {Endpoints: []lab.Endpoint{{Service: "dynamodb", PrivateDNS: true}}},
		`"us-east-1z" is none`:  {Endpoints: []lab.Endpoint{{Service: "sqs", Zones: []string{"us-east-1z"}}}},
		"a zone to be in":       {Endpoints: []lab.Endpoint{{Service: "sqs", Zones: []string{}}}},
		"0 zones":               {Zones: []lab.Zone{}},
		`"a" is there twice`:    {Zones: []lab.Zone{{Name: "a", ID: "b"}, {Name: "a", ID: "c"}}},
		"needs a name":          {Zones: []lab.Zone{{Name: "a.b", ID: "b"}}},
		`bucket "No"`:           {Buckets: []string{"No"}},
		`table "?"`:             {Tables: []string{"?"}},
	} {
		l, err := lab.Start(opts)
		if err == nil {
			_ = l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got error %v, want one with %s", opts, err, want)
		}
	}
}

func TestDescribeVpcEndpointsIsWhatTheCLIPrints(t *testing.T) {
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "s3"}, {Service: "sqs", Zones: []string{"us-east-1a", "us-east-1c"}, PrivateDNS: true}}})
	var out struct {
		VpcEndpoints []struct {
			VpcEndpointId, ServiceName string
			PrivateDnsEnabled          bool
			DnsEntries                 []struct{ DnsName string }
			SubnetIds                  []string
		}
		AvailabilityZones []struct{ ZoneName, ZoneId string }
	}
	if err := json.Unmarshal(l.DescribeVpcEndpoints(), &out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range out.VpcEndpoints {
		for _, entry := range e.DnsEntries {
			got = append(got, entry.DnsName)
		}
	}
	want := []string{
		l.RegionalName("s3"), l.ZonalName("s3", "us-east-1c"), l.ZonalName("s3", "us-east-1b"), l.ZonalName("s3", "us-east-1a"),
		l.RegionalName("sqs"), l.ZonalName("sqs", "us-east-1c"), l.ZonalName("sqs", "us-east-1a"), "sqs.us-east-1.amazonaws.com",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got names %q, want %q", got, want)
	}
	vpce := regexp.MustCompile(`^(\*\.)?vpce-[0-9a-f]{17}-[a-z0-9]{8}(-us-east-1[abc])?\.(s3|sqs)\.us-east-1\.vpce\.amazonaws\.com$`)
	for _, name := range want[:7] {
		if !vpce.MatchString(name) {
			t.Errorf("%q is not a vpce name", name)
		}
	}
	sqs := out.VpcEndpoints[1]
	if sqs.ServiceName != "com.amazonaws.us-east-1.sqs" || !sqs.PrivateDnsEnabled || len(sqs.SubnetIds) != 2 || !strings.HasPrefix(l.RegionalName("sqs"), sqs.VpcEndpointId) {
		t.Errorf("got %+v", sqs)
	}
	if len(out.AvailabilityZones) != 3 || out.AvailabilityZones[0].ZoneId != "use1-az6" || out.AvailabilityZones[0].ZoneName != "us-east-1a" {
		t.Errorf("got zones %+v", out.AvailabilityZones)
	}
}
