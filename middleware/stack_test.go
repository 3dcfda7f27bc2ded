package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"testing"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	serviceHost  = "sqs.us-east-1.amazonaws.com"
	regionalHost = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
	zonalHost    = "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com"
)

func newResolver(t testing.TB, opts ...resolver.Option) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(append([]resolver.Option{
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: regionalHost})),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// stack is the least that a call of the SDK has: a request to a resolved
// endpoint, and a signer, which here writes down what it would sign for.
type stack struct {
	url     string
	host    string // Request.Host, as somebody may have set it
	signing string // id of the signing step; empty: there is none
	signed  []string
	request any // if not an HTTP request

	attempts string    // Amz-Sdk-Request's value
	body     io.Reader // the request's
	outer    func(context.Context, smithymiddleware.FinalizeInput, smithymiddleware.FinalizeHandler) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error)
	before   func(*smithyhttp.Request) // a step between the middleware and the signer
	after    func(*smithyhttp.Request) // one behind the signer
	ctx      context.Context           // of the call
}

type responseKey struct{}

func (s *stack) handler(options []func(*smithymiddleware.Stack) error, client smithyhttp.ClientDo) smithymiddleware.Handler {
	newRequest := smithyhttp.NewStackRequest
	if s.request != nil {
		newRequest = func() any { return s.request }
	}
	st := smithymiddleware.NewStack("Operation", newRequest)
	st.Serialize.Add(smithymiddleware.SerializeMiddlewareFunc("Endpoint", func(ctx context.Context, in smithymiddleware.SerializeInput, next smithymiddleware.SerializeHandler) (smithymiddleware.SerializeOutput, smithymiddleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			u, err := req.URL.Parse(s.url)
			if err != nil {
				panic(err)
			}
			req.URL, req.Host, req.Method = u, s.host, http.MethodPost
			if s.attempts != "" {
				req.Header["Amz-Sdk-Request"] = []string{s.attempts}
			}
			if s.body != nil {
				if in.Request, err = req.SetStream(s.body); err != nil {
					panic(err)
				}
			}
		}
		return next.HandleSerialize(ctx, in)
	}), smithymiddleware.After)
	if s.signing != "" {
		st.Finalize.Add(smithymiddleware.FinalizeMiddlewareFunc(s.signing, func(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				s.signed = append(s.signed, req.URL.Host)
			}
			out, metadata, err := next.HandleFinalize(ctx, in)
			metadata.Set(responseKey{}, true) // the SDK always has something to say of a response
			if err == nil {
				out.Result = answer
			}
			return out, metadata, err
		}), smithymiddleware.After)
	}
	if s.outer != nil {
		st.Finalize.Add(smithymiddleware.FinalizeMiddlewareFunc("Outer", s.outer), smithymiddleware.Before)
	}
	for _, option := range options {
		if err := option(st); err != nil {
			panic(err)
		}
	}
	for at, step := range map[smithymiddleware.RelativePosition]func(*smithyhttp.Request){smithymiddleware.Before: s.before, smithymiddleware.After: s.after} {
		if step != nil {
			st.Finalize.Insert(smithymiddleware.FinalizeMiddlewareFunc(fmt.Sprint("Beside", at), func(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
				step(in.Request.(*smithyhttp.Request))
				return next.HandleFinalize(ctx, in)
			}), "Signing", at)
		}
	}
	//lint:ignore SA1019 the oldest smithy-go that we support has no other
	return smithymiddleware.DecorateHandler(smithyhttp.NewClientHandler(client), st)
}

func (s *stack) call(t testing.TB, client smithyhttp.ClientDo, options ...func(*smithymiddleware.Stack) error) (smithymiddleware.Metadata, error) {
	t.Helper()
	ctx := s.ctx
	if ctx == nil {
		ctx = t.Context()
	}
	out, metadata, err := s.handler(options, client).Handle(ctx, struct{}{})
	if s.signing != "" && (out == answer) != (err == nil) {
		t.Errorf("the result is %v, and the error %v", out, err)
	}
	return metadata, err
}

// answer is the result of a signed call.
const answer = "answer"

func options(resolvers ...*resolver.Resolver) []func(*smithymiddleware.Stack) error {
	var all []func(*smithymiddleware.Stack) error
	for _, r := range resolvers {
		middleware.Append(&all, r)
	}
	return all
}

// Given stacks of every kind, when they are called with the middleware appended,
// then it changes the host of those that sign for a host it knows, and no other's.
func TestWhichRequestsAreRouted(t *testing.T) {
	tests := []struct {
		name   string
		stack  stack
		want   string
		routed bool // the result's metadata has a route
	}{
		{"a signed request", stack{url: "https://" + serviceHost, signing: "Signing"}, zonalHost, true},
		{"one with the scheme's own port", stack{url: "https://" + serviceHost + ":443", signing: "Signing"}, zonalHost, true},
		{"one over HTTP with its port", stack{url: "http://" + serviceHost + ":80", signing: "Signing"}, zonalHost, true},
		{"one with another port", stack{url: "https://" + serviceHost + ":8443", signing: "Signing"}, serviceHost + ":8443", true},
		{"a host that isn't known", stack{url: "https://kms.us-east-1.amazonaws.com", signing: "Signing"}, "kms.us-east-1.amazonaws.com", true},
		{"a Host that somebody set", stack{url: "https://" + serviceHost, host: "example.com", signing: "Signing"}, serviceHost, false},
		{"no Signing step", stack{url: "https://" + serviceHost}, serviceHost, false},
		{"a presigning step", stack{url: "https://" + serviceHost, signing: "PresignHTTPRequest"}, serviceHost, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sent []string
			metadata, err := tt.stack.call(t, smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
				sent = append(sent, r.URL.Host)
				return smithyhttp.NopClient{}.Do(r)
			}), options(newResolver(t))...)
			if err != nil {
				t.Fatal(err)
			}
			if len(sent) != 1 || sent[0] != tt.want {
				t.Errorf("sent to %q, want %q", sent, tt.want)
			}
			if tt.stack.signing != "" && (len(tt.stack.signed) != 1 || tt.stack.signed[0] != tt.want) {
				t.Errorf("signed for %q, want %q", tt.stack.signed, tt.want)
			}
			route, ok := middleware.RouteFrom(metadata)
			if ok != tt.routed {
				t.Fatalf("got a route: %v, want %v", ok, tt.routed)
			}
			if ok && route.Target == resolver.Zonal && route.Host != tt.want {
				t.Errorf("the route says %s, want %s", route.Host, tt.want)
			}
		})
	}
}

func TestRequestsThatAreNotHTTP(t *testing.T) {
	type other struct{}
	s := stack{signing: "Signing", request: &other{}}
	st := options(newResolver(t))
	_, _, err := s.handler(st, smithyhttp.NopClient{}).Handle(context.Background(), struct{}{})
	// The client handler is the one that minds.
	if err == nil || len(s.signed) != 0 {
		t.Errorf("got error %v and %q signed, want the HTTP client's own error", err, s.signed)
	}
}

// Given the middleware appended to a config, a client and a call, when called,
// then it acts once, as the one closest to the call says.
func TestAppendedSeveralTimes(t *testing.T) {
	far, near := newResolver(t, resolver.WithMode(resolver.Off)), newResolver(t)
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	metadata, err := s.call(t, nop{}, options(far, far, near)...)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.signed) != 1 || s.signed[0] != zonalHost {
		t.Errorf("signed for %q, want once, for %s", s.signed, zonalHost)
	}
	if route, _ := middleware.RouteFrom(metadata); route.Reason != resolver.InZone {
		t.Errorf("got reason %v, want %v", route.Reason, resolver.InZone)
	}
}

// Given two copies of a config that share an array, when the middleware is
// appended to one, then the other's options are its own still.
func TestAppendLeavesCopiesAlone(t *testing.T) {
	shared := make([]func(*smithymiddleware.Stack) error, 0, 4)
	one, two := shared, shared
	two = append(two, func(*smithymiddleware.Stack) error { return errors.New("the other's") })
	middleware.Append(&one, newResolver(t))
	if err := two[0](nil); err == nil || err.Error() != "the other's" {
		t.Errorf("the other's option was overwritten: got %v", err)
	}
}

func TestAppendOfNothing(t *testing.T) {
	var all []func(*smithymiddleware.Stack) error
	middleware.Append(&all, nil)
	middleware.Append(nil, newResolver(t))
	if len(all) != 0 {
		t.Errorf("got %d options for no resolver, want none", len(all))
	}
}

// Given a call that fails, when its error is looked into, then it says where the
// call went, and is in every other way what the SDK made.
func TestErrorsKnowTheRoute(t *testing.T) {
	cause := errors.New("body is no good")
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	client := smithyhttp.ClientDoFunc(func(*http.Request) (*http.Response, error) { return nil, cause })
	_, err := s.call(t, client, options(newResolver(t))...)
	var routed *middleware.RoutedError
	if !errors.As(err, &routed) || routed.Route.Host != zonalHost {
		t.Fatalf("got %v, want an error that knows %s", err, zonalHost)
	}
	_, bare := s.call(t, client)
	if err.Error() != bare.Error() {
		t.Errorf("got text %q, want the SDK's, %q", err, bare)
	}
	var sending *smithyhttp.RequestSendError
	if !errors.Is(err, cause) || !errors.As(err, &sending) {
		t.Errorf("the SDK's own errors can't be reached in %#v", err)
	}
	if len(s.signed) != 2 {
		t.Errorf("sent %d times, want once each: nothing shows that the request did not arrive", len(s.signed))
	}
}

// ownClient are the options for a client that has our dialer.
func ownClient(r *resolver.Resolver) []func(*smithymiddleware.Stack) error {
	var all []func(*smithymiddleware.Stack) error
	middleware.Append(&all, r, middleware.WithDialer(dialer.New(r)))
	return all
}

// What the middleware adds to a call, beyond a stack and a client that do nothing.
func BenchmarkCall(b *testing.B) {
	r := newResolver(b)
	for _, bench := range []struct {
		name    string
		options []func(*smithymiddleware.Stack) error
	}{{"without", nil}, {"without, again", nil}, {"with", ownClient(r)}, {"with, foreign", options(r)}} {
		b.Run(bench.name, func(b *testing.B) {
			s := stack{url: "https://" + serviceHost, signing: "Signing"}
			b.ReportAllocs()
			for b.Loop() {
				s.signed = s.signed[:0]
				if _, err := s.call(b, smithyhttp.NopClient{}, bench.options...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestCallAllocates(t *testing.T) {
	r := newResolver(t)
	own := ownClient(r)
	for _, test := range []struct {
		name     string
		ctx      context.Context
		attempts string
		most     float64
	}{
		{"a call that has more attempts", context.Background(), "attempt=1; max=3", 2},
		{"a call", context.Background(), "", 6},
		{"a call that its caller traces", httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			GetConn: func(string) {}, GotConn: func(httptrace.GotConnInfo) {},
		}), "", 9},
	} {
		count := func(options []func(*smithymiddleware.Stack) error) float64 {
			s := stack{url: "https://" + serviceHost, signing: "Signing", attempts: test.attempts}
			least := math.Inf(1)
			for range 5 { // what other goroutines allocate meanwhile is counted, too
				least = min(least, testing.AllocsPerRun(50, func() {
					s.signed = s.signed[:0]
					if _, _, err := s.handler(options, smithyhttp.NopClient{}).Handle(test.ctx, struct{}{}); err != nil {
						t.Fatal(err)
					}
				}))
			}
			return least
		}
		if added := count(own) - count(nil); added > test.most {
			t.Errorf("the middleware adds %v allocations to %s, want at most %v", added, test.name, test.most)
		}
	}
}

type nop = smithyhttp.NopClient
