package failover

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// load is what a program does that calls again and again.
type load struct {
	calls, atOnce int
	deadline      time.Duration // of each call's context; 0: none
	retries       bool
}

// tally is what came of it.
type tally struct {
	failed   int
	errs     map[string]int // what they said
	executed int            // at the server
	twice    int            // calls that were executed more than once
	took     time.Duration
}

// run makes the calls and counts what the server executed. call is one of them.
func (l load) run(ctx context.Context, p *place, call func(context.Context) error) tally {
	p.ResetRequests()
	got := tally{errs: map[string]int{}}
	var (
		mu      sync.Mutex
		callers sync.WaitGroup
		left    = make(chan struct{}, l.calls)
	)
	for range l.calls {
		left <- struct{}{}
	}
	close(left)
	begun := time.Now()
	for range l.atOnce {
		callers.Go(func() {
			for range left {
				err := l.one(ctx, call)
				mu.Lock()
				if err != nil {
					got.failed++
					got.errs[err.Error()]++
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	got.took = time.Since(begun)
	times := map[string]int{}
	for _, e := range p.Executions() {
		got.executed++
		times[e.Invocation]++
	}
	for _, n := range times {
		if n > 1 {
			got.twice++
		}
	}
	return got
}

func (l load) one(ctx context.Context, call func(context.Context) error) error {
	if l.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.deadline)
		defer cancel()
	}
	return call(ctx)
}

// set is the config's retries.
func (l load) set(cfg aws.Config) aws.Config {
	cfg.Retryer = quick
	cfg.RetryMaxAttempts = 1
	if l.retries {
		cfg.RetryMaxAttempts = attempts
	}
	return cfg
}

// quick has the SDK pause for no longer than a moment before it retries. Its pauses are up to 2 s, and then 4 s. They are for the SDK to promise.
func quick() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 10 * time.Millisecond })
}

// send is a call that must not be executed twice.
func (p *place) send(cfg aws.Config) func(context.Context) error {
	client := sqs.NewFromConfig(cfg)
	return func(ctx context.Context) error {
		_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
		return err
	}
}

// bare is the SDK without us, given a service's regional name. Its first connection leads to another zone than home, the luckiest it can be: what
// fails nevertheless fails for everybody.
func (p *place) bare(t *testing.T, service string, change ...func(*awshttp.BuildableClient) *awshttp.BuildableClient) aws.Config {
	t.Helper()
	cfg := p.direct(service, "")
	cfg.HTTPClient = changed(p.SDKClient(), change)
	p.next(t, service, away)
	return cfg
}

// routed is the config of a program that attached azaffinity to it.
func (p *place) routed(change ...func(*awshttp.BuildableClient) *awshttp.BuildableClient) aws.Config {
	cfg := p.Config()
	cfg.HTTPClient = changed(p.SDKClient(), change)
	middleware.Attach(&cfg, p.resolver)
	return cfg
}

// foreign is the config of a program with an HTTP client that azaffinity knows nothing of.
func (p *place) foreign(client aws.HTTPClient) aws.Config {
	cfg := p.Config()
	cfg.HTTPClient = client
	middleware.Attach(&cfg, p.resolver)
	return cfg
}

func changed(c *awshttp.BuildableClient, change []func(*awshttp.BuildableClient) *awshttp.BuildableClient) *awshttp.BuildableClient {
	for _, f := range change {
		c = f(c)
	}
	return c
}

// headerTimeout has the HTTP client give up on an answer that doesn't begin.
func headerTimeout(d time.Duration) func(*awshttp.BuildableClient) *awshttp.BuildableClient {
	return func(c *awshttp.BuildableClient) *awshttp.BuildableClient {
		return c.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = d })
	}
}

// clientTimeout has the HTTP client give up on an answer that isn't there as a whole.
func clientTimeout(d time.Duration) func(*awshttp.BuildableClient) *awshttp.BuildableClient {
	return func(c *awshttp.BuildableClient) *awshttp.BuildableClient { return c.WithTimeout(d) }
}

// lines is a log to look into.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// with counts the lines that have all of the texts.
func (l *lines) with(texts ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		has := true
		for _, text := range texts {
			has = has && strings.Contains(line, text)
		}
		if has {
			n++
		}
	}
	return n
}

// newLoggedPlace is a place with SQS and S3 whose resolver logs.
func newLoggedPlace(t *testing.T, http2 bool) (*place, *lines) {
	t.Helper()
	log := &lines{}
	p := newPlace(t, lab.Options{HTTP2: http2, Endpoints: []lab.Endpoint{{Service: "sqs"}, {Service: "s3"}}},
		resolver.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	return p, log
}

func protocol(http2 bool) string {
	if http2 {
		return "HTTP2"
	}
	return "HTTP1"
}

func (l load) String() string {
	retries := "off"
	if l.retries {
		retries = "on"
	}
	return fmt.Sprintf("%d at once, deadline %v, retries %s", l.atOnce, l.deadline, retries)
}

// inFlight is how many calls may fail beyond the bare SDK's: a handful, or those that are under way when the third deadline passes, and the two before.
func (l load) inFlight() int { return max(4, l.atOnce+2) }
