package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// Client is the part of an [ec2.Client] that a [Source] uses. One that also has its
// DescribeSubnets is asked for the VPC's subnets.
type Client interface {
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
	DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error)
}

var _ Client = (*ec2.Client)(nil)

// Source asks EC2 which endpoints the VPC has. Make one with [New] or
// [NewFromClient]; the zero value is not usable. It may be used by several
// goroutines at once. It asks when it is asked: how often, and what to do with the
// last answer when there is none, is up to its caller.
type Source struct {
	config config
	client Client
	imds   func(context.Context) (vpc string, err error)

	mu    sync.Mutex
	vpc   string            // "": not known yet
	zones map[string]string // zone IDs to names, as last heard; nil: never
	known subnets
}

var _ endpoint.Answerer = (*Source)(nil)

// Option configures [New] and [NewFromClient].
type Option func(*config)

type config struct {
	vpc    string
	tag    tag
	spread time.Duration
	err    error // what is wrong with the options
}

// defaultSpread is what some 300 processes that start together need in order not
// to be throttled: see the package's documentation.
const defaultSpread = 15 * time.Second

// WithVPC says whose endpoints are wanted: "vpc-0a1b2c3d4e5f60718". The default
// is the VPC that instance metadata names. Without instance metadata (Fargate,
// Lambda, a container behind a hop limit of 1) it is needed.
func WithVPC(id string) Option {
	return func(c *config) {
		if !isVPC(id) {
			c.err = errors.Join(c.err, fmt.Errorf("%q is not the id of a VPC: want one like vpc-0a1b2c3d4e5f60718", id))
		}
		c.vpc = id
	}
}

// WithTag prefers endpoints that have a tag with this key and value: of several
// endpoints for one service, none of which has private DNS, those with the tag are
// used. Endpoints for other services need no tag.
func WithTag(key, value string) Option {
	return func(c *config) {
		if key == "" {
			c.err = errors.Join(c.err, errors.New("a tag needs a key"))
		}
		c.tag = tag{key, value}
	}
}

// WithSpread sets over what time a fleet's processes spread their first calls: each
// asks at a random moment within it, unless the resolver's Ready waits for it. The
// default is 15 seconds, which is enough for 300 processes that start together. N
// of them need N/16 seconds: 10,000 need ten minutes. Zero asks at once.
func WithSpread(d time.Duration) Option {
	return func(c *config) {
		if d < 0 {
			c.err = errors.Join(c.err, fmt.Errorf("a spread of %v is negative", d))
		}
		c.spread = d
	}
}

// New returns a source that asks EC2 with the config's credentials, Region and
// HTTP client. Its own calls are never routed by what it finds, even if cfg is
// wrapped already. They are tried twice at most, and not again when EC2
// throttles them: see [ThrottledError].
//
// An error says what is wrong with the config or the options; nothing is sent.
func New(cfg aws.Config, opts ...Option) (*Source, error) {
	if cfg.Region == "" {
		return nil, errors.New("discovery: the config has no Region: set AWS_REGION")
	}
	return newSource(newClient(cfg), newIMDS(cfg), opts)
}

// NewFromClient returns a source that asks EC2 by the given client, which
// decides about retries. If it is an [ec2.Client], its calls are not
// routed either, whatever its options say.
func NewFromClient(client Client, opts ...Option) (*Source, error) {
	if client == nil {
		return nil, errors.New("discovery: the client is nil")
	}
	return newSource(client, newIMDS(aws.Config{}), opts)
}

func newSource(client Client, imds func(context.Context) (string, error), opts []Option) (*Source, error) {
	c := config{spread: defaultSpread}
	for _, opt := range opts {
		opt(&c)
	}
	if c.err != nil {
		return nil, fmt.Errorf("discovery: %w", c.err)
	}
	return &Source{config: c, client: client, imds: imds, vpc: c.vpc}, nil
}

// Endpoints asks EC2 for the VPC's endpoints, for the map from zone IDs to names
// until it is known, and for the VPC's subnets once an hour. What can't be had of the
// latter two is in the catalogue's notes. The context bounds it all.
func (s *Source) Endpoints(ctx context.Context) (endpoint.Catalog, error) {
	cat, err := s.endpoints(ctx)
	if err != nil {
		return endpoint.Catalog{}, fmt.Errorf("discovery: %w", err)
	}
	return cat, nil
}

// Answer is Endpoints for callers that ask again and again, such as a resolver: it
// tells them when. If wait is false, that is the moment of the first call, at
// random within the time of [WithSpread]; after a [ThrottledError] it is when its
// RetryAfter has passed.
func (s *Source) Answer(ctx context.Context, wait bool) (endpoint.Answer, error) {
	a := endpoint.Answer{Source: "ec2"}
	if !wait {
		if s.config.spread > 0 {
			a.Until = time.Now().Add(rand.N(s.config.spread))
		}
		return a, endpoint.ErrWouldBlock
	}
	var err error
	a.Catalog, err = s.Endpoints(ctx)
	if throttled := (*ThrottledError)(nil); errors.As(err, &throttled) {
		a.Until = time.Now().Add(throttled.RetryAfter())
	}
	return a, err
}

func (s *Source) endpoints(ctx context.Context) (endpoint.Catalog, error) {
	vpc, err := s.findVPC(ctx)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	found, err := s.list(ctx, vpc)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	cat, err := s.catalog(vpc, found)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	var ofZones, ofSubnets string
	if len(cat.Endpoints) > 0 {
		cat.ZoneNames, ofZones = s.zoneNames(ctx, cat.Endpoints)
	}
	cat.Subnets, ofSubnets = s.subnetsOf(ctx, vpc) // a dialer needs them for hosts that have no endpoint here
	for _, note := range []string{ofZones, ofSubnets} {
		if note != "" {
			cat.Notes = append(cat.Notes, note)
		}
	}
	return cat, nil
}
