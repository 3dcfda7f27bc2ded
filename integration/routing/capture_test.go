package routing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithycredentials "github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4"
	v4 "github.com/aws/smithy-go/aws-http-auth/v4"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

const accountID = "123456789012"

var sdkCredentials = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "session"}

// sent is a request as the HTTP client got it.
type sent struct {
	host   string // that would have been dialled
	region string // of the credential scope
	signer string // the service of the credential scope
}

// capture is an HTTP client that answers every request with an error that isn't
// retried, and keeps what it was asked to send.
type capture struct {
	t    testing.TB
	mu   sync.Mutex
	sent []sent
}

func (c *capture) Do(r *http.Request) (*http.Response, error) {
	s := sent{host: r.URL.Host}
	if r.Host != "" && r.Host != r.URL.Host {
		c.t.Errorf("Host header %q differs from the host dialled, %q", r.Host, r.URL.Host)
	}
	if auth := r.Header.Get("Authorization"); strings.HasPrefix(auth, "AWS4-HMAC-SHA256 ") { // not SigV4A
		s.region, s.signer = verify(c.t, r, auth)
	}
	c.mu.Lock()
	c.sent = append(c.sent, s)
	c.mu.Unlock()
	return &http.Response{StatusCode: 400, Header: http.Header{}, Body: http.NoBody, Request: r, ProtoMajor: 1, ProtoMinor: 1}, nil
}

// only is the one request of a call.
func (c *capture) only() sent {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sent) != 1 {
		c.t.Fatalf("got %d requests, want one: %+v", len(c.sent), c.sent)
	}
	return c.sent[0]
}

// verify signs the request again, for the host that would be dialled, with
// another implementation of SigV4, and compares.
func verify(t testing.TB, r *http.Request, auth string) (region, service string) {
	t.Helper()
	fields := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(auth, "AWS4-HMAC-SHA256 "), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[key] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 {
		t.Fatalf("unexpected Authorization: %s", auth)
	}
	region, service = scope[2], scope[3]
	signed := strings.Split(fields["SignedHeaders"], ";")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	again := r.Clone(context.Background())
	again.Host = r.URL.Host
	if slices.Contains(signed, "content-length") {
		again.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	hash := payloadHash(t, r)
	if isSentinel := len(hash) != sha256.Size && string(hash) != "UNSIGNED-PAYLOAD"; isSentinel {
		// The other implementation has no way to say this; the SDK's own signer is
		// asked, about the host that would be dialled.
		again.Header.Del("Authorization")
		err = sdkv4.NewSigner(func(o *sdkv4.SignerOptions) { o.DisableURIPathEscaping = true }).
			SignHTTP(context.Background(), sdkCredentials, again, string(hash), service, region, at)
	} else {
		err = sigv4.New().SignRequest(&sigv4.SignRequestInput{
			Request:     again,
			PayloadHash: hash,
			Credentials: smithycredentials.Credentials{
				AccessKeyID: sdkCredentials.AccessKeyID, SecretAccessKey: sdkCredentials.SecretAccessKey, SessionToken: sdkCredentials.SessionToken,
			},
			Service: service, Region: region, Time: at,
		}, func(o *v4.SignerOptions) {
			o.HeaderRules = headers(signed)
			o.DisableDoublePathEscape = service == "s3"
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, want := auth, again.Header.Get("Authorization"); got != want {
		t.Errorf("not signed for the host that is dialled, %s:\n got %s\nwant %s", r.URL.Host, got, want)
	}
	return region, service
}

type headers []string

func (h headers) IsSigned(name string) bool { return slices.Contains(h, name) }

func payloadHash(t testing.TB, r *http.Request) []byte {
	t.Helper()
	declared := r.Header.Get("X-Amz-Content-Sha256")
	if declared == "" && r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		hash := sha256.Sum256(body)
		return hash[:]
	}
	if declared == "" {
		hash := sha256.Sum256(nil)
		return hash[:]
	}
	if hash, err := hex.DecodeString(declared); err == nil {
		return hash
	}
	return []byte(declared)
}

// call makes one call through the middleware and returns what was sent and where
// the middleware says it went.
func call(t *testing.T, r *resolver.Resolver, cfg aws.Config, do func(context.Context, aws.Config) error) (sent, resolver.Route) {
	t.Helper()
	got, err := callError(t, r, cfg, do)
	route, ok := routeIn(err)
	if r != nil && !ok {
		t.Fatalf("got %v, want an error that knows its route", err)
	}
	return got, route
}

// callError is call for calls whose error may be from elsewhere.
func callError(t *testing.T, r *resolver.Resolver, cfg aws.Config, do func(context.Context, aws.Config) error) (sent, error) {
	t.Helper()
	client := &capture{t: t}
	cfg.HTTPClient = client
	middleware.Append(&cfg.APIOptions, r)
	err := do(t.Context(), cfg)
	return client.only(), err
}

func routeIn(err error) (resolver.Route, bool) {
	var routed *middleware.RoutedError
	if !errors.As(err, &routed) {
		return resolver.Route{}, false
	}
	return routed.Route, true
}
