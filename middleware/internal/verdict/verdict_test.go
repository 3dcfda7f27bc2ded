package verdict_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"

	"github.com/azaffinity/azaffinity/middleware/internal/verdict"
	"github.com/azaffinity/azaffinity/resolver"
)

// Given an answer, when its status is judged, then only a server's error means something, and a 502 to 504 that no service put its request id on means that
// there is no service.
func TestStatus(t *testing.T) {
	for status, want := range map[int]resolver.Cause{
		200: resolver.NoCause, 301: resolver.NoCause, 404: resolver.NoCause, 429: resolver.NoCause, 499: resolver.NoCause,
		500: resolver.CauseServerError, 501: resolver.CauseServerError,
		502: resolver.CauseUnavailable, 503: resolver.CauseUnavailable, 504: resolver.CauseUnavailable,
		505: resolver.CauseServerError, 599: resolver.CauseServerError,
	} {
		if got := verdict.OfStatus(status, http.Header{}); got != want {
			t.Errorf("%d: %v, want %v", status, got, want)
		}
	}
}

// Given a 503 with a request id, in any spelling that AWS's services have, when it is judged, then it is the service's own error.
func TestRequestID(t *testing.T) {
	for _, name := range []string{"x-amzn-RequestId", "x-amz-request-id", "x-amz-requestid", "x-amz-id-2"} {
		header := http.Header{}
		header.Set(name, "0123")
		if got := verdict.OfStatus(503, header); got != resolver.CauseServerError {
			t.Errorf("%s: %v, want %v", name, got, resolver.CauseServerError)
		}
	}
	if got := verdict.OfStatus(503, http.Header{"X-Request-Id": {"a proxy's"}}); got != resolver.CauseUnavailable {
		t.Errorf("a proxy's id: %v, want %v", got, resolver.CauseUnavailable)
	}
}

// Given an error in place of an answer, when it is judged, then it comes from the network if a connection broke, and not if time was up.
func TestNetwork(t *testing.T) {
	late := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "read", Err: errors.New("broke")}, true},
		{late, false},
		{io.EOF, true},
		{io.ErrUnexpectedEOF, true},
		{syscall.ECONNRESET, true},
		{syscall.EPIPE, true},
		{errors.New("http2: client connection force closed via ClientConn.Close"), true},
		{errors.New("http2: client connection lost"), true},
		{errors.New("http2: client connection lost, says a signer"), false},
		{errors.New("http2: client conn is closed"), true}, // while a body was being written
		{errors.New(`http2: server sent GOAWAY and closed the connection; LastStreamID=3, ErrCode=INTERNAL_ERROR, debug="bye"`), true},
		{errors.New("stream error: stream ID 5; REFUSED_STREAM; received from peer"), true},
		{errors.New("stream error: stream ID 5; FLOW_CONTROL_ERROR"), false}, // which this side found
		{errors.New("no credentials"), false},
		{context.Canceled, false},
		{context.DeadlineExceeded, false},
	} {
		if got := verdict.OfNetwork(fmt.Errorf("send: %w", c.err)); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

// Given a server that resets a stream of HTTP/2 instead of answering, or within its answer, when the error is judged, then it comes from the network.
func TestResetStreams(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/within" {
			_, _ = io.WriteString(w, "the beginning")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	_, err := server.Client().Get(server.URL)
	if err == nil || !verdict.OfNetwork(err) {
		t.Errorf("before the answer: %v", err)
	}
	resp, err := server.Client().Get(server.URL + "/within")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Fatal(resp.Proto)
	}
	if _, err = io.ReadAll(resp.Body); err == nil || !verdict.OfNetwork(err) {
		t.Errorf("within the answer: %v", err)
	}
}
