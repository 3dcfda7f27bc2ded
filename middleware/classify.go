package middleware

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/resolver"
)

// Outcome is how one send to a zonal name ended.
type Outcome struct {
	Route resolver.Route
	// Err is the error as it was on its way to the SDK's retries; nil where
	// there was none.
	Err error
	// StatusCode is that of the answer; 0: there was none.
	StatusCode int
	// RequestID is what the AWS service calls the request in its answer. Where
	// it is empty, something in front of the service may have answered.
	RequestID string
	// Sent tells that some of the request may have arrived. Where it is false, it
	// is certain that nothing has.
	Sent bool
	// Waited tells that 100 ms or more were spent waiting for a connection, or on
	// one for an answer, when the send ended.
	Waited bool
	// GaveUp tells that the caller's context has ended or that its body could not
	// be read; Deadline that it was the context's deadline.
	GaveUp, Deadline bool
}

// Verdict is what an outcome says of the health of the zonal name.
type Verdict uint8

const (
	Neither Verdict = iota // nothing
	Healthy                // it serves
	Sick                   // it doesn't
)

func (v Verdict) String() string {
	switch v {
	case Neither:
		return "neither"
	case Healthy:
		return "healthy"
	case Sick:
		return "sick"
	}
	return "unknown"
}

// Classifier says what the outcome of a send tells of the zonal name's health,
// and what kept the request from being answered there. With a cause, and whatever
// the verdict, the SDK's next attempt goes to the fallback. It is called for each
// send, by many goroutines.
//
// It doesn't decide whether a request is sent once more within its attempt: that
// takes proof that nothing of it has arrived.
type Classifier func(Outcome) (Verdict, resolver.Cause)

// Classify is the default [Classifier]. Sick is a name that
//   - doesn't exist, can't be looked up, refuses, can't be reached in time, or can't
//     prove whose it is;
//   - breaks connections that carry a request;
//   - answers 502, 503 or 504 without a request id of AWS's: a load balancer does
//     so that has no service behind it.
//
// Every other answer is a healthy name's: errors and throttling are the service's. A
// caller that gives up says nothing, unless its deadline passed while it waited for
// a connection.
func Classify(o Outcome) (Verdict, resolver.Cause) {
	cause, _ := causeOf(o.Err)
	switch {
	case o.StatusCode >= 300:
		if o.RequestID == "" && o.StatusCode >= http.StatusBadGateway && o.StatusCode <= http.StatusGatewayTimeout {
			return Sick, resolver.CauseUnavailable
		}
		return Healthy, resolver.NoCause
	case o.Err == nil, cause == resolver.NoCause && o.StatusCode != 0:
		return Healthy, resolver.NoCause
	case o.GaveUp:
		// Callers whose deadline is shorter than the connect budget would never
		// find out that the name is dead.
		if o.Deadline && o.Waited && !o.Sent {
			return Sick, resolver.CauseTimeout
		}
		return Neither, resolver.NoCause
	case cause == resolver.CauseTimeout && o.Sent:
		return Neither, cause // the service may be slow
	case cause == resolver.NoCause, cause == resolver.CausePathDead: // which was told when it was found out
		return Neither, cause
	case cause == resolver.CauseBroken && !o.Sent:
		return Sick, resolver.CauseConnect // a proxy's refusal, say
	case cause == resolver.CauseBroken && !ofNetwork(o.Err):
		return Neither, cause // of the body's making, perhaps, or of HTTP/2's
	}
	return Sick, cause
}

// causeOf says what was wrong with the way to the server, if it was that, and
// whether the error can only come from before there was a connection.
func causeOf(err error) (cause resolver.Cause, proof bool) {
	var (
		sending  *smithyhttp.RequestSendError
		own      *pathError
		dns      *net.DNSError // is inside a net.OpError: asked for first
		op       *net.OpError
		mismatch x509.HostnameError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		timeout  interface{ Timeout() bool }
	)
	switch {
	case !errors.As(err, &sending):
		if ofNetwork(err) { // the answer broke off
			return resolver.CauseBroken, false
		}
		return resolver.NoCause, false // not about sending: a signer's error, say
	case errors.As(err, &own):
		return own.cause, false
	case errors.As(err, &dns) && dns.IsNotFound:
		return resolver.CauseAbsent, true
	case errors.As(err, &dns):
		return resolver.CauseDNS, true
	case errors.As(err, &mismatch), errors.As(err, &verify):
		return resolver.CauseCertificate, true
	case errors.As(err, &op) && op.Op == "dial":
		if op.Timeout() {
			return resolver.CauseTimeout, true
		}
		return resolver.CauseConnect, true
	case errors.As(err, &record), errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return resolver.CauseTLS, false
	case errors.As(err, &timeout) && timeout.Timeout():
		return resolver.CauseTimeout, false
	}
	return resolver.CauseBroken, false
}

// ofNetwork tells whether an error came from the network, as far as can be told.
func ofNetwork(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// pathError is an error of this package's own making, in place of the answer that
// did not come.
type pathError struct {
	cause resolver.Cause
	text  string
}

func (e *pathError) Error() string { return e.text }

// answered returns the answer that is behind an error, or nil.
func answered(err error) *smithyhttp.Response {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil &&
		response.Response.Response != nil && response.Response.StatusCode != 0 {
		return response.Response
	}
	return nil
}

// requestID is what the service calls the request, in the spellings there are.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amz-Requestid", "X-Amz-Id-2"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}
