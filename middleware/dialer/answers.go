package dialer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/azaffinity/azaffinity/middleware/internal/verdict"
	"github.com/azaffinity/azaffinity/resolver"
)

// judge tells the resolver what a request came to, and says whether all that kept it from being sent was that there was no connection, and why. That has been told
// already. net/http may have sent it before, over a kept connection that broke, and was about to send it again, as it does by itself with what it takes for
// idempotent: without this package it would have connected to another of the host's addresses then.
func judge(req *http.Request, route resolver.Route, begun time.Time, resp *http.Response, err error) (cause resolver.Cause, unsent bool) {
	if err == nil {
		switch cause = verdict.OfStatus(resp.StatusCode, resp.Header); {
		case cause != resolver.NoCause:
			route.Failed(cause, errors.New(resp.Status))
		case route.Target == resolver.Zonal && resp.Body != http.NoBody && resp.StatusCode != http.StatusSwitchingProtocols:
			resp.Body = &answer{ReadCloser: resp.Body, ctx: req.Context(), route: route}
		default:
			route.Answered()
		}
		return cause, false
	}
	var dialing *Error // after that: it is allocated
	if errors.As(err, &dialing) {
		if route.Target == resolver.Regional { // of no zonal name's health, but of what there is elsewhere
			route.Failed(dialing.Cause, nil)
		}
		return dialing.Cause, dialing.to != nil
	}
	cause = causeOfSending(req, begun, err)
	route.Failed(cause, err)
	return cause, false
}

// answer is the body of an answer from this zone: the zone has answered if it comes to its end, or its reader has enough.
type answer struct {
	io.ReadCloser
	ctx   context.Context
	route resolver.Route
	told  atomic.Bool
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	switch {
	case err == nil || a.told.Swap(true):
	case err == io.EOF:
		a.route.Answered()
	case a.ctx.Err() == nil && verdict.OfNetwork(err):
		a.route.Failed(resolver.CauseBroken, err)
	}
	return n, err
}

func (a *answer) Close() error {
	if !a.told.Swap(true) {
		a.route.Answered()
	}
	return a.ReadCloser.Close()
}

// causeOfSending says what kept a request that may have been sent from an answer: nothing, if that may be the caller's making.
func causeOfSending(req *http.Request, begun time.Time, err error) resolver.Cause {
	ctx := req.Context()
	deadline, limited := ctx.Deadline()
	var timeout interface{ Timeout() bool }
	late := ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout()
	late = late || limited && !time.Now().Before(deadline) // http.Client's Timeout comes in two ways, this one a moment later
	switch {
	case limited && deadline.Before(begun), errors.Is(ctx.Err(), context.Canceled):
		return resolver.NoCause // the caller had no time left, or gave up
	case late && streams(req):
		return resolver.NoCause // or couldn't say in time what to send
	case late:
		return resolver.CauseUnanswered
	case verdict.OfNetwork(err) && !streams(req):
		return resolver.CauseBroken
	}
	return resolver.NoCause
}

// streams reports whether the request's body comes from somewhere, and may be late, or fail.
func streams(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody && req.GetBody == nil
}

// repeatable reports whether a request may be the one that finds out whether an ejected name answers again: one that its caller may make once more, since it
// is idempotent (RFC 9110, section 9.2.2) and its body is at hand. It is not sent once more here.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return !streams(req)
	}
	return false
}
