package endpoint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "endpoints.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// describe prints an available interface endpoint of the VPC vpc-1 for SQS; more
// replaces its fields.
func describe(more string, names ...string) string {
	entries := make([]string, len(names))
	for i, name := range names {
		entries[i] = fmt.Sprintf(`{"DnsName": %q, "HostedZoneId": "Z1"}`, name)
	}
	fields := map[string]string{
		"VpcEndpointId": `"` + sqsID + `"`, "VpcEndpointType": `"Interface"`, "VpcId": `"vpc-1"`, "State": `"available"`,
		"ServiceName": `"com.amazonaws.us-east-1.sqs"`, "PrivateDnsEnabled": "true", "DnsEntries": "[" + strings.Join(entries, ", ") + "]",
	}
	for field := range strings.SplitSeq(more, "; ") {
		if key, value, ok := strings.Cut(field, "="); ok {
			fields[key] = value
		}
	}
	var object []string
	for key, value := range fields {
		object = append(object, fmt.Sprintf("%q: %s", key, value))
	}
	slices.Sort(object)
	return "{" + strings.Join(object, ", ") + "}"
}

func listing(descriptions ...string) string {
	return `{"VpcEndpoints": [` + strings.Join(descriptions, ", ") + `]}`
}

// Given what the AWS CLI prints for a VPC with a bit of everything, when it is
// read as it is, then what can be used is taken, and the rest noted.
func TestFile(t *testing.T) {
	got := read(t, File("testdata/describe-vpc-endpoints.json"))
	zonal := func(id, service, tail string, zones ...string) map[string]string {
		m := map[string]string{}
		for _, z := range zones {
			m[z] = id + "-" + z + "." + service + ".us-east-1.vpce." + tail
		}
		return m
	}
	want := []Endpoint{
		{
			ID: "vpce-0a000000000000001", Service: "sqs", Regional: "vpce-0a000000000000001-abcd1234.sqs.us-east-1.vpce.amazonaws.com",
			Zonal: zonal("vpce-0a000000000000001-abcd1234", "sqs", "amazonaws.com", "us-east-1a", "us-east-1c"),
			Hosts: []string{sqsHost, "sqs.us-east-1.api.aws"}, PrivateDNS: true,
		},
		{
			ID: "vpce-0a000000000000002", Service: "s3", Regional: "*.vpce-0a000000000000002-abcd2345.s3.us-east-1.vpce.amazonaws.com",
			Zonal:    zonal("*.vpce-0a000000000000002-abcd2345", "s3", "amazonaws.com", "us-east-1a", "us-east-1c"),
			Hosts:    []string{"s3.us-east-1.amazonaws.com", "*.s3.us-east-1.amazonaws.com", "*.s3-control.us-east-1.amazonaws.com", "*.s3-accesspoint.us-east-1.amazonaws.com"},
			FreePath: `the VPC's gateway endpoint "vpce-0f00000000000000a" is free of charge`,
		},
		{
			ID: "vpce-0a000000000000003", Service: "dkr.ecr", Regional: "vpce-0a000000000000003-abcd3456.dkr.ecr.us-east-1.vpce.amazonaws.com",
			Zonal:      zonal("vpce-0a000000000000003-abcd3456", "dkr.ecr", "amazonaws.com", "us-east-1a"),
			Hosts:      []string{"dkr.ecr.us-east-1.amazonaws.com", "*.dkr.ecr.us-east-1.amazonaws.com", "dkr-ecr.us-east-1.on.aws", "*.dkr-ecr.us-east-1.on.aws"},
			PrivateDNS: true,
		},
		{
			ID: "vpce-0a000000000000006", Service: "studio", Regional: "vpce-0a000000000000006-abcd6789.studio.us-east-1.vpce.sagemaker.aws",
			Zonal:      zonal("vpce-0a000000000000006-abcd6789", "studio", "sagemaker.aws", "us-east-1a"),
			Hosts:      []string{"studio.us-east-1.sagemaker.aws", "*.studio.us-east-1.sagemaker.aws", "studio.sagemaker.us-east-1.app.aws"},
			PrivateDNS: true,
		},
		{
			ID: "vpce-0a000000000000007", Service: "vpce-svc-0a1b2c3d4e5f60718",
			Regional: "vpce-0a000000000000007-abcd7890.vpce-svc-0a1b2c3d4e5f60718.us-east-1.vpce.amazonaws.com",
			Zonal:    zonal("vpce-0a000000000000007-abcd7890", "vpce-svc-0a1b2c3d4e5f60718", "amazonaws.com", "us-east-1a"),
		},
	}
	if len(got.Endpoints) != len(want) {
		t.Fatalf("got %d endpoints %+v, want %d", len(got.Endpoints), got.Endpoints, len(want))
	}
	for i := range want {
		want[i].Region = "us-east-1"
		if !same(got.Endpoints[i], want[i]) {
			t.Errorf("got  %+v\nwant %+v", got.Endpoints[i], want[i])
		}
	}
	notes := []string{`"vpce-0a000000000000004" ("com.amazonaws.us-east-1.kms") is left out: its state is "pending"`, `"vpce-0a000000000000005"`}
	if len(got.Notes) != len(notes) {
		t.Errorf("notes: got %q, want %d", got.Notes, len(notes))
	}
	for i := range min(len(notes), len(got.Notes)) {
		if !strings.HasPrefix(got.Notes[i], notes[i]) {
			t.Errorf("note: got %s, want %s", got.Notes[i], notes[i])
		}
	}
}

func TestFileEndpoint(t *testing.T) {
	gateway := describe(`VpcEndpointType="Gateway"; VpcEndpointId="vpce-1"; ServiceName="com.amazonaws.us-east-1.dynamodb"`)
	const dynamodb = "vpce-0a1b2c3d4e5f60718-lj2wisx3.dynamodb.us-east-1.vpce.amazonaws.com"
	const dynamodbService = `ServiceName="com.amazonaws.us-east-1.dynamodb"`
	inbound := `DnsOptions={"PrivateDnsOnlyForInboundResolverEndpoint": true}`
	pending := fmt.Sprintf(`DnsEntries=[{"DnsName": %q, "HostedZoneId": "Z1"}, {"DnsName": %q, "HostedZoneId": "ZONEIDPENDING"}]`, sqsName, sqsHost)
	const free = `the VPC's gateway endpoint "vpce-1" is free of charge`
	none := map[string]string{}
	tests := []struct {
		name, content string
		want          Endpoint
	}{
		{"private DNS", listing(describe("", sqsName, sqsHost)), Endpoint{Regional: sqsName, Zonal: none, Hosts: []string{sqsHost}, PrivateDNS: true}},
		{"private DNS is off", listing(describe("PrivateDnsEnabled=false", sqsName)), Endpoint{Regional: sqsName, Zonal: none}},
		{"private DNS is off, and listed", listing(describe("PrivateDnsEnabled=false", sqsName, sqsHost)), Endpoint{Regional: sqsName, Zonal: none, Hosts: []string{sqsHost}}},
		{"private DNS is being set up", listing(describe(pending)), Endpoint{Regional: sqsName, Zonal: none, Hosts: []string{sqsHost}}},
		{"the API reference's spelling", listing(describe(`State="Available"; VpcEndpointType="interface"`, sqsName)), Endpoint{Regional: sqsName, Zonal: none}},
		{"nulls", listing(describe("DnsOptions=null; ServiceRegion=null; Tags=null", sqsName)), Endpoint{Regional: sqsName, Zonal: none}},
		{"in another order", listing(describe("", sqsHost, sqsNameA, sqsName)), Endpoint{Regional: sqsName, Zonal: map[string]string{"us-east-1a": sqsNameA}, Hosts: []string{sqsHost}, PrivateDNS: true}},
		{"listed twice", listing(describe("", sqsName), describe("", sqsName)), Endpoint{Regional: sqsName, Zonal: none}},
		{"listed in two values", listing(describe("", sqsName)) + "\n" + listing(describe("", sqsName)), Endpoint{Regional: sqsName, Zonal: none}},
		{"two pages", strings.Replace(listing(describe("", sqsName)), "{", `{"NextToken": "x", `, 1) + listing(), Endpoint{Regional: sqsName, Zonal: none}},
		{"another Region's service", listing(describe(`ServiceRegion="eu-west-1"`, sqsName)), Endpoint{Regional: sqsName, Region: "eu-west-1", Zonal: none}},
		{"a gateway endpoint after it", listing(describe(dynamodbService, dynamodb), gateway), Endpoint{Regional: dynamodb, Zonal: none, FreePath: free}},
		{"a gateway endpoint before it", listing(gateway, describe(dynamodbService, dynamodb)), Endpoint{Regional: dynamodb, Zonal: none, FreePath: free}},
		{"a gateway endpoint of another service", listing(gateway, describe("", sqsName)), Endpoint{Regional: sqsName, Zonal: none}},
		{
			"a gateway endpoint of another VPC", listing(strings.Replace(gateway, `"vpc-1"`, `"vpc-2"`, 1), describe(dynamodbService, dynamodb)),
			Endpoint{Regional: dynamodb, Zonal: none},
		},
		{
			"a gateway endpoint that is going", listing(strings.Replace(gateway, "available", "deleting", 1), describe(dynamodbService, dynamodb)),
			Endpoint{Regional: dynamodb, Zonal: none},
		},
		{
			"for inbound Resolver endpoints only", listing(describe(inbound, sqsName, sqsHost)),
			Endpoint{Regional: sqsName, Zonal: none, Hosts: []string{sqsHost}, FreePath: "its private DNS is for inbound Resolver endpoints only, so inside the VPC the gateway endpoint is meant"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, File(write(t, tt.content)))
			want, err := Catalog{Endpoints: []Endpoint{tt.want}}.Normalize()
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Endpoints) != 1 || !same(got.Endpoints[0], want.Endpoints[0]) || len(got.Notes) != 0 {
				t.Errorf("got  %+v, notes %q\nwant %+v", got.Endpoints, got.Notes, want.Endpoints)
			}
		})
	}
}

// Given an endpoint that can't be used, though nothing is wrong with it, when the
// file is read, then the endpoint is left out, and a note says why.
func TestFileLeavesOut(t *testing.T) {
	tests := []struct{ name, description, want string }{
		{"pending", describe(`State="pendingAcceptance"`, sqsName), `"pendingAcceptance"`},
		{"no state", describe(`State=""`, sqsName), `its state is ""`},
		{"no type", describe(`VpcEndpointType=""`, sqsName), "no VpcEndpointType"},
		{"no names", describe(""), "no DNS names"},
		{"no Region in its name", describe("", "vpce-0a1b2c3d4e5f60718-lj2wisx3.s3-global.vpce.amazonaws.com"), "s3-global"},
		{"control characters", describe("State=\"\\u001b[2J\\n\"", sqsName), `\x1b[2J\n`},
		{"a gateway endpoint", describe(`VpcEndpointType="Gateway"`), ""},
		{"a Gateway Load Balancer's, in another VPC", describe(`VpcEndpointType="GatewayLoadBalancer"; VpcId="vpc-2"`), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, File(write(t, listing(tt.description, describe(`VpcEndpointId="vpce-00112233445566778"`, kmsName)))))
			if len(got.Endpoints) != 1 || got.Endpoints[0].Regional != kmsName {
				t.Errorf("got %+v, want only %s", got.Endpoints, kmsName)
			}
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, tt.want) || (notes == "") != (tt.want == "") {
				t.Errorf("notes: got %s, want one with %s", notes, tt.want)
			}
		})
	}
}

func TestFileBoundsNotes(t *testing.T) {
	many := make([]string, 3*maxNotes)
	for i := range many {
		many[i] = describe(`State="pending"`, sqsName)
	}
	got := read(t, Join(File(write(t, listing(many...))), File(write(t, listing(many...))))).Notes
	if len(got) != maxNotes || !strings.HasPrefix(got[maxNotes-1], "and ") {
		t.Errorf("got %d notes, the last %q; want %d, of which the last says that there are more", len(got), got[len(got)-1], maxNotes)
	}
}

// Given the zones beside the endpoints, behind them, or in a file of their own,
// when they are read, then the catalogue has their names.
func TestFileZoneNames(t *testing.T) {
	zones, err := os.ReadFile("testdata/describe-availability-zones.json")
	if err != nil {
		t.Fatal(err)
	}
	endpoints := listing(describe("", sqsName))
	beside := strings.TrimSuffix(endpoints, "}") + "," + strings.TrimPrefix(strings.TrimSpace(string(zones)), "{")
	for name, s := range map[string]Source{
		"beside":        File(write(t, beside)),
		"behind":        File(write(t, endpoints+"\n"+string(zones))),
		"before":        File(write(t, string(zones)+endpoints)),
		"in a file":     Join(File(write(t, endpoints)), File("testdata/describe-availability-zones.json")),
		"said twice":    File(write(t, endpoints+string(zones)+string(zones))),
		"first of them": Join(File("testdata/describe-availability-zones.json"), File(write(t, endpoints))),
	} {
		got := read(t, s)
		if len(got.Endpoints) != 1 || len(got.ZoneNames) != 3 || got.ZoneNames["use1-az6"] != "us-east-1a" || got.ZoneNames["use1-wl1-bos-wlz1"] != "us-east-1-wl1-bos-wlz-1" {
			t.Errorf("%s: got %+v, want one endpoint and three zones", name, got)
		}
	}
}

// A file that changes is read as it is by then; one that is broken by then is an
// error.
func TestFileIsReadEachTime(t *testing.T) {
	path := write(t, listing(describe("", sqsName)))
	s := File(path)
	read(t, s)
	if err := os.WriteFile(path, []byte(listing()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s).Endpoints; len(got) != 0 {
		t.Errorf("got %+v, want none", got)
	}
	if err := os.WriteFile(path, []byte(`{"Vpc`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Endpoints(context.Background()); err == nil {
		t.Error("got no error for a file that ends early")
	}
}
