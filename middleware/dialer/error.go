package dialer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// Error says why there is no connection, or that the path of one died. It stands in the chain around what the network said.
type Error struct {
	Host  string         // that was to be connected to
	Cause resolver.Cause // resolver.CausePathDead: the connection was there
	Err   error

	to *target // that there is no connection to; nil: there was one
}

// Error is the text of the error inside.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error inside.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the error inside is a timeout.
func (e *Error) Timeout() bool {
	t, ok := e.Err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// Temporary is as [net.Error] has it.
func (e *Error) Temporary() bool {
	t, ok := e.Err.(interface{ Temporary() bool })
	return ok && t.Temporary()
}

// NotSent reports whether it is certain that no byte of a request was sent that began at that time, and got this error. net/http may have
// sent a request before: over a kept connection that broke, which has it try a new one. So no connection to the host may have ended since over which
// something was sent and not answered.
func (e *Error) NotSent(begun time.Time) bool {
	if e.to == nil {
		return false
	}
	lost := e.to.lost.Load()
	return lost == 0 || lost < int64(begun.Sub(started))
}

// errTimeout is the error of connecting that took too long. Its text is net's.
var errTimeout error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// errDeadline is errTimeout if it was the caller's context that had no more time, as net has it.
var errDeadline error = deadlineError{}

type deadlineError struct{ timeoutError }

func (deadlineError) Is(err error) bool { return err == context.DeadlineExceeded }

// errHandshake is the error of a TLS handshake that took longer than the transport's TLSHandshakeTimeout. Its text is net/http's.
var errHandshake error = handshakeError{}

type handshakeError struct{ timeoutError }

func (handshakeError) Error() string { return "net/http: TLS handshake timeout" }

// panicked is the error for a panic of the function that connects.
type panicked struct{ value any }

func (p *panicked) Error() string {
	return fmt.Sprintf("azaffinity: panic while connecting: %v", p.value)
}

// errNoConnection is the error for a function that neither connects nor says why, or ends its goroutine.
var errNoConnection = errors.New("azaffinity: the transport's dial function returned no connection and no error")

// errOvertaken is the error of an attempt whose connection nobody needs any more.
var errOvertaken = errors.New("azaffinity: another connection was made")

// errNotHome is the error for a host that has no address in this zone at present.
var errNotHome = errors.New("azaffinity: no address in this zone")

var errEjected = errors.New("azaffinity: the name is ejected")

// CauseOf says what kind of failure to connect an error is, as net/http returns it, or resolver.NoCause if it is none.
func CauseOf(err error) resolver.Cause {
	var (
		known    *Error
		dns      *net.DNSError // is inside a net.OpError: asked for first
		op       *net.OpError
		mismatch x509.HostnameError
		verify   *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &known):
		return known.Cause
	case errors.As(err, &dns) && dns.IsNotFound:
		return resolver.CauseAbsent
	case errors.As(err, &dns):
		return resolver.CauseDNS
	case errors.As(err, &mismatch), errors.As(err, &verify):
		return resolver.CauseCertificate
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return resolver.CauseTimeout
	case errors.As(err, &op) && op.Op == "dial":
		return resolver.CauseConnect
	case errors.As(err, new(tls.RecordHeaderError)), errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return resolver.CauseTLS
	}
	return resolver.NoCause
}

// causeOf is CauseOf of an error that came instead of a connection.
func causeOf(err error) resolver.Cause {
	var timeout interface{ Timeout() bool }
	cause := CauseOf(err)
	switch {
	case cause != resolver.NoCause:
		return cause
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return resolver.CauseTimeout
	}
	return resolver.CauseConnect // reset or closed in the handshake
}
