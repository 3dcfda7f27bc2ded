package discovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"github.com/azaffinity/azaffinity/internal/owncall"
)

func TestErrors(t *testing.T) {
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	listing := func(items ...string) http.HandlerFunc {
		return say(`<DescribeVpcEndpointsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpcEndpointSet>` +
			strings.Join(items, "") + `</vpcEndpointSet></DescribeVpcEndpointsResponse>`)
	}
	another, evil := interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"), interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs")
	another.vpc = otherVPC
	evil.dns = []string{"vpce-0aaaaaaaaaaaaaaa1-lj2wisx3.sqs.us-east-1.evil.example"}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		calls  int
		want   []string
	}{
		{
			"no permission", fail(http.StatusForbidden, "UnauthorizedOperation"), 1,
			[]string{"ec2:DescribeVpcEndpoints", "ec2:DescribeAvailabilityZones", "AZAFFINITY_ENDPOINTS_FILE"},
		},
		{"an endpoint policy's no", fail(http.StatusForbidden, "AccessDenied"), 1, []string{"ec2:DescribeVpcEndpoints"}},
		{"bad credentials", fail(http.StatusUnauthorized, "AuthFailure"), 1, []string{"AuthFailure"}},
		{"throttling", fail(http.StatusServiceUnavailable, "RequestLimitExceeded"), 1, []string{"throttles", "AZAFFINITY_ENDPOINTS_FILE"}},
		{"a fault of EC2's", fail(http.StatusServiceUnavailable, "Unavailable"), 2, []string{"Unavailable"}},
		{"no XML", say("<html>proxy error</ht"), 1, nil},
		{"half of the XML", say(sampled[:len(sampled)/2]), 1, nil},
		{"another VPC's endpoint", listing(another.xml()), 1, []string{otherVPC}},
		{"a name that isn't AWS's", listing(evil.xml()), 1, []string{"evil.example"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeEC2(t)
			f.instead["DescribeVpcEndpoints"] = tt.answer
			cat, err := f.source(t).Endpoints(t.Context())
			if err == nil || len(cat.Endpoints) > 0 {
				t.Fatalf("got %+v, %v, want an error alone", cat, err)
			}
			for _, want := range append(tt.want, "discovery: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to say %q", err, want)
				}
			}
			if got := len(f.calls("DescribeVpcEndpoints")); got != tt.calls {
				t.Errorf("asked %d times, want %d", got, tt.calls)
			}
		})
	}
}

// Given an answer larger than what is left of an ask's budget, then it is not
// read any further.
func TestHugeAnswer(t *testing.T) {
	f := newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"))
	client := newClient(f.config())
	for _, tt := range []struct {
		budget int64
		ok     bool
	}{{maxAnswer, true}, {100, false}, {0, false}} {
		_, err := client.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{MaxResults: aws.Int32(pageSize)}, own(owncall.NewBudget(tt.budget)))
		if tt.ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "the answer is larger than") {
			t.Errorf("with %d bytes: got %v", tt.budget, err)
		}
	}
	if got := len(f.calls("DescribeVpcEndpoints")); got != 3 {
		t.Errorf("asked %d times, want once each", got)
	}
}

// Given throttling, then callers learn how long to leave EC2 alone, also without
// importing this module, and can still see what the SDK said.
func TestThrottling(t *testing.T) {
	f := newFakeEC2(t)
	f.instead["DescribeVpcEndpoints"] = fail(http.StatusServiceUnavailable, "RequestLimitExceeded")
	s := f.source(t)
	pauses := map[time.Duration]bool{}
	for range 5 {
		before := time.Now()
		a, err := s.Answer(t.Context(), true)
		var throttled *ThrottledError
		if !errors.As(err, &throttled) || a.Source != "ec2" {
			t.Fatalf("got %+v, %v, want a ThrottledError of ec2", a, err)
		}
		pause := throttled.RetryAfter()
		if pause < minPause || pause > minPause+backOff {
			t.Errorf("got %v, want %v to %v", pause, minPause, minPause+backOff)
		}
		if a.Until.Before(before.Add(pause)) || a.Until.After(time.Now().Add(pause)) {
			t.Errorf("asked again at %v, want %v from now", a.Until, pause)
		}
		pauses[pause] = true
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "RequestLimitExceeded" {
			t.Errorf("%v hides what the SDK said", err)
		}
	}
	if len(pauses) < 2 {
		t.Errorf("got %v every time, want them apart", pauses)
	}
}

// Given an EC2 that doesn't answer, then the context ends the wait; of the zones
// alone, the endpoints don't wait for long.
func TestNoAnswer(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	f := newFakeEC2(t)
	f.instead["DescribeVpcEndpoints"] = silent
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := f.source(t).Endpoints(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "interface endpoint for EC2") {
		t.Errorf("got %v, want the deadline, and what may be missing", err)
	}

	f = newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"))
	f.instead["DescribeAvailabilityZones"] = silent
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	cat, err := f.source(t).Endpoints(ctx)
	if err != nil || len(cat.Endpoints) != 1 || len(cat.Notes) != 2 {
		t.Errorf("got %+v, %v, want the endpoint and a note each of zones and subnets", cat, err)
	}
}

func TestWrongOptions(t *testing.T) {
	cfg := aws.Config{Region: "us-east-1"}
	for _, tt := range []struct {
		name string
		err  func() error
	}{
		{"no Region", func() error { _, err := New(aws.Config{}); return err }},
		{"no client", func() error { _, err := NewFromClient(nil); return err }},
		{"no VPC", func() error { _, err := New(cfg, WithVPC("")); return err }},
		{"another id", func() error { _, err := New(cfg, WithVPC("vpce-0a1b2c3d4e5f60718")); return err }},
		{"more than an id", func() error { _, err := New(cfg, WithVPC(vpc+",vpc-2")); return err }},
		{"a tag without a key", func() error { _, err := New(cfg, WithTag("", "yes")); return err }},
	} {
		if err := tt.err(); err == nil || !strings.HasPrefix(err.Error(), "discovery: ") {
			t.Errorf("%s: got %v, want an error of discovery's", tt.name, err)
		}
	}
}

// lockedBuffer is what a log is read from while it may be written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newLog() (*slog.Logger, fmt.Stringer) {
	b := &lockedBuffer{}
	return slog.New(slog.NewTextHandler(b, nil)), b
}
