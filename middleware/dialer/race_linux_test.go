package dialer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// installed is a transport that has a dialer, which asks the name server.
func installed(t testing.TB, r *resolver.Resolver, roots *x509.CertPool, names *net.Resolver, opts ...dialer.Option) (*http.Transport, *dialer.Dialer) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	d := dialer.New(r, append([]dialer.Option{dialer.WithNetResolver(names)}, opts...)...)
	d.Install(tr, &net.Dialer{Timeout: 5 * time.Second})
	t.Cleanup(tr.CloseIdleConnections)
	return tr, d
}

// get gets a path of a host, and says who answered.
func get(t testing.TB, tr http.RoundTripper, host, port string) (from string, err error) {
	t.Helper()
	resp, err := tr.RoundTrip(request(t, http.MethodGet, "https://"+host+":"+port))
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	return resp.Header.Get("From"), nil
}

// whoAnswers writes the address that was connected to.
var whoAnswers = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
	w.Header().Set("From", host)
})

// Given a regional name with two addresses, of which the first hangs or refuses, when it is connected to, then the second is tried after 0.1 s, or at once,
// and the first is tried last from then on if it failed.
func TestNextAddress(t *testing.T) {
	cert, roots := authority(t, regionalName)
	for _, tt := range []struct {
		name        string
		first       func(s *server)
		least, most time.Duration
		order       []string
		dns         time.Duration // how long it takes
	}{
		{"answers", func(*server) {}, 0, 90 * time.Millisecond, []string{"127.0.1.1", "127.0.2.1"}, 0},
		{"hangs", func(s *server) { s.listener.Close(); hang(t, s.addr) }, 95 * time.Millisecond, 400 * time.Millisecond, []string{"127.0.1.1", "127.0.2.1"}, 0},
		{"hangs, behind slow DNS", func(s *server) { s.listener.Close(); hang(t, s.addr) }, 155 * time.Millisecond, 600 * time.Millisecond, []string{"127.0.1.1", "127.0.2.1"}, 60 * time.Millisecond},
		{"refuses", func(s *server) { s.listener.Close() }, 0, 90 * time.Millisecond, []string{"127.0.2.1", "127.0.1.1"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			servers, port := newServers(t, cert, whoAnswers, "127.0.1.1", "127.0.2.1")
			tt.first(servers[0])
			_, names := newNameServer(t, map[string][]string{regionalName: {"127.0.1.1", "127.0.2.1"}})
			ask := names.Dial
			names.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				time.Sleep(tt.dns)
				return ask(ctx, network, addr)
			}
			tr, d := installed(t, newResolver(t), roots, names)
			start := time.Now()
			from, err := get(t, tr, regionalName, port)
			took := time.Since(start)
			if want := map[bool]string{true: "127.0.1.1", false: "127.0.2.1"}[tt.name == "answers"]; err != nil || from != want {
				t.Errorf("got an answer from %q and %v, want one from %s", from, err, want)
			}
			if took < tt.least || took > tt.most {
				t.Errorf("took %v, want %v to %v", took, tt.least, tt.most)
			}
			if order, err := d.LookupHost(t.Context(), regionalName); err != nil || !slices.Equal(order, tt.order) {
				t.Errorf("afterwards the order is %v, %v; want %v", order, err, tt.order)
			}
		})
	}
}

// opaque is a connection that shows nothing of what is inside, so that the kernel can't be asked.
type opaque struct{ inner net.Conn }

func (o opaque) Read(p []byte) (int, error)         { return o.inner.Read(p) }
func (o opaque) Write(p []byte) (int, error)        { return o.inner.Write(p) }
func (o opaque) Close() error                       { return o.inner.Close() }
func (o opaque) LocalAddr() net.Addr                { return o.inner.LocalAddr() }
func (o opaque) RemoteAddr() net.Addr               { return o.inner.RemoteAddr() }
func (o opaque) SetDeadline(at time.Time) error     { return o.inner.SetDeadline(at) }
func (o opaque) SetReadDeadline(at time.Time) error { return o.inner.SetReadDeadline(at) }
func (o opaque) SetWriteDeadline(at time.Time) error {
	return o.inner.SetWriteDeadline(at)
}

// Given a TLS handshake in which this process computes for longer than the connect timeout and the delay to the next address, when a name is connected to,
// then that succeeds, with one connection.
func TestSlowHandshakes(t *testing.T) {
	cert, roots := authority(t, zonalName, regionalName)
	for _, host := range []string{zonalName, regionalName} {
		for _, blind := range []bool{false, true} {
			servers, port := newServers(t, cert, whoAnswers, "127.0.1.1", "127.0.2.1")
			_, names := newNameServer(t, map[string][]string{zonalName: {"127.0.1.1"}, regionalName: {"127.0.1.1", "127.0.2.1"}})
			r := newResolver(t)
			config := &tls.Config{RootCAs: roots, VerifyConnection: func(tls.ConnectionState) error {
				for start := time.Now(); time.Since(start) < 500*time.Millisecond; {
				}
				return nil
			}}
			tr := &http.Transport{TLSClientConfig: config}
			nd := &net.Dialer{Timeout: 200 * time.Millisecond} // is for TCP, not for TLS
			if blind {
				tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := (&net.Dialer{Resolver: names}).DialContext(ctx, network, addr)
					return opaque{c}, err
				}
				nd = nil
			}
			dialer.New(r, dialer.WithNetResolver(names), dialer.WithConnectTimeout(200*time.Millisecond)).Install(tr, nd)
			_, err := get(t, tr, host, port)
			tr.CloseIdleConnections()
			if n := servers[0].connections() + servers[1].connections(); err != nil || n != 1 {
				t.Errorf("%s, the kernel not asked %v: got %v, and %d connections; want 1", host, blind, err, n)
			}
		}
	}
}

// Given a server that accepts connections and says nothing, when a zonal name is connected to, then that is given up after the connect timeout: proof that
// nothing was sent, and a failure of the name.
func TestHangsBeforeTLS(t *testing.T) {
	t.Parallel()
	_, port, _ := net.SplitHostPort(listen(t, "127.0.1.1:0").Addr().String())
	_, names := newNameServer(t, map[string][]string{zonalName: {"127.0.1.1"}})
	r := newResolver(t)
	tr, _ := installed(t, r, nil, names)
	begun, ran := time.Now(), dialer.Ran(t.Context(), 2*time.Second)
	_, err := get(t, tr, zonalName, port)
	took := time.Since(begun)
	var failed *dialer.Error
	if !errors.As(err, &failed) || failed.Cause != resolver.CauseTimeout || !failed.Timeout() || !failed.NotSent(begun) || failed.Host != zonalName {
		t.Errorf("got %#v, want a timeout, and proof that nothing was sent", err)
	}
	select {
	case <-ran:
		t.Errorf("took %v, and this process ran for 2 s of it, want the connect timeout, a second", took)
	default:
		if took < 950*time.Millisecond {
			t.Errorf("took %v, want the connect timeout, a second", took)
		}
	}
	if s := r.Snapshot().Endpoints[0]; s.LastCause != resolver.CauseTimeout {
		t.Errorf("the name has %+v, want its timeout", s.HealthState)
	}
}

// Given a caller that gives up while a zonal name is connected to, then that is not the name's failure.
func TestCallersThatGiveUp(t *testing.T) {
	t.Parallel()
	addr := listen(t, "127.0.1.1:0").Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	_, names := newNameServer(t, map[string][]string{zonalName: {"127.0.1.1"}})
	r := newResolver(t)
	tr, _ := installed(t, r, nil, names)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := tr.DialTLSContext(ctx, "tcp", net.JoinHostPort(zonalName, port)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if s := r.Snapshot().Endpoints[0]; s.LastCause != resolver.NoCause {
		t.Errorf("the name has %+v, want no failure", s.HealthState)
	}
}

// Given a zonal name that refuses connections, when it is ejected, then it is refused at once, without DNS, and no request is its probe; and when connections
// can be made again, a background check brings it back within its ten seconds, and carries no request.
func TestEjectedNamesComeBack(t *testing.T) {
	long(t)
	t.Parallel()
	cert, roots := authority(t, zonalName)
	ln := listen(t, "127.0.1.1:0")
	addr := ln.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	ln.Close()
	asked, names := newNameServer(t, map[string][]string{zonalName: {"127.0.1.1"}})
	r := newResolver(t)
	tr, _ := installed(t, r, roots, names)
	for range 3 {
		if _, err := get(t, tr, zonalName, port); err == nil {
			t.Fatal("got an answer")
		}
	}
	before := asked.asked.Load()
	begun := time.Now()
	_, err := get(t, tr, zonalName, port)
	var failed *dialer.Error
	if !errors.As(err, &failed) || !failed.NotSent(begun) || !strings.Contains(err.Error(), "ejected") || asked.asked.Load() != before {
		t.Errorf("got %v and %d lookups, want a refusal without any", err, asked.asked.Load()-before)
	}
	var executed atomic.Int32
	s := newServer(t, addr, cert, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { executed.Add(1) }))
	repaired := time.Now()
	for r.Resolve(regionalName).Reason == resolver.Unhealthy {
		if _, ok := r.Resolve(regionalName).Probe(); ok {
			t.Fatal("a request was to be the probe")
		}
		if time.Since(repaired) > 12*time.Second {
			t.Fatalf("not back after %v", time.Since(repaired))
		}
		time.Sleep(20 * time.Millisecond)
	}
	if executed.Load() != 0 || s.connections() != 1 {
		t.Errorf("%d requests and %d connections brought it back, want none and one", executed.Load(), s.connections())
	}
	if _, err := get(t, tr, zonalName, port); err != nil {
		t.Error(err)
	}
}

// Given a name that is checked in the background, when the resolver is closed, then that ends.
func TestCloseEndsChecks(t *testing.T) {
	ln := listen(t, "127.0.1.1:0")
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	ln.Close()
	_, names := newNameServer(t, map[string][]string{zonalName: {"127.0.1.1"}})
	r := newResolver(t)
	tr, _ := installed(t, r, nil, names)
	checking := func() bool {
		all := make([]byte, 1<<20)
		return strings.Contains(string(all[:runtime.Stack(all, true)]), "keepChecking")
	}
	for range 3 {
		_, _ = get(t, tr, zonalName, port)
	}
	for start := time.Now(); !checking(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatal("nobody checks the name")
		}
	}
	r.Close()
	for start := time.Now(); checking(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatal("it is checked still")
		}
	}
}

// Given a DialContext of the user's that is given hosts, and turns between two addresses, one of which an ejected name leads to, when the regional name is
// connected to, then that is by the other address; and if there is no other, by this one.
func TestByHostComesToAnotherAddress(t *testing.T) {
	cert, roots := authority(t, zonalName, regionalName)
	_, port := newServers(t, cert, whoAnswers, "127.0.1.1", "127.0.2.1")
	r := newResolver(t)
	var turn atomic.Int32
	only := false
	var hosts []string
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, _ := net.SplitHostPort(addr)
		hosts = append(hosts, host)
		to := "127.0.1.1"
		if host == regionalName && !only && turn.Add(1)%2 == 0 {
			to = "127.0.2.1"
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(to, port))
	}}
	dialer.New(r).Install(tr, nil)
	if from, err := get(t, tr, zonalName, port); err != nil || from != "127.0.1.1" {
		t.Fatal(from, err)
	}
	r.Resolve(regionalName).Failed(resolver.CausePathDead, nil)
	for range 4 {
		if from, err := get(t, tr, regionalName, port); err != nil || from != "127.0.2.1" {
			t.Errorf("got an answer from %q and %v, want the other address's", from, err)
		}
	}
	only = true
	if from, err := get(t, tr, regionalName, port); err != nil || from != "127.0.1.1" {
		t.Errorf("got an answer from %q and %v, want the only address's", from, err)
	}
	for _, host := range hosts {
		if host != zonalName && host != regionalName {
			t.Errorf("was asked for %s, want names only", host)
		}
	}
}
