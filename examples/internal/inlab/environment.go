package inlab

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Platform is what a program runs on, and so where it finds its zone.
type Platform int

const (
	EC2     Platform = iota // instance metadata, version 2
	Fargate                 // ECS task metadata, version 4
	Lambda                  // the Lambda metadata endpoint: the zone's ID only
	Nowhere                 // nothing tells the zone
)

// furnish makes what a program in the VPC uses.
func (v *VPC) furnish() (err error) {
	if v.files, err = os.MkdirTemp("", "azaffinity-lab-*"); err != nil {
		return err
	}
	if err = os.WriteFile(v.EndpointsFile(), v.DescribeVpcEndpoints(), 0o600); err != nil {
		return err
	}
	made, err := sqs.NewFromConfig(v.Config()).CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		return err
	}
	v.QueueURL = *made.QueueUrl
	v.ResetRequests()
	return nil
}

// EndpointsFile has what "aws ec2 describe-vpc-endpoints" and "describe-availability-zones" print in the VPC.
func (v *VPC) EndpointsFile() string { return filepath.Join(v.files, "endpoints.json") }

// Setenv hands the environment of a program on the platform to set: t.Setenv, or one of os.Setenv's kind. Nothing of this
// machine's own environment or metadata is left in it that could lead anywhere else.
func (v *VPC) Setenv(set func(name, value string)) {
	for _, name := range []string{
		"AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN", "ECS_CONTAINER_METADATA_URI_V4",
		"AZAFFINITY_ENDPOINTS", "AZAFFINITY_ZONE", "AZAFFINITY_ZONE_NAMES", "AZAFFINITY_MODE",
	} {
		set(name, "")
	}
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true", "AZAFFINITY_ENDPOINTS_FILE": v.EndpointsFile(),
		"QUEUE_URL": v.QueueURL, "BUCKET": Bucket,
	} {
		set(name, value)
	}
	who, _ := v.Config().Credentials.Retrieve(context.Background()) // static: cannot fail
	set("AWS_ACCESS_KEY_ID", who.AccessKeyID)
	set("AWS_SECRET_ACCESS_KEY", who.SecretAccessKey)
	set("AWS_ACCOUNT_ID", who.AccountID)
	switch v.platform {
	case EC2:
		set("AWS_EC2_METADATA_DISABLED", "false")
		set("AWS_EC2_METADATA_SERVICE_ENDPOINT", v.IMDSEndpoint())
	case Fargate:
		set("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")
		set("ECS_CONTAINER_METADATA_URI_V4", v.serve(v.task)+"/v4/0123")
	case Lambda:
		token := rand.Text()
		set("AZAFFINITY_ENDPOINTS_FILE", "") // it would have the zones' names, too
		set("AZAFFINITY_ENDPOINTS", v.RegionalName("s3")+","+v.RegionalName("sqs"))
		set("AZAFFINITY_ZONE_NAMES", "use1-az6=us-east-1a,use1-az1=us-east-1b,use1-az2=us-east-1c")
		set("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
		set("AWS_LAMBDA_FUNCTION_NAME", "orders")
		set("AWS_LAMBDA_METADATA_TOKEN", token)
		set("AWS_LAMBDA_METADATA_API", strings.TrimPrefix(v.serve(v.execution(token)), "http://"))
	case Nowhere:
	}
}

func (v *VPC) serve(h http.HandlerFunc) (url string) {
	s := httptest.NewServer(h)
	v.stop = append(v.stop, s.Close)
	return s.URL
}

// task answers as "Amazon ECS task metadata V4 JSON response" of the ECS Developer Guide says, with what matters here.
func (v *VPC) task(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v4/0123/task" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"Family":"shop","LaunchType":"FARGATE","AvailabilityZone":%q,"AvailabilityZoneID":%q}`, v.Home.Name, v.Home.ID)
}

// execution answers as "Using the Lambda metadata endpoint" of the Lambda Developer Guide says.
func (v *VPC) execution(token string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/2026-01-15/metadata/execution-environment":
			http.NotFound(w, r)
		case r.Header.Get("Authorization") != "Bearer "+token:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "private, max-age=43200, immutable")
			_, _ = io.WriteString(w, `{"AvailabilityZoneID":"`+v.Home.ID+`"}`)
		}
	}
}
