package middleware

import (
	"context"
	"crypto/tls"
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

type seenKey struct{}

// seeing is the context of a send. That of a foreign client is watched if there is somewhere else to send the request to.
func (c *call) seeing(ctx context.Context) context.Context {
	c.seen = nil
	if !c.foreign || c.route.Fallback == "" {
		return ctx
	}
	c.seen = &seen{}
	return context.WithValue(ctx, seenKey{}, c.seen)
}

func (c *foreign) HandleDeserialize(ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler) (
	out smithymiddleware.DeserializeOutput, metadata smithymiddleware.Metadata, err error,
) {
	s, ok := ctx.Value(seenKey{}).(*seen)
	if !ok {
		return next.HandleDeserialize(ctx, in)
	}
	sending, cancel := context.WithCancel(httptrace.WithClientTrace(ctx, s.trace()))
	if c.body.resendable() && !c.mute.Load() {
		timer := time.AfterFunc(dialer.DefaultConnectTimeout, func() {
			if s.unconnected() {
				s.expired.Store(true)
				cancel()
			}
		})
		defer timer.Stop()
	}
	out, metadata, err = next.HandleDeserialize(sending, in)
	if err != nil {
		cancel()
		if s.expired.Load() && ctx.Err() == nil { // not the caller's cancellation: the SDK may retry
			err = &smithyhttp.RequestSendError{Err: fmt.Errorf("no connection to %s within %v", c.route.Host, dialer.DefaultConnectTimeout)}
		}
		return out, metadata, err
	}
	if s.asked.Load() > 0 && !s.got.Load() {
		c.mute.Store(true)
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
	made       atomic.Int32 // connections
	shaking    atomic.Int32 // of them that are in the TLS handshake, or failed in it
	got        atomic.Bool  // the request may arrive
	expired    atomic.Bool  // it took too long, and was called off
}

func (s *seen) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { s.asked.Add(1) },
		DNSStart:     func(httptrace.DNSStartInfo) { s.connecting.Store(true) },
		ConnectStart: func(string, string) { s.connecting.Store(true) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				s.made.Add(1)
			}
		},
		TLSHandshakeStart: func() { s.shaking.Add(1) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				s.shaking.Add(-1)
			}
		},
		GotConn: func(httptrace.GotConnInfo) { s.got.Store(true) },
	}
}

// unconnected reports whether it is proven that the request has no connection: the client wanted one, began to make it, and none has come to where a request
// could be written. Not all clients report when they have one.
func (s *seen) unconnected() bool {
	return s.asked.Load() == 1 && s.connecting.Load() && s.made.Load() <= s.shaking.Load() && !s.got.Load()
}

// judge says what kept the request from an answer, and if it is proven that nothing of it was sent.
func (s *seen) judge(err error) finding {
	unconnected := s.unconnected()
	switch {
	case s.expired.Load():
		return finding{cause: resolver.CauseTimeout, unsent: unconnected}
	case !unconnected:
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
