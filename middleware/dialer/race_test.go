package dialer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	regional = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
	zonal    = "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com"
)

func newTestResolver(t testing.TB) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: regional})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// byHost is a transport whose dial function is asked for hosts, so that there is no DNS.
func byHost(d *Dialer, by dialFunc) *transport {
	t := &http.Transport{DialContext: by}
	d.Install(t, nil)
	return installed(t)
}

func testAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

// settled fails if slots, targets or goroutines are held by attempts when all is over.
func settled(t *testing.T, d *Dialer) {
	t.Helper()
	held := func() (slots int32, uses int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, to := range d.targets {
			uses += to.uses
		}
		return beside.Load(), uses
	}
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		slots, uses := held()
		if slots == 0 && uses == 0 {
			return
		}
		if time.Since(start) > 3*time.Second {
			t.Fatalf("%d slots and %d targets are still held", slots, uses)
		}
	}
}

// Given races whose second attempts go beside the first, when they end in any way, then their slots come back, nothing holds a target, and a panic of the
// user's function is an error that is counted.
func TestSlotsComeBack(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("refused")}
	pipe := func() net.Conn { c, _ := net.Pipe(); return c }
	for _, tt := range []struct {
		name   string
		second func(ctx context.Context) (net.Conn, error)
		give   time.Duration // up after that; 0: never
		ok     bool
		panics uint64
	}{
		{"success", func(context.Context) (net.Conn, error) { return pipe(), nil }, 0, true, 0},
		{"failure", func(context.Context) (net.Conn, error) { return nil, refused }, 300 * time.Millisecond, false, 0},
		{"cancelled", func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }, 300 * time.Millisecond, false, 0},
		{"too late", func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return pipe(), nil }, 300 * time.Millisecond, false, 0},
		{"panic", func(context.Context) (net.Conn, error) { panic("the user's") }, 500 * time.Millisecond, false, 3},
		{"the goroutine's end", func(context.Context) (net.Conn, error) { runtime.Goexit(); return nil, nil }, 300 * time.Millisecond, false, 0},
		{"nothing at all", func(context.Context) (net.Conn, error) { return nil, nil }, 300 * time.Millisecond, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newTestResolver(t)
			d := New(r)
			var mu sync.Mutex
			first, slots := true, int32(0)
			in := byHost(d, func(ctx context.Context, _, _ string) (net.Conn, error) {
				mu.Lock()
				hangs := first
				first = false
				mu.Unlock()
				if hangs {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				mu.Lock()
				slots = max(slots, beside.Load())
				mu.Unlock()
				return tt.second(ctx)
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.give > 0 {
				time.AfterFunc(tt.give, cancel)
			}
			c, err := in.dial(ctx, "tcp", regional+":443")
			if (err == nil) != tt.ok {
				t.Fatalf("got %v", err)
			}
			if err == nil {
				c.Close()
			}
			settled(t, d)
			if slots == 0 {
				t.Error("no attempt took a slot")
			}
			if n := r.Snapshot().Panics; n != tt.panics {
				t.Errorf("%d panics were counted, want %d", n, tt.panics)
			}
		})
	}
}

// Given 32 attempts beside others, when one more is due, then it waits until one has ended.
func TestAttemptsBesideOthersAreBounded(t *testing.T) {
	d := New(newTestResolver(t))
	beside.Add(maxBeside)
	var mu sync.Mutex
	begun := 0
	in := byHost(d, func(ctx context.Context, _, _ string) (net.Conn, error) {
		mu.Lock()
		begun++
		mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	started := func() int {
		mu.Lock()
		defer mu.Unlock()
		return begun
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() { _, _ = in.dial(ctx, "tcp", regional+":443"); close(ended) }()
	time.Sleep(3 * attemptDelay)
	if n := started(); n != 1 {
		t.Errorf("%d attempts were begun without a slot, want 1", n)
	}
	beside.Add(-1)
	time.Sleep(3 * attemptDelay)
	if n := started(); n != 2 {
		t.Errorf("%d attempts were begun with one slot, want 2", n)
	}
	cancel()
	<-ended
	beside.Add(1 - maxBeside)
	settled(t, d)
}

// Given a panic of the user's function, when a name is connected to by it, then that is an error that says so, proves that nothing was sent, and says
// nothing of the name.
func TestPanicsAreErrors(t *testing.T) {
	r := newTestResolver(t)
	in := byHost(New(r), func(context.Context, string, string) (net.Conn, error) { panic("the user's") })
	for range 3 {
		begun := time.Now()
		_, err := in.dial(t.Context(), "tcp", zonal+":443")
		var failed *Error
		if !errors.As(err, &failed) || !failed.NotSent(begun) || !strings.Contains(err.Error(), "panic while connecting: the user's") {
			t.Errorf("got %v", err)
		}
	}
	if s := r.Snapshot(); s.Panics != 3 || s.Endpoints[0].Ejected || s.Endpoints[0].LastCause != resolver.NoCause {
		t.Errorf("got %d panics and %+v, want three that don't count against the name", s.Panics, s.Endpoints[0].HealthState)
	}
}

// Given a check of a zonal name, when hosts under it were connected to, then it takes the name itself if it can, makes one connection, and its error has no
// host in it that lies under the name.
func TestChecks(t *testing.T) {
	d := New(newTestResolver(t))
	var asked []string
	in := byHost(d, func(_ context.Context, _, addr string) (net.Conn, error) {
		asked = append(asked, addr)
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: strings.TrimSuffix(addr, ":443"), IsNotFound: true}}
	})
	_, _ = in.dial(t.Context(), "tcp", "photos.bucket."+zonal+":443")
	asked = nil
	err := d.check(t.Context(), "bucket."+zonal)
	if err == nil || strings.Contains(err.Error(), "photos") || !strings.Contains(err.Error(), "bucket."+zonal) {
		t.Errorf("got %v, want an error that names nothing but the name", err)
	}
	if len(asked) != 1 {
		t.Errorf("%d connections were tried, want 1", len(asked))
	}
	if at, _ := d.lastAt(zonal); d.lastSecure() != nil || at != nil || !d.mu.TryLock() {
		t.Error("nothing was connected to by TLS, or at an address; and nobody holds the lock")
	} else {
		d.mu.Unlock()
	}
	_, _ = in.dial(t.Context(), "tcp", zonal+":443")
	for range 20 { // a map's order is random
		asked = nil
		_ = d.check(t.Context(), zonal)
		if len(asked) != 1 || asked[0] != zonal+":443" {
			t.Fatalf("a check of %s asked for %q", zonal, asked)
		}
	}
}

// Given more targets than are remembered, when one is connected to again, then its first request's error proves nothing from before.
func TestForgottenTargetsProveNothing(t *testing.T) {
	d := New(newTestResolver(t))
	in := byHost(d, func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") })
	begun := time.Now()
	for i := range maxTargets + 1 {
		d.unuse(d.use(in, strings.Repeat("x", i)+":443", "x"))
	}
	_, err := in.dial(t.Context(), "tcp", zonal+":443")
	var failed *Error
	if !errors.As(err, &failed) || failed.NotSent(begun) {
		t.Errorf("got proof that nothing was sent since before the target was forgotten: %v", err)
	}
	if !failed.NotSent(time.Now()) {
		t.Error("got no proof for what began afterwards")
	}
}

// Given more proxies that refuse to connect than targets are remembered, then they are forgotten, too.
func TestRefusingProxiesAreForgotten(t *testing.T) {
	d := New(newTestResolver(t))
	in := byHost(d, func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") })
	request := &http.Request{Method: http.MethodConnect, Host: zonal + ":443"}
	for i := range 2 * maxTargets {
		proxy := &url.URL{Scheme: "http", Host: fmt.Sprintf("proxy%d.example", i)}
		if err := in.proxyAnswered(t.Context(), proxy, request, &http.Response{StatusCode: http.StatusForbidden, Status: "403 Forbidden"}); !errors.As(err, new(*Error)) {
			t.Fatalf("got %v", err)
		}
	}
	if len(d.targets) > maxTargets {
		t.Errorf("%d targets are remembered", len(d.targets))
	}
}

// Given an address that failed, then it is tried last for a while; and no more addresses are remembered than a few hundred.
func TestAvoidedAddresses(t *testing.T) {
	d := New(nil)
	bad, good := testAddr(1), testAddr(2)
	d.avoid.add("", bad)
	if got := d.plain.order("", []netip.Addr{bad, good}, nil, anywhere); got[0] != good || got[1] != bad {
		t.Errorf("got %v, want the one that failed last", got)
	}
	d.avoid.until[hostAt{"", bad}] = time.Since(started) // the time is over
	if got := d.plain.order("", []netip.Addr{bad, good}, nil, anywhere); got[0] != bad {
		t.Errorf("got %v, want the DNS's order", got)
	}
	for i := range 2 * maxAvoid {
		d.avoid.add("", testAddr(i))
	}
	if len(d.avoid.until) > maxAvoid {
		t.Errorf("%d addresses are remembered", len(d.avoid.until))
	}
}

// Given connections of every shape, then Hold finds the dialer's own in them, and nothing in others.
func TestHold(t *testing.T) {
	own := &conn{}
	for _, c := range []net.Conn{own, struct{ net.Conn }{own}, &struct{ net.Conn }{own}, tls.Client(own, nil), tls.Client(struct{ net.Conn }{own}, nil)} {
		release := Hold(c)
		if own.patient.Load() != 1 {
			t.Errorf("a %T is not held", c)
		}
		release()
		if own.patient.Load() != 0 {
			t.Errorf("a %T is still held", c)
		}
	}
	pipe, other := net.Pipe()
	defer other.Close()
	for _, c := range []net.Conn{nil, pipe, &struct{ net.Conn }{}, tls.Client(pipe, nil)} {
		Hold(c)()
	}
}

// Given a server that says nothing, when TLS has had the transport's time for it, then the error is net/http's, a timeout, and not the caller's deadline.
func TestHandshakeTimeout(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	tr := &http.Transport{TLSHandshakeTimeout: 20 * time.Millisecond}
	New(newTestResolver(t)).Install(tr, &net.Dialer{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := tr.DialTLSContext(ctx, "tcp", listener.Addr().String())
	var failed *Error
	if !errors.As(err, &failed) || failed.Cause != resolver.CauseTimeout || errors.Is(err, context.DeadlineExceeded) || err.Error() != "net/http: TLS handshake timeout" {
		t.Errorf("got %v, %v", c, err)
	}
}

// Given servers that speak HTTP/2, and not, when a connection is made, then it is known whether it is shared by requests.
func TestSharedConnections(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := httptest.NewUnstartedServer(nil)
		s.EnableHTTP2 = http2
		s.StartTLS()
		defer s.Close()
		tr := s.Client().Transport.(*http.Transport).Clone()
		tr.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
		New(newTestResolver(t)).Install(tr, &net.Dialer{})
		c, err := tr.DialTLSContext(t.Context(), "tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if shared := c.(*tls.Conn).NetConn().(*conn).shared; shared != http2 {
			t.Errorf("HTTP/2 %v: shared is %v", http2, shared)
		}
	}
}

// Given transports in which no dialer is installed, when they are asked, then there is none.
func TestNotInstalled(t *testing.T) {
	dial := func(context.Context, string, string) (net.Conn, error) { panic("asked") }
	for _, tr := range []*http.Transport{nil, {}, {DialTLSContext: dial}} {
		if in := installed(tr); in != nil {
			t.Errorf("%+v: got %+v", tr, in)
		}
	}
}

// Given a connection whose reads have a time, then they take what comes, and fail when nothing does, or when it is closed.
func TestReadsHaveATime(t *testing.T) {
	inner, other := net.Pipe()
	defer other.Close()
	d := New(nil)
	c := &conn{Conn: inner, target: d.use(d.plain, "h:443", "h"), timeout: 500 * time.Millisecond}
	go func() {
		_, _ = other.Read(make([]byte, 1))
		_, _ = other.Write([]byte("x"))
	}()
	if _, err := c.Write([]byte("?")); err != nil || !c.owed.Load() {
		t.Errorf("%v; an answer is owed: %v", err, c.owed.Load())
	}
	if n, err := c.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if c.owed.Load() {
		t.Error("an answer is still owed")
	}
	var late net.Error
	if n, err := c.Read(make([]byte, 10)); n != 0 || !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("read %d, %v, want a timeout", n, err)
	}
	c.Close()
	if n, err := c.Read(make([]byte, 10)); n != 0 || err == nil {
		t.Errorf("read %d, %v when it is closed", n, err)
	}
}

// Given races that end without a connection, then the error is what failed first, or package net's for a caller that had no more time, or gave up; and only one who gave
// up says nothing of the name.
func TestHowRacesEnd(t *testing.T) {
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	gone, cancelGone := context.WithCancel(t.Context())
	cancelGone()
	refused := errors.New("refused")
	for name, tt := range map[string]struct {
		ctx     context.Context
		first   error
		want    string
		is      error
		failing bool
	}{
		"all failed":               {t.Context(), refused, "refused", refused, true},
		"late":                     {late, nil, "dial tcp: i/o timeout", context.DeadlineExceeded, true},
		"late, and one has failed": {late, refused, "refused", refused, true},
		"given up":                 {gone, nil, "dial tcp: context canceled", context.Canceled, false},
		"given up after a failure": {gone, refused, "refused", refused, false},
	} {
		r := &race{goal: goal{network: "tcp"}}
		err := r.over(tt.ctx, tt.first)
		if !errors.Is(err, tt.is) || err.Error() != tt.want || r.failing != tt.failing {
			t.Errorf("%s: got %q, failing: %v", name, err, r.failing)
		}
	}
}

// Given times in which a process ran, and such in which it hardly did, when they are counted, then a step that took n times as long counts as an nth.
func TestPatience(t *testing.T) {
	now := time.Now()
	p := patience{last: now}
	for i, tt := range []struct {
		took, spent time.Duration
	}{{step, step}, {step / 2, step / 2}, {2 * step, step / 2}, {10 * step, step / 10}, {0, 0}} {
		before := p.spent
		now = now.Add(tt.took)
		if p.over(now, time.Hour) || p.spent-before != tt.spent {
			t.Errorf("%d: %v counts as %v, want %v", i, tt.took, p.spent-before, tt.spent)
		}
	}
	if limit := p.spent; !p.over(now, limit) || p.over(now, limit+1) {
		t.Error("the limit is not the limit")
	}
}

// Given what was sent over a target's connections, when some end without an answer, then the last of those times counts; and an error proves that nothing was sent of
// a request that began later, and of no other.
func TestNotSent(t *testing.T) {
	to := &target{}
	for _, at := range []int64{5, 9, 7, 0} {
		to.lose(at)
	}
	if got := to.lost.Load(); got != 9 {
		t.Errorf("the last that was lost was sent at %d, want 9", got)
	}
	at := func(n time.Duration) time.Time { return started.Add(n) }
	for name, tt := range map[string]struct {
		err   Error
		begun time.Time
		want  bool
	}{
		"before":           {Error{to: to}, at(8), false},
		"at that time":     {Error{to: to}, at(9), false},
		"after":            {Error{to: to}, at(10), true},
		"nothing was lost": {Error{to: &target{}}, at(0), true},
		"a path that died": {Error{}, at(10), false},
	} {
		if got := tt.err.NotSent(tt.begun); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// Given targets of hosts under a zonal name, when the name is to be checked, then it is one that was connected to, if there is one, and the name itself before all.
func TestWhichTargetIsChecked(t *testing.T) {
	d := New(newTestResolver(t))
	use := func(host string, made bool) *target {
		to := d.use(d.plain, host+":443", host)
		to.made.Store(made)
		return to
	}
	use("other.example", true)
	use("x"+zonal, true)
	if to := d.last(zonal); to != nil {
		t.Errorf("got %s", to.host)
	}
	for i := range 20 {
		use(strings.Repeat("a", i+1)+"."+zonal, false)
	}
	made := use("photos."+zonal, true)
	for range 20 { // a map's order is random
		if to := d.last(zonal); to != made {
			t.Fatalf("got %s, want the one that was connected to", to.host)
		}
	}
	own := use(zonal, false)
	for range 20 {
		if to := d.last(zonal); to != own {
			t.Fatalf("got %s, want the name itself", to.host)
		}
	}
}

// Given options, then the connect timeout has a default, and none below zero, and a dialer without a resolver looks names up by package net's.
func TestOptions(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: DefaultConnectTimeout, -1: 0, time.Minute: time.Minute} {
		d := New(nil, WithConnectTimeout(given), nil, WithReadTimeout(time.Hour), WithNetResolver(nil), WithoutNearest())
		if d.timeout != want || d.reading != time.Hour || d.lookup != net.DefaultResolver || d.near != nil {
			t.Errorf("%v: got %v, %v, %v", given, d.timeout, d.reading, d.near)
		}
	}
	own := &net.Resolver{}
	if d := New(nil, WithNetResolver(own)); d.lookup != own || d.plain.lookup != own || d.near == nil {
		t.Errorf("got %v", d.lookup)
	}
}
