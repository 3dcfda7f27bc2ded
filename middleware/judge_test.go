package middleware

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	service = "sqs.us-east-1.amazonaws.com"
	zonal   = "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com"
)

func newTestResolver(t testing.TB, opts ...resolver.Option) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(append([]resolver.Option{
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"})),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// sending is an error as the SDK has it of a client that could not send, or got no answer.
func sending(err error) error {
	return &smithyhttp.RequestSendError{Err: &url.Error{Op: "Post", URL: "https://" + zonal + "/secret", Err: err}}
}

func answer(status int, id string, err error) error {
	h := http.Header{}
	if id != "" {
		h.Set("X-Amzn-Requestid", id)
	}
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: h}}, Err: err}
}

// notConnected is the dialer's error for a host, whose resolver is none of ours.
func notConnected(t *testing.T, host string, by error) error {
	t.Helper()
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, by }}
	dialer.New(nil).Install(tr, nil)
	_, err := tr.DialContext(t.Context(), "tcp", host+":443")
	if !errors.As(err, new(*dialer.Error)) {
		t.Fatalf("got %v", err)
	}
	return sending(err)
}

type timeout struct{ error }

func (timeout) Timeout() bool { return true }

// Given every kind of error of a send to the zonal name, and to the regional one, then what it means, whether it proves that nothing was sent, and what the
// resolver is told.
func TestJudge(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	absent := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	certificate := &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}}
	throttled := &smithy.GenericAPIError{Code: "ThrottlingException"}
	api := &smithy.GenericAPIError{Code: "AccessDenied"}
	for _, tt := range []struct {
		name   string
		err    error
		cause  resolver.Cause
		unsent bool
		guess  bool
		told   resolver.Cause // of the zonal name
		proven bool           // the name has answered, as the resolver is told
	}{
		{"no error", nil, resolver.NoCause, false, false, resolver.NoCause, true},
		{"the dialer's, refused", notConnected(t, zonal, refused), resolver.CauseConnect, true, false, resolver.NoCause, false},
		{"the dialer's, no such name", notConnected(t, zonal, absent), resolver.CauseAbsent, true, false, resolver.NoCause, false},
		{"the dialer's, certificate", notConnected(t, zonal, certificate), resolver.CauseCertificate, true, false, resolver.NoCause, false},
		{"the dialer's, path", sending(&dialer.Error{Cause: resolver.CausePathDead, Err: errors.New("x")}), resolver.CausePathDead, false, false, resolver.NoCause, false},
		{"refused, another's", sending(refused), resolver.CauseBroken, false, false, resolver.CauseBroken, false},
		{"reset", sending(reset), resolver.CauseBroken, false, false, resolver.CauseBroken, false},
		{"end", sending(io.EOF), resolver.CauseBroken, false, false, resolver.CauseBroken, false},
		{"the client's own timeout", sending(timeout{errors.New("too long")}), resolver.CauseUnanswered, false, false, resolver.CauseUnanswered, false},
		{"of the client's making", sending(errors.New("http2: x")), resolver.CauseBroken, false, true, resolver.NoCause, false},
		{"a signer's", errors.New("no credentials"), resolver.NoCause, false, false, resolver.NoCause, false},
		{"403", answer(403, "id", api), resolver.NoCause, false, false, resolver.NoCause, true},
		{"404 without id", answer(404, "", api), resolver.NoCause, false, false, resolver.NoCause, true},
		{"500", answer(500, "id", api), resolver.CauseServerError, false, false, resolver.CauseServerError, false},
		{"500 without id", answer(500, "", api), resolver.CauseServerError, false, false, resolver.CauseServerError, false},
		{"503", answer(503, "id", api), resolver.CauseServerError, false, false, resolver.CauseServerError, false},
		{"503 without id", answer(503, "", api), resolver.CauseUnavailable, false, false, resolver.CauseUnavailable, false},
		{"503, throttled", answer(503, "", throttled), resolver.NoCause, false, false, resolver.NoCause, true},
		{"300 whose body broke", answer(300, "id", io.ErrUnexpectedEOF), resolver.NoCause, false, false, resolver.NoCause, true},
		{"200 whose body broke", answer(200, "id", io.ErrUnexpectedEOF), resolver.CauseBroken, false, false, resolver.CauseBroken, false},
	} {
		for _, elsewhere := range []bool{false, true} {
			r := newTestResolver(t)
			c := &call{shared: &shared{resolver: r}}
			if c.route = r.Resolve(service); elsewhere {
				c.route = c.route.FailedOver(resolver.CauseConnect)
			}
			begun := time.Now().Add(-time.Minute)
			if strings.HasPrefix(tt.name, "the dialer's") {
				begun = time.Now()
			}
			found := c.judge(t.Context(), begun, tt.err)
			want := finding{tt.cause, tt.unsent && !elsewhere, tt.guess} // the errors are the zonal name's: elsewhere, they would be a redirect's
			if found != want {
				t.Errorf("%s, elsewhere %v: got %+v, want %+v", tt.name, elsewhere, found, want)
			}
			avoid := tt.cause
			told, proven := tt.told, tt.proven
			if elsewhere {
				avoid, told, proven = resolver.NoCause, resolver.NoCause, false
			}
			if c.avoid != avoid {
				t.Errorf("%s, elsewhere %v: the next attempt avoids the name because of %v, want %v", tt.name, elsewhere, c.avoid, avoid)
			}
			s := r.Snapshot().Endpoints[0]
			if s.LastCause != told || r.Resolve(service).Proven() != proven {
				t.Errorf("%s, elsewhere %v: the resolver was told %v, answered %v; want %v, %v", tt.name, elsewhere, s.LastCause, r.Resolve(service).Proven(), told, proven)
			}
			if strings.Contains(s.LastError, "secret") {
				t.Errorf("%s: an object's key is shown: %s", tt.name, s.LastError)
			}
		}
	}
}

// Given server errors in the zone, so that requests compare it with others, when these can't be connected to, then it is no better there, and requests stay in
// the zone.
func TestNoBetterElsewhere(t *testing.T) {
	r := newTestResolver(t)
	for range 3 {
		r.Resolve(service).Failed(resolver.CauseServerError, nil)
	}
	c := &call{shared: &shared{resolver: r}, route: r.Resolve(service)}
	if c.route.Target != resolver.Regional || c.route.Reason != resolver.Unhealthy {
		t.Fatalf("nothing is compared: %v", c.route)
	}
	c.judge(t.Context(), time.Now(), notConnected(t, c.route.Host, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}))
	if got := r.Resolve(service); got.Reason != resolver.InZone {
		t.Errorf("got %v, want the zone", got)
	}
}

// Given a call whose context ends, then a deadline counts, and a cancellation doesn't, nor a body that could not be read.
func TestJudgeOfContexts(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		broken bool
		want   resolver.Cause
	}{
		{"deadline", late, false, resolver.CauseUnanswered},
		{"cancelled", cancelled, false, resolver.NoCause},
		{"deadline, and the body can't be read", late, true, resolver.NoCause},
		{"the body can't be read", t.Context(), true, resolver.NoCause},
	} {
		r := newTestResolver(t)
		c := &call{shared: &shared{resolver: r}, route: r.Resolve(service)}
		if tt.broken {
			c.body.reads = &watched{}
			c.body.reads.broken.Store(true)
		}
		found := c.judge(tt.ctx, time.Now().Add(-time.Minute), &smithy.CanceledError{Err: io.EOF})
		if found.cause != tt.want || found.unsent || r.Snapshot().Endpoints[0].LastCause != tt.want {
			t.Errorf("%s: got %+v, and told %v; want %v", tt.name, found, r.Snapshot().Endpoints[0].LastCause, tt.want)
		}
	}
}

// bad panics where it is looked into.
type bad struct{ context.Context }

func (bad) Value(any) any      { panic("a context's") }
func (bad) Error() string      { return "bad" }
func (bad) Is(error) bool      { panic("an error's") }
func (bad) As(target any) bool { panic("an error's") }

// Given what panics while a request is routed or judged, then the request goes where the SDK would have sent it, and the panic is counted each time, and
// logged once.
func TestPanicsOfRouting(t *testing.T) {
	var log bytes.Buffer
	r := newTestResolver(t, resolver.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	for range 3 {
		c := &call{shared: &shared{resolver: r}}
		if route := c.choose(bad{}, service); route.Host != service || route.Target != resolver.Unmatched {
			t.Errorf("got %v", route)
		}
		c.route = r.Resolve(service)
		if found := c.judge(t.Context(), time.Now(), bad{}); found != (finding{}) {
			t.Errorf("got %+v", found)
		}
	}
	if n := r.Snapshot().Panics; n != 6 {
		t.Errorf("%d panics were counted, want 6", n)
	}
	if n := strings.Count(log.String(), "panicked"); n != 1 {
		t.Errorf("panics were logged %d times, want once:\n%s", n, log.String())
	}
}

// Given an error of a name that doesn't exist, of a call that has another attempt, then the SDK retries it, and it names no URL.
func TestAbsentNamesAreRetried(t *testing.T) {
	err := retryable(sending(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}))
	var dns *net.DNSError
	if errors.As(err, &dns) || !errors.As(err, new(*smithyhttp.RequestSendError)) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

var _ smithymiddleware.FinalizeMiddleware = (*call)(nil)
