package failover

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// Given an answer that says no, when a call gets it, then that is the answer: it
// went to the zonal name, once, and the name stays healthy.
func TestRefusalsAreAnswers(t *testing.T) {
	p := newPlace(t, lab.Options{})
	cfg := p.config.Copy()
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDWRONG", SecretAccessKey: "wrong"}, nil
	})
	for range 5 {
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
		var routed *middleware.RoutedError
		if !errors.As(err, &routed) {
			t.Fatalf("got %v, want an error that knows its route", err)
		}
		if routed.Route.Target != resolver.Zonal || routed.Route.Cause != resolver.NoCause {
			t.Fatalf("got route %+v, want the zonal one", routed.Route)
		}
	}
}

// Given a connection that breaks after the request was read, when the SDK doesn't
// retry, then nor do we; and when it does, its next attempt goes elsewhere.
func TestReachedThenBroken(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("sqs", home, lab.ResetAfter(0)); err != nil {
		t.Fatal(err)
	}
	p.turn(t, "sqs")
	send := func(cfg aws.Config) (*sqs.SendMessageOutput, error) {
		return sqs.NewFromConfig(cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
	}
	_, err := send(p.config)
	if err == nil {
		t.Fatal("the call was answered, want the SDK's error")
	}
	if got := p.RequestsOf("sqs"); got[home] != 1 || got["us-east-1b"]+got["us-east-1c"] != 0 {
		t.Errorf("executed %v, want once, in %s", got, home)
	}
	p.ResetRequests()
	p.turn(t, "sqs")
	cfg := p.config.Copy()
	cfg.RetryMaxAttempts = 2
	out, err := send(cfg)
	if err != nil {
		t.Fatalf("with a retry of the SDK's: %v", err)
	}
	route, _ := middleware.RouteFrom(out.ResultMetadata)
	if route.Target != resolver.Regional || route.Cause != resolver.CauseBroken {
		t.Errorf("got route %+v, want the regional name because the connection broke", route)
	}
}

// Given a black hole and callers whose deadlines are shorter than the connect
// timeout, when some have failed, then the others are sent elsewhere:
// deadlines that pass unanswered count against the name, too.
func TestDeadlinesInABlackHole(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("sts", home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	cfg := p.attached() // with the SDK's own timeout, of 30 seconds
	client := sts.NewFromConfig(cfg)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, err := client.GetCallerIdentity(ctx, nil); err == nil {
			t.Error("answered out of a black hole")
		}
		cancel()
	}
	p.turn(t, "sts")
	out, err := client.GetCallerIdentity(t.Context(), nil)
	for range 2 { // the regional name leads there, too, one time in three
		if err == nil {
			break
		}
		out, err = client.GetCallerIdentity(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if route, _ := middleware.RouteFrom(out.ResultMetadata); route.Reason != resolver.Unhealthy {
		t.Errorf("got route %+v, want the regional name because the zonal one is ejected", route)
	}
}

// Given an endpoint that takes requests and doesn't answer, when the client has a
// timeout for that, then the SDK's next attempt goes elsewhere, and slowness alone
// doesn't eject the name.
func TestReachedThenUnanswered(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("sqs", home, lab.Stall); err != nil {
		t.Fatal(err)
	}
	p.turn(t, "sqs")
	cfg := p.attached(func(t *http.Transport) { t.ResponseHeaderTimeout = 300 * time.Millisecond })
	cfg.RetryMaxAttempts = 2
	out, err := sqs.NewFromConfig(cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if route, _ := middleware.RouteFrom(out.ResultMetadata); route.Cause != resolver.CauseUnanswered {
		t.Errorf("got route %v, want the regional name because no answer came", route)
	}
	name := strings.TrimPrefix(p.RegionalName("sqs"), "*.")
	if route := p.resolver.Resolve(name); route.Target != resolver.Zonal {
		t.Errorf("got %+v, want the zonal name still healthy", route)
	}
}

// Given failures with a success between them, when there are fewer than three in a
// row, then the name stays healthy; and none of what is known of them has the URL.
func TestASuccessResets(t *testing.T) {
	p := newPlace(t, lab.Options{})
	client := sts.NewFromConfig(p.config)
	for _, fault := range []lab.Fault{lab.Refuse, lab.Refuse, lab.None, lab.Refuse, lab.Refuse} {
		if err := p.FaultService("sts", home, fault); err != nil {
			t.Fatal(err)
		}
		if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if route := p.resolver.Resolve(p.RegionalName("sts")); route.Target != resolver.Zonal {
		t.Errorf("got %+v, want the zonal name still healthy", route)
	}
	for _, e := range p.resolver.Snapshot().Endpoints {
		if e.Service == "sts" && (e.LastError == "" || strings.Contains(e.LastError, "https://")) {
			t.Errorf("the last error is %q, want one without the URL", e.LastError)
		}
	}
}

// Given a stream that a logger reads, which can't be sent twice, when nobody has connected to the zonal name yet, then it is not the one to try: it goes to
// the regional name, whole; and when the name is known to work, to that.
func TestABodyThatWasReadIsNotSentAgain(t *testing.T) {
	p := newPlace(t, lab.Options{})
	if err := p.FaultService("s3", home, lab.Refuse); err != nil {
		t.Fatal(err)
	}
	cfg := p.config.Copy()
	p.config.ClientLogMode = aws.LogRequestWithBody
	upload := put("", payload, readOnce, plain, unsigned)
	for range 5 {
		metadata, err := upload.call(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if route, _ := middleware.RouteFrom(metadata); route.Reason != resolver.Untried && route.Reason != resolver.Unhealthy {
			t.Errorf("got route %v, want the regional name", route)
		}
		upload.check(t, p)
	}
	if err := p.FaultService("s3", home, lab.None); err != nil {
		t.Fatal(err)
	}
	logged := p.config
	for p.config = cfg; ; time.Sleep(50 * time.Millisecond) { // until it is back: ten seconds
		metadata, err := upload.call(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if route, _ := middleware.RouteFrom(metadata); route.Target == resolver.Zonal {
			break
		}
	}
	p.config = logged
	metadata, err := upload.call(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if route, _ := middleware.RouteFrom(metadata); route.Target != resolver.Zonal {
		t.Errorf("got route %v, want the zonal name", route)
	}
	upload.check(t, p)
}
