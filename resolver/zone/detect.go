package zone

import (
	"context"
	"errors"
	"os"
	"strings"
)

// Detect asks, in this order, those sources that the environment says can work, and answers with the first that does:
//
//   - AZAFFINITY_ZONE, if it is set. Then it is the answer, and a bad value is an error: what an operator set is not
//     corrected by a guess.
//   - ECS, if ECS_CONTAINER_METADATA_URI_V4 is set.
//   - Lambda, if AWS_LAMBDA_METADATA_API is set.
//   - IMDS, unless this is Lambda or Fargate, which have no IMDS, or AWS_EC2_METADATA_DISABLED is true.
//
// When none answers, the error joins the reasons of all four. Detect reads the environment at each ask.
func Detect(opts ...Option) Source {
	return &detect{ecs: ECS(opts...), lambda: Lambda(opts...), imds: imdsSource(newConfig(opts), nil)}
}

type detect struct{ ecs, lambda, imds Source }

func (d *detect) Zone(ctx context.Context) (Zone, error) {
	a, err := d.Answer(ctx, true)
	return a.Zone, err
}

func (d *detect) Answer(ctx context.Context, wait bool) (Answer, error) {
	a, errEnv := Ask(ctx, Env())
	if _, isSet := lookupEnv(); isSet {
		return a, errEnv
	}
	unknown := Answer{Source: "detect"}
	if !wait {
		return unknown, ErrWouldBlock
	}
	a, errECS := Ask(ctx, d.ecs)
	if errECS == nil {
		return a, nil
	}
	a, errLambda := Ask(ctx, d.lambda)
	if errLambda == nil {
		return a, nil
	}
	errIMDS := withoutIMDS()
	if errors.Is(errECS, errFargate) {
		errIMDS = errOnFargate
	}
	if errIMDS == nil {
		if a, errIMDS = Ask(ctx, d.imds); errIMDS == nil {
			return a, nil
		}
	}
	return unknown, errors.Join(errEnv, errECS, errLambda, errIMDS)
}

// executionVar is AWS_ECS_FARGATE, AWS_ECS_EC2 ("Amazon ECS environment variables", ECS Developer Guide) or
// AWS_Lambda_ and a runtime ("Defined runtime environment variables", Lambda Developer Guide).
const executionVar = "AWS_EXECUTION_ENV"

var (
	errDisabled  = errors.New("IMDS was not asked: AWS_EC2_METADATA_DISABLED is true")
	errOnFargate = errors.New("IMDS was not asked: Fargate has none")
	errOnLambda  = errors.New("IMDS was not asked: Lambda has none")
)

// withoutIMDS is why the environment rules IMDS out, or nil.
func withoutIMDS() error {
	platform := os.Getenv(executionVar)
	switch {
	case strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true"):
		return errDisabled
	case platform == "AWS_ECS_FARGATE":
		return errOnFargate
	case os.Getenv("AWS_LAMBDA_FUNCTION_NAME") != "", strings.HasPrefix(platform, "AWS_Lambda_"):
		return errOnLambda
	}
	return nil
}
