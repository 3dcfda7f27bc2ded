package failover

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// presigned are URLs that somebody with credentials made, and that a client without any sends: whatever it does to the host, the signature doesn't fit
// any more.
type presigned struct {
	get, put *sdkv4.PresignedHTTPRequest
}

// presign makes URLs of one object, under the regional name of the endpoint or under S3's own, which private DNS leads there.
func (p *place) presign(t *testing.T, private bool) presigned {
	t.Helper()
	cfg := p.direct("s3", "")
	if private {
		cfg.BaseEndpoint = nil
	}
	client := s3.NewPresignClient(s3.NewFromConfig(cfg, plain))
	get, err := client.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("cat")})
	if err != nil {
		t.Fatal(err)
	}
	put, err := client.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("cat")})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.upload(p.elsewhere("s3"))(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.ResetRequests()
	return presigned{get, put}
}

// newS3Place is a place with S3 only, and private DNS for it.
func newS3Place(t *testing.T, http2 bool, more ...resolver.Option) *place {
	t.Helper()
	p := newPlace(t, lab.Options{HTTP2: http2, Endpoints: []lab.Endpoint{{Service: "s3", PrivateDNS: true}}}, more...)
	p.need443(t, "s3")
	return p
}

// need443 ends the test if the lab may not listen at the port that AWS's endpoints have: a plain client has no dialer of the lab's, which knows others.
func (p *place) need443(t *testing.T, service string) {
	t.Helper()
	if port := p.Address(service, home).Port(); port != 443 {
		const requireAll = "AZAFFINITY_REQUIRE_ALL"
		if os.Getenv(requireAll) == "1" {
			t.Fatalf("the lab is at port %d instead of 443 (%s=1: a test that can't run is a failure)", port, requireAll)
		}
		t.Skipf("the lab is at port %d, and needs 443 here", port)
	}
}

// transport is as http.DefaultTransport, but that it trusts the lab, needs no proxy and keeps a connection for each caller.
func (p *place) transport(callers int) *http.Transport {
	usual := http.DefaultTransport.(*http.Transport)
	return &http.Transport{
		DialContext:           usual.DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: p.CA()},
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   callers,
		IdleConnTimeout:       usual.IdleConnTimeout,
		TLSHandshakeTimeout:   usual.TLSHandshakeTimeout,
		ExpectContinueTimeout: usual.ExpectContinueTimeout,
	}
}

// bareClient is a plain client without us: it asks the lab's DNS and goes where the first answer leads that it can connect to.
func (p *place) bareClient(t *testing.T, base *http.Transport) *http.Client {
	base.DialContext = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Resolver: p.Resolver()}).DialContext
	return closing(t, &http.Client{Transport: base})
}

// plainClient is the same with our dialer.
func (p *place) plainClient(t *testing.T, base *http.Transport) *http.Client {
	return closing(t, &http.Client{Transport: dialer.New(p.resolver, dialer.WithNetResolver(p.Resolver())).RoundTripper(base)})
}

func closing(t *testing.T, c *http.Client) *http.Client {
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// invocation numbers the calls, so that the lab's executions can be told apart: for that the SDK has a header, which isn't signed.
var invocation atomic.Uint64

// send makes a presigned request, reads all of its answer, and returns which protocol it came by. A PUT's body can be had twice if somebody asks for it.
func (u presigned) send(ctx context.Context, client *http.Client, method, id string) (proto int, err error) {
	signed, body := u.get, io.Reader(nil)
	if method == http.MethodPut {
		signed, body = u.put, bytes.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, method, signed.URL, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Amz-Sdk-Invocation-Id", id)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return 0, err
	case resp.StatusCode != http.StatusOK:
		return 0, statusError(resp.StatusCode)
	case method == http.MethodGet && !bytes.Equal(got, payload):
		return 0, fmt.Errorf("%d bytes arrived that are not the object", len(got))
	}
	return resp.ProtoMajor, nil
}

// statusError is an answer other than 200.
type statusError int

func (s statusError) Error() string       { return http.StatusText(int(s)) }
func (s statusError) HTTPStatusCode() int { return int(s) }

// crowd are callers at a time, each of whom puts and gets in turn.
type crowd struct {
	callers, calls int // calls of each
	deadline       time.Duration
	only           string // the method of all calls
}

func (c crowd) String() string { return fmt.Sprintf("%d at once", c.callers) }

// toll is what came of a crowd's calls.
type toll struct {
	calls, failed int
	failedPuts    int
	errs          map[string]int // by kind
	executed      int
	puts, gets    int // how often the one was executed that was executed most often
	zones         map[string]int
	protos        map[int]int
	slowest       time.Duration // of those that were answered
}

func (x toll) String() string {
	return fmt.Sprintf("%d of %d failed %v, %d executions %v, slowest %v", x.failed, x.calls, x.errs, x.executed, x.zones, x.slowest.Round(time.Millisecond))
}

// run makes the calls, and counts what the server executed.
func (c crowd) run(ctx context.Context, p *place, u presigned, client *http.Client) toll {
	return c.make(ctx, p, u, client, 0)
}

// gather is run with callers who come one after the other: the lab's servers share this machine, and so many handshakes at once would take a second each.
func (c crowd) gather(ctx context.Context, p *place, u presigned, client *http.Client) toll {
	return c.make(ctx, p, u, client, 10*time.Millisecond)
}

func (c crowd) make(ctx context.Context, p *place, u presigned, client *http.Client, apart time.Duration) toll {
	p.ResetRequests()
	got := toll{calls: c.callers * c.calls, errs: map[string]int{}, protos: map[int]int{}}
	var (
		mu      sync.Mutex
		callers sync.WaitGroup
		methods sync.Map // of calls, by id
	)
	for n := range c.callers {
		time.Sleep(apart)
		callers.Go(func() {
			for i := range c.calls {
				method := cmp.Or(c.only, []string{http.MethodPut, http.MethodGet}[(n+i)%2])
				id := fmt.Sprint("call ", invocation.Add(1))
				methods.Store(id, method)
				begun := time.Now()
				limited, cancel := context.WithTimeout(ctx, c.deadline)
				proto, err := u.send(limited, client, method, id)
				kind := plainKindOf(limited, err)
				cancel()
				took := time.Since(begun)
				mu.Lock()
				got.protos[proto]++
				switch {
				case err == nil:
					got.slowest = max(got.slowest, took)
				case method == http.MethodPut:
					got.failedPuts++
					fallthrough
				default:
					got.failed++
					got.errs[method+" "+kind]++
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	times := map[string]int{}
	got.zones = map[string]int{}
	for _, e := range p.Executions() {
		got.executed++
		got.zones[e.Zone]++
		times[e.Invocation]++
		if method, _ := methods.Load(e.Invocation); method == http.MethodPut {
			got.puts = max(got.puts, times[e.Invocation])
		} else {
			got.gets = max(got.gets, times[e.Invocation])
		}
	}
	return got
}

// plainKindOf is kindOf, and what our dialer has to say.
func plainKindOf(ctx context.Context, err error) string {
	var dialing *dialer.Error
	if ctx.Err() == nil && errors.As(err, &dialing) {
		return dialing.Cause.String()
	}
	return kindOf(ctx, err)
}

// atHome reports whether all executions were in the home zone.
func (x toll) atHome() bool { return len(x.zones) == 1 && x.zones[home] > 0 }

// comeBack makes calls until they are executed in the home zone again, and returns how long that took, and by which protocol they came.
func (p *place) comeBack(t *testing.T, u presigned, client *http.Client, limit time.Duration, only ...string) (took time.Duration, proto int) {
	t.Helper()
	begun := time.Now()
	for inRow := 0; inRow < 6; { // in a row, so that it isn't the probe
		p.ResetRequests()
		got := crowd{callers: 1, calls: 2, deadline: 5 * time.Second, only: strings.Join(only, "")}.run(t.Context(), p, u, client)
		if got.failed > 0 {
			t.Errorf("after the repair %v", got)
			return 0, 0
		}
		for proto = range maps.Keys(got.protos) {
		}
		switch {
		case got.atHome():
			if inRow++; inRow == 1 {
				took = time.Since(begun)
			}
			continue
		case time.Since(begun) > limit:
			t.Errorf("%v after the repair calls are in %v", time.Since(begun).Round(time.Second), got.zones)
			return 0, 0
		}
		inRow = 0
		time.Sleep(200 * time.Millisecond)
	}
	return took, proto
}
