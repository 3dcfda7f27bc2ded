package lab

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// sqs is a fake made from the API reference (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/): standard queues, in order of
// arrival, with visibility timeouts, long polls and batches; no attributes, no message attributes, no retention period.
type sqs struct {
	base string // queue URLs start with it

	mu     sync.Mutex
	queues map[string]*queue
}

type queue struct {
	messages []*message
	news     chan struct{} // closed when a message is sent
}

type message struct {
	ID, Receipt, Body string
	visible           time.Time
}

func newSQS(region, suffix string) backend {
	s := &sqs{base: "https://sqs." + region + "." + suffix + "/" + Account + "/", queues: map[string]*queue{}}
	return &jsonService{
		target: "AmazonSQS", namespace: "com.amazonaws.sqs",
		query: map[string]string{"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue"},
		call: map[string]func(context.Context, []byte) (any, *apiError){
			"CreateQueue":    on(s.createQueue),
			"GetQueueUrl":    on(s.getQueueURL),
			"ListQueues":     on(s.listQueues),
			"SendMessage":    on(s.sendMessage),
			"ReceiveMessage": on(s.receiveMessage),
			"DeleteMessage":  on(s.deleteMessage),

			"SendMessageBatch":   on(s.sendMessageBatch),
			"DeleteMessageBatch": on(s.deleteMessageBatch),
		},
	}
}

type sqsInput struct {
	QueueName, QueueNamePrefix, QueueUrl, MessageBody, ReceiptHandle string
	MaxNumberOfMessages, WaitTimeSeconds                             int
	VisibilityTimeout                                                *int
	Entries                                                          []batchEntry
}

type batchEntry struct{ Id, MessageBody, ReceiptHandle string }

func (s *sqs) createQueue(_ context.Context, in sqsInput) (any, *apiError) {
	if in.QueueName == "" || len(in.QueueName) > 80 {
		return nil, &apiError{http.StatusBadRequest, "InvalidParameterValue", "a queue's name has 1 to 80 characters"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[in.QueueName] == nil {
		s.queues[in.QueueName] = &queue{news: make(chan struct{})}
	}
	return object{"QueueUrl": s.base + in.QueueName}, nil
}

func (s *sqs) getQueueURL(_ context.Context, in sqsInput) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.queueLocked(in.QueueName); err != nil {
		return nil, err
	}
	return object{"QueueUrl": s.base + in.QueueName}, nil
}

func (s *sqs) listQueues(_ context.Context, in sqsInput) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	urls := []string{}
	for name := range s.queues {
		if strings.HasPrefix(name, in.QueueNamePrefix) {
			urls = append(urls, s.base+name)
		}
	}
	slices.Sort(urls)
	return object{"QueueUrls": urls}, nil
}

func (s *sqs) sendMessage(_ context.Context, in sqsInput) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueLocked(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return q.send(in.MessageBody), nil
}

func (s *sqs) sendMessageBatch(_ context.Context, in sqsInput) (any, *apiError) {
	return s.batch(in, func(q *queue, e batchEntry) object { return q.send(e.MessageBody) })
}

// send adds a message and returns what its sender is told.
func (q *queue) send(body string) object {
	m := &message{ID: requestID(), Body: body}
	q.messages = append(q.messages, m)
	close(q.news)
	q.news = make(chan struct{})
	return object{"MessageId": m.ID, "MD5OfMessageBody": md5Hex(m.Body)}
}

// batch does each of the entries, of which there are 1 to 10. None of them fails.
func (s *sqs) batch(in sqsInput, do func(*queue, batchEntry) object) (any, *apiError) {
	if n := len(in.Entries); n < 1 || n > 10 {
		return nil, &apiError{http.StatusBadRequest, "InvalidParameterValue", "a batch has 1 to 10 entries"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueLocked(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	done := []object{}
	for _, e := range in.Entries {
		result := do(q, e)
		result["Id"] = e.Id
		done = append(done, result)
	}
	return object{"Successful": done, "Failed": []object{}}, nil
}

func (s *sqs) receiveMessage(ctx context.Context, in sqsInput) (any, *apiError) {
	if in.WaitTimeSeconds < 0 || in.WaitTimeSeconds > 20 || in.MaxNumberOfMessages < 0 || in.MaxNumberOfMessages > 10 {
		return nil, &apiError{http.StatusBadRequest, "InvalidParameterValue", "WaitTimeSeconds is 0 to 20, MaxNumberOfMessages 1 to 10"}
	}
	hidden := 30 * time.Second // the default of a queue
	if in.VisibilityTimeout != nil {
		hidden = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(in.WaitTimeSeconds)*time.Second)
	defer cancel()
	for {
		s.mu.Lock()
		q, err := s.queueLocked(in.QueueUrl)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		found, next := q.take(max(1, in.MaxNumberOfMessages), hidden)
		news := q.news
		s.mu.Unlock()
		if len(found) > 0 {
			return object{"Messages": found}, nil
		}
		again := time.NewTimer(next)
		select {
		case <-news:
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return object{}, nil
		}
		again.Stop()
	}
}

// take hides and returns up to n messages that can be seen, and says when there could be more.
func (q *queue) take(n int, hidden time.Duration) (found []object, next time.Duration) {
	now := time.Now()
	next = time.Minute
	for _, m := range q.messages {
		if wait := m.visible.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		if len(found) == n {
			break
		}
		m.visible, m.Receipt = now.Add(hidden), requestID()
		found = append(found, object{"MessageId": m.ID, "ReceiptHandle": m.Receipt, "Body": m.Body, "MD5OfBody": md5Hex(m.Body)})
	}
	return found, next
}

func (s *sqs) deleteMessage(_ context.Context, in sqsInput) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueLocked(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return q.remove(in.ReceiptHandle), nil
}

func (s *sqs) deleteMessageBatch(_ context.Context, in sqsInput) (any, *apiError) {
	return s.batch(in, func(q *queue, e batchEntry) object { return q.remove(e.ReceiptHandle) })
}

// remove takes a message away. An unknown handle is no error: the message may be deleted already.
func (q *queue) remove(receipt string) object {
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.Receipt != "" && m.Receipt == receipt })
	return object{}
}

// queueLocked finds a queue by name or URL. The URL's host doesn't matter: which one a client uses depends on its endpoint.
func (s *sqs) queueLocked(nameOrURL string) (*queue, *apiError) {
	q := s.queues[nameOrURL[strings.LastIndexByte(nameOrURL, '/')+1:]]
	if q == nil {
		return nil, &apiError{http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist."}
	}
	return q, nil
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
