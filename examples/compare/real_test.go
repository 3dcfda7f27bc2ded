package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		config:    l.Config(),
		transport: func() *http.Transport { return l.HTTPClient().Transport.(*http.Transport) },
		lookup:    l.Resolver(),
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
	const rate = 100
	var asked strings.Builder
	start := time.Now()
	report, err := v.compare(t.Context(), realFlags(realOptions{rate: rate, bucket: "photos", turn: 100 * time.Millisecond}), strings.NewReader("yes\n"), &asked)
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
	if got, most := len(l.Executions()), int(rate*took.Seconds())+2; got > most {
		t.Errorf("got %d requests in %v, want %d at most, for %d a second", got, took, most, rate)
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
