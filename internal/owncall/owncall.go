// Package owncall has what the AWS calls of sources have in common: nothing routes them by what they find, they
// leave a throttled API alone, and they read no more than they were meant to.
package owncall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// MaxAttempts is how often a caller tries that has time and asks again by itself.
const MaxAttempts = 2

// Retryer is for such callers: it doesn't try again if the API throttles.
// A retry within the second is no answer to throttling: it is what keeps the bucket empty for everybody in the account.
func Retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if IsThrottling(err) {
				return aws.FalseTernary
			}
			return aws.UnknownTernary
		})}, o.Retryables...)
	})
}

// IsThrottling reports whether the account as a whole asks more often than it may.
func IsThrottling(err error) bool {
	return retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary
}

// IsDenied reports whether IAM, or the policy of the VPC endpoint that the API was
// asked through, said no. Other 403s are about the credentials themselves.
func IsDenied(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "UnauthorizedOperation", "AccessDenied", "AccessDeniedException":
		return true
	}
	return false
}

// Stack returns what has to be done to the stack of each call of one ask. Options of a
// call come after those of its client and of the config, so what they take out
// of the stack stays out.
func Stack(budget *Budget) func(*smithymiddleware.Stack) error {
	return func(stack *smithymiddleware.Stack) error {
		unroute(stack)
		return stack.Deserialize.Add(bounded{budget}, smithymiddleware.After)
	}
}

// routing is the id of azaffinity's middleware, in both of the steps it is in.
// That package imports the resolver, and nothing of the resolver imports it.
const routing = "AZAffinity"

// unroute takes azaffinity's middleware out of a call's stack: how a zone or an endpoint is
// can't be asked by way of that zone's name of an endpoint.
func unroute(stack *smithymiddleware.Stack) {
	if _, ok := stack.Finalize.Get(routing); ok {
		_, _ = stack.Finalize.Remove(routing) // fails only where it isn't
	}
	if _, ok := stack.Deserialize.Get(routing); ok {
		_, _ = stack.Deserialize.Remove(routing)
	}
}

// Budget is how many bytes may be read for one ask, all its calls together.
type Budget struct {
	all  int64
	left atomic.Int64
}

// NewBudget returns one of so many bytes.
func NewBudget(bytes int64) *Budget {
	b := &Budget{all: bytes}
	b.left.Store(bytes)
	return b
}

// bounded cuts off answers. It is the innermost step, since the SDK's own step
// parses the answer on the way out.
type bounded struct{ budget *Budget }

func (bounded) ID() string { return "AZAffinityBounded" }

func (b bounded) HandleDeserialize(ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler) (
	out smithymiddleware.DeserializeOutput, metadata smithymiddleware.Metadata, err error,
) {
	out, metadata, err = next.HandleDeserialize(ctx, in)
	if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && resp.Response != nil && resp.Body != nil {
		resp.Body = &boundedBody{resp.Body, b.budget}
	}
	return out, metadata, err
}

type boundedBody struct {
	io.ReadCloser
	*Budget
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left.Add(-int64(n)) < 0 {
		return 0, fmt.Errorf("the answer is larger than %d MiB", b.all>>20)
	}
	return n, err
}
