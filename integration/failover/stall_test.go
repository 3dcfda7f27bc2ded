package failover

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
)

// Given a zone that reads requests and never answers, when calls with deadlines are made, then as many fail as with the bare SDK and a handful, or those
// that are in flight when it begins, and the others are answered elsewhere, once each; and the log, the snapshot and the counts say so.
func TestStallWithADeadline(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, l := range []load{
			{calls: 60, atOnce: 1, deadline: 2 * time.Second, retries: true},
			{calls: 60, atOnce: 1, deadline: 2 * time.Second},
			{calls: 60, atOnce: 1, deadline: 300 * time.Millisecond, retries: true},
			{calls: 60, atOnce: 1, deadline: 300 * time.Millisecond},
			{calls: 60, atOnce: 16, deadline: 2 * time.Second, retries: true},
			{calls: 60, atOnce: 16, deadline: 2 * time.Second},
			{calls: 60, atOnce: 8, deadline: 300 * time.Millisecond, retries: true},
			{calls: 60, atOnce: 8, deadline: 300 * time.Millisecond},
		} {
			t.Run(protocol(http2)+"/"+l.String(), func(t *testing.T) {
				if l.deadline > time.Second { // shorter ones pass on a busy machine, too
					t.Parallel()
				}
				p, log := newLoggedPlace(t, http2)
				ours := p.send(l.set(p.routed()))
				if err := ours(t.Context()); err != nil { // a program that runs
					t.Fatal(err)
				}
				if err := p.FaultService("sqs", home, lab.Stall); err != nil {
					t.Fatal(err)
				}
				bare := l.run(t.Context(), p, p.send(l.set(p.bare(t, "sqs"))))
				got := l.run(t.Context(), p, ours)
				t.Logf("bare SDK %+v, ours %+v", bare, got)
				if most := bare.failed + l.inFlight(); got.failed > most {
					t.Errorf("%d of %d calls failed, want at most %d: the bare SDK's %d and those in flight: %v", got.failed, l.calls, most, bare.failed, got.errs)
				}
				if got.twice > 0 || got.executed < l.calls-got.failed {
					t.Errorf("%d executions of %d answered calls, %d of them twice", got.executed, l.calls-got.failed, got.twice)
				}
				if at := p.RequestsOf("sqs"); at[home] != 0 {
					t.Errorf("executed %v, want none at home", at)
				}
				s := p.state("sqs")
				if !s.Ejected || s.Ejections != 1 || s.LastCause != resolver.CauseUnanswered || int(s.Attempts[resolver.Unhealthy]) < l.calls-got.failed {
					t.Errorf("the snapshot says %+v, want the name ejected once, unanswered, and at least %d attempts by Unhealthy", s, l.calls-got.failed)
				}
				if n := log.with("ejected", "cause=unanswered"); n != 1 {
					t.Errorf("%d lines in the log say that the name was ejected because it was unanswered, want one:\n%s", n, &log.buf)
				}
			})
		}
	}
}

// Given such a zone and an HTTP client with a timeout of its own, when calls are made, then that counts like a deadline: with retries on none fails, since
// the SDK's next attempt goes elsewhere; with retries off a handful does.
func TestStallWithAClientTimeout(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	for name, change := range map[string]func(*awshttp.BuildableClient) *awshttp.BuildableClient{
		"ResponseHeaderTimeout": headerTimeout(timeout), "Timeout": clientTimeout(timeout),
	} {
		for _, http2 := range []bool{false, true} {
			for _, l := range []load{
				{calls: 60, atOnce: 1, retries: true}, {calls: 60, atOnce: 1}, {calls: 60, atOnce: 16, retries: true}, {calls: 60, atOnce: 16},
			} {
				t.Run(name+"/"+protocol(http2)+"/"+l.String(), func(t *testing.T) {
					t.Parallel()
					p, log := newLoggedPlace(t, http2)
					ours := p.send(l.set(p.routed(change)))
					if err := ours(t.Context()); err != nil {
						t.Fatal(err)
					}
					if err := p.FaultService("sqs", home, lab.Stall); err != nil {
						t.Fatal(err)
					}
					bare := l.run(t.Context(), p, p.send(l.set(p.bare(t, "sqs", change))))
					got := l.run(t.Context(), p, ours)
					t.Logf("bare SDK %+v, ours %+v", bare, got)
					most := bare.failed + l.inFlight()
					if l.retries {
						most = 0
					}
					if got.failed > most {
						t.Errorf("%d of %d calls failed, want at most %d: %v", got.failed, l.calls, most, got.errs)
					}
					if got.twice > 0 || got.executed != l.calls-got.failed {
						t.Errorf("%d executions of %d answered calls, %d of them twice", got.executed, l.calls-got.failed, got.twice)
					}
					if s := p.state("sqs"); !s.Ejected || s.LastCause != resolver.CauseUnanswered || l.retries && s.Failovers[resolver.CauseUnanswered] == 0 {
						t.Errorf("the snapshot says %+v, want the name ejected and the failovers counted", s)
					}
					if n := log.with("ejected", "cause=unanswered"); n != 1 {
						t.Errorf("%d lines in the log say that the name was ejected because it was unanswered, want one:\n%s", n, &log.buf)
					}
				})
			}
		}
	}
}

// Given callers that give up for other reasons than that an answer is late, when they have done so many times, then that tells nothing against the name:
// hedging callers cancel the calls that lose, and a deadline can pass before a request was complete.
func TestGivingUpIsNoEvidence(t *testing.T) {
	t.Parallel()
	cancelled := func(p *place, wait time.Duration) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer time.AfterFunc(wait, cancel).Stop()
		return p.send(p.config)(ctx)
	}
	upload := func(p *place, body io.Reader, opts ...func(*s3.Options)) error {
		ctx, cancel := context.WithTimeout(context.Background(), 1200*time.Millisecond)
		defer cancel()
		_, err := s3.NewFromConfig(p.config).PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("photos"), Key: aws.String("cat"), Body: body, ContentLength: aws.Int64(100),
		}, append(opts, plain, unsigned)...)
		return err
	}
	late := func() *io.PipeReader { // the SDK over HTTP/2 waits for whoever reads to return, whatever the deadline
		r, w := io.Pipe()
		time.AfterFunc(1500*time.Millisecond, func() { w.Close() })
		return r
	}
	for _, test := range []struct {
		name    string
		service string
		fault   lab.Fault
		call    func(p *place) error
	}{
		{"cancelled", "sqs", lab.Stall, func(p *place) error { return cancelled(p, 50*time.Millisecond) }},
		{"cancelled under a deadline", "sqs", lab.Stall, func(p *place) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
			return p.send(p.config)(ctx)
		}},
		{"over before it began", "sqs", lab.None, func(p *place) error {
			ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
			defer cancel()
			return p.send(p.config)(ctx)
		}},
		{"a body that the caller is late with", "s3", lab.None, func(p *place) error {
			return upload(p, struct{ io.Reader }{late()})
		}},
		{"a pipe that the caller is late with", "s3", lab.None, func(p *place) error {
			return upload(p, late())
		}},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(test.name+"/"+protocol(http2), func(t *testing.T) {
				t.Parallel()
				p, log := newLoggedPlace(t, http2)
				p.config = p.routed()
				p.warm(t, test.service)
				if err := p.FaultService(test.service, home, test.fault); err != nil {
					t.Fatal(err)
				}
				for range 5 {
					if err := test.call(p); err == nil {
						t.Fatal("the call was answered")
					}
				}
				if s := p.state(test.service); s.Ejected || s.Ejections != 0 || !s.LastAt.IsZero() {
					t.Errorf("the snapshot says %+v, want nothing against the name", s)
				}
				if n := log.with("ejected"); n != 0 {
					t.Errorf("%d lines in the log speak of an ejection:\n%s", n, &log.buf)
				}
			})
		}
	}
}
