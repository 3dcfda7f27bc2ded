package resolver_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// never are hosts that no listing makes ours: routing.md's list, and more.
var never = []struct{ name, host string }{
	{"S3 Express, a bucket", "photos--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com"},
	{"S3 Express, a zone", "s3express-use1-az4.us-east-1.amazonaws.com"},
	{"S3 Express, control", "s3express-control.us-east-1.amazonaws.com"},
	{"a directory bucket as if of S3", "photos--use1-az4--x-s3.s3.us-east-1.amazonaws.com"},
	{"a multi-Region access point", "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"},
	{"Object Lambda", "olap-123456789012.s3-object-lambda.us-east-1.amazonaws.com"},
	{"Object Lambda, by alias", "olap-hrzrlukc5m36ft7okagglf3gmwlu--ol-s3.s3.us-east-1.amazonaws.com"},
	{"Outposts", "reports-123456789012.op-01234567890123456.s3-outposts.us-east-1.amazonaws.com"},
	{"Outposts, by alias", "reports-o01ac5d28a6a232904e8xz5w8ijx1qzlbp3i3kuse10--op-s3.s3.us-east-1.amazonaws.com"},
	{"Accelerate", "photos.s3-accelerate.amazonaws.com"},
	{"Accelerate, dual-stack", "photos.s3-accelerate.dualstack.amazonaws.com"},
	{"a website", "photos.s3-website.us-east-1.amazonaws.com"},
	{"a website with a dash", "photos.s3-website-us-east-1.amazonaws.com"},
	{"the global S3", "s3.amazonaws.com"},
	{"a bucket of the global S3", "photos.s3.amazonaws.com"},
	{"S3 by its Region after a dash", "s3-us-east-1.amazonaws.com"},
	{"the global STS", "sts.amazonaws.com"},
	{"the image registry", "123456789012.dkr.ecr.us-east-1.amazonaws.com"},
	{"the image registry itself", "dkr.ecr.us-east-1.amazonaws.com"},
	{"the image registry, FIPS", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com"},
	{"the image registry, dual-stack", "123456789012.dkr-ecr.us-east-1.on.aws"},
	{"an API", "abc123.execute-api.us-east-1.amazonaws.com"},
	{"another Region", "sqs.eu-west-1.amazonaws.com"},
	{"a bucket in another Region", "photos.s3.eu-west-1.amazonaws.com"},
	{"another endpoint's zonal name", strings.Replace(zonal("sns"), "us-east-1a", "us-east-1b", 1)},
}

// Given endpoints that list everything there is as their private DNS names, when
// a host is asked for that is never rewritten, then it comes back as it is.
func TestNeverRewrittenWhateverACatalogueLists(t *testing.T) {
	var catalog []endpoint.Endpoint
	for _, service := range []string{"s3", "dynamodb", "kinesis", "sqs", "dkr.ecr", "execute-api", "logs", "streaming-logs", "sts", "iam", "photos.s3"} {
		e := of(service)
		e.PrivateDNS = true
		e.Hosts = []string{service + region}
		for _, n := range never {
			_, parent, _ := strings.Cut(n.host, ".")
			e.Hosts = append(e.Hosts, n.host, "*."+n.host, "*."+parent)
		}
		e.Hosts = slices.DeleteFunc(e.Hosts, func(h string) bool { // what endpoint refuses is its tests' business
			_, err := endpoint.Catalog{Endpoints: []endpoint.Endpoint{{Regional: e.Regional, Hosts: []string{h}}}}.Normalize()
			return err != nil
		})
		catalog = append(catalog, e)
	}
	r := newResolver(t, inA, catalog)
	for _, n := range never {
		t.Run(n.name, func(t *testing.T) {
			got := r.Resolve(n.host)
			if got.Host != n.host || got.Fallback != "" || got.Target != resolver.Unmatched {
				t.Errorf("got %+v, want %s as it is", got, n.host)
			}
		})
	}
}

// Given endpoints without listings, when a host is in a form that their names
// don't stand for, then it comes back as it is.
func TestHostsThatAreNotTheServices(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("s3"), of("sqs"), of("dynamodb"), of("kms"), of("logs")})
	long := strings.Repeat("a", 63)
	for _, tt := range []struct{ name, host string }{
		{"empty", ""},
		{"a dot", "."},
		{"dots before a parent", "..s3" + region},
		{"an empty label", "my..photos.s3" + region},
		{"two dots at the end", "sqs" + region + ".."},
		{"an underscore", "my_photos.s3" + region},
		{"a path", "evil.example.com/photos.s3" + region},
		{"credentials", "user@photos.s3" + region},
		{"a label of 64", "a" + long + ".s3" + region},
		{"a dash first", "-photos.s3" + region},
		{"another port", "sqs" + region + ":8443"},
		{"another port, a bucket", "photos.s3" + region + ":8443"},
		{"another port, a vpce name", regional("sqs") + ":8443"},
		{"an IPv4 literal", "10.0.0.1"},
		{"an IPv6 literal", "[fd00:ec2::254]"},
		{"a local port", "localhost:4566"},
		{"live tail", "stream-logs" + region},
		{"live tail, older", "streaming-logs" + region},
		{"FIPS", "sqs-fips" + region},
		{"FIPS, a bucket", "photos.s3-fips" + region},
		{"FIPS, an account", accountID + ".ddb-fips" + region},
		{"dual-stack", "sqs.us-east-1.api.aws"},
		{"dual-stack, a bucket", "photos.s3.dualstack" + region},
		{"another partition", "sqs" + region + ".cn"},
		{"a name that isn't finished", "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce."},
		{"too long for a vpce name", strings.Repeat(long+".", 3) + "s3" + region},
		{"too long behind a vpce name", strings.Repeat(long+".", 2) + long[:50] + "." + regional("sqs")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				if got := r.Resolve(tt.host); got.Host != tt.host || got.Fallback != "" || got.Target != resolver.Unmatched {
					t.Errorf("got %+v, want %q as it is", got, tt.host)
				}
			}
		})
	}
}

// Given an endpoint whose zonal name would be too long for DNS, then it has none.
func TestZonalNameTooLong(t *testing.T) {
	long := strings.Repeat("a", 63)
	service := strings.Join([]string{long, long, long[:60]}, ".")
	r := newResolver(t, inA, []endpoint.Endpoint{of(service)})
	expect(t, r.Resolve(service+region), regional(service), "", resolver.Regional, resolver.NotInZone)
}

// Given hosts below an endpoint's regional name, when the zonal one is as long as DNS allows, then they go there; one more character, and they stay.
func TestHostTooLongForTheZonalName(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs")})
	for _, tt := range []struct {
		length int
		want   resolver.Target
	}{{253, resolver.Zonal}, {254, resolver.Unmatched}} {
		front := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + "."
		front += strings.Repeat("c", tt.length-len(front)-len(".")-len(zonal("sqs"))) + "."
		asked := front + regional("sqs")
		got := r.Resolve(asked)
		if got.Target != tt.want || got.Target == resolver.Zonal && got.Host != front+zonal("sqs") || got.Target != resolver.Zonal && got.Host != asked {
			t.Errorf("%d characters: got %+v, want %v", tt.length, got, tt.want)
		}
	}
}

// An endpoint is asked for FIPS, dual-stack and live tail hosts if AWS lists them for
// it, by wildcards too if it is known what becomes of the label in front.
func TestHostsThatTheEndpointLists(t *testing.T) {
	kms, s3, logs, dynamodb := of("kms"), of("s3"), of("logs"), of("dynamodb")
	kms.PrivateDNS, s3.PrivateDNS, logs.PrivateDNS = true, true, true
	logs.Hosts = []string{"logs" + region, "streaming-logs" + region}
	dynamodb.Hosts = []string{"*.ddb.us-east-1.api.aws", "*.other.us-east-1.api.aws"}
	kms.Hosts = []string{"kms" + region, "kms-fips" + region, "kms.us-east-1.api.aws"}
	s3.Hosts = []string{"s3" + region, "s3-fips" + region, "s3.dualstack" + region, "*.s3.dualstack" + region}
	r := newResolver(t, inA, []endpoint.Endpoint{kms, s3, logs, dynamodb})
	for _, host := range kms.Hosts {
		expect(t, r.Resolve(host), zonal("kms"), host, resolver.Zonal, resolver.InZone)
	}
	for _, host := range s3.Hosts[:3] {
		expect(t, r.Resolve(host), "bucket."+zonal("s3"), host, resolver.Zonal, resolver.InZone)
	}
	expect(t, r.Resolve("photos.s3.dualstack"+region), "photos.bucket."+zonal("s3"), "photos.s3.dualstack"+region, resolver.Zonal, resolver.InZone)
	expect(t, r.Resolve("streaming-logs"+region), zonal("logs"), "streaming-logs"+region, resolver.Zonal, resolver.InZone)
	expect(t, r.Resolve(accountID+".ddb.us-east-1.api.aws"), zonal("dynamodb"), regional("dynamodb"), resolver.Zonal, resolver.InZone)
	expect(t, r.Resolve("dynamodb"+region), zonal("dynamodb"), regional("dynamodb"), resolver.Zonal, resolver.InZone)
	expectUntouched(t, r.Resolve("photos.ddb.us-east-1.api.aws"), "photos.ddb.us-east-1.api.aws", resolver.NoEndpoint)
	expectUntouched(t, r.Resolve("x.other.us-east-1.api.aws"), "x.other.us-east-1.api.aws", resolver.NoEndpoint)
}

// Given several endpoints for a host, the choice is the same every time, and said.
func TestConflicts(t *testing.T) {
	second := func(service, id string) endpoint.Endpoint {
		return endpoint.Endpoint{Regional: strings.Replace(of(service).Regional, "0a1b2c3d4e5f60718", id, 1)}
	}
	private := func(e endpoint.Endpoint, hosts ...string) endpoint.Endpoint {
		e.Hosts, e.PrivateDNS = hosts, true
		return e
	}
	free := of("s3")
	free.FreePath = "a gateway endpoint is free"
	const mine, other = "vpce-0a1b2c3d4e5f60718", "vpce-00000000000000000"
	for _, tt := range []struct {
		name, host string
		catalog    []endpoint.Endpoint
		want, note string
	}{
		{"the first by id", "sqs" + region, []endpoint.Endpoint{of("sqs"), second("sqs", "00000000000000000")}, other, "sqs" + region + ": " + other + " is used, and " + mine + " is not"},
		{"private DNS first", "sqs" + region, []endpoint.Endpoint{second("sqs", "00000000000000000"), private(of("sqs"), "sqs"+region)}, mine, other + " is not"},
		{"the service's own before another that lists its host", "sqs" + region, []endpoint.Endpoint{private(second("sns", "00000000000000000"), "sqs"+region), of("sqs")}, mine, other + " is not"},
		{"a bucket whose host another lists", "photos.s3" + region, []endpoint.Endpoint{private(second("sns", "00000000000000000"), "photos.s3"+region), of("s3")}, mine, ""},
		{"an account's host that another lists", accountID + ".ddb" + region, []endpoint.Endpoint{private(second("sns", "00000000000000000"), accountID+".ddb"+region), of("dynamodb")}, mine, ""},
		{"a regional name that another lists", regional("sqs"), []endpoint.Endpoint{private(second("sns", "00000000000000000"), regional("sqs")), of("sqs")}, mine, ""},
		{"one that isn't free path first", "s3" + region, []endpoint.Endpoint{free, second("s3", "fffffffffffffffff")}, "vpce-fffffffffffffffff", mine + " is not"},
		{"a partner's service", "api.example.com", []endpoint.Endpoint{private(second("vpce-svc-0123456789abcdef0", "00000000000000000"), "api.example.com")}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reversed := slices.Clone(tt.catalog)
			slices.Reverse(reversed)
			for _, catalog := range [][]endpoint.Endpoint{tt.catalog, reversed} {
				r := newResolver(t, inA, catalog)
				if got := r.Resolve(tt.host).Endpoint(); got != tt.want {
					t.Errorf("got endpoint %q, want %q", got, tt.want)
				}
				if notes := strings.Join(r.Snapshot().Notes, "\n"); !strings.Contains(notes, tt.note) {
					t.Errorf("got notes %q, want %q among them", notes, tt.note)
				}
			}
		})
	}
}

// Given a free way to the service, requests stay on it unless their owner wants otherwise.
func TestFreePath(t *testing.T) {
	e := of("s3")
	e.FreePath = "the VPC's gateway endpoint vpce-1 is free of charge"
	r := newResolver(t, inA, []endpoint.Endpoint{e})
	for _, host := range []string{"s3" + region, "photos.s3" + region, accountID + ".s3-control" + region} {
		expectUntouched(t, r.Resolve(host), host, resolver.FreePath)
	}
	if notes := strings.Join(r.Snapshot().Notes, "\n"); !strings.Contains(notes, e.FreePath) {
		t.Errorf("got notes %q, want the reason among them", notes)
	}
	// Whoever names the endpoint means it.
	expect(t, r.Resolve("bucket."+regional("s3")), "bucket."+zonal("s3"), "bucket."+regional("s3"), resolver.Zonal, resolver.InZone)

	r = newResolver(t, inA, []endpoint.Endpoint{e}, resolver.WithInterfaceFor("s3"))
	expect(t, r.Resolve("s3"+region), "bucket."+zonal("s3"), "bucket."+regional("s3"), resolver.Zonal, resolver.InZone)
}
