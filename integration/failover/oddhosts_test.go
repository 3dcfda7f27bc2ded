package failover

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// behind puts a label in front of the host, as the SDK does for operations with a host prefix ("dataplane." of CloudWatch RUM).
func behind(label string) func(*smithymiddleware.Stack) error {
	return func(stack *smithymiddleware.Stack) error {
		return stack.Finalize.Insert(smithymiddleware.FinalizeMiddlewareFunc("TestHostPrefix", func(
			ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler,
		) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				req.URL.Host = label + "." + req.URL.Host
			}
			return next.HandleFinalize(ctx, in)
		}), "ResolveEndpointV2", smithymiddleware.After)
	}
}

// Given a client whose hosts can't be right, when it fails again and again with a name that doesn't exist or with a certificate, as the bare SDK would, then
// the calls of correct clients stay in the zone, and nothing is known against the endpoint's own name.
func TestAHostThatCannotBeRight(t *testing.T) {
	t.Parallel()
	head := func(p *place, cfg aws.Config, opts ...func(*s3.Options)) (smithymiddleware.Metadata, error) {
		out, err := s3.NewFromConfig(cfg).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("photos")}, opts...)
		if err != nil {
			return smithymiddleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	}
	list := func(p *place, cfg aws.Config, opts ...func(*sqs.Options)) (smithymiddleware.Metadata, error) {
		out, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{}, opts...)
		if err != nil {
			return smithymiddleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	}
	base := func(p *place, service string) *string {
		return aws.String("https://" + strings.TrimPrefix(p.RegionalName(service), "*."))
	}
	for _, test := range []struct {
		name, service string
		odd           func(*place, aws.Config) error
		right         func(*place, aws.Config) (smithymiddleware.Metadata, error)
	}{
		{
			"a label in front of the regional name", "sqs",
			func(p *place, cfg aws.Config) error {
				_, err := list(p, cfg, func(o *sqs.Options) {
					o.BaseEndpoint, o.APIOptions = base(p, "sqs"), append(o.APIOptions, behind("dataplane"))
				})
				return err
			},
			func(p *place, cfg aws.Config) (smithymiddleware.Metadata, error) { return list(p, cfg) },
		},
		{
			"labels that no certificate has", "s3",
			func(p *place, cfg aws.Config) error {
				_, err := head(p, cfg, func(o *s3.Options) {
					o.BaseEndpoint, o.APIOptions = aws.String(strings.Replace(*base(p, "s3"), "//", "//bucket.", 1)), append(o.APIOptions, behind("a.b"))
				})
				return err
			},
			func(p *place, cfg aws.Config) (smithymiddleware.Metadata, error) { return head(p, cfg) },
		},
		{
			"S3 without bucket.", "s3",
			func(p *place, cfg aws.Config) error {
				_, err := head(p, cfg, func(o *s3.Options) { o.BaseEndpoint = base(p, "s3") })
				return err
			},
			func(p *place, cfg aws.Config) (smithymiddleware.Metadata, error) { return head(p, cfg) },
		},
		{
			"S3 without bucket., path style", "s3",
			func(p *place, cfg aws.Config) error {
				_, err := head(p, cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = base(p, "s3"), true })
				return err
			},
			func(p *place, cfg aws.Config) (smithymiddleware.Metadata, error) { return head(p, cfg) },
		},
	} {
		for _, own := range []bool{true, false} {
			name := test.name + "/foreign client"
			if own {
				name = test.name + "/own client"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p, log := newLoggedPlace(t, false)
				cfg := load{retries: true}.set(p.routed())
				if !own {
					cfg = load{retries: true}.set(p.foreign(p.HTTPClient()))
				}
				bare := p.Config()
				bare.Retryer = quick
				if err := test.odd(p, bare); err == nil {
					t.Fatal("the bare SDK's call with such a host was answered")
				}
				for i := range 12 {
					if err := test.odd(p, cfg); err == nil {
						t.Fatal("a call with such a host was answered")
					}
					metadata, err := test.right(p, cfg)
					if err != nil {
						t.Fatalf("a correct client's call %d: %v", i+1, err)
					}
					if route, _ := middleware.RouteFrom(metadata); route.Target != resolver.Zonal {
						t.Fatalf("a correct client's call %d went to %v", i+1, route)
					}
				}
				if s := p.state(test.service); s.Ejected || s.Ejections != 0 {
					t.Errorf("the snapshot says %+v, want the endpoint's own name healthy", s)
				}
				if n := log.with("zonal name ejected"); n != 0 {
					t.Errorf("the log says that the name was ejected:\n%s", &log.buf)
				}
			})
		}
	}
}
