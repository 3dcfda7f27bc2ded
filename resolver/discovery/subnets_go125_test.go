//go:build go1.25

package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

func subnet(prefix, zoneID, name string) endpoint.Subnet {
	return endpoint.Subnet{Prefix: netip.MustParsePrefix(prefix), ZoneID: zoneID, Zone: name}
}

// Given a VPC's subnets, in several pages, by IPv4, by IPv6 or by both, then the catalogue has
// those of the VPC, and a resolver locates addresses by them.
func TestSubnets(t *testing.T) {
	f := newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"))
	f.subnets = append(f.subnets,
		fakeSubnet{id: "subnet-1", vpc: vpc, zoneID: "use1-az4", zone: "us-east-1a", six: "2600:1f14:30ab:6901::/64", sixState: "associated"},
		fakeSubnet{id: "subnet-2", vpc: vpc, block: "10.0.3.0/28", zoneID: "use1-az6", zone: "us-east-1b", six: "2600:1f14:30ab:6902::/64", sixState: "disassociated"},
	)
	f.pageSize = 3
	src := f.source(t)
	cat, err := src.Endpoints(t.Context())
	want := []endpoint.Subnet{
		subnet("10.0.1.0/24", "use1-az4", "us-east-1a"), subnet("10.0.2.0/24", "use1-az6", "us-east-1b"),
		subnet("2600:1f14:30ab:6901::/64", "use1-az4", "us-east-1a"), subnet("10.0.3.0/28", "use1-az6", "us-east-1b"),
	}
	if err != nil || !slices.Equal(cat.Subnets, want) || len(cat.Notes) != 0 {
		t.Errorf("got %v, notes %q, %v; want %v", cat.Subnets, cat.Notes, err, want)
	}
	var asked []string
	for _, call := range f.calls("DescribeSubnets") {
		asked = append(asked, call.Get("Filter.1.Name")+"="+call.Get("Filter.1.Value.1")+" "+call.Get("NextToken"))
	}
	if got := strings.Join(asked, ","); got != "vpc-id="+vpc+" ,vpc-id="+vpc+" 3" {
		t.Errorf("asked %q", got)
	}

	r, err := resolver.New(resolver.WithEndpoints(src), resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1c", ID: "use1-az6"})))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]resolver.Location{
		"10.0.2.9": resolver.Home, "10.0.3.9": resolver.Home, "10.0.1.9": resolver.Away, "2600:1f14:30ab:6901::9": resolver.Away, "10.0.9.9": resolver.Unknown,
	} {
		if got := r.Locate(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %v, want %v", addr, got, want)
		}
	}
}

// Given subnets that can't be had, or not all, then the endpoints are as good, and a note says
// what is missing.
func TestWithoutSubnets(t *testing.T) {
	answer := func(of ...fakeSubnet) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<DescribeSubnetsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><subnetSet>`)
			for _, s := range of {
				fmt.Fprint(w, s.xml())
			}
			fmt.Fprint(w, `</subnetSet></DescribeSubnetsResponse>`)
		}
	}
	good := fakeSubnet{vpc: vpc, block: "10.0.1.0/24", zoneID: "use1-az4", zone: "us-east-1a"}
	with := func(change func(*fakeSubnet)) fakeSubnet {
		s := good
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		some   int
		note   string
	}{
		{"no permission", fail(http.StatusForbidden, "UnauthorizedOperation"), 0, "ec2:DescribeSubnets failed: the role lacks that permission"},
		{"throttling", fail(http.StatusServiceUnavailable, "RequestLimitExceeded"), 0, "RequestLimitExceeded"},
		{"no XML", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>proxy error</ht") }, 0, "no answer"},
		{"none", answer(), 0, ""},
		{"another VPC's", answer(good, with(func(s *fakeSubnet) { s.vpc = otherVPC })), 1, otherVPC},
		{"not a block", answer(good, with(func(s *fakeSubnet) { s.block = "10.0.1.0" })), 1, `"10.0.1.0" is not a CIDR block`},
		{"everything", answer(good, with(func(s *fakeSubnet) { s.block = "0.0.0.0/0" })), 1, "0.0.0.0/0 is not a subnet's"},
		{"no zone", answer(good, with(func(s *fakeSubnet) { s.zone, s.zoneID = "", "" })), 1, "neither a zone ID"},
		{"not a zone", answer(good, with(func(s *fakeSubnet) { s.zoneID = "../use1" })), 1, `"../use1" is not a zone ID`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"))
			f.instead["DescribeSubnets"] = tt.answer
			cat, err := f.source(t).Endpoints(t.Context())
			if err != nil || len(cat.Endpoints) != 1 || len(cat.ZoneNames) != 2 || len(cat.Subnets) != tt.some {
				t.Errorf("got %+v, %v, want the endpoint, its zones and %d subnets", cat, err, tt.some)
			}
			if notes := strings.Join(cat.Notes, ""); !strings.Contains(notes, tt.note) || (notes == "") != (tt.note == "") {
				t.Errorf("notes: got %q, want %q", cat.Notes, tt.note)
			}
		})
	}
}

// subnetLister is a client that counts.
type subnetLister struct {
	Client
	asked int
	err   error
}

func (l *subnetLister) DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error) {
	name := "vpce-0aaaaaaaaaaaaaaa1-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: []types.VpcEndpoint{{
		VpcEndpointId: aws.String("vpce-0aaaaaaaaaaaaaaa1"), VpcEndpointType: types.VpcEndpointTypeInterface, VpcId: aws.String(vpc), State: "available",
		DnsEntries: []types.DnsEntry{{DnsName: aws.String(name)}},
	}}}, nil
}

func (l *subnetLister) DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error) {
	return &ec2.DescribeAvailabilityZonesOutput{}, nil
}

func (l *subnetLister) DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	l.asked++
	return &ec2.DescribeSubnetsOutput{Subnets: []types.Subnet{{
		VpcId: aws.String(vpc), CidrBlock: aws.String("10.0.1.0/24"), AvailabilityZoneId: aws.String("use1-az4"),
	}}}, l.err
}

// Given a resolver that asks every ten minutes, then the subnets are asked for every hour, also if
// the role may not; after another failure with the next ask, and what was known is kept.
func TestSubnetsAreAskedForEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &subnetLister{}
		s, err := NewFromClient(client, WithVPC(vpc))
		if err != nil {
			t.Fatal(err)
		}
		refresh := func(asked, some int, note string) {
			t.Helper()
			client.asked = 0
			for range 6 {
				cat, err := s.Endpoints(t.Context())
				if err != nil || len(cat.Subnets) != some || !strings.Contains(strings.Join(cat.Notes, ""), note) || (len(cat.Notes) == 0) != (note == "") {
					t.Errorf("got %+v, %v; want %d subnets and %q", cat, err, some, note)
				}
				time.Sleep(10 * time.Minute)
			}
			if client.asked != asked {
				t.Errorf("asked %d times in an hour, want %d", client.asked, asked)
			}
		}
		client.err = &smithy.GenericAPIError{Code: "UnauthorizedOperation"}
		refresh(1, 0, "permission")
		client.err = nil
		refresh(1, 1, "")
		client.err = errors.New("no way to EC2")
		refresh(6, 1, "no answer")
	})
}

// noEndpoints is a VPC's without interface endpoints, and odd a client with half of EC2's methods, which has that of subnets only by its name.
type (
	noEndpoints struct{ subnetLister }
	odd         struct {
		subnetLister
		subnetClient // nil
	}
)

func (*noEndpoints) DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error) {
	return &ec2.DescribeVpcEndpointsOutput{}, nil
}

func (o *odd) DescribeSubnets(ctx context.Context, in *ec2.DescribeSubnetsInput, opts ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	return o.subnetClient.DescribeSubnets(ctx, in, opts...)
}

// Given a VPC without interface endpoints, then its subnets are listed all the same; and given a client that panics when asked for subnets, then the endpoints
// are there, and a note says what isn't.
func TestSubnetsAreNotTheEndpointsFate(t *testing.T) {
	for name, tt := range map[string]struct {
		client             Client
		endpoints, subnets int
		note               string
	}{
		"no endpoints": {&noEndpoints{}, 0, 1, ""},
		"a panic":      {&odd{}, 1, 0, "subnets may be missing"},
	} {
		s, err := NewFromClient(tt.client, WithVPC(vpc))
		if err != nil {
			t.Fatal(err)
		}
		cat, err := s.Endpoints(t.Context())
		if err != nil || len(cat.Endpoints) != tt.endpoints || len(cat.Subnets) != tt.subnets || !strings.Contains(strings.Join(cat.Notes, ""), tt.note) {
			t.Errorf("%s: got %+v, %v; want %d endpoints, %d subnets and %q", name, cat, err, tt.endpoints, tt.subnets, tt.note)
		}
	}
}
