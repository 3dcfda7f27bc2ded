package failover

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// Given a program that has just started, when its first presigned requests are made, then they are executed in its zone already.
func TestFirstPlainRequestsAreInTheZone(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, private := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/private %v", protocol(http2), private), func(t *testing.T) {
				busy := 0
				for range 5 {
					p := newS3Place(t, http2)
					u := p.presign(t, private)
					if err := p.resolver.Ready(t.Context()); err != nil {
						t.Fatal(err)
					}
					got := crowd{callers: 4, calls: 2, deadline: 10 * time.Second}.run(t.Context(), p, u, p.plainClient(t, p.transport(4)))
					if got.failed > 0 {
						t.Fatal(got)
					}
					if !got.atHome() { // DNS has a quarter of a second
						t.Logf("the first requests: %v", got)
						busy++
					}
				}
				if busy > 2 {
					t.Errorf("the first requests of %d of 5 programs left the zone", busy)
				}
			})
		}
	}
}

// Given a zone that swallows packets, when a plain client connects, then that costs 0.3 s at most, and nothing once that is known: also if it is so from the start.
func TestABlackHoleCostsLittle(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, started := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/started before %v", protocol(http2), started), func(t *testing.T) {
				var first, later time.Duration
				for range 3 { // the machine may be busy
					first, later = costOfABlackHole(t, http2, started)
					t.Logf("a call costs %v more, and %v once the name is ejected", first, later)
					if first <= blackHoleCost && later < 100*time.Millisecond {
						return
					}
				}
				t.Errorf("a call costs %v, and later %v; want at most %v, and nothing", first, later, blackHoleCost)
			})
		}
	}
}

// costOfABlackHole is how much longer the slowest of three calls takes that connect, in a black hole and after it is known.
func costOfABlackHole(t *testing.T, http2, started bool) (first, later time.Duration) {
	var client *http.Client
	slowest := func(p *place, u presigned) (took time.Duration) {
		for range 3 {
			client.CloseIdleConnections()
			got := crowd{callers: 1, calls: 1, deadline: 10 * time.Second}.run(t.Context(), p, u, client)
			if got.failed > 0 {
				t.Fatal(got)
			}
			took = max(took, got.slowest)
		}
		return took
	}
	healthy := func() (*place, presigned) {
		p := newS3Place(t, http2)
		client = p.plainClient(t, p.transport(1))
		return p, p.presign(t, false)
	}
	p, u := healthy()
	if started {
		p.comeBack(t, u, client, returning)
	}
	usual := slowest(p, u)
	if !started {
		p, u = healthy()
	}
	p.disconnect(t, client) // else a request may be sent over a connection that there was
	if err := p.FaultService("s3", home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	first = slowest(p, u) - usual
	for begun := time.Now(); !p.state("s3").Ejected; {
		if slowest(p, u); time.Since(begun) > 5*time.Second {
			t.Fatalf("the snapshot says %+v, want the name ejected", p.state("s3"))
		}
	}
	return first, slowest(p, u) - usual
}

// Given a fault that lasts for longer than anything is waited for, when it is over, then plain clients are back in the zone within 15 s, and so are those that only put.
func TestPlainClientsComeBackAfterALongFault(t *testing.T) {
	if os.Getenv(extent) != "long" {
		t.Skipf("takes a minute: set %s=long", extent)
	}
	const lasts = 45 * time.Second
	for _, fault := range append(zoneFaults, lab.Unavailable, lab.Reset, lab.Stall) {
		for _, http2 := range []bool{false, true} {
			for _, only := range []string{"", http.MethodPut} {
				t.Run(fault.String()+"/"+protocol(http2)+"/"+only, func(t *testing.T) {
					t.Parallel()
					p := newS3Place(t, http2)
					u := p.presign(t, false)
					client := p.plainClient(t, p.transport(2))
					p.comeBack(t, u, client, returning, only)
					if err := p.FaultService("s3", home, fault); err != nil {
						t.Fatal(err)
					}
					for begun := time.Now(); time.Since(begun) < lasts; time.Sleep(200 * time.Millisecond) {
						crowd{callers: 1, calls: 2, deadline: 2 * time.Second, only: only}.run(t.Context(), p, u, client)
					}
					if err := p.FaultService("s3", home, lab.None); err != nil {
						t.Fatal(err)
					}
					took, _ := p.comeBack(t, u, client, returning, only)
					t.Logf("back after %v; the snapshot says %+v", took.Round(100*time.Millisecond), p.state("s3").HealthState)
				})
			}
		}
	}
}

// Given a proxy in the transport's settings, when presigned requests are sent, then all of them go through it, whatever is wrong in the zone, as with a bare client; and are answered if nothing is.
func TestPlainClientsBehindAProxy(t *testing.T) {
	t.Parallel()
	for _, fault := range []lab.Fault{lab.None, lab.Refuse} {
		for _, http2 := range []bool{false, true} {
			t.Run(fault.String()+"/"+protocol(http2), func(t *testing.T) {
				t.Parallel()
				p := newS3Place(t, http2)
				u := p.presign(t, true)
				by := newProxy(t, p)
				if err := p.FaultService("s3", home, fault); err != nil {
					t.Fatal(err)
				}
				for name, make := range map[string]func(*testing.T, *http.Transport) *http.Client{"ours": p.plainClient, "bare": p.bareClient} {
					by.connects.Store(0)
					base := p.transport(2)
					base.Proxy = http.ProxyURL(by.url)
					client := make(t, base)
					var seen dials
					got := crowd{callers: 2, calls: 4, deadline: 10 * time.Second}.run(seen.seen(t.Context()), p, u, client)
					// What the proxy meets in the zone that refuses is its own affair.
					if fault == lab.None && got.failed > 0 || by.connects.Load() == 0 {
						t.Errorf("%s: %v, and the proxy was asked for %d connections", name, got, by.connects.Load())
					}
					for addr := range seen.begun {
						if addr != by.url.Host {
							t.Errorf("%s: connected to %s", name, addr)
						}
					}
				}
			})
		}
	}
}

// proxy is a plain HTTP proxy that makes the connections it is asked for.
type proxy struct {
	url      *url.URL
	connects atomic.Int32
}

func newProxy(t *testing.T, p *place) *proxy {
	x := &proxy{}
	var tunnels sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.connects.Add(1)
		to, err := p.DialContextIn(away)(r.Context(), "tcp", r.Host)
		if err != nil || r.Method != http.MethodConnect {
			http.Error(w, "no way there", http.StatusBadGateway)
			return
		}
		defer to.Close()
		// Taken over before it is answered: what net/http reads after an answer, to see whether the client is there still, is the tunnel's.
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		if _, err := io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return
		}
		tunnels.Go(func() {
			_, _ = io.Copy(to, from)
			to.Close()
		})
		_, _ = io.Copy(from, to)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	x.url, _ = url.Parse(server.URL)
	return x
}

// Given somebody who redirects to presigned URLs, as services do that hand out downloads and uploads, when a client follows from one to the other, and the zone is gone,
// then each request is answered, under the host that it was signed for.
func TestRedirectsBetweenPresignedHosts(t *testing.T) {
	t.Parallel()
	for _, fault := range []lab.Fault{lab.None, lab.Refuse, lab.BlackHole} {
		for _, http2 := range []bool{false, true} {
			t.Run(fault.String()+"/"+protocol(http2), func(t *testing.T) {
				t.Parallel()
				p := newS3Place(t, http2)
				regional, private := p.presign(t, false), p.presign(t, true)
				to := map[string]string{"/get/regional": regional.get.URL, "/put/regional": regional.put.URL, "/get/private": private.get.URL, "/put/private": private.put.URL}
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, to[r.URL.Path], http.StatusTemporaryRedirect)
				}))
				t.Cleanup(server.Close)
				client := p.plainClient(t, p.transport(1))
				p.comeBack(t, regional, client, returning)
				p.disconnect(t, client)
				if err := p.FaultService("s3", home, fault); err != nil {
					t.Fatal(err)
				}
				p.ResetRequests()
				for path := range to {
					method := http.MethodGet
					put := &upload{kind: again}
					req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
					if strings.HasPrefix(path, "/put") {
						req = put.request(t.Context(), server.URL+path, path)
					}
					if err != nil {
						t.Fatal(err)
					}
					if err := do(client, req); err != nil {
						t.Errorf("%s: %v", path, err)
					}
					if len(put.bodies) > 0 {
						if least, most := put.closes(); least != 1 || most > 2 { // http.Client closes the one that was redirected once more
							t.Errorf("%s: a body was closed %d to %d times", path, least, most)
						}
					}
				}
				hosts := map[string]int{}
				for _, e := range p.Executions() {
					hosts[e.Host]++
					if (e.Zone == home) != (fault == lab.None) {
						t.Errorf("executed in %s", e.Zone)
					}
				}
				for _, host := range []string{hostOf(regional.get.URL), hostOf(private.get.URL)} {
					if hosts[host] != 2 {
						t.Errorf("executed under %v, want two under %s", hosts, host)
					}
				}
			})
		}
	}
}

func hostOf(text string) string {
	u, _ := url.Parse(text)
	return u.Host
}

// Given a request that asks for another protocol on its connection, which only HTTP/1.1 can, when it is sent through the dialer, then it is answered as it is for a bare
// client: also if its other requests go by HTTP/2.
func TestUpgradesOfPlainClients(t *testing.T) {
	t.Parallel()
	for _, fault := range []lab.Fault{lab.None, lab.Refuse} {
		for _, http2 := range []bool{false, true} {
			t.Run(fault.String()+"/"+protocol(http2), func(t *testing.T) {
				t.Parallel()
				p := newS3Place(t, http2)
				u := p.presign(t, false)
				ours, bare := p.plainClient(t, p.transport(1)), p.bareClient(t, p.transport(1))
				p.comeBack(t, u, ours, returning)
				if err := p.FaultService("s3", home, fault); err != nil {
					t.Fatal(err)
				}
				for _, client := range []*http.Client{bare, ours} {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.get.URL, nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Connection", "Upgrade")
					req.Header.Set("Upgrade", "websocket")
					if err := do(client, req); err != nil {
						t.Errorf("bare %v: %v", client == bare, err)
					}
				}
			})
		}
	}
}
