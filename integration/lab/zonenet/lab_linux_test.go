package zonenet_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// Given a lab on this network, then calls of each zone's front end take the zone's distance, and faults are what they are on the loopback.
func TestLab(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	n := start(t)
	l, err := lab.Start(lab.Options{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	call := func(ctx context.Context, zone string) error {
		client := sts.NewFromConfig(l.Config(), func(o *sts.Options) {
			o.BaseEndpoint = aws.String("https://" + l.ZonalName("sts", zone))
			o.RetryMaxAttempts = 1
		})
		_, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}
	for _, zone := range zones {
		began := time.Now()
		if err := call(t.Context(), zone); err != nil {
			t.Fatalf("%s: %v", zone, err)
		}
		if got, want := time.Since(began), 6*distance(home, zone); got < want { // TCP, TLS, request: a round trip each
			t.Errorf("%s: a first call takes %v, want %v at least", zone, got, want)
		}
		if got := l.Requests()[zone]; got != 1 {
			t.Errorf("%s executed %d calls, want 1", zone, got)
		}
	}

	for _, test := range []struct {
		name     string
		fault    lab.Fault
		patience time.Duration
		failed   func(error) bool
	}{
		{"refuse", lab.Refuse, time.Minute, func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
		{"black hole", lab.BlackHole, 300 * time.Millisecond, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	} {
		if err := l.Fault(home, test.fault); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		brief, cancel := context.WithTimeout(t.Context(), test.patience)
		if err := call(brief, home); !test.failed(err) {
			t.Errorf("%s: got %v", test.name, err)
		}
		cancel()
		if err := call(t.Context(), "us-east-1b"); err != nil {
			t.Errorf("%s: another zone: %v", test.name, err)
		}
		if err := l.Fault(home, lab.None); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if err := call(t.Context(), home); err != nil {
			t.Errorf("%s is over: %v", test.name, err)
		}
	}

	if _, err := lab.Start(lab.Options{Network: n, Distance: lab.TypicalDistance}); err == nil {
		t.Error("two kinds of distances: want an error")
	}
	if _, err := l.DialContextIn("us-east-1b")(t.Context(), "tcp", l.ZonalName("sts", home)+":443"); err == nil {
		t.Error("a client in another zone: want an error")
	}
}
