package middleware_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// sendOver makes a call that the SDK would try three times. The first attempt is sent over
// conn, and then is as way has it; others are answered. It returns the route, and how
// many there were.
func sendOver(t *testing.T, r *resolver.Resolver, conn net.Conn, way func(context.Context, *httptrace.ClientTrace)) (route resolver.Route, attempts int) {
	t.Helper()
	client := do(func(request *http.Request) (*http.Response, error) {
		if attempts++; attempts == 1 {
			trace := httptrace.ContextClientTrace(request.Context())
			trace.GetConn("x")
			trace.GotConn(httptrace.GotConnInfo{Conn: conn})
			if way(request.Context(), trace); request.Context().Err() != nil {
				return nil, request.Context().Err()
			}
		}
		return smithyhttp.NopClient{}.Do(request)
	})
	retrying := func(stack *smithymiddleware.Stack) error {
		return stack.Finalize.Insert(retryStep(3), "Signing", smithymiddleware.Before)
	}
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	metadata, err := s.call(t, client, append([]func(*smithymiddleware.Stack) error{retrying}, opts(r)...)...)
	if err != nil {
		t.Error(err)
	}
	route, _ = middleware.RouteFrom(metadata)
	return route, attempts
}

// answers after d.
func answers(d time.Duration) func(context.Context, *httptrace.ClientTrace) {
	return func(ctx context.Context, _ *httptrace.ClientTrace) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
}

// Given a path that dies and comes back while it is looked at, when a request was sent
// after that, then it isn't ended because of what was seen before.
func TestWhatWasSeenBeforeARequest(t *testing.T) {
	conn, heal := deadConn(t)
	r := newResolver(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, attempts := sendOver(t, r, conn, answers(5*time.Second)); attempts != 2 {
			t.Errorf("the request on the dead path was sent %d times, want twice", attempts)
		}
	}()
	time.Sleep(700 * time.Millisecond) // both packets that asked were dropped, and the third is sent after a second
	heal()
	if _, attempts := sendOver(t, r, conn, answers(time.Second)); attempts != 1 {
		t.Errorf("a request that was sent when the path was back was sent %d times", attempts)
	}
	<-done
}

// Given a request that goes unanswered on a path that is dead for new connections,
// when it is answered after all, then nothing is held against the name.
func TestAnsweredWhileLookedAt(t *testing.T) {
	conn, _ := deadConn(t)
	r := newResolver(t)
	for range 2 {
		if route, attempts := sendOver(t, r, conn, answers(800*time.Millisecond)); attempts != 1 || route.Host != zonalHost {
			t.Errorf("sent %d times, to %s", attempts, route.Host)
		}
		time.Sleep(400 * time.Millisecond) // until the look is over
	}
}

// Given a request on a dead path, when net/http sends it over another connection while
// that path is looked at, then it isn't ended there.
func TestSentOverAnotherConnection(t *testing.T) {
	conn, _ := deadConn(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	good, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	_, attempts := sendOver(t, newResolver(t), conn, func(ctx context.Context, trace *httptrace.ClientTrace) {
		answers(700*time.Millisecond)(ctx, trace)
		trace.GotConn(httptrace.GotConnInfo{Conn: good})
		answers(time.Second)(ctx, trace)
	})
	if attempts != 1 {
		t.Errorf("sent %d times", attempts)
	}
}
