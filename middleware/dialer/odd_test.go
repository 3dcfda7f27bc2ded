package dialer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
)

// Given requests and hosts that nobody can do anything with, when they are sent, or connected to, then the error is net/http's, or package net's, and nothing panics.
func TestOddRequests(t *testing.T) {
	down := errors.New("no DNS here")
	d := New(newTestResolver(t), WithNetResolver(&net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, down }}))
	client := d.RoundTripper(&http.Transport{})
	if _, err := client.RoundTrip(&http.Request{Method: http.MethodGet}); err == nil || !strings.Contains(err.Error(), "nil Request.URL") {
		t.Errorf("no URL: got %v", err)
	}
	tr := &http.Transport{}
	d.Install(tr, nil)
	for name, dial := range map[string]dialFunc{"DialContext": tr.DialContext, "DialTLSContext": tr.DialTLSContext, "the dialer's": d.DialContext} {
		c, err := dial(t.Context(), "tcp", "no port")
		if c != nil || err == nil || !strings.Contains(err.Error(), "missing port") {
			t.Errorf("%s: got %v, %v", name, c, err)
		}
	}
	if hosts, err := d.LookupHost(t.Context(), "no such host."); err == nil || hosts != nil {
		t.Errorf("got %v, %v", hosts, err)
	}
}

// Given a transport with a scheme of somebody's own, when a request has it, then base sends it.
func TestOtherSchemes(t *testing.T) {
	base := &http.Transport{}
	base.RegisterProtocol("file", http.NewFileTransport(http.Dir(t.TempDir())))
	resp, err := (&http.Client{Transport: New(newTestResolver(t)).RoundTripper(base)}).Get("file:///none")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("got %v", resp.Status)
	}
}

// Given a default transport that somebody has replaced, when a RoundTripper is made of none, then it works all the same.
func TestReplacedDefault(t *testing.T) {
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(server.Close)
	for _, replaced := range []http.RoundTripper{before, http.NewFileTransport(http.Dir(t.TempDir()))} {
		http.DefaultTransport = replaced
		client := &http.Client{Transport: New(newTestResolver(t)).RoundTripper(nil)}
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		client.CloseIdleConnections()
		if resp.StatusCode != http.StatusTeapot {
			t.Errorf("%T: got %v", replaced, resp.Status)
		}
	}
}

// connected is a TCP connection on which nothing was sent.
func connected(t *testing.T) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Given connections with sockets, and without, when their users ask for the socket, or end their half, then it is done, or said that it can't be.
func TestSocketsOfConnections(t *testing.T) {
	tcp := connected(t)
	pipe, other := net.Pipe()
	t.Cleanup(func() { pipe.Close(); other.Close() })
	for _, tt := range []struct {
		inner net.Conn
		has   bool
	}{{tcp, true}, {&conn{Conn: &conn{Conn: tcp}}, true}, {struct{ net.Conn }{tcp}, true}, {pipe, false}} {
		c := &conn{Conn: tt.inner}
		raw, err := c.SyscallConn()
		if (raw != nil) != tt.has || tt.has != (err == nil) || !tt.has && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%T: got a socket: %v, %v; want %v", tt.inner, raw != nil, err, tt.has)
		}
		_, half := tt.inner.(interface{ CloseWrite() error })
		if err := c.CloseWrite(); half == errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%T: ending its half: %v", tt.inner, err)
		}
		if c.NetConn() != tt.inner {
			t.Errorf("%T: inside is a %T", tt.inner, c.NetConn())
		}
	}
	deep := net.Conn(tcp)
	for range 2 * maxDepth {
		deep = struct{ net.Conn }{deep}
	}
	if rawOf(deep) != nil {
		t.Error("a socket was found at any depth")
	}
	closed := connected(t)
	closed.Close()
	if rawOf(closed) != nil {
		if _, ok := readInfo(rawOf(closed)); ok {
			t.Error("the kernel tells of a connection that is closed")
		}
	}
}

// Given a name that is ejected for something of connecting, when a request hurries to connect to it, then it is refused at once, and the cause is a dead path's if
// that is what became of the last connection.
func TestEjectedNamesAreRefused(t *testing.T) {
	r := newTestResolver(t)
	d := New(r)
	asked := 0
	in := byHost(d, func(context.Context, string, string) (net.Conn, error) {
		asked++
		return nil, errors.New("refused")
	})
	route := r.Resolve(zonal)
	for range 3 {
		_, _ = in.dial(t.Context(), "tcp", zonal+":443")
	}
	before := asked
	for died, want := range map[bool]resolver.Cause{false: resolver.CauseConnect, true: resolver.CausePathDead} {
		to := d.use(in, zonal+":443", zonal)
		to.died.Store(died)
		_, err := in.dial(t.Context(), "tcp", zonal+":443")
		var failed *Error
		if !errors.As(err, &failed) || failed.Cause != want || failed.Host != zonal {
			t.Errorf("died %v: got %#v, %v; want %v", died, failed, route, want)
		}
		d.unuse(to)
	}
	if asked != before {
		t.Errorf("it was connected to %d times more", asked-before)
	}
}
