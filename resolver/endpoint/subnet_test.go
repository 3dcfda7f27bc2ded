package endpoint

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

func subnetIn(prefix, zoneID, zone string) Subnet {
	return Subnet{Prefix: netip.MustParsePrefix(prefix), ZoneID: zoneID, Zone: zone}
}

// Given what the AWS CLI prints of the VPC's subnets, before, behind or beside the endpoints or in
// a file of its own, then the catalogue has them.
func TestFileSubnets(t *testing.T) {
	content, err := os.ReadFile("testdata/describe-subnets.json")
	if err != nil {
		t.Fatal(err)
	}
	zones, err := os.ReadFile("testdata/describe-availability-zones.json")
	if err != nil {
		t.Fatal(err)
	}
	subnets := string(content)
	endpoints := listing(describe(`VpcId="vpc-0aa11bb22cc33dd44"`, sqsName))
	beside := strings.TrimSuffix(endpoints, "}") + "," + strings.TrimPrefix(strings.TrimSpace(subnets), "{")
	want := []Subnet{
		subnetIn("10.0.1.0/24", "use1-az6", "us-east-1a"), subnetIn("10.0.3.0/26", "use1-az2", "us-east-1c"),
		subnetIn("2600:1f14:30ab:6901::/64", "use1-az6", "us-east-1a"), subnetIn("2600:1f14:30ab:6903::/64", "use1-az1", "us-east-1b"),
	}
	for name, s := range map[string]Source{
		"beside":        File(write(t, beside)),
		"behind":        File(write(t, endpoints+"\n"+subnets)),
		"behind zones":  File(write(t, endpoints+string(zones)+subnets)),
		"before":        File(write(t, subnets+endpoints)),
		"in a file":     Join(File(write(t, endpoints)), File("testdata/describe-subnets.json")),
		"said twice":    File(write(t, endpoints+subnets+subnets)),
		"first of them": Join(File("testdata/describe-subnets.json"), File(write(t, endpoints))),
	} {
		got := read(t, s)
		if len(got.Endpoints) != 1 || !slices.Equal(got.Subnets, want) || len(got.Notes) != 0 {
			t.Errorf("%s: got %v and notes %q, want %v", name, got.Subnets, got.Notes, want)
		}
	}
	unused := []string{describe(`State="deleted"; VpcId="vpc-2"`, kmsName), describe(`VpcEndpointType="Gateway"; VpcId="vpc-2"`), `{"VpcEndpointType": "GatewayLoadBalancer", "State": "available", "VpcId": "vpc-2"}`}
	used := describe(`VpcId="vpc-0aa11bb22cc33dd44"`, sqsName)
	if got := read(t, File(write(t, listing(append(unused, used)...)+subnets))).Subnets; !slices.Equal(got, want) {
		t.Errorf("behind what can't be used, of another VPC: got %v, want %v", got, want)
	}
	if got := read(t, File("testdata/describe-subnets.json")).Subnets; !slices.Equal(got, want) {
		t.Errorf("alone: got %v, want %v", got, want)
	}
}

// Given subnets that can't be used, then the endpoints and the other subnets are as good, and a
// note says what is left out.
func TestFileLeavesSubnetsOut(t *testing.T) {
	subnet := func(more string) string {
		fields := map[string]string{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "us-east-1b", "AvailabilityZoneId": "use1-az1"}
		if key, value, ok := strings.Cut(more, "="); ok {
			fields[key] = value
		}
		var all []string
		for key, value := range fields {
			all = append(all, fmt.Sprintf("%q: %q", key, value))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	good := subnet("CidrBlock=10.0.1.0/24")
	for _, tt := range []struct{ name, subnets, note string }{
		{"another VPC's", `[` + good + `, ` + subnet("VpcId=vpc-2") + `]`, `1 subnets are left out, in other VPCs than "vpc-1"`},
		{"not a block", `[` + good + `, ` + subnet("CidrBlock=10.0.2.0") + `]`, `the subnet "subnet-1" is left out: "10.0.2.0" is not a CIDR block`},
		{"everything", `[` + good + `, ` + subnet("CidrBlock=0.0.0.0/0") + `]`, "0.0.0.0/0 is not a subnet's CIDR block: want one of /16 to /28"},
		{"a larger one", `[` + good + `, ` + subnet("CidrBlock=10.0.0.0/15") + `]`, "10.0.0.0/15 is not"},
		{"a zone that is none", `[` + good + `, ` + subnet("AvailabilityZone=evil.example.com") + `]`, `"evil.example.com"`},
		{"another zone's", `[` + good + `, ` + strings.Replace(good, "use1-az1", "use1-az2", 1) + `]`, "the subnet 10.0.1.0/24 is in two zones: use1-az1 is used, and use1-az2 is not"},
		{"not an object", `[` + good + `, "10.0.2.0/24"]`, "entry 2 of Subnets"},
		{"a page of several", `[` + good + `], "NextToken": "eyJ"`, "not all Subnets are listed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, File(write(t, listing(describe("", sqsName))+`{"Subnets": `+tt.subnets+`}`)))
			want := []Subnet{subnetIn("10.0.1.0/24", "use1-az1", "us-east-1b")}
			if len(got.Endpoints) != 1 || !slices.Equal(got.Subnets, want) {
				t.Errorf("got %+v, want the endpoint and %v", got, want)
			}
			if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], tt.note) {
				t.Errorf("notes: got %q, want %q", got.Notes, tt.note)
			}
		})
	}
	if _, err := File(write(t, `{"Subnets": {}}`)).Endpoints(context.Background()); err == nil || !strings.Contains(err.Error(), "Subnets is of the wrong type") {
		t.Errorf("no list: got %v", err)
	}
}

// Given subnets in code, then they are checked and put in order, without a change of the
// caller's, and what several sources know of one is put together.
func TestSubnets(t *testing.T) {
	given := Catalog{Subnets: []Subnet{subnetIn("10.0.2.7/24", "use1-az1", ""), subnetIn("10.0.1.0/24", "", "us-east-1a"), subnetIn("10.0.1.0/28", "use1-az2", "")}}
	got, err := given.Normalize()
	want := []Subnet{subnetIn("10.0.1.0/24", "", "us-east-1a"), subnetIn("10.0.1.0/28", "use1-az2", ""), subnetIn("10.0.2.0/24", "use1-az1", "")}
	if err != nil || !slices.Equal(got.Subnets, want) {
		t.Errorf("got %v, %v; want %v", got.Subnets, err, want)
	}
	if given.Subnets[0].Prefix != netip.MustParsePrefix("10.0.2.7/24") {
		t.Errorf("the caller's was changed: %v", given.Subnets)
	}
	more := source{cat: Catalog{Subnets: []Subnet{subnetIn("10.0.1.0/24", "use1-az6", "us-east-1a"), subnetIn("10.0.3.0/24", "use1-az2", "")}}}
	joined := read(t, Join(source{cat: given}, more))
	if want := append([]Subnet{subnetIn("10.0.1.0/24", "use1-az6", "us-east-1a")}, append(want[1:], more.cat.Subnets[1])...); !slices.Equal(joined.Subnets, want) {
		t.Errorf("joined: got %v, want %v", joined.Subnets, want)
	}
	for _, tt := range []struct {
		subnet Subnet
		want   string
	}{
		{Subnet{}, "not a subnet's CIDR block"},
		{Subnet{ZoneID: "use1-az6"}, "not a subnet's CIDR block"},
		{subnetIn("10.0.0.0/8", "use1-az6", ""), "10.0.0.0/8 is not"},
		{subnetIn("10.0.0.0/29", "use1-az6", ""), "10.0.0.0/29 is not"},
		{subnetIn("2600::/43", "use1-az6", ""), "2600::/43 is not"},
		{subnetIn("2600::/65", "use1-az6", ""), "2600::/65 is not"},
		{subnetIn("::ffff:10.0.0.0/60", "use1-az6", ""), "is not"},
		{subnetIn("10.0.0.0/24", "", ""), "neither a zone ID nor"},
		{subnetIn("10.0.0.0/24", "USE1-AZ6", ""), `"USE1-AZ6" is not a zone ID`},
		{subnetIn("10.0.0.0/24", "", "use1-az6"), `"use1-az6" not a zone's name`},
	} {
		if _, err := (Catalog{Subnets: []Subnet{tt.subnet}}).Normalize(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want an error with %q", tt.subnet, err, tt.want)
		}
	}
}
