package autoshift

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/arczonalshift"
	"github.com/aws/aws-sdk-go-v2/service/arczonalshift/types"

	"github.com/azaffinity/azaffinity/internal/owncall"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	defaultInterval = time.Minute
	leastInterval   = 10 * time.Second
	// maxAnswer and maxPages bound an answer: a Region has a handful of zones, each some hundred bytes.
	maxAnswer = 1 << 20
	maxPages  = 10
)

// Client is the part of an [arczonalshift.Client] that a [Source] uses.
type Client interface {
	ListAutoshifts(context.Context, *arczonalshift.ListAutoshiftsInput, ...func(*arczonalshift.Options)) (*arczonalshift.ListAutoshiftsOutput, error)
}

var _ Client = (*arczonalshift.Client)(nil)

// Source asks ARC which zones of its Region AWS shifts traffic away from. Make one with [New] or [NewFromClient]; the zero
// value is not usable. It is safe for concurrent use, remembers no answer, and asks when it is asked.
type Source struct {
	client   Client
	interval time.Duration
}

var _ shift.Answerer = (*Source)(nil)

// Option configures [New] and [NewFromClient].
type Option func(*Source) error

// WithInterval sets how often ARC is asked: every d, give or take a tenth. The default is a minute, and ten seconds is the
// least. A process asks for the first time within a quarter of it.
func WithInterval(d time.Duration) Option {
	return func(s *Source) error {
		if d < leastInterval {
			return fmt.Errorf("an interval of %v is shorter than %v", d, leastInterval)
		}
		s.interval = d
		return nil
	}
}

// New returns a source that asks ARC with the config's credentials, Region and HTTP client. Its own calls are not routed, even
// if cfg is wrapped already.
//
// An error says what is wrong with the config or the options; nothing is sent.
func New(cfg aws.Config, opts ...Option) (*Source, error) {
	if cfg.Region == "" {
		return nil, errors.New("autoshift: the config has no Region: set AWS_REGION")
	}
	return NewFromClient(arczonalshift.NewFromConfig(cfg, func(o *arczonalshift.Options) {
		o.Retryer, o.RetryMaxAttempts = owncall.Retryer(), owncall.MaxAttempts
	}), opts...)
}

// NewFromClient returns a source that asks ARC by the given client, which decides about retries.
func NewFromClient(client Client, opts ...Option) (*Source, error) {
	if client == nil {
		return nil, errors.New("autoshift: the client is nil")
	}
	s := &Source{client: client, interval: defaultInterval}
	for _, opt := range opts {
		if err := opt(s); err != nil {
			return nil, fmt.Errorf("autoshift: %w", err)
		}
	}
	return s, nil
}

// Shifts asks ARC for the zones. The context bounds it all.
func (s *Source) Shifts(ctx context.Context) ([]shift.Shift, error) {
	shifts, err := s.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("autoshift: %w", explain(ctx, err))
	}
	return shifts, nil
}

// Answer is Shifts for callers that ask again and again, such as a resolver: it tells them when. If wait is false, that is the
// moment of the first call.
func (s *Source) Answer(ctx context.Context, wait bool) (a shift.Answer, err error) {
	a = shift.Answer{Source: "arc", ByID: true}
	if !wait {
		a.Until = time.Now().Add(rand.N(s.interval / 4))
		return a, shift.ErrWouldBlock
	}
	a.Shifts, err = s.Shifts(ctx)
	switch {
	case owncall.IsThrottling(err):
		a.Until = time.Now().Add(s.interval + rand.N(4*s.interval))
	case err == nil:
		a.Until = time.Now().Add(s.interval - s.interval/10 + rand.N(s.interval/5))
	}
	return a, err
}

func (s *Source) list(ctx context.Context) (shifts []shift.Shift, err error) {
	in := &arczonalshift.ListAutoshiftsInput{Status: types.AutoshiftExecutionStatusActive}
	stack := owncall.Stack(owncall.NewBudget(maxAnswer))
	for range maxPages {
		out, err := s.client.ListAutoshifts(ctx, in, func(o *arczonalshift.Options) { o.APIOptions = append(o.APIOptions, stack) })
		if err != nil {
			return nil, err
		}
		if out == nil {
			return nil, errors.New("the client answered ListAutoshifts with nothing")
		}
		for _, item := range out.Items {
			if id := (zone.Zone{ID: aws.ToString(item.AwayFrom)}); item.Status == types.AutoshiftExecutionStatusActive && id.Validate() == nil {
				shifts = append(shifts, shift.Shift{Zone: id}) // it has no end: AWS decides that in time
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return shifts, nil
		}
		in.NextToken = out.NextToken
	}
	return nil, fmt.Errorf("ARC has more than %d pages of active autoshifts", maxPages)
}

// explain says what an operator can do.
func explain(ctx context.Context, err error) error {
	switch {
	case owncall.IsDenied(err):
		return fmt.Errorf("this role may not list autoshifts: allow arc-zonal-shift:ListAutoshifts, "+
			"or leave autoshift out and have a file written for %s, which needs no permission: %w", shift.EnvFile, err)
	case owncall.IsThrottling(err):
		return fmt.Errorf("ARC throttles ListAutoshifts in this account and Region: ask less often (WithInterval), "+
			"or give a fleet this large a file by %s: %w", shift.EnvFile, err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("ARC could not be asked in time: a subnet without a way out needs an interface endpoint for arc-zonal-shift with private DNS: %w", err)
	}
	return err
}
