package middleware

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/resolver"
)

// EnvMode is the environment variable that sets the mode of a wrapped config:
// "prefer" (the default), "observe" or "off".
const EnvMode = "AZAFFINITY_MODE"

// Option configures [Append] and [Wrap].
type Option func(*options)

type options struct {
	resolver []resolver.Option
}

// WithResolver passes options to the resolver that [Wrap] makes. They come after
// what the environment says. For [Append], which is given a resolver, it means
// nothing.
func WithResolver(opts ...resolver.Option) Option {
	return func(o *options) { o.resolver = append(o.resolver, opts...) }
}

// Wrap has all clients that are made from cfg afterwards send their requests to
// this zone's names of the interface endpoints. Where the zone and the endpoints
// come from is in the environment (see [resolver.New]) or in the options.
//
// It returns at once; the zone is found in the background. An error means that
// something in the configuration is wrong; cfg is then as it was, and works
// without azaffinity. Close the resolver to stop what runs in the background.
func Wrap(cfg *aws.Config, opts ...Option) (*resolver.Resolver, error) {
	if cfg == nil {
		return nil, errors.New("middleware: Wrap needs a config")
	}
	var o options
	if s := os.Getenv(EnvMode); s != "" {
		mode, err := resolver.ParseMode(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", EnvMode, err)
		}
		o.resolver = append(o.resolver, resolver.WithMode(mode))
	}
	for _, opt := range opts {
		opt(&o)
	}
	r, err := resolver.New(o.resolver...)
	if err != nil {
		return nil, err
	}
	Append(&cfg.APIOptions, r, opts...)
	return r, nil
}

// Append adds the middleware to the API options of a config, of one client or of
// one call:
//
//	middleware.Append(&cfg.APIOptions, r)
//	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) { middleware.Append(&o.APIOptions, r) })
//	client.SendMessage(ctx, in, func(o *sqs.Options) { middleware.Append(&o.APIOptions, r) })
//
// Added in several of these places, it acts once, with the resolver that was
// added last: the one closest to the call.
func Append(apiOptions *[]func(*smithymiddleware.Stack) error, r *resolver.Resolver, opts ...Option) {
	if apiOptions == nil || r == nil {
		return
	}
	// Copies of a config share the array behind the slice: appending in place
	// would write into theirs.
	*apiOptions = append(slices.Clip(*apiOptions), func(stack *smithymiddleware.Stack) error {
		attach(stack, r)
		return nil // an error would be the operation's
	})
}

// signing is where we stand right in front of: the endpoint is resolved, host
// prefix and checksums are done, and what is signed is what we make of it. A
// stack without it presigns, or talks to something that isn't AWS.
const signing = "Signing"

func attach(stack *smithymiddleware.Stack, r *resolver.Resolver) {
	if had, ok := stack.Finalize.Get(id); ok {
		if c, ok := had.(*call); ok {
			c.resolver = r
		}
		return
	}
	if _, ok := stack.Finalize.Get(signing); !ok {
		return
	}
	_, streams := stack.Finalize.Get("InitializeStreamWriter")
	c := &call{resolver: r, streams: streams}
	// Neither can fail: the step that the first is relative to was just seen.
	_ = stack.Finalize.Insert(c, signing, smithymiddleware.Before)
	_ = stack.Deserialize.Add((*connections)(c), smithymiddleware.After)
}

type routeKey struct{}

// RouteFrom says where the call went whose result metadata this is: the route of
// its last attempt. ok is false where the middleware was not on the call's
// stack. The SDK drops the metadata of calls that fail: see [RoutedError].
func RouteFrom(metadata smithymiddleware.Metadata) (route resolver.Route, ok bool) {
	route, ok = metadata.Get(routeKey{}).(resolver.Route)
	return route, ok
}

// RoutedError stands in the chain of the error of a call that failed, around
// what the SDK said, and tells where the call's last attempt went:
//
//	var routed *middleware.RoutedError
//	if errors.As(err, &routed) {
//		log.Print(routed.Route.Host, " ", routed.Route.Reason)
//	}
type RoutedError struct {
	Route resolver.Route
	Err   error
}

// Error is the text of the error inside, unchanged.
func (e *RoutedError) Error() string { return e.Err.Error() }

// Unwrap returns the error inside.
func (e *RoutedError) Unwrap() error { return e.Err }
