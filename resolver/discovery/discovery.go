package discovery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// Client is the part of an [ec2.Client] that a [Source] uses.
type Client interface {
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
	DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error)
}

var _ Client = (*ec2.Client)(nil)

// Source asks EC2 which endpoints the VPC has. Make one with [New] or
// [NewFromClient]; the zero value is none. It may be used by several goroutines
// at once. It asks when it is asked: how often, and what to do with the last
// answer when there is none, is up to its caller.
type Source struct {
	client Client
	tag    tag
	spread time.Duration
	imds   func(context.Context) (vpc string, err error)

	mu    sync.Mutex
	vpc   string            // "": not known yet
	zones map[string]string // zone IDs to names, as last heard; nil: never
}

const defaultSpread = 10 * time.Minute

var (
	_ endpoint.Source = (*Source)(nil)
	_ endpoint.Spread = (*Source)(nil)
)

// Spread is what [WithSpread] says.
func (s *Source) Spread() time.Duration { return s.spread }

// String is "ec2".
func (s *Source) String() string { return "ec2" }

// Option configures [New] and [NewFromClient].
type Option func(*Source) error

// WithVPC says whose endpoints are wanted: "vpc-0a1b2c3d4e5f60718". The default
// is the VPC that instance metadata names. Where there is none (Fargate, Lambda,
// a container behind a hop limit of 1), this or [WithTag] is needed.
func WithVPC(id string) Option {
	return func(s *Source) error {
		if !isVPC(id) {
			return fmt.Errorf("%q is not the id of a VPC: want one like vpc-0a1b2c3d4e5f60718", id)
		}
		s.vpc = id
		return nil
	}
}

// WithTag names a tag that endpoints have, key and value. It does two things.
// Of several endpoints for one service, none of which has private DNS, those
// with the tag are used. And without [WithVPC], the VPC is the one whose
// endpoints have the tag, which have to be one VPC's; instance metadata is then
// not asked. The VPC's endpoints for other services need no tag.
func WithTag(key, value string) Option {
	return func(s *Source) error {
		if key == "" {
			return errors.New("a tag needs a key")
		}
		s.tag = tag{key, value}
		return nil
	}
}

// WithSpread says over what time the first questions of a fleet's processes are
// spread: each asks at a random moment within it, unless somebody waits for its
// resolver to be ready. The default is ten minutes, which 10,000 processes that
// start together need in order not to be throttled; N of them need N/20 seconds.
// Zero has the process ask as it starts.
func WithSpread(d time.Duration) Option {
	return func(s *Source) error {
		if d < 0 {
			return fmt.Errorf("a spread of %v is less than none", d)
		}
		s.spread = d
		return nil
	}
}

// New returns a source that asks EC2 with the config's credentials, Region and
// HTTP client. Its own calls are never routed by what it finds, also where cfg
// is wrapped already. They are tried twice at most, and not again when EC2
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
// decides about retries. Where it is an [ec2.Client], calls are not routed
// either, whatever its options say.
func NewFromClient(client Client, opts ...Option) (*Source, error) {
	if client == nil {
		return nil, errors.New("discovery: the client is nil")
	}
	return newSource(client, newIMDS(aws.Config{}), opts)
}

func newSource(client Client, imds func(context.Context) (string, error), opts []Option) (*Source, error) {
	s := &Source{client: client, imds: imds, spread: defaultSpread}
	for _, opt := range opts {
		if err := opt(s); err != nil {
			return nil, fmt.Errorf("discovery: %w", err)
		}
	}
	return s, nil
}

// Endpoints asks EC2 for the VPC's endpoints and, until it is known, for the map
// from zone IDs to names. What can't be had of the latter is in the catalogue's
// notes. The context bounds it all.
func (s *Source) Endpoints(ctx context.Context) (endpoint.Catalog, error) {
	cat, err := s.endpoints(ctx)
	if err != nil {
		return endpoint.Catalog{}, fmt.Errorf("discovery: %w", err)
	}
	return cat, nil
}

func (s *Source) endpoints(ctx context.Context) (endpoint.Catalog, error) {
	vpc, err := s.findVPC(ctx)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	found, err := s.list(ctx, "vpc-id", vpc)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	cat, err := s.catalog(vpc, found)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	var note string
	if cat.ZoneNames, note = s.zoneNames(ctx, cat.Endpoints); note != "" {
		cat.Notes = append(cat.Notes, note)
	}
	return cat, nil
}
