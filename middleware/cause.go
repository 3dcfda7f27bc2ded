package middleware

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/resolver"
)

// answered tells whether a response came, whatever it said: a policy's 403 is
// an answer, and comes from a healthy endpoint.
func answered(err error) bool {
	var response *smithyhttp.ResponseError
	return errors.As(err, &response) && response.Response != nil &&
		response.Response.Response != nil && response.Response.StatusCode != 0
}

// causeOf says what was wrong with the way to the server, if it was that, whether
// it is certain that no byte of the request was sent, and whether it tells against
// the name.
func causeOf(err error, conn *connection) (cause resolver.Cause, unreached, blame bool) {
	var sending *smithyhttp.RequestSendError
	if !errors.As(err, &sending) {
		return resolver.NoCause, false, false // not about sending: a signer's error, say
	}
	var (
		dns      *net.DNSError // is inside a net.OpError: asked for first
		op       *net.OpError
		mismatch x509.HostnameError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		timeout  interface{ Timeout() bool }
	)
	proof := false // the error can only come from before there was a connection
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		cause, proof = resolver.CauseAbsent, true
	case errors.As(err, &dns):
		cause, proof = resolver.CauseDNS, true
	case errors.As(err, &mismatch), errors.As(err, &verify):
		cause, proof = resolver.CauseCertificate, true
	case errors.As(err, &op) && op.Op == "dial":
		cause, proof = resolver.CauseConnect, true
		if op.Timeout() {
			cause = resolver.CauseTimeout
		}
	case errors.As(err, &record), errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		cause = resolver.CauseTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		cause = resolver.CauseTimeout
	default:
		cause = resolver.CauseConnect
	}
	if conn.unreached(proof) {
		return cause, true, true
	}
	if proof && conn.redialled() {
		return cause, false, true // a kept connection was stale, and no new one can be made
	}
	// The request may have been sent. A timeout then says nothing of the way,
	// and what isn't an error of the network may be of the body's or of HTTP/2's
	// making: nobody is blamed, but the SDK's next attempt goes elsewhere.
	if cause == resolver.CauseTimeout {
		return cause, false, false
	}
	blame = op != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	return resolver.CauseBroken, false, blame
}
