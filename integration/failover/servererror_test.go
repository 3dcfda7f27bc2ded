package failover

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
)

// upload is a PutObject that can be sent again.
func (p *place) upload(cfg aws.Config) func(context.Context) error {
	client := s3.NewFromConfig(cfg)
	return func(ctx context.Context) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("cat"), Body: bytes.NewReader(payload)})
		return err
	}
}

// Given a zone that answers 5xx with a request id, when calls are made, then with the SDK's retries none fails, and without them as many as with the bare SDK
// and a handful, or those in flight; then they go elsewhere, and the log, the snapshot and the counts say so.
func TestServerErrorsOfOneZone(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"sqs", "s3"} {
		for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable} {
			for _, http2 := range []bool{false, true} {
				for _, l := range []load{
					{calls: 60, atOnce: 1, retries: true}, {calls: 60, atOnce: 1}, {calls: 60, atOnce: 16, retries: true}, {calls: 60, atOnce: 16},
				} {
					if http2 && service == "s3" {
						continue // it is the answer that differs
					}
					t.Run(service+" "+http.StatusText(status)+"/"+protocol(http2)+"/"+l.String(), func(t *testing.T) {
						t.Parallel()
						p, log := newLoggedPlace(t, http2)
						one := p.send
						if service == "s3" {
							one = p.upload
						}
						ours := one(l.set(p.routed()))
						if err := ours(t.Context()); err != nil {
							t.Fatal(err)
						}
						if err := p.FaultService(service, home, lab.ServerError(status)); err != nil {
							t.Fatal(err)
						}
						bare := l.run(t.Context(), p, one(l.set(p.bare(t, service))))
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
						s := p.state(service)
						if !s.Ejected || s.Ejections != 1 || s.LastCause != resolver.CauseServerError || s.Attempts[resolver.Unhealthy] == 0 {
							t.Errorf("the snapshot says %+v, want the name ejected once because of server errors, and attempts elsewhere", s)
						}
						if l.retries && s.Failovers[resolver.CauseServerError] == 0 {
							t.Errorf("the snapshot says %+v, want failovers because of server errors", s)
						}
						if n := log.with("ejected", `cause="server error"`); n != 1 {
							t.Errorf("%d lines in the log say that the name was ejected because of server errors, want one:\n%s", n, &log.buf)
						}
					})
				}
			}
		}
	}
}

// Given a service that fails everywhere alike, or that asks for fewer requests in this zone only, when it has done so for a while, then the name stays: leaving
// would bring nothing. What asks for fewer requests has answered, so nothing goes elsewhere at all.
func TestErrorsThatAreNotTheZones(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		service string
		fault   lab.Fault
		zones   []string
	}{
		{"500 everywhere", "sqs", lab.ServerError(500), []string{home, away, farthest}},
		{"503 everywhere", "sqs", lab.ServerError(503), []string{home, away, farthest}},
		{"503 of a load balancer everywhere", "sqs", lab.Unavailable, []string{home, away, farthest}},
		{"ThrottlingException", "sqs", lab.Throttle, []string{home}},
		{"503 SlowDown", "s3", lab.Throttle, []string{home}},
	} {
		for _, l := range []load{{calls: 40, atOnce: 1, retries: true}, {calls: 40, atOnce: 1}, {calls: 40, atOnce: 8}} {
			if test.fault == lab.Unavailable && l.atOnce > 1 {
				continue // five of these in a row eject without a comparison
			}
			t.Run(test.name+"/"+l.String(), func(t *testing.T) {
				t.Parallel()
				p, log := newLoggedPlace(t, false)
				one := p.send
				if test.service == "s3" {
					one = p.upload
				}
				for _, zone := range test.zones {
					if err := p.FaultService(test.service, zone, test.fault); err != nil {
						t.Fatal(err)
					}
				}
				cfg := l.set(p.routed())
				if got := l.run(t.Context(), p, one(cfg)); got.failed != l.calls {
					t.Errorf("%d of %d calls failed, want all", got.failed, l.calls)
				}
				s := p.state(test.service)
				if s.Ejected || s.Ejections != 0 {
					t.Errorf("the snapshot says %+v, want the name healthy", s)
				}
				if elsewhere := s.Attempts[resolver.Unhealthy] + s.Attempts[resolver.FailedOver]; test.fault == lab.Throttle && (elsewhere != 0 || !s.LastAt.IsZero()) {
					t.Errorf("the snapshot says %+v, want every attempt answered in the zone", s)
				}
				if n := log.with("ejected"); n != 0 {
					t.Errorf("%d lines in the log speak of an ejection:\n%s", n, &log.buf)
				}
				var api interface{ ErrorCode() string }
				if err := one(cfg)(t.Context()); !errors.As(err, &api) && test.fault != lab.Unavailable {
					t.Errorf("got error %v, want the service's own", err)
				}
			})
		}
	}
}
