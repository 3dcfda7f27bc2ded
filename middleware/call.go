package middleware

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// call is the middleware of one call. Its attempts come one after the other.
type call struct {
	*shared
	body     body
	busy     atomic.Bool // with an attempt
	attempts bool        // there is another attempt behind this one, which can send the body again

	chosen  resolver.Route // for the last attempt
	asked   string         // the host that it was chosen for
	avoid   resolver.Cause // why an earlier attempt could not use the zonal name
	retried func()         // gives back what the quota gave for this attempt

	route resolver.Route // of the send that is under way, or was the last
	told  bool           // that route is in some attempt's metadata
	seen  *seen          // of a foreign client's send
}

func (*call) ID() string { return id }

// HandleFinalize routes one attempt. What makes the request has run, and what depends on its host is still to come: calling next again signs and sends
// again.
func (c *call) HandleFinalize(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (
	out smithymiddleware.FinalizeOutput, metadata smithymiddleware.Metadata, err error,
) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok || req.URL == nil || req.Host != "" || !c.busy.CompareAndSwap(false, true) {
		return next.HandleFinalize(ctx, in) // not HTTP, a Host that somebody set, or a step of somebody's that runs the call twice at once
	}
	defer c.busy.Store(false)
	retry := c.retried // what the quota gave for this attempt
	c.retried = nil
	defer giveBack(retry)
	asked := hostOf(req.URL)
	req = c.body.watch(req)
	in.Request = req
	c.attempts = c.body.rewinds && anotherAttempt(req)
	c.route = c.choose(ctx, asked)
	c.route.Sent()
	if c.route.Target == resolver.Unmatched || c.route.Observed != "" {
		if c.route.Reason == resolver.Pinned {
			ctx = dialer.AsIs(ctx)
		}
		out, metadata, err = next.HandleFinalize(ctx, in)
		return out, metadata, c.tell(&metadata, err)
	}
	if c.route.Host != asked {
		req.URL.Host = c.route.Host
	}
	var had headers
	had.keep(req.Header)
	if !c.attempts && !c.foreign {
		if !c.body.failsOver(false) {
			ctx = dialer.AsIs(ctx) // nobody could send it elsewhere
		}
		p := patiently(ctx)
		defer p.end()
		ctx = p
	}
	begun := time.Now()
	out, metadata, err = next.HandleFinalize(c.seeing(c.placed(ctx)), in)
	found := c.judge(ctx, begun, err)
	if found.unsent && c.route.Fallback != "" && ctx.Err() == nil && c.body.again(req) {
		c.route = c.route.FailedOver(found.cause)
		c.route.Sent()
		req.URL.Host, req.Host = c.route.Host, ""
		had.restore(req)
		begun = time.Now()
		out, metadata, err = next.HandleFinalize(c.seeing(c.placed(ctx)), in)
		found = c.judge(ctx, begun, err)
	}
	giveBack(retry) // before more is asked for
	if c.attempts && c.route.Fallback != "" && (found.cause == resolver.CausePathDead || found.cause == resolver.CauseBroken) {
		c.retried = c.quotaOf(c.route.Endpoint()).acquire(ctx)
	}
	if c.attempts && found.cause == resolver.CauseAbsent && c.avoid != resolver.NoCause {
		err = retryable(err)
	}
	return out, metadata, c.tell(&metadata, err)
}

// giveBack is nothing if nothing was given, or it was given back.
func giveBack(retry func()) {
	if retry != nil {
		retry()
	}
}

// placed is the context of a send. What keeps away from the zonal name keeps away from its addresses, which the other name has, too.
func (c *call) placed(ctx context.Context) context.Context {
	switch c.route.Reason {
	case resolver.Unhealthy, resolver.FailedOver, resolver.Untried, resolver.ShiftedAway:
		if !c.foreign {
			return dialer.Elsewhere(ctx)
		}
	}
	return ctx
}

// choose decides where the attempt goes. Whatever goes wrong in here, the request goes where the SDK would have sent it.
func (c *call) choose(ctx context.Context, asked string) (route resolver.Route) {
	defer func() {
		if p := recover(); p != nil {
			link.Panicked(c.resolver, p)
			route = resolver.Route{Host: asked}
		}
	}()
	if awsmiddleware.GetRequiresLegacyEndpoints(ctx) && !strings.Contains(asked, ".vpce.") {
		return resolver.Route{Host: asked} // one of the SDK's older resolvers, which somebody set
	}
	if c.avoid != resolver.NoCause && asked == c.asked {
		return c.chosen.FailedOver(c.avoid)
	}
	route = c.resolver.Resolve(asked)
	switch {
	case route.Reason == resolver.Unhealthy && c.attempts:
		if probe, ok := route.Probe(); ok {
			route = probe
		}
	case route.Target == resolver.Zonal && !route.Proven() && !c.attempts && !c.body.failsOver(c.foreign):
		route = route.Untried()
	}
	c.chosen, c.asked = route, asked
	return route
}

// tell puts the route where the caller finds it.
func (c *call) tell(metadata *smithymiddleware.Metadata, err error) error {
	if err != nil {
		return &RoutedError{Route: c.route, Err: denied(c.route, err)}
	}
	route := &c.route
	if c.told { // an earlier attempt's metadata has that one
		route = &resolver.Route{}
		*route = c.route
	}
	c.told = true
	metadata.Set(routeKey{}, route)
	return nil
}

// hostOf is the URL's host without the port that its scheme has anyway.
func hostOf(u *url.URL) string {
	if u.Scheme == "http" {
		return strings.TrimSuffix(u.Host, ":80")
	}
	return strings.TrimSuffix(u.Host, ":443")
}

// hostname is a host without a port.
func hostname(host string) string {
	name, _, found := strings.Cut(host, ":")
	if !found {
		return host
	}
	return name
}

// headers are those that a request had before it was signed. A step after us may add some, or values to some: they are not to be signed, nor sent twice.
type headers struct {
	some [24]header // where there are no more
	n    int
	all  http.Header
}

type header struct {
	name   string
	values []string
}

func (h *headers) keep(from http.Header) {
	if len(from) > len(h.some) {
		h.all = from.Clone()
		return
	}
	for name, values := range from {
		h.some[h.n] = header{name, values}
		h.n++
	}
}

// restore leaves the request with those that it had.
func (h *headers) restore(req *smithyhttp.Request) {
	if h.all != nil {
		req.Header = h.all
		return
	}
	req.Header = make(http.Header, h.n)
	for _, kept := range h.some[:h.n] {
		req.Header[kept.name] = kept.values[:len(kept.values):len(kept.values)] // whoever adds to it makes its own
	}
}
