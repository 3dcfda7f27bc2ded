package failover

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	"go.uber.org/goleak"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const home = "us-east-1a"

var payload = []byte(strings.Repeat("all of it, and once. ", 1000))

// place is a lab with a program in its home zone.
type place struct {
	*lab.Lab
	resolver *resolver.Resolver
	config   aws.Config // routed, and with the SDK's retries off
	queue    string
}

// newPlace starts a lab. The program knows of each endpoint no more than its
// regional name.
func newPlace(t *testing.T, opts lab.Options) *place {
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
	for _, service := range []string{"s3", "dynamodb", "sqs", "sts"} {
		endpoints = append(endpoints, endpoint.Endpoint{Regional: l.RegionalName(service)})
	}
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: home})),
		resolver.WithEndpoints(endpoint.Static(endpoints...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cfg := l.Config()
	cfg.RetryMaxAttempts = 1
	cfg.HTTPClient = impatient(t, l)
	middleware.Append(&cfg.APIOptions, r)
	p := &place{Lab: l, resolver: r, config: cfg}
	direct := l.Config()
	direct.BaseEndpoint = aws.String("https://" + l.RegionalName("sqs"))
	created, err := sqs.NewFromConfig(direct).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	p.queue = *created.QueueUrl
	l.ResetRequests()
	return p
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
		if addrs[0] == "127.0.1.1" {
			return
		}
	}
}

// impatient is the lab's client without kept connections, so that each call has
// to connect, and with the connect timeouts that the SDK's in-region mode has.
func impatient(t *testing.T, l *lab.Lab) *http.Client {
	client := l.HTTPClient()
	transport := client.Transport.(*http.Transport).Clone()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		return dial(ctx, network, addr)
	}
	transport.TLSHandshakeTimeout = 500 * time.Millisecond
	transport.DisableKeepAlives = true
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// stream can't be rewound.
type stream struct{ io.Reader }

// workload is one call of each kind of body. check looks at what arrived.
type workload struct {
	name    string
	service string
	call    func(context.Context, *place) (smithymiddleware.Metadata, error)
	check   func(*testing.T, *place)
}

var workloads = []workload{
	{"no body to speak of", "sts", func(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
		out, err := sts.NewFromConfig(p.config).GetCallerIdentity(ctx, nil)
		if err != nil {
			return smithymiddleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	}, nil},
	{"a message", "sqs", func(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
		out, err := sqs.NewFromConfig(p.config).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
		if err != nil {
			return smithymiddleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	}, nil},
	{"a conditional write", "dynamodb", func(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
		out, err := dynamodb.NewFromConfig(p.config).PutItem(ctx, &dynamodb.PutItemInput{
			TableName:           aws.String("orders"),
			Item:                map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "1"}},
			ConditionExpression: aws.String("attribute_not_exists(pk)"),
		})
		if err != nil {
			return smithymiddleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	}, nil},
	{"a seekable body with a trailing checksum", "s3", put(func() io.Reader { return bytes.NewReader(payload) }, aws.RequestChecksumCalculationWhenSupported), checkObject},
	{"a seekable body without one", "s3", put(func() io.Reader { return bytes.NewReader(payload) }, aws.RequestChecksumCalculationWhenRequired), checkObject},
	{"a stream with a trailing checksum", "s3", put(func() io.Reader { return stream{bytes.NewReader(payload)} }, aws.RequestChecksumCalculationWhenSupported), checkObject},
	{"a stream without one", "s3", put(func() io.Reader { return stream{bytes.NewReader(payload)} }, aws.RequestChecksumCalculationWhenRequired, unsigned), checkObject},
}

// unsigned is what a stream without a checksum needs.
func unsigned(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, sdkv4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

func put(body func() io.Reader, checksum aws.RequestChecksumCalculation, opts ...func(*s3.Options)) func(context.Context, *place) (smithymiddleware.Metadata, error) {
	return func(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
		client := s3.NewFromConfig(p.config, func(o *s3.Options) { o.RequestChecksumCalculation = checksum })
		out, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("photos"), Key: aws.String("cat"), Body: body(), ContentLength: aws.Int64(int64(len(payload))),
		}, opts...)
		if err != nil {
			return smithymiddleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	}
}

func checkObject(t *testing.T, p *place) {
	t.Helper()
	out, err := s3.NewFromConfig(p.config).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("cat")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("the object has %d bytes (error %v), want the %d that were written", len(got), err, len(payload))
	}
}

// Given a zonal name that can't be connected to, when a call is made with the
// SDK's retries off, then it is answered by another zone, executed once, and in
// no more time than the connect timeouts.
func TestNotReached(t *testing.T) {
	faults := []struct {
		name  string
		fault lab.Fault
		away  []string // zones that the endpoints are in; nil: all
		cause resolver.Cause
	}{
		{"the endpoint isn't in the zone", lab.None, []string{"us-east-1b", "us-east-1c"}, resolver.CauseAbsent},
		{"refused", lab.Refuse, nil, resolver.CauseConnect},
		{"a black hole", lab.BlackHole, nil, resolver.CauseTimeout},
		{"silent before TLS", lab.Hang, nil, resolver.CauseTimeout},
		{"another name's certificate", lab.WrongCertificate, nil, resolver.CauseCertificate},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range workloads {
				t.Run(w.name, func(t *testing.T) {
					opts := lab.Options{}
					for _, service := range []string{"s3", "dynamodb", "sqs", "sts"} {
						opts.Endpoints = append(opts.Endpoints, lab.Endpoint{Service: service, Zones: f.away})
					}
					p := newPlace(t, opts)
					if err := p.FaultService(w.service, home, f.fault); f.away == nil && err != nil {
						t.Fatal(err)
					}
					p.turn(t, w.service)
					start := time.Now()
					metadata, err := w.call(t.Context(), p)
					took := time.Since(start)
					if err != nil {
						t.Fatalf("the call failed: %v", err)
					}
					route, ok := middleware.RouteFrom(metadata)
					if !ok || route.Reason != resolver.FailedOver || route.Target != resolver.Regional || route.Cause != f.cause {
						t.Errorf("got route %+v, want Regional, FailedOver because of %v", route, f.cause)
					}
					proves := f.cause == resolver.CauseAbsent || f.cause == resolver.CauseCertificate
					name := strings.TrimPrefix(p.RegionalName(w.service), "*.")
					if got := p.resolver.Resolve(name).Reason; (got == resolver.Unhealthy) != proves {
						t.Errorf("afterwards the name is %v; out of use at once: want %v", got, proves)
					}
					executed := 0
					for zone, n := range p.RequestsOf(w.service) {
						if executed += n; zone == home && n > 0 {
							t.Errorf("executed in the zone that can't be reached")
						}
					}
					if executed != 1 {
						t.Errorf("executed %d times, want once", executed)
					}
					if limit := 3 * time.Second; took > limit {
						t.Errorf("took %v, want at most %v", took, limit)
					}
					if w.check != nil {
						_ = p.FaultService(w.service, home, lab.None)
						w.check(t, p)
					}
				})
			}
		})
	}
}

// Given an answer that says no, when a call gets it, then that is the answer: it
// went to the zonal name, once, and the name stays in use.
func TestRefusalsAreAnswers(t *testing.T) {
	p := newPlace(t, lab.Options{})
	cfg := p.config.Copy()
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDWRONG", SecretAccessKey: "wrong"}, nil
	})
	for range 5 {
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
		var routed *middleware.RoutedError
		if !errors.As(err, &routed) {
			t.Fatalf("got %v, want an error that knows its route", err)
		}
		if routed.Route.Target != resolver.Zonal || routed.Route.Cause != resolver.NoCause {
			t.Fatalf("got route %+v, want the zonal one", routed.Route)
		}
	}
}

// Given a connection that breaks after the request was read, when the SDK doesn't
// retry, then nor do we; and when it does, its next attempt goes elsewhere.
func TestReachedThenBroken(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("sqs", home, lab.ResetAfter(0)); err != nil {
		t.Fatal(err)
	}
	p.turn(t, "sqs")
	send := func(cfg aws.Config) (*sqs.SendMessageOutput, error) {
		return sqs.NewFromConfig(cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
	}
	_, err := send(p.config)
	if err == nil {
		t.Fatal("the call was answered, want the SDK's error")
	}
	if got := p.RequestsOf("sqs"); got[home] != 1 || got["us-east-1b"]+got["us-east-1c"] != 0 {
		t.Errorf("executed %v, want once, in %s", got, home)
	}
	p.ResetRequests()
	p.turn(t, "sqs")
	cfg := p.config.Copy()
	cfg.RetryMaxAttempts = 2
	out, err := send(cfg)
	if err != nil {
		t.Fatalf("with a retry of the SDK's: %v", err)
	}
	route, _ := middleware.RouteFrom(out.ResultMetadata)
	if route.Target != resolver.Regional || route.Cause != resolver.CauseBroken {
		t.Errorf("got route %+v, want the regional name because the connection broke", route)
	}
}

// Given a black hole and callers whose deadlines are shorter than the connect
// timeout, when some have failed, then the others are sent elsewhere: their silence
// tells against the name, too.
func TestDeadlinesInABlackHole(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("sts", home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	cfg := p.config.Copy()
	cfg.HTTPClient = p.HTTPClient() // with the SDK's own timeout, of 30 seconds
	client := sts.NewFromConfig(cfg)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, err := client.GetCallerIdentity(ctx, nil); err == nil {
			t.Error("answered out of a black hole")
		}
		cancel()
	}
	p.turn(t, "sts")
	out, err := client.GetCallerIdentity(t.Context(), nil)
	for range 2 { // the regional name leads there, too, one time in three
		if err == nil {
			break
		}
		out, err = client.GetCallerIdentity(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if route, _ := middleware.RouteFrom(out.ResultMetadata); route.Reason != resolver.Unhealthy {
		t.Errorf("got route %+v, want the regional name because the zonal one is out of use", route)
	}
}

// Given an endpoint that takes requests and doesn't answer, when the client has a
// timeout for that, then the SDK's next attempt goes elsewhere, and slowness alone
// doesn't take the name out of use.
func TestReachedThenSilent(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("sqs", home, lab.Stall); err != nil {
		t.Fatal(err)
	}
	p.turn(t, "sqs")
	cfg := p.config.Copy()
	cfg.RetryMaxAttempts = 2
	client := impatient(t, p.Lab)
	client.Transport.(*http.Transport).ResponseHeaderTimeout = 300 * time.Millisecond
	cfg.HTTPClient = client
	out, err := sqs.NewFromConfig(cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if route, _ := middleware.RouteFrom(out.ResultMetadata); route.Cause != resolver.CauseTimeout {
		t.Errorf("got route %+v, want the regional name because of a timeout", route)
	}
	name := strings.TrimPrefix(p.RegionalName("sqs"), "*.")
	if route := p.resolver.Resolve(name); route.Target != resolver.Zonal {
		t.Errorf("got %+v, want the zonal name still in use", route)
	}
}

// Given failures with a success between them, when there are fewer than three in a
// row, then the name stays in use; and none of what is known of them has the URL.
func TestASuccessResets(t *testing.T) {
	p := newPlace(t, lab.Options{})
	client := sts.NewFromConfig(p.config)
	for _, fault := range []lab.Fault{lab.Refuse, lab.Refuse, lab.None, lab.Refuse, lab.Refuse} {
		if err := p.FaultService("sts", home, fault); err != nil {
			t.Fatal(err)
		}
		if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if route := p.resolver.Resolve(p.RegionalName("sts")); route.Target != resolver.Zonal {
		t.Errorf("got %+v, want the zonal name still in use", route)
	}
	for _, e := range p.resolver.Snapshot().Endpoints {
		if e.Service == "sts" && (e.LastError == "" || strings.Contains(e.LastError, "https://")) {
			t.Errorf("the last error is %q, want one without the URL", e.LastError)
		}
	}
}

// Given a stream that a logger has read, when the zonal name can't be reached, then
// what is left of it is not sent for the whole.
func TestABodyThatWasReadIsNotSentAgain(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("s3", home, lab.Refuse); err != nil {
		t.Fatal(err)
	}
	p.config.ClientLogMode = aws.LogRequestWithBody
	_, err := put(func() io.Reader { return stream{bytes.NewReader(payload)} }, aws.RequestChecksumCalculationWhenRequired, unsigned)(t.Context(), p)
	var routed *middleware.RoutedError
	if !errors.As(err, &routed) || routed.Route.Reason == resolver.FailedOver {
		t.Errorf("got error %v, want that of the zonal name, and no second send", err)
	}
	for zone, n := range p.RequestsOf("s3") {
		if n > 0 {
			t.Errorf("executed in %s (error %v), with a body that was read before", zone, err)
		}
	}
}
