package failover

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// patient is a config with the HTTP client as the SDK has it: 30 s to connect, and
// no end to waiting for an answer.
func (p *place) patient(attempts int) aws.Config {
	cfg := p.attached()
	cfg.RetryMaxAttempts = attempts
	return cfg
}

// state is what is known of a service's endpoint.
func (p *place) state(service string) resolver.EndpointState {
	for _, e := range p.resolver.Snapshot().Endpoints {
		if e.Service == service {
			return e
		}
	}
	return resolver.EndpointState{}
}

// Given a zone that swallows packets, when calls are made with the SDK's retries off
// and its patient HTTP client, then each is answered within the connect timeout and a
// tenth or two, although the regional name leads there, too; and when the name is
// ejected, at once.
func TestConnectTimeout(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("sts", home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		// Without connections from before.
		client := sts.NewFromConfig(p.patient(1))
		start := time.Now()
		out, err := client.GetCallerIdentity(t.Context(), nil)
		took := time.Since(start)
		if err != nil {
			t.Fatal(err)
		}
		route, _ := middleware.RouteFrom(out.ResultMetadata)
		limit, reason := 2*time.Second, resolver.FailedOver
		if i >= 3 {
			limit, reason = 800*time.Millisecond, resolver.Unhealthy
		}
		if route.Reason != reason || took > limit {
			t.Errorf("call %d took %v by %v, want at most %v by %v", i+1, took, route.Reason, limit, reason)
		}
	}
	if s := p.state("sts"); !s.Ejected || s.Ejections != 1 || s.Failovers[resolver.CauseTimeout] != 3 ||
		s.Attempts[resolver.InZone] != 3 || s.Attempts[resolver.FailedOver] != 3 || s.Attempts[resolver.Unhealthy] != 5 {
		t.Errorf("got %+v", s)
	}
}

// Given calls that wait for a connection to a zonal name, when it is ejected
// because of others, then they don't wait any longer.
func TestWaitingForANameThatIsEjected(t *testing.T) {
	p := newPlace(t, lab.Options{})
	client := sts.NewFromConfig(p.patient(1))
	if err := p.Fault(home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	var calls sync.WaitGroup
	var ended [4]time.Duration
	for i := range ended {
		calls.Go(func() {
			if i == 3 { // the first three will have ejected it
				time.Sleep(600 * time.Millisecond)
			}
			out, err := client.GetCallerIdentity(t.Context(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if route, _ := middleware.RouteFrom(out.ResultMetadata); route.Cause != resolver.CauseTimeout {
				t.Errorf("call %d took %+v", i, route)
			}
			ended[i] = time.Since(start)
		})
	}
	calls.Wait()
	// By itself it would have waited until 1.6 s after the start.
	if last := ended[3] - slices.Max(ended[:3]); last > 350*time.Millisecond {
		t.Errorf("the last call was answered %v after the others", last)
	}
}

// Given kept connections whose packets vanish, when calls are made over them, then
// those that the SDK retries are answered soon, and executed once; and one that it
// doesn't retry is left to its own deadline.
func TestDeadPath(t *testing.T) {
	p := newPlace(t, lab.Options{})
	once, thrice := p.patient(1), p.patient(3)
	thrice.HTTPClient = once.HTTPClient
	send := func(ctx context.Context, cfg aws.Config) (*sqs.SendMessageOutput, error) {
		return sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
	}
	var warm sync.WaitGroup
	for range 5 { // one of their connections is sure to be kept
		warm.Go(func() {
			if _, err := send(t.Context(), once); err != nil {
				t.Error(err)
			}
		})
	}
	warm.Wait()
	p.ResetRequests()
	if err := p.FaultService("sqs", home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	out, err := send(t.Context(), thrice)
	if err != nil {
		t.Fatal(err)
	}
	const pause = 2 * time.Second // of the SDK's before it retries, at most
	if took := time.Since(start); took > pathTimeout+pause {
		t.Errorf("took %v, want at most %v", took, pathTimeout+pause)
	}
	route, _ := middleware.RouteFrom(out.ResultMetadata)
	if route.Cause != resolver.CausePathDead {
		t.Errorf("got route %+v, want the fallback because the path is dead", route)
	}
	if n := p.RequestsOf("sqs"); n[home] != 0 || n["us-east-1b"]+n["us-east-1c"] != 1 {
		t.Errorf("executed %v, want once, and not in %s", n, home)
	}
	if s := p.state("sqs"); !s.Ejected {
		t.Errorf("got %+v, want the name ejected", s)
	}
}

// Given a call without a retry behind it on a path that has died, when it has gone
// unanswered for a while, then the name is ejected, and the call is not ended
// by anybody but its caller.
func TestLastAttemptsAreLeftAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t, lab.Options{})
	p.config = p.patient(1)
	p.warm(t, "sqs")
	client := sqs.NewFromConfig(p.config)
	if err := p.FaultService("sqs", home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	const deadline = 3500 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	start := time.Now()
	if _, err := client.ListQueues(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the caller's deadline", err)
	}
	if took := time.Since(start); took < deadline {
		t.Errorf("ended after %v, want %v", took, deadline)
	}
	if s := p.state("sqs"); !s.Ejected {
		t.Errorf("got %+v, want the name ejected", s)
	}
}

// Given a service that is only slow, when a call waits for it, then it is left alone,
// and so is the name.
func TestSlownessIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t, lab.Options{})
	client := sqs.NewFromConfig(p.patient(3))
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &p.queue, WaitTimeSeconds: 3})
	if err != nil {
		t.Fatal(err)
	}
	if route, _ := middleware.RouteFrom(out.ResultMetadata); route.Target != resolver.Zonal {
		t.Errorf("got route %+v, want the zonal one", route)
	}
	if s := p.state("sqs"); s.Ejected || !s.LastAt.IsZero() {
		t.Errorf("got %+v, want nothing against the name", s)
	}
	if n := p.RequestsOf("sqs"); n[home] != 1 {
		t.Errorf("executed %v, want once, in %s", n, home)
	}
}

// Given many calls on connections whose path dies, when they are sent elsewhere, then
// not so many at once that the SDK's retry quota is empty.
func TestManyCallsOnADeadPath(t *testing.T) {
	const callers = 150
	p := newPlace(t, lab.Options{})
	cfg := p.patient(3)
	client := sqs.NewFromConfig(cfg)
	errs := make(chan error, callers)
	call := func(wait int32) {
		_, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &p.queue, WaitTimeSeconds: wait})
		errs <- err
	}
	for range callers {
		go call(2)
	}
	time.Sleep(500 * time.Millisecond) // so that all are waiting
	if err := p.FaultService("sqs", home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	for range callers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
