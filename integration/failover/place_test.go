package failover

import (
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	home     = "us-east-1a"
	away     = "us-east-1b"
	farthest = "us-east-1c"
)

// place is a lab with a program in its home zone.
type place struct {
	*lab.Lab
	resolver *resolver.Resolver
	config   aws.Config // routed, and with the SDK's retries off
	queue    string
	other    *http.Client // of what is done in another zone
}

// newPlace starts a lab. The program knows of each endpoint no more than its
// regional name.
func newPlace(t *testing.T, opts lab.Options, more ...resolver.Option) *place {
	t.Helper()
	opts.Buckets, opts.Tables = []string{"photos"}, []string{"orders"}
	l, err := lab.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	var endpoints []endpoint.Endpoint
	for _, service := range []string{"s3", "dynamodb", "kinesis", "sqs", "sts"} {
		if name := l.RegionalName(service); name != "" {
			endpoints = append(endpoints, endpoint.Endpoint{Regional: name})
		}
	}
	r, err := resolver.New(append([]resolver.Option{
		resolver.WithZone(zone.Static(zone.Zone{Name: home})),
		resolver.WithEndpoints(endpoint.Static(endpoints...)),
	}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	p := &place{Lab: l, resolver: r, other: l.HTTPClient()}
	p.config = p.attached(func(t *http.Transport) { t.DisableKeepAlives = true })
	if err := r.Ready(t.Context()); err != nil { // what it asks in the background would turn the answers, see next
		t.Fatal(err)
	}
	if l.RegionalName("sqs") == "" {
		return p
	}
	created, err := sqs.NewFromConfig(p.elsewhere("sqs")).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	p.queue = *created.QueueUrl
	l.ResetRequests()
	return p
}

// attached is a config as a program has it that attached azaffinity to it, with the SDK's retries off, and connections of its own.
func (p *place) attached(opts ...func(*http.Transport)) aws.Config {
	cfg := p.Config()
	cfg.RetryMaxAttempts = 1
	cfg.HTTPClient = p.SDKClient().WithTransportOptions(opts...)
	middleware.Attach(&cfg, p.resolver)
	return cfg
}

// direct is the bare SDK, given the zonal name of a service, or for no zone the regional one.
func (p *place) direct(service, zone string) aws.Config {
	cfg := p.Config()
	cfg.BaseEndpoint = aws.String("https://" + strings.Replace(p.ZonalName(service, zone), "*.", "bucket.", 1))
	return cfg
}

// warm calls a service until a connection is there to be used again. Over HTTP/1.1 that may be a moment after the answer, and over HTTP/2 net/http
// doesn't tell before somebody uses it.
func (p *place) warm(t *testing.T, service string) {
	t.Helper()
	for range 10 {
		var kept atomic.Bool
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			PutIdleConn: func(err error) { kept.Store(err == nil) },
			GotConn: func(c httptrace.GotConnInfo) {
				if c.Conn.(*tls.Conn).ConnectionState().NegotiatedProtocol == "h2" {
					kept.Store(c.Reused)
				}
			},
		})
		switch service { // whatever they answer
		case "s3":
			_, _ = s3.NewFromConfig(p.config).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("photos")})
		case "dynamodb":
			_, _ = dynamodb.NewFromConfig(p.config).ListTables(ctx, &dynamodb.ListTablesInput{})
		case "kinesis":
			_, _ = kinesis.NewFromConfig(p.config).ListStreams(ctx, &kinesis.ListStreamsInput{})
		case "sqs":
			_, _ = sqs.NewFromConfig(p.config).ListQueues(ctx, &sqs.ListQueuesInput{})
		}
		if kept.Load() {
			return
		}
	}
	t.Fatal("no connection stays in the pool")
}

// elsewhere is direct in another zone, which no fault strikes.
func (p *place) elsewhere(service string) aws.Config {
	cfg := p.direct(service, away)
	cfg.HTTPClient = p.other
	return cfg
}

// next has the regional name's next answer begin with a zone, which is where a client goes first. The answers rotate.
func (p *place) next(t *testing.T, service, first string) {
	t.Helper()
	last := p.Address(service, map[string]string{home: farthest, away: home, farthest: away}[first]).Addr().String()
	name := strings.Replace(p.RegionalName(service), "*.", "bucket.", 1)
	for range 6 {
		addrs, err := p.Resolver().LookupHost(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if addrs[0] == last {
			return
		}
	}
	t.Fatalf("%s never leads to %s", name, first)
}

// turn has the regional name lead elsewhere than to the home zone when it is asked
// for after the zonal one. It answers with every zone's address, in rotation, so
// one in three requests to it meets the home zone's fault again.
func (p *place) turn(t *testing.T, service string) {
	t.Helper()
	name := strings.TrimPrefix(p.RegionalName(service), "*.")
	if service == "s3" {
		name = "bucket." + name
	}
	for range 3 {
		addrs, err := p.Resolver().LookupHost(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if addrs[0] == p.Address(service, home).Addr().String() {
			return
		}
	}
}
