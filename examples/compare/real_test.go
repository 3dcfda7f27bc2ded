package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"golang.org/x/time/rate"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// account is a lab in the place of a real account.
func account(t *testing.T, opts lab.Options) (*lab.Lab, vpc) {
	t.Helper()
	isolate(t)
	opts.Buckets = []string{"photos"}
	l, err := lab.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	listing := filepath.Join(t.TempDir(), "endpoints.json")
	if err := os.WriteFile(listing, l.DescribeVpcEndpoints(), 0o600); err != nil {
		t.Fatal(err)
	}
	return l, vpc{
		config: l.Config(),
		lookup: l.Resolver(),
		options: []resolver.Option{
			resolver.WithZone(zone.Static(zone.Zone{Name: home})), resolver.WithEndpoints(endpoint.File(listing)),
		},
	}
}

func realFlags(o realOptions) flags {
	f := flags{real: true, plan: quick(), realOptions: o}
	f.plan.Rounds = 2
	return f
}

func TestRealReadsOnly(t *testing.T) {
	l, v := account(t, lab.Options{})
	const most = 100 // a second
	var asked strings.Builder
	start := time.Now()
	report, err := v.compare(t.Context(), realFlags(realOptions{rate: most, bucket: "photos", turn: 100 * time.Millisecond}), strings.NewReader("yes\n"), &asked)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	if len(report.Steady) != 3 {
		t.Fatalf("got %d workloads, want STS, SQS and S3", len(report.Steady))
	}
	for _, s := range report.Steady {
		for _, r := range s.Results {
			if r.Failed > 0 || r.Calls == 0 {
				t.Errorf("%s, %s: %d of %d calls failed, want none: %s", s.Workload, r.Contender, r.Failed, r.Calls, r.Error)
			}
			if in := r.Contender == ours || r.Contender == pinned; in && r.Home != 1 {
				t.Errorf("%s, %s: %v of the calls were in the zone, want all", s.Workload, r.Contender, r.Home)
			}
		}
	}
	if len(report.Faults) > 0 || len(report.Costs) > 0 {
		t.Error("there is more in the report than healthy workloads")
	}
	for _, e := range l.Executions() {
		switch e.Service + " " + e.Operation {
		case "sts GetCallerIdentity", "sqs ListQueues", "s3 HEAD":
		default:
			t.Errorf("executed %s %s, want what only reads", e.Service, e.Operation)
		}
	}
	if got, want := len(l.Executions()), int(most*took.Seconds())+2; got > want {
		t.Errorf("got %d requests in %v, want %d at most, for %d a second", got, took, want, most)
	}
	for _, want := range []string{"us-east-1a", "STS GetCallerIdentity, SQS ListQueues, S3 HeadBucket", "100 calls a second", "Type yes"} {
		if !strings.Contains(asked.String(), want) {
			t.Errorf("asked %q, want %q in it", &asked, want)
		}
	}
}

func TestRealAsks(t *testing.T) {
	for _, answer := range []string{"no\n", "\n", "", "y\n", "yes please\n"} {
		l, v := account(t, lab.Options{})
		_, err := v.compare(t.Context(), realFlags(realOptions{rate: 5, turn: time.Second}), strings.NewReader(answer), new(strings.Builder))
		if !errors.Is(err, errDeclined) {
			t.Errorf("answer %q: got %v, want %v", answer, err, errDeclined)
		}
		if got := len(l.Executions()); got > 0 {
			t.Errorf("answer %q: %d requests, want none", answer, got)
		}
	}
}

// What somebody agrees to is no less than what happens, and not much more.
func TestRealAnnounces(t *testing.T) {
	for _, o := range []realOptions{
		{rate: minRate, turn: time.Second},
		{rate: 0.1, turn: 3 * time.Second},
		{rate: 0.5, turn: time.Minute},
		{rate: 1, turn: 3 * time.Second},
		{rate: 5, turn: 3 * time.Second},
		{rate: 7.3, turn: 5 * time.Second},
		{rate: maxRate, turn: time.Second},
		{rate: maxRate, turn: 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			w := workload{Rate: o.rate, calls: func(aws.Config, *string, items) func(int) call {
				return func(int) call { return func(context.Context) error { calls++; return nil } }
			}}
			p := plan{Rounds: 3, Slice: o.turn, Deadline: time.Second, Steady: []cell{{healthy, w, 1, 1}}}
			limit := rate.NewLimiter(rate.Limit(o.rate), 1)
			var contenders []contender
			for _, name := range names {
				contenders = append(contenders, contender{
					Name: name, limit: limit,
					config: func() aws.Config { return aws.Config{HTTPClient: awshttp.NewBuildableClient()} },
					base:   func(string) *string { return nil },
					zones:  func(string) map[netip.Addr]string { return nil },
				})
			}
			r := &runner{plan: p, began: func(string) {}, spent: func(time.Duration) {}}
			start := time.Now()
			if _, err := r.rounds(t.Context(), contenders, p.Steady[0]); err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			mostCalls, longest := o.most(p)
			if calls > mostCalls || calls < mostCalls/2 {
				t.Errorf("-rate %g -turn %v: %d calls, announced as %d at most", o.rate, o.turn, calls, mostCalls)
			}
			if took > longest || took < longest/2 {
				t.Errorf("-rate %g -turn %v: took %v, announced as %v at most", o.rate, o.turn, took, longest)
			}
		})
	}
}

func TestRealNeedsEndpoints(t *testing.T) {
	t.Run("none in the zone", func(t *testing.T) {
		_, v := account(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sqs", Zones: []string{"us-east-1b"}, PrivateDNS: true}}})
		_, err := v.compare(t.Context(), realFlags(realOptions{rate: 5}), strings.NewReader("yes\n"), new(strings.Builder))
		if err == nil || !strings.Contains(err.Error(), "no endpoint for STS, SQS") {
			t.Errorf("got %v, want that there is no endpoint", err)
		}
	})
	t.Run("no zone", func(t *testing.T) {
		_, v := account(t, lab.Options{})
		v.options = append(v.options, resolver.WithZone(unknown{}))
		_, err := v.compare(t.Context(), realFlags(realOptions{rate: 5}), strings.NewReader("yes\n"), new(strings.Builder))
		if err == nil || !strings.Contains(err.Error(), "AZAFFINITY_ZONE") {
			t.Errorf("got %v, want what to set", err)
		}
	})
}

type unknown struct{}

func (unknown) Zone(context.Context) (zone.Zone, error) { return zone.Zone{}, errors.New("who knows") }
