package endpoint_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

const sqs = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"

// A regional name tells everything that routing needs.
func ExampleParse() {
	e, err := endpoint.Parse("vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	zonal, _ := e.ZonalName("us-east-1a")
	fmt.Println(e.Service, zonal)
	// Output: sqs vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com
}

// Somebody else's host is an error that says which, and what is wanted.
func ExampleParse_notAnEndpoint() {
	_, err := endpoint.Parse("evil.example.com")
	fmt.Println(err)
	// Output: endpoint: "evil.example.com" is not the DNS name of an interface endpoint: it has no ".vpce." in it (want one like vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com)
}

// The output of aws ec2 describe-vpc-endpoints is read as it is.
func ExampleFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	saved := filepath.Join(dir, "endpoints.json") // aws ec2 describe-vpc-endpoints > endpoints.json
	err = os.WriteFile(saved, []byte(`{"VpcEndpoints": [{
		"VpcEndpointId": "vpce-0a1b2c3d4e5f60718",
		"VpcEndpointType": "Interface",
		"VpcId": "vpc-0a1b2c3d4e5f60718",
		"ServiceName": "com.amazonaws.us-east-1.sqs",
		"State": "available",
		"PrivateDnsEnabled": true,
		"DnsEntries": [
			{"DnsName": "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com", "HostedZoneId": "Z7HUB22UULQXV"},
			{"DnsName": "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1b.sqs.us-east-1.vpce.amazonaws.com", "HostedZoneId": "Z7HUB22UULQXV"},
			{"DnsName": "sqs.us-east-1.amazonaws.com", "HostedZoneId": "Z0000000000000000000"}
		]
	}]}`), 0o600)
	if err != nil {
		fmt.Println(err)
		return
	}
	catalog, err := endpoint.File(saved).Endpoints(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range catalog.Endpoints {
		_, inA := e.ZonalName("us-east-1a")
		_, inB := e.ZonalName("us-east-1b")
		fmt.Println(e.ID, e.Service, e.Hosts, "1a:", inA, "1b:", inB)
	}
	// Output: vpce-0a1b2c3d4e5f60718 sqs [sqs.us-east-1.amazonaws.com] 1a: false 1b: true
}

// Endpoints from code, and the zone letters of the account that owns them.
func ExampleJoin() {
	letters := zoneNames{"use1-az6": "us-east-1a"}
	catalog, err := endpoint.Join(endpoint.Static(endpoint.Endpoint{Regional: sqs}), letters).Endpoints(context.Background())
	fmt.Println(len(catalog.Endpoints), catalog.ZoneNames["use1-az6"], err)
	// Output: 1 us-east-1a <nil>
}

// zoneNames is a source of one's own.
type zoneNames map[string]string

func (z zoneNames) Endpoints(context.Context) (endpoint.Catalog, error) {
	return endpoint.Catalog{ZoneNames: z}, nil
}
