package middleware

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/azaffinity/azaffinity/resolver"
)

// EndpointPolicyError stands in the chain of the error of a call that the policy
// of an interface endpoint denied, around what the service said. Neither the
// endpoint's other names nor another role help then, unless the policy says so:
//
//	var denied *middleware.EndpointPolicyError
//	if errors.As(err, &denied) {
//		log.Printf("the policy of %s: %v", denied.Endpoint, err)
//	}
//
// It relies on the text that AWS documents for such denials in the IAM User
// Guide, "Troubleshoot access denied error messages". Services that don't say why
// they deny (S3 does so only within the account or organization) give no such error.
type EndpointPolicyError struct {
	Endpoint string // its id, "vpce-0a1b2c3d4e5f60718"
	Err      error
}

// Error is the text of the error inside, and names the endpoint.
func (e *EndpointPolicyError) Error() string {
	return fmt.Sprintf("the policy of interface endpoint %s denies this: %v", e.Endpoint, e.Err)
}

// Unwrap returns the error inside.
func (e *EndpointPolicyError) Unwrap() error { return e.Err }

// denied wraps an error that says that an endpoint's policy is behind it.
func denied(route resolver.Route, err error) error {
	var api smithy.APIError
	if route.Endpoint() == "" || !errors.As(err, &api) || !strings.Contains(api.ErrorMessage(), "VPC endpoint policy") {
		return err
	}
	route.Denied()
	return &EndpointPolicyError{Endpoint: route.Endpoint(), Err: err}
}
