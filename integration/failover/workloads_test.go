package failover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// workload is one call of each kind of body, and of answer.
type workload struct {
	name, service, operation string
	readOnce                 bool          // the request's body can't be rewound
	takes                    time.Duration // that the service needs
	call                     func(context.Context, *place) (smithymiddleware.Metadata, error)
	check                    func(*testing.T, *place) // looks at what arrived
}

var workloads = []workload{
	put("S3 put", payload, seekable, plain),
	put("S3 put, trailer", payload, seekable),
	put("S3 put, 100 Continue", payload, seekable, expecting),
	put("S3 put of a stream", payload, readOnce, plain, unsigned),
	put("S3 put of a stream, trailer", payload, readOnce),
	{name: "SQS send", service: "sqs", operation: "SendMessage", call: sendMessage},
	{name: "DynamoDB put", service: "dynamodb", operation: "PutItem", call: putItem, check: checkItem},
	{name: "Kinesis stream", service: "kinesis", operation: "SubscribeToShard", call: subscribe},
	{name: "SQS long poll", service: "sqs", operation: "ReceiveMessage", takes: arrival, call: poll},
}

var payload = []byte(strings.Repeat("all of it, and once. ", 1000))

func seekable(b []byte) io.Reader { return bytes.NewReader(b) }
func readOnce(b []byte) io.Reader { return stream{bytes.NewReader(b)} }

// stream can't be rewound.
type stream struct{ io.Reader }

// plain leaves the trailing checksum away, which is the SDK's default.
func plain(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired }

// expecting has the SDK send Expect: 100-continue, which it does from 2 MiB on unless told otherwise.
func expecting(o *s3.Options) { o.ContinueHeaderThresholdBytes = int64(len(payload)) }

// unsigned is what a stream without a checksum needs.
func unsigned(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, sdkv4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

func put(name string, content []byte, body func([]byte) io.Reader, opts ...func(*s3.Options)) workload {
	_, rewinds := body(nil).(io.Seeker)
	return workload{
		name: name, service: "s3", operation: "PutObject", readOnce: !rewinds,
		call: func(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
			out, err := s3.NewFromConfig(p.config).PutObject(ctx, &s3.PutObjectInput{
				Bucket: aws.String("photos"), Key: aws.String("cat"), Body: body(content), ContentLength: aws.Int64(int64(len(content))),
			}, opts...)
			if err != nil {
				return smithymiddleware.Metadata{}, err
			}
			return out.ResultMetadata, nil
		},
		check: func(t *testing.T, p *place) {
			t.Helper()
			out, err := s3.NewFromConfig(p.elsewhere("s3")).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("cat")})
			if err != nil {
				t.Fatal(err)
			}
			defer out.Body.Close()
			if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the object has %d bytes (error %v), want the %d that were written", len(got), err, len(content))
			}
		},
	}
}

func sendMessage(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
	out, err := sqs.NewFromConfig(p.config).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
	if err != nil {
		return smithymiddleware.Metadata{}, err
	}
	return out.ResultMetadata, nil
}

// putItem writes where nothing is. That something is there already is an answer, too: the right one for what has been executed before.
func putItem(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
	out, err := dynamodb.NewFromConfig(p.config).PutItem(ctx, &dynamodb.PutItemInput{
		TableName:           aws.String("orders"),
		Item:                map[string]dynamodbtypes.AttributeValue{"pk": &dynamodbtypes.AttributeValueMemberS{Value: "1"}},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	var exists *dynamodbtypes.ConditionalCheckFailedException
	switch {
	case errors.As(err, &exists):
		return smithymiddleware.Metadata{}, nil
	case err != nil:
		return smithymiddleware.Metadata{}, err
	}
	return out.ResultMetadata, nil
}

func checkItem(t *testing.T, p *place) {
	t.Helper()
	out, err := dynamodb.NewFromConfig(p.elsewhere("dynamodb")).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String("orders"), Key: map[string]dynamodbtypes.AttributeValue{"pk": &dynamodbtypes.AttributeValueMemberS{Value: "1"}},
	})
	if err != nil || len(out.Item) != 1 {
		t.Errorf("got item %v, error %v, want what was written", out, err)
	}
}

// subscribe reads an event stream to its end.
func subscribe(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
	out, err := kinesis.NewFromConfig(p.config).SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN:      aws.String("arn:aws:kinesis:us-east-1:" + lab.Account + ":stream/s/consumer/c:1"),
		ShardId:          aws.String("shardId-000000000000"),
		StartingPosition: &kinesistypes.StartingPosition{Type: kinesistypes.ShardIteratorTypeLatest},
	})
	if err != nil {
		return smithymiddleware.Metadata{}, err
	}
	events := out.GetStream()
	defer events.Close()
	n := 0
	for range events.Events() {
		n++
	}
	if err := events.Err(); err != nil {
		return smithymiddleware.Metadata{}, err
	}
	if n != 3 {
		return smithymiddleware.Metadata{}, fmt.Errorf("got %d events, want 3", n)
	}
	return out.ResultMetadata, nil
}

// arrival is when the message comes that a long poll waits for: later than an answer that is missing makes anybody look at the path.
const arrival = 1500 * time.Millisecond

// poll waits for a message. A receiver that gets none of it leaves it to the next one, a second later.
func poll(ctx context.Context, p *place) (smithymiddleware.Metadata, error) {
	sent := make(chan error, 1)
	timer := time.AfterFunc(arrival, func() {
		_, err := sqs.NewFromConfig(p.elsewhere("sqs")).SendMessage(context.WithoutCancel(ctx), &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: aws.String("hello")})
		sent <- err
	})
	out, err := sqs.NewFromConfig(p.config).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &p.queue, WaitTimeSeconds: 4, VisibilityTimeout: 1})
	if !timer.Stop() {
		err = errors.Join(err, <-sent)
	}
	if err != nil {
		return smithymiddleware.Metadata{}, err
	}
	if len(out.Messages) != 1 {
		return smithymiddleware.Metadata{}, fmt.Errorf("got %d messages, want one", len(out.Messages))
	}
	return out.ResultMetadata, nil
}
