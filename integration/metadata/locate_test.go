package metadata

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

var services = []string{"s3", "dynamodb", "sqs", "sts"}

func startLab(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.Start(lab.Options{Home: "us-east-1b"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// in is an instance in the lab's home zone, as its metadata tells.
func in(l *lab.Lab) zone.Source {
	return zone.IMDS(func(o *imds.Options) { o.Endpoint = l.IMDSEndpoint() })
}

func locating(t *testing.T, l *lab.Lab, opts ...resolver.Option) *resolver.Resolver {
	t.Helper()
	r, _ := newResolver(t, append([]resolver.Option{resolver.WithNetResolver(l.Resolver())}, opts...)...)
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// nobody is a DNS that doesn't answer.
var nobody = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("there is no DNS in this test")
}}

// everywhere says where the addresses of all endpoints are.
func everywhere(l *lab.Lab, home, away resolver.Location) map[netip.Addr]resolver.Location {
	all := map[netip.Addr]resolver.Location{}
	for _, service := range services {
		all[l.Address(service, "us-east-1a").Addr()] = away
		all[l.Address(service, "us-east-1b").Addr()] = home
		all[l.Address(service, "us-east-1c").Addr()] = away
	}
	return all
}

func located(r *resolver.Resolver, want map[netip.Addr]resolver.Location) bool {
	for addr, at := range want {
		if r.Locate(addr) != at {
			return false
		}
	}
	return true
}

// Given no more than an endpoint list and DNS, then its addresses are told apart, S3's among them, whose names begin with a star.
func TestLocateByDNS(t *testing.T) {
	l := startLab(t)
	file := filepath.Join(t.TempDir(), "endpoints.json")
	if err := os.WriteFile(file, l.DescribeVpcEndpoints(), 0o600); err != nil {
		t.Fatal(err)
	}
	r := locating(t, l, resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1b"})), resolver.WithEndpoints(endpoint.File(file)))
	eventually(t, "all addresses are located", func() bool { return located(r, everywhere(l, resolver.Home, resolver.Away)) })
	for _, e := range r.Snapshot().Endpoints {
		if want := []netip.Addr{l.Address(e.Service, "us-east-1b").Addr()}; !slices.Equal(e.Addresses, want) {
			t.Errorf("%s: got %v, want %v", e.Service, e.Addresses, want)
		}
	}
	if got := r.Locate(netip.MustParseAddr("192.0.2.1")); got != resolver.Unknown {
		t.Errorf("a public address: got %v", got)
	}
}

// Given what aws ec2 describe-subnets prints behind the endpoints, then addresses are located before any name is looked up.
func TestLocateBySubnetsOfAFile(t *testing.T) {
	l := startLab(t)
	file := filepath.Join(t.TempDir(), "endpoints.json")
	if err := os.WriteFile(file, append(l.DescribeVpcEndpoints(), l.DescribeSubnets()...), 0o600); err != nil {
		t.Fatal(err)
	}
	r := locating(t, l, resolver.WithZone(in(l)), resolver.WithEndpoints(endpoint.File(file)), resolver.WithNetResolver(nobody))
	if !located(r, everywhere(l, resolver.Home, resolver.Away)) {
		t.Errorf("not all addresses are located by %d subnets", r.Snapshot().Subnets)
	}
}

// Given no list at all, then instance metadata tells which addresses are in the own subnet.
func TestLocateByTheOwnSubnet(t *testing.T) {
	l := startLab(t)
	r := locating(t, l, resolver.WithZone(in(l)), resolver.WithEndpoints(endpoint.Static()), resolver.WithNetResolver(nobody))
	if !located(r, everywhere(l, resolver.Home, resolver.Unknown)) {
		t.Errorf("not all addresses are located by %d subnets", r.Snapshot().Subnets)
	}
}
