package failover

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// dials are the addresses that connections were begun to, for requests.
type dials struct {
	mu    sync.Mutex
	begun map[string]int
}

// seen has the connections that are made for requests with the context counted.
func (d *dials) seen(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{ConnectStart: func(_, addr string) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.begun == nil {
			d.begun = map[string]int{}
		}
		d.begun[addr]++
	}})
}

func (d *dials) to(addr netip.AddrPort) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begun[addr.String()]
}

// zoneFaults strike whoever connects to the zone, or asks it something, under whatever name.
var zoneFaults = []lab.Fault{lab.Refuse, lab.BlackHole, lab.Hang, lab.ServerError(http.StatusServiceUnavailable)}

// Given a zone whose name calls through the SDK have ejected, when a plain client sends presigned requests, then it doesn't go there: not to connect, if it is its
// first request, and not over connections that it has.
func TestPlainClientsLearnFromTheSDK(t *testing.T) {
	t.Parallel()
	for _, fault := range zoneFaults {
		for _, http2 := range []bool{false, true} {
			for _, private := range []bool{false, true} {
				t.Run(fault.String()+"/"+protocol(http2)+"/private "+map[bool]string{false: "off", true: "on"}[private], func(t *testing.T) {
					t.Parallel()
					p := newS3Place(t, http2)
					u := p.presign(t, private)
					first, warm := p.plainClient(t, p.transport(4)), p.plainClient(t, p.transport(4))
					p.comeBack(t, u, warm, returning)
					if err := p.FaultService("s3", home, fault); err != nil {
						t.Fatal(err)
					}
					call := p.upload(load{retries: true}.set(p.routed()))
					for range 6 {
						if err := call(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					if s := p.state("s3"); !s.Ejected {
						t.Fatalf("the snapshot says %+v, want the name ejected", s)
					}
					for name, client := range map[string]*http.Client{"its first requests": first, "with connections": warm} {
						var seen dials
						got := crowd{callers: 2, calls: 4, deadline: 10 * time.Second}.run(seen.seen(t.Context()), p, u, client)
						if got.failed > 0 || got.zones[home] > 0 || seen.to(p.Address("s3", home)) > 0 {
							t.Errorf("%s: %v, and %d connections to %s; want none", name, got, seen.to(p.Address("s3", home)), home)
						}
					}
				})
			}
		}
	}
}

// Given a zone that plain clients have found dead, when the SDK makes calls, then they don't go there: their route says so.
func TestTheSDKLearnsFromPlainClients(t *testing.T) {
	t.Parallel()
	for _, fault := range zoneFaults {
		for _, http2 := range []bool{false, true} {
			for _, private := range []bool{false, true} {
				t.Run(fault.String()+"/"+protocol(http2)+"/private "+map[bool]string{false: "off", true: "on"}[private], func(t *testing.T) {
					t.Parallel()
					p := newS3Place(t, http2)
					u := p.presign(t, private)
					client := p.plainClient(t, p.transport(4))
					p.comeBack(t, u, client, returning)
					p.disconnect(t, client)
					if err := p.FaultService("s3", home, fault); err != nil {
						t.Fatal(err)
					}
					for begun := time.Now(); !p.state("s3").Ejected; { // an address that says nothing is blamed a second later
						got := crowd{callers: 1, calls: 2, deadline: 10 * time.Second}.run(t.Context(), p, u, client)
						if time.Since(begun) > 5*time.Second {
							t.Fatalf("after %v the snapshot says %+v, want the name ejected", got, p.state("s3"))
						}
					}
					var seen dials
					call := p.upload(load{retries: true}.set(p.routed()))
					for range 6 {
						if err := call(seen.seen(t.Context())); err != nil {
							t.Fatal(err)
						}
					}
					if n := seen.to(p.Address("s3", home)); n > 0 {
						t.Errorf("the SDK began %d connections to %s", n, home)
					}
					if s := p.state("s3"); s.Attempts[resolver.Unhealthy] < 6 {
						t.Errorf("the snapshot says %+v, want all calls to have gone elsewhere because the name is ejected", s)
					}
				})
			}
		}
	}
}

// Given a zone that doesn't answer, when calls fail over to the regional name, which leads to the zone's address, too, then that address isn't met again: there are
// as many connections begun to it as requests that were sent to the zonal name, and none once that is ejected.
func TestFallbackAvoidsTheDeadZone(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"s3", "sqs"} {
		for _, fault := range []lab.Fault{lab.Refuse, lab.BlackHole, lab.Hang} {
			for _, http2 := range []bool{false, true} {
				t.Run(service+"/"+fault.String()+"/"+protocol(http2), func(t *testing.T) {
					t.Parallel()
					p, _ := newLoggedPlace(t, http2)
					cfg := load{}.set(p.routed())
					one := p.send
					if service == "s3" {
						one = p.upload
					}
					if err := p.FaultService(service, home, fault); err != nil {
						t.Fatal(err)
					}
					var seen dials
					for range 6 { // each with connections of its own, so that the regional name leads to each zone first
						cfg.HTTPClient = p.SDKClient()
						middleware.Attach(&cfg, p.resolver)
						if err := one(cfg)(seen.seen(t.Context())); err != nil {
							t.Fatal(err)
						}
					}
					s := p.state(service)
					if n, tried := seen.to(p.Address(service, home)), int(s.Attempts[resolver.InZone]); n > tried || tried > 4 {
						t.Errorf("%d connections begun to %s for %d requests to the zonal name", n, home, tried)
					}
				})
			}
		}
	}
}

// Given the same, when somebody connects to the regional name through DialContext, or asks in which order to, then the zone's address comes last.
func TestDialContextAvoidsTheDeadZone(t *testing.T) {
	t.Parallel()
	p, _ := newLoggedPlace(t, false)
	p.need443(t, "sqs")
	if err := p.FaultService("sqs", home, lab.Refuse); err != nil {
		t.Fatal(err)
	}
	call := p.send(load{retries: true}.set(p.routed()))
	for range 4 {
		if err := call(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.FaultService("sqs", home, lab.None); err != nil { // it is health that decides, and not what answers
		t.Fatal(err)
	}
	d := dialer.New(p.resolver, dialer.WithNetResolver(p.Resolver()))
	name := p.RegionalName("sqs")
	for range 6 {
		if s := p.state("sqs"); !s.Ejected {
			t.Skip("the name is healthy again: this machine is busy")
		}
		ips, err := d.LookupHost(t.Context(), name)
		if err != nil || len(ips) != 3 || ips[2] != p.Address("sqs", home).Addr().String() {
			t.Errorf("the order is %v (error %v), want the zone's address last", ips, err)
		}
		conn, err := d.DialContext(t.Context(), "tcp", name+":443")
		if err != nil {
			t.Fatal(err)
		}
		if conn.RemoteAddr().String() == p.Address("sqs", home).String() {
			t.Errorf("connected to %s", home)
		}
		conn.Close()
	}
}

// Given presigned URLs that can't be right, since no certificate has their host, when they are sent again and again, as failing clients do, then they fail as with a
// bare client, and correct requests, of other plain clients and of the SDK, stay in the zone.
func TestAPresignedURLThatCannotBeRight(t *testing.T) {
	t.Parallel()
	p, log := newLoggedPlace(t, false)
	p.need443(t, "s3")
	u := p.presign(t, false)
	d := dialer.New(p.resolver, dialer.WithNetResolver(p.Resolver()))
	right := closing(t, &http.Client{Transport: d.RoundTripper(p.transport(1))})
	odd := closing(t, &http.Client{Transport: d.RoundTripper(p.transport(1))})
	p.comeBack(t, u, right, returning)
	name := strings.TrimPrefix(p.RegionalName("s3"), "*.")
	p.ResetRequests()
	call := p.upload(load{}.set(p.routed()))
	for range 12 {
		resp, err := odd.Get("https://a.b.bucket." + name + "/cat")
		if err == nil {
			resp.Body.Close()
			t.Fatal("such a URL was answered")
		}
		if kind := kindOf(t.Context(), err); kind != "certificate" {
			t.Errorf("got %v, want the certificate's error", err)
		}
		right.CloseIdleConnections()
		if _, err := u.send(t.Context(), right, http.MethodGet, "right"); err != nil {
			t.Fatal(err)
		}
		if err := call(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if at := p.Requests(); at[home] != 24 {
		t.Errorf("executed %v, want all 24 in %s", at, home)
	}
	if s := p.state("s3"); s.Ejected || s.Ejections > 0 {
		t.Errorf("the snapshot says %+v, want the name healthy", s)
	}
	if n := log.with("zonal name ejected"); n != 0 {
		t.Errorf("the log says that the name was ejected:\n%s", &log.buf)
	}
}
