package lab_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// names are the three kinds of name an endpoint has, if it has them.
func names(l *lab.Lab, service string) map[string]string {
	n := map[string]string{"regional": l.RegionalName(service), "zonal": l.ZonalName(service, "us-east-1b")}
	if service == "sqs" || service == "sts" || service == "s3" {
		n["private"] = ""
	}
	return n
}

func base(name string) *string {
	if name == "" {
		return nil
	}
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		name = "bucket." + rest
	}
	return aws.String("https://" + name)
}

// unseekable hides everything but Read.
type unseekable struct{ io.Reader }

var everything = []lab.Endpoint{{Service: "s3", PrivateDNS: true}, {Service: "dynamodb"}, {Service: "sqs", PrivateDNS: true}, {Service: "sts", PrivateDNS: true}}

func TestS3(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		l := start(t, lab.Options{Buckets: []string{"photos", "with.dots"}, Endpoints: everything, HTTP2: http2})
		for kind, name := range names(l, "s3") {
			t.Run(fmt.Sprintf("%s http2=%v", kind, http2), func(t *testing.T) {
				ctx := within(t, 10*time.Second)
				for _, path := range []bool{false, true} {
					c := s3.NewFromConfig(l.Config(), func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = base(name), path })
					list := must(c.ListBuckets(ctx, &s3.ListBucketsInput{}))(t)
					if len(list.Buckets) != 2 {
						t.Errorf("ListBuckets: got %d buckets, want 2", len(list.Buckets))
					}
					content := bytes.Repeat([]byte("a moon over a lake. "), 10_000)
					for what, body := range map[string]io.Reader{"seekable": bytes.NewReader(content), "unseekable": unseekable{bytes.NewReader(content)}} {
						key := "moon (1)/ü+ä " + what + ".txt"
						must(c.PutObject(ctx, &s3.PutObjectInput{
							Bucket: aws.String("photos"), Key: &key, Body: body, ContentLength: aws.Int64(int64(len(content))),
							Metadata: map[string]string{"camera": "x  y"}, ContentType: aws.String("text/plain"),
						}))(t)
						out := must(c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("photos"), Key: &key}))(t)
						if got := must(io.ReadAll(out.Body))(t); !bytes.Equal(got, content) {
							t.Errorf("%s: got %d other bytes back", what, len(got))
						}
						if aws.ToString(out.ChecksumCRC32) == "" {
							t.Errorf("%s: the answer has no checksum for the SDK to compare", what)
						}
						part := must(c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("photos"), Key: &key, Range: aws.String("bytes=2-5")}))(t)
						if got := must(io.ReadAll(part.Body))(t); string(got) != "moon" {
							t.Errorf("%s: got range %q, want %q", what, got, "moon")
						}
					}
				}
			})
		}
	}
}

func TestSQS(t *testing.T) {
	l := start(t, lab.Options{})
	for kind, name := range names(l, "sqs") {
		t.Run(kind, func(t *testing.T) {
			ctx := within(t, 10*time.Second)
			c := sqs.NewFromConfig(l.Config(), func(o *sqs.Options) { o.BaseEndpoint = base(name) })
			created := must(c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(kind)}))(t)
			found := must(c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(kind)}))(t)
			if *created.QueueUrl != *found.QueueUrl {
				t.Errorf("GetQueueUrl: got %s, want %s", *found.QueueUrl, *created.QueueUrl)
			}
			list := must(c.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: &kind}))(t)
			if len(list.QueueUrls) != 1 {
				t.Errorf("ListQueues: got %v, want one", list.QueueUrls)
			}

			// A long poll that begins before the message is sent gets it.
			type answer struct {
				out *sqs.ReceiveMessageOutput
				err error
			}
			answers := make(chan answer, 1)
			go func() {
				out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: found.QueueUrl, WaitTimeSeconds: 20})
				answers <- answer{out, err}
			}()
			must(c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: found.QueueUrl, MessageBody: aws.String("hello")}))(t)
			got := <-answers
			if got.err != nil || len(got.out.Messages) != 1 || *got.out.Messages[0].Body != "hello" {
				t.Fatalf("ReceiveMessage: got %+v, %v, want hello", got.out, got.err)
			}
			must(c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: found.QueueUrl, ReceiptHandle: got.out.Messages[0].ReceiptHandle}))(t)
			none := must(c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: found.QueueUrl}))(t)
			if len(none.Messages) != 0 {
				t.Errorf("after DeleteMessage: got %d messages", len(none.Messages))
			}
			_, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String("https://x/1/none"), MessageBody: aws.String("x")})
			wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue") // the code of the Query protocol, which SQS still sends along
			_, err = c.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: found.QueueUrl})
			wantCode(t, err, "UnknownOperationException")
		})
	}
}

func TestSQSBatches(t *testing.T) {
	ctx := within(t, 10*time.Second)
	c := sqs.NewFromConfig(start(t, lab.Options{}).Config())
	queue := must(c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders")}))(t).QueueUrl
	sent := must(c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: queue, Entries: []sqstypes.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("one")}, {Id: aws.String("b"), MessageBody: aws.String("two")},
	}}))(t)
	if len(sent.Successful) != 2 || *sent.Successful[1].Id != "b" {
		t.Fatalf("SendMessageBatch: got %+v, want a and b", sent.Successful)
	}
	// What isn't deleted is seen again a second later.
	got := must(c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 10, VisibilityTimeout: 1}))(t)
	if len(got.Messages) != 2 || *got.Messages[1].Body != "two" {
		t.Fatalf("ReceiveMessage: got %+v, want one and two", got.Messages)
	}
	deletes := &sqs.DeleteMessageBatchInput{QueueUrl: queue}
	for _, m := range got.Messages {
		deletes.Entries = append(deletes.Entries, sqstypes.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	if out := must(c.DeleteMessageBatch(ctx, deletes))(t); len(out.Successful) != 2 || *out.Successful[0].Id != *got.Messages[0].MessageId {
		t.Errorf("DeleteMessageBatch: got %+v, want both", out.Successful)
	}
	if none := must(c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue, WaitTimeSeconds: 2}))(t); len(none.Messages) != 0 {
		t.Errorf("after DeleteMessageBatch: got %d messages", len(none.Messages))
	}
	_, err := c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: queue, Entries: []sqstypes.SendMessageBatchRequestEntry{}})
	wantCode(t, err, "InvalidParameterValue")
}

func TestDynamoDB(t *testing.T) {
	l := start(t, lab.Options{Tables: []string{"orders"}})
	for kind, name := range names(l, "dynamodb") {
		t.Run(kind, func(t *testing.T) {
			ctx := within(t, 10*time.Second)
			c := dynamodb.NewFromConfig(l.Config(), func(o *dynamodb.Options) { o.BaseEndpoint = base(name) })
			pk := &dynamodbtypes.AttributeValueMemberS{Value: kind}
			put := &dynamodb.PutItemInput{
				TableName: aws.String("orders"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
				Item: map[string]dynamodbtypes.AttributeValue{"pk": pk, "n": &dynamodbtypes.AttributeValueMemberN{Value: "7"}},
			}
			must(c.PutItem(ctx, put))(t)
			_, err := c.PutItem(ctx, put)
			wantCode(t, err, "ConditionalCheckFailedException")
			got := must(c.GetItem(ctx, &dynamodb.GetItemInput{TableName: put.TableName, Key: map[string]dynamodbtypes.AttributeValue{"pk": pk}}))(t)
			if n, ok := got.Item["n"].(*dynamodbtypes.AttributeValueMemberN); !ok || n.Value != "7" {
				t.Errorf("GetItem: got %v, want n = 7", got.Item)
			}
			table := must(c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: put.TableName}))(t)
			if table.Table.TableStatus != dynamodbtypes.TableStatusActive {
				t.Errorf("DescribeTable: got %v", table.Table.TableStatus)
			}
			if list := must(c.ListTables(ctx, &dynamodb.ListTablesInput{}))(t); len(list.TableNames) != 1 {
				t.Errorf("ListTables: got %v", list.TableNames)
			}
			_, err = c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("none")})
			wantCode(t, err, "ResourceNotFoundException")
		})
	}
}

func TestSTS(t *testing.T) {
	l := start(t, lab.Options{})
	for kind, name := range names(l, "sts") {
		t.Run(kind, func(t *testing.T) {
			ctx := within(t, 10*time.Second)
			c := sts.NewFromConfig(l.Config(), func(o *sts.Options) { o.BaseEndpoint = base(name) })
			who := must(c.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t)
			if *who.Account != lab.Account {
				t.Errorf("got account %s, want %s", *who.Account, lab.Account)
			}
			_, err := c.GetSessionToken(ctx, &sts.GetSessionTokenInput{})
			wantCode(t, err, "InvalidAction")
		})
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("got error %v, want code %s", err, code)
	}
}
