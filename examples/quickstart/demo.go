package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// demo is how much the quickstart does.
type demo struct {
	workers  int           // with azaffinity, and as many without
	rounds   int           // of calls with and without it, in turns
	calls    int           // of each worker in a round
	pause    time.Duration // of a worker between two calls
	outage   time.Duration
	comeback time.Duration // how long the zone may take to be healthy again; 0: it isn't waited for
	mode     resolver.Mode
}

var standard = demo{workers: 6, rounds: 5, calls: 24, pause: 8 * time.Millisecond, outage: 2 * time.Second, comeback: 14 * time.Second}

// findings are what the claims are checked against.
type findings struct {
	home    string // the zone of this program
	zones   []string
	workers int
	spared  time.Duration // by a call that stays in its zone, compared with the nearest other zone

	without, with               tally
	withoutMedians, withMedians []time.Duration // one a round

	up, down, repaired, back tally
	stray                    int // requests executed in the home zone after its endpoints were down
	returned                 bool
	waited                   bool // for the return

	presigned presigned
}

func (d demo) run(ctx context.Context, out output) int {
	f, err := d.story(ctx, out)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(out.stderr, "quickstart: interrupted")
		return exitInterrupted
	case err != nil:
		fmt.Fprintf(out.stderr, "quickstart: %v\n", err)
		return exitBroken
	}
	out.heading("Checked")
	if !out.verdicts(f.claims()) {
		fmt.Fprintln(out.stderr, "quickstart: not all is as it should be")
		return exitBroken
	}
	return exitOK
}

// story does it all, and prints what it does.
func (d demo) story(ctx context.Context, out output) (f findings, err error) {
	l, err := lab.Start(lab.Options{Distance: lab.TypicalDistance, Buckets: []string{photos}, Tables: []string{orders}})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r, forget, err := d.resolver(ctx, l)
	if err != nil {
		return f, err
	}
	defer forget()
	f.workers, f.home = d.workers, r.Snapshot().ZoneName
	f.zones = zonesOf(l)
	f.spared = spared(f.home, f.zones)

	queued, err := sqs.NewFromConfig(l.Config()).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(mails)})
	if err != nil {
		return f, err
	}
	var without, with []worker
	for i := range d.workers {
		without = append(without, newWorker(l, i, *queued.QueueUrl, nil))
		with = append(with, newWorker(l, i, *queued.QueueUrl, r))
	}
	rec := &recorder{lab: l}

	out.introduction(f)
	if err := d.compare(ctx, out, rec, without, with, &f); err != nil {
		return f, err
	}
	out.comparison(f)
	if err := d.breakZone(ctx, out, rec, with, r, &f); err != nil {
		return f, err
	}
	out.outage(f)
	if err := d.presign(ctx, rec, &f); err != nil {
		return f, err
	}
	out.presigned(f)
	return f, ctx.Err()
}

// resolver makes the resolver as a program in the VPC would have it made: the endpoints are read from a file, as the AWS
// CLI writes it, and the zone from the instance metadata service. forget undoes it.
func (d demo) resolver(ctx context.Context, l *lab.Lab) (r *resolver.Resolver, forget func(), err error) {
	path, err := writeTemp(l.DescribeVpcEndpoints())
	if err != nil {
		return nil, nil, err
	}
	forget = func() { _ = os.Remove(path) }
	r, err = resolver.New(
		resolver.WithEndpoints(endpoint.File(path)),
		resolver.WithZone(zone.IMDS(func(o *imds.Options) {
			o.Endpoint = l.IMDSEndpoint()
			o.ClientEnableState = imds.ClientEnabled // whatever this machine's environment says of its own
		})),
		resolver.WithMode(d.mode))
	if err != nil {
		forget()
		return nil, nil, err
	}
	forget = func() {
		_ = r.Close()
		_ = os.Remove(path)
	}
	if err := r.Ready(ctx); err != nil {
		forget()
		return nil, nil, err
	}
	return r, forget, nil
}

func writeTemp(content []byte) (path string, err error) {
	file, err := os.CreateTemp("", "azaffinity-quickstart-*.json")
	if err != nil {
		return "", err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
	}
	return file.Name(), err
}

// compare has the two kinds of workers make their calls in turns, so that whatever else keeps this machine busy does so to
// both alike.
func (d demo) compare(ctx context.Context, out output, rec *recorder, without, with []worker, f *findings) error {
	round := func(workers []worker, calls int) tally {
		rec.work(ctx, workers, d.pause, func(n int) bool { return n < calls })
		return rec.cut()
	}
	// Connections are made beforehand: a program makes them once, and calls for hours.
	for _, workers := range [][]worker{without, with} {
		if warm := round(workers, len(workers[0])); len(warm.errs) > 0 {
			return warm.errs[0]
		}
	}
	bar := out.progress("calling without and with azaffinity", 2*d.rounds)
	defer bar.done()
	// Twice as many rounds if latencies contradict what they should be: that may tell noise from fact.
	for n := 0; n < d.rounds || n < 2*d.rounds && f.latency().state != holds; n++ {
		for _, side := range []struct {
			workers []worker
			all     *tally
			medians *[]time.Duration
		}{{without, &f.without, &f.withoutMedians}, {with, &f.with, &f.withMedians}} {
			t := round(side.workers, d.calls)
			side.all.add(t)
			*side.medians = append(*side.medians, t.quantile(0.5))
			bar.add(1)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// breakZone takes the endpoints in the home zone down and brings them back while the workers go on calling.
func (d demo) breakZone(ctx context.Context, out output, rec *recorder, workers []worker, r *resolver.Resolver, f *findings) error {
	calling, stop := context.WithCancel(ctx)
	defer stop()
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		rec.work(calling, workers, d.pause, func(int) bool {
			select {
			case <-quit:
				return false
			default:
				return true
			}
		})
	}()
	defer func() { stop(); <-ended }()

	sleep(ctx, settle)
	f.up = rec.cut()
	if err := rec.lab.Fault(f.home, lab.Refuse); err != nil {
		return err
	}
	broken := time.Now()
	bar := out.progress("the endpoints in "+f.home+" are down", int(d.outage/tick))
	// On a busy machine it lasts longer, until it has been met by more calls than one of each worker.
	for ctx.Err() == nil && (time.Since(broken) < d.outage || time.Since(broken) < d.outage+maxLonger && rec.answered() < 10*d.workers) {
		sleep(ctx, tick)
		bar.add(1)
	}
	bar.done()
	for _, e := range rec.lab.Executions() {
		if e.Zone == f.home && e.Time.After(broken) {
			f.stray++
		}
	}
	f.down = rec.cut()
	if err := rec.lab.Fault(f.home, lab.None); err != nil {
		return err
	}
	if f.waited = d.comeback > 0; f.waited {
		f.returned = d.awaitReturn(ctx, out, r)
		f.repaired = rec.pausedCut()
		sleep(ctx, settle)
	}
	close(quit)
	<-ended
	f.back = rec.cut()
	return ctx.Err()
}

const (
	settle    = 400 * time.Millisecond // of calls before and after the outage
	tick      = 50 * time.Millisecond
	maxLonger = 4 * time.Second // so that names aren't tried again before the outage is over
)

// awaitReturn waits until all zonal names are healthy again, and reports whether they are.
func (d demo) awaitReturn(ctx context.Context, out output, r *resolver.Resolver) bool {
	start := time.Now()
	next, _ := retryAt(r)
	bar := out.progress("the endpoints in "+r.Snapshot().ZoneName+" are repaired, and not tried yet", max(1, int(time.Until(next)/tick)))
	defer bar.done()
	for time.Since(start) < d.comeback && ctx.Err() == nil {
		if _, waiting := retryAt(r); !waiting {
			return true
		}
		sleep(ctx, tick)
		bar.add(1)
	}
	return false
}

// retryAt is when the last of the ejected zonal names is to be tried again.
func retryAt(r *resolver.Resolver) (next time.Time, waiting bool) {
	for _, e := range r.Snapshot().Endpoints {
		if e.Zonal == "" || !e.Ejected {
			continue
		}
		waiting = true
		if e.RetryAt.After(next) {
			next = e.RetryAt
		}
	}
	return next, waiting
}

func zonesOf(l *lab.Lab) (zones []string) {
	for zone := range l.Requests() {
		zones = append(zones, zone)
	}
	slices.Sort(zones)
	return zones
}

// spared is what a round trip in the zone takes less than one to the zone nearest by.
func spared(home string, zones []string) time.Duration {
	nearest := time.Duration(0)
	for _, other := range zones {
		if d := lab.TypicalDistance(home, other); other != home && (nearest == 0 || d < nearest) {
			nearest = d
		}
	}
	return 2 * (nearest - lab.TypicalDistance(home, home))
}
