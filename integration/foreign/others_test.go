package foreign

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/guregu/dynamo/v2"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/awssnssqs"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// queueWorker sends, and receives what was sent, acknowledging it. A piece is done when its message has come.
func queueWorker(t *testing.T, p *place) work {
	client := awssnssqs.DialSQS(p.attached())
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprint("q", p.pieces.Load()))})
	if err != nil {
		t.Fatal(err)
	}
	topic := awssnssqs.OpenSQSTopic(t.Context(), client, *queue.QueueUrl, nil)
	subscription := awssnssqs.OpenSubscription(t.Context(), client, *queue.QueueUrl, nil)
	var arrived inbox
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- arrived.fill(ctx, subscription) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("receiving ended with %v", err)
		}
		_ = topic.Shutdown(context.Background())
		_ = subscription.Shutdown(context.Background())
	})
	return func(ctx context.Context, n int) error {
		body := fmt.Sprint(n)
		came := arrived.expect(body)
		if err := topic.Send(ctx, &pubsub.Message{Body: []byte(body)}); err != nil {
			return err
		}
		select {
		case <-came:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("what was sent didn't come: %w", ctx.Err())
		}
	}
}

// inbox tells who expects a message that it has come.
type inbox struct{ messages sync.Map }

func (x *inbox) expect(body string) <-chan struct{} {
	came := make(chan struct{})
	x.messages.Store(body, came)
	return came
}

// fill receives until ctx ends.
func (x *inbox) fill(ctx context.Context, from *pubsub.Subscription) error {
	for {
		m, err := from.Receive(ctx)
		if err != nil {
			return err
		}
		if came, ok := x.messages.LoadAndDelete(string(m.Body)); ok {
			close(came.(chan struct{}))
		}
		m.Ack()
	}
}

// items has the table's endpoint by its regional name: DynamoDB has no private DNS.
func items(_ *testing.T, p *place) work {
	db := dynamo.New(p.attached(), func(o *dynamodb.Options) { o.BaseEndpoint = aws.String("https://" + p.RegionalName("dynamodb")) })
	type order struct {
		ID   string `dynamo:"pk,hash"`
		Text string
	}
	return func(ctx context.Context, n int) error {
		sent, got := order{fmt.Sprint(n), "a moon over a lake"}, order{}
		if err := db.Table(table).Put(sent).Run(ctx); err != nil {
			return err
		}
		if err := db.Table(table).Get("pk", sent.ID).One(ctx, &got); err != nil {
			return err
		}
		if got != sent {
			return fmt.Errorf("got %+v, want %+v", got, sent)
		}
		return nil
	}
}

// baseConfig makes its config itself, with a retryer and an http.Client of its own, as the providers of Terraform do, and asks who it is.
func baseConfig(t *testing.T, p *place) work {
	who, err := p.Config().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := awsbase.Config{
		Region: p.Config().Region, AccessKey: who.AccessKeyID, SecretKey: who.SecretAccessKey, MaxRetries: 25,
		HTTPClient: p.HTTPClient(), SuppressDebugLog: true,
		SkipCredsValidation: true, // for now: nothing is attached yet
	}
	_, cfg, problems := awsbase.GetAwsConfig(t.Context(), &c)
	if problems.HasError() {
		t.Fatal(problems)
	}
	p.attach(&cfg)
	c.SkipCredsValidation = false
	client := s3.NewFromConfig(cfg)
	return func(ctx context.Context, n int) error {
		account, _, problems := awsbase.GetAwsAccountIDAndPartition(ctx, cfg, &c)
		if problems.HasError() || account != lab.Account {
			return fmt.Errorf("got account %q, %v", account, problems)
		}
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key(n))})
		return err
	}
}
