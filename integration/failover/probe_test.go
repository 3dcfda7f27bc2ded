package failover

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// eject has a service's name ejected for a server's errors, and returns when it is due for a probe, which only a request can be.
func (p *place) eject(t *testing.T, service string, call func(context.Context) error) (due time.Time) {
	t.Helper()
	if err := p.FaultService(service, home, lab.ServerError(http.StatusInternalServerError)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		_ = call(t.Context())
	}
	s := p.state(service)
	if !s.Ejected {
		t.Fatalf("the snapshot says %+v, want the name ejected", s)
	}
	return s.RetryAt
}

// Given an ejected name that is due for a probe and would fail it, when calls are made that can't be sent twice, or have no attempt left, then none of them is
// the probe, and none fails; a call with another attempt is, once, and is answered elsewhere.
func TestWhichCallsAreTheProbe(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		t.Run(protocol(http2), func(t *testing.T) {
			t.Parallel()
			p, _ := newLoggedPlace(t, http2)
			once, thrice := load{}.set(p.routed()), load{retries: true}.set(p.routed())
			due := p.eject(t, "s3", p.upload(once))
			time.Sleep(time.Until(due) + 100*time.Millisecond)
			zonal := func() uint64 { return p.state("s3").Attempts[resolver.InZone] }
			before := zonal()
			stream, trailer := put("", payload, readOnce, plain, unsigned), put("", payload, readOnce)
			for _, call := range []struct {
				name string
				cfg  aws.Config
				do   func(*place) error
			}{
				{"no attempt left", once, func(p *place) error { return p.upload(p.config)(t.Context()) }},
				{"a stream", thrice, func(p *place) error { _, err := stream.call(t.Context(), p); return err }},
				{"a stream with a trailer", thrice, func(p *place) error { _, err := trailer.call(t.Context(), p); return err }},
				{"a stream, and no attempt left", once, func(p *place) error { _, err := stream.call(t.Context(), p); return err }},
			} {
				own := *p
				own.config = call.cfg
				for range 5 {
					if err := call.do(&own); err != nil {
						t.Errorf("%s: %v", call.name, err)
					}
				}
				if got := zonal(); got != before {
					t.Errorf("%s: %d requests tried the name", call.name, got-before)
				}
			}
			if failed := (load{calls: 20, atOnce: 4}).run(t.Context(), p, p.upload(thrice)).failed; failed > 0 {
				t.Errorf("%d calls with another attempt failed", failed)
			}
			if got := zonal(); got != before+1 {
				t.Errorf("%d requests tried the name, want one", got-before)
			}
			if s := p.state("s3"); !s.Ejected || s.RetryAt.Before(due.Add(8*time.Second)) || s.Ejections != 1 {
				t.Errorf("the snapshot says %+v, want the name ejected for longer", s)
			}
			if err := p.FaultService("s3", home, lab.None); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Given calls that wait for their answer over the shared connection to a zonal name, when that is ejected, and a probe over the same connection goes
// unanswered, is answered with an error or is given up, then none of the others fails or is executed twice.
func TestAProbeHarmsNobody(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault    lab.Fault
		deadline time.Duration // of the probe
	}{
		"unanswered":   {lab.Stall, 300 * time.Millisecond},
		"server error": {lab.ServerError(http.StatusInternalServerError), time.Minute},
		"answered":     {lab.None, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := newLoggedPlace(t, true)
			cfg := load{retries: true}.set(p.routed())
			client := sqs.NewFromConfig(cfg)
			p.config = cfg
			p.warm(t, "sqs")
			p.ResetRequests()
			var polls sync.WaitGroup
			const waits = 14 // seconds: longer than it takes until a probe is due
			for range 20 {
				polls.Go(func() {
					out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &p.queue, WaitTimeSeconds: waits})
					if err != nil {
						t.Errorf("a call beside the probe: %v", err)
						return
					}
					if route, _ := middleware.RouteFrom(out.ResultMetadata); route.Target != resolver.Zonal || route.Cause != resolver.NoCause {
						t.Errorf("a call beside the probe took %v, want its first route, to the zonal name", route)
					}
				})
			}
			defer polls.Wait()
			for begun := time.Now(); len(p.Executions()) < 20; time.Sleep(10 * time.Millisecond) { // until they are under way
				if time.Since(begun) > 5*time.Second {
					t.Fatalf("%d of 20 calls are under way", len(p.Executions()))
				}
			}
			list := func(ctx context.Context) error {
				_, err := client.ListQueues(ctx, &sqs.ListQueuesInput{})
				return err
			}
			due := p.eject(t, "sqs", list)
			if err := p.FaultService("sqs", home, test.fault); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Until(due) + 100*time.Millisecond)
			before := p.state("sqs").Attempts[resolver.InZone]
			err := load{deadline: test.deadline}.one(t.Context(), list)
			if unanswered := test.fault == lab.Stall; unanswered != errors.Is(err, context.DeadlineExceeded) || !unanswered && err != nil {
				t.Errorf("the probe: %v", err)
			}
			s := p.state("sqs")
			if got := s.Attempts[resolver.InZone]; got != before+1 || s.Ejected == (test.fault == lab.None) {
				t.Errorf("%d requests tried the name, want one; the snapshot says %+v", got-before, s)
			}
			polls.Wait()
			times := map[string]int{}
			for _, e := range p.Executions() {
				if times[e.Invocation]++; e.Operation == "ReceiveMessage" && times[e.Invocation] > 1 {
					t.Error("a call beside the probe was executed twice")
				}
			}
		})
	}
}
