package middleware

import (
	"errors"
	"testing"

	"github.com/aws/smithy-go"
)

// Given errors of services, then those that an endpoint's policy denied are told by the text that AWS documents, and keep what is inside; others stay as
// they are, and so do those of requests that no endpoint took.
func TestDenied(t *testing.T) {
	const text = "User: arn:aws:iam::111122223333:role/shop is not authorized to perform: sqs:SendMessage because no VPC endpoint policy allows the sqs:SendMessage action"
	byPolicy := answer(403, "id", &smithy.GenericAPIError{Code: "AccessDenied", Message: text})
	for name, tt := range map[string]struct {
		host string
		err  error
		want bool
	}{
		"the endpoint's policy":    {service, byPolicy, true},
		"another policy":           {service, answer(403, "id", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no identity-based policy allows it"}), false},
		"no error of a service":    {service, errors.New(text), false},
		"a host without endpoints": {"kms.us-east-1.amazonaws.com", byPolicy, false},
	} {
		r := newTestResolver(t)
		err := denied(r.Resolve(tt.host), tt.err)
		var got *EndpointPolicyError
		if errors.As(err, &got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %v", name, err)
		}
		if tt.want && (got.Endpoint != "vpce-0a1b2c3d4e5f60718" || got.Err != tt.err) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
