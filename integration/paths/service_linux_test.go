package paths

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var services = []string{"sqs", "s3"}

// service is SQS (SendMessage and ReceiveMessage) and S3 (PutObject and GetObject) as far as the tests need them, behind a server in each zone. It does
// as planned for the label of a call, and writes down what it did.
type service struct {
	servers []*http.Server

	mu          sync.Mutex
	plans       map[string]*plan
	executions  map[string][]execution // by call
	arrived     map[string]int         // by label: executions
	connections map[string]int         // by zone: accepted since the start
}

// plan is what calls with one label meet. The zero value answers at once.
type plan struct {
	hold      time.Duration          // between the request and its answer
	gather    int                    // answers wait until so many requests have come: each is on a connection or stream of its own then
	broken    func(zone string) bool // 503, as a load balancer without targets answers
	elsewhere *plan                  // what they meet in the other zone; nil: the same

	pauseAfter int           // of an upload's bytes the server reads so many,
	pause      time.Duration // and no more for so long

	body  int           // bytes of a download,
	chunk int           // sent so many at a time; 0: all
	every time.Duration // with so much time between

	all chan struct{} // closed when gather have come
}

// execution is a request that was read to its end.
type execution struct {
	zone       string
	invocation string // Amz-Sdk-Invocation-Id, the same for all attempts of a call
	attempt    string // of Amz-Sdk-Request: "attempt=1; max=3"
}

func newService() *service {
	return &service{plans: map[string]*plan{}, executions: map[string][]execution{}, arrived: map[string]int{}, connections: map[string]int{}}
}

// serve starts a server for the listener.
func (s *service) serve(l net.Listener, zone string, p proto) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(p == http1)
	protocols.SetHTTP2(p == http2)
	protocols.SetUnencryptedHTTP2(p == h2c)
	server := &http.Server{
		Protocols: protocols,
		TLSConfig: p.tls(),
		ErrorLog:  log.New(io.Discard, "", 0), // clients that go away are what the tests are about
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, zone) }),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.connections[zone]++
			}
		},
	}
	s.servers = append(s.servers, server)
	go func() {
		if p.tls() == nil {
			_ = server.Serve(l)
		} else {
			_ = server.ServeTLS(l, "", "")
		}
	}()
}

func (s *service) close() {
	for _, server := range s.servers {
		_ = server.Close()
	}
}

// plan says what calls with the label meet from now on.
func (s *service) plan(label string, p plan) {
	if p.gather > 0 {
		p.all = make(chan struct{})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plans[label] = &p
}

// await waits until so many requests with the label have been executed.
func (s *service) await(t *testing.T, label string, n int) {
	t.Helper()
	limit := patience + time.Duration(n)*20*time.Millisecond
	for start := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		s.mu.Lock()
		got := s.arrived[label]
		s.mu.Unlock()
		if got >= n {
			return
		}
		if time.Since(start) > limit {
			t.Fatalf("%d of %d requests %s have come in %v", got, n, label, limit)
		}
	}
}

// of returns the executions of a call.
func (s *service) of(call string) []execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executions[call]
}

// accepted counts the connections since the start.
func (s *service) accepted() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, count := range s.connections {
		n += count
	}
	return n
}

// execute writes an execution down, and returns its plan.
func (s *service) execute(call, zone string, h http.Header) *plan {
	attempt, _, _ := strings.Cut(h.Get("Amz-Sdk-Request"), ";")
	e := execution{zone, h.Get("Amz-Sdk-Invocation-Id"), attempt}
	p := s.planOf(call)
	all, gather := p.all, p.gather
	if zone != home && p.elsewhere != nil {
		p = p.elsewhere
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executions[call] = append(s.executions[call], e)
	label := labelOf(call)
	s.arrived[label]++
	if all != nil && s.arrived[label] == gather {
		close(all)
	}
	return p
}

func (s *service) planOf(call string) *plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[labelOf(call)]; p != nil {
		return p
	}
	return &plan{}
}

func labelOf(call string) string {
	label, _, _ := strings.Cut(call, ".")
	return label
}

func (s *service) answer(w http.ResponseWriter, r *http.Request, zone string) {
	w.Header().Set("X-Amzn-Requestid", "5b64e4d2-0000-4000-8000-000000000000")
	_, operation, isSQS := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !isSQS {
		s.answerS3(w, r, zone)
		return
	}
	var in struct{ QueueUrl, MessageBody string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	call := in.QueueUrl[strings.LastIndexByte(in.QueueUrl, '/')+1:]
	p := s.execute(call, zone, r.Header)
	if !p.wait(r, zone, w) {
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	switch operation {
	case "SendMessage":
		sum := md5.Sum([]byte(in.MessageBody))
		fmt.Fprintf(w, `{"MessageId":"1","MD5OfMessageBody":"%s"}`, hex.EncodeToString(sum[:]))
	case "ReceiveMessage":
		_, _ = io.WriteString(w, `{}`)
	}
}

// wait waits as planned. It reports whether there is an answer to be written.
func (p *plan) wait(r *http.Request, zone string, w http.ResponseWriter) bool {
	if p.broken != nil && p.broken(zone) {
		w.Header().Del("X-Amzn-Requestid")
		w.WriteHeader(http.StatusServiceUnavailable)
		return false
	}
	if p.all != nil {
		select {
		case <-p.all:
		case <-r.Context().Done():
			return false
		}
	}
	if p.hold == 0 {
		return true
	}
	timer := time.NewTimer(p.hold)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *service) answerS3(w http.ResponseWriter, r *http.Request, zone string) {
	call := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if r.Method == http.MethodPut {
		p := s.planOf(call)
		if p.pause > 0 {
			if _, err := io.CopyN(io.Discard, r.Body, int64(p.pauseAfter)); err != nil {
				return
			}
			timer := time.NewTimer(p.pause)
			defer timer.Stop()
			<-timer.C // not on the context: net/http would read on to see the end of the connection
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		p = s.execute(call, zone, r.Header)
		if p.wait(r, zone, w) {
			w.WriteHeader(http.StatusOK)
		}
		return
	}
	p := s.execute(call, zone, r.Header)
	if !p.wait(r, zone, w) {
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(p.body))
	w.WriteHeader(http.StatusOK)
	if p.chunk == 0 {
		_, _ = w.Write(make([]byte, p.body))
		return
	}
	ticker := time.NewTicker(p.every)
	defer ticker.Stop()
	for sent := 0; sent < p.body; sent += p.chunk {
		if _, err := w.Write(make([]byte, min(p.chunk, p.body-sent))); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		}
	}
}
