package routing

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/azaffinity/azaffinity/middleware"
)

// doer is an HTTP client made of a function.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// Given a client with the middleware, when it sends a request, then the User-Agent
// names the library, once, however often it was appended; and a presigned request's
// doesn't.
func TestUserAgent(t *testing.T) {
	r := sqsResolver(t)
	cfg := commercial.config()
	var agent string
	cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
		agent = r.UserAgent()
		return nil, errors.New("not sent")
	})
	cfg.RetryMaxAttempts = 1
	middleware.Append(&cfg.APIOptions, r)
	middleware.Append(&cfg.APIOptions, r)
	_, _ = sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil)
	if want := " lib/azaffinity#" + middleware.Version; strings.Count(agent, want) != 1 {
		t.Errorf("got User-Agent %q, want%s in it once", agent, want)
	}
	bucket, key := "photos", "cat"
	presigned, err := s3.NewPresignClient(s3.NewFromConfig(cfg)).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(presigned.URL, "azaffinity") || strings.Contains(presigned.SignedHeader.Get("User-Agent"), "azaffinity") {
		t.Errorf("presigned as %+v, want nothing of ours", presigned)
	}
}

// Given answers with the texts that AWS documents for denials, when an endpoint's
// policy is behind one, then the error names the endpoint and has what the service
// said inside; and when it is another policy, not.
func TestEndpointPolicyDenials(t *testing.T) {
	const who = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sqs:ListQueues on resource: arn:aws:sqs:us-east-1:123456789012: "
	for text, want := range map[string]bool{
		who + "because no VPC endpoint policy allows the sqs:ListQueues action":   true,
		who + "with an explicit deny in a VPC endpoint policy":                    true,
		who + "because no identity-based policy allows the sqs:ListQueues action": false,
	} {
		r := sqsResolver(t)
		cfg := commercial.config()
		cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: 403, ProtoMajor: 1, ProtoMinor: 1, Request: r,
				Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"1"}},
				Body:   io.NopCloser(strings.NewReader(`{"__type":"com.amazon.coral.service#AccessDeniedException","message":"` + text + `"}`)),
			}, nil
		})
		middleware.Append(&cfg.APIOptions, r)
		_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil)
		var denied *middleware.EndpointPolicyError
		if got := errors.As(err, &denied); got != want {
			t.Errorf("%s: got an EndpointPolicyError %v, want %v", text, got, want)
			continue
		}
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want what the service said inside", err)
		}
		if want && !strings.HasPrefix(denied.Endpoint, "vpce-") {
			t.Errorf("got endpoint %q, want its id", denied.Endpoint)
		}
		if route := r.Resolve(commercial.regional("sqs")); route.Target.String() != "Zonal" {
			t.Errorf("got %+v, want the name still healthy", route)
		}
		// A host that no endpoint is known for has no endpoint's policy.
		if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil); errors.As(err, &denied) {
			t.Errorf("got %v for a call that went by no endpoint", denied)
		}
	}
}
