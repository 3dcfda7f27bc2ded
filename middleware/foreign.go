package middleware

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http/httptrace"
	"strings"
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
	c.seen = &seen{off: (c.attempts || c.body.failsOver(true)) && !c.mute.Load()}
	return context.WithValue(ctx, seenKey{}, c.seen)
}

func (c *foreign) HandleDeserialize(ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler) (
	out smithymiddleware.DeserializeOutput, metadata smithymiddleware.Metadata, err error,
) {
	s, ok := ctx.Value(seenKey{}).(*seen)
	if !ok {
		return next.HandleDeserialize(ctx, in)
	}
	sending, cancel := context.WithCancel(ctx)
	s.cancel = cancel
	sending = httptrace.WithClientTrace(sending, s.trace())
	if s.off {
		timer := time.AfterFunc(dialer.DefaultConnectTimeout, func() {
			if s.unconnected() {
				s.callOff()
			}
		})
		defer timer.Stop()
	}
	out, metadata, err = next.HandleDeserialize(sending, in)
	if err != nil {
		cancel()
		if s.state.Load() == expired && ctx.Err() == nil { // not the caller's cancellation: the SDK may retry
			err = &smithyhttp.RequestSendError{Err: s.err(c.route.Host)}
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
	cancel     context.CancelFunc
	off        bool         // it may be called off: the request can be sent once more
	asked      atomic.Int32 // how often the client wanted a connection
	connecting atomic.Bool  // it was made, not taken from a pool
	made       atomic.Int32 // connections
	shaking    atomic.Int32 // of them that are in the TLS handshake, or failed in it
	open       atomic.Int32 // lookups, connections and handshakes that have not failed
	failure    atomic.Pointer[error]
	got        atomic.Bool // the client was handed a connection
	state      atomic.Int32
}

const (
	waiting   int32 = iota // for a connection
	connected              // the request may arrive
	expired                // it took too long, or can't be had, and was called off
)

func (s *seen) trace() *httptrace.ClientTrace {
	begin := func() { s.open.Add(1); s.connecting.Store(true) }
	asking := func(network string) bool { return strings.HasPrefix(network, "udp") } // a name server, which dialers of people's own may report
	return &httptrace.ClientTrace{
		// A client that wants another connection, although the first could not be made, tries again by itself: with a name that doesn't exist, in
		// vain, and for as long as it is patient.
		GetConn: func(string) {
			if s.asked.Add(1) > 1 && s.off && s.failed() {
				s.callOff()
			}
		},
		DNSStart: func(httptrace.DNSStartInfo) { begin() },
		DNSDone:  func(info httptrace.DNSDoneInfo) { s.open.Add(-1); s.note(info.Err) },
		ConnectStart: func(network, _ string) {
			if !asking(network) {
				begin()
			}
		},
		ConnectDone: func(network, _ string, err error) {
			if asking(network) {
				return
			}
			if err == nil {
				s.made.Add(1)
			}
			s.ended(err)
		},
		TLSHandshakeStart: func() { s.shaking.Add(1) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				s.shaking.Add(-1)
			}
			s.ended(err)
		},
		GotConn: func(httptrace.GotConnInfo) {
			s.got.Store(true)
			s.state.CompareAndSwap(waiting, connected)
		},
	}
}

// ended takes in that a connection, or its handshake, failed or not.
func (s *seen) ended(err error) {
	if err != nil {
		s.open.Add(-1)
	}
	s.note(err)
}

func (s *seen) note(err error) {
	if err != nil {
		s.failure.CompareAndSwap(nil, &err)
	}
}

// failed reports whether every connection that the client began to make has failed.
func (s *seen) failed() bool { return s.open.Load() == 0 && s.failure.Load() != nil }

// unconnected reports whether no connection has come to where a request could be written: the client wanted one, and began to make it. Not all clients report
// when they have one.
func (s *seen) unconnected() bool {
	return s.asked.Load() == 1 && s.connecting.Load() && s.made.Load() <= s.shaking.Load() && !s.got.Load()
}

func (s *seen) callOff() {
	if s.state.CompareAndSwap(waiting, expired) {
		s.cancel()
	}
}

// err is the error of a send that was called off. It has none inside, so that the SDK may retry.
func (s *seen) err(host string) error {
	if s.failed() {
		return fmt.Errorf("no connection to %s: %v", host, *s.failure.Load())
	}
	return fmt.Errorf("no connection to %s within %v", host, dialer.DefaultConnectTimeout)
}

// judge says what kept the request from an answer, and if it is proven that nothing of it was sent. The proof is that the client got no connection, and that
// all that it began to make have failed; or that it wanted one only, and has the error of making it.
func (s *seen) judge(err error) finding {
	cause := dialer.CauseOf(err)
	switch alone := s.unconnected(); {
	case s.got.Load():
		return finding{}
	case s.failed():
		if cause == resolver.NoCause {
			cause = dialer.CauseOf(*s.failure.Load())
		}
		if cause == resolver.NoCause {
			cause = resolver.CauseConnect // reset or closed in the handshake
		}
		return finding{cause: cause, unsent: true}
	case s.state.Load() == expired:
		return finding{cause: resolver.CauseTimeout, unsent: alone}
	case !alone:
		return finding{}
	}
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
