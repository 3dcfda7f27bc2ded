package soak

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// world is a lab of its own, and two programs in its home zone: one speaks HTTP/1.1, and one HTTP/2.
type world struct {
	lab      *lab.Lab
	resolver *resolver.Resolver // nil: the bare SDK's world
	programs []*program

	mu       sync.Mutex
	calls    []*call // that have ended
	failures map[*call]error
}

func newWorld(t *testing.T, bare bool) *world {
	l, err := lab.Start(lab.Options{Buckets: []string{"photos"}, Tables: []string{"orders"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{lab: l, failures: map[*call]error{}}
	if !bare {
		var endpoints []endpoint.Endpoint
		for _, service := range []string{"s3", "dynamodb", "sqs", "sts"} {
			endpoints = append(endpoints, endpoint.Endpoint{Regional: l.RegionalName(service)})
		}
		w.resolver, err = resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: home})), resolver.WithEndpoints(endpoint.Static(endpoints...)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.resolver.Close() })
	}
	all := &messages{sent: map[string]*call{}, ids: map[string]map[string]bool{}}
	for _, http2 := range []bool{false, true} {
		p := newProgram(w.config(t, http2), l, bare)
		p.messages, p.ended = all, w.ended
		w.programs = append(w.programs, p)
	}
	created, err := w.programs[0].sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range w.programs {
		p.queue = *created.QueueUrl
	}
	l.ResetRequests()
	return w
}

func (w *world) config(t *testing.T, http2 bool) aws.Config {
	cfg := w.lab.ConfigIn(home)
	client := counted(w.lab.HTTPClientIn(home))
	if !http2 {
		only := new(http.Protocols)
		only.SetHTTP1(true)
		client.Transport.(*http.Transport).Protocols = only
	}
	t.Cleanup(client.CloseIdleConnections)
	if w.resolver == nil {
		cfg.HTTPClient = &recorder{client}
		return cfg
	}
	attached, dialer := middleware.Client(client, w.resolver)
	cfg.HTTPClient = &recorder{attached}
	middleware.Append(&cfg.APIOptions, w.resolver, middleware.WithDialer(dialer))
	return cfg
}

func (w *world) callers() (all []func(ctx context.Context, random *rand.Rand, who, n int)) {
	for _, p := range w.programs {
		all = append(all, p.callers()...)
	}
	return all
}

func (w *world) ended(c *call, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
	if err != nil {
		w.failures[c] = err
	}
}

func (w *world) whatFailed(spells []*spell) (findings []string) {
	for c, err := range w.failures {
		findings = append(findings, fmt.Sprintf("failed: %v\n    %v\n    while there was %v", err, c, during(spells, c)))
	}
	return findings
}

// sentTwice is what was sent or executed more often than it should have been.
func (w *world) sentTwice() (findings []string) {
	carried := 0
	for _, c := range w.calls {
		if c.sentTwice() {
			findings = append(findings, fmt.Sprintf("sent again after it may have arrived: %v", c))
		}
		for _, s := range c.sends {
			for _, transfer := range s.transfers {
				if transfer.carried() {
					carried++
				}
			}
		}
	}
	all := w.programs[0].messages
	for body, c := range all.sent {
		if got, most := len(all.ids[body]), c.carried(); got > most {
			findings = append(findings, fmt.Sprintf("%d messages by %d attempts: %v", got, most, c))
		}
	}
	if executed := w.executed(); executed > carried {
		findings = append(findings, fmt.Sprintf("%d executions of %d requests that were sent", executed, carried))
	}
	return findings
}

func (w *world) executed() (n int) {
	for _, of := range w.lab.Requests() {
		n += of
	}
	return n
}

// inZone is the share of what the home zone executed.
func (w *world) inZone() float64 {
	return float64(w.lab.Requests()[home]) / float64(max(1, w.executed()))
}

// summary accounts for all calls.
func (w *world) summary() string {
	var retried, again, broken int
	for _, c := range w.calls {
		if n := len(c.attempts()); n > 1 {
			retried++
		}
		if len(c.sends) > len(c.attempts()) {
			again++
		}
	}
	for _, p := range w.programs {
		broken += int(p.broken.Load())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d calls, %d failed; %d were retried by the SDK, %d sent on in the same attempt; %d executions, by zone %v; content broke off %d times\n",
		w, len(w.calls), len(w.failures), retried, again, w.executed(), w.lab.Requests(), broken)
	if w.resolver != nil {
		for _, e := range w.resolver.Snapshot().Endpoints {
			fmt.Fprintf(&b, "%-9s ejected %d times; sends %v; failovers %v\n", e.Service, e.Ejections, e.Attempts, e.Failovers)
		}
	}
	ends := map[string]int{}
	for c := range w.failures {
		ends[c.outcomes()]++
	}
	for _, how := range slices.Sorted(maps.Keys(ends)) {
		fmt.Fprintf(&b, "%d failed after: %s\n", ends[how], how)
	}
	return b.String()
}

func (w *world) String() string {
	if w.resolver == nil {
		return "the bare SDK"
	}
	return "azaffinity"
}

// kindOf is what there was while the call was under way.
func kindOf(spells []*spell, c *call) string {
	if c.operation == "ReceiveMessage" {
		return "long polls"
	}
	switch s := during(spells, c); {
	case s == nil:
		return "no fault"
	case s.process == nil && s.zone != home:
		return s.name + ", elsewhere"
	default:
		return s.name
	}
}

func (w *world) byKind(spells []*spell) map[string][]*call {
	all := map[string][]*call{}
	for _, c := range w.calls {
		kind := kindOf(spells, c)
		all[kind] = append(all[kind], c)
	}
	for _, calls := range all {
		slices.SortFunc(calls, func(a, b *call) int { return int(a.took() - b.took()) })
	}
	return all
}

// compare has the figures of both, side by side.
func compare(spells []*spell, ours, bare *world) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults; azaffinity, and the bare SDK\n%-36s%15s%11s%19s%19s%19s\n", len(spells), "calls while there was", "calls", "failed", "p50", "p99", "max")
	a, z := ours.byKind(spells), bare.byKind(spells)
	kinds := map[string]bool{}
	for _, of := range []map[string][]*call{a, z} {
		for kind := range of {
			kinds[kind] = true
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(&b, "%-36s%8d %6d%6d %4d", kind, len(a[kind]), len(z[kind]), ours.failed(a[kind]), bare.failed(z[kind]))
		for _, share := range []float64{0.5, 0.99, 1} {
			fmt.Fprintf(&b, "%10v%9v", quantile(a[kind], share), quantile(z[kind], share))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (w *world) failed(calls []*call) (n int) {
	for _, c := range calls {
		if w.failures[c] != nil {
			n++
		}
	}
	return n
}

// quantile of calls in the order of how long they took.
func quantile(calls []*call, share float64) time.Duration {
	if len(calls) == 0 {
		return 0
	}
	return calls[int(share*float64(len(calls)-1))].took().Round(100 * time.Microsecond)
}

// slowest traces the slowest call of each kind.
func (w *world) slowest(spells []*spell) string {
	var b strings.Builder
	all := w.byKind(spells)
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "slowest while there was %s: %v\n", kind, all[kind][len(all[kind])-1])
	}
	return b.String()
}
