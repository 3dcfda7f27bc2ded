package lab_test

import (
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/azaffinity/azaffinity/integration/lab"
)

func TestIMDSTellsWhereAnInstanceIs(t *testing.T) {
	l := start(t, lab.Options{Home: "us-east-1b"})
	for url, want := range map[string][3]string{
		l.IMDSEndpoint():               {"us-east-1b", "use1-az1", "us-east-1"},
		l.IMDSEndpointIn("us-east-1c"): {"us-east-1c", "use1-az2", "us-east-1"},
	} {
		// The lab's client: a client's own connections outlive the test.
		c := imds.New(imds.Options{Endpoint: url, EnableFallback: aws.FalseTernary, HTTPClient: l.HTTPClient()})
		for i, path := range []string{"placement/availability-zone", "placement/availability-zone-id", "placement/region"} {
			out := must(c.GetMetadata(t.Context(), &imds.GetMetadataInput{Path: path}))(t)
			if got := string(must(io.ReadAll(out.Content))(t)); got != want[i] {
				t.Errorf("%s: got %s, want %s", path, got, want[i])
			}
			_ = out.Content.Close()
		}
		if _, err := c.GetMetadata(t.Context(), &imds.GetMetadataInput{Path: "ami-id"}); err == nil {
			t.Error("ami-id: got an answer, want 404")
		}
	}
}

func TestIMDSTellsTheSubnet(t *testing.T) {
	l := start(t, lab.Options{Home: "us-east-1b"})
	for _, z := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
		c := imds.New(imds.Options{Endpoint: l.IMDSEndpointIn(z), EnableFallback: aws.FalseTernary, HTTPClient: l.HTTPClient()})
		get := func(path string) string {
			out := must(c.GetMetadata(t.Context(), &imds.GetMetadataInput{Path: path}))(t)
			defer out.Content.Close()
			return string(must(io.ReadAll(out.Content))(t))
		}
		got := netip.MustParsePrefix(get("network/interfaces/macs/" + get("mac") + "/subnet-ipv4-cidr-block"))
		if got != l.Subnet(z) {
			t.Errorf("%s: got %v, want %v", z, got, l.Subnet(z))
		}
		for _, other := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
			if addr := l.Address("sqs", other).Addr(); got.Contains(addr) != (other == z) {
				t.Errorf("%s: %v holds %s's address %v: got %v", z, got, other, addr, got.Contains(addr))
			}
		}
	}
	if got := l.Subnet("us-east-1x"); got.IsValid() {
		t.Errorf("a zone that isn't there: got %v", got)
	}
}

func TestIMDSTakesTokensOnly(t *testing.T) {
	l := start(t, lab.Options{})
	const zone = "/latest/meta-data/placement/availability-zone"
	do := func(method, path string, header ...string) (int, string) {
		r := must(http.NewRequest(method, l.IMDSEndpoint()+path, nil))(t)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res := must(l.HTTPClient().Do(r))(t)
		defer res.Body.Close()
		return res.StatusCode, string(must(io.ReadAll(res.Body))(t))
	}
	const ttl, token = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token"
	_, good := do("PUT", "/latest/api/token", ttl, "60")
	for _, test := range []struct {
		what, method, path string
		header             []string
		want               int
	}{
		{"no token", "GET", zone, nil, 401},
		{"wrong token", "GET", zone, []string{token, "x"}, 401},
		{"no token, unknown path", "GET", "/latest/x", nil, 401},
		{"token", "GET", zone, []string{token, good}, 200},
		{"token, unknown path", "GET", "/latest/x", []string{token, good}, 404},
		{"no TTL", "PUT", "/latest/api/token", nil, 400},
		{"TTL too long", "PUT", "/latest/api/token", []string{ttl, "21601"}, 400},
		{"through a proxy", "PUT", "/latest/api/token", []string{ttl, "60", "X-Forwarded-For", "10.0.0.1"}, 403},
	} {
		if got, _ := do(test.method, test.path, test.header...); got != test.want {
			t.Errorf("%s: got %d, want %d", test.what, got, test.want)
		}
	}
}
