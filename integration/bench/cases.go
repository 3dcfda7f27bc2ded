package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptrace"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
)

// client is one way to make a call.
type client int

const (
	bare client = iota
	bareAgain
	azaffinity
)

// clients are all of them. The first two are the same: what they differ by is noise.
var clients = [...]client{bare, bareAgain, azaffinity}

func (c client) String() string { return [...]string{"bare", "bare-again", "azaffinity"}[c] }

// call makes one.
type call func() error

// kind is a kind of call.
type kind struct {
	name, title  string
	usual, zonal string // the hosts that it is sent to
	make         func(*world, client) (call, error)
}

var cases = []kind{
	{"hollow", "all that the middleware does, in a stack that does nothing else", usualSQS, zonalSQS, (*world).hollow},
	{"network-none", "SQS SendMessage without a network", usualSQS, zonalSQS, func(w *world, c client) (call, error) {
		return w.alone(c, sent(), sending)
	}},
	{"network-none-s3", "S3 GetObject without a network", usualS3, zonalS3, func(w *world, c client) (call, error) {
		return w.alone(c, []byte(message), getting)
	}},
	{"tls", "SQS SendMessage over TLS, to a server in another process", usualSQS, zonalSQS, (*world).overTLS},
}

// standIn answers without a network, and tells those who trace of a connection, as net/http does.
type standIn struct {
	answer []byte
	host   func(string) // is told where a request was sent; nil: nobody wants to know
}

func (s standIn) Do(r *http.Request) (*http.Response, error) { return s.RoundTrip(r) }

func (s standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		if trace.GetConn != nil {
			trace.GetConn(r.URL.Host)
		}
		if trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{Reused: true})
		}
	}
	if s.host != nil {
		s.host(r.URL.Host)
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"X-Amzn-Requestid": {requestID}},
		ContentLength: int64(len(s.answer)), Body: io.NopCloser(bytes.NewReader(s.answer)),
	}, nil
}

const (
	message   = "a letter of usual size, more or less"
	requestID = "00000000-0000-4000-8000-000000000000"
)

// sent is SQS's answer to SendMessage.
func sent() []byte {
	sum := md5.Sum([]byte(message))
	return []byte(`{"MessageId":"5fea7756-0ea4-451a-a703-a558b933e274","MD5OfMessageBody":"` + hex.EncodeToString(sum[:]) + `"}`)
}

// append adds the middleware to the options, if it is the client's, as for a client with our dialer.
func (w *world) append(c client, options *[]func(*smithymiddleware.Stack) error) error {
	if c != azaffinity {
		return nil
	}
	r, err := w.start(catalogue)
	if err != nil {
		return err
	}
	middleware.Append(options, r, middleware.WithDialer(dialer.New(r)))
	return nil
}

type signedKey struct{}

// hollow is the least that a call of the SDK has: a stack, a request to a resolved endpoint with the headers that steps before ours have set, and a signing
// step, which notes something.
func (w *world) hollow(c client) (call, error) {
	var options []func(*smithymiddleware.Stack) error
	if err := w.append(c, &options); err != nil {
		return nil, err
	}
	resolve := smithymiddleware.SerializeMiddlewareFunc("Endpoint", func(ctx context.Context, in smithymiddleware.SerializeInput, next smithymiddleware.SerializeHandler) (smithymiddleware.SerializeOutput, smithymiddleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			req.Method, req.URL.Scheme, req.URL.Host = http.MethodPost, "https", usualSQS
			for _, header := range [][2]string{
				{"Amz-Sdk-Invocation-Id", requestID},
				{"Amz-Sdk-Request", "attempt=1; max=3"},
				{"Content-Type", "application/x-amz-json-1.0"},
				{"User-Agent", "aws-sdk-go-v2"},
				{"X-Amz-Target", "AmazonSQS.SendMessage"},
			} {
				req.Header.Set(header[0], header[1])
			}
		}
		return next.HandleSerialize(ctx, in)
	})
	sign := smithymiddleware.FinalizeMiddlewareFunc("Signing", func(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		metadata.Set(signedKey{}, true) // the SDK always has something to say of an answer
		return out, metadata, err
	})
	answering := smithyhttp.NewClientHandlerWithOptions(smithyhttp.NopClient{})
	if w.seen != nil {
		answering = smithyhttp.NewClientHandlerWithOptions(standIn{host: w.seen})
	}
	return func() error {
		stack := smithymiddleware.NewStack("SendMessage", smithyhttp.NewStackRequest)
		if err := stack.Serialize.Add(resolve, smithymiddleware.After); err != nil {
			return err
		}
		if err := stack.Finalize.Add(sign, smithymiddleware.After); err != nil {
			return err
		}
		for _, option := range options {
			if err := option(stack); err != nil {
				return err
			}
		}
		_, _, err := smithymiddleware.DecorateHandler(answering, stack).Handle(context.Background(), struct{}{})
		return err
	}, nil
}

// config is what config.LoadDefaultConfig would return, as far as it matters.
func config() aws.Config {
	return aws.Config{
		Region:                     region,
		Credentials:                aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", "")),
		Logger:                     logging.Nop{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
}

// alone is an operation without a network.
func (w *world) alone(c client, answer []byte, operation func(aws.Config) call) (call, error) {
	cfg := config()
	cfg.HTTPClient = &http.Client{Transport: standIn{answer, w.seen}}
	if err := w.append(c, &cfg.APIOptions); err != nil {
		return nil, err
	}
	return operation(cfg), nil
}

// sending sends a message to a queue of SQS.
func sending(cfg aws.Config) call {
	client := sqs.NewFromConfig(cfg)
	return func() error {
		_, err := client.SendMessage(context.Background(), &sqs.SendMessageInput{
			QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/mails"), MessageBody: aws.String(message),
		})
		return err
	}
}

// getting gets an object from S3.
func getting(cfg aws.Config) call {
	client := s3.NewFromConfig(cfg)
	return func() error {
		out, err := client.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("moon")})
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, out.Body)
		_ = out.Body.Close()
		return err
	}
}
