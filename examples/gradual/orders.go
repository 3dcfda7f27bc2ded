package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

type service struct {
	messages      *sqs.Client
	objects       *s3.Client
	inZone        func(*s3.Options)
	bucket, queue string
}

// order stores an order as ever, queues it, and reads it again with a call that azaffinity is on.
func (s service) order(w http.ResponseWriter, req *http.Request) {
	ctx, key := req.Context(), rand.Text()
	content, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, err = s.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(content)})
	if err == nil {
		_, err = s.messages.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &s.queue, MessageBody: &key})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	stored, err := s.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}, s.inZone)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer stored.Body.Close()
	_, _ = io.Copy(w, stored.Body)
}
