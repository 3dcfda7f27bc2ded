package middleware

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/resolver"
)

const id = "AZAffinity"

// call is the middleware of one call. Its attempts come one after the other.
type call struct {
	resolver *resolver.Resolver
	streams  bool           // both ways: the request's body is written while it is sent
	avoid    resolver.Cause // why an earlier attempt could not use the zonal name
	body     *untouched     // of the attempt, where it can't be rewound
	conn     *connection    // of the send that is under way, or was the last
	first    connection     // of the first send; most calls have no other
}

func (*call) ID() string { return id }

// HandleFinalize routes one attempt. What makes the request has run, and what
// depends on its host is still to come: calling next again signs and sends again.
func (c *call) HandleFinalize(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (
	out smithymiddleware.FinalizeOutput, metadata smithymiddleware.Metadata, err error,
) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok || req.URL == nil || req.Host != "" {
		return next.HandleFinalize(ctx, in) // not HTTP, or a Host that somebody set
	}
	asked := hostOf(req.URL)
	route := c.route(ctx, asked)
	if route.Host != asked {
		req.URL.Host = route.Host
	}
	if route.Fallback == "" {
		out, metadata, err = next.HandleFinalize(ctx, in)
		return out, metadata, tell(&metadata, route, err)
	}
	if !c.streams {
		req = c.keepBody(req)
		in.Request = req
	}
	header := maps.Clone(req.Header) // a step after Signing may add to it what is not to be signed
	c.conn = nil
	out, metadata, err = next.HandleFinalize(ctx, in)
	if cause, unreached := c.judge(ctx, route, err); cause != resolver.NoCause {
		c.avoid = cause // if the SDK tries once more, it goes elsewhere
		if unreached && !c.streams && c.again(req) {
			route = route.FailedOver(cause)
			req.URL.Host, req.Host, req.Header = route.Host, "", header
			out, metadata, err = next.HandleFinalize(ctx, in)
		}
	}
	return out, metadata, tell(&metadata, route, err)
}

// route decides where the attempt goes. Whatever goes wrong in here, the request
// goes where the SDK would have sent it.
func (c *call) route(ctx context.Context, asked string) (route resolver.Route) {
	defer func() {
		if recover() != nil {
			route = resolver.Route{Host: asked}
		}
	}()
	if awsmiddleware.GetRequiresLegacyEndpoints(ctx) && !strings.Contains(asked, ".vpce.") {
		return resolver.Route{Host: asked} // one of the SDK's older resolvers, which somebody set
	}
	route = c.resolver.Resolve(asked)
	if c.avoid != resolver.NoCause && route.Fallback != "" {
		route = route.FailedOver(c.avoid)
	}
	return route
}

// judge tells the resolver how the zonal name did, and says what kept the request
// from being answered there, and whether it is certain that no byte of the
// request arrived.
func (c *call) judge(ctx context.Context, route resolver.Route, err error) (cause resolver.Cause, unreached bool) {
	defer func() {
		if recover() != nil {
			cause, unreached = resolver.NoCause, false
		}
	}()
	switch {
	case err == nil || answered(err):
		c.resolver.Succeeded(route)
		return resolver.NoCause, false
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && c.conn.silent():
		// Callers whose deadline is shorter than the connect timeout would
		// never find out that the name is dead.
		c.resolver.Failed(route, resolver.CauseTimeout, withoutURL(err))
		return resolver.CauseTimeout, false
	case ctx.Err() != nil, c.body != nil && c.body.failed.Load():
		return resolver.NoCause, false // the caller gave up, or its body did
	}
	cause, unreached, blame := causeOf(err, c.conn)
	if blame {
		c.resolver.Failed(route, cause, withoutURL(err))
	}
	return cause, unreached
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
func tell(metadata *smithymiddleware.Metadata, route resolver.Route, err error) error {
	if err != nil {
		return &RoutedError{Route: route, Err: err}
	}
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
