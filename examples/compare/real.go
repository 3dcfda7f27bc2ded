package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"golang.org/x/time/rate"

	"github.com/azaffinity/azaffinity/resolver"
)

// realOptions are for the account's own endpoints.
type realOptions struct {
	rate   float64
	bucket string
	yes    bool
	turn   time.Duration
}

func (o *realOptions) flags(set *flag.FlagSet) {
	set.Float64Var(&o.rate, "rate", 5, "with -real: calls a second at most, of all contenders together; 0.01 to 50")
	set.StringVar(&o.bucket, "bucket", "", "with -real: a bucket for S3's HeadBucket; without it S3 isn't called")
	set.BoolVar(&o.yes, "yes", false, "with -real: don't ask")
	set.DurationVar(&o.turn, "turn", 3*time.Second, "with -real: how long each contender's turns take, 1s or more")
}

// At lower rates a run takes days, and then the pause between calls is too long for a [time.Duration]. At higher ones it isn't harmless.
const (
	minRate, maxRate = 0.01, 50
	minTurn          = time.Second
)

func (o realOptions) check() error {
	if !(o.rate >= minRate && o.rate <= maxRate) { // which NaN is not
		return fmt.Errorf("-rate must be from %g to %d calls a second, not %g", minRate, maxRate, o.rate)
	}
	if o.turn < minTurn {
		return fmt.Errorf("-turn must be %v or more, not %v", minTurn, o.turn)
	}
	return nil
}

// most is how many calls there are at most, and how long they take at most if each is answered at once. In a leg one call makes the
// connection, and at least one more is measured. Those that are measured begin half the usual pause after the last at the soonest. A leg
// is never longer than the limiter takes for that many.
func (o realOptions) most(p plan) (calls int, took time.Duration) {
	leg := p.Slice.Seconds() / keptLegs
	each := 1 + math.Ceil(leg*o.rate+0.5)
	calls = len(p.Steady) * p.Rounds * len(names) * keptLegs * int(each)
	return calls, time.Duration(math.Ceil(float64(calls)/o.rate)) * time.Second
}

// compareReal asks, and then compares in the VPC that this program runs in. Nothing of it makes a fault, or changes anything.
func compareReal(ctx context.Context, f flags, stdin io.Reader, stderr io.Writer) (Report, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Report{}, err
	}
	client, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		client = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = client
	return vpc{config: cfg, lookup: net.DefaultResolver}.compare(ctx, f, stdin, stderr)
}

// vpc is what the program is in.
type vpc struct {
	config  aws.Config // with an HTTP client of the SDK's own
	lookup  *net.Resolver
	options []resolver.Option
}

// learning is how long the zone and the endpoints may take to be found out.
const learning = 15 * time.Second

func (v vpc) compare(ctx context.Context, f flags, stdin io.Reader, stderr io.Writer) (report Report, err error) {
	known, err := v.know(ctx)
	if err != nil {
		return report, err
	}
	s, cells, err := v.surroundings(ctx, known, f.realOptions)
	if err != nil {
		return report, err
	}
	p := f.plan
	p.Name, p.Slice, p.Steady, p.Dialers, p.Faults, p.CostRounds = "real", f.realOptions.turn, cells, nil, nil, 0
	if err := agree(p, f.realOptions, known, stdin, stderr); err != nil {
		return report, err
	}

	b := newBar(stderr, p.length())
	defer b.done()
	start := time.Now()
	report = Report{
		Made: start.UTC().Truncate(time.Second), Machine: thisMachine(), Plan: p.Name, Rounds: p.Rounds, Deadline: p.Deadline.Seconds(),
	}
	contenders, end, err := s.contenders()
	if err != nil {
		return report, err
	}
	defer end()
	r := &runner{plan: p, began: b.next, spent: b.add}
	late := watchLateness(ctx)
	defer func() { report.Late = late() }()
	for _, c := range cells {
		b.next(c.workload.Name)
		all, err := r.rounds(ctx, contenders, c)
		if err != nil {
			return report, err
		}
		report.Steady = append(report.Steady, steadyOf(c, c.rounds(p), all))
	}
	report.Took = time.Since(start).Round(time.Second).String()
	return report, nil
}

// know is what azaffinity knows of the VPC: without a zone and endpoints there is nothing to compare.
func (v vpc) know(ctx context.Context) (resolver.Snapshot, error) {
	r, err := resolver.New(v.options...)
	if err != nil {
		return resolver.Snapshot{}, err
	}
	defer func() { _ = r.Close() }()
	ctx, cancel := context.WithTimeout(ctx, learning)
	defer cancel()
	if err := r.Ready(ctx); err != nil {
		return resolver.Snapshot{}, fmt.Errorf("the zone or the endpoints are not known; AZAFFINITY_ZONE and AZAFFINITY_ENDPOINTS can say them: %w", err)
	}
	return r.Snapshot(), nil
}

// surroundings are of the endpoints with a name in this zone, and cells what can be called through them.
func (v vpc) surroundings(ctx context.Context, known resolver.Snapshot, o realOptions) (s surroundings, cells []cell, err error) {
	endpoints, addresses := map[string]resolver.EndpointState{}, map[string]map[netip.Addr]string{}
	for _, w := range []workload{stsIdentity, sqsList, s3Head} {
		if w.Service == "s3" && o.bucket == "" {
			continue
		}
		for _, e := range known.Endpoints {
			if e.Service != w.Service || e.Region != v.config.Region || e.Zonal == "" {
				continue
			}
			found, err := v.lookup.LookupNetIP(ctx, "ip", strings.TrimPrefix(*baseURL(e.Zonal), "https://"))
			if err != nil {
				return s, nil, fmt.Errorf("%s: %w", w.Service, err)
			}
			endpoints[w.Service], addresses[w.Service] = e, map[netip.Addr]string{}
			for _, address := range found {
				addresses[w.Service][address.Unmap()] = known.ZoneName
			}
			w.Rate = o.rate
			cells = append(cells, cell{healthy, w, 1, 1})
			break
		}
	}
	if len(cells) == 0 {
		return s, nil, fmt.Errorf("no endpoint for STS, SQS, or S3 with -bucket, has a name in %s in %s", v.config.Region, known.ZoneName)
	}
	s = surroundings{
		config: v.config.Copy,
		regional: func(service string) *string {
			if endpoints[service].PrivateDNS {
				return nil
			}
			return baseURL(endpoints[service].Regional)
		},
		zonal: func(service string) *string { return baseURL(endpoints[service].Zonal) },
		zone:  known.ZoneName,
		zones: func(service string) map[netip.Addr]string { return addresses[service] },
		limit: rate.NewLimiter(rate.Limit(o.rate), 1),
		items: items{Bucket: o.bucket},
		resolver: func(mode resolver.Mode) (*resolver.Resolver, error) {
			r, err := resolver.New(append(slices.Clip(v.options), resolver.WithMode(mode))...)
			if err != nil {
				return nil, err
			}
			if err := r.Ready(ctx); err != nil {
				return nil, errors.Join(err, r.Close())
			}
			return r, nil
		},
	}
	return s, cells, nil
}

// errDeclined says that the answer was no.
var errDeclined = errors.New("nothing was called: the answer was not yes")

// agree says what is about to be called, and asks.
func agree(p plan, o realOptions, known resolver.Snapshot, stdin io.Reader, stderr io.Writer) error {
	var what []string
	for _, c := range p.Steady {
		what = append(what, c.workload.Name)
	}
	calls, took := o.most(p)
	fmt.Fprintf(stderr, "This makes real calls with this process's credentials from zone %s: %s. They read only. There are at most\n"+
		"%g calls a second, and at most %d in all (the SDK's retries come on top), for up to %v, or longer where they are slow: each may\n"+
		"take %v. No fault is made.\n",
		known.ZoneName, strings.Join(what, ", "), o.rate, calls, took, p.Deadline)
	if o.yes {
		return nil
	}
	fmt.Fprint(stderr, "Go on? Type yes: ")
	answer, err := bufio.NewReader(stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errDeclined
	}
	return nil
}
