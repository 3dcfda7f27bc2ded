package routing

//lint:file-ignore SA1019 that programs use what is deprecated is what some of these tests are about

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.opentelemetry.io/contrib/instrumentation/github.com/aws/aws-sdk-go-v2/otelaws"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

func sqsResolver(t *testing.T) *resolver.Resolver {
	t.Helper()
	return newResolver(t, zone.Zone{Name: commercial.zone}, endpoint.Endpoint{Regional: commercial.regional("sqs")})
}

// Given the middleware in one of the places that API options come from, or in
// several, when a client is called, then it acts, once.
func TestWhereItIsAppended(t *testing.T) {
	appendTo := func(r *resolver.Resolver) func(*sqs.Options) {
		return func(o *sqs.Options) { middleware.Append(&o.APIOptions, r) }
	}
	for _, places := range []string{"config", "client", "call", "config client call"} {
		t.Run(places, func(t *testing.T) {
			r := sqsResolver(t)
			client := &capture{t: t}
			cfg := commercial.config()
			cfg.HTTPClient = client
			var ids []string
			var forClient, forCall []func(*sqs.Options)
			if strings.Contains(places, "config") {
				middleware.Append(&cfg.APIOptions, r)
			}
			if strings.Contains(places, "client") {
				forClient = append(forClient, appendTo(r))
			}
			if strings.Contains(places, "call") {
				forCall = append(forCall, appendTo(r))
			}
			forCall = append(forCall, func(o *sqs.Options) {
				o.APIOptions = append(o.APIOptions, func(s *smithymiddleware.Stack) error {
					ids = append(s.Finalize.List(), s.Deserialize.List()...)
					return nil
				})
			})
			sqs.NewFromConfig(cfg, forClient...).ListQueues(t.Context(), nil, forCall...)
			if got := client.only().host; got != commercial.zonal("sqs") {
				t.Errorf("got %s, want %s", got, commercial.zonal("sqs"))
			}
			if n := strings.Count(strings.Join(ids, " ")+" ", "AZAffinity "); n != 2 {
				t.Errorf("it is in the stack %d times, want once a step: %v", n, ids)
			}
			for i, id := range ids {
				if id == "AZAffinity" && i+1 < len(ids) && ids[i+1] != "Signing" {
					t.Errorf("%s comes after it, want Signing: %v", ids[i+1], ids)
				}
			}
		})
	}
}

// Given a resolver that would rewrite the host, when a request is presigned, then
// its URL works outside the VPC too.
func TestPresignedURLs(t *testing.T) {
	cfg := commercial.config()
	r := newResolver(t, zone.Zone{Name: commercial.zone}, everything()...)
	middleware.Append(&cfg.APIOptions, r)
	presign := s3.NewPresignClient(s3.NewFromConfig(cfg))
	get, err := presign.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://photos.s3.us-east-1.amazonaws.com/k?"; !strings.HasPrefix(get.URL, want) {
		t.Errorf("got %s, want %s…", get.URL, want)
	}
	post, err := presign.PresignPostObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://photos.s3.us-east-1.amazonaws.com"; post.URL != want {
		t.Errorf("got %s, want %s", post.URL, want)
	}
	identity, err := sts.NewPresignClient(sts.NewFromConfig(cfg)).PresignGetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://sts.us-east-1.amazonaws.com/?"; !strings.HasPrefix(identity.URL, want) {
		t.Errorf("got %s, want %s…", identity.URL, want)
	}
}

// Given otelaws on the same config, before or after, when a client is called,
// then both do their work.
func TestComposesWithOtelaws(t *testing.T) {
	for _, order := range []string{"otelaws first", "otelaws last"} {
		cfg := commercial.config()
		client := &capture{t: t}
		cfg.HTTPClient = client
		if order == "otelaws first" {
			otelaws.AppendMiddlewares(&cfg.APIOptions)
		}
		middleware.Append(&cfg.APIOptions, sqsResolver(t))
		if order == "otelaws last" {
			otelaws.AppendMiddlewares(&cfg.APIOptions)
		}
		_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil)
		if got := client.only().host; got != commercial.zonal("sqs") {
			t.Errorf("%s: got %s, want %s", order, got, commercial.zonal("sqs"))
		}
		if route, ok := routeIn(err); !ok || route.Target != resolver.Zonal {
			t.Errorf("%s: got route %+v (known: %v), want the zonal one", order, route, ok)
		}
	}
}

// Given a call that succeeds, when its result's metadata is asked, then it says
// where the call went, and a retried call where its last attempt went.
func TestRouteOfTheResult(t *testing.T) {
	cfg := commercial.config()
	cfg.RetryMaxAttempts = 2
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	var hosts []string
	cfg.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host)
		return &http.Response{
			StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Request: r, ProtoMajor: 1, ProtoMinor: 1,
			Body: body(`{}`),
		}, nil
	})
	middleware.Append(&cfg.APIOptions, sqsResolver(t))
	out, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	route, ok := middleware.RouteFrom(out.ResultMetadata)
	if !ok || route.Host != commercial.zonal("sqs") || route.Service() != "sqs" || route.Zone() != commercial.zone || route.Endpoint() != "vpce-0a1b2c3d4e5f60718" {
		t.Errorf("got %+v (known: %v), want the zonal name and what it belongs to", route, ok)
	}
	if len(hosts) != 1 || hosts[0] != route.Host {
		t.Errorf("sent to %v, and the route says %s", hosts, route.Host)
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func body(s string) readCloser { return readCloser{bytes.NewReader([]byte(s))} }

// Given one of the SDK's deprecated endpoint resolvers, which only its user can
// have set, when it names a service host, then that is left alone.
func TestDeprecatedEndpointResolvers(t *testing.T) {
	cfg := commercial.config()
	cfg.EndpointResolverWithOptions = aws.EndpointResolverWithOptionsFunc(func(string, string, ...any) (aws.Endpoint, error) {
		return aws.Endpoint{URL: "https://sqs.us-east-1.amazonaws.com"}, nil
	})
	got, _ := call(t, sqsResolver(t), cfg, func(ctx context.Context, cfg aws.Config) error {
		_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, nil)
		return err
	})
	if want := "sqs.us-east-1.amazonaws.com"; got.host != want {
		t.Errorf("got %s, want %s", got.host, want)
	}
}

// Given a client whose interceptor or middleware sets a Host of its own, when it
// is called, then the request is left alone.
func TestAHostThatSomebodySet(t *testing.T) {
	cfg := commercial.config()
	client := hostRecorder{host: new(string)}
	cfg.HTTPClient = client
	cfg.APIOptions = append(cfg.APIOptions, smithyhttp.AddHeaderValue("X-Test", "1"), func(s *smithymiddleware.Stack) error {
		return s.Build.Add(smithymiddleware.BuildMiddlewareFunc("SetHost", func(ctx context.Context, in smithymiddleware.BuildInput, next smithymiddleware.BuildHandler) (smithymiddleware.BuildOutput, smithymiddleware.Metadata, error) {
			in.Request.(*smithyhttp.Request).Host = "front.example.com"
			return next.HandleBuild(ctx, in)
		}), smithymiddleware.After)
	})
	middleware.Append(&cfg.APIOptions, sqsResolver(t))
	sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil)
	if want := "sqs.us-east-1.amazonaws.com"; *client.host != want {
		t.Errorf("got %s, want %s", *client.host, want)
	}
}

type hostRecorder struct{ host *string }

func (h hostRecorder) Do(r *http.Request) (*http.Response, error) {
	*h.host = r.URL.Host
	return &http.Response{StatusCode: 400, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// Given a config whose options reach the metadata client, as all of them do, when
// that is asked, then nothing changes.
func TestMetadataClientsAreLeftAlone(t *testing.T) {
	cfg := commercial.config()
	client := hostRecorder{host: new(string)}
	cfg.HTTPClient = client
	middleware.Append(&cfg.APIOptions, sqsResolver(t))
	imds.NewFromConfig(cfg, func(o *imds.Options) { o.Endpoint = "http://127.0.0.1:1" }).GetRegion(t.Context(), nil)
	if want := "127.0.0.1:1"; *client.host != want {
		t.Errorf("got %s, want %s", *client.host, want)
	}
}

// Given a stream that is written while it is sent and can't be sent again, when the
// call is made, then it goes to the regional name until the zonal one has answered.
func TestBidirectionalStreams(t *testing.T) {
	cfg := commercial.config()
	hosts := make(chan string, 8)
	cfg.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
		hosts <- r.URL.Host
		return &http.Response{StatusCode: 400, Header: http.Header{}, Body: http.NoBody, Request: r, ProtoMajor: 2}, nil
	})
	r := newResolver(t, zone.Zone{Name: commercial.zone}, endpoint.Endpoint{Regional: commercial.regional("bedrock-runtime")})
	middleware.Append(&cfg.APIOptions, r)
	for _, want := range []string{commercial.regional("bedrock-runtime"), commercial.zonal("bedrock-runtime")} {
		out, err := bedrockruntime.NewFromConfig(cfg).InvokeModelWithBidirectionalStream(t.Context(),
			&bedrockruntime.InvokeModelWithBidirectionalStreamInput{ModelId: aws.String("m")})
		if err == nil { // the response is waited for by the stream
			defer out.GetStream().Close()
		}
		if got := <-hosts; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		r.Resolve("bedrock-runtime.us-east-1.amazonaws.com").Answered()
	}
}

// Given middleware that something else puts in front of the signer by name, when
// names change, then an operation never fails for our sake.
func TestStacksWithoutWhatWeLookFor(t *testing.T) {
	cfg := commercial.config()
	client := &capture{t: t}
	cfg.HTTPClient = client
	cfg.APIOptions = append(cfg.APIOptions, func(s *smithymiddleware.Stack) error {
		_, err := s.Finalize.Remove("Signing")
		return err
	}, sdkmiddleware.AddRequestUserAgentMiddleware)
	middleware.Append(&cfg.APIOptions, sqsResolver(t))
	sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil)
	if got, want := client.only().host, "sqs.us-east-1.amazonaws.com"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
