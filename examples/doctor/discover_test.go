package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// fakeEC2 answers two questions as the samples in the EC2 API Reference do, with what is in the lab.
func fakeEC2(t *testing.T, l *lab.Lab) string {
	t.Helper()
	var all listing
	if err := json.Unmarshal(l.DescribeVpcEndpoints(), &all); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		action := r.PostForm.Get("Action")
		switch {
		case !strings.Contains(r.Header.Get("Authorization"), "Credential=AKIAIOSFODNN7EXAMPLE/"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized.</Message></Error></Errors></Response>`)
		case action == "DescribeVpcEndpoints" && r.PostForm.Get("Filter.1.Value.1") == "vpc-00000000000000001":
			fmt.Fprintf(w, `<DescribeVpcEndpointsResponse><vpcEndpointSet>`)
			for _, d := range all.VpcEndpoints {
				fmt.Fprint(w, item(d))
			}
			fmt.Fprintf(w, `</vpcEndpointSet></DescribeVpcEndpointsResponse>`)
		case action == "DescribeAvailabilityZones":
			fmt.Fprintf(w, `<DescribeAvailabilityZonesResponse><availabilityZoneInfo>`)
			for _, z := range all.AvailabilityZones {
				fmt.Fprintf(w, `<item><zoneName>%s</zoneName><zoneId>%s</zoneId></item>`, z.ZoneName, z.ZoneID)
			}
			fmt.Fprintf(w, `</availabilityZoneInfo></DescribeAvailabilityZonesResponse>`)
		default:
			http.Error(w, action, http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func item(d endpoint.Description) string {
	var names strings.Builder
	for _, e := range d.DNSEntries {
		fmt.Fprintf(&names, `<item><dnsName>%s</dnsName><hostedZoneId>%s</hostedZoneId></item>`, html.EscapeString(e.DNSName), e.HostedZoneID)
	}
	return fmt.Sprintf(`<item><vpcEndpointId>%s</vpcEndpointId><vpcEndpointType>%s</vpcEndpointType><vpcId>%s</vpcId><serviceName>%s</serviceName>`+
		`<state>%s</state><privateDnsEnabled>%v</privateDnsEnabled><dnsEntrySet>%s</dnsEntrySet></item>`,
		d.VpcEndpointID, d.VpcEndpointType, d.VpcID, d.ServiceName, d.State, d.PrivateDNSEnabled, &names)
}

// Given a VPC's id, when EC2 is asked for its endpoints and a snapshot is taken, then the snapshot serves as well as EC2.
func TestDiscover(t *testing.T) {
	l, n := startLab(t, lab.Options{})
	t.Setenv("AWS_ENDPOINT_URL_EC2", fakeEC2(t, l))
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	taken := filepath.Join(t.TempDir(), "endpoints.json")
	code, rep := examined(t, n, "-vpc", "vpc-00000000000000001", "-zone", "use1-az6", "-snapshot", taken)
	if code != exitFine || len(rep.Endpoints) != 1 || rep.Endpoints[0].Verdict != inZone || rep.From != "EC2, for vpc-00000000000000001" {
		t.Errorf("got exit code %d and %+v, want 0 and SQS's endpoint by EC2", code, rep)
	}
	code, again := examined(t, n, "-endpoints", taken, "-zone", "use1-az6")
	if code != exitFine || again.Zone.NameUsed != home || len(again.Endpoints) != 1 || again.Endpoints[0].Zonal.Name != rep.Endpoints[0].Zonal.Name {
		t.Errorf("by the snapshot: got exit code %d and %+v, want the same", code, again)
	}

	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAI44QH8DHBEXAMPLE") // somebody who may not ask
	code, stdout, stderr := printed(t, n, "-discover", "-vpc", "vpc-00000000000000001", "-zone", home)
	if code != exitUnknown || stdout != "" || !strings.Contains(stderr, "allow ec2:DescribeVpcEndpoints") {
		t.Errorf("without permission: got exit code %d, %q and %q; want 2, nothing and what to allow", code, stdout, stderr)
	}
	code, _, stderr = printed(t, n, "-vpc", "shop", "-zone", home)
	if code != exitUnknown || !strings.Contains(stderr, `"shop" is not the id of a VPC`) {
		t.Errorf("-vpc shop: got exit code %d and %q, want 2 and what is wrong with it", code, stderr)
	}
}
