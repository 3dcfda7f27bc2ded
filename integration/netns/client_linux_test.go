package netns

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	azone "github.com/azaffinity/azaffinity/resolver/zone"
)

// config is what a program has from config.LoadDefaultConfig, with the SDK's own HTTP client and its limits: the names and the authority are the
// network's. Each has a connection pool of its own.
func (n *network) config() aws.Config {
	return aws.Config{
		Region:      region,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		HTTPClient: awshttp.NewBuildableClient().
			WithDialerOptions(func(d *net.Dialer) { d.Resolver = n.dns.resolver() }).
			WithTransportOptions(func(t *http.Transport) {
				t.TLSClientConfig = &tls.Config{RootCAs: n.pool, MinVersion: tls.VersionTLS12}
			}),
		// LoadDefaultConfig sets these two; a zero Config has no trailing checksums.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
}

// routed is an S3 client in the home zone, which knows the endpoint's regional name.
type routed struct {
	*s3.Client
	resolver *resolver.Resolver
	pauses   *pauses
}

func (n *network) client(t *testing.T, opts ...func(*s3.Options)) routed {
	t.Helper()
	r, err := resolver.New(
		resolver.WithZone(azone.Static(azone.Zone{Name: home})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "*." + vpceName("")})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := n.config()
	middleware.Attach(&cfg, r)
	p := &pauses{sdk: retry.NewExponentialJitterBackoff(retry.DefaultMaxBackoff)}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.Backoff = p })
	}
	return routed{s3.NewFromConfig(cfg, opts...), r, p}
}

// pauses are those of the SDK before its retries: up to two seconds before the first, by chance. What a call takes is measured without them.
type pauses struct {
	sdk retry.BackoffDelayer

	mu             sync.Mutex
	n              int
	total, longest time.Duration
}

func (p *pauses) BackoffDelay(attempt int, err error) (time.Duration, error) {
	d, err := p.sdk.BackoffDelay(attempt, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.total, p.longest = p.total+d, max(p.longest, d)
	return d, err
}

// take tells how many there were since it was last asked, and how long they took: together, and the longest.
func (p *pauses) take() (n int, total, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, total, longest = p.n, p.total, p.longest
	p.n, p.total, p.longest = 0, 0, 0
	return n, total, longest
}

// once turns the SDK's retries off.
func once(o *s3.Options) { o.RetryMaxAttempts = 1 }

// newDirect is a client without azaffinity, of another zone: for what the tests themselves want to know.
func (n *network) newDirect() *s3.Client {
	return s3.NewFromConfig(n.config(), func(o *s3.Options) {
		o.BaseEndpoint = aws.String("https://bucket." + vpceName(region+"c"))
		o.UsePathStyle = true
	})
}

// operation is a call, and how much goes over the wire with it.
type operation struct {
	name, action string
	size         int
	// fits: the request is small enough to be sent without an acknowledgement.
	fits bool
	body func(io.ReadSeeker) io.ReadSeeker // wraps what is uploaded; nil: nothing
}

var (
	putSmall = operation{"PutObject of 1 KiB", "PutObject", 1 << 10, true, nil}
	putLarge = operation{"PutObject of 3 MiB", "PutObject", 3 << 20, false, nil} // from 2 MiB on the SDK asks first, by Expect: 100-continue
	getLarge = operation{"GetObject of 3 MiB", "GetObject", 3 << 20, true, nil}

	operations = []operation{putSmall, putLarge, getLarge}
)

// payload is the object: bytes that differ wherever one looks, so that a part in the wrong place shows.
func (o operation) payload() []byte { return noise()[:o.size] }

var noise = sync.OnceValue(func() []byte {
	p := make([]byte, 4<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p)
	return p
})

// prepare puts the object there that is to be read.
func (o operation) prepare(t *testing.T, n *network, key string) {
	t.Helper()
	if o.action != "GetObject" {
		return
	}
	_, err := n.direct.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: bytes.NewReader(o.payload())})
	if err != nil {
		t.Fatal(err)
	}
}

// call makes the call, and tells how long the answer took: that of a download without the object. One that is read and isn't what was written is
// an error.
func (o operation) call(ctx context.Context, c routed, key string) (metadata smithymiddleware.Metadata, took time.Duration, err error) {
	start := time.Now()
	if o.action == "PutObject" {
		var body io.ReadSeeker = bytes.NewReader(o.payload())
		if o.body != nil {
			body = o.body(body)
		}
		metadata, err = put(ctx, c, key, body)
		return metadata, time.Since(start), err
	}
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	took = time.Since(start)
	if err != nil {
		return metadata, took, err
	}
	defer out.Body.Close()
	return out.ResultMetadata, took, o.compare(out.Body)
}

func put(ctx context.Context, c routed, key string, body io.Reader) (smithymiddleware.Metadata, error) {
	out, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: body})
	if err != nil {
		return smithymiddleware.Metadata{}, err
	}
	return out.ResultMetadata, nil
}

func (o operation) compare(body io.Reader) error {
	got, err := io.ReadAll(body)
	switch {
	case err != nil:
		return fmt.Errorf("the object ends after %d bytes: %w", len(got), err)
	case !bytes.Equal(got, o.payload()):
		return fmt.Errorf("the object has %d bytes, which are not the %d that were written", len(got), o.size)
	}
	return nil
}

// check looks at the object from another zone.
func (o operation) check(t *testing.T, n *network, key string) {
	t.Helper()
	out, err := n.direct.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if err := o.compare(out.Body); err != nil {
		t.Error(err)
	}
}

// cold is a client that has no connection, and no retries.
func (n *network) cold(t *testing.T, _ string) routed { return n.client(t, once) }

// warm is a client with a kept connection to the zonal name. The key is that of the call it is for.
func (n *network) warm(t *testing.T, key string) routed {
	t.Helper()
	c := n.client(t)
	metadata, err := put(t.Context(), c, key+"-before", bytes.NewReader(nil))
	if err != nil {
		t.Fatal(err)
	}
	if route, _ := middleware.RouteFrom(metadata); route.Target != resolver.Zonal {
		t.Fatalf("the first call went to %+v, want the zonal name", route)
	}
	return c
}

// giveUp is when a call that should have been answered long ago has failed.
const giveUp = 15 * time.Second

// result is how a call went.
type result struct {
	route   resolver.Route
	took    time.Duration // without the SDK's pauses
	retries int
}

// do makes the call, which has to be answered in time, the SDK's pauses not counted.
func (o operation) do(t *testing.T, c routed, key string, limit time.Duration) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), giveUp)
	defer cancel()
	metadata, took, err := o.call(ctx, c, key)
	retries, pause, _ := c.pauses.take()
	r := result{took: took - pause, retries: retries}
	if err != nil {
		t.Fatalf("%s failed after %v: %v", o.name, r.took.Round(time.Millisecond), err)
	}
	var ok bool
	if r.route, ok = middleware.RouteFrom(metadata); !ok {
		t.Errorf("%s: the result doesn't know its route", o.name)
	}
	if !o.fits {
		limit += time.Second // for its bytes, which come before the answer
	}
	if r.took > limit {
		t.Errorf("%s took %v, want at most %v", o.name, r.took, limit)
	}
	t.Logf("%s: %v, %v, cause %q; %v and %v of %d pauses", o.name, r.route.Target, r.route.Reason, r.route.Cause.String(),
		r.took.Round(time.Millisecond), pause.Round(time.Millisecond), retries)
	return r
}
