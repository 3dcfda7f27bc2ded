package resolver_test

import (
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given an endpoint listed by hand, when no host of an SDK client leads to it,
// then a note says so, and names the host that it would have to list.
func TestNotesOfEndpointsThatNoHostLeadsTo(t *testing.T) {
	const id = "vpce-0a1b2c3d4e5f60718: "
	name := func(tail string) string { return "vpce-0a1b2c3d4e5f60718-lj2wisx3." + tail }
	freePath := of("s3")
	freePath.FreePath = "it is free"
	for _, tt := range []struct {
		name     string
		endpoint endpoint.Endpoint
		notes    string
	}{
		{"by the rule", of("sqs"), ""},
		{"by the rule, FIPS", of("kms-fips"), ""},
		{"by a host of another spelling", of("data.iot"), ""},
		{"by a bucket", of("s3"), ""},
		{"by an account", of("dynamodb"), ""},
		{"an SDK host under api.aws alone", of("s3vectors"), id + "no host of an SDK client leads to s3vectors: not used, unless s3vectors.us-east-1.api.aws is among its private DNS names"},
		{"the same, listed", listing(of("s3vectors"), "s3vectors.us-east-1.api.aws"), ""},
		{"the same, with another host listed", listing(of("s3vectors"), "vectors.us-east-1.api.aws"), ""},
		{"a global host", of("iam"), id + "no host of an SDK client leads to iam: not used, unless iam.amazonaws.com is among its private DNS names"},
		{"a global host, listed", listing(of("route53"), "route53.amazonaws.com"), ""},
		{"another Region's host", endpoint.Endpoint{Regional: name("organizations.eu-west-1.vpce.amazonaws.com")}, id + "no host of an SDK client leads to organizations: not used"},
		{"a host that is never rewritten, listed", listing(of("dkr.ecr"), "dkr.ecr.us-east-1.amazonaws.com"), id + "no host of an SDK client leads to dkr.ecr: not used"},
		{"a host of FIPS alone, GovCloud", endpoint.Endpoint{Regional: name("api.ecr-fips.us-gov-west-1.vpce.amazonaws.com")}, ""},
		{"a service that no table knows", of("brand-new"), id + "no SDK client is known for brand-new: used for brand-new.us-east-1.amazonaws.com only"},
		{"the same, listed", listing(of("brand-new"), "brand-new.us-east-1.amazonaws.com"), ""},
		{"a partner's", of("vpce-svc-0123456789abcdef0"), ""},
		{"a service under its own suffix", endpoint.Endpoint{Regional: name("notebook.us-east-1.vpce.sagemaker.aws")}, ""},
		{"on its free path", freePath, "it is free"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newResolver(t, inA, []endpoint.Endpoint{tt.endpoint})
			got := strings.Join(r.Snapshot().Notes, "\n")
			if tt.endpoint.FreePath != "" {
				if !strings.Contains(got, tt.notes) || strings.Contains(got, "SDK client") {
					t.Errorf("got notes %q, want only those of the free path", got)
				}
				return
			}
			if got != tt.notes {
				t.Errorf("got notes %q, want %q", got, tt.notes)
			}
		})
	}
}

// Given an endpoint of a service with a global host or one under api.aws alone,
// when that host is asked for, then it goes to the endpoint only if the endpoint
// lists it; the endpoint's own name is routed either way.
func TestHostsThatNeedToBeListed(t *testing.T) {
	for host, service := range map[string]string{"iam.amazonaws.com": "iam", "qbusiness.us-east-1.api.aws": "qbusiness"} {
		r := newResolver(t, inA, []endpoint.Endpoint{of(service)})
		expectUntouched(t, r.Resolve(host), host, resolver.NoEndpoint)
		guess := service + region // no client resolves it
		expectUntouched(t, r.Resolve(guess), guess, resolver.NoEndpoint)
		expect(t, r.Resolve(regional(service)), zonal(service), regional(service), resolver.Zonal, resolver.InZone)

		r = newResolver(t, inA, []endpoint.Endpoint{listing(of(service), host)})
		expect(t, r.Resolve(host), zonal(service), host, resolver.Zonal, resolver.InZone)
	}
}

// Given an endpoint of a service whose host is spelled otherwise in China, when
// it is asked for there, then it is routed, and the rule's guess is not.
func TestAHostOfAnotherSpelling(t *testing.T) {
	const china = ".cn-north-1.amazonaws.com.cn"
	name := "vpce-0a1b2c3d4e5f60718-lj2wisx3.transcribe.cn-north-1.vpce.amazonaws.com.cn"
	r := newResolver(t, zone.Zone{Name: "cn-north-1a"}, []endpoint.Endpoint{{Regional: name}})
	want := strings.Replace(name, "lj2wisx3.", "lj2wisx3-cn-north-1a.", 1)
	expect(t, r.Resolve("cn.transcribe"+china), want, name, resolver.Zonal, resolver.InZone)
	expectUntouched(t, r.Resolve("transcribe"+china), "transcribe"+china, resolver.NoEndpoint)
}

// listing is the endpoint with private DNS names.
func listing(e endpoint.Endpoint, hosts ...string) endpoint.Endpoint {
	e.Hosts, e.PrivateDNS = hosts, true
	return e
}
