package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/azaffinity/azaffinity/internal/owncall"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// ThrottledError is EC2's RequestLimitExceeded: the account as a whole asks more
// often than it may. Asking again soon makes that worse for everybody in the
// account, so callers that find it in an error's chain wait for RetryAfter. A
// resolver does: [Source.Answer] says when to ask again.
type ThrottledError struct {
	// Err is what the SDK said.
	Err   error
	after time.Duration
}

// Error says what happened and what to do.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("EC2 throttles DescribeVpcEndpoints in this account and Region: refresh less often, have the limit raised, or give a fleet this large a file by %s: %v",
		endpoint.EnvEndpointsFile, e.Err)
}

// Unwrap returns what the SDK said.
func (e *ThrottledError) Unwrap() error { return e.Err }

// RetryAfter is how long to leave EC2 alone: a random time between half a minute
// and ten and a half. It needs no more jitter: of processes that are throttled
// together, 10,000 come back at 17 a second, and the bucket is refilled at 20.
func (e *ThrottledError) RetryAfter() time.Duration { return e.after }

const (
	minPause = 30 * time.Second
	backOff  = 10 * time.Minute
)

// explain says what an operator can do.
func explain(ctx context.Context, err error) error {
	switch {
	case owncall.IsDenied(err):
		return fmt.Errorf("this role may not list VPC endpoints: allow ec2:DescribeVpcEndpoints and ec2:DescribeAvailabilityZones, "+
			"or leave discovery out and set %s, which needs no permission: %w", endpoint.EnvEndpointsFile, err)
	case owncall.IsThrottling(err):
		return &ThrottledError{Err: err, after: minPause + rand.N(backOff)}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("EC2 could not be asked in time: a subnet without a way out needs an interface endpoint for EC2 with private DNS: %w", err)
	}
	return err
}
