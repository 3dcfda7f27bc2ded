package middleware

import (
	"context"
	"fmt"
	"io"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// foreign is the way of a send to an HTTP client that we know nothing of: it may record, trace or retry, or not be net/http's at all. What it reports through
// httptrace is all there is to go by. An error alone proves nothing: it may be that of the client's second try.
type foreign call

func (*foreign) ID() string { return id }

func (c *foreign) HandleDeserialize(ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler) (
	out smithymiddleware.DeserializeOutput, metadata smithymiddleware.Metadata, err error,
) {
	if c.route.Fallback == "" {
		return next.HandleDeserialize(ctx, in)
	}
	s := &seen{}
	c.seen = s
	sending, cancel := context.WithCancel(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { s.asked.Add(1) },
		DNSStart:     func(httptrace.DNSStartInfo) { s.connecting.Store(true) },
		ConnectStart: func(string, string) { s.connecting.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { s.state.CompareAndSwap(waiting, connected) },
	}))
	if c.body.resendable() {
		timer := time.AfterFunc(dialer.DefaultConnectTimeout, func() {
			if s.asked.Load() == 1 && s.connecting.Load() && s.state.CompareAndSwap(waiting, expired) {
				cancel()
			}
		})
		defer timer.Stop()
	}
	out, metadata, err = next.HandleDeserialize(sending, in)
	if err != nil {
		cancel()
		if s.state.Load() == expired && ctx.Err() == nil { // not the caller's cancellation: the SDK may retry
			err = &smithyhttp.RequestSendError{Err: fmt.Errorf("no connection to %s within %v", c.route.Host, dialer.DefaultConnectTimeout)}
		}
		return out, metadata, err
	}
	if response, ok := out.RawResponse.(*smithyhttp.Response); ok && response.Response != nil && response.Body != nil {
		body := answerBody{response.Body, cancel}
		if w, ok := response.Body.(io.Writer); ok { // the protocol was switched
			response.Body = struct {
				answerBody
				io.Writer
			}{body, w}
		} else {
			response.Body = body
		}
	} else {
		cancel()
	}
	return out, metadata, nil
}

// seen is what a client reported of one send.
type seen struct {
	asked      atomic.Int32 // how often it wanted a connection
	connecting atomic.Bool  // it was made, not taken from a pool
	state      atomic.Int32
}

const (
	waiting   int32 = iota // for a connection
	connected              // the request may arrive
	expired                // it took too long, and was called off
)

// judge says what kept the request from an answer, and if it is proven that nothing of it was sent. The proof is that the client wanted one connection, began
// to make it, and got none.
func (s *seen) judge(err error) finding {
	unconnected := s.asked.Load() == 1 && s.connecting.Load()
	switch state := s.state.Load(); {
	case state == expired:
		return finding{cause: resolver.CauseTimeout, unsent: unconnected}
	case state == connected, !unconnected:
		return finding{}
	}
	cause := dialer.CauseOf(err)
	return finding{cause: cause, unsent: cause != resolver.NoCause}
}

// answerBody ends the send's context with the answer.
type answerBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b answerBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
