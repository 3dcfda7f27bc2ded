//go:build go1.25

package resolver_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// Given server errors here and answers or errors elsewhere, one after the other, each at
// a time of its own, then the name is ejected if it is the zone, and not if it is
// everywhere.
func TestServerErrorsAreCompared(t *testing.T) {
	type step struct {
		after time.Duration
		want  resolver.Reason // of the route
		how   string          // what came of it
	}
	const in, out = resolver.InZone, resolver.Unhealthy
	// "5xx": here, and nobody goes elsewhere. "5xx, ok" and "5xx, 5xx": here, and then
	// what the retry elsewhere came to. "no id": 503 that no service gave.
	for _, tt := range []struct {
		name    string
		steps   []step
		ejected bool
	}{
		{"here only, with retries", []step{{0, in, "5xx, ok"}, {0, in, "5xx, ok"}, {0, in, "5xx"}}, true},
		{"here only, the last retry decides", []step{{0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx, ok"}}, true},
		{"two are not enough", []step{{0, in, "5xx, ok"}, {0, in, "5xx, ok"}, {0, in, ""}}, false},
		{"answered in between", []step{{0, in, "5xx, ok"}, {0, in, "5xx, ok"}, {0, in, "ok"}, {0, in, "5xx, ok"}, {0, in, "5xx, ok"}, {0, in, ""}}, false},
		{"elsewhere before the first", []step{{0, in, "refused, ok"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}}, false},
		{"everywhere", []step{{0, in, "5xx, 5xx"}, {0, in, "5xx, 5xx"}, {0, in, "5xx, 5xx"}, {0, in, "5xx, 5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, in, ""}}, false},
		{"everywhere, then here only", []step{{0, in, "5xx, 5xx"}, {10 * time.Second, in, "5xx, ok"}, {0, in, "5xx, ok"}, {0, in, "5xx, ok"}}, true},
		{"nothing is compared for ten seconds", []step{{0, in, "5xx, 5xx"}, {9 * time.Second, in, "5xx, ok"}, {0, in, "5xx, ok"}, {0, in, "5xx, ok"}, {0, in, ""}}, false},
		{"no retries, here only", []step{{0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, out, "ok"}}, true},
		{"no retries, everywhere", []step{{0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, out, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, in, ""}}, false},
		{"no retries, all requests until there is an answer", []step{{0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, out, ""}, {0, out, ""}, {time.Hour, out, ""}, {0, out, "ok"}}, true},
		{"an error elsewhere that is not the server's", []step{{0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, out, "refused"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, in, "5xx"}, {0, out, "ok"}}, true},
		{"that no service gave", []step{{0, in, "no id"}, {0, in, "no id"}, {0, in, "no id"}, {0, out, ""}, {0, out, "ok"}}, true},
		{"five that no service gave, nor elsewhere", []step{{0, in, "no id"}, {0, in, "no id"}, {0, in, "no id"}, {0, out, "no id"}, {10 * time.Second, in, "no id"}, {0, in, "no id"}, {0, in, "ok"}}, false},
		{"of both kinds", []step{{0, in, "no id, ok"}, {0, in, "5xx"}, {0, in, "5xx"}}, true},
		{"probed, and well", []step{{0, in, "5xx, ok"}, {0, in, "5xx"}, {0, in, "5xx"}, {10 * time.Second, in, "ok"}, {0, in, ""}}, false},
		{"probed, and not well", []step{{0, in, "5xx, ok"}, {0, in, "5xx"}, {0, in, "5xx"}, {10 * time.Second, in, "5xx, ok"}, {7 * time.Second, out, ""}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newResolver(t, inA, sqsOnly())
				for i, s := range tt.steps {
					time.Sleep(s.after)
					route := send(r)
					if route.Reason != s.want {
						t.Fatalf("step %d: got %v, want %v", i+1, route.Reason, s.want)
					}
					end(route, s.how)
				}
				if got := r.Snapshot().Endpoints[0]; got.Ejected != tt.ejected {
					t.Errorf("ejected: got %v, want %v; %+v", got.Ejected, tt.ejected, got)
				} else if tt.ejected && !isServerError(got.LastCause) {
					t.Errorf("cause: got %v", got.LastCause)
				}
			})
		})
	}
}

func isServerError(c resolver.Cause) bool {
	return c == resolver.CauseServerError || c == resolver.CauseUnavailable
}

// end reports what came of a request.
func end(route resolver.Route, how string) {
	causes := map[string]resolver.Cause{"5xx": resolver.CauseServerError, "no id": resolver.CauseUnavailable, "refused": resolver.CauseConnect}
	first, then := how, ""
	if i := len(how); i > 4 && (how[i-4:] == ", ok") {
		first, then = how[:i-4], "ok"
	} else if i > 5 && how[i-5:] == ", 5xx" {
		first, then = how[:i-5], "5xx"
	}
	switch first {
	case "ok":
		route.Answered()
	case "":
	default:
		route.Failed(causes[first], nil)
	}
	if then != "" {
		end(route.FailedOver(causes[first]), then)
	}
}

// Given requests under way to a name that gives server errors, when one of them is answered
// after the others went to compare, then the name is not compared any more; and when five
// get what no service gave, it is ejected without a comparison.
func TestServerErrorsBesideAComparison(t *testing.T) {
	for _, tt := range []struct {
		name, how string // what comes of the first three, and of the two after
		then      string
		want      resolver.Reason
	}{
		{"answered", "5xx", "ok", resolver.InZone},
		{"no service", "no id", "no id", resolver.Unhealthy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newResolver(t, inA, sqsOnly())
				var routes [5]resolver.Route
				for i := range routes {
					routes[i] = r.Resolve(sqs)
				}
				for _, route := range routes[:3] {
					end(route, tt.how)
				}
				if got := r.Resolve(sqs).Reason; got != resolver.Unhealthy {
					t.Errorf("while it compares: got %v", got)
				}
				for _, route := range routes[3:] {
					end(route, tt.then)
				}
				if got := r.Resolve(sqs).Reason; got != tt.want {
					t.Errorf("afterwards: got %v, want %v", got, tt.want)
				}
				if got := r.Snapshot().Endpoints[0].Ejected; got != (tt.want == resolver.Unhealthy) {
					t.Errorf("ejected: got %v", got)
				}
			})
		})
	}
}

// Given a name that is compared, when a request that was sent before breaks, and another is answered elsewhere, then the log says that it is ejected for its
// server errors, without the other failure's text.
func TestCauseOfAComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{t: t}
		r := newResolver(t, inA, sqsOnly(), log.option())
		log.l = nil
		before := r.Resolve(sqs)
		for range 3 {
			r.Resolve(sqs).Failed(resolver.CauseServerError, errors.New("500"))
		}
		before.Failed(resolver.CauseUnanswered, errors.New("no answer"))
		end(r.Resolve(sqs), "ok")
		retry := time.Until(r.Snapshot().Endpoints[0].RetryAt).Round(time.Second)
		log.expect("ejected", "WARN zonal name ejected, its requests go to the regional name name="+zonal("sqs")+" cause=server error error= retry_in="+retry.String())
	})
}

// Given many requests that get server errors at once while others are answered
// elsewhere, when it is over, then the name is ejected once.
func TestServerErrorsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, sqsOnly())
		var routes []resolver.Route
		for range 100 {
			routes = append(routes, r.Resolve(sqs))
		}
		for _, route := range routes {
			end(route, "5xx, ok")
		}
		if got := r.Snapshot().Endpoints[0]; !got.Ejected || got.Ejections != 1 || got.LastCause != resolver.CauseServerError {
			t.Errorf("got %+v, want it ejected once", got)
		}
	})
}

// Given deadlines that pass while the name owes an answer, when three did in a row, then
// it is ejected, and an answer in between, however late, prevents that.
func TestUnansweredRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, inA, sqsOnly())
		for range 2 {
			r.Resolve(sqs).Failed(resolver.CauseUnanswered, nil)
		}
		r.Resolve(sqs).Answered()
		for range 3 {
			expect(t, r.Resolve(sqs), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
			r.Resolve(sqs).Failed(resolver.CauseUnanswered, nil)
		}
		expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.Unhealthy)
		if got := r.Snapshot().Endpoints[0].LastCause.String(); got != "unanswered" {
			t.Errorf("cause: got %s", got)
		}
	})
}
