package foreign

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	home   = "us-east-1a"
	bucket = "photos"
	table  = "orders"
)

// place is a VPC with a program in its home zone.
type place struct {
	*lab.Lab
	tracer   tracer
	resolver *resolver.Resolver // nil if the SDK is bare
	pieces   atomic.Int64       // of work that have begun
}

// newPlace starts a VPC. The program knows of each endpoint no more than its regional name.
func newPlace(t *testing.T, tr tracer) *place {
	t.Helper()
	l, err := lab.Start(lab.Options{
		Endpoints: []lab.Endpoint{{Service: "s3", PrivateDNS: true}, {Service: "dynamodb"}, {Service: "sqs", PrivateDNS: true}, {Service: "sts", PrivateDNS: true}},
		Buckets:   []string{bucket}, Tables: []string{table},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return &place{Lab: l, tracer: tr}
}

// routed gives the programs to come a resolver.
func (p *place) routed(t *testing.T) {
	t.Helper()
	var endpoints []endpoint.Endpoint
	for _, service := range []string{"s3", "dynamodb", "sqs", "sts"} {
		endpoints = append(endpoints, endpoint.Endpoint{Regional: p.RegionalName(service)})
	}
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: home})), resolver.WithEndpoints(endpoint.Static(endpoints...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.resolver = r
}

// attached is the config that a program is given.
func (p *place) attached() aws.Config {
	cfg := p.Config()
	p.attach(&cfg)
	return cfg
}

// attach does what the README says, to a config that has been instrumented.
func (p *place) attach(cfg *aws.Config) {
	p.tracer.attach(cfg)
	if p.resolver == nil {
		return
	}
	if plain, ok := cfg.HTTPClient.(*http.Client); ok {
		cfg.HTTPClient, _ = middleware.Client(plain, p.resolver)
	}
	middleware.Attach(cfg, p.resolver)
}

// fault makes the home zone's endpoints behave so.
func (p *place) fault(t *testing.T, f lab.Fault) {
	t.Helper()
	if err := p.Fault(home, f); err != nil {
		t.Fatal(err)
	}
}

// elsewhere is how many requests other zones have had, of how many.
func (p *place) elsewhere() (elsewhere, all int) {
	for zone, n := range p.Requests() {
		all += n
		if zone != home {
			elsewhere += n
		}
	}
	return elsewhere, all
}

// completed reports whether a piece failed because the zone went when it had completed an upload, and its answer was on the way: the SDK asks again, bare or not, and
// the lab's S3 knows of no such upload any more.
func (p *place) completed(err error) bool {
	if !strings.Contains(err.Error(), "NoSuchUpload") {
		return false
	}
	first := map[string]string{}
	for _, e := range p.Executions() {
		if was, ok := first[e.Invocation]; ok && was != e.Attempt && e.Operation == http.MethodPost {
			return true
		}
		first[e.Invocation] = e.Attempt
	}
	return false
}

// twice is what one attempt of the SDK's executed more than once. Another attempt may, bare or not, if the zone went before the first one's answer.
func (p *place) twice() (found []string) {
	first := map[[2]string]lab.Execution{}
	for _, e := range p.Executions() {
		attempt := [2]string{e.Invocation, e.Attempt}
		if was, ok := first[attempt]; ok {
			found = append(found, fmt.Sprintf("%s in %s and, %v later, in %s", e.Operation, was.Zone, e.Time.Sub(was.Time), e.Zone))
			continue
		}
		first[attempt] = e
	}
	return found
}

// TestMain takes away what the machine's own environment says.
func TestMain(m *testing.M) {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "AZAFFINITY_") && name != "AZAFFINITY_REQUIRE_ALL" {
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		_ = os.Setenv(name, value)
	}
	_ = flag.Set("test.parallel", "16") // they mostly wait
	os.Exit(m.Run())
}
