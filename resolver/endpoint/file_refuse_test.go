package endpoint

import (
	"context"
	"os"
	"strings"
	"testing"
)

// Given a file that isn't what the AWS CLI prints for one VPC, when it is read,
// then the error names the file and the offending value, and nothing is taken.
func TestFileRefuses(t *testing.T) {
	good := describe("", sqsName)
	tests := []struct{ name, content, want string }{
		{"nothing", "", "neither VpcEndpoints nor AvailabilityZones"},
		{"an empty object", "{}", "neither VpcEndpoints"},
		{"null", "null", "neither VpcEndpoints"},
		{"other output", `{"Vpcs": [{"VpcId": "vpc-1"}]}`, "neither VpcEndpoints"},
		{"no list", `{"VpcEndpoints": null}`, "neither VpcEndpoints"},
		{"not JSON", "vpc-1 available", `not JSON: invalid character 'v'`},
		{"HTML", "<!DOCTYPE html><title>Sign in</title>", `not JSON: invalid character '<'`},
		{"the CLI's YAML", "VpcEndpoints:\n- State: available", "--output json"},
		{"half of UTF-16", "\xff\xfe{\x00}", "ends in the middle of a character"},
		{"not JSON in UTF-16", "\xff\xfe{\x00{\x00", "not JSON: invalid character '{'"},
		{"UTF-16 beyond its first 65,536 characters", "\xff\xfe\"\x00\x3d\xd8\x00\xde\"\x00", `it begins with "\"😀\""`},
		{"half of such a character", "\xff\xfe\"\x00\x3d\xd8", "it ends in the middle"},
		{"truncated", listing(good)[:150], "it ends in the middle, after "},
		{"truncated in a name", listing(good)[:len(listing(good))-70], "it ends in the middle"},
		{"something behind it", listing(good) + "\n$ exit", `invalid character '$'`},
		{"nested too deep", strings.Repeat("[", 20_000), "exceeded max depth, after "},
		{"an array: --query", "[" + good + "]", "it is a JSON array, and not an object with VpcEndpoints"},
		{"a string", `"evil.example.com"`, `it is a JSON string, and not an object with VpcEndpoints (it begins with "\"evil.example.com\"")`},
		{"strings for endpoints", `{"VpcEndpoints": ["evil.example.com"]}`, `evil.example.com`},
		{"an object for the list", `{"VpcEndpoints": {"VpcEndpointId": "vpce-1"}}`, "VpcEndpoints is of the wrong type, object, after "},
		{"a number for a name", listing(describe(`DnsEntries=[{"DnsName": 1234567}]`)), `DnsName is of the wrong type, number, after `},
		{"a string for a flag", listing(describe(`PrivateDnsEnabled="yes"`, sqsName)), `PrivateDnsEnabled is of the wrong type, string, after `},
		{"zone names for zones", `{"AvailabilityZones": ["us-east-1a"]}`, "us-east-1a"},
		{"one page of several", strings.TrimSuffix(listing(good), "}") + `, "NextToken": "eyJ"}`, "one page of several"},
		{"two VPCs", listing(good, describe(`VpcId="vpc-2"; VpcEndpointId="vpce-00112233445566778"`, kmsName)), `"` + sqsID + `" in "vpc-1" and "vpce-00112233445566778" in "vpc-2"`},
		{"somebody else's host", listing(describe("", "evil.example.com")), `"evil.example.com"`},
		{"somebody else's vpce name of no form", listing(describe("", "vpce-x.vpce.evil.com")), `"vpce-x.vpce.evil.com"`},
		{"upper case", listing(describe("", strings.ToUpper(sqsName))), `"VPCE-0A1B`},
		{"a URL", listing(describe("", "https://"+sqsName)), `"https://vpce-`},
		{"a zonal name only", listing(describe("", sqsNameA)), "has no regional name"},
		{"another endpoint's name", listing(describe(`VpcEndpointId="vpce-00112233445566778"`, sqsName)), `endpoint "vpce-00112233445566778": its regional name`},
		{"a Region that is none", listing(describe(`ServiceRegion="evil.com/"`, sqsName)), `"evil.com/" is not a Region`},
		{"a zone that is none", `{"AvailabilityZones": [{"ZoneId": "use1-az6", "ZoneName": "evil.example.com"}]}`, `"evil.example.com"`},
		{"a zone without a name", `{"AvailabilityZones": [{"ZoneId": "use1-az6"}]}`, `"use1-az6"`},
		{
			"two accounts' zones", `{"AvailabilityZones": [{"ZoneId": "use1-az6", "ZoneName": "us-east-1a"}, {"ZoneId": "use1-az6", "ZoneName": "us-east-1b"}]}`,
			"use1-az6 has two names, us-east-1a and us-east-1b",
		},
		{
			"two accounts' zones, with one name", `{"AvailabilityZones": [{"ZoneId": "use1-az6", "ZoneName": "us-east-1a"}]}{"AvailabilityZones": [{"ZoneId": "use1-az1", "ZoneName": "us-east-1a"}]}`,
			"the zones use1-az6 and use1-az1 have one name, us-east-1a",
		},
		{"odd endpoints only", listing(describe("", "evil.example.com"), describe("", "https://"+sqsName)), "no endpoint that can be used: endpoint \"" + sqsID},
		{"a million values", `{"VpcEndpoints": [` + strings.Repeat("1,", 1<<20+1) + "1]}", "more than 1048576 values"},
		{"a thousand odd entries", `{"VpcEndpoints": [` + good + strings.Repeat(", 1", 1001) + "]}", "more than 1000 entries can't be read: entry 2 of VpcEndpoints"},
		{"half a million objects", `{"VpcEndpoints": [` + strings.Repeat("{}", 1<<19) + "]}", "or 524288 objects"},
		{"too many zones", `{"AvailabilityZones": [` + strings.Repeat("{},", 20_000) + "{}]}", "it lists 0 endpoints, 20001 zones and 0 subnets, and may list 20000 of each"},
		{"too many subnets, in two outputs", strings.Repeat(`{"Subnets": [`+strings.Repeat("{},", 10_000)+"{}]}", 2), "it lists 0 endpoints, 0 zones and 20002 subnets, and may list 20000 of each"},
		{"too many endpoints, odd ones too", `{"VpcEndpoints": [` + strings.Repeat("1,", 20_000) + "{}]}", "it lists 20001 endpoints, 0 zones and 0 subnets"},
		{"a hundred outputs", strings.Repeat(`{"VpcEndpoints": []}`, 101), "more than 100 JSON values"},
		{"a long value", listing(describe("", strings.Repeat("evil.", 1000)+"com")), `evil."…`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.content)
			got, err := File(path).Endpoints(context.Background())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("got %v; want an error with %s and the file's name", err, tt.want)
			}
			if len(err.Error()) > 700 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("got an error that is long or not escaped: %q", err)
			}
			if len(got.Endpoints) != 0 || got.ZoneNames != nil {
				t.Errorf("got %+v beside the error, want nothing", got)
			}
		})
	}
}

func TestFileThatCanNotBeRead(t *testing.T) {
	large := write(t, "")
	if err := os.Truncate(large, 100<<20); err != nil { // sparse: takes no space
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ path, want string }{
		"missing":   {large + ".missing", "no such file"},
		"no name":   {"", "no such file"},
		"directory": {t.TempDir(), "is not a regular file"},
		"device":    {os.DevNull, "is not a regular file"},
		"100 MB":    {large, "is larger than 16 MiB"},
	} {
		_, err := File(tt.path).Endpoints(context.Background())
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("%s: got %v, want an error with %q and the file's name", name, err, tt.want)
		}
	}
}

// Whatever file is accepted, every name in the catalogue can be sent a request to
// or for.
func FuzzFile(f *testing.F) {
	f.Add([]byte(listing(describe("", sqsName, sqsNameA, sqsHost))))
	f.Add([]byte(listing(describe(`State="pending"`, sqsName)) + `{"AvailabilityZones": [{"ZoneId": "use1-az6", "ZoneName": "us-east-1a"}]}`))
	f.Add([]byte(listing(describe("", "evil.example.com"))))
	f.Add([]byte(`{"VpcEndpoints": [null, 1, ` + describe("", s3Name, s3NameA) + `], "AvailabilityZones": [null], "Subnets": [null]}`))
	f.Add([]byte(listing(describe(`VpcEndpointType="Gateway"; VpcEndpointId="\u001b"`), describe("", s3Name, s3NameA))))
	f.Add([]byte(`{"Subnets": [{"VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZoneId": "use1-az6"}, {"CidrBlock": "::ffff:10.0.0.0/60"}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		cat, err := parseCLI(content)
		if err == nil {
			checkSafe(t, cat)
		}
	})
}
