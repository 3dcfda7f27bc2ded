// Package verdict says what an answer, or an error in place of one, means for the health of the name that a request was sent to. It knows no SDK.
package verdict

import (
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"syscall"

	"github.com/azaffinity/azaffinity/resolver"
)

// OfStatus is what an answer means for the name: nothing, since an answer is an answer, unless it is a server's error. 502, 503 and 504 without a request id
// come from a load balancer that has no service behind it.
func OfStatus(status int, header http.Header) resolver.Cause {
	switch {
	case status < http.StatusInternalServerError:
		return resolver.NoCause
	case requestID(header) == "" && status >= http.StatusBadGateway && status <= http.StatusGatewayTimeout:
		return resolver.CauseUnavailable
	}
	return resolver.CauseServerError
}

// OfNetwork reports whether an error came from the network, as far as can be told.
func OfNetwork(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || ofHTTP2(err)
}

// ofHTTP2 reports whether an error is one that net/http gives the streams of a connection that broke, or that its server left, or a stream that the server reset.
// They have no more than their texts.
func ofHTTP2(err error) bool { return http2Errors.MatchString(err.Error()) }

var http2Errors = regexp.MustCompile(`(http2: client connection force closed via ClientConn\.Close` +
	`|http2: client connection lost` +
	`|http2: client conn is closed` + // while the request's body was being written
	`|http2: server sent GOAWAY and closed the connection; LastStreamID=\d+, .*` +
	`|stream error: stream ID \d+; \S+; received from peer)$`)

// requestID is what the service calls the request, in the spellings there are.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amz-Requestid", "X-Amz-Id-2"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}
