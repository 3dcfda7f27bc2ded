package middleware_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// zoneDown is an HTTP client with our dialer whose zonal name refuses connections, and whose other names lead to the server.
func zoneDown(t testing.TB, r *resolver.Resolver, server *httptest.Server) (*http.Client, []func(*smithymiddleware.Stack) error) {
	t.Helper()
	bare := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasPrefix(addr, zonalHost) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}}}
	client, d := middleware.Client(bare, r)
	own, ok := client.(*http.Client)
	if !ok || d == nil {
		t.Fatal("the client has no dialer")
	}
	t.Cleanup(own.CloseIdleConnections)
	var options []func(*smithymiddleware.Stack) error
	middleware.Append(&options, r, middleware.WithDialer(d))
	return own, options
}

// received serves, and keeps what it got.
func received(t testing.TB) (*httptest.Server, func() []*http.Request) {
	t.Helper()
	var all []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b))
		all = append(all, r)
	}))
	t.Cleanup(s.Close)
	return s, func() []*http.Request { s.Close(); return all }
}

// Given steps around the signer that add to headers, when a request is sent a second time because the zonal name refuses connections, then it has each value
// once, and what was there before.
func TestHeadersAreNotDoubled(t *testing.T) {
	for _, many := range []int{0, 40} { // more than are kept without a copy
		s, got := received(t)
		r := newResolver(t)
		client, options := zoneDown(t, r, s)
		add := func(req *smithyhttp.Request) {
			req.Header.Add("X-Had", "second")
			req.Header.Add("X-New", "only")
		}
		call := stack{
			url: "http://" + serviceHost, signing: "Signing", before: add, after: func(req *smithyhttp.Request) { req.Header.Add("X-Had", "third") },
			outer: func(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
				h := in.Request.(*smithyhttp.Request).Header
				h["X-Had"] = append(make([]string, 0, 8), "first") // has room, so that appending writes into it
				for i := range many {
					h.Set(fmt.Sprint("X-Many-", i), "one")
				}
				return next.HandleFinalize(ctx, in)
			},
		}
		if _, err := call.call(t, client, options...); err != nil {
			t.Fatal(err)
		}
		all := got()
		if len(all) != 1 || len(call.signed) != 2 {
			t.Fatalf("%d requests arrived and %d were signed, want one and two", len(all), len(call.signed))
		}
		if had, fresh := strings.Join(all[0].Header["X-Had"], " "), strings.Join(all[0].Header["X-New"], " "); had != "first second third" || fresh != "only" {
			t.Errorf("the headers are %q and %q", had, fresh)
		}
		if n := len(all[0].Header); n < many {
			t.Errorf("%d headers arrived", n)
		}
	}
}

// stuck is a body that can't be rewound any more.
type stuck struct {
	*strings.Reader
	seeks int // that succeed yet
}

func (s *stuck) Seek(offset int64, whence int) (int64, error) {
	if s.seeks--; s.seeks < 0 {
		return 0, errors.New("stuck")
	}
	return s.Reader.Seek(offset, whence)
}

// once is a body that can be read once.
type once struct{ io.Reader }

// Given bodies of every kind, when the zonal name refuses connections, then a request is sent once more if its body can be, or has not been read.
func TestBodiesAreSentAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		body func() io.Reader
		read bool // by a step behind us
		ok   bool
	}{
		{"none", func() io.Reader { return nil }, false, true},
		{"seekable", func() io.Reader { return strings.NewReader("body") }, false, true},
		{"seekable and read", func() io.Reader { return strings.NewReader("body") }, true, true},
		{"once", func() io.Reader { return once{strings.NewReader("body")} }, false, true},
		{"once and read", func() io.Reader { return once{strings.NewReader("body")} }, true, false},
		{"stuck", func() io.Reader { return &stuck{strings.NewReader("body"), 2} }, false, true},
		{"stuck and read", func() io.Reader { return &stuck{strings.NewReader("body"), 2} }, true, false},
		{"stuck at once", func() io.Reader { return &stuck{strings.NewReader("body"), 1} }, false, true},
		{"stuck at once and read", func() io.Reader { return &stuck{strings.NewReader("body"), 1} }, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, got := received(t)
			r := newResolver(t)
			r.Resolve(serviceHost).Answered() // so that a body that can't be sent again may go to the zonal name
			client, options := zoneDown(t, r, s)
			call := stack{url: "http://" + serviceHost, signing: "Signing", body: tt.body(), attempts: "attempt=1; max=3"}
			if tt.read {
				call.before = func(req *smithyhttp.Request) {
					if len(call.signed) == 0 {
						_, _ = io.ReadFull(req.GetStream(), make([]byte, 2))
					}
				}
			}
			_, err := call.call(t, client, options...)
			all := got()
			if (err == nil) != tt.ok || tt.ok != (len(all) == 1) {
				t.Fatalf("got %v, and %d requests arrived", err, len(all))
			}
			if tt.ok && tt.body() != nil && !tt.read {
				if b, _ := io.ReadAll(all[0].Body); string(b) != "body" {
					t.Errorf("arrived %q", b)
				}
			}
		})
	}
}

// silent is a transport of somebody's that reports GetConn, and connects with what net reports, but never says that it has a connection. It tries a second
// time by itself.
type silent struct {
	addr     string // of all hosts but the regional name
	regional string
	kept     net.Conn
}

func (s *silent) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GetConn != nil {
		trace.GetConn(req.URL.Host)
	}
	for range 2 {
		c := s.kept
		s.kept = nil
		if c == nil {
			addr := s.addr
			if req.URL.Host == regionalHost {
				addr = s.regional
			}
			if c, err = new(net.Dialer).DialContext(req.Context(), "tcp", addr); err != nil {
				return nil, err
			}
		}
		stop := context.AfterFunc(req.Context(), func() { c.Close() })
		resp, err = exchange(c, req)
		stop()
		if err == nil {
			s.kept = c
			return resp, nil
		}
		c.Close()
	}
	return nil, err
}

// Given a client that never says that it has a connection, when it fails after its request was executed, or the service takes its time, then nothing is
// executed more often than without the middleware.
func TestSilentClients(t *testing.T) {
	for name, tt := range map[string]struct {
		first bool // there was a call before, whose connection is kept
		fail  bool // the service executes, closes the connection, and takes no more of them
		slow  time.Duration
	}{
		"closed":            {fail: true},
		"closed, when kept": {first: true, fail: true},
		"slow":              {slow: 1500 * time.Millisecond},
		"slow, when kept":   {first: true, slow: 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			executions := func(options []func(*smithymiddleware.Stack) error) (n int32, err error) {
				var executed atomic.Int32
				var s *httptest.Server
				s = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if n := executed.Add(1); tt.first && n == 1 {
						return
					}
					time.Sleep(tt.slow)
					if tt.fail {
						s.Listener.Close()
						panic(http.ErrAbortHandler)
					}
				}))
				defer s.Close()
				elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { executed.Add(1) }))
				defer elsewhere.Close()
				client := &http.Client{Transport: &silent{addr: s.Listener.Addr().String(), regional: elsewhere.Listener.Addr().String()}}
				call := stack{url: "http://" + serviceHost, signing: "Signing"}
				if tt.first {
					if _, err := call.call(t, client, options...); err != nil {
						t.Fatal(err)
					}
				}
				_, err = call.call(t, client, options...)
				return executed.Load(), err
			}
			bare, bareErr := executions(nil)
			own, err := executions(options(newResolver(t)))
			if own != bare || (err == nil) != (bareErr == nil) {
				t.Errorf("executed %d times with %v, bare %d times with %v", own, err, bare, bareErr)
			}
		})
	}
}

// exchange writes a request and reads the answer.
func exchange(c net.Conn, req *http.Request) (*http.Response, error) {
	if err := req.Write(c); err != nil {
		return nil, err
	}
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b[:n])), req)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = http.NoBody
	return resp, nil
}

// Given a stack that calls for several attempts, when each is answered, then each one's metadata has its own route.
func TestMetadataOfSeveralAttempts(t *testing.T) {
	r := newResolver(t)
	var routes []resolver.Route
	call := stack{url: "https://" + serviceHost, signing: "Signing", outer: func(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (out smithymiddleware.FinalizeOutput, metadata smithymiddleware.Metadata, err error) {
		var all []smithymiddleware.Metadata
		for i := range 3 {
			attempt := in
			attempt.Request = in.Request.(*smithyhttp.Request).Clone()
			if i == 1 {
				r.ShiftAway(time.Now().Add(time.Hour))
			} else {
				r.ShiftAway(time.Time{})
			}
			out, metadata, err = next.HandleFinalize(ctx, attempt)
			all = append(all, metadata)
		}
		for _, metadata := range all {
			route, _ := middleware.RouteFrom(metadata)
			routes = append(routes, route)
		}
		return out, metadata, err
	}}
	if _, err := call.call(t, nop{}, options(r)...); err != nil {
		t.Fatal(err)
	}
	for i, want := range []resolver.Reason{resolver.InZone, resolver.ShiftedAway, resolver.InZone} {
		if routes[i].Reason != want {
			t.Errorf("attempt %d: got %v, want %v", i+1, routes[i], want)
		}
	}
}

// Given a zonal name that takes longer to connect to than it may, when a request without another attempt is sent, then one whose body can be sent again goes
// elsewhere when the time is over, and one that nobody could send again waits.
func TestWhoWaitsForTheZonalName(t *testing.T) {
	s, _ := received(t)
	r := newResolver(t)
	var slow atomic.Bool
	var last atomic.Value
	client, d := middleware.Client(&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if slow.Load() && strings.HasPrefix(addr, zonalHost) {
			select {
			case <-time.After(dialer.DefaultConnectTimeout * 3 / 2):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		c, err := new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		last.Store(addr)
		return c, err
	}}}, r)
	var options []func(*smithymiddleware.Stack) error
	middleware.Append(&options, r, middleware.WithDialer(d))
	pipe, into := io.Pipe()
	go func() {
		_, _ = io.WriteString(into, "once")
		into.Close()
	}()
	for _, tt := range []struct {
		slow bool
		body io.Reader
		want string
	}{
		{false, nil, zonalHost}, // somebody has connected to it
		{true, strings.NewReader("again"), regionalHost},
		{true, pipe, zonalHost},
	} {
		slow.Store(tt.slow)
		call := stack{url: "http://" + serviceHost, signing: "Signing", attempts: "attempt=3; max=3", body: tt.body}
		if _, err := call.call(t, client, options...); err != nil || !strings.HasPrefix(last.Load().(string), tt.want) {
			t.Errorf("%T: connected to %v, %v; want %s", tt.body, last.Load(), err, tt.want)
		}
	}
}

// Given a body that is read once, and attempts left that can't send it again, when a foreign client sends it and nobody has connected to the zonal name yet, then it
// goes where it would have gone: a request that could not be sent elsewhere doesn't try a name.
func TestBodiesThatAreReadOnceTryNoName(t *testing.T) {
	for body, want := range map[io.Reader]string{io.MultiReader(strings.NewReader("once")): regionalHost, strings.NewReader("again"): zonalHost} {
		s := stack{url: "https://" + serviceHost, signing: "Signing", attempts: "attempt=1; max=3", body: body}
		if _, err := s.call(t, smithyhttp.NopClient{}, options(newResolver(t))...); err != nil || s.signed[0] != want {
			t.Errorf("signed for %v, %v; want %s", s.signed, err, want)
		}
	}
}
