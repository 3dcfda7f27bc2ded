package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// call makes one call of an SDK client, and reads its whole answer.
type call func(ctx context.Context) error

// workload is what callers do, over and over.
type workload struct {
	Name    string
	Service string
	// Churn makes a connection for every call.
	Churn bool
	// Rate is how many calls a second all callers together make at most. Callers that keep the processors busy would
	// measure little else than how long a call waits for one.
	Rate float64
	// calls makes what one caller does, with a client of its program's configuration.
	calls func(cfg aws.Config, base *string, it items) func(caller int) call
}

// items are the things in an account that workloads need.
type items struct{ QueueURL, Bucket, Table string }

var (
	kib64 = bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	mib8  = bytes.Repeat(kib64, 128)
)

const (
	largeKey = "eight-mebibytes"
	smallKey = "sixty-four-kibibytes"
)

var (
	sqsSend = workload{Name: "SQS SendMessage", Service: "sqs", Rate: 500, calls: sendMessage}
	sqsNew  = workload{Name: "SQS SendMessage, new connections", Service: "sqs", Rate: 100, Churn: true, calls: sendMessage}

	dynamoGet = workload{Name: "DynamoDB GetItem", Service: "dynamodb", Rate: 500, calls: func(cfg aws.Config, base *string, it items) func(int) call {
		client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = base })
		return func(caller int) call {
			return func(ctx context.Context) error {
				_, err := client.GetItem(ctx, &dynamodb.GetItemInput{
					TableName: &it.Table,
					Key:       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: fmt.Sprint("caller-", caller)}},
				})
				return err
			}
		}
	}}

	s3GetSmall = workload{Name: "S3 get 64 KiB", Service: "s3", Rate: 150, calls: getObject(smallKey)}
	s3PutSmall = workload{Name: "S3 put 64 KiB", Service: "s3", Rate: 150, calls: putObject(kib64)}
	s3GetLarge = workload{Name: "S3 get 8 MiB", Service: "s3", Rate: 20, calls: getObject(largeKey)}
	s3PutLarge = workload{Name: "S3 put 8 MiB", Service: "s3", Rate: 20, calls: putObject(mib8)}

	// These three change nothing in an account: they are for the real one.
	stsIdentity = workload{Name: "STS GetCallerIdentity", Service: "sts", calls: func(cfg aws.Config, base *string, _ items) func(int) call {
		client := sts.NewFromConfig(cfg, func(o *sts.Options) { o.BaseEndpoint = base })
		return func(int) call {
			return func(ctx context.Context) error {
				_, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
				return err
			}
		}
	}}
	sqsList = workload{Name: "SQS ListQueues", Service: "sqs", calls: func(cfg aws.Config, base *string, _ items) func(int) call {
		client := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = base })
		return func(int) call {
			return func(ctx context.Context) error {
				_, err := client.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(1)})
				return err
			}
		}
	}}
	s3Head = workload{Name: "S3 HeadBucket", Service: "s3", calls: func(cfg aws.Config, base *string, it items) func(int) call {
		client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint = base })
		return func(int) call {
			return func(ctx context.Context) error {
				_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &it.Bucket})
				return err
			}
		}
	}}
)

func sendMessage(cfg aws.Config, base *string, it items) func(int) call {
	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = base })
	return func(int) call {
		return func(ctx context.Context) error {
			_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &it.QueueURL, MessageBody: aws.String(message)})
			return err
		}
	}
}

const message = "a letter of usual size, more or less"

func getObject(key string) func(aws.Config, *string, items) func(int) call {
	return func(cfg aws.Config, base *string, it items) func(int) call {
		client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint = base })
		return func(int) call {
			return func(ctx context.Context) error {
				out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &it.Bucket, Key: &key})
				if err != nil {
					return err
				}
				defer func() { _ = out.Body.Close() }()
				_, err = io.Copy(io.Discard, out.Body)
				return err
			}
		}
	}
}

func putObject(content []byte) func(aws.Config, *string, items) func(int) call {
	return func(cfg aws.Config, base *string, it items) func(int) call {
		client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint = base })
		return func(caller int) call {
			key := fmt.Sprintf("put-%d-%d", len(content), caller)
			return func(ctx context.Context) error {
				_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &it.Bucket, Key: &key, Body: bytes.NewReader(content)})
				return err
			}
		}
	}
}

// baseURL is the URL for one of an endpoint's names: of S3's, the one for buckets.
func baseURL(name string) *string {
	return aws.String("https://" + strings.Replace(name, "*.", "bucket.", 1))
}
