package middleware

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/middleware/internal/verdict"
	"github.com/azaffinity/azaffinity/resolver"
)

// finding is what a send came to.
type finding struct {
	cause  resolver.Cause // what kept the request from a proper answer; the call's next attempt goes elsewhere
	unsent bool           // it is proven that no byte of the request was sent
	guess  bool           // the cause may be another, so that it is not held against the name
}

// judge says what a send came to, and tells the resolver. What keeps requests from a connection the dialer has told already.
func (c *call) judge(ctx context.Context, begun time.Time, err error) (found finding) {
	defer func() {
		if p := recover(); p != nil {
			link.Panicked(c.resolver, p)
			found = finding{}
		}
	}()
	if err == nil {
		c.route.Answered()
		return finding{}
	}
	var dialing *dialer.Error // after that: it is allocated
	switch {
	case errors.As(err, &dialing):
		found = finding{cause: dialing.Cause, unsent: dialing.NotSent(begun) && dialing.Host == hostname(c.route.Host)} // and not a redirect's
		if c.route.Target == resolver.Regional {                                                                        // of no zonal name's health, but of what there is elsewhere
			c.route.Failed(found.cause, nil)
		}
	default:
		if c.seen != nil && !c.mute.Load() {
			found = c.seen.judge(err)
		}
		if found.cause == resolver.NoCause {
			found = c.findingOf(ctx, begun, err)
		}
		switch {
		case found.guess:
		case found.cause != resolver.NoCause:
			c.route.Failed(found.cause, withoutURL(err))
		case answerTo(err) != nil:
			c.route.Answered()
		}
	}
	if found.cause != resolver.NoCause && c.route.Fallback != "" {
		c.avoid = found.cause
	}
	return found
}

// findingOf says what kept a request that may have been sent from a proper answer: nothing, if it wasn't the server nor the way there.
func (c *call) findingOf(ctx context.Context, begun time.Time, err error) finding {
	var (
		sending *smithyhttp.RequestSendError
		timeout interface{ Timeout() bool }
	)
	if answer := answerTo(err); answer != nil && answer.StatusCode >= http.StatusMultipleChoices {
		return finding{cause: causeOfAnswer(answer, err)}
	}
	deadline, limited := ctx.Deadline()
	switch {
	case c.body.failed(), limited && deadline.Before(begun), errors.Is(ctx.Err(), context.Canceled):
		return finding{} // the caller couldn't say what to send, had no time left, or gave up
	case ctx.Err() != nil:
		return finding{cause: resolver.CauseUnanswered, guess: c.body.late(begun)}
	case verdict.OfNetwork(err):
		return finding{cause: resolver.CauseBroken}
	case !errors.As(err, &sending):
		return finding{} // a signer's error, say
	case errors.As(err, &timeout) && timeout.Timeout():
		return finding{cause: resolver.CauseUnanswered, guess: c.body.late(begun)} // the HTTP client's own timeout
	}
	return finding{cause: resolver.CauseBroken, guess: true} // of the body's making, perhaps, or of HTTP/2's
}

// causeOfAnswer is what an answer that says no means for the name. Being asked to slow down is an answer, too.
func causeOfAnswer(answer *smithyhttp.Response, err error) resolver.Cause {
	if throttling.IsErrorThrottle(err) == aws.TrueTernary {
		return resolver.NoCause
	}
	return verdict.OfStatus(answer.StatusCode, answer.Header)
}

var throttling = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// retryable is the error of a name that doesn't exist in a form that the SDK retries, since its next attempt goes to another name. It takes a
// [net.DNSError] that says so for final.
func retryable(err error) error {
	return &smithyhttp.RequestSendError{Err: errors.New(withoutURL(err).Error())}
}

// answerTo returns the answer that is behind an error, or nil.
func answerTo(err error) *smithyhttp.Response {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil &&
		response.Response.Response != nil && response.Response.StatusCode != 0 {
		return response.Response
	}
	return nil
}

// withoutURL is what went wrong, without the request's URL: an object's key has no business in a log or on a page that shows health.
func withoutURL(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}
