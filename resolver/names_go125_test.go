//go:build go1.25

package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given a host that is ejected by itself, and its zonal name, when the endpoint is gone, and back, then it is forgotten what they did.
func TestVerdictsGoWithTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		odd, told := "dataplane."+regional("rum"), &saysEndpoints{}
		told.set([]endpoint.Endpoint{of("rum"), of("kms")}, nil)
		r := newSlowResolver(t, zone.Static(inA), told)
		time.Sleep(30 * time.Second)
		r.Resolve(odd).Failed(resolver.CauseCertificate, nil)
		r.Resolve("rum"+region).Failed(resolver.CausePathDead, nil)
		for _, host := range []string{odd, "rum" + region} {
			if got := r.Resolve(host).Reason; got != resolver.Unhealthy {
				t.Fatalf("%s, ejected: got %v", host, got)
			}
		}
		for _, all := range [][]endpoint.Endpoint{{of("kms")}, {of("kms"), of("rum")}} {
			told.set(all, nil)
			for range 3 { // a background look needs somebody who asks
				r.Resolve(sqs)
				time.Sleep(time.Minute)
			}
		}
		for _, host := range []string{odd, "rum" + region} {
			if got := r.Resolve(host).Reason; got != resolver.InZone {
				t.Errorf("%s, new: got %v", host, got)
			}
		}
		for _, e := range r.Snapshot().Endpoints {
			if e.Ejections != 0 {
				t.Errorf("%s is said to have been ejected %d times", e.Service, e.Ejections)
			}
		}
	})
}

// Given a host that can't be right under a zonal name, when it fails for its name, then
// it alone is ejected, and comes back alone; when it fails for its address, all are.
func TestVerdictsOnANameAreTheHostsOwn(t *testing.T) {
	odd, plain := "dataplane."+regional("rum"), "rum"+region
	for _, tt := range []struct {
		name     string
		cause    resolver.Cause
		times    int
		odd, all resolver.Reason
	}{
		{"certificate", resolver.CauseCertificate, 1, resolver.Unhealthy, resolver.InZone},
		{"absent", resolver.CauseAbsent, 1, resolver.Unhealthy, resolver.InZone},
		{"dns", resolver.CauseDNS, 3, resolver.Unhealthy, resolver.InZone},
		{"dns, twice", resolver.CauseDNS, 2, resolver.InZone, resolver.InZone},
		{"path dead", resolver.CausePathDead, 1, resolver.Unhealthy, resolver.Unhealthy},
		{"connect", resolver.CauseConnect, 3, resolver.Unhealthy, resolver.Unhealthy},
		{"unanswered", resolver.CauseUnanswered, 3, resolver.Unhealthy, resolver.Unhealthy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newResolver(t, inA, []endpoint.Endpoint{of("rum")})
				for range tt.times {
					r.Resolve(odd).Failed(tt.cause, errors.New("no "+r.Resolve(odd).Host))
				}
				if got := r.Resolve(odd).Reason; got != tt.odd {
					t.Errorf("the odd host: got %v, want %v", got, tt.odd)
				}
				if got := r.Resolve(plain).Reason; got != tt.all {
					t.Errorf("the plain host: got %v, want %v", got, tt.all)
				}
				s := r.Snapshot().Endpoints[0]
				if strings.Contains(s.LastError, "dataplane") || !strings.Contains(s.LastError, zonal("rum")) {
					t.Errorf("last error %q tells what is in front of the name", s.LastError)
				}
				if tt.odd == tt.all {
					return
				}
				if s.Ejected || s.EjectedHosts != 1 {
					t.Errorf("got %+v, want one host ejected", s)
				}
				r.Resolve(plain).Answered()
				r.SetMode(resolver.Off)
				r.SetMode(resolver.Prefer)
				if got := r.Resolve(odd).Reason; got != resolver.Unhealthy {
					t.Errorf("after an answer to another: got %v, want Unhealthy", got)
				}
				time.Sleep(10 * time.Second)
				probe, ok := r.Resolve(odd).Probe()
				if !ok || probe.Host != "dataplane."+zonal("rum") {
					t.Fatalf("got %v, %v, want a probe", probe, ok)
				}
				if again, ok := r.Resolve(odd).Probe(); ok {
					t.Errorf("a second probe: %v", again)
				}
				probe.Answered()
				expect(t, r.Resolve(odd), "dataplane."+zonal("rum"), odd, resolver.Zonal, resolver.InZone)
				if got := r.Snapshot().Endpoints[0].EjectedHosts; got != 0 {
					t.Errorf("hosts ejected: got %d, want none", got)
				}
			})
		})
	}
}

// Given a host and its zonal name that are both ejected, then one probe finds out for
// both, when both are due.
func TestProbeOfAHostAndItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		odd := "dataplane." + regional("rum")
		r := newResolver(t, inA, []endpoint.Endpoint{of("rum")})
		route := r.Resolve(odd)
		route.Failed(resolver.CauseAbsent, nil)
		time.Sleep(5 * time.Second)
		route.Failed(resolver.CausePathDead, nil)
		time.Sleep(6 * time.Second) // the host is due, and the name is not
		if got, ok := r.Resolve(odd).Probe(); ok {
			t.Errorf("a probe before its time: %v", got)
		}
		time.Sleep(5 * time.Second)
		probe, ok := r.Resolve(odd).Probe()
		if !ok {
			t.Fatal("no probe")
		}
		if other, ok := r.Resolve("rum" + region).Probe(); ok {
			t.Errorf("a second probe: %v", other)
		}
		probe.Answered()
		for _, host := range []string{odd, "rum" + region} {
			if got := r.Resolve(host).Reason; got != resolver.InZone {
				t.Errorf("%s: got %v, want InZone", host, got)
			}
		}
	})
}

// Given two hosts under a name that are ejected by themselves, when they come back one after the other, then the first and the last of it are logged.
func TestHostsAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recorder{}
		r := newResolver(t, inA, []endpoint.Endpoint{of("s3")}, resolver.WithLogger(log.logger()))
		hosts := []string{"a.b.s3" + region, "c.d.s3" + region}
		for _, host := range hosts {
			r.Resolve(host).Failed(resolver.CauseCertificate, nil)
		}
		time.Sleep(11 * time.Second)
		for i, host := range hosts {
			probe, ok := r.Resolve(host).Probe()
			if !ok {
				t.Fatalf("%s: no probe", host)
			}
			probe.Answered()
			if n := strings.Count(log.String(), "no host under the zonal name is ejected any more"); n != i {
				t.Errorf("host %d is back: it is logged %d times that all are", i, n)
			}
		}
		if n := strings.Count(log.String(), "hosts under the zonal name are ejected"); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
	})
}

// Given more hosts that fail for their names than are worth remembering, then memory is
// bounded, hosts beyond it are tried again, and no other host suffers.
func TestManyVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recorder{}
		r := newResolver(t, inA, []endpoint.Endpoint{of("s3")}, resolver.WithLogger(log.logger()))
		for i := range 2000 {
			r.Resolve(fmt.Sprintf("b%d.s3%s", i, region)).Failed(resolver.CauseAbsent, nil)
		}
		s := r.Snapshot().Endpoints[0]
		if s.Ejected || s.EjectedHosts != 512 {
			t.Errorf("got %+v, want 512 hosts ejected", s)
		}
		for host, want := range map[string]resolver.Reason{
			"b0.s3" + region: resolver.Unhealthy, "b1999.s3" + region: resolver.InZone, "photos.s3" + region: resolver.InZone, "s3" + region: resolver.InZone,
		} {
			if got := r.Resolve(host).Reason; got != want {
				t.Errorf("%s: got %v, want %v", host, got, want)
			}
		}
		if got := strings.Count(log.String(), "ejected"); got != 1 {
			t.Errorf("logged %d lines, want 1", got)
		}
		if strings.Contains(log.String(), "b0.") {
			t.Errorf("a bucket's name was logged: %s", log)
		}
		// Beyond the memo of routes a host can be probed all the same.
		r.Resolve("photos.s3"+region).Failed(resolver.CausePathDead, nil)
		time.Sleep(10 * time.Second)
		if probe, ok := r.Resolve("b1999.s3" + region).Probe(); !ok || probe.Host != "b1999.bucket."+zonal("s3") {
			t.Errorf("got %v, %v, want a probe", probe, ok)
		}
	})
}

// Given a dialer that checks names, then names that a connection can disprove come back
// by it, about every ten seconds and by no request; others by a request's probe.
func TestNamesAreCheckedInTheBackground(t *testing.T) {
	for _, tt := range []struct {
		cause resolver.Cause
		times int
		down  bool
	}{
		{resolver.CauseAbsent, 1, true},
		{resolver.CauseDNS, 3, true},
		{resolver.CauseConnect, 3, true},
		{resolver.CauseCertificate, 1, true},
		{resolver.CauseTLS, 3, true},
		{resolver.CauseTimeout, 3, true},
		{resolver.CausePathDead, 1, true},
		{resolver.CauseBroken, 3, false},
		{resolver.CauseUnavailable, 5, false},
		{resolver.CauseUnanswered, 3, false},
	} {
		t.Run(tt.cause.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newResolver(t, inA, sqsOnly())
				var checks atomic.Int32
				var well atomic.Bool
				link.SetChecker(r, func(_ context.Context, name string) error {
					if name != zonal("sqs") {
						t.Errorf("checked %s", name)
					}
					if checks.Add(1); well.Load() {
						return nil
					}
					return errors.New("not yet")
				})
				route := r.Resolve(sqs)
				for range tt.times {
					route.Failed(tt.cause, nil)
				}
				name := link.NameOf(r, zonal("sqs"))
				if name.Healthy() || !name.Suspect() || name.Down() != tt.down {
					t.Errorf("healthy %v, suspect %v, down %v; want down %v", name.Healthy(), name.Suspect(), name.Down(), tt.down)
				}
				time.Sleep(100 * time.Second)
				synctest.Wait()
				if !tt.down {
					if got := checks.Load(); got != 0 {
						t.Errorf("checked %d times, want never", got)
					}
					probe, ok := r.Resolve(sqs).Probe()
					if !ok {
						t.Fatal("no probe by a request")
					}
					probe.Answered()
				} else {
					if got := checks.Load(); got < 10 || got > 12 {
						t.Errorf("checked %d times in 100 s, want about 11", got)
					}
					if probe, ok := r.Resolve(sqs).Probe(); ok {
						t.Errorf("a request is the probe: %v", probe)
					}
					well.Store(true)
					time.Sleep(10 * time.Second)
					synctest.Wait()
				}
				expect(t, r.Resolve(sqs), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
				if !name.Healthy() || name.Suspect() || name.Down() {
					t.Error("the name is not healthy again")
				}
				before := checks.Load()
				time.Sleep(time.Minute)
				if got := checks.Load() - before; got != 0 {
					t.Errorf("checked %d times more", got)
				}
			})
		})
	}
}

// Given names that failed before a dialer was there, of S3 and under odd labels, then
// they are checked by what can be connected to, odd hosts ever more seldom; and a check
// that panics is an error that shows.
func TestWhatIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, []endpoint.Endpoint{of("s3"), of("rum")})
		r.Resolve("photos.s3"+region).Failed(resolver.CausePathDead, nil)
		r.Resolve("dataplane."+regional("rum")).Failed(resolver.CauseCertificate, nil)
		checked := map[string]int{}
		link.SetChecker(r, func(_ context.Context, name string) error {
			checked[name]++
			panic("no")
		})
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		s3, odd := checked["bucket."+zonal("s3")], checked["dataplane."+zonal("rum")]
		if len(checked) != 2 || s3 < 115 || s3 > 155 || odd < 12 || odd > 17 {
			t.Errorf("checked %v", checked)
		}
		if got := r.Snapshot().Panics; got != uint64(s3+odd) {
			t.Errorf("panics: got %d, want %d", got, s3+odd)
		}
		if got := r.Snapshot().Endpoints[0].LastError; !strings.Contains(got, "panicked") {
			t.Errorf("last error: got %q", got)
		}
		link.SetChecker(r, nil)
		time.Sleep(time.Minute)
		if probe, ok := r.Resolve("photos.s3" + region).Probe(); !ok {
			t.Errorf("nobody checks any more: got %v, want a probe", probe)
		}
	})
}

// Given two dialers for one resolver, of which one has connected to a name, when the name is down, then that one brings it back, whichever came last.
func TestAnyDialerChecks(t *testing.T) {
	for _, first := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newResolver(t, inA, sqsOnly())
			for _, knows := range []bool{first, !first} {
				link.SetChecker(r, func(context.Context, string) error {
					if knows {
						return nil
					}
					return link.ErrNotChecked
				})
			}
			fail(t, r, 3)
			time.Sleep(11 * time.Second)
			synctest.Wait()
			if route := r.Resolve(sqs); route.Reason != resolver.InZone {
				t.Errorf("the first knows the name: %v; got %v, want it back", first, route)
			}
		})
	}
}

// Given a closed resolver, then nothing is checked any more, and requests are the probes.
func TestCloseEndsChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, sqsOnly())
		link.SetChecker(r, func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		r.Resolve(sqs).Failed(resolver.CauseAbsent, nil)
		time.Sleep(11 * time.Second) // into a check
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		probe, ok := r.Resolve(sqs).Probe()
		if !ok {
			t.Fatal("no probe")
		}
		probe.Answered()
		r.Resolve(sqs).Failed(resolver.CauseAbsent, nil) // once more, and nobody starts to check it
		time.Sleep(time.Minute)
		if _, ok := r.Resolve(sqs).Probe(); !ok {
			t.Error("no probe of what failed after Close")
		}
	})
}

// Given a name that nobody has connected to, when a request can't be sent twice, then
// it goes to the fallback, and the name is tried in the background, soon, and seldom.
func TestUntriedNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, sqsOnly())
		route := r.Resolve(sqs)
		if route.Proven() {
			t.Error("proven, and nobody has connected to it")
		}
		expect(t, route.Untried(), regional("sqs"), "", resolver.Regional, resolver.Untried)
		var checks atomic.Int32
		var well atomic.Bool
		link.SetChecker(r, func(_ context.Context, name string) error {
			checks.Add(1)
			if well.Load() {
				return nil
			}
			return errors.New("absent")
		})
		for range 100 {
			r.Resolve(sqs).Untried()
		}
		synctest.Wait()
		if got := checks.Load(); got != 1 || r.Resolve(sqs).Proven() {
			t.Errorf("checked %d times, want once and in vain", got)
		}
		well.Store(true)
		time.Sleep(10 * time.Second)
		r.Resolve(sqs).Untried()
		synctest.Wait()
		if got := checks.Load(); got != 2 || !r.Resolve(sqs).Proven() {
			t.Errorf("checked %d times, want twice, and the name is proven", got)
		}
		time.Sleep(20 * time.Second)
		r.Resolve(sqs).Untried()
		synctest.Wait()
		if got := checks.Load(); got != 2 {
			t.Errorf("checked %d times, and the name was proven by the second", got)
		}
		if got := r.Resolve("example.com"); !got.Proven() || got.Untried() != got {
			t.Errorf("a host that is no zonal name: %v", got)
		}
	})
}

// What a dialer sees of a name, and the name of it.
func TestNameOf(t *testing.T) {
	r := newResolver(t, inA, []endpoint.Endpoint{of("s3"), of("sqs")})
	r.Resolve(regional("states")) // is learned
	for host, want := range map[string]bool{
		zonal("sqs"): true, "photos.bucket." + zonal("s3"): true, zonal("states"): true, "sync." + zonal("states"): true,
		regional("sqs"): false, sqs: false, "x" + zonal("sqs"): false, zonal("sqs") + ".": false, "": false, ".": false,
		strings.Replace(zonal("sqs"), "us-east-1a", "us-east-1b", 1): false,
	} {
		if got := link.NameOf(r, host) != nil; got != want {
			t.Errorf("%q: got a name: %v, want %v", host, got, want)
		}
	}
	var none *resolver.Resolver
	if link.NameOf(none, zonal("sqs")) != nil || link.NameOf("no resolver", zonal("sqs")) != nil {
		t.Error("a name of nobody's")
	}
	exact := zonal("sqs")
	if got := testing.AllocsPerRun(100, func() { link.NameOf(r, exact) }); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

// Given connections to names, then their addresses are known, and suspect while the
// name is.
func TestSuspectAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
		r := newResolver(t, inA, []endpoint.Endpoint{of("s3"), of("sqs")})
		link.SetChecker(r, func(context.Context, string) error { return errors.New("not yet") }) // names that nobody checks are not down: a request is their probe
		name, bucket := link.NameOf(r, zonal("sqs")), link.NameOf(r, "photos.bucket."+zonal("s3"))
		suspects := func(want ...int) {
			t.Helper()
			var got []int
			for i := range 32 {
				if link.SuspectAddr(r, addr(i)) {
					got = append(got, i)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("suspect: got %v, want %v", got, want)
			}
		}
		name.Connected(addr(1))
		bucket.Connected(netip.AddrFrom16(addr(2).As16())) // the same as IPv6 writes it
		if !r.Resolve(sqs).Proven() || !r.Resolve("photos.s3"+region).Proven() {
			t.Error("connected to, and not proven")
		}
		suspects()
		name.Failed(link.Cause(resolver.NoCause), nil)
		suspects()
		name.Failed(link.Cause(resolver.CauseConnect), errors.New("refused"))
		suspects(1)
		if !name.Healthy() || !name.Suspect() || bucket.Suspect() {
			t.Error("after one failure the name is suspect, and not ejected")
		}
		name.Connected(addr(3)) // and says nothing of an answer
		suspects(1, 3)
		bucket.Failed(link.Cause(resolver.CauseCertificate), nil)
		suspects(1, 3) // it is the host's name
		if bucket.Healthy() || !bucket.Suspect() || !bucket.Down() || link.NameOf(r, "other.bucket."+zonal("s3")).Suspect() {
			t.Error("one bucket's certificate is its own")
		}
		bucket.Failed(link.Cause(resolver.CausePathDead), nil)
		suspects(1, 2, 3)
		r.Resolve(sqs).Answered()
		suspects(2)
		for i := range 20 {
			name.Connected(addr(i))
			name.Connected(addr(i))
		}
		if got := name.Addrs(); len(got) != 8 || got[7] != addr(19) || got[0] != addr(12) {
			t.Errorf("addresses: got %v, want the last eight", got)
		}
		if got := bucket.Addrs(); len(got) != 1 || got[0] != addr(2) {
			t.Errorf("addresses: got %v, want one", got)
		}
	})
}

// Given a name that is ejected for what a connection can't disprove, when no request may be the probe, then after five minutes more requests go there again, and the
// first failure ejects it.
func TestNamesThatNoRequestMayProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(endpoint.Endpoint{Regional: regional("sqs")}))
		for range 3 {
			r.Resolve(sqs).Failed(resolver.CauseUnanswered, nil)
		}
		for range 2 {
			start := time.Now()
			for r.Resolve(sqs).Reason == resolver.Unhealthy {
				time.Sleep(time.Second)
			}
			if took := time.Since(start); took < 5*time.Minute || took > 11*time.Minute {
				t.Errorf("back after %v", took)
			}
			if r.Resolve(sqs).Proven() {
				t.Error("it is proven to work")
			}
			r.Resolve(sqs).Failed(resolver.CauseUnanswered, nil)
			if got := r.Resolve(sqs); got.Reason != resolver.Unhealthy {
				t.Errorf("after one more failure: %v", got)
			}
		}
	})
}

// Given ejected names, one of an endpoint and one of a host under another's, when the endpoints are gone, then nobody checks the names any more, and
// failures of requests that are under way don't bring them back.
func TestForgottenNamesAreNotChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := &saysEndpoints{}
		told.set([]endpoint.Endpoint{of("sqs"), of("rum"), of("kms")}, nil)
		log := &recorder{}
		r := newSlowResolver(t, zone.Static(inA), told, resolver.WithLogger(log.logger()))
		time.Sleep(30 * time.Second)
		var checks sync.Map
		checked := func() (n int) {
			synctest.Wait()
			checks.Range(func(any, any) bool { n++; return true })
			checks.Clear()
			return n
		}
		link.SetChecker(r, func(_ context.Context, name string) error {
			checks.Store(name, true)
			return errors.New("down")
		})
		under := r.Resolve(sqs)
		under.Failed(resolver.CausePathDead, nil)
		r.Resolve("dataplane."+regional("rum")).Failed(resolver.CauseCertificate, nil)
		time.Sleep(time.Minute)
		if n := checked(); n != 2 {
			t.Fatalf("checked %d names, want both", n)
		}
		told.set([]endpoint.Endpoint{of("kms")}, nil)
		for range 3 {
			r.Resolve("kms" + region)
			time.Sleep(time.Minute)
		}
		if n := strings.Count(log.String(), "no longer used"); n != 1 {
			t.Errorf("logged %d times that a name is no longer used, want once: %s", n, log)
		}
		checked()
		under.Failed(resolver.CausePathDead, nil)
		time.Sleep(20 * time.Minute)
		if n := checked(); n != 0 {
			t.Errorf("checked %d names, which nothing routes to", n)
		}
		if link.SuspectAddr(r, in('a', 7)) {
			t.Error("an address is suspect")
		}
	})
}
