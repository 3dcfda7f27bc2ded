package lab_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/azaffinity/azaffinity/integration/lab"
	"go.uber.org/goleak"
)

const home = "us-east-1a"

// outcome is what a call through a fault came to, as far as a client can tell.
func outcome(err error) string {
	var status interface{ HTTPStatusCode() int }
	var dial *net.OpError
	var dnsErr *net.DNSError
	var hostname x509.HostnameError
	switch {
	case err == nil:
		return "answered"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		return "no such host"
	case errors.As(err, &dnsErr) && dnsErr.IsTemporary && !dnsErr.IsTimeout:
		return "lookup failed"
	case errors.As(err, &hostname):
		return "wrong certificate"
	case errors.As(err, &status) && status.HTTPStatusCode() == http.StatusOK:
		return "reset" // in the middle of the body: the kernel tells of a reset once, and whoever reads next sees the end
	case errors.As(err, &status) && status.HTTPStatusCode() != 0:
		return fmt.Sprint(status.HTTPStatusCode())
	case errors.As(err, &dial) && dial.Op == "dial" && dial.Timeout():
		return "no connection"
	case errors.Is(err, context.DeadlineExceeded):
		return "silence"
	}
	return err.Error()
}

// warmUp calls until a connection stays in the pool, which on a busy machine is not always after the first call.
func warmUp(t *testing.T, call func(ctx context.Context) error) {
	t.Helper()
	for range 10 {
		var pooled atomic.Bool
		ctx := httptrace.WithClientTrace(within(t, 10*time.Second), &httptrace.ClientTrace{PutIdleConn: func(err error) { pooled.Store(err == nil) }})
		if err := call(ctx); err != nil {
			t.Fatalf("before the fault: %v", err)
		}
		if pooled.Load() {
			return
		}
	}
	t.Fatal("no connection stays in the pool")
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		fault         lab.Fault
		fresh, pooled string // what happens on a new connection, and on one that there was
		executed      int    // by both calls
	}{
		{lab.None, "answered", "answered", 2},
		{lab.Refuse, "refused", "refused", 0},    // the pooled connection is gone by then, or a reset tells
		{lab.BlackHole, "silence", "silence", 0}, // TestPathCanBeCheckedAtTheFrontEndsAddress tells the two apart
		{lab.Hang, "silence", "silence", 0},
		{lab.Stall, "silence", "silence", 0},
		{lab.Reset, "reset", "reset", 0},
		{lab.ResetAfter(0), "reset", "reset", 2},
		{lab.ResetAfter(10), "reset", "reset", 2},
		{lab.Unavailable, "503", "503", 0},
		{lab.WrongCertificate, "wrong certificate", "answered", 1},
		{lab.DNSAbsent, "no such host", "answered", 1},
		{lab.DNSNoData, "no such host", "answered", 1}, // TestDNSFaults tells the two apart
		{lab.DNSServerFailure, "lookup failed", "answered", 1},
		{lab.DNSSilent, "silence", "answered", 1},
	} {
		t.Run(test.fault.String(), func(t *testing.T) {
			t.Parallel()
			l := start(t, lab.Options{})
			name := l.ZonalName("sts", home)
			call := func(c *sts.Client, patience time.Duration) string {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := c.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
				if err == nil && ctx.Err() != nil {
					err = ctx.Err()
				}
				return outcome(err)
			}
			warm := stsAt(l.Config(), name)
			warmUp(t, func(ctx context.Context) error {
				_, err := warm.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
				return err
			})
			if err := l.Fault(home, test.fault); err != nil {
				t.Fatal(err)
			}
			l.ResetRequests()

			patience := 10 * time.Second
			if test.fresh == "silence" {
				patience = 200 * time.Millisecond
			}
			if got := call(stsAt(l.Config(), name), patience); got != test.fresh {
				t.Errorf("new connection: got %s, want %s", got, test.fresh)
			}
			if got := call(warm, patience); got != test.pooled && !(test.pooled == "refused" && got == "reset") {
				t.Errorf("connection there was: got %s, want %s", got, test.pooled)
			}
			if got := l.Requests()[home]; got != test.executed {
				t.Errorf("executed %d, want %d", got, test.executed)
			}

			// Elsewhere all is well, and here too when the fault is over.
			if got := call(stsAt(l.Config(), l.ZonalName("sts", "us-east-1b")), 10*time.Second); got != "answered" {
				t.Errorf("other zone: %s", got)
			}
			if err := l.Fault(home, lab.None); err != nil {
				t.Fatal(err)
			}
			if got := call(stsAt(l.Config(), name), 10*time.Second); got != "answered" {
				t.Errorf("after the fault: %s", got)
			}
		})
	}
}

func TestEveryFaultFollowsEveryOther(t *testing.T) {
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sts"}}})
	faults := []lab.Fault{lab.None, lab.Refuse, lab.BlackHole, lab.Hang, lab.Stall, lab.Reset, lab.Unavailable, lab.WrongCertificate, lab.DNSAbsent, lab.DNSSilent}
	for _, a := range faults {
		for _, b := range faults {
			for _, f := range []lab.Fault{a, b} {
				if err := l.Fault(home, f); err != nil {
					t.Fatalf("%v, then %v: %v", a, b, err)
				}
			}
		}
	}
	if err := l.Fault(home, lab.None); err != nil {
		t.Fatal(err)
	}
	must(stsAt(l.Config(), l.ZonalName("sts", home)).GetCallerIdentity(within(t, 10*time.Second), &sts.GetCallerIdentityInput{}))(t)
}

func TestFaultOfOneService(t *testing.T) {
	l := start(t, lab.Options{})
	if err := l.FaultService("sts", home, lab.Refuse); err != nil {
		t.Fatal(err)
	}
	_, err := stsAt(l.Config(), l.ZonalName("sts", home)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if got := outcome(err); got != "refused" {
		t.Errorf("sts: got %s, want refused", got)
	}
	q := sqs.NewFromConfig(l.Config(), func(o *sqs.Options) { o.BaseEndpoint = base(l.ZonalName("sqs", home)) })
	must(q.ListQueues(t.Context(), &sqs.ListQueuesInput{}))(t)

	// The regional name's other addresses still work, as net.Dialer tries them all.
	for range 3 {
		must(stsAt(l.Config(), "").GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	}
	if got := l.RequestsOf("sts"); got[home] != 0 {
		t.Errorf("got requests %v, want none in %s", got, home)
	}
	for _, err := range []error{l.Fault("x", lab.Hang), l.FaultService("x", home, lab.Hang), l.FaultService("sqs", "x", lab.Hang)} {
		if err == nil {
			t.Error("a fault of what isn't there: got no error")
		}
	}
}

func TestStallEnds(t *testing.T) {
	for _, test := range []struct {
		next     lab.Fault
		want     string
		executed int
	}{{lab.None, "answered", 1}, {lab.Reset, "reset", 0}} {
		l := start(t, lab.Options{})
		if err := l.Fault(home, lab.Stall); err != nil {
			t.Fatal(err)
		}
		sent, answer := make(chan struct{}), make(chan error, 1)
		ctx := httptrace.WithClientTrace(within(t, 10*time.Second), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) }})
		go func() {
			_, err := stsAt(l.Config(), l.ZonalName("sts", home)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			answer <- err
		}()
		<-sent
		if n := l.Requests()[home]; n != 0 {
			t.Errorf("executed %d requests while there was the fault", n)
		}
		if err := l.Fault(home, test.next); err != nil {
			t.Fatal(err)
		}
		if got := outcome(<-answer); got != test.want {
			t.Errorf("then %v: got %s, want %s", test.next, got, test.want)
		}
		if n := l.Requests()[home]; n != test.executed {
			t.Errorf("then %v: executed %d, want %d", test.next, n, test.executed)
		}
	}
}

func TestSilenceEnds(t *testing.T) {
	l := start(t, lab.Options{})
	for _, f := range []lab.Fault{lab.Hang, lab.BlackHole} {
		c := stsAt(l.Config(), l.ZonalName("sts", home))
		call := func(ctx context.Context) error {
			_, err := c.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		}
		warmUp(t, call)
		if err := l.Fault(home, f); err != nil {
			t.Fatal(err)
		}
		l.ResetRequests()
		sent, answer := make(chan struct{}), make(chan error, 1)
		ctx := httptrace.WithClientTrace(within(t, 10*time.Second), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) }})
		go func() { answer <- call(ctx) }()
		<-sent
		if n := l.Requests()[home]; n != 0 {
			t.Errorf("%v: executed %d requests", f, n)
		}
		if err := l.Fault(home, lab.None); err != nil {
			t.Fatal(err)
		}
		if err := <-answer; err != nil {
			t.Errorf("%v: a caller that waited got %v", f, err)
		}
	}
}

func TestUnavailableHasNoRequestID(t *testing.T) {
	l := start(t, lab.Options{})
	if err := l.Fault(home, lab.Unavailable); err != nil {
		t.Fatal(err)
	}
	res := must(l.HTTPClient().Get("https://" + l.ZonalName("sqs", home)))(t)
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("X-Amzn-Requestid") != "" {
		t.Errorf("got %d %v", res.StatusCode, res.Header)
	}
}

// A bare TCP connection to the address that a connection is on, from the address it comes from, reports whether the path works: what a health check out of
// band does.
func TestPathCanBeCheckedAtTheFrontEndsAddress(t *testing.T) {
	l := start(t, lab.Options{})
	dial := l.DialContextIn(home)
	kept := must(dial(t.Context(), "tcp", l.ZonalName("sts", home)+":443"))(t)
	defer kept.Close()
	check := func(d time.Duration) string {
		from := &net.TCPAddr{IP: kept.LocalAddr().(*net.TCPAddr).IP}
		conn, err := (&net.Dialer{Timeout: d, LocalAddr: from}).Dial("tcp", kept.RemoteAddr().String())
		if err == nil {
			_ = conn.Close()
		}
		return outcome(err)
	}
	for _, test := range []struct {
		fault    lab.Fault
		patience time.Duration
		want     string
	}{
		{lab.Stall, 10 * time.Second, "answered"},
		{lab.Hang, 10 * time.Second, "answered"},
		{lab.DNSAbsent, 10 * time.Second, "answered"},
		{lab.Refuse, 10 * time.Second, "refused"},
		{lab.BlackHole, 100 * time.Millisecond, "no connection"},
		{lab.None, 10 * time.Second, "answered"},
	} {
		if err := l.Fault(home, test.fault); err != nil {
			t.Fatal(err)
		}
		if got := check(test.patience); got != test.want {
			t.Errorf("%v: got %s, want %s", test.fault, got, test.want)
		}
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	for _, f := range []lab.Fault{lab.None, lab.Hang, lab.BlackHole, lab.Stall} {
		l := start(t, lab.Options{})
		q := sqs.NewFromConfig(l.Config(), func(o *sqs.Options) { o.Retryer = aws.NopRetryer{} })
		made := must(q.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")}))(t)
		warmUp(t, func(ctx context.Context) error {
			_, err := q.ListQueues(ctx, &sqs.ListQueuesInput{})
			return err
		})
		for _, z := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
			if err := l.Fault(z, f); err != nil {
				t.Fatal(err)
			}
		}
		sent, answer := make(chan struct{}), make(chan error, 1)
		ctx := httptrace.WithClientTrace(within(t, 10*time.Second), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) }})
		go func() { // a long poll on the connection there is
			_, err := q.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, WaitTimeSeconds: 20})
			answer <- err
		}()
		<-sent
		if err := l.Close(); err != nil {
			t.Errorf("%v: Close: %v", f, err)
		}
		if err := <-answer; err == nil {
			t.Errorf("%v: the call has an answer", f)
		}
	}
}

// Given connections that the SDK's own client makes into a black hole, when their requests are given up and the lab is closed, then they end: net/http goes on with
// them, and the kernel's next try would be seconds later.
func TestCloseEndsConnecting(t *testing.T) {
	before := goleak.IgnoreCurrent()
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sts"}}})
	if err := l.Fault(home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	_, err := stsAt(l.Config(), l.ZonalName("sts", home)).GetCallerIdentity(within(t, 1100*time.Millisecond), &sts.GetCallerIdentityInput{})
	if outcome(err) != "silence" {
		t.Errorf("got %v, want silence", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
