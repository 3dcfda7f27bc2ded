package resolver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// The first table of routing.md: which endpoint a host belongs to, and how the
// endpoint's names are spelled for it.
func TestWhichEndpointAHostBelongsTo(t *testing.T) {
	services := []string{
		"sqs", "dynamodb", "kinesis", "s3", "api.ecr", "runtime.sagemaker", "data.iot", "sync-states", "monitoring", "kms-fips", "bedrock-runtime",
	}
	var catalog []endpoint.Endpoint
	for _, s := range services {
		catalog = append(catalog, of(s))
	}
	r := newResolver(t, inA, catalog)
	for _, tt := range []struct{ name, host, prefix, service string }{
		{"1 the service's host", "sqs" + region, "", "sqs"},
		{"1 with two labels", "api.ecr" + region, "", "api.ecr"},
		{"1 with two labels, SageMaker", "runtime.sagemaker" + region, "", "runtime.sagemaker"},
		{"1 with a dash", "sync-states" + region, "", "sync-states"},
		{"1 CloudWatch", "monitoring" + region, "", "monitoring"},
		{"1 Bedrock", "bedrock-runtime" + region, "", "bedrock-runtime"},
		{"1 an endpoint for FIPS alone", "kms-fips" + region, "", "kms-fips"},
		{"1 IoT data", "data-ats.iot" + region, "", "data.iot"},
		{"1 IoT data in China's spelling", "data.ats.iot" + region, "", "data.iot"},
		{"2 DynamoDB", "dynamodb" + region, "", "dynamodb"},
		{"2 DynamoDB of an account", accountID + ".ddb" + region, "", "dynamodb"},
		{"3 Kinesis", "kinesis" + region, "", "kinesis"},
		{"3 Kinesis data of an account", accountID + ".data-kinesis" + region, "", "kinesis"},
		{"3 Kinesis control of an account", accountID + ".control-kinesis" + region, "", "kinesis"},
		{"4 a bucket", "photos.s3" + region, "photos.bucket.", "s3"},
		{"4 a bucket with dots", "my.photos.s3" + region, "my.photos.bucket.", "s3"},
		{"4 an access point's alias", "ap-hrzrlukc5m36ft7okagglf3gmwlu-s3alias.s3" + region, "ap-hrzrlukc5m36ft7okagglf3gmwlu-s3alias.bucket.", "s3"},
		{"5 path style", "s3" + region, "bucket.", "s3"},
		{"6 an access point", "reports-" + accountID + ".s3-accesspoint" + region, "reports-" + accountID + ".accesspoint.", "s3"},
		{"7 S3 Control", accountID + ".s3-control" + region, accountID + ".control.", "s3"},
		{"8 a regional name", regional("sqs"), "", "sqs"},
		{"8 a regional name that no catalogue has", regional("sns"), "", "sns"},
		{"8 behind a label", "bucket." + regional("s3"), "bucket.", "s3"},
		{"8 behind a bucket", "photos.bucket." + regional("s3"), "photos.bucket.", "s3"},
		{"8 behind a host prefix, in no catalogue", "sync." + regional("states"), "sync.", "states"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fallback := tt.prefix + regional(tt.service)
			for range 2 { // as found, and as remembered
				got := r.Resolve(tt.host)
				expect(t, got, tt.prefix+zonal(tt.service), fallback, resolver.Zonal, resolver.InZone)
				if got.Endpoint() != "vpce-0a1b2c3d4e5f60718" || got.Service() != tt.service || got.Zone() != "us-east-1a" {
					t.Errorf("got endpoint %q, service %q, zone %q", got.Endpoint(), got.Service(), got.Zone())
				}
			}
		})
	}
	for _, tt := range []struct{ name, host string }{
		{"9 a pinned zone", zonal("sqs")},
		{"9 a pinned zone, behind a bucket", "photos.bucket." + zonal("s3")},
		{"9 another zone", strings.Replace(zonal("sqs"), "us-east-1a", "us-east-1c", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				expectUntouched(t, r.Resolve(tt.host), tt.host, resolver.Pinned)
			}
		})
	}
	for _, tt := range []struct{ name, host string }{
		{"10 a service without an endpoint", "lambda" + region},
		{"10 somebody else's host", "example.com"},
		{"10 a prefix glued to a vpce name", "sync-" + regional("states")},
		{"10 an account that isn't one", "12345678901x.ddb" + region},
		{"10 an account of 11 digits", "12345678901.s3-control" + region},
		{"10 an access point without an account", "reports.s3-accesspoint" + region},
		{"10 S3 Control without an account", "s3-control" + region},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				expectUntouched(t, r.Resolve(tt.host), tt.host, resolver.NoEndpoint)
			}
		})
	}
}

// The DNS suffix is the endpoint's: partitions need no table.
func TestPartitions(t *testing.T) {
	for _, tt := range []struct{ name, zone, regional, host, want string }{
		{
			"China", "cn-north-1a", "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.cn-north-1.vpce.amazonaws.com.cn",
			"sqs.cn-north-1.amazonaws.com.cn", "vpce-0a1b2c3d4e5f60718-lj2wisx3-cn-north-1a.sqs.cn-north-1.vpce.amazonaws.com.cn",
		},
		{
			"GovCloud", "us-gov-west-1b", "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-gov-west-1.vpce.amazonaws.com",
			"sqs.us-gov-west-1.amazonaws.com", "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-gov-west-1b.sqs.us-gov-west-1.vpce.amazonaws.com",
		},
		{
			"a Local Zone", "us-west-2-lax-1a", "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-west-2.vpce.amazonaws.com",
			"sqs.us-west-2.amazonaws.com", "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-west-2-lax-1a.sqs.us-west-2.vpce.amazonaws.com",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newResolver(t, zone.Zone{Name: tt.zone}, []endpoint.Endpoint{{Regional: tt.regional}})
			expect(t, r.Resolve(tt.host), tt.want, tt.regional, resolver.Zonal, resolver.InZone)
		})
	}
}

// The second table of routing.md: which of the endpoint's names, with and
// without private DNS.
func TestWhichOfTheEndpointsNames(t *testing.T) {
	nowhere := zone.Zone{ID: "use1-az6"} // and no map
	onlyB := map[string]string{"us-east-1b": strings.Replace(zonal("sqs"), "us-east-1a", "us-east-1b", 1)}
	asked := "sqs" + region
	for _, tt := range []struct {
		name   string
		zone   zone.Zone
		zonal  map[string]string
		fails  bool
		target resolver.Target
		reason resolver.Reason
	}{
		{"zone known, endpoint in it", inA, map[string]string{"us-east-1a": zonal("sqs")}, false, resolver.Zonal, resolver.InZone},
		{"zone known, endpoint's zones not", inA, nil, false, resolver.Zonal, resolver.InZone},
		{"zonal name unhealthy", inA, nil, true, resolver.Regional, resolver.Unhealthy},
		{"endpoint in another zone", inA, onlyB, false, resolver.Regional, resolver.NotInZone},
		{"endpoint without zonal names", inA, map[string]string{}, false, resolver.Regional, resolver.NotInZone},
		{"zone not known", nowhere, nil, false, resolver.Regional, resolver.NoZone},
		{"another Region's endpoint", zone.Zone{Name: "eu-west-1a"}, nil, false, resolver.Regional, resolver.CrossRegion},
	} {
		for _, private := range []bool{false, true} {
			name, back := tt.name, regional("sqs")
			e := endpoint.Endpoint{Regional: regional("sqs"), Zonal: tt.zonal}
			if private {
				name, back = name+", private DNS", asked
				e.Hosts, e.PrivateDNS = []string{asked}, true
			}
			t.Run(name, func(t *testing.T) {
				r := newResolver(t, tt.zone, []endpoint.Endpoint{e})
				if tt.fails {
					r.Resolve(asked).Failed(resolver.CauseCertificate, nil)
				}
				want, fallback := back, ""
				if tt.target == resolver.Zonal {
					want, fallback = zonal("sqs"), back
				}
				expect(t, r.Resolve(asked), want, fallback, tt.target, tt.reason)
				// By its regional name it is reached in the same way.
				if tt.target == resolver.Regional {
					want = regional("sqs")
				} else {
					fallback = regional("sqs")
				}
				expect(t, r.Resolve(regional("sqs")), want, fallback, tt.target, tt.reason)
			})
		}
	}
}

// Buckets have private DNS by a wildcard, path style by a name of its own.
func TestPrivateDNSOfS3(t *testing.T) {
	e := of("s3")
	e.Hosts, e.PrivateDNS = []string{"s3" + region, "*.s3" + region}, true
	r := newResolver(t, inA, []endpoint.Endpoint{e})
	control := accountID + ".control."
	expect(t, r.Resolve("s3"+region), "bucket."+zonal("s3"), "s3"+region, resolver.Zonal, resolver.InZone)
	expect(t, r.Resolve("photos.s3"+region), "photos.bucket."+zonal("s3"), "photos.s3"+region, resolver.Zonal, resolver.InZone)
	expect(t, r.Resolve(accountID+".s3-control"+region), control+zonal("s3"), control+regional("s3"), resolver.Zonal, resolver.InZone)
	for only, fallbacks := range map[string][2]string{
		"s3" + region:   {"s3" + region, "photos.bucket." + regional("s3")},
		"*.s3" + region: {"bucket." + regional("s3"), "photos.s3" + region},
	} {
		e.Hosts = []string{only}
		r := newResolver(t, inA, []endpoint.Endpoint{e})
		expect(t, r.Resolve("s3"+region), "bucket."+zonal("s3"), fallbacks[0], resolver.Zonal, resolver.InZone)
		expect(t, r.Resolve("photos.s3"+region), "photos.bucket."+zonal("s3"), fallbacks[1], resolver.Zonal, resolver.InZone)
	}
}

// Given what may stand in front of an endpoint's name, and what may not (RFC 1035), then only requests to the former are routed.
func TestWhatStandsInFront(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("rum")})
	long := strings.Repeat("x", 63)
	for front, want := range map[string]bool{
		"a": true, "9": true, "a-b": true, "a--b": true, "a.b": true, "1.2": true, long: true, "a." + long: true, long + ".a": true,
		"-a": false, "a-": false, "a.-b": false, "a-.b": false, "a..b": false, ".a": false, "": false, "a_b": false, "a b": false, "*": false, "é": false,
		long + "x": false, "a." + long + "x": false, long + "x.a": false,
	} {
		if got := r.Resolve(front+"."+regional("rum")).Reason == resolver.InZone; got != want {
			t.Errorf("%q: routed is %v, want %v", front, got, want)
		}
	}
}

// Given a route that no resolver made, and one of a host without an endpoint, then they say nothing, and whatever is said of them changes nothing.
func TestRoutesOfNothing(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	for _, route := range []resolver.Route{{}, r.Resolve("db.example.com")} {
		route.Sent()
		route.Answered()
		route.Failed(resolver.CauseConnect, nil)
		route.Denied()
		if route.Endpoint() != "" || route.Service() != "" || route.Zone() != "" || !route.Proven() || route.Untried() != route || route.FailedOver(resolver.CauseConnect) != route {
			t.Errorf("%+v says something", route)
		}
		if again, ok := route.Probe(); ok || again != route {
			t.Errorf("%+v: got a probe", route)
		}
	}
}

// Given many hosts that look like an endpoint's name and are none, then they are left alone, and take no endpoint's place.
func TestNamesThatAreNone(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	for i := range 2000 {
		host := fmt.Sprintf("vpce-%d.sqs.us-east-1.vpce.amazonaws.com", i)
		expectUntouched(t, r.Resolve(host), host, resolver.NoEndpoint)
	}
	for _, service := range []string{"kms", "sns"} {
		expect(t, r.Resolve(regional(service)), zonal(service), regional(service), resolver.Zonal, resolver.InZone)
	}
	if n := len(r.Snapshot().Endpoints); n != 3 {
		t.Errorf("there are %d endpoints, want the one that was told and two that were learned", n)
	}
}
