package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

const (
	photos = "photos"
	orders = "orders"
	mails  = "mails"
)

// content is that of every photo.
var content = []byte("a moon over a lake")

// call makes one call of one SDK client and returns the metadata of its result.
type call func(ctx context.Context) (smithymiddleware.Metadata, error)

// worker makes its calls one after the other, over and over, on connections of its own: what one process of many does.
type worker []call

// newWorker makes the clients that any program in the VPC would. The only thing that r, unless it is nil, changes is the
// one line that attaches it.
func newWorker(l *lab.Lab, id int, queueURL string, r *resolver.Resolver) worker {
	cfg := l.Config()
	if r != nil {
		middleware.Attach(&cfg, r)
	}
	// Endpoints for S3 and DynamoDB have no private DNS here, so programs are told their regional names.
	s3Client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.BaseEndpoint = aws.String("https://" + strings.Replace(l.RegionalName("s3"), "*.", "bucket.", 1))
	})
	dynamodbClient := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.BaseEndpoint = aws.String("https://" + l.RegionalName("dynamodb"))
	})
	sqsClient := sqs.NewFromConfig(cfg)
	stsClient := sts.NewFromConfig(cfg)

	var none smithymiddleware.Metadata
	key := aws.String(fmt.Sprintf("worker-%d", id))
	item := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: *key}}
	return worker{
		func(ctx context.Context) (smithymiddleware.Metadata, error) {
			out, err := s3Client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(photos), Key: key, Body: bytes.NewReader(content)})
			if err != nil {
				return none, err
			}
			return out.ResultMetadata, nil
		},
		func(ctx context.Context) (smithymiddleware.Metadata, error) {
			out, err := s3Client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(photos), Key: key})
			if err != nil {
				return none, err
			}
			defer out.Body.Close()
			got, err := io.ReadAll(out.Body)
			if err == nil && !bytes.Equal(got, content) {
				err = fmt.Errorf("S3 returned %q for %q", got, content)
			}
			return out.ResultMetadata, err
		},
		func(ctx context.Context) (smithymiddleware.Metadata, error) {
			out, err := dynamodbClient.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(orders), Item: item})
			if err != nil {
				return none, err
			}
			return out.ResultMetadata, nil
		},
		func(ctx context.Context) (smithymiddleware.Metadata, error) {
			out, err := dynamodbClient.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(orders), Key: item})
			if err != nil {
				return none, err
			}
			return out.ResultMetadata, nil
		},
		func(ctx context.Context) (smithymiddleware.Metadata, error) {
			out, err := sqsClient.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(queueURL), MessageBody: key})
			if err != nil {
				return none, err
			}
			return out.ResultMetadata, nil
		},
		func(ctx context.Context) (smithymiddleware.Metadata, error) {
			out, err := stsClient.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				return none, err
			}
			return out.ResultMetadata, nil
		},
	}
}

// tally is what became of some calls: as the callers saw it, and, by zone, as the endpoints saw it.
type tally struct {
	took    []time.Duration // of calls that were answered
	errs    []error         // of those that failed
	reasons map[resolver.Reason]int
	zones   map[string]int // requests executed, by zone
}

func (t *tally) calls() int { return len(t.took) + len(t.errs) }

// requests is how many were executed in all zones. There may be more than calls, where the SDK tried again.
func (t *tally) requests() (n int) {
	for _, in := range t.zones {
		n += in
	}
	return n
}

// away is how many were executed elsewhere than in the zone.
func (t *tally) away(zone string) int { return t.requests() - t.zones[zone] }

// quantile is the time that the q-th part of the answered calls took at most.
func (t *tally) quantile(q float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.took))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (t *tally) add(more tally) {
	t.took = append(t.took, more.took...)
	t.errs = append(t.errs, more.errs...)
	if t.reasons == nil {
		t.reasons, t.zones = map[resolver.Reason]int{}, map[string]int{}
	}
	for reason, n := range more.reasons {
		t.reasons[reason] += n
	}
	for zone, n := range more.zones {
		t.zones[zone] += n
	}
}

// recorder watches workers at work.
type recorder struct {
	lab   *lab.Lab
	calls sync.RWMutex // held for reading during each call

	mu      sync.Mutex
	now     tally
	counted map[string]int // the lab's counters at the last cut
}

// cut returns what happened since the last one.
func (r *recorder) cut() tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, counts := r.now, r.lab.Requests()
	t.zones = map[string]int{}
	for zone, n := range counts {
		t.zones[zone] = n - r.counted[zone]
	}
	r.now, r.counted = tally{reasons: map[resolver.Reason]int{}}, counts
	return t
}

// answered is how many calls were, since the last cut.
func (r *recorder) answered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.now.took)
}

// pausedCut is cut at a moment without any call under way.
func (r *recorder) pausedCut() tally {
	r.calls.Lock()
	defer r.calls.Unlock()
	return r.cut()
}

// observe makes a call and takes down how it went, unless the context's end is what ended it.
func (r *recorder) observe(ctx context.Context, c call) {
	r.calls.RLock()
	defer r.calls.RUnlock()
	start := time.Now()
	metadata, err := c(ctx)
	took := time.Since(start)
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.now.errs = append(r.now.errs, err)
		return
	}
	r.now.took = append(r.now.took, took)
	if route, ok := middleware.RouteFrom(metadata); ok {
		r.now.reasons[route.Reason]++
	}
}

// work has all workers make calls, each until next says that its nth is not to be made. Between two calls a worker pauses:
// callers that keep the processor busy would measure little else.
func (r *recorder) work(ctx context.Context, workers []worker, pause time.Duration, next func(n int) bool) {
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() {
			for n := 0; ctx.Err() == nil && next(n); n++ {
				r.observe(ctx, w[n%len(w)])
				sleep(ctx, pause/2+rand.N(pause))
			}
		})
	}
	all.Wait()
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
