package anyclient_test

//lint:file-ignore SA1019 this SDK is deprecated, and in use

import (
	"context"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/endpoints"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/s3"
	"github.com/aws/aws-sdk-go/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// sdkV1 stores an order in S3 and sends it to a queue by the SDK before aws-sdk-go-v2, which is what programs are still made with that nobody moves.
var sdkV1 = client{
	endpoints: func(*vpc) ([]lab.Endpoint, error) {
		return []lab.Endpoint{{Service: "s3", PrivateDNS: true}, {Service: "sqs", PrivateDNS: true}}, nil
	},
	connect: func(v *vpc) (call, error) {
		keys, err := v.Config().Credentials.Retrieve(context.Background())
		if err != nil {
			return nil, err
		}
		sess, err := session.NewSession(&aws.Config{
			Region:      aws.String("us-east-1"),
			Credentials: credentials.NewStaticCredentials(keys.AccessKeyID, keys.SecretAccessKey, ""),
			HTTPClient:  &http.Client{Transport: v.dialer.RoundTripper(v.transport())},
			// By default, and in us-east-1 only, this SDK has another host for S3, which private DNS does not cover.
			S3UsEast1RegionalEndpoint: endpoints.RegionalS3UsEast1Endpoint,
		})
		if err != nil {
			return nil, err
		}
		store, queues := s3.New(sess), sqs.New(sess)
		queue, err := queues.CreateQueue(&sqs.CreateQueueInput{QueueName: aws.String("orders")})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			_, err := store.PutObjectWithContext(ctx, &s3.PutObjectInput{
				Bucket: aws.String("photos"), Key: aws.String("order.txt"), Body: strings.NewReader("coffee"),
			})
			if err != nil {
				return err
			}
			_, err = queues.SendMessageWithContext(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("coffee")})
			return err
		}, nil
	},
}

// The SDK for Go v1, with S3 and SQS.
func Example_sdkV1() {
	show(sdkV1, 19) // and one more to SQS, which creates the queue
	// Output:
	// zone b: 19 of 19 requests
	// zone b: 20 of 20 requests
}
