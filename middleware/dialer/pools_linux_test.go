package dialer_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	host     = "sqs.us-east-1.amazonaws.com"
	homeAddr = "127.0.1.1"
	awayAddr = "127.0.2.1"
)

// world is a host with an address in this zone and one elsewhere, and a client that has a RoundTripper.
type world struct {
	home, away *server
	names      *nameServer
	port       string
	resolver   *resolver.Resolver
	dialer     *dialer.Dialer
	client     *http.Client
	roots      *x509.CertPool
}

func newWorld(t testing.TB, h http.Handler, settings ...func(*http.Transport)) *world {
	t.Helper()
	cert, roots := authority(t, host, zonalName)
	servers, port := newServers(t, cert, h, homeAddr, awayAddr)
	asked, names := newNameServer(t, map[string][]string{host: {awayAddr, homeAddr}, zonalName: {homeAddr}})
	w := &world{home: servers[0], away: servers[1], names: asked, port: port, resolver: newResolver(t), roots: roots}
	w.dialer = dialer.New(w.resolver, dialer.WithNetResolver(names))
	base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	for _, set := range settings {
		set(base)
	}
	w.client = &http.Client{Transport: w.dialer.RoundTripper(base)}
	t.Cleanup(w.client.CloseIdleConnections)
	return w
}

func (w *world) url(path string) string { return "https://" + net.JoinHostPort(host, w.port) + path }

// get says who answered, and how long it took.
func (w *world) get(t testing.TB) (from string, took time.Duration) {
	t.Helper()
	begun := time.Now()
	resp, err := w.client.Get(w.url("/"))
	if err != nil {
		t.Errorf("after %v: %v", time.Since(begun), err)
		return "", time.Since(begun)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.Header.Get("From"), time.Since(begun)
}

// Given a host with an address in this zone of which nobody knows yet, when requests are made, then all, the first included, arrive in this zone, over HTTP/1.1
// and HTTP/2; and the zonal name is asked for once.
func TestRequestsStayInTheZone(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		w := newWorld(t, whoAnswers, func(tr *http.Transport) { tr.ForceAttemptHTTP2 = http2 })
		for i := range 20 {
			if from, _ := w.get(t); from != homeAddr {
				t.Errorf("HTTP/2 %v, request %d: answered by %s", http2, i, from)
			}
		}
		if n := w.away.connections(); n != 0 {
			t.Errorf("HTTP/2 %v: %d connections elsewhere", http2, n)
		}
	}
}

// worldOf is a client that has a RoundTripper of a resolver made with the options, and the same host as newWorld's.
func worldOf(t *testing.T, opts ...resolver.Option) *world {
	t.Helper()
	cert, roots := authority(t, host, zonalName)
	_, port := newServers(t, cert, whoAnswers, homeAddr, awayAddr)
	asked, names := newNameServer(t, map[string][]string{host: {awayAddr, homeAddr}, zonalName: {homeAddr}})
	r, err := resolver.New(append(opts, resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: regionalName})))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	d := dialer.New(r, dialer.WithNetResolver(names))
	w := &world{names: asked, port: port, resolver: r, client: &http.Client{Transport: d.RoundTripper(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})}}
	t.Cleanup(w.client.CloseIdleConnections)
	return w
}

// Given a resolver that is switched off, when a request is made, then the host is looked up as often as without a dialer: once.
func TestOffLeavesClientsAlone(t *testing.T) {
	w := worldOf(t, resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})), resolver.WithMode(resolver.Off))
	w.get(t)
	if n := w.names.asked.Load(); n != 1 {
		t.Errorf("DNS was asked %d times", n)
	}
}

// lateZone is a zone that is known once it is closed.
type lateZone chan struct{}

func (z lateZone) Zone(ctx context.Context) (zone.Zone, error) {
	select {
	case <-z:
		return zone.Zone{Name: "us-east-1a"}, nil
	case <-ctx.Done():
		return zone.Zone{}, ctx.Err()
	}
}

// Given a host that was looked up before anybody knew the zone, when it is known, and where the host's addresses lie, then the next request arrives in this zone.
func TestZonesThatAreKnownLate(t *testing.T) {
	known := make(lateZone)
	w := worldOf(t, resolver.WithZone(known))
	for range 3 {
		if from, _ := w.get(t); from == "" {
			t.Fatal("no answer before the zone is known")
		}
	}
	close(known)
	for deadline := time.Now().Add(10 * time.Second); w.resolver.Locate(netip.MustParseAddr(homeAddr)) != resolver.Home; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody knows where the address lies")
		}
	}
	if from, _ := w.get(t); from != homeAddr {
		t.Errorf("answered by %s", from)
	}
}

// Given 128 callers that make their first requests at once, then all arrive in this zone.
func TestFirstRequestsAtOnce(t *testing.T) {
	w := newWorld(t, whoAnswers)
	var wg sync.WaitGroup
	for range 128 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if from, _ := w.get(t); from != homeAddr {
				t.Errorf("answered by %s", from)
			}
		}()
	}
	wg.Wait()
}

// Given callers that make requests one after the other, when this zone becomes a black hole for new connections, then none fails, each costs at most 0.3 s, and
// soon nothing; and when it is repaired, requests are back within 15 s without a connection drained.
func TestBlackHoleAndBack(t *testing.T) {
	long(t)
	for _, callers := range []int{1, 16, 128} {
		t.Run(fmt.Sprint(callers), func(t *testing.T) {
			if callers > 1 {
				t.Parallel() // the one is timed
			}
			home, away := "127.0."+fmt.Sprint(10+callers)+".1", "127.0."+fmt.Sprint(10+callers)+".2"
			cert, roots := authority(t, host, zonalName)
			servers, port := newServers(t, cert, whoAnswers, home, away)
			_, names := newNameServer(t, map[string][]string{host: {away, home}, zonalName: {home}})
			r := newResolver(t)
			d := dialer.New(r, dialer.WithNetResolver(names))
			client := &http.Client{Transport: d.RoundTripper(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: callers})}
			defer client.CloseIdleConnections()
			w := &world{home: servers[0], away: servers[1], port: port, client: client}
			if from, _ := w.get(t); from != home {
				t.Fatalf("answered by %s", from)
			}
			client.CloseIdleConnections()
			w.home.listener.Close()
			hole := hang(t, w.home.addr)
			var wg sync.WaitGroup
			var slowest, late atomic.Int64
			stop := time.Now().Add(4 * time.Second)
			for range callers {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for begun := time.Now(); begun.Before(stop); begun = time.Now() {
						from, took := w.get(t)
						if from != away {
							t.Errorf("answered by %q", from)
						}
						if n := int64(took); n > slowest.Load() {
							slowest.Store(n)
						}
						if begun.After(stop.Add(-time.Second)) && took > 150*time.Millisecond {
							late.Add(1)
						}
						time.Sleep(10 * time.Millisecond)
					}
				}()
			}
			wg.Wait()
			t.Logf("the slowest took %v", time.Duration(slowest.Load()))
			if callers == 1 && time.Duration(slowest.Load()) > 400*time.Millisecond {
				t.Errorf("the slowest took %v, want at most 0.3 s", time.Duration(slowest.Load()))
			}
			if callers == 1 && late.Load() > 0 {
				t.Errorf("%d requests still paid for it in the last second", late.Load())
			}
			if route := r.Resolve(host); route.Reason != resolver.Unhealthy {
				t.Errorf("the name is not ejected: %v", route)
			}
			hole.Close()
			newServer(t, w.home.addr, cert, whoAnswers)
			repaired := time.Now()
			for from := ""; from != home; from, _ = w.get(t) {
				if time.Since(repaired) > 15*time.Second {
					t.Fatal("not back within 15 s")
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
}

// body is a request's that can't be had twice.
type body struct {
	io.Reader
	reads, closes atomic.Int32
}

func (b *body) Read(p []byte) (int, error) { b.reads.Add(1); return b.Reader.Read(p) }
func (b *body) Close() error               { b.closes.Add(1); return nil }

// Given an address in this zone that refuses connections, when requests of all kinds of bodies are sent, then all arrive elsewhere, whole, and once, and the bodies are
// closed once.
func TestUnsentRequestsGoElsewhere(t *testing.T) {
	const text = "what is sent"
	var executed atomic.Int32
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		executed.Add(1)
		got, _ := io.ReadAll(r.Body)
		_, _ = rw.Write(got)
		whoAnswers(rw, r)
	}))
	w.home.listener.Close()
	once := &body{Reader: strings.NewReader(text)}
	for name, tt := range map[string]struct {
		body io.Reader
		want string
	}{
		"none":             {nil, ""},
		"can be had twice": {bytes.NewReader([]byte(text)), text},
		"unread":           {once, text},
	} {
		w.resolver.Resolve(host).Answered() // none of them ejects the name
		executed.Store(0)
		resp, err := w.client.Post(w.url("/"), "", tt.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(got) != tt.want || executed.Load() != 1 {
			t.Errorf("%s: %q arrived, %d times", name, got, executed.Load())
		}
	}
	if once.closes.Load() != 1 {
		t.Errorf("the body was closed %d times", once.closes.Load())
	}
	if n := w.home.connections(); n != 0 {
		t.Errorf("%d connections in this zone", n)
	}
}

// Given a server in this zone that ends connections under requests, when a request is sent whose body can be had twice, then it is executed once, and the
// error is the caller's.
func TestSentRequestsAreNotSentAgain(t *testing.T) {
	var executed atomic.Int32
	w := newWorld(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		executed.Add(1)
		panic(http.ErrAbortHandler)
	}))
	for range 2 {
		executed.Store(0)
		resp, err := w.client.Post(w.url("/"), "", strings.NewReader("x"))
		if err == nil {
			resp.Body.Close()
		}
		if err == nil || executed.Load() != 1 {
			t.Errorf("executed %d times, and got %v", executed.Load(), err)
		}
	}
	if n := w.away.connections(); n != 0 {
		t.Errorf("%d connections elsewhere", n)
	}
}

// Given a service that answers 503 in this zone only, when plain requests are made, then they are compared, the zone is left, and a request that changes
// nothing finds out that it is well again.
func TestServerErrorsAtHome(t *testing.T) {
	long(t)
	t.Parallel()
	var sick atomic.Bool
	cert, roots := authority(t, host, zonalName)
	const home, away = "127.0.3.1", "127.0.3.2"
	_, port := newServers(t, cert, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		whoAnswers(rw, r)
		if rw.Header().Get("From") == home && sick.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}), home, away)
	_, names := newNameServer(t, map[string][]string{host: {away, home}, zonalName: {home}})
	r := newResolver(t)
	w := &world{port: port, client: &http.Client{Transport: dialer.New(r, dialer.WithNetResolver(names)).RoundTripper(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})}}
	defer w.client.CloseIdleConnections()
	sick.Store(true)
	var sent []string
	for range 8 {
		from, _ := w.get(t)
		sent = append(sent, from)
	}
	if at := slices.Index(sent, away); at < 3 || at > 5 || slices.Contains(sent[at:], home) {
		t.Errorf("answered by %v, want this zone three to five times and elsewhere then", sent)
	}
	if route := r.Resolve(host); route.Reason != resolver.Unhealthy {
		t.Errorf("the name is not ejected: %v", route)
	}
	sick.Store(false)
	repaired := time.Now()
	for from := ""; from != home; from, _ = w.get(t) {
		if time.Since(repaired) > 15*time.Second {
			t.Fatal("not back within 15 s")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Given a request over a connection to this zone under a host of its own, when its path dies, then it ends with the path's death, and the zonal name that leads there
// is ejected: the next request goes elsewhere.
func TestPathsOfOtherHostsAreTheNames(t *testing.T) {
	t.Parallel()
	arrived := make(chan bool, 1)
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		whoAnswers(rw, r)
		if r.URL.Path == "/wait" {
			arrived <- true
			<-r.Context().Done()
		}
	}))
	w.get(t)
	go func() {
		<-arrived
		time.Sleep(100 * time.Millisecond)
		w.home.drop(t, true)
	}()
	resp, err := w.client.Post(w.url("/wait"), "", nil)
	if err == nil {
		resp.Body.Close()
	}
	var dead *dialer.Error
	if !errors.As(err, &dead) || dead.Cause != resolver.CausePathDead {
		t.Errorf("got %v, want the path's death", err)
	}
	if from, _ := w.get(t); from != awayAddr {
		t.Errorf("then answered by %s", from)
	}
}

// Given a proxy, when requests are made, then they go through it, by a transport with nothing of ours.
func TestProxiedRequestsAreLeftAlone(t *testing.T) {
	cert, roots := authority(t, host)
	s := newServer(t, "127.0.0.1:0", cert, whoAnswers)
	var refuse atomic.Bool
	by := proxy(t, s.addr, &refuse)
	asked, names := newNameServer(t, nil)
	base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Proxy: http.ProxyURL(by)}
	r, err := resolver.New(resolver.WithEndpoints(endpoint.Static())) // which asks for no names
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rt := dialer.New(r, dialer.WithNetResolver(names)).RoundTripper(base)
	from, err := get(t, rt, host, "443")
	if err != nil || from != "127.0.0.1" || asked.asked.Load() != 0 {
		t.Errorf("got %q and %v, and %d lookups", from, err, asked.asked.Load())
	}
	(&http.Client{Transport: rt}).CloseIdleConnections()
	until(t, "end of the connection", func() bool { return len(s.open()) == 0 })
}

// Given connections in both pools, when idle ones are closed, then those of both are.
func TestCloseIdleConnections(t *testing.T) {
	w := newWorld(t, whoAnswers)
	w.get(t)
	for range 3 {
		w.resolver.Resolve(host).Failed(resolver.CauseConnect, nil)
	}
	if from, _ := w.get(t); from != awayAddr {
		t.Errorf("answered by %s", from)
	}
	w.client.CloseIdleConnections()
	until(t, "end of the connections", func() bool { return len(w.home.open()) == 0 && len(w.away.open()) == 0 })
}

// Given a host whose zone is learned late, or leaves DNS and comes back, when its addresses are looked up again, then requests follow.
func TestRequestsFollowDNS(t *testing.T) {
	w := newWorld(t, whoAnswers)
	w.names.set(host, awayAddr)
	if from, _ := w.get(t); from != awayAddr {
		t.Errorf("answered by %s", from)
	}
	w.names.set(host, awayAddr, homeAddr)
	dialer.Refresh(w.dialer)
	if from, _ := w.get(t); from != homeAddr {
		t.Errorf("then answered by %s", from)
	}
}

// Given connections made under other hosts to an address that a zonal name leads to, when they are refused, then the name is ejected and its address comes last; and a
// background check, which makes a connection under that host, brings it back.
func TestHealthIsOne(t *testing.T) {
	long(t)
	t.Parallel()
	const home, away = "127.0.4.1", "127.0.4.2"
	cert, _ := authority(t, "example.com")
	servers, port := newServers(t, cert, nothing, home, away)
	servers[0].listener.Close()
	_, names := newNameServer(t, map[string][]string{"db.example": {away, home}})
	r := newResolver(t)
	link.Learned(r, zonalName, []netip.Addr{netip.MustParseAddr(home)})
	d := dialer.New(r, dialer.WithNetResolver(names))
	order := func() []string {
		ips, err := d.LookupHost(t.Context(), "db.example")
		if err != nil {
			t.Fatal(err)
		}
		return ips
	}
	if got := order(); got[0] != home {
		t.Errorf("the order is %v, want this zone first", got)
	}
	dials := 0
	until(t, "ejection", func() bool { // on a busy machine the first answer of DNS may come too late to be of use
		dials++
		c, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort("db.example", port))
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := net.SplitHostPort(c.RemoteAddr().String()); got != away {
			t.Errorf("connected to %s", got)
		}
		c.Close()
		return r.Resolve(regionalName).Reason == resolver.Unhealthy
	})
	if dials < 3 {
		t.Errorf("the name was ejected by %d connections, want three", dials)
	}
	if got := order(); got[0] != away {
		t.Errorf("the order is %v, want this zone last", got)
	}
	ln := listen(t, servers[0].addr)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	repaired := time.Now()
	for order()[0] != home {
		if time.Since(repaired) > 12*time.Second {
			t.Fatal("not back within 12 s")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Given a host of which DNS says nothing when it is first connected to, then that waits for 0.1 s and goes on as if nothing were known; and once DNS has answered in
// the background, connections are made to this zone.
func TestLateAnswersOfDNS(t *testing.T) {
	t.Parallel()
	const home, away = "127.0.6.1", "127.0.6.2"
	cert, _ := authority(t, "example.com")
	_, port := newServers(t, cert, nothing, home, away)
	ns, names := newNameServer(t, map[string][]string{"db.example": {away, home}})
	r := newResolver(t)
	link.Learned(r, zonalName, []netip.Addr{netip.MustParseAddr(home)})
	d := dialer.New(r, dialer.WithNetResolver(names))
	ns.silentOn("db.example")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if c, err := d.DialContext(ctx, "tcp", net.JoinHostPort("db.example", port)); err == nil {
		t.Errorf("connected to %s without DNS", c.RemoteAddr())
		c.Close()
	}
	ns.silentOn("")
	dialer.Refresh(d)
	c, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort("db.example", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, _, _ := net.SplitHostPort(c.RemoteAddr().String()); got != home {
		t.Errorf("connected to %s, want this zone", got)
	}
}

// Given an address in this zone that says nothing, when connections are made that are overtaken by others, then that is found out: each takes 0.1 s at first, and
// nothing once the name is ejected.
func TestOvertakenAddressesAreFoundOut(t *testing.T) {
	const home, away = "127.0.5.1", "127.0.5.2"
	hole := hang(t, home+":0")
	_, port, _ := net.SplitHostPort(hole.Addr().String())
	listen(t, net.JoinHostPort(away, port))
	_, names := newNameServer(t, map[string][]string{host: {away, home}, zonalName: {home}})
	r := newResolver(t)
	d := dialer.New(r, dialer.WithNetResolver(names))
	dial := func() time.Duration {
		begun := time.Now()
		c, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		return time.Since(begun)
	}
	for range 3 {
		if took := dial(); took > 300*time.Millisecond || took < 95*time.Millisecond {
			t.Errorf("took %v, want 0.1 s", took)
		}
	}
	until(t, "ejection", func() bool { return r.Resolve(host).Reason == resolver.Unhealthy })
	if took := dial(); took > 90*time.Millisecond {
		t.Errorf("then took %v", took)
	}
}

// Given a host of which nothing is known, when a transport connects to it, then that is by the name, through the function that the transport had, and public addresses
// stay in DNS's order.
func TestUnknownHostsAreLeftAlone(t *testing.T) {
	public := []string{"203.0.113.9", "198.51.100.1", "203.0.113.5"}
	_, names := newNameServer(t, map[string][]string{"example.com": public})
	d := dialer.New(newResolver(t), dialer.WithNetResolver(names))
	for range 3 {
		if got, err := d.LookupHost(t.Context(), "example.com"); err != nil || !slices.Equal(got, public) {
			t.Errorf("the order is %v, %v; want DNS's", got, err)
		}
	}
	users := errors.New("the user's")
	var asked []string
	tr := &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		asked = append(asked, addr)
		return nil, users
	}}
	d.Install(tr, &net.Dialer{})
	if _, err := get(t, tr, "example.com", "443"); !errors.Is(err, users) || !slices.Equal(asked, []string{"example.com:443"}) {
		t.Errorf("got %v after %v was asked for", err, asked)
	}
}

// Given a host with private addresses of which nothing else is known, when the kernel's handshakes with one are the fastest, then connections are made to that
// one first, and the resolver is told, but if that is switched off; and when it refuses them, to the others.
func TestNearestFirst(t *testing.T) {
	addrs := []string{"127.0.6.1", "127.0.6.2", "127.0.6.3"}
	cert, _ := authority(t, "example.com")
	servers, port := newServers(t, cert, nothing, addrs...)
	_, names := newNameServer(t, map[string][]string{"db.example": addrs})
	for _, off := range []bool{false, true} {
		opts := []dialer.Option{dialer.WithNetResolver(names)}
		if off {
			opts = append(opts, dialer.WithoutNearest())
		}
		d := dialer.New(newResolver(t), opts...)
		first := func() string {
			c, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort("db.example", port))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			got, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			return got
		}
		if got := first(); got != addrs[0] {
			t.Errorf("connected to %s, want DNS's first", got)
		}
		if off {
			continue
		}
		for range 16 {
			for i, far := range []uint32{600, 220, 1200} {
				d.Measured(netip.MustParseAddr(addrs[i]), far)
			}
		}
		if got := first(); got != addrs[1] {
			t.Errorf("connected to %s, want the nearest", got)
		}
		if got, err := d.LookupHost(t.Context(), "db.example"); err != nil || !slices.Equal(got, []string{addrs[1], addrs[0], addrs[2]}) {
			t.Errorf("the order is %v, %v", got, err)
		}
		servers[1].listener.Close()
		for range 2 {
			if got := first(); got != addrs[0] {
				t.Errorf("connected to %s, want the next", got)
			}
		}
	}
}

// Given a host that is known, when a RoundTripper chooses, then it allocates nothing.
func TestChoosingAllocatesNothing(t *testing.T) {
	w := newWorld(t, whoAnswers)
	w.get(t)
	if !dialer.Choose(w.client.Transport, host) {
		t.Fatal("not to this zone")
	}
	if n := testing.AllocsPerRun(100, func() { dialer.Choose(w.client.Transport, host) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Given whole requests by HTTPS, when allocations are counted, then two more are made than by the bare transport, at the most.
func TestAllocationsOfARequest(t *testing.T) {
	w := newWorld(t, whoAnswers)
	bare := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.roots}, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, w.home.addr)
	}}
	defer bare.CloseIdleConnections()
	clients := []*http.Client{{Transport: bare}, w.client}
	var counts [2]float64
	for try := 1; ; try++ { // whatever else the process does meanwhile is counted, too
		for i, client := range clients {
			counts[i] = testing.AllocsPerRun(200, func() {
				resp, err := client.Get(w.url("/"))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			})
		}
		more := counts[1] - counts[0]
		switch {
		case more <= 2:
			return
		case try == 5:
			t.Errorf("got %v allocations more than the bare transport's %v, want at most 2", more, counts[0])
			return
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	w := newWorld(b, whoAnswers)
	w.get(b)
	b.ReportAllocs()
	for b.Loop() {
		dialer.Choose(w.client.Transport, host)
	}
}

// Given a name server that says nothing of the zonal name, when the host is looked up for the first time, then that takes no longer than its own answer and a little.
func TestZonalNamesAreNotWaitedFor(t *testing.T) {
	asked, names := newNameServer(t, map[string][]string{host: {awayAddr, homeAddr}})
	asked.silentOn(zonalName)
	d := dialer.New(newResolver(t), dialer.WithNetResolver(names))
	begun := time.Now()
	got, err := d.LookupHost(t.Context(), host)
	if took := time.Since(begun); err != nil || !slices.Equal(got, []string{awayAddr, homeAddr}) || took > 500*time.Millisecond {
		t.Errorf("got %v and %v after %v, want DNS's order soon", got, err, took)
	}
}

// Given a transport with the dialer installed, when it connects to hosts that lead to several zones, then to this zone first: the host itself, and a regional
// name.
func TestInstalledConnectsAtHomeFirst(t *testing.T) {
	cert, roots := authority(t, host, regionalName)
	_, port := newServers(t, cert, whoAnswers, homeAddr, awayAddr)
	both := []string{awayAddr, homeAddr}
	_, names := newNameServer(t, map[string][]string{host: both, regionalName: both, zonalName: {homeAddr}})
	for _, name := range []string{host, regionalName} {
		tr, _ := installed(t, newResolver(t), roots, names)
		if from, err := get(t, tr, name, port); err != nil || from != homeAddr {
			t.Errorf("%s: answered by %q, %v", name, from, err)
		}
	}
}

// Given a server in this zone that accepts requests and never answers them, when their deadlines pass, then the zone is left.
func TestUnansweredDeadlinesAtHome(t *testing.T) {
	t.Parallel()
	const home, away = "127.0.7.1", "127.0.7.2"
	cert, roots := authority(t, host, zonalName)
	var arrived atomic.Int32
	_, port := newServers(t, cert, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		whoAnswers(rw, r)
		if rw.Header().Get("From") == home {
			arrived.Add(1)
			<-r.Context().Done()
		}
	}), home, away)
	_, names := newNameServer(t, map[string][]string{host: {away, home}, zonalName: {home}})
	r := newResolver(t)
	client := &http.Client{Transport: dialer.New(r, dialer.WithNetResolver(names)).RoundTripper(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}), Timeout: time.Second}
	defer client.CloseIdleConnections()
	var failed int32
	for range 6 {
		resp, err := client.Get("https://" + net.JoinHostPort(host, port))
		if err != nil {
			failed++
			continue
		}
		resp.Body.Close()
	}
	if n := arrived.Load(); n > 3 || n == failed && n != 3 { // on a busy machine some get no connection in time, and none arrives of these
		t.Errorf("%d requests arrived, and %d were not answered; want three, and the others elsewhere", n, failed)
	}
}

// Given an ordinary transport, for which net/http enables HTTP/2 by itself, when its settings are taken, then requests are answered by HTTP/2, as bare.
func TestOrdinaryTransportsSpeakHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(whoAnswers))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	for name, make := range map[string]func(*http.Transport) http.RoundTripper{
		"bare":         func(base *http.Transport) http.RoundTripper { return base },
		"RoundTripper": dialer.New(newResolver(t)).RoundTripper,
		"no resolver":  dialer.New(nil).RoundTripper,
		"installed": func(base *http.Transport) http.RoundTripper {
			c := dialer.Clone(base)
			dialer.New(newResolver(t)).Install(c, nil)
			return c
		},
	} {
		base := &http.Transport{MaxIdleConnsPerHost: 17}
		_ = base.Clone() // net/http has it set up for HTTP/2
		base.TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		resp, err := make(base).RoundTrip(request(t, http.MethodGet, s.URL))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		if resp.ProtoMajor != 2 {
			t.Errorf("%s: %s", name, resp.Proto)
		}
	}
}

// Given connections of a dialer, then they have what programs look for in a TCP connection, and the caller's deadline is one.
func TestConnectionsAreAsTCPs(t *testing.T) {
	d := dialer.New(newResolver(t))
	ln := listen(t, "127.0.0.1:0")
	c, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil || raw.Control(func(uintptr) {}) != nil {
		t.Errorf("no socket: %v", err)
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := d.DialContext(over, "tcp", ln.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's deadline", err)
	}
}

// Given an attempt that goes on for a second after its request was sent elsewhere, so that a dead address is found out, when the resolver is closed, then it ends, and
// so does whatever else the dialer began.
func TestCloseEndsAttempts(t *testing.T) {
	begun := func() int {
		stacks := make([]byte, 1<<20)
		return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "dialer.(*race).attempt(")
	}
	var w *world
	for try := 0; ; try++ {
		until(t, "end of other attempts", func() bool { return begun() == 0 })
		w = newWorld(t, whoAnswers)
		if from, _ := w.get(t); from != homeAddr {
			t.Fatalf("answered by %s", from)
		}
		w.client.CloseIdleConnections()
		w.home.listener.Close()
		hang(t, w.home.addr)
		from, took := w.get(t)
		if from == awayAddr && begun() == 1 {
			break
		}
		if from != awayAddr || took < time.Second/2 || try == 5 { // the machine may be busy, and the attempt's second over
			t.Fatalf("answered by %s after %v, and %d attempts go on, want one", from, took, begun())
		}
	}
	if err := w.resolver.Close(); err != nil {
		t.Error(err)
	}
	until(t, "end of the attempt", func() bool { return begun() == 0 })
	if s := w.resolver.Snapshot().Endpoints[0]; s.LastCause != resolver.NoCause { // which it is when the second is over
		t.Errorf("the attempt went on until the name was blamed for %v", s.LastCause)
	}
}

// Given a host that is looked up again in the background, and DNS that says nothing, when the resolver is closed, then that ends, and what is known of the host stays.
func TestCloseEndsLookups(t *testing.T) {
	w := newWorld(t, whoAnswers)
	if from, _ := w.get(t); from != homeAddr {
		t.Fatalf("answered by %s", from)
	}
	w.names.silentOn(host)
	ended := make(chan bool)
	go func() {
		dialer.Refresh(w.dialer)
		close(ended)
	}()
	select {
	case <-ended:
		t.Error("nothing was looked up")
	case <-time.After(200 * time.Millisecond):
	}
	if err := w.resolver.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(3 * time.Second): // it would have nearly five
		t.Error("the lookup goes on although the resolver is closed")
	}
	if from, _ := w.get(t); from != homeAddr {
		t.Errorf("afterwards answered by %s", from)
	}
}
