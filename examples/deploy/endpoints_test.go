package deploy

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

var zones = []string{"us-east-1a", "us-east-1b", "us-east-1c"}

// suffixes are those of the endpoints' IDs, by service. All the files list the same two, or one of them.
var suffixes = map[string]string{"sqs": "0a1b2c3d4e5f60718-lj2wisx3", "sts": "0f1e2d3c4b5a69788-k3hd72ma"}

// described is an endpoint as DescribeVpcEndpoints prints it: the regional name, zonal names, and private ones.
func described(service string) endpoint.Description {
	name := "vpce-" + suffixes[service]
	host := "." + service + ".us-east-1.vpce.amazonaws.com"
	entries := []endpoint.DNSEntry{{DNSName: name + host, HostedZoneID: "Z7HUB22UULQXV"}}
	for _, zone := range zones {
		entries = append(entries, endpoint.DNSEntry{DNSName: name + "-" + zone + host, HostedZoneID: "Z7HUB22UULQXV"})
	}
	for _, private := range []string{service + ".us-east-1.amazonaws.com", service + ".us-east-1.api.aws"} {
		entries = append(entries, endpoint.DNSEntry{DNSName: private, HostedZoneID: "Z0123456789ABCDEFGHIJ"})
	}
	return endpoint.Description{
		VpcEndpointID: name[:strings.LastIndex(name, "-")], VpcEndpointType: "Interface", VpcID: "vpc-0a1b2c3d4e5f60718", State: "available",
		ServiceName: "com.amazonaws.us-east-1." + service, PrivateDNSEnabled: true, DNSEntries: entries,
	}
}

// orders are orders that AWS may list an endpoint's DnsEntries in: it promises none.
var orders = map[string]func([]endpoint.DNSEntry) []endpoint.DNSEntry{
	"regional first": func(e []endpoint.DNSEntry) []endpoint.DNSEntry { return e },
	"zonal first":    func(e []endpoint.DNSEntry) []endpoint.DNSEntry { return slices.Concat(e[2:4], e[:2], e[4:]) },
	"private first": func(e []endpoint.DNSEntry) []endpoint.DNSEntry {
		e = slices.Clone(e)
		slices.Reverse(e)
		return e
	},
}

// wantEndpoints fails unless azaffinity makes of the environment what it makes of AWS's own listing.
func wantEndpoints(t *testing.T, env map[string]string, services ...string) {
	t.Helper()
	for _, name := range []string{endpoint.EnvEndpoints, endpoint.EnvEndpointsFile, endpoint.EnvZoneNames} {
		t.Setenv(name, env[name])
	}
	got, err := endpoint.Env().Endpoints(context.Background())
	if err != nil {
		t.Errorf("%s=%s: %v", endpoint.EnvEndpoints, env[endpoint.EnvEndpoints], err)
		return
	}
	var descriptions []endpoint.Description
	for _, service := range services {
		descriptions = append(descriptions, described(service))
	}
	want, err := endpoint.FromDescriptions(descriptions)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := essential(t, got), essential(t, want); !reflect.DeepEqual(got, want) {
		t.Errorf("%s=%s:\ngot  %+v\nwant %+v", endpoint.EnvEndpoints, env[endpoint.EnvEndpoints], got, want)
	}
}

// essential are a catalogue's endpoints, by service, with what names tell of them, in one order.
func essential(t *testing.T, c endpoint.Catalog) map[string]endpoint.Endpoint {
	t.Helper()
	c, err := c.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]endpoint.Endpoint{}
	for _, e := range c.Endpoints {
		slices.Sort(e.Hosts)
		all[e.Service] = endpoint.Endpoint{
			ID: e.ID, Service: e.Service, Regional: e.Regional, Zonal: e.Zonal, Hosts: e.Hosts, PrivateDNS: e.PrivateDNS,
		}
	}
	return all
}
