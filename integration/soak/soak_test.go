package soak

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The load is such that a fault which breaks all calls of a client at once costs a fraction of what the SDK has for retries (500
// tokens for each client, 5 for each retry). Without that, any client runs out of them, with azaffinity and without.
const think = 150 * time.Millisecond // between two calls of one caller, on average

// Given a program under load, when faults come and go in one zone at a time, then no call fails, no attempt is sent again after it
// may have arrived, and nothing is executed more often than the SDK's own retries make it.
func TestSoak(t *testing.T) {
	length, seed, bare := 15*time.Second, uint64(2), os.Getenv("AZAFFINITY_SOAK_BARE") != "" // 2 has faults in the own zone in that time
	var err error
	var traces bool
	if s := os.Getenv("AZAFFINITY_SOAK"); s != "" {
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatalf("AZAFFINITY_SOAK: %v", err)
		}
		traces, seed = true, rand.Uint64N(1<<32)
	}
	if s := os.Getenv("AZAFFINITY_SOAK_SEED"); s != "" {
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("AZAFFINITY_SOAK_SEED: %v", err)
		}
	}
	t.Logf("to replay: AZAFFINITY_SOAK=%v AZAFFINITY_SOAK_SEED=%d", length, seed)

	l, err := lab.Start(lab.Options{Buckets: []string{"photos"}, Tables: []string{"orders"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	var endpoints []endpoint.Endpoint
	for _, service := range []string{"s3", "dynamodb", "sqs", "sts"} {
		endpoints = append(endpoints, endpoint.Endpoint{Regional: l.RegionalName(service)})
	}
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: home})), resolver.WithEndpoints(endpoint.Static(endpoints...)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cfg := l.ConfigIn(home)
	client := counted(l.HTTPClientIn(home))
	if bare {
		cfg.HTTPClient = &recorder{client}
	} else {
		attached, dialer := middleware.Client(client, r)
		cfg.HTTPClient = &recorder{attached}
		middleware.Append(&cfg.APIOptions, r, middleware.WithDialer(dialer))
	}
	p := newProgram(cfg, l, bare)
	created, err := p.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	p.queue = *created.QueueUrl
	l.ResetRequests()

	results := &results{t: t, spells: plan(seed, length), bare: bare, traces: traces}
	p.ended = results.ended
	faults, over := context.WithTimeout(t.Context(), length)
	defer over()
	var callers sync.WaitGroup
	for who, caller := range p.callers() {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(1+who)))
			for n := 0; ; n++ {
				caller(faults, random, who, n)
				if !sleep(faults, time.Duration(random.Int64N(int64(2*think)))) {
					return
				}
			}
		})
	}
	if err := carryOut(faults, l, results.spells); err != nil {
		t.Error(err)
	}
	<-faults.Done()
	callers.Wait()

	results.check(p, l)
	results.summary(p, l, r)
}

// results are those of the calls that have ended.
type results struct {
	t      *testing.T
	spells []*spell
	bare   bool
	traces bool // of the slowest calls

	mu       sync.Mutex
	calls    []*call
	failures map[*call]error
}

func (r *results) ended(c *call, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
	if err != nil {
		if r.failures == nil {
			r.failures = map[*call]error{}
		}
		r.failures[c] = err
	}
}

// shown is how many findings of a kind are shown in full.
const shown = 10

// check asserts what the test is for.
func (r *results) check(p *program, l *lab.Lab) {
	var findings []string
	for c, err := range r.failures {
		findings = append(findings, fmt.Sprintf("failed: %v\n    %v\n    while there was %v", err, c, during(r.spells, c)))
	}
	carried := 0
	for _, c := range r.calls {
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
	for body, c := range p.sent {
		if got, most := len(p.ids[body]), c.carried(); got > most {
			findings = append(findings, fmt.Sprintf("%d messages by %d attempts: %v", got, most, c))
		}
	}
	executed := 0
	for _, n := range l.Requests() {
		executed += n
	}
	if executed > carried {
		findings = append(findings, fmt.Sprintf("%d executions of %d requests that were sent", executed, carried))
	}
	report := r.t.Error
	if r.bare {
		report = r.t.Log
	}
	for i, finding := range findings {
		if i == shown {
			report(len(findings)-shown, "more")
			break
		}
		report(finding)
	}
}

// summary prints figures.
func (r *results) summary(p *program, l *lab.Lab, of *resolver.Resolver) {
	took := map[string][]time.Duration{}
	slowest := map[string]*call{}
	failed, ends := map[string]int{}, map[string]int{}
	var retried, again int
	for _, c := range r.calls {
		kind := "long polls"
		if c.operation != "ReceiveMessage" {
			kind = "no fault"
			if s := during(r.spells, c); s != nil {
				kind, _, _ = strings.Cut(s.fault.String(), " after ")
				if s.zone != home {
					kind += ", elsewhere"
				}
			}
		}
		took[kind] = append(took[kind], c.end.Sub(c.start))
		if s := slowest[kind]; s == nil || c.end.Sub(c.start) > s.end.Sub(s.start) {
			slowest[kind] = c
		}
		if r.failures[c] != nil {
			failed[kind]++
			ends[c.outcomes()]++
		}
		if n := len(c.attempts()); n > 1 {
			retried++
		}
		if len(c.sends) > len(c.attempts()) {
			again++
		}
	}
	var b strings.Builder
	total, inHome := 0, 0
	for z, n := range l.Requests() {
		if total += n; z == home {
			inHome = n
		}
	}
	fmt.Fprintf(&b, "%d calls, %d failed; %d were retried by the SDK, %d sent on by azaffinity; %d executions, %.1f %% of them in the zone; "+
		"%d faults; content broke off %d times\n", len(r.calls), len(r.failures), retried, again, total, 100*float64(inHome)/float64(max(1, total)),
		len(r.spells), p.broken.Load())
	for _, e := range of.Snapshot().Endpoints {
		fmt.Fprintf(&b, "%-9s ejected %d times; sends %v; failovers %v\n", e.Service, e.Ejections, e.Attempts, e.Failovers)
	}
	fmt.Fprintf(&b, "%-28s %8s %7s %9s %9s %9s\n", "calls while there was", "calls", "failed", "p50", "p99", "max")
	for _, kind := range slices.Sorted(maps.Keys(took)) {
		all := took[kind]
		slices.Sort(all)
		at := func(share float64) time.Duration {
			return all[int(share*float64(len(all)-1))].Round(100 * time.Microsecond)
		}
		fmt.Fprintf(&b, "%-28s %8d %7d %9v %9v %9v\n", kind, len(all), failed[kind], at(0.5), at(0.99), at(1))
	}
	for _, how := range slices.Sorted(maps.Keys(ends)) {
		fmt.Fprintf(&b, "%d failed after: %s\n", ends[how], how)
	}
	if r.traces {
		for _, kind := range slices.Sorted(maps.Keys(slowest)) {
			fmt.Fprintf(&b, "slowest while there was %s: %v\n", kind, slowest[kind])
		}
	}
	r.t.Log("\n" + b.String())
}
