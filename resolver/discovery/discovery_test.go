package discovery

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// sampled is the interface endpoint of AWS's sample response, word for word.
const sampled = `<DescribeVpcEndpointsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8d3e7656-3328-451d-8c86-7156example</requestId>
    <vpcEndpointSet>
        <item>
            <policyDocument>{"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}</policyDocument>
            <routeTableIdSet/>
            <dnsEntrySet>
                <item>
                    <hostedZoneId>Z7HUB22UULQXV</hostedZoneId>
                    <dnsName>vpce-0f89a33420c1931d7-bluzidnv.elasticloadbalancing.us-east-1.vpce.amazonaws.com</dnsName>
                </item>
                <item>
                    <hostedZoneId>Z7HUB22UULQXV</hostedZoneId>
                    <dnsName>vpce-0f89a33420c1931d7-bluzidnv-us-east-1b.elasticloadbalancing.us-east-1.vpce.amazonaws.com</dnsName>
                </item>
                <item>
                    <hostedZoneId>Z7HUB22UULQXV</hostedZoneId>
                    <dnsName>vpce-0f89a33420c1931d7-bluzidnv-us-east-1a.elasticloadbalancing.us-east-1.vpce.amazonaws.com</dnsName>
                </item>
            </dnsEntrySet>
            <serviceName>com.amazonaws.us-east-1.elasticloadbalancing</serviceName>
            <privateDnsEnabled>false</privateDnsEnabled>
            <groupSet><item><groupName>default</groupName><groupId>sg-54e8bf31</groupId></item></groupSet>
            <vpcEndpointId>vpce-0f89a33420c1931d7</vpcEndpointId>
            <subnetIdSet><item>subnet-d6fcaa8d</item><item>subnet-7b16de0c</item></subnetIdSet>
            <networkInterfaceIdSet><item>eni-2ec2b084</item><item>eni-1b4a65cf</item></networkInterfaceIdSet>
            <vpcEndpointType>Interface</vpcEndpointType>
            <vpcId>vpc-1a2b3c4d</vpcId>
            <creationTimestamp>2017-09-05T17:55:27.583Z</creationTimestamp>
            <state>available</state>
            <tagSet><item><key>Name</key><value>TeamA</value></item></tagSet>
        </item>
    </vpcEndpointSet>
</DescribeVpcEndpointsResponse>`

func TestTheDocumentedSample(t *testing.T) {
	f := newFakeEC2(t)
	f.instead["DescribeVpcEndpoints"] = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, sampled) }
	cat, err := f.source(t).Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(cat.Endpoints) != 1 {
		t.Fatalf("got %d endpoints, want 1", len(cat.Endpoints))
	}
	e := cat.Endpoints[0]
	if e.ID != "vpce-0f89a33420c1931d7" || e.Service != "elasticloadbalancing" || e.Region != "us-east-1" || e.PrivateDNS || e.Hosts != nil {
		t.Errorf("got %+v", e)
	}
	if got, want := slices.Sorted(maps.Keys(e.Zonal)), []string{"us-east-1a", "us-east-1b"}; !slices.Equal(got, want) {
		t.Errorf("zones: got %v, want %v", got, want)
	}
	if got, want := cat.ZoneNames, map[string]string{"use1-az4": "us-east-1a", "use1-az6": "us-east-1b"}; !maps.Equal(got, want) {
		t.Errorf("zone names: got %v, want %v", got, want)
	}
	if len(cat.Notes) > 0 {
		t.Errorf("notes: %v", cat.Notes)
	}
	want := url.Values{
		"Action": {"DescribeVpcEndpoints"}, "Version": {"2016-11-15"}, "MaxResults": {"1000"},
		"Filter.1.Name": {"vpc-id"}, "Filter.1.Value.1": {vpc},
		"Filter.2.Name": {"vpc-endpoint-type"}, "Filter.2.Value.1": {"Interface"}, "Filter.2.Value.2": {"Gateway"},
	}
	if got := f.calls("DescribeVpcEndpoints"); len(got) != 1 || got[0].Encode() != want.Encode() {
		t.Errorf("asked\n%v, want\n%v", got, want)
	}
}

// one asks for a catalogue that is to have one endpoint.
func one(t *testing.T, items ...item) (endpoint.Endpoint, endpoint.Catalog) {
	t.Helper()
	cat, err := newFakeEC2(t, items...).source(t).Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(cat.Endpoints) != 1 {
		t.Fatalf("got %+v, want one endpoint", cat)
	}
	return cat.Endpoints[0], cat
}

const sqsHost = "sqs.us-east-1.amazonaws.com"

func TestPrivateDNS(t *testing.T) {
	on := interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs", sqsHost+" Z0ONE", "*.queue.us-east-1.amazonaws.com Z0TWO", "sqs.us-east-1.api.aws Z0THREE")
	fips := interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "monitoring", "monitoring", "monitoring.us-east-1.amazonaws.com", "monitoring-fips.us-east-1.amazonaws.com")
	pending := interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs", sqsHost+" ZONEIDPENDING")
	off := interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs")
	inbound := interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "s3", "s3", "s3.us-east-1.amazonaws.com", "*.s3.us-east-1.amazonaws.com")
	inbound.inboundOnly = true
	for _, tt := range []struct {
		name    string
		item    item
		private bool
		hosts   int
	}{
		{"on, with a wildcard and a dual-stack name", on, true, 3},
		{"on, with a FIPS name", fips, true, 2},
		{"being set up", pending, false, 1},
		{"off", off, false, 0},
		{"for inbound Resolver endpoints only", inbound, false, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := one(t, tt.item)
			if e.PrivateDNS != tt.private || len(e.Hosts) != tt.hosts {
				t.Errorf("got private DNS %t and %q, want %t and %d hosts", e.PrivateDNS, e.Hosts, tt.private, tt.hosts)
			}
			if free := e.FreePath != ""; free != tt.item.inboundOnly {
				t.Errorf("its free path: got %q", e.FreePath)
			}
		})
	}
}

// Given a gateway endpoint for the same service, then the interface endpoint is
// marked as one that costs what the other doesn't.
func TestGateway(t *testing.T) {
	e, _ := one(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "dynamodb", "dynamodb"), gatewayTo("vpce-032a826a", "dynamodb"), gatewayTo("vpce-032a826b", "s3"))
	if !strings.Contains(e.FreePath, "vpce-032a826a") {
		t.Errorf("got %q, want it to name the gateway endpoint", e.FreePath)
	}
	elsewhere := gatewayTo("vpce-032a826a", "dynamodb")
	elsewhere.vpc = otherVPC
	if e, _ := one(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "dynamodb", "dynamodb"), elsewhere); e.FreePath != "" {
		t.Errorf("got %q for another VPC's gateway endpoint", e.FreePath)
	}
}

// Given an endpoint to a service in another Region, then it has no zonal names:
// AWS makes none.
func TestOtherRegion(t *testing.T) {
	far := interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs")
	far.serviceRegion = "eu-west-1"
	far.dns = []string{"vpce-0aaaaaaaaaaaaaaa1-lj2wisx3.sqs.eu-west-1.vpce.amazonaws.com"}
	e, cat := one(t, far)
	if e.Region != "eu-west-1" || e.Zonal == nil || len(e.Zonal) != 0 {
		t.Errorf("got %+v, want a Region of its own and a map of no zones", e)
	}
	if len(cat.Notes) > 0 {
		t.Errorf("notes: %v", cat.Notes)
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	pending := interfaceTo("vpce-0bbbbbbbbbbbbbbb1", "sns", "sns")
	pending.state = "pending"
	balancer := item{id: "vpce-22223333bbbbaaaa1", kind: "GatewayLoadBalancer", vpc: vpc, service: "com.amazonaws.vpce.us-east-1.vpce-svc-abcd33a1c4321c123", state: "available"}
	others := interfaceTo("vpce-0ccccccccccccccc1", "sns", "sns")
	others.vpc = otherVPC
	_, cat := one(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"), pending, balancer, others)
	if len(cat.Notes) != 1 || !strings.Contains(cat.Notes[0], pending.id) {
		t.Errorf("notes: got %q, want one, of %s", cat.Notes, pending.id)
	}

	// The participants of a shared VPC are told of no endpoint, and of no error.
	f := newFakeEC2(t, others)
	cat, err := f.source(t).Endpoints(t.Context())
	if err != nil || len(cat.Endpoints) > 0 || len(cat.Notes) != 1 || !strings.Contains(cat.Notes[0], endpoint.EnvEndpointsFile) {
		t.Errorf("got %+v, %v, want no endpoint and a note that says why", cat, err)
	}
	if n := len(f.calls("DescribeAvailabilityZones")); n > 0 {
		t.Errorf("asked for the zones of no endpoint")
	}
}

func TestSourceIsSafeForConcurrentUse(t *testing.T) {
	s := newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs")).source(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			cat, err := s.Endpoints(t.Context())
			if err != nil || len(cat.Endpoints) != 1 || len(cat.ZoneNames) != 2 {
				t.Errorf("got %+v, %v", cat, err)
			}
			cat.ZoneNames["use1-az1"] = "us-east-1z" // the caller's own
		}()
	}
	wg.Wait()
}
