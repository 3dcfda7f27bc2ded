package netns

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// What is promised, and what a machine with other things to do may take in addition. The SDK's own pauses are not in it.
const (
	slack = 1400 * time.Millisecond

	atOnce   = slack                                      // nothing is waited for
	noAnswer = dialer.DefaultConnectTimeout*12/10 + slack // and a tenth, and another if the regional name leads there, too
	noPath   = 2500*time.Millisecond + slack
)

// keyOf is an object's key that no other test has.
func keyOf(t *testing.T, more ...string) string {
	return strings.NewReplacer("/", "-", " ", "_").Replace(strings.Join(append([]string{t.Name()}, more...), "-"))
}

// Given zones that are well, when calls are made, then they stay in the zone, on a new connection and on a kept one.
func TestHealthy(t *testing.T) {
	n := need(t)
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			key := keyOf(t)
			o.prepare(t, n, key)
			c := n.client(t, once)
			for range 2 {
				if got := o.do(t, c, key, atOnce); got.route.Target != resolver.Zonal || got.route.Reason != resolver.InZone {
					t.Errorf("got route %+v, want the zonal name", got.route)
				}
			}
			n.wantExecuted(t, o, key, 2, 0)
			o.check(t, n, key)
		})
	}
}

// Given a request whose host is changed after it was signed, when the server gets it, then it refuses it: answers to requests that went to another
// name than they were first signed for mean something.
func TestServerVerifiesTheHost(t *testing.T) {
	n := need(t)
	c := n.client(t, once)
	change := smithymiddleware.FinalizeMiddlewareFunc("ChangeHost", func(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (
		smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error,
	) {
		in.Request.(*smithyhttp.Request).URL.Host = bucket + ".bucket." + vpceName("")
		return next.HandleFinalize(ctx, in)
	})
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(keyOf(t)), Body: strings.NewReader("x")}, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *smithymiddleware.Stack) error {
			return stack.Finalize.Insert(change, "Signing", smithymiddleware.After)
		})
	})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "SignatureDoesNotMatch" {
		t.Errorf("got %v, want SignatureDoesNotMatch", err)
	}
}

// Given a zone that can't be connected to, when a call is made with the SDK's retries off, then it is answered by another zone, executed once, and
// in no more time than the connect timeout.
func TestNotReached(t *testing.T) {
	n := need(t)
	tests := []struct {
		name   string
		fault  func(*testing.T, *zone)
		causes []resolver.Cause
		limit  time.Duration
	}{
		{"packets are dropped", firewall(dropRequests), []resolver.Cause{resolver.CauseTimeout}, noAnswer},
		{"answers are dropped", firewall(dropAnswers), []resolver.Cause{resolver.CauseTimeout}, noAnswer},
		{"rejected with a reset", firewall(rejectReset), []resolver.Cause{resolver.CauseConnect}, atOnce},
		// Linux looks at an ICMP error that comes while connect(2) is still sending only when it sends the SYN again, a second later.
		{"rejected as unreachable", firewall(rejectHost), []resolver.Cause{resolver.CauseConnect, resolver.CauseTimeout}, noAnswer},
		{"the link is down", linkDown, []resolver.Cause{resolver.CauseTimeout}, noAnswer},
		{"the address is gone", addressGone, []resolver.Cause{resolver.CauseTimeout}, noAnswer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n.during(t, tt.fault, n.cold, func(t *testing.T, o operation, c routed, key string) {
				got := o.do(t, c, key, tt.limit)
				if got.route.Target != resolver.Regional || got.route.Reason != resolver.FailedOver || !slices.Contains(tt.causes, got.route.Cause) {
					t.Errorf("got route %+v, want Regional, FailedOver because of one of %v", got.route, tt.causes)
				}
				n.wantExecuted(t, o, key, 0, 1)
				o.check(t, n, key)
			})
		})
	}
}

// Given a kept connection whose packets vanish, when a call is sent over it, then the path is found to be dead, and the SDK's retry is answered by
// another zone. The calls after it don't wait.
func TestPathDead(t *testing.T) {
	n := need(t)
	tests := []struct {
		name    string
		fault   func(*testing.T, *zone)
		arrives bool // what the client sends
	}{
		{"packets are dropped", firewall(dropRequests), false},
		{"answers are dropped", firewall(dropAnswers), true},
		{"the link is down", linkDown, false},
		{"the address is gone", addressGone, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n.during(t, tt.fault, n.warm, func(t *testing.T, o operation, c routed, key string) {
				got := o.do(t, c, key, noPath)
				if got.route.Target != resolver.Regional || got.route.Cause != resolver.CausePathDead || got.retries != 1 {
					t.Errorf("got route %+v after %d retries, want Regional because the path is dead, after one", got.route, got.retries)
				}
				atHome := 0
				if tt.arrives && o.fits {
					atHome = 1 // the SDK would have sent it again without us, too
				}
				n.wantExecuted(t, o, key, atHome, 1)
				o.check(t, n, key)
				later := putSmall.do(t, c, key+"-later", slack/2)
				if later.route.Target != resolver.Regional || later.route.Reason != resolver.Unhealthy {
					t.Errorf("the next call had route %+v, want Regional, Unhealthy", later.route)
				}
			})
		})
	}
}

// Given many calls under way on kept connections, when their packets vanish, then all are answered as fast as one.
func TestManySilent(t *testing.T) {
	n := need(t)
	const calls = 20
	o := putSmall
	c := n.client(t)
	type outcome struct {
		route resolver.Route
		took  time.Duration
		err   error
	}
	together := func(when string) []outcome {
		outcomes := make([]outcome, calls)
		var all sync.WaitGroup
		for i := range calls {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), giveUp)
				defer cancel()
				metadata, took, err := o.call(ctx, c, keyOf(t, when, strconv.Itoa(i)))
				route, _ := middleware.RouteFrom(metadata)
				outcomes[i] = outcome{route, took, err}
			})
		}
		all.Wait()
		return outcomes
	}
	together("before") // leaves ten connections: the HTTP client keeps no more
	firewall(dropRequests)(t, n.zone(home))
	outcomes := together("after")
	_, _, pause := c.pauses.take()
	slowest := time.Duration(0)
	for i, got := range outcomes {
		slowest = max(slowest, got.took)
		switch {
		case got.err != nil:
			t.Errorf("call %d failed after %v: %v", i, got.took, got.err)
		case got.route.Target != resolver.Regional || got.took-pause > noPath:
			t.Errorf("call %d took %v, pauses of %v at the most included, by %+v; want %v without them, and Regional", i, got.took, pause, got.route, noPath)
		}
		n.wantExecuted(t, o, keyOf(t, "after", strconv.Itoa(i)), 0, 1)
	}
	t.Logf("the slowest of %d took %v, with pauses of %v at the most", calls, slowest.Round(time.Millisecond), pause.Round(time.Millisecond))
}

// Given a zone that can't be connected to, and a regional name that leads there first, when a call is made, then it is answered by another zone all
// the same.
func TestTheRegionalNameLeadsThereToo(t *testing.T) {
	n := need(t)
	o, key := putSmall, keyOf(t)
	c := n.cold(t, key)
	firewall(dropRequests)(t, n.zone(home))
	n.dns.turn.Store(0)
	if got := o.do(t, c, key, noAnswer); got.route.Reason != resolver.FailedOver {
		t.Errorf("got route %+v, want FailedOver", got.route)
	}
	n.wantExecuted(t, o, key, 0, 1)
	o.check(t, n, key)
}

// Given a zone that can't be connected to, when it has failed three calls, then the others don't wait for it, until it is well again.
func TestOutOfUse(t *testing.T) {
	n := need(t)
	c := n.client(t, once)
	t.Run("while it is broken", func(t *testing.T) {
		firewall(dropRequests)(t, n.zone(home))
		for range 3 {
			if got := putSmall.do(t, c, keyOf(t), noAnswer); got.route.Reason == resolver.Unhealthy {
				break // one may be enough
			}
		}
		for range 5 {
			if got := putSmall.do(t, c, keyOf(t), slack/2); got.route.Reason != resolver.Unhealthy {
				t.Errorf("got route %+v, want Unhealthy", got.route)
			}
		}
	})
	t.Run("when it is well again", func(t *testing.T) {
		for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
			got := putSmall.do(t, c, keyOf(t), atOnce)
			if got.route.Target == resolver.Zonal {
				break
			}
			if time.Since(start) > giveUp {
				t.Fatalf("after %v the zonal name is still not used: %+v", giveUp, c.resolver.Snapshot())
			}
		}
	})
}

// Given an upload under way, when its socket is killed, then the SDK's retry goes to another zone, and the object is whole.
func TestKilledWhileSending(t *testing.T) {
	n := need(t)
	n.needKill(t)
	o, key := putLarge, keyOf(t)
	c := n.client(t)
	o.body = func(b io.ReadSeeker) io.ReadSeeker {
		return &tripwire{ReadSeeker: b, left: o.size / 2, trip: n.zone(home).killSockets}
	}
	n.dns.turn.Store(1) // nothing is wrong at home any more: the regional name may lead there
	got := o.do(t, c, key, atOnce)
	if got.route.Target != resolver.Regional || got.route.Cause != resolver.CauseBroken || got.retries != 1 {
		t.Errorf("got route %+v after %d retries, want Regional because the connection broke, after one", got.route, got.retries)
	}
	n.wantExecuted(t, o, key, 0, 1)
	o.check(t, n, key)
}

// Given a request that was executed and whose answer is lost, when its socket is killed, then the SDK sends it again, to another zone. It does so
// without azaffinity, too, to the same one.
func TestKilledWhileWaiting(t *testing.T) {
	n := need(t)
	n.needKill(t)
	for _, o := range []operation{putSmall, getLarge} {
		t.Run(o.name, func(t *testing.T) {
			key := keyOf(t)
			o.prepare(t, n, key)
			c := n.warm(t, key)
			z := n.zone(home)
			firewall(dropAnswers)(t, z)
			var killed sync.WaitGroup
			killed.Go(func() {
				for start := time.Now(); time.Since(start) < giveUp; time.Sleep(time.Millisecond) {
					if got, err := z.gateway.executed(o.action, key); err != nil || got > 0 {
						if err := z.killSockets(); err != nil {
							t.Error(err)
						}
						return
					}
				}
				t.Error("the request didn't arrive")
			})
			defer killed.Wait()
			// If net/http may repeat a request, it first tries a new connection: that takes the connect timeout.
			got := o.do(t, c, key, noPath)
			if got.route.Target != resolver.Regional || got.route.Cause == resolver.NoCause {
				t.Errorf("got route %+v, want Regional, and why", got.route)
			}
			n.wantExecuted(t, o, key, 1, 1)
			o.check(t, n, key)
		})
	}
}

// Given an answer that has begun, when its socket is killed, then the reader gets an error: what came of it is not taken for the whole.
func TestKilledWhileReading(t *testing.T) {
	n := need(t)
	n.needKill(t)
	o, key := getLarge, keyOf(t)
	o.prepare(t, n, key)
	c := n.client(t)
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if _, err := io.ReadFull(out.Body, make([]byte, 64<<10)); err != nil {
		t.Fatal(err)
	}
	if err := n.zone(home).killSockets(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.Copy(io.Discard, out.Body); err == nil {
		t.Errorf("%d more bytes, and then an end without an error", rest)
	}
	n.wantExecuted(t, o, key, 1, 0)
	if got := o.do(t, c, key, atOnce); got.route.Target != resolver.Zonal {
		t.Errorf("the next call had route %+v, want the zonal name", got.route)
	}
}

// tripwire is a body that does something once, when so much of it has been read.
type tripwire struct {
	io.ReadSeeker
	left int
	trip func() error
}

func (w *tripwire) Read(p []byte) (int, error) {
	n, err := w.ReadSeeker.Read(p[:min(len(p), 64<<10)])
	if w.left -= n; w.left <= 0 && w.trip != nil && err == nil {
		err, w.trip = w.trip(), nil
	}
	return n, err
}

// during breaks the home zone and makes a call of each kind, all at the same time, each with a client of its own that was prepared before.
func (n *network) during(t *testing.T, fault func(*testing.T, *zone), prepare func(*testing.T, string) routed, f func(*testing.T, operation, routed, string)) {
	t.Helper()
	clients := map[string]routed{}
	key := func(o operation) string { return keyOf(t, o.name) }
	for _, o := range operations {
		o.prepare(t, n, key(o))
		clients[o.name] = prepare(t, key(o))
	}
	fault(t, n.zone(home))
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			f(t, o, clients[o.name], key(o))
		})
	}
}

// wantExecuted compares how often the operation was carried out.
func (n *network) wantExecuted(t *testing.T, o operation, key string, atHome, elsewhere int) {
	t.Helper()
	got, err := n.executed(o.action, key)
	if err != nil {
		t.Fatal(err)
	}
	if got[home] != atHome || got[region+"b"]+got[region+"c"] != elsewhere {
		t.Errorf("%s was executed %v, want %d times at home and %d times elsewhere", o.action, got, atHome, elsewhere)
	}
}
