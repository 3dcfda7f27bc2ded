package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// runtimeAPI is the side of Lambda that a function asks for events, made after "Using the Lambda runtime API for custom
// runtimes" of the Lambda Developer Guide. Make one with newRuntimeAPI, and serve it.
type runtimeAPI struct {
	mux    http.ServeMux
	events chan event
	broken chan error // what the function said of its init phase

	mu      sync.Mutex
	count   int
	waiting map[string]chan<- outcome // by the invocation's request ID
}

type event struct {
	id      string
	payload []byte
}

type outcome struct {
	answer []byte
	err    error
	at     time.Time
}

const (
	functionARN = "arn:aws:lambda:us-east-1:123456789012:function:shop"
	timeLimit   = 30 * time.Second // of an invocation
)

func newRuntimeAPI() *runtimeAPI {
	a := &runtimeAPI{events: make(chan event), broken: make(chan error, 1), waiting: map[string]chan<- outcome{}}
	a.mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	a.mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.done)
	a.mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.done)
	a.mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initError)
	return a
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// invoke hands an event to the function when it asks for one, and waits for what becomes of it.
func (a *runtimeAPI) invoke(ctx context.Context, payload string) outcome {
	result := make(chan outcome, 1)
	a.mu.Lock()
	a.count++
	id := fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", a.count)
	a.waiting[id] = result
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.waiting, id)
		a.mu.Unlock()
	}()
	for events := a.events; ; events = nil {
		select {
		case events <- event{id, []byte(payload)}:
		case o := <-result:
			return o
		case err := <-a.broken:
			return outcome{err: err}
		case <-ctx.Done():
			return outcome{err: ctx.Err()}
		}
	}
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	select {
	case e := <-a.events:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", e.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(timeLimit).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1")
		_, _ = w.Write(e.payload)
	case <-r.Context().Done():
	}
}

// done takes an invocation's response or error.
func (a *runtimeAPI) done(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	o := outcome{answer: body, err: err, at: time.Now()}
	id := r.PathValue("id")
	if r.URL.Path == "/2018-06-01/runtime/invocation/"+id+"/error" {
		o.err = fmt.Errorf("%s", body)
	}
	a.mu.Lock()
	result, ok := a.waiting[id]
	delete(a.waiting, id)
	a.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
		return
	}
	result <- o
	accept(w)
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	select {
	case a.broken <- fmt.Errorf("init: %s", body):
	default:
	}
	accept(w)
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}
