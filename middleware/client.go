package middleware

import (
	"net"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/defaults"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// Client returns the same HTTP client with a dialer that shares what it learns with r, for clients that [Append] is then given with [WithDialer]. It
// does so for nil, which is the SDK's own client, for a BuildableClient, and for an [*http.Client] on an [*http.Transport] or none.
//
// Any other client, and one whose transport makes its TLS connections by a function of its own, comes back as it is, with a nil dialer: requests are
// routed, and fail over if it is proven that nothing was sent, but nobody notices a path that died, and a regional name may lead to the
// zone that has failed.
func Client(client aws.HTTPClient, r *resolver.Resolver, opts ...Option) (aws.HTTPClient, *dialer.Dialer) {
	return install(client, r, newOptions(opts), true)
}

// install puts a dialer into a client, into one that isn't the SDK's only if its owner says so.
func install(client aws.HTTPClient, r *resolver.Resolver, o *options, others bool) (aws.HTTPClient, *dialer.Dialer) {
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	switch c := client.(type) {
	case *awshttp.BuildableClient:
		t := c.GetTransport()
		if d := dialer.Of(t, r); d != nil {
			return client, d // attached before
		}
		if !dialer.CanInstall(t) {
			return client, nil
		}
		d := dialer.New(r, append([]dialer.Option{readTimeout(c)}, o.dialing...)...)
		return c.WithTransportOptions(func(t *http.Transport) { d.Install(t, dialerOf(c, t)) }), d
	case *http.Client:
		base := c.Transport
		if base == nil {
			base = http.DefaultTransport
		}
		t, ok := base.(*http.Transport)
		if !ok {
			return client, nil
		}
		if d := dialer.Of(t, r); d != nil {
			return client, d
		}
		if !others || !dialer.CanInstall(t) {
			return client, nil
		}
		d := dialer.New(r, o.dialing...)
		own, t := *c, dialer.Clone(t)
		d.Install(t, nil)
		own.Transport = t
		return &own, d
	}
	return client, nil
}

// inMode gives the SDK's own client the timeouts of the config's DefaultsMode. The SDK gives them to the client of each service, but only to connections that it
// makes itself.
func inMode(cfg *aws.Config) aws.HTTPClient {
	mode := cfg.DefaultsMode
	if mode == aws.DefaultsModeAuto {
		mode = defaults.ResolveDefaultsModeAuto(cfg.Region, cfg.RuntimeEnvironment)
	}
	c, own := cfg.HTTPClient.(*awshttp.BuildableClient)
	if cfg.HTTPClient == nil {
		c, own = awshttp.NewBuildableClient(), true
	}
	timeouts, err := defaults.GetModeConfiguration(mode)
	if err != nil || !own { // the legacy mode has none
		return cfg.HTTPClient
	}
	return c.WithDialerOptions(func(nd *net.Dialer) {
		if timeout, ok := timeouts.GetConnectTimeout(); ok {
			nd.Timeout = timeout
		}
	}).WithTransportOptions(func(t *http.Transport) {
		if timeout, ok := timeouts.GetTLSNegotiationTimeout(); ok {
			t.TLSHandshakeTimeout = timeout
		}
	})
}

// dialerOf is what the client's transport connects by, or nil if that is a function of the user's, or none. The SDK's own are the dialer's method, and that in a
// function that notes the address on the SDK's span.
func dialerOf(c *awshttp.BuildableClient, t *http.Transport) *net.Dialer {
	f := runtime.FuncForPC(reflect.ValueOf(t.DialContext).Pointer())
	if f == nil {
		return nil
	}
	switch name := f.Name(); {
	case strings.HasSuffix(name, "net.(*Dialer).DialContext-fm"),
		// "…http.traceDialContext.func1", or "…http.defaultHTTPTransport.traceDialContext.func1" where it is inlined, which is usual
		strings.Contains(name, "/aws-sdk-go-v2/aws/transport/http.") && strings.Contains(name, ".traceDialContext."):
		return c.GetDialer()
	}
	return nil
}

// readTimeout keeps the read timeout that the client's owner has set: the SDK applies it to connections that are made by DialContext only. Older
// versions of the SDK have none.
func readTimeout(c *awshttp.BuildableClient) dialer.Option {
	if with, ok := any(c).(interface{ GetReadTimeout() (time.Duration, bool) }); ok {
		if timeout, ok := with.GetReadTimeout(); ok {
			return dialer.WithReadTimeout(timeout)
		}
	}
	return nil
}

// noteForeign says that a client is one of somebody else's, and what to do.
func noteForeign(r *resolver.Resolver) {
	link.Note(r, "a client's HTTP client has no dialer of azaffinity: calls are routed and fail over if nothing was sent, but paths that die are not noticed: "+
		"use middleware.Attach with the SDK's own HTTP client, or middleware.Client and middleware.WithDialer")
}
