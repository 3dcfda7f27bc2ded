package dialer_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// The ways in which a server ends a connection under a request that it has executed.
var endings = map[string]func(net.Conn){
	"close_notify and end": func(c net.Conn) { c.Close() }, // an http.Server's, if the handler panics or it is closed
	"end":                  func(c net.Conn) { c.(*tls.Conn).NetConn().Close() },
	"reset": func(c net.Conn) {
		tcp := c.(*tls.Conn).NetConn().(*net.TCPConn)
		_ = tcp.SetLinger(0)
		tcp.Close()
	},
}

// Given a kept connection that breaks under a GET which was executed, and a server that takes no new connections, when net/http sends the GET again by itself
// and is refused, then the refusal is no proof that nothing was sent, and there are no more executions than with the bare transport.
func TestReplayedRequestsAreNotUnsent(t *testing.T) {
	cert, roots := authority(t, zonalName)
	for ending, end := range endings {
		for _, bare := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/bare %v", ending, bare), func(t *testing.T) {
				t.Parallel()
				for round := range 20 { // it is a race between net/http's goroutines
					version := uint16(tls.VersionTLS12 + round%2)
					var executed atomic.Int32
					var s *server
					s = newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path != "/last" {
							return
						}
						executed.Add(1)
						s.listener.Close()
						c, _, err := http.NewResponseController(w).Hijack()
						if err != nil {
							t.Error(err)
							return
						}
						end(c)
					}))
					tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: version}, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
						return (&net.Dialer{}).DialContext(ctx, network, s.addr)
					}}
					if !bare {
						dialer.New(newResolver(t)).Install(tr, nil)
					}
					get := func(path string) error {
						resp, err := tr.RoundTrip(request(t, http.MethodGet, "https://"+zonalName+path))
						if err == nil {
							_, _ = io.Copy(io.Discard, resp.Body)
							resp.Body.Close()
						}
						return err
					}
					if err := get("/first"); err != nil {
						t.Fatal(err)
					}
					begun := time.Now()
					err := get("/last")
					var failed *dialer.Error
					switch {
					case err == nil:
						t.Fatal("got an answer")
					case !bare && errors.As(err, &failed) && failed.NotSent(begun):
						t.Fatalf("%v is taken for proof that nothing was sent", err)
					case executed.Load() != 1:
						t.Fatalf("executed %d times", executed.Load())
					}
					if !bare && failed == nil {
						t.Logf("not replayed: %v", err)
					}
					tr.CloseIdleConnections()
				}
			})
		}
	}
}

func request(t testing.TB, method, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// tellsItsEnd is a connection that says when it is closed.
type tellsItsEnd struct {
	net.Conn
	end func()
}

func (c *tellsItsEnd) Close() error {
	defer c.end()
	return c.Conn.Close()
}

// Given connections that end before they have carried anything of a request, in the handshake or afterwards, when the next connection is refused, then that
// proves that nothing was sent.
func TestUnusedConnectionsAreNotSent(t *testing.T) {
	cert, roots := authority(t, zonalName)
	t.Run("closed in the handshake", func(t *testing.T) {
		for _, reset := range []bool{false, true} {
			ln := listen(t, "127.0.0.1:0")
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					if reset {
						_ = c.(*net.TCPConn).SetLinger(0)
					} else {
						_, _ = c.Read(make([]byte, 1024))
					}
					c.Close()
				}
			}()
			tr := transportTo(ln.Addr().String(), roots)
			dialer.New(newResolver(t)).Install(tr, nil)
			begun := time.Now()
			_, err := tr.RoundTrip(request(t, http.MethodGet, "https://"+zonalName))
			var failed *dialer.Error
			if !errors.As(err, &failed) || !failed.NotSent(begun) || failed.Cause != resolver.CauseConnect {
				t.Errorf("reset %v: got %v, want proof that nothing was sent", reset, err)
			}
		}
	})
	t.Run("closed while it was kept", func(t *testing.T) {
		s := newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		tr := transportTo(s.addr, roots)
		dial, noticed := tr.DialContext, make(chan struct{})
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &tellsItsEnd{Conn: c, end: sync.OnceFunc(func() { close(noticed) })}, nil
		}
		dialer.New(newResolver(t)).Install(tr, nil)
		resp, err := tr.RoundTrip(request(t, http.MethodGet, "https://"+zonalName))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		begun := time.Now()
		s.Close() // the connection ends after begun, and carried nothing since
		<-noticed // by net/http, which takes its time on a busy machine
		_, err = tr.RoundTrip(request(t, http.MethodPost, "https://"+zonalName))
		var failed *dialer.Error
		if !errors.As(err, &failed) || !failed.NotSent(begun) {
			t.Errorf("got %v, want proof that nothing was sent", err)
		}
	})
	t.Run("closed before it was used", func(t *testing.T) {
		s := newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		tr := transportTo(s.addr, roots)
		dialer.New(newResolver(t)).Install(tr, nil)
		begun := time.Now()
		c, err := tr.DialTLSContext(t.Context(), "tcp", zonalName+":443")
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Fatal("the server said something")
		}
		c.Close()
		_, err = tr.RoundTrip(request(t, http.MethodPost, "https://"+zonalName))
		var failed *dialer.Error
		if !errors.As(err, &failed) || !failed.NotSent(begun) {
			t.Errorf("got %v, want proof that nothing was sent", err)
		}
	})
}

// Given kept connections that were reset, when requests are written to them before anybody has noticed, and new connections are refused, then that proves that
// nothing was sent: net/http tries again by itself, and the refusal is what comes of it.
func TestWritesThatTakeNothingAreNotSent(t *testing.T) {
	cert, roots := authority(t, zonalName)
	unsent := 0
	for range 100 { // it is a race between net/http's goroutines
		s := newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		tr := transportTo(s.addr, roots)
		var kept resetConn
		dial := tr.DialContext
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			kept.Conn = c
			return &kept, nil
		}
		dialer.New(newResolver(t)).Install(tr, nil)
		resp, err := tr.RoundTrip(request(t, http.MethodGet, "https://"+zonalName))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		s.listener.Close()
		kept.whenWritten = func() { // the reset arrives between the choice of the connection and the write
			for _, c := range s.open() {
				_ = c.SetLinger(0)
				c.Close()
			}
		}
		begun := time.Now()
		_, err = tr.RoundTrip(request(t, http.MethodGet, "https://"+zonalName))
		var failed *dialer.Error
		if errors.As(err, &failed) {
			if !failed.NotSent(begun) {
				t.Fatalf("%v is no proof that nothing was sent", err)
			}
			unsent++
		}
	}
	if unsent < 50 {
		t.Errorf("net/http has sent %d of 100 again, want most", unsent)
	}
}

// resetConn is reset right before something is written to it.
type resetConn struct {
	net.Conn
	whenWritten func()
}

func (c *resetConn) Write(p []byte) (int, error) {
	if reset := c.whenWritten; reset != nil {
		c.whenWritten = nil
		reset()
		time.Sleep(time.Millisecond)
	}
	return c.Conn.Write(p)
}
