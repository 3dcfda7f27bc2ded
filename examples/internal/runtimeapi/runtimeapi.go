// Package runtimeapi is the Lambda Runtime API, for one function in one execution environment: what a function's
// process asks for its next invocation, and gives its answers to. It follows "Using the Lambda runtime API" of the
// Lambda Developer Guide.
package runtimeapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is the Runtime API. Its methods are safe for concurrent use.
type Server struct {
	server  http.Server
	addr    string
	pending chan *invocation

	mu      sync.Mutex
	running map[string]*invocation // by request id
}

type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	answered chan answer // has room for one
}

type answer struct {
	body []byte
	err  error
}

// maxResponse is Lambda's limit, in bytes.
const maxResponse = 6<<20 + 100

// Start starts the Runtime API. The caller closes it.
func Start() (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{addr: listener.Addr().String(), pending: make(chan *invocation), running: map[string]*invocation{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.response)
	s.server.Handler = mux
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Addr is the value of AWS_LAMBDA_RUNTIME_API: host and port.
func (s *Server) Addr() string { return s.addr }

// Close ends it. Who waits for an invocation is cut off.
func (s *Server) Close() { _ = s.server.Close() }

// FunctionError is what a function answered instead of a result: JSON with an errorMessage and an errorType.
type FunctionError struct{ Body []byte }

func (e *FunctionError) Error() string { return "the function failed: " + string(e.Body) }

// Invoke has the function handle the payload as soon as it asks, and returns its answer. The context's deadline, or half
// a minute, is the function's.
func (s *Server) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	deadline, _ := ctx.Deadline()
	i := &invocation{id: rand.Text(), payload: payload, deadline: deadline, answered: make(chan answer, 1)}
	select {
	case s.pending <- i:
	case <-ctx.Done():
		return nil, fmt.Errorf("the function didn't ask for an invocation: %w", ctx.Err())
	}
	select {
	case a := <-i.answered:
		return a.body, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the function didn't answer: %w", ctx.Err())
	}
}

func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	select {
	case i := <-s.pending:
		s.mu.Lock()
		s.running[i.id] = i
		s.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:orders")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
		_, _ = w.Write(i.payload)
	case <-r.Context().Done():
	}
}

// response takes what the function answers, once for each invocation.
func (s *Server) response(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.mu.Lock()
	i := s.running[id]
	delete(s.running, id)
	s.mu.Unlock()
	if i == nil {
		http.Error(w, `{"errorMessage":"no such invocation","errorType":"InvalidRequestID"}`, http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	switch tooLarge := new(http.MaxBytesError); {
	case errors.As(err, &tooLarge):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case err == nil:
		if strings.HasSuffix(r.URL.Path, "/error") {
			body, err = nil, &FunctionError{body}
		}
		w.WriteHeader(http.StatusAccepted)
	}
	i.answered <- answer{body, err}
}
