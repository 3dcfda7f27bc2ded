package dialer_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given transports of every kind, when a dialer is installed, then they say hello to a server as they do without: in their protocols, versions and names.
func TestInstallKeepsTLS(t *testing.T) {
	hellos := make(chan *tls.ClientHelloInfo, 1)
	s := httptest.NewUnstartedServer(nothing)
	s.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		hellos <- hello
		return nil, errors.New("enough")
	}}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	_, names := newNameServer(t, map[string][]string{zonalName: {"127.0.0.1"}})
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	for name, make := range map[string]func() *http.Transport{
		"no settings": func() *http.Transport { return &http.Transport{} },
		"TLSClientConfig": func() *http.Transport {
			return &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13}}
		},
		"ServerName": func() *http.Transport {
			return &http.Transport{TLSClientConfig: &tls.Config{ServerName: "example.com"}}
		},
		"NextProtos": func() *http.Transport {
			return &http.Transport{TLSClientConfig: &tls.Config{NextProtos: []string{"x"}}}
		},
		"ForceAttemptHTTP2": func() *http.Transport {
			return &http.Transport{TLSClientConfig: &tls.Config{}, ForceAttemptHTTP2: true}
		},
		"DialContext":        func() *http.Transport { return &http.Transport{DialContext: dial} },
		"DialContext, HTTP2": func() *http.Transport { return &http.Transport{DialContext: dial, ForceAttemptHTTP2: true} },
		"Dial": func() *http.Transport {
			//lint:ignore SA1019 it is deprecated, and works
			return &http.Transport{Dial: func(network, _ string) (net.Conn, error) { return dial(context.Background(), network, "") }}
		},
		"Protocols": func() *http.Transport { return &http.Transport{Protocols: http1} },
		"TLSNextProto": func() *http.Transport {
			return &http.Transport{TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
		},
		"a clone of http.DefaultTransport": func() *http.Transport {
			return http.DefaultTransport.(*http.Transport).Clone()
		},
	} {
		hello := func(host string, own bool) *tls.ClientHelloInfo {
			tr := make()
			if own {
				dialer.New(newResolver(t), dialer.WithNetResolver(names)).Install(tr, nil)
			}
			if tr.DialContext == nil && host == zonalName { // the bare one knows no names
				host = "127.0.0.1"
			}
			_, _ = get(t, tr, host, port)
			select {
			case got := <-hellos:
				return got
			default:
				t.Fatalf("%s: no hello", name)
				return nil
			}
		}
		for _, host := range []string{zonalName, "127.0.0.1"} {
			if host == zonalName && strings.HasPrefix(name, "a clone") {
				continue // net.DefaultResolver's
			}
			bare, own := hello(host, false), hello(host, true)
			if !reflect.DeepEqual(bare.SupportedProtos, own.SupportedProtos) || !reflect.DeepEqual(bare.SupportedVersions, own.SupportedVersions) {
				t.Errorf("%s, %s: offers %v and %x, want %v and %x", name, host, own.SupportedProtos, own.SupportedVersions, bare.SupportedProtos, bare.SupportedVersions)
			}
			if bare.ServerName != "" && bare.ServerName != own.ServerName {
				t.Errorf("%s, %s: asks for %q, want %q", name, host, own.ServerName, bare.ServerName)
			}
		}
	}
}

// Given a transport that makes its TLS connections by a function of its own, when a dialer is to be installed, then it stays as it is.
func TestInstallLeavesTLSDialersAlone(t *testing.T) {
	d := dialer.New(newResolver(t))
	for _, tr := range []*http.Transport{
		{DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("the user's") }},
		{DialTLS: func(string, string) (net.Conn, error) { return nil, errors.New("the user's") }},
	} {
		d.Install(tr, nil)
		if dialer.CanInstall(tr) || dialer.Of(tr, nil) != nil || tr.DialContext != nil || tr.OnProxyConnectResponse != nil {
			t.Error("it was changed")
		}
		if _, err := get(t, tr, zonalName, "443"); err == nil || err.Error() != "the user's" {
			t.Errorf("got %v, want the error of the user's function", err)
		}
	}
	d.Install(nil, nil)
}

// proxy is an HTTP proxy that connects to one server, if it does.
func proxy(t testing.TB, to string, refuse *atomic.Bool) *url.URL {
	t.Helper()
	ln := listen(t, "127.0.0.1:0")
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				if refuse.Load() {
					_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
					return
				}
				server, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer server.Close()
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				go func() { _, _ = io.Copy(server, in) }()
				_, _ = io.Copy(c, server)
			}()
		}
	}()
	return &url.URL{Scheme: "http", Host: ln.Addr().String()}
}

// Given a proxy, when it doesn't connect, then that proves that nothing was sent, unless a tunnel broke under the request; the user's own function sees each
// answer, and its error is the call's. So too if another dialer has taken the first one's place.
func TestProxies(t *testing.T) {
	cert, roots := authority(t, zonalName)
	for _, twice := range []bool{false, true} {
		var refuse atomic.Bool
		var executed, seen atomic.Int32
		s := newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if executed.Add(1) > 1 {
				refuse.Store(true)
				panic(http.ErrAbortHandler)
			}
		}))
		var users error
		tr := &http.Transport{
			Proxy: http.ProxyURL(proxy(t, s.addr, &refuse)), TLSClientConfig: &tls.Config{RootCAs: roots},
			OnProxyConnectResponse: func(context.Context, *url.URL, *http.Request, *http.Response) error { seen.Add(1); return users },
		}
		if twice {
			dialer.New(newResolver(t)).Install(tr, nil)
		}
		r := newResolver(t)
		dialer.New(r).Install(tr, nil)
		if _, err := get(t, tr, zonalName, "443"); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err := get(t, tr, zonalName, "443")
		var failed *dialer.Error
		if !errors.As(err, &failed) || failed.NotSent(begun) || executed.Load() != 2 {
			t.Errorf("twice %v: got %v after %d executions, want no proof that nothing was sent", twice, err, executed.Load())
		}
		begun = time.Now()
		_, err = get(t, tr, zonalName, "443")
		if !errors.As(err, &failed) || !failed.NotSent(begun) || failed.Host != zonalName || failed.Cause != resolver.CauseConnect || !strings.Contains(err.Error(), "403") {
			t.Errorf("twice %v: got %#v, want proof that nothing was sent", twice, err)
		}
		users = errors.New("the user's")
		if _, err = get(t, tr, zonalName, "443"); !errors.Is(err, users) || seen.Load() != 4 {
			t.Errorf("twice %v: got %v after the user's function was called %d times, want its error", twice, err, seen.Load())
		}
		tr.CloseIdleConnections()
	}
}

// Given a transport with a dialer, when another for another resolver is installed, or it is cloned, then the last one's resolver and name server are asked,
// and what connected to other hosts before still does.
func TestInstallTwiceAndClone(t *testing.T) {
	cert, roots := authority(t, zonalName, "example.com")
	_, port := newServers(t, cert, whoAnswers, "127.0.1.1")
	first, second := newResolver(t), newResolver(t)
	_, noNames := newNameServer(t, nil)
	_, names := newNameServer(t, map[string][]string{zonalName: {"127.0.1.1"}})
	usual := 0
	nd := &net.Dialer{}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		usual++
		return nd.DialContext(ctx, network, "127.0.1.1:"+port)
	}}
	dialer.New(first, dialer.WithNetResolver(noNames)).Install(tr, nd)
	d := dialer.New(second, dialer.WithNetResolver(names))
	d.Install(tr, nil)
	for _, tr := range []*http.Transport{tr, tr.Clone()} {
		if dialer.Of(tr, first) != nil || dialer.Of(tr, second) != d {
			t.Error("the transport has not the second dialer")
		}
		usual = 0
		if _, err := get(t, tr, zonalName, port); err != nil || usual != 0 {
			t.Errorf("got %v, and what connects to others was asked %d times", err, usual)
		}
		if _, err := get(t, tr, "example.com", port); err != nil || usual != 1 {
			t.Errorf("another host: got %v, want it connected to by the user's function (%d)", err, usual)
		}
		tr.CloseIdleConnections()
	}
	if !second.Resolve(regionalName).Proven() || first.Resolve(regionalName).Proven() {
		t.Error("the connection was told to the wrong resolver")
	}
}

// Given http.DefaultTransport, whose DialContext the program has replaced, when a transport with a dialer is made of it, then it connects by that.
func TestRoundTripperKeepsTheProgramsDialContext(t *testing.T) {
	base := http.DefaultTransport.(*http.Transport)
	before := base.DialContext
	defer func() { base.DialContext = before }()
	users := errors.New("the program's")
	base.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, users }
	for _, host := range []string{zonalName, "example.com"} {
		if _, err := get(t, dialer.New(newResolver(t)).RoundTripper(nil), host, "443"); !errors.Is(err, users) {
			t.Errorf("%s: got %v, want the error of the program's function", host, err)
		}
	}
}

// Given addresses that aren't TCP's, when the dialer is asked, then it connects as net.Dialer does.
func TestDialContextOfOtherNetworks(t *testing.T) {
	path := t.TempDir() + "/socket"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := dialer.New(newResolver(t)).DialContext(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.(*net.UnixConn); !ok {
		t.Errorf("got a %T", c)
	}
}

// Given a bucket's host under a zonal name, when it can't be looked up, connected to, or proves to be somebody else's, then nothing that is logged or shown
// has the bucket's name.
func TestBucketsAreNotTold(t *testing.T) {
	const regional = "vpce-0a1b2c3d4e5f60718-lj2wisx3.s3.us-east-1.vpce.amazonaws.com"
	const host = "photos.bucket.vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.s3.us-east-1.vpce.amazonaws.com"
	cert, _ := authority(t, "example.com")
	_, wrong := newServers(t, cert, nothing, "127.0.1.1")
	ln := listen(t, "127.0.1.1:0")
	_, refusing, _ := net.SplitHostPort(ln.Addr().String())
	ln.Close()
	_, silent, _ := net.SplitHostPort(listen(t, "127.0.1.1:0").Addr().String())
	for name, tt := range map[string]struct {
		port  string
		known bool
		want  resolver.Cause
	}{
		"DNS":       {"443", false, resolver.CauseAbsent},
		"TLS":       {wrong, true, resolver.CauseCertificate},
		"refused":   {refusing, true, resolver.CauseConnect},
		"timed out": {silent, true, resolver.CauseTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log lockedBuffer
			r, err := resolver.New(
				resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
				resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "*." + regional})),
				resolver.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			addrs := map[string][]string{}
			if tt.known {
				addrs[host] = []string{"127.0.1.1"}
			}
			_, names := newNameServer(t, addrs)
			tr, _ := installed(t, r, nil, names, dialer.WithConnectTimeout(100*time.Millisecond))
			for range 4 {
				_, err := get(t, tr, host, tt.port)
				var failed *dialer.Error
				if !errors.As(err, &failed) {
					t.Fatalf("got %v", err)
				}
			}
			state := r.Snapshot()
			shown, _ := json.Marshal(state)
			if state.Endpoints[0].LastCause != tt.want || state.Endpoints[0].LastError == "" {
				t.Errorf("the snapshot has %+v, want %v", state.Endpoints[0].HealthState, tt.want)
			}
			if text := log.String(); !strings.Contains(text, "ejected") || strings.Contains(text, "photos") || strings.Contains(fmt.Sprint(state), "photos") || strings.Contains(string(shown), "photos") {
				t.Errorf("the bucket is named, or nothing was logged:\n%s\n%s", text, shown)
			}
		})
	}
}

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
