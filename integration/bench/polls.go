package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	// betweenPolls is what polls begin after each other: their handshakes take a processor a millisecond or two.
	betweenPolls = 3 * time.Millisecond
	// beforePolls is for how long nothing is counted when all have begun: their garbage has to go.
	beforePolls = 10 * time.Second
	// patience is how long they have to come to the server: on a machine with other work their handshakes queue up.
	patience = 3 * time.Minute
)

// polls has n long polls in flight that nobody answers, and returns how much of a core this process uses meanwhile.
func (w *world) polls(c client, n int, window time.Duration) (cores float64, err error) {
	s, err := w.server()
	if err != nil {
		return 0, err
	}
	cfg, err := w.config(s, c)
	if err != nil {
		return 0, err
	}
	queues := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.RetryMaxAttempts = 3 })
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for range n {
		all.Go(func() {
			_, _ = queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
				QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/mails"), WaitTimeSeconds: 20,
			})
		})
		time.Sleep(betweenPolls)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		held, err := s.held()
		if err != nil {
			return 0, err
		}
		if held == n {
			break
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("%d of them came to the server", held)
		}
	}
	time.Sleep(beforePolls)
	before, start := cpu(), time.Now()
	time.Sleep(window)
	cores = float64(cpu()-before) / float64(time.Since(start))
	held, err := s.held()
	if err == nil && held != n {
		err = fmt.Errorf("%d are left at the end", held)
	}
	return cores, err
}

// held is how many polls the server holds.
func (s server) held() (int, error) {
	client := s.probing()
	defer client.CloseIdleConnections()
	answer, err := client.Get("https://" + s.address + heldPath)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(text))
}
