package endpoint

import (
	"maps"
	"strings"
	"testing"
)

const (
	sqsName  = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
	sqsNameA = "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com"
	sqsNameB = "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1b.sqs.us-east-1.vpce.amazonaws.com"
	sqsHost  = "sqs.us-east-1.amazonaws.com"
	kmsName  = "vpce-00112233445566778-abcd1234.kms.us-east-1.vpce.amazonaws.com"
	s3Name   = "*.vpce-0a1b2c3d4e5f60718-lj2wisx3.s3.us-east-1.vpce.amazonaws.com"
	s3NameA  = "*.vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.s3.us-east-1.vpce.amazonaws.com"
	sqsID    = "vpce-0a1b2c3d4e5f60718"
)

func TestParse(t *testing.T) {
	const id = sqsID
	s3 := Endpoint{ID: id, Service: "s3", Region: "us-east-1", Regional: s3Name}
	s3A := s3
	s3A.Zonal = map[string]string{"us-east-1a": s3NameA}
	tests := []struct {
		name, dnsName string
		want          Endpoint
	}{
		{"regional", sqsName, Endpoint{ID: id, Service: "sqs", Region: "us-east-1", Regional: sqsName}},
		{"zonal", sqsNameA, Endpoint{ID: id, Service: "sqs", Region: "us-east-1", Regional: sqsName, Zonal: map[string]string{"us-east-1a": sqsNameA}}},
		{"S3 as AWS lists it", s3Name, s3},
		{"S3 for buckets", "bucket." + s3Name[2:], s3},
		{"S3 for access points", "accesspoint." + s3Name[2:], s3},
		{"S3 for its control plane", "control." + s3Name[2:], s3},
		{"S3 without anything in front", s3Name[2:], Endpoint{ID: id, Service: "s3", Region: "us-east-1", Regional: s3Name[2:]}},
		{"S3, zonal", s3NameA, s3A},
		{"S3, zonal, for buckets", "bucket." + s3NameA[2:], s3A},
		{
			"a service of two labels", "vpce-0a1b2c3d4e5f60718-lj2wisx3.api.ecr.us-east-1.vpce.amazonaws.com",
			Endpoint{ID: id, Service: "api.ecr", Region: "us-east-1", Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.api.ecr.us-east-1.vpce.amazonaws.com"},
		},
		{
			"China", "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.cn-north-1.vpce.amazonaws.com.cn",
			Endpoint{ID: id, Service: "sqs", Region: "cn-north-1", Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.cn-north-1.vpce.amazonaws.com.cn"},
		},
		{
			"GovCloud, zonal", "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-gov-west-1b.sqs.us-gov-west-1.vpce.amazonaws.com",
			Endpoint{
				ID: id, Service: "sqs", Region: "us-gov-west-1", Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-gov-west-1.vpce.amazonaws.com",
				Zonal: map[string]string{"us-gov-west-1b": "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-gov-west-1b.sqs.us-gov-west-1.vpce.amazonaws.com"},
			},
		},
		{
			"a Local Zone", "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-west-2-lax-1a.sqs.us-west-2.vpce.amazonaws.com",
			Endpoint{
				ID: id, Service: "sqs", Region: "us-west-2", Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-west-2.vpce.amazonaws.com",
				Zonal: map[string]string{"us-west-2-lax-1a": "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-west-2-lax-1a.sqs.us-west-2.vpce.amazonaws.com"},
			},
		},
		{
			"a partner's service", "vpce-0a1b2c3d4e5f60718-lj2wisx3.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com",
			Endpoint{
				ID: id, Service: "vpce-svc-0123456789abcdef0", Region: "us-east-1",
				Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com",
			},
		},
		{
			"SageMaker's domain", "vpce-0a1b2c3d4e5f60718-lj2wisx3.notebook.us-east-2.vpce.sagemaker.aws",
			Endpoint{ID: id, Service: "notebook", Region: "us-east-2", Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.notebook.us-east-2.vpce.sagemaker.aws"},
		},
		{
			"the documentation's placeholder", "vpce-1a2b3c4d-5e6f.sqs.us-east-1.vpce.amazonaws.com",
			Endpoint{ID: "vpce-1a2b3c4d", Service: "sqs", Region: "us-east-1", Regional: "vpce-1a2b3c4d-5e6f.sqs.us-east-1.vpce.amazonaws.com"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.dnsName)
			if err != nil {
				t.Fatal(err)
			}
			if !same(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// Given what isn't a vpce name, when it is parsed, then the error quotes it (the
// beginning of a long one) and says why.
func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("a", maxLabel+1)
	tests := []struct{ name, dnsName, want string }{
		{"nothing", "", `"" is not`},
		{"somebody else's host", "evil.example.com", `"evil.example.com" is not the DNS name of an interface endpoint: it has no ".vpce."`},
		{"an id alone", sqsID, `has no ".vpce."`},
		{"a service host", sqsHost, `has no ".vpce."`},
		{"a URL", "https://" + sqsName, "looks like a URL"},
		{"a path", sqsName + "/queue", "looks like a URL"},
		{"upper case", strings.ToUpper(sqsName), "not a host name in lower case"},
		{"a port", sqsName + ":443", "without a port"},
		{"a dot at the end", sqsName + ".", "a dot at the end"},
		{"white space", " " + sqsName, "not a host name"},
		{"control characters", sqsName + "\n\x1b[2J", `\n\x1b[2J`},
		{"user information", "a@" + sqsName, "not a host name"},
		{"a zone with a dot", "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.x.sqs.eu-west-1.vpce.amazonaws.com", "is not a zone of eu-west-1"},
		{"a zone with a slash", "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a/x.sqs.us-east-1.vpce.amazonaws.com", "looks like a URL"},
		{"another Region's zone", strings.Replace(sqsNameA, "-us-east-1a", "-eu-west-1a", 1), `"eu-west-1a" is not a zone of us-east-1`},
		{"a zone ID", strings.Replace(sqsNameA, "-us-east-1a", "-use1-az6", 1), `"use1-az6" is not a zone of us-east-1`},
		{"no service", "vpce-0a1b2c3d4e5f60718-lj2wisx3.us-east-1.vpce.amazonaws.com", "no service or no Region"},
		{"no Region", "vpce-0a1b2c3d4e5f60718-lj2wisx3.accesspoint.s3-global.vpce.amazonaws.com", `"s3-global" is not a Region`},
		{"no domain", "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.internal", "does not end in a domain"},
		{"nothing of the endpoint's own", "vpce-0a1b2c3d4e5f60718.sqs.us-east-1.vpce.amazonaws.com", "its first label"},
		{"a short id", "vpce-0a1-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com", "its first label"},
		{"no vpce in front", "0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com", "its first label"},
		{"a bucket", "photos.bucket." + s3Name[2:], "its first label"},
		{"a star that isn't S3's", "*." + sqsName, "only S3's names"},
		{"two stars", "*." + s3Name, "not a host name"},
		{"a label of 64", "vpce-0a1b2c3d4e5f60718-" + long + ".sqs.us-east-1.vpce.amazonaws.com", "not a host name"},
		{"more than 253", "vpce-0a1b2c3d4e5f60718-lj2wisx3." + strings.Repeat("a.", 100) + "sqs.us-east-1.vpce.amazonaws.com", "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.dnsName)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %+v, %v; want an error with %q", got, err, tt.want)
			}
			if len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("got an error that is long or not escaped: %q", err)
			}
		})
	}
}

func TestZonalName(t *testing.T) {
	tests := []struct {
		name string
		of   Endpoint
		zone string
		want string // "" for none
	}{
		{"derived", Endpoint{Regional: sqsName}, "us-east-1a", sqsNameA},
		{"derived, S3", Endpoint{Regional: s3Name}, "us-east-1a", s3NameA},
		{"derived, S3 without its star", Endpoint{Regional: s3Name[2:]}, "us-east-1a", s3NameA[2:]},
		{"known", Endpoint{Regional: sqsName, Zonal: map[string]string{"us-east-1a": sqsNameA}}, "us-east-1a", sqsNameA},
		{"known not to be there", Endpoint{Regional: sqsName, Zonal: map[string]string{"us-east-1a": sqsNameA}}, "us-east-1b", ""},
		{"known to be nowhere", Endpoint{Regional: sqsName, Zonal: map[string]string{}}, "us-east-1a", ""},
		{"no zone", Endpoint{Regional: sqsName}, "", ""},
		{"a zone with a dot", Endpoint{Regional: sqsName}, "us-east-1a.evil.com", ""},
		{"a zone with a slash", Endpoint{Regional: sqsName}, "us-east-1a/", ""},
		{"a zone too long for the label", Endpoint{Regional: sqsName}, "us-east-1-" + strings.Repeat("a", 30), ""},
		{"a name too long", Endpoint{Regional: "vpce-0a1b2c3d4e5f60718-x." + strings.Repeat("a.", 100) + "us-east-1.vpce.amazonaws.com"}, "us-east-1a", ""},
		{"no endpoint", Endpoint{}, "us-east-1a", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.of.ZonalName(tt.zone)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

func TestInRegion(t *testing.T) {
	tests := []struct {
		zone, region string
		want         bool
	}{
		{"us-east-1a", "us-east-1", true},
		{"us-gov-west-1c", "us-gov-west-1", true},
		{"us-west-2-lax-1a", "us-west-2", true},
		{"us-east-1-wl1-bos-wlz-1", "us-east-1", true},
		{"us-east-1a", "us-east-2", false},
		{"us-east-11a", "us-east-1", false},
		{"us-east-1", "us-east-1", false},
		{"us-east-1-", "us-east-1", false},
		{"us-east-1A", "us-east-1", false},
		{"us-east-1-a.b", "us-east-1", false},
		{"use1-az6", "us-east-1", false},
		{"", "us-east-1", false},
	}
	for _, tt := range tests {
		if got := InRegion(tt.zone, tt.region); got != tt.want {
			t.Errorf("InRegion(%q, %q): got %v, want %v", tt.zone, tt.region, got, tt.want)
		}
	}
}

func TestIsRegion(t *testing.T) {
	for s, want := range map[string]bool{
		"us-east-1": true, "us-gov-west-1": true, "cn-northwest-1": true, "eusc-de-east-1": true, "us-isob-east-1": true,
		"": false, "-": false, "us-east": false, "use1-az6": false, "s3-global": false, "us--1": false, "-us-east-1": false,
		"us-east-1a": false, "US-EAST-1": false, "us-1-1": false, "us.east-1": false,
	} {
		if got := IsRegion(s); got != want {
			t.Errorf("IsRegion(%q): got %v, want %v", s, got, want)
		}
	}
}

// Whatever is accepted is a lower-case host under .vpce., and its parts make the
// same name again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		sqsName, sqsNameA, s3Name, s3NameA, "bucket." + s3Name[2:], "evil.example.com", "https://" + sqsName, "",
		"vpce-0a1b2c3d4e5f60718-lj2wisx3-us-west-2-lax-1a.api.ecr.us-west-2.vpce.amazonaws.com.cn",
	} {
		f.Add(s, "us-east-1a")
	}
	f.Fuzz(func(t *testing.T, dnsName, zone string) {
		e, err := Parse(dnsName)
		if err != nil {
			return
		}
		if !isSafe(e.Regional) || !strings.Contains(e.Regional, ".vpce.") || !strings.HasPrefix(bare(e.Regional), e.ID+"-") {
			t.Errorf("%q: got regional name %q", dnsName, e.Regional)
		}
		again, err := Parse(e.Regional)
		if err != nil || again.Zonal != nil || again.ID != e.ID || again.Service != e.Service || again.Region != e.Region || again.Regional != e.Regional {
			t.Errorf("%q: parsed again, got %+v, %v; want %+v", dnsName, again, err, e)
		}
		for zone, name := range e.Zonal {
			if z, err := Parse(name); err != nil || z.Regional != e.Regional || z.Zonal[zone] != name {
				t.Errorf("%q in %q: got %+v, %v", name, zone, z, err)
			}
		}
		if name, ok := again.ZonalName(zone); ok && InRegion(zone, e.Region) {
			if z, err := Parse(name); err != nil || z.Regional != e.Regional || z.Zonal[zone] != name {
				t.Errorf("derived %q in %q: got %+v, %v", name, zone, z, err)
			}
		} else if ok && !isSafe(name) {
			t.Errorf("derived in %q: got %q", zone, name)
		}
	})
}

// isSafe reports whether the name can do no harm in a URL, a log line or a label.
func isSafe(name string) bool {
	return name != "" && len(name) <= maxName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-*") == ""
}

func same(a, b Endpoint) bool {
	return a.ID == b.ID && a.Service == b.Service && a.Region == b.Region && a.Regional == b.Regional && a.PrivateDNS == b.PrivateDNS &&
		a.FreePath == b.FreePath && strings.Join(a.Hosts, " ") == strings.Join(b.Hosts, " ") &&
		maps.Equal(a.Zonal, b.Zonal) && (a.Zonal == nil) == (b.Zonal == nil)
}
