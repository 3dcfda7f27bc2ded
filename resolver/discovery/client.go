package discovery

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxAnswer bounds what is read for one ask, all pages together. An endpoint
// takes 3 KB, and up to 20 KB more for its policy; a VPC has 50 interface
// endpoints unless its owner had the quota raised ("AWS PrivateLink quotas").
const maxAnswer = 16 << 20

// newClient makes a client for a caller that has time and asks again by itself.
func newClient(cfg aws.Config) *ec2.Client {
	return ec2.NewFromConfig(cfg, func(o *ec2.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			// A retry within the second is no answer to throttling: it is what
			// keeps the bucket empty for everybody in the account.
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
				if isThrottling(err) {
					return aws.FalseTernary
				}
				return aws.UnknownTernary
			})}, o.Retryables...)
		})
		o.RetryMaxAttempts = 2
	})
}

// own returns the options that every call of one ask is made with. Options of a
// call come after those of its client and of the config, so what they take out
// of the stack stays out.
func own(budget *atomic.Int64) func(*ec2.Options) {
	return func(o *ec2.Options) {
		o.APIOptions = append(o.APIOptions, unrouted, func(stack *smithymiddleware.Stack) error {
			return stack.Deserialize.Add(bounded{budget}, smithymiddleware.After)
		})
	}
}

// routing is the id of azaffinity's middleware, in both of the steps it is in.
// That package imports the resolver, and nothing of the resolver imports it.
const routing = "AZAffinity"

// unrouted takes azaffinity's middleware out of a call's stack: whether EC2's own
// endpoint is still there can't be asked by way of that endpoint's zonal name.
func unrouted(stack *smithymiddleware.Stack) error {
	if _, ok := stack.Finalize.Get(routing); ok {
		_, _ = stack.Finalize.Remove(routing) // fails only where it isn't
	}
	if _, ok := stack.Deserialize.Get(routing); ok {
		_, _ = stack.Deserialize.Remove(routing)
	}
	return nil
}

// bounded cuts off answers. It is the innermost step, since the SDK's own step
// parses the answer on the way out.
type bounded struct{ budget *atomic.Int64 }

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
	left *atomic.Int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left.Add(-int64(n)) < 0 {
		return 0, fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	}
	return n, err
}
