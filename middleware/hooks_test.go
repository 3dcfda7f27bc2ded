package middleware_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

func do(f func(*http.Request) (*http.Response, error)) smithyhttp.ClientDo {
	return smithyhttp.ClientDoFunc(f)
}

func opts(r *resolver.Resolver, o ...middleware.Option) (all []func(*smithymiddleware.Stack) error) {
	middleware.Append(&all, r, o...)
	return all
}

// body fails as net/http's does when the request's context ends.
type ctxBody struct {
	ctx context.Context
	io.Reader
}

func (b ctxBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.Reader.Read(p)
}
func (ctxBody) Close() error { return nil }

// deadConn is a TCP connection to a server whose queue of connections is full: the
// kernel drops what asks for another. heal has it accept them again.
func deadConn(t *testing.T) (conn net.Conn, heal func()) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	sa, _ := syscall.Getsockname(fd)
	addr := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: sa.(*syscall.SockaddrInet4).Port}).String()
	conn, err = net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	for range 8 { // fill the queue
		if c, err := net.DialTimeout("tcp", addr, 100*time.Millisecond); err == nil {
			t.Cleanup(func() { c.Close() })
		}
	}
	return conn, func() {
		if err := syscall.Listen(fd, 100); err != nil {
			t.Error(err)
		}
	}
}

// An answer that comes in the moment in which we end its send: the answer's
// body must not fail with our cancellation.
func TestAnswerWhileItsSendIsEnded(t *testing.T) {
	conn, _ := deadConn(t)
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	var body io.Reader
	sends := 0
	client := do(func(r *http.Request) (*http.Response, error) {
		if sends++; sends > 1 {
			return smithyhttp.NopClient{}.Do(r)
		}
		tr := httptrace.ContextClientTrace(r.Context())
		tr.GetConn("x")
		tr.GotConn(httptrace.GotConnInfo{Conn: conn})
		<-r.Context().Done() // the header is here at the same time
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: ctxBody{r.Context(), strings.NewReader("answer")}}, nil
	})
	o := append([]func(*smithymiddleware.Stack) error{func(st *smithymiddleware.Stack) error {
		st.Finalize.Insert(retryStep(3), "Signing", smithymiddleware.Before)
		return st.Deserialize.Add(smithymiddleware.DeserializeMiddlewareFunc("look", func(ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler) (smithymiddleware.DeserializeOutput, smithymiddleware.Metadata, error) {
			out, m, err := next.HandleDeserialize(ctx, in)
			if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil {
				body = resp.Body
			}
			return out, m, err
		}), smithymiddleware.Before)
	}}, opts(newResolver(t), middleware.WithSilence(20*time.Millisecond))...)
	if _, err := s.call(t, client, o...); err != nil {
		t.Fatalf("the call failed: %v", err)
	}
	if b, err := io.ReadAll(body); err != nil {
		t.Errorf("the caller reads %q, %v", b, err)
	}
}

func retryStep(attempts int) smithymiddleware.FinalizeMiddleware {
	return retry.NewAttemptMiddleware(retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	}), smithyhttp.RequestCloner)
}

// A client that panics, and a program that recovers: nothing of ours goes on.
func TestPanicInTheHTTPClient(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var mu sync.Mutex
	accepted := 0
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			accepted++
			mu.Unlock()
			defer c.Close()
		}
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var sending context.Context
	func() {
		defer func() { _ = recover() }()
		s := stack{url: "https://" + serviceHost, signing: "Signing"}
		s.handler(opts(newResolver(t), middleware.WithSilence(20*time.Millisecond)), do(func(r *http.Request) (*http.Response, error) {
			sending = r.Context()
			tr := httptrace.ContextClientTrace(r.Context())
			tr.GetConn("x")
			tr.GotConn(httptrace.GotConnInfo{Conn: conn})
			panic("somebody's RoundTripper")
		})).Handle(ctx, struct{}{})
	}()
	time.Sleep(1500 * time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	if accepted > 1 {
		t.Errorf("%d connections were made to look after a call that ended 1.5 s ago", accepted-1)
	}
	if sending.Err() == nil {
		t.Error("the send's context was never cancelled")
	}
}

// A client that reports nothing and retries by itself: its last error shows
// nothing about what came before.
func TestClientThatTellsNothing(t *testing.T) {
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	arrived := 0
	_, err := s.call(t, do(func(r *http.Request) (*http.Response, error) {
		arrived++ // first try: the request arrives, the answer is lost; second try: refused
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}), opts(newResolver(t))...)
	if arrived > 1 {
		t.Errorf("sent %d times, error %v", arrived, err)
	}
}

// A body that a client takes whole before it asks for a connection.
func TestClientThatBuffersBodies(t *testing.T) {
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	_, err := s.call(t, do(func(r *http.Request) (*http.Response, error) {
		io.Copy(io.Discard, r.Body) // as hashicorp/go-retryablehttp
		tr := httptrace.ContextClientTrace(r.Context())
		tr.GetConn("x")
		select { // 0.5 s to connect
		case <-time.After(500 * time.Millisecond):
			tr.GotConn(httptrace.GotConnInfo{})
			return smithyhttp.NopClient{}.Do(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}), append([]func(*smithymiddleware.Stack) error{withBody}, opts(newResolver(t), middleware.WithConnectBudget(100*time.Millisecond))...)...)
	if err != nil {
		t.Errorf("a call that could not go elsewhere was cut short: %v", err)
	}
}

type onlyReader struct{ io.Reader }

func withBody(st *smithymiddleware.Stack) error {
	return st.Build.Add(smithymiddleware.BuildMiddlewareFunc("body", func(ctx context.Context, in smithymiddleware.BuildInput, next smithymiddleware.BuildHandler) (smithymiddleware.BuildOutput, smithymiddleware.Metadata, error) {
		req, err := in.Request.(*smithyhttp.Request).SetStream(onlyReader{strings.NewReader("hello")})
		if err != nil {
			panic(err)
		}
		in.Request = req
		return next.HandleBuild(ctx, in)
	}), smithymiddleware.After)
}

// A stack that somebody's hedging step runs twice at once: the first copy
// arrives and breaks, after the second one, still waiting for a connection, was
// given up. The first copy must not be sent again.
func TestStackRunTwiceAtOnce(t *testing.T) {
	s := stack{url: "https://" + serviceHost}
	given, both := make(chan struct{}), make(chan struct{})
	hedge := func(st *smithymiddleware.Stack) error {
		st.Finalize.Add(smithymiddleware.FinalizeMiddlewareFunc("hedge", func(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
			second, giveUp := context.WithCancel(ctx)
			done := make(chan struct{})
			go func() {
				defer close(done)
				next.HandleFinalize(ctx, smithymiddleware.FinalizeInput{Request: in.Request.(*smithyhttp.Request).Clone()})
			}()
			<-both
			go func() { time.Sleep(20 * time.Millisecond); giveUp() }()
			next.HandleFinalize(second, smithymiddleware.FinalizeInput{Request: in.Request.(*smithyhttp.Request).Clone()})
			close(given)
			<-done
			return smithymiddleware.FinalizeOutput{}, smithymiddleware.Metadata{}, nil
		}), smithymiddleware.Before)
		return st.Finalize.Add(smithymiddleware.FinalizeMiddlewareFunc("Signing", func(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
			return next.HandleFinalize(ctx, in)
		}), smithymiddleware.After)
	}
	n := 0
	client := do(func(r *http.Request) (*http.Response, error) {
		tr := httptrace.ContextClientTrace(r.Context())
		if tr == nil {
			tr = &httptrace.ClientTrace{GetConn: func(string) {}, GotConn: func(httptrace.GotConnInfo) {}}
		}
		switch n++; n {
		case 1:
			tr.GetConn("x")
			tr.GotConn(httptrace.GotConnInfo{})
			close(both)
			<-given
			return nil, &net.OpError{Op: "read", Err: syscall.ECONNRESET} // executed
		case 2:
			tr.GetConn("x")
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		t.Errorf("the copy that had arrived was sent again, to %s", r.URL.Host)
		return smithyhttp.NopClient{}.Do(r)
	})
	s.call(t, client, append([]func(*smithymiddleware.Stack) error{hedge}, opts(newResolver(t))...)...)
}

// A connection that forbids to be closed (as quic-go/http3 shows to traces).
type forbidden struct{ net.Conn }

func (forbidden) Close() error         { panic("connection operation prohibited") }
func (forbidden) RemoteAddr() net.Addr { panic("connection operation prohibited") }

func TestLateConnectionThatPanics(t *testing.T) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("the call panicked: %v", p)
		}
	}()
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	n := 0
	s.call(t, do(func(r *http.Request) (*http.Response, error) {
		if n++; n > 1 {
			return smithyhttp.NopClient{}.Do(r)
		}
		tr := httptrace.ContextClientTrace(r.Context())
		tr.GetConn("x")
		<-r.Context().Done()
		tr.GotConn(httptrace.GotConnInfo{Conn: forbidden{}})
		return nil, r.Context().Err()
	}), opts(newResolver(t), middleware.WithConnectBudget(20*time.Millisecond))...)
}

// A log handler that panics takes the failover with it.
type badHandler struct{ slog.Handler }

func (badHandler) Enabled(context.Context, slog.Level) bool { return true }
func (badHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		panic("handler")
	}
	return nil
}

func TestLogHandlerThatPanics(t *testing.T) {
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	_, err := s.call(t, do(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == zonalHost {
			httptrace.ContextClientTrace(r.Context()).GetConn("x")
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
		}
		return smithyhttp.NopClient{}.Do(r)
	}), opts(newResolver(t, resolver.WithLogger(slog.New(badHandler{}))))...)
	if err != nil {
		t.Errorf("the call failed because its log handler did: %v", err)
	}
}

// hooked is a client that plays net/http's part in what it tells, as a script for
// each send says. The last script stands for all that come after.
func hooked(scripts ...func(*httptrace.ClientTrace, *http.Request) error) (client smithyhttp.ClientDo, sends *int) {
	sends = new(int)
	return do(func(r *http.Request) (*http.Response, error) {
		script := scripts[min(*sends, len(scripts)-1)]
		*sends++
		if err := script(httptrace.ContextClientTrace(r.Context()), r); err != nil {
			return nil, err
		}
		return smithyhttp.NopClient{}.Do(r)
	}), sends
}

func fine(tr *httptrace.ClientTrace, _ *http.Request) error {
	tr.GetConn("x")
	tr.GotConn(httptrace.GotConnInfo{})
	return nil
}

// closer is a connection that knows whether it was closed.
type closer struct {
	net.Conn
	closed bool
	err    error
}

func (c *closer) Close() error         { c.closed = true; return c.err }
func (c *closer) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443} }

// Given a connection that is handed out when its time is up, when it can be closed,
// then it is, and the request goes to the fallback; and when not, the request may have
// been sent, and isn't sent again.
func TestLateConnections(t *testing.T) {
	for name, conn := range map[string]*closer{"closable": {}, "not": {err: errors.New("not to be closed")}} {
		client, sends := hooked(func(tr *httptrace.ClientTrace, r *http.Request) error {
			tr.GetConn("x")
			<-r.Context().Done()
			tr.GotConn(httptrace.GotConnInfo{Conn: conn})
			return r.Context().Err()
		}, fine)
		s := stack{url: "https://" + serviceHost, signing: "Signing"}
		_, err := s.call(t, client, opts(newResolver(t), middleware.WithConnectBudget(20*time.Millisecond))...)
		if !conn.closed {
			t.Errorf("%s: the connection was left open", name)
		}
		if want := 2; name == "closable" && (*sends != want || err != nil) {
			t.Errorf("%s: got %d sends and error %v, want %d and an answer", name, *sends, err, want)
		}
		if name == "not" && (*sends != 1 || err == nil) {
			t.Errorf("%s: got %d sends and error %v, want one and an error", name, *sends, err)
		}
	}
}

// Given a caller that gives up while a connection is waited for, when the send ends,
// then it isn't made once more.
func TestNoSecondSendForOneWhoGaveUp(t *testing.T) {
	ctx, giveUp := context.WithCancel(context.Background())
	client, sends := hooked(func(tr *httptrace.ClientTrace, r *http.Request) error {
		tr.GetConn("x")
		giveUp()
		<-r.Context().Done()
		return r.Context().Err()
	}, fine)
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	_, _, err := s.handler(opts(newResolver(t)), client).Handle(ctx, struct{}{})
	if *sends != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %d sends and error %v, want one and the caller's cancellation", *sends, err)
	}
}

// Given a body from a pipe, which can't be sent twice, when the name refuses, then it
// isn't sent again.
func TestPipesAreNotSentAgain(t *testing.T) {
	client, sends := hooked(func(tr *httptrace.ClientTrace, r *http.Request) error {
		tr.GetConn("x")
		return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}, fine)
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	reader, writer := io.Pipe()
	defer writer.Close()
	pipe := func(st *smithymiddleware.Stack) error {
		return st.Build.Add(smithymiddleware.BuildMiddlewareFunc("pipe", func(ctx context.Context, in smithymiddleware.BuildInput, next smithymiddleware.BuildHandler) (smithymiddleware.BuildOutput, smithymiddleware.Metadata, error) {
			req, err := in.Request.(*smithyhttp.Request).SetStream(reader)
			if err != nil {
				panic(err)
			}
			in.Request = req
			return next.HandleBuild(ctx, in)
		}), smithymiddleware.After)
	}
	if _, err := s.call(t, client, append([]func(*smithymiddleware.Stack) error{pipe}, opts(newResolver(t))...)...); *sends != 1 || err == nil {
		t.Errorf("got %d sends and error %v, want one and an error", *sends, err)
	}
}

// What a caller has in its context reaches the HTTP client: values, its end, and a
// trace of its own, which is told beside ours.
func TestCallersContext(t *testing.T) {
	type key struct{}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	var looked, dialed, got int
	caller, cancel := context.WithCancelCause(httptrace.WithClientTrace(context.WithValue(context.Background(), key{}, "value"), &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { looked++ },
		ConnectStart: func(string, string) { dialed++ },
		GotConn:      func(httptrace.GotConnInfo) { got++ },
	}))
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	_, _, err := s.handler(opts(newResolver(t)), do(func(r *http.Request) (*http.Response, error) {
		ctx := r.Context()
		if ctx.Value(key{}) != "value" {
			t.Error("the caller's values are gone")
		}
		_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:"+port, nil)
		if err != nil {
			return nil, err
		}
		response, err := new(http.Transport).RoundTrip(request)
		cancel(errors.New("the caller's reason"))
		if ctx.Err() == nil || context.Cause(ctx).Error() != "the caller's reason" {
			t.Errorf("the send's context ended with %v, because of %v", ctx.Err(), context.Cause(ctx))
		}
		return response, err
	})).Handle(caller, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if looked != 1 || dialed == 0 || got != 1 {
		t.Errorf("the caller's trace was told of %d lookups, %d dials and %d connections", looked, dialed, got)
	}
}

// Given clients that don't heed their context, and panic or answer late, when they
// did so to more calls than may ask for another connection at a time, then calls still do.
func TestAskingForAnotherConnectionIsGivenBack(t *testing.T) {
	for name, end := range map[string]func(*http.Request) (*http.Response, error){
		"panics": func(*http.Request) (*http.Response, error) { panic("somebody's RoundTripper") },
		"answers": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("answer"))}, nil
		},
	} {
		o := opts(newResolver(t), middleware.WithConnectBudget(20*time.Millisecond)) // another is asked for after 2 ms
		client := do(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == zonalHost {
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			httptrace.ContextClientTrace(r.Context()).GetConn("x")
			select {
			case <-r.Context().Done():
			case <-time.After(time.Second):
			}
			return end(r)
		})
		for range 40 { // 32 may at a time
			func() {
				defer func() { _ = recover() }()
				s := stack{url: "https://" + serviceHost, signing: "Signing"}
				s.handler(o, client).Handle(context.Background(), struct{}{})
			}()
		}
		asked := 0
		s := stack{url: "https://" + serviceHost, signing: "Signing"}
		_, _, _ = s.handler(o, do(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == zonalHost {
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			httptrace.ContextClientTrace(r.Context()).GetConn("x")
			if asked++; asked > 1 {
				return smithyhttp.NopClient{}.Do(r)
			}
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(time.Second):
				return smithyhttp.NopClient{}.Do(r)
			}
		})).Handle(context.Background(), struct{}{})
		if asked < 2 {
			t.Errorf("%s: no other connection was asked for after 40 calls whose client did that", name)
		}
	}
}
