package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/middleware"
)

// orders puts what it is sent into a bucket, and its key into a queue. There is nothing of azaffinity in it, but for
// the last lines, which tell where the calls went.
type orders struct {
	objects       *s3.Client
	messages      *sqs.Client
	bucket, queue string
}

func newOrders(cfg aws.Config) orders {
	return orders{s3.NewFromConfig(cfg), sqs.NewFromConfig(cfg), os.Getenv("BUCKET"), os.Getenv("QUEUE_URL")}
}

func (o orders) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	content, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	key := rand.Text()
	put, err := o.objects.PutObject(req.Context(), &s3.PutObjectInput{Bucket: &o.bucket, Key: &key, Body: bytes.NewReader(content)})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	sent, err := o.messages.SendMessage(req.Context(), &sqs.SendMessageInput{QueueUrl: &o.queue, MessageBody: &key})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	stored, _ := middleware.RouteFrom(put.ResultMetadata)
	queued, _ := middleware.RouteFrom(sent.ResultMetadata)
	fmt.Fprintf(w, "stored by %s (%s)\nqueued by %s (%s)\n", stored.Host, stored.Reason, queued.Host, queued.Reason)
}
