package main

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/integration/lab/zonenet"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const home = "us-east-1a"

var zoneNames = []string{home, "us-east-1b", "us-east-1c"} // the lab's

// setting is what a VPC and the program in it are like from the start.
type setting struct {
	Name       string
	notAtHome  bool      // the endpoints have no network interface in the program's zone
	noMetadata bool      // the program can't find out its zone
	fault      lab.Fault // that the endpoints in the program's zone have had for a while
}

var (
	healthy    = setting{Name: "healthy"}
	missing    = setting{Name: "no endpoint in the zone", notAtHome: true}
	noMetadata = setting{Name: "no metadata", noMetadata: true}
	refusing   = setting{Name: "zone refuses from the start", fault: lab.Refuse}
)

// fault is something that happens to the endpoints of the program's own zone, and ends.
type fault struct {
	Name     string
	workload workload
	// strike makes it last for a while. It need not undo it.
	strike func(ctx context.Context, p *place, lasting time.Duration) error
}

// faults, each hitting small calls on kept connections, but for the one that is about making connections.
var faults = []fault{
	{"zone refuses", sqsSend, lasts(lab.Refuse)},
	{"zone drops packets, new connections", sqsNew, lasts(lab.BlackHole)},
	{"zone drops packets, mid-flight", sqsSend, lasts(lab.BlackHole)},
	{"zone flaps", sqsSend, func(ctx context.Context, p *place, lasting time.Duration) error {
		end := time.Now().Add(lasting)
		for now := lab.Refuse; time.Now().Before(end) && ctx.Err() == nil; {
			if err := p.fault(now); err != nil {
				return err
			}
			sleep(ctx, min(flap, time.Until(end)))
			if now == lab.Refuse {
				now = lab.None
			} else {
				now = lab.Refuse
			}
		}
		return ctx.Err()
	}},
}

// flap is how long a flapping zone is up, or down, at a time.
const flap = 700 * time.Millisecond

func lasts(f lab.Fault) func(context.Context, *place, time.Duration) error {
	return func(ctx context.Context, p *place, lasting time.Duration) error {
		if err := p.fault(f); err != nil {
			return err
		}
		sleep(ctx, lasting)
		return ctx.Err()
	}
}

// place is a lab with a program in its home zone.
type place struct {
	surroundings
	lab       *lab.Lab
	network   *zonenet.Network // nil: the loopback
	catalogue string           // file
}

// newPlace starts a lab with all that the workloads need, with distances as given on the loopback or, where there is one, as they are on the
// network. The caller closes it.
func newPlace(ctx context.Context, s setting, distance func(from, to string) time.Duration, network *zonenet.Network) (p *place, err error) {
	opts := lab.Options{Home: home, Distance: distance, Buckets: []string{"photos"}, Tables: []string{"orders"}}
	if network != nil {
		opts.Distance, opts.Network = nil, network
	}
	if s.notAtHome {
		elsewhere := []string{"us-east-1b", "us-east-1c"}
		opts.Endpoints = []lab.Endpoint{
			{Service: "s3", Zones: elsewhere},
			{Service: "dynamodb", Zones: elsewhere},
			{Service: "sqs", Zones: elsewhere, PrivateDNS: true},
			{Service: "sts", Zones: elsewhere, PrivateDNS: true},
		}
	}
	p = &place{network: network}
	if p.lab, err = lab.Start(opts); err != nil {
		return nil, err
	}
	if err = p.furnish(ctx, s); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *place) furnish(ctx context.Context, s setting) error {
	l := p.lab
	p.config, p.lookup, p.apart = l.Config, l.Resolver(), p.network != nil
	// SQS and STS have private DNS here: programs need not be told anything. S3 and DynamoDB have none.
	p.regional = func(service string) *string {
		if service == "sqs" || service == "sts" {
			return nil
		}
		return baseURL(l.RegionalName(service))
	}
	p.zonal = func(service string) *string { return baseURL(l.ZonalName(service, home)) }
	p.zone = home
	p.zones = func(service string) map[netip.Addr]string {
		zones := map[netip.Addr]string{}
		for _, name := range zoneNames {
			if at := l.Address(service, name); at.IsValid() {
				zones[at.Addr()] = name
			}
		}
		return zones
	}

	file, err := os.CreateTemp("", "azaffinity-compare-*.json")
	if err != nil {
		return err
	}
	p.catalogue = file.Name()
	_, err = file.Write(l.DescribeVpcEndpoints())
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	metadata := l.IMDSEndpoint()
	if s.noMetadata {
		metadata = "http://" + netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1).String() // refused
	}
	p.resolver = func(mode resolver.Mode) (*resolver.Resolver, error) {
		r, err := resolver.New(
			resolver.WithEndpoints(endpoint.File(p.catalogue)),
			resolver.WithZone(zone.IMDS(func(o *imds.Options) {
				o.Endpoint = metadata
				o.ClientEnableState = imds.ClientEnabled // whatever this machine's environment says of its own
			})),
			resolver.WithMode(mode))
		if err != nil {
			return nil, err
		}
		if err := r.Ready(ctx); err != nil && !s.noMetadata {
			return nil, errors.Join(err, r.Close())
		}
		return r, nil
	}

	queued, err := sqs.NewFromConfig(l.Config()).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("mails")})
	if err != nil {
		return err
	}
	p.items = items{QueueURL: *queued.QueueUrl, Bucket: "photos", Table: "orders"}
	client := s3.NewFromConfig(l.Config(), func(o *s3.Options) { o.BaseEndpoint = p.regional("s3") })
	for key, content := range map[string][]byte{smallKey: kib64, largeKey: mib8} {
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &p.items.Bucket, Key: aws.String(key), Body: bytes.NewReader(content)}); err != nil {
			return err
		}
	}
	return nil
}

// fault makes the home zone's endpoints behave so. On a network it is the network that drops packets: unlike the lab, it also leaves those
// unacknowledged that belong to connections there are.
func (p *place) fault(f lab.Fault) error {
	if p.network == nil {
		return p.lab.Fault(home, f)
	}
	if err := p.network.Drop(home, f == lab.BlackHole); err != nil || f == lab.BlackHole {
		return err
	}
	return p.lab.Fault(home, f)
}

func (p *place) close() error {
	_ = os.Remove(p.catalogue)
	return p.lab.Close()
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
