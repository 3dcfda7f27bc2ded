package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"sync"
	"time"
)

// Zone is an Availability Zone, by its name ("us-east-1a") and its ID ("use1-az6"). Both are needed.
type Zone struct{ Name, ID string }

// Endpoint is an interface endpoint to create.
type Endpoint struct {
	// Service is the service's label in vpce names. The lab has "s3", "dynamodb", "kinesis", "sqs" and "sts". "dkr.ecr", "execute-api" and a
	// partner's "vpce-svc-0123456789abcdef0" need a Handler or a Server.
	Service    string
	Zones      []string // names of the zones that have a network interface of it; nil means all
	PrivateDNS bool     // whether the service's own names lead to it. AWS has none for DynamoDB
	Hosts      []string // a partner's own names, "db.partner.example": its private DNS names, and the only ones in its certificate
	// Handler is behind the endpoint, instead of a service of the lab's: requests come to it over TLS, with the host that the client asked for and
	// their whole bodies. Their signatures are not looked at.
	Handler http.Handler
	// Server is the address of a TCP server behind the endpoint: a database, or whatever else. It gets what clients send as it is. If one side has no
	// more to send, the connection ends: none is half closed.
	Server string
	// Port is where clients connect to; 443 where 0.
	Port uint16
}

// Options says what VPC to start. The zero value is a VPC of three zones with four endpoints in each.
type Options struct {
	// Region is us-east-1 where empty. Another Region needs Zones.
	Region string
	// Zones are us-east-1a/use1-az6, us-east-1b/use1-az1 and us-east-1c/use1-az2 where nil. There may be six.
	Zones []Zone
	// Home is the name of the zone that HTTPClient, Config and IMDSEndpoint are in; the first zone where empty.
	Home string
	// Endpoints are s3, dynamodb, sqs and sts in all zones where nil, sqs and sts with private DNS. One per service; each partner is one.
	Endpoints []Endpoint
	// Distance is the one-way delay between two zones, by name; nil means none. It delays connections to front ends, in both directions. The round
	// trip of the TCP handshake, which the kernel makes at once, is added to the time that a client's first bytes take; DialContextIn waits for it
	// by itself. See TypicalDistance. A round trip takes longer than asked, never shorter: in the median 0.03 ms
	// at 0.1 ms one way and 0.25 ms at 0.75 ms, on two virtual CPUs (BenchmarkDistance), since what went idle has to wake up.
	Distance func(from, to string) time.Duration
	// Jitter is how much later than the Distance packets are. The zero value is not at all. A client's connecting is never late.
	Jitter Jitter
	// Network is where the zones are, if not on the loopback. It has distances of its own: Distance must be nil, and Jitter zero. See package zonenet.
	Network Network
	// Buckets are the S3 buckets that exist from the start.
	Buckets []string
	// Tables are the DynamoDB tables that exist from the start. Their key is one string attribute, "pk".
	Tables []string
	// HTTP2 lets front ends and clients speak HTTP/2. AWS's endpoints mostly speak HTTP/1.1, so it is off by default.
	HTTP2 bool
}

// Account is the AWS account that owns the VPC and that the lab's credentials belong to.
const Account = "123456789012"

// Lab is a running VPC. Start makes it; its methods are safe for concurrent use.
type Lab struct {
	region    string
	suffix    string // the partition's DNS suffix
	home      *zone
	zones     []*zone
	endpoints []*endpoint
	distance  distance
	network   Network
	http2     bool
	block     *block // of addresses; nil on a network
	port      uint16 // that front ends try to listen at, if their endpoint doesn't say

	ca    *authority
	clock clock
	dns   *nameserver
	log   executions

	ctx      context.Context // ends with the lab
	cancel   context.CancelFunc
	close    sync.Once
	closeErr error
	running  sync.WaitGroup // goroutines that Close waits for

	mu         sync.Mutex
	transports []*http.Transport
}

type zone struct {
	Zone
	number int        // from 1
	ip     netip.Addr // of clients in the zone
	imds   *metadata
}

// Start starts a VPC. The caller closes it.
func Start(opts Options) (*Lab, error) { return startAt(443, opts) }

func startAt(port uint16, opts Options) (*Lab, error) {
	l := &Lab{port: port}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if err := l.start(opts); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("lab: %w", err)
	}
	return l, nil
}

func (l *Lab) start(opts Options) error {
	if err := l.plan(opts); err != nil {
		return err
	}
	backends, err := newBackends(l, opts)
	if err != nil {
		return err
	}
	if err := l.takeAddresses(); err != nil {
		return err
	}
	if l.ca, err = newAuthority(); err != nil {
		return err
	}
	for _, e := range l.endpoints {
		cert, err := l.ca.issue(l.certificateNames(e)...)
		if err != nil {
			return err
		}
		for _, z := range e.zones {
			f, err := newFront(l, e, z, backends[e.Service], cert)
			if err != nil {
				return err
			}
			e.fronts = append(e.fronts, f)
		}
	}
	for _, z := range l.zones {
		if z.imds, err = newMetadata(l, z); err != nil {
			return err
		}
	}
	l.dns, err = newNameserver(l)
	return err
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// plan checks the options and lays out zones and endpoints, without opening anything.
func (l *Lab) plan(opts Options) error {
	l.region, l.network, l.http2 = opts.Region, opts.Network, opts.HTTP2
	l.distance.between, l.distance.jitter = opts.Distance, opts.Jitter
	if l.region == "" {
		l.region = "us-east-1"
	}
	if !label.MatchString(l.region) {
		return fmt.Errorf("region %q is not one", l.region)
	}
	l.suffix = dnsSuffix(l.region)

	zones := opts.Zones
	if zones == nil {
		if l.region != "us-east-1" {
			return fmt.Errorf("name the zones of %s: set Options.Zones", l.region)
		}
		zones = []Zone{{"us-east-1a", "use1-az6"}, {"us-east-1b", "use1-az1"}, {"us-east-1c", "use1-az2"}}
	}
	if n := len(zones); n == 0 || n > 6 {
		return fmt.Errorf("%d zones: between one and six are possible", n)
	}
	for i, z := range zones {
		if !label.MatchString(z.Name) || !label.MatchString(z.ID) {
			return fmt.Errorf("zone %+v needs a name like us-east-1a and an ID like use1-az6", z)
		}
		if l.zone(z.Name) != nil {
			return fmt.Errorf("zone %q is there twice", z.Name)
		}
		l.zones = append(l.zones, &zone{Zone: z, number: i + 1})
	}
	l.home = l.zones[0]
	if opts.Home != "" {
		if l.home = l.zone(opts.Home); l.home == nil {
			return fmt.Errorf("home %q is none of the zones", opts.Home)
		}
	}
	if l.network != nil && opts.Distance != nil {
		return errors.New("a network has distances of its own: leave Options.Distance nil")
	}
	if opts.Jitter != (Jitter{}) && opts.Distance == nil {
		return errors.New("jitter is of a distance: set Options.Distance, or the network's own jitter")
	}
	if err := opts.Jitter.Check(); err != nil {
		return err
	}

	endpoints := opts.Endpoints
	if endpoints == nil {
		endpoints = []Endpoint{{Service: "s3"}, {Service: "dynamodb"}, {Service: "sqs", PrivateDNS: true}, {Service: "sts", PrivateDNS: true}}
	}
	for _, e := range endpoints {
		if err := l.addEndpoint(e); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) zone(name string) *zone {
	for _, z := range l.zones {
		if z.Name == name {
			return z
		}
	}
	return nil
}

// Close ends everything: listeners, connections (hung ones too), requests in progress, goroutines. It may be called again.
func (l *Lab) Close() error {
	l.close.Do(func() {
		for _, e := range l.endpoints {
			for _, f := range e.fronts {
				f.close()
			}
		}
		l.cancel()
		for _, z := range l.zones {
			if z.imds != nil {
				z.imds.close()
			}
		}
		if l.dns != nil {
			l.closeErr = l.dns.close()
		}
		l.mu.Lock()
		for _, t := range l.transports {
			t.CloseIdleConnections()
		}
		l.mu.Unlock()
		l.running.Wait()
		l.clock.close()
		l.block.release()
	})
	return l.closeErr
}
