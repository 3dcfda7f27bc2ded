package paths

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	"golang.org/x/sys/unix"

	"github.com/azaffinity/azaffinity/middleware"
)

// obey does what the order says, and reports.
func (c *client) obey(o order) {
	r := report{ID: o.ID}
	switch o.Do {
	case "send", "receive", "put", "get":
		r.Calls = c.calls(o)
	case "spin": // goroutines that compute, until the process ends
		for range o.Calls {
			go func() {
				for {
					burn(time.Hour)
				}
			}()
		}
	case "wake": // for nothing, every so often, until the process ends
		for range time.Tick(o.Every) {
		}
	case "usage":
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			r.Err = err.Error()
		}
		r.CPU = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	default:
		r.Err = "nobody knows what " + o.Do + " is"
	}
	c.report(r)
}

// burn computes for so long.
func burn(d time.Duration) {
	n := 0
	for start := time.Now(); time.Since(start) < d; {
		for range 1000 {
			n++
		}
	}
	runtime.KeepAlive(n)
}

func (c *client) calls(o order) []outcome {
	outcomes := make([]outcome, o.Calls)
	var all sync.WaitGroup
	var places chan struct{}
	if o.Workers > 0 {
		places = make(chan struct{}, o.Workers)
	}
	for i := range outcomes {
		if places != nil {
			places <- struct{}{}
		}
		all.Go(func() {
			outcomes[i] = c.call(o, o.Label+"."+strconv.Itoa(i))
			if places != nil {
				<-places
			}
		})
		if o.Every > 0 {
			time.Sleep(o.Every)
		}
	}
	all.Wait()
	return outcomes
}

func (c *client) call(o order, name string) outcome {
	out := outcome{Name: name, Start: time.Now()}
	ctx, cancel := context.WithCancel(context.Background())
	if o.Deadline > 0 {
		cancel()
		ctx, cancel = context.WithDeadline(context.Background(), out.Start.Add(o.Deadline))
	}
	defer cancel()
	ctx = context.WithValue(ctx, attempts{}, &out.Attempts)
	metadata, err := c.operate(ctx, o, name, &out)
	out.End = time.Now()
	if err != nil {
		out.Err, out.Late = err.Error(), errors.Is(err, context.DeadlineExceeded)
		var routed *middleware.RoutedError
		if errors.As(err, &routed) {
			out.Target, out.Reason = routed.Route.Target.String(), routed.Route.Reason.String()
		}
		return out
	}
	if route, ok := middleware.RouteFrom(metadata); ok {
		out.Target, out.Reason = route.Target.String(), route.Reason.String()
	}
	return out
}

func (c *client) operate(ctx context.Context, o order, name string, out *outcome) (metadata smithymiddleware.Metadata, err error) {
	queue, bucket := aws.String("https://sqs."+region+".amazonaws.com/123456789012/"+name), aws.String("photos")
	ofSQS := func(s *sqs.Options) { s.RetryMaxAttempts = o.Attempts }
	ofS3 := func(s *s3.Options) { s.RetryMaxAttempts = o.Attempts }
	switch o.Do {
	case "send":
		answer, err := c.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("order")}, ofSQS)
		if err != nil {
			return metadata, err
		}
		return answer.ResultMetadata, nil
	case "receive":
		answer, err := c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue, WaitTimeSeconds: 20}, ofSQS)
		if err != nil {
			return metadata, err
		}
		return answer.ResultMetadata, nil
	case "put":
		answer, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &name, Body: bytes.NewReader(make([]byte, o.Size))}, ofS3)
		if err != nil {
			return metadata, err
		}
		return answer.ResultMetadata, nil
	}
	answer, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &name}, ofS3)
	if err != nil {
		return metadata, err
	}
	defer answer.Body.Close()
	if out.Bytes, err = io.ReadFull(answer.Body, make([]byte, 4<<10)); err != nil {
		return metadata, fmt.Errorf("the object's first bytes: %w", err)
	}
	time.Sleep(o.Pause)
	rest, err := io.Copy(io.Discard, answer.Body)
	out.Bytes += int(rest)
	return answer.ResultMetadata, err
}

// attempts notes the SDK's attempts for a call, where its context says.
type attempts struct{}

func (attempts) ID() string { return "NoteAttempts" }

func (attempts) HandleFinalize(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (
	smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error,
) {
	a := attempt{Start: time.Now()}
	out, metadata, err := next.HandleFinalize(ctx, in)
	a.End = time.Now()
	if err != nil {
		a.Err = err.Error()
	}
	noted := ctx.Value(attempts{}).(*[]attempt)
	*noted = append(*noted, a)
	return out, metadata, err
}
