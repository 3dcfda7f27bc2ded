package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// tooLong is when a call has failed, whatever comes of it.
const tooLong = 60 * time.Second

// program is what runs in the home zone.
type program struct {
	sqs      *sqs.Client
	dynamodb *dynamodb.Client
	s3       *s3.Client
	sts      *sts.Client
	queue    string
	ended    func(*call, error)
	messages *messages

	// broken is how often an object's content broke off while it was read, which no SDK retries.
	broken atomic.Int64
}

// messages are those of a queue.
type messages struct {
	mu   sync.Mutex
	sent map[string]*call           // SendMessage, by what it sent
	ids  map[string]map[string]bool // by what they say
}

// newProgram uses the config. If bare, each client has the endpoint's regional name as its URL.
func newProgram(cfg aws.Config, l *lab.Lab, bare bool) *program {
	url := func(service string) *string {
		if !bare {
			return nil
		}
		return aws.String("https://" + strings.Replace(l.RegionalName(service), "*", "bucket", 1))
	}
	return &program{
		sqs:      sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = url("sqs") }),
		dynamodb: dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = url("dynamodb") }),
		s3:       s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint = url("s3") }),
		sts:      sts.NewFromConfig(cfg, func(o *sts.Options) { o.BaseEndpoint = url("sts") }),
	}
}

// do makes one call. Its error is the call's own, or what is wrong with the answer.
func (p *program) do(operation string, how func(context.Context, *call) error) {
	c := &call{operation: operation, start: time.Now()}
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), callKey{}, c), tooLong)
	defer cancel()
	err := how(ctx, c)
	c.end = time.Now()
	p.ended(c, err)
}

// callers are the callers: how many of each kind, and what each does in its nth round.
func (p *program) callers() []func(ctx context.Context, random *rand.Rand, who, n int) {
	var all []func(context.Context, *rand.Rand, int, int)
	for range 3 {
		all = append(all, p.send, p.put, p.object, p.whoAmI)
	}
	for range 2 {
		all = append(all, p.receive)
	}
	return all
}

func (p *program) send(_ context.Context, _ *rand.Rand, who, n int) {
	p.do("SendMessage", func(ctx context.Context, c *call) error {
		body := fmt.Sprintf("%d of %d", n, who)
		p.messages.mu.Lock()
		p.messages.sent[body] = c
		p.messages.mu.Unlock()
		out, err := p.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: &body})
		if err == nil {
			p.messages.saw(body, *out.MessageId)
		}
		return err
	})
}

// saw notes that there is, or was, a message. Each has an id of its own, however often it is received.
func (m *messages) saw(body, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ids[body] == nil {
		m.ids[body] = map[string]bool{}
	}
	m.ids[body][id] = true
}

// receive polls for long, and deletes what it got, until there is no more when ctx has ended.
func (p *program) receive(ctx context.Context, _ *rand.Rand, _, _ int) {
	for {
		var got *sqs.ReceiveMessageOutput
		p.do("ReceiveMessage", func(ctx context.Context, _ *call) (err error) {
			got, err = p.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
				QueueUrl: &p.queue, WaitTimeSeconds: 3, MaxNumberOfMessages: 10, VisibilityTimeout: 2,
			})
			return err
		})
		if got == nil {
			return
		}
		for _, m := range got.Messages {
			p.messages.saw(*m.Body, *m.MessageId)
			p.do("DeleteMessage", func(ctx context.Context, _ *call) error {
				_, err := p.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &p.queue, ReceiptHandle: m.ReceiptHandle})
				return err
			})
		}
		if len(got.Messages) == 0 || ctx.Err() == nil {
			return
		}
	}
}

// put writes an item that must not be there yet. If it is, an earlier attempt of the same call has written it, whose answer
// was lost: the caller can tell by what it wrote.
func (p *program) put(_ context.Context, _ *rand.Rand, who, n int) {
	key := &types.AttributeValueMemberS{Value: fmt.Sprintf("%d of %d", n, who)}
	p.do("PutItem", func(ctx context.Context, c *call) error {
		_, err := p.dynamodb.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: aws.String("orders"), Item: map[string]types.AttributeValue{"pk": key},
			ConditionExpression: aws.String("attribute_not_exists(pk)"),
		})
		var exists *types.ConditionalCheckFailedException
		if errors.As(err, &exists) && c.carried() > 1 {
			return nil
		}
		return err
	})
}

// object writes an object and reads it again. The SDK compares checksums, and we the content.
func (p *program) object(ctx context.Context, random *rand.Rand, who, n int) {
	content := make([]byte, random.IntN(64<<10))
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	key := fmt.Sprintf("%d/%d", who, n%8)
	written := false
	p.do("PutObject", func(ctx context.Context, _ *call) error {
		_, err := p.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("photos"), Key: &key, Body: bytes.NewReader(content)})
		written = err == nil
		return err
	})
	for again := written; again; {
		p.do("GetObject", func(inner context.Context, _ *call) error {
			out, err := p.s3.GetObject(inner, &s3.GetObjectInput{Bucket: aws.String("photos"), Key: &key})
			if err != nil {
				again = false
				return err
			}
			defer out.Body.Close()
			got, err := io.ReadAll(out.Body)
			if again = err != nil; again { // the answer was there: reading on is up to the reader
				p.broken.Add(1)
				sleep(inner, 200*time.Millisecond)
				return nil
			}
			if !bytes.Equal(got, content) {
				return fmt.Errorf("%d bytes, want the %d that were written", len(got), len(content))
			}
			return nil
		})
	}
}

func (p *program) whoAmI(context.Context, *rand.Rand, int, int) {
	p.do("GetCallerIdentity", func(ctx context.Context, _ *call) error {
		out, err := p.sts.GetCallerIdentity(ctx, nil)
		if err == nil && aws.ToString(out.Account) != lab.Account {
			return fmt.Errorf("account %q, want %s", aws.ToString(out.Account), lab.Account)
		}
		return err
	})
}
