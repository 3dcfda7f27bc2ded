package middleware

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/resolver"
)

const id = "AZAffinity"

// call is the middleware of one call. Its attempts come one after the other.
type call struct {
	resolver *resolver.Resolver
	settings *settings
	streams  bool        // both ways: the request's body is written while it is sent
	encodes  bool        // the body may reach us in a form that can't be rewound
	rewinds  atomic.Bool // and could be, before

	probe  bool           // the last attempt was to be the half-open probe
	chosen resolver.Route // for the last attempt
	asked  string         // the host that it was chosen for
	avoid  resolver.Cause // why an earlier attempt could not use the zonal name
	bad    []string       // addresses where earlier attempts were broken, or answered by nobody
	owed   int32          // sends that were cancelled, and not answered since

	busy    atomic.Bool // with an attempt
	doubled atomic.Bool // somebody has run several at once

	// Of the attempt:
	spare bool           // the SDK has another one to make
	pipe  bool           // its body is a pipe
	body  *untouched     // where it can't be rewound
	route resolver.Route // of the send that is under way, or was the last
	limit time.Duration  // how long that may wait for a connection; 0: not limited
	picky bool           // it may refuse connections to bad addresses
	conn  *connection    // of that
	first connection     // of the first send; most calls have no other

	watched bool
	hedging bool // one of the sends is a hedge, which are counted
}

func (*call) ID() string { return id }

// HandleFinalize routes one attempt. What makes the request has run, and what
// depends on its host is still to come: calling next again signs and sends again.
func (c *call) HandleFinalize(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (
	out smithymiddleware.FinalizeOutput, metadata smithymiddleware.Metadata, err error,
) {
	if !c.busy.CompareAndSwap(false, true) { // a step of somebody's runs the call twice at once
		c.doubled.Store(true)
		return next.HandleFinalize(context.WithValue(ctx, aside{}, true), in)
	}
	defer c.busy.Store(false)
	c.watched, c.conn = false, nil
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok || req.URL == nil || req.Host != "" {
		return next.HandleFinalize(ctx, in) // not HTTP, or a Host that somebody set
	}
	asked := hostOf(req.URL)
	c.route = c.choose(ctx, asked)
	c.route.Sent()
	if c.route.Target == resolver.Unmatched || c.route.Observed != "" {
		out, metadata, err = next.HandleFinalize(ctx, in)
		return out, metadata, c.tell(&metadata, err)
	}
	if c.route.Host != asked {
		req.URL.Host = c.route.Host
	}
	if !c.streams {
		req = c.keepBody(req)
		in.Request = req
	}
	c.watched, c.spare = true, c.hasSpare(req)
	var had headers
	had.keep(req.Header)
	defer c.doneHedging()
	for send := 0; ; send++ {
		c.conn, c.limit, c.picky = nil, c.limitOf(send), len(c.bad) > 0 && send < hedges
		out, metadata, err = next.HandleFinalize(ctx, in)
		cause, unreached := c.judge(ctx, err)
		if cause != resolver.NoCause && c.route.Fallback != "" && !c.refused() {
			c.avoid = cause // if the SDK tries once more, it goes elsewhere
		}
		if !unreached && cause != resolver.NoCause {
			c.shun()
		}
		if !unreached || !c.again(req) || !c.onward(&send, cause) {
			return out, metadata, c.tell(&metadata, err)
		}
		req.URL.Host, req.Host = c.route.Host, ""
		had.restore(req)
	}
}

// aside marks the context of an attempt that is left as it is.
type aside struct{}

// choose decides where the attempt goes. Whatever goes wrong in here, the request
// goes where the SDK would have sent it.
func (c *call) choose(ctx context.Context, asked string) (route resolver.Route) {
	defer func() {
		if recover() != nil {
			route = resolver.Route{Host: asked}
		}
	}()
	if awsmiddleware.GetRequiresLegacyEndpoints(ctx) && !strings.Contains(asked, ".vpce.") {
		return resolver.Route{Host: asked} // one of the SDK's older resolvers, which somebody set
	}
	if c.avoid != resolver.NoCause && asked == c.asked {
		return c.chosen.FailedOver(c.avoid)
	}
	c.chosen, c.asked = c.resolver.Resolve(asked), asked
	c.chosen, c.probe = c.chosen.Probe()
	return c.chosen
}

// probing reports whether this request finds out if the name works again.
func (c *call) probing() bool { return c.probe && c.route.Target == resolver.Zonal }

// Where the zone may swallow packets, whatever was seen of it first, the regional
// name's first address may be that zone's, which the HTTP client then tries for
// seconds: after a pause we ask for another connection. None of them is given up, the
// first one there is used. The first pause is a tenth of the connect budget, the next
// are twice and four times that. When hedges of them have been for nothing, the HTTP
// client's timeouts decide.
const hedges = 4

// limitOf is how long a send may wait for a connection.
func (c *call) limitOf(send int) time.Duration {
	if c.route.Fallback != "" {
		return c.settings.budget
	}
	switch c.route.Reason {
	case resolver.FailedOver, resolver.Unhealthy, resolver.ShiftedAway:
		if send < hedges {
			return c.settings.budget / 10 << min(send, 2)
		}
	}
	return 0
}

// doneHedging lets another call ask for more than one connection.
func (c *call) doneHedging() {
	if c.hedging || c.conn != nil && c.conn.hedged {
		c.hedging = false
		c.settings.watch.hedging.Add(-1)
	}
}

// shun keeps the call's next attempts from the address that the last one was sent
// to: the regional name may lead there, or a kept connection.
func (c *call) shun() {
	if address := c.conn.address(); address != "" && !slices.Contains(c.bad, address) {
		c.bad = append(c.bad, address)
	}
}

// refused tells whether the last send was given a connection that we didn't want.
func (c *call) refused() bool { return c.conn != nil && c.conn.was == refused }

// maxKept is how many kept connections a trial closes to come to a new one. The
// SDK's own HTTP client keeps ten for a host.
const maxKept = 12

// onward makes the route the next send's, after one that reached nobody, and
// tells whether there is to be one.
func (c *call) onward(send *int, cause resolver.Cause) bool {
	switch {
	case c.probing() && c.refused() && *send < maxKept:
		return true // the same once more
	case c.route.Fallback != "":
		*send = 0
		c.route = c.route.FailedOver(cause)
		c.route.Sent()
		return true
	}
	// The regional name led there, too. Its next address may be another's.
	return c.refused() || c.conn != nil && c.conn.was == expired ||
		c.limit > 0 && (cause == resolver.CauseCertificate || cause == resolver.CauseTLS)
}

// judge tells the resolver how the name did, and says what kept the request from
// being answered there, and whether it is certain that no byte of the request
// arrived.
func (c *call) judge(ctx context.Context, err error) (cause resolver.Cause, unreached bool) {
	defer func() {
		if recover() != nil {
			cause, unreached = resolver.NoCause, false
		}
	}()
	if err == nil {
		c.route.Answered()
		repay(c.owed)
		c.owed = 0
		return resolver.NoCause, false
	}
	if c.conn != nil {
		c.hedging = c.hedging || c.conn.hedged
		switch c.conn.was {
		case silenced:
			c.owed++
		case refused:
			return resolver.CauseBroken, ctx.Err() == nil // which says nothing new of the name
		}
	}
	o := Outcome{Route: c.route, Err: err}
	if answer := answered(err); answer != nil {
		o.StatusCode, o.RequestID = answer.StatusCode, requestID(answer.Header)
	}
	unreached = c.conn.unreached(err) && o.StatusCode == 0
	o.Sent = !unreached
	o.Waited = c.conn != nil && c.conn.waited
	o.Deadline = errors.Is(ctx.Err(), context.DeadlineExceeded)
	o.GaveUp = ctx.Err() != nil || c.body != nil && c.body.failed.Load()
	verdict, cause := c.settings.classify(o)
	switch verdict {
	case Healthy:
		c.route.Answered()
	case Sick:
		c.route.Failed(cause, withoutURL(err))
	}
	if o.Deadline && o.Waited && c.conn.was == sent {
		c.conn.askLater()
	}
	return cause, unreached && !o.GaveUp
}

// withoutURL is what went wrong, without the request's URL: an object's key has no
// business in a log or on a page that shows health.
func withoutURL(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

// tell puts the route where the caller finds it.
func (c *call) tell(metadata *smithymiddleware.Metadata, err error) error {
	if err != nil {
		return &RoutedError{Route: c.route, Err: denied(c.route, err)}
	}
	if c.conn != nil {
		metadata.Set(routeKey{}, &c.conn.route) // the same, where it stays as it is, and needs no copy
	} else {
		route := c.route
		metadata.Set(routeKey{}, &route)
	}
	return nil
}

// hostOf is the URL's host without the port that its scheme has anyway.
func hostOf(u *url.URL) string {
	if u.Scheme == "http" {
		return strings.TrimSuffix(u.Host, ":80")
	}
	return strings.TrimSuffix(u.Host, ":443")
}

// headers are the names of the headers that a request had before it was signed. A
// step after Signing may add some that are not to be signed, nor sent twice.
type headers struct {
	names [24]string
	n     int
	more  http.Header // all of them, where there are more
}

func (h *headers) keep(header http.Header) {
	if len(header) > len(h.names) {
		h.more = maps.Clone(header)
		return
	}
	for name := range header {
		h.names[h.n] = name
		h.n++
	}
}

// restore leaves the request with those that it had.
func (h *headers) restore(req *smithyhttp.Request) {
	if h.more != nil {
		req.Header = maps.Clone(h.more)
		return
	}
	had := make(http.Header, h.n)
	for _, name := range h.names[:h.n] {
		had[name] = req.Header[name]
	}
	req.Header = had
}
