package middleware

import (
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/resolver"
)

// EnvMode is the environment variable that sets the mode of a wrapped config:
// "prefer" (the default), "observe" or "off".
const EnvMode = resolver.EnvMode

// Option configures [Append] and [Wrap].
type Option func(*options)

type options struct {
	resolver []resolver.Option
	settings settings
}

// settings are what the calls that one Append is for have in common.
type settings struct {
	budget, silence time.Duration
	classify        Classifier
	watch           watch
}

// doubts is after what silence a path is looked at, so that it is known to be dead
// when the silence has been long enough: that takes 0.6 s.
// 0: never.
func (s *settings) doubts() time.Duration {
	return max(s.silence-600*time.Millisecond, s.silence*2/5)
}

const (
	// DefaultConnectBudget is how long a zonal name has for DNS, TCP and TLS
	// together. Inside a zone that takes a few milliseconds.
	DefaultConnectBudget = time.Second
	// DefaultSilence is how long a request may go unanswered on a path that has
	// died.
	DefaultSilence = time.Second
)

// WithResolver passes options to the resolver that [Wrap] makes. They come after
// what the environment says. For [Append], which is given a resolver, it means
// nothing.
func WithResolver(opts ...resolver.Option) Option {
	return func(o *options) { o.resolver = append(o.resolver, opts...) }
}

// WithConnectBudget sets how long a zonal name has to be connected to, DNS and TLS
// included, before the request goes to the fallback instead. 0 is the default,
// [DefaultConnectBudget]; less than 0 leaves it to the HTTP client's own timeouts.
func WithConnectBudget(d time.Duration) Option {
	return func(o *options) { o.settings.budget = d }
}

// WithSilence sets how long a request that was sent may go unanswered on a path
// that has died, before the SDK is told to retry it. Whether the path has died is
// found out in the last 0.6 s of that, by TCP connections of our own to the same
// address, which are closed at once: one at a time for an address and, while they
// are answered, one a second. A service that is only slow is left alone. 0 is the
// default, [DefaultSilence]; a millisecond is the least; less than 0 never looks.
func WithSilence(d time.Duration) Option {
	return func(o *options) { o.settings.silence = d }
}

// WithClassifier replaces [Classify]. nil is the default.
func WithClassifier(c Classifier) Option {
	return func(o *options) { o.settings.classify = c }
}

func newOptions(opts []Option) *options {
	o := &options{}
	for _, opt := range opts {
		opt(o)
	}
	s := &o.settings
	if s.budget == 0 {
		s.budget = DefaultConnectBudget
	}
	if s.silence == 0 {
		s.silence = DefaultSilence
	}
	if s.classify == nil {
		s.classify = Classify
	}
	s.budget, s.silence = max(s.budget, 0), max(s.silence, 0)
	if s.silence > 0 {
		s.silence = max(s.silence, time.Millisecond)
	}
	s.watch.period = DefaultConnectBudget / lookShare
	for _, d := range []time.Duration{s.budget, s.silence} {
		if d > 0 {
			s.watch.period = min(s.watch.period, max(d/lookShare, time.Millisecond))
		}
	}
	return o
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
	r, err := resolver.New(newOptions(opts).resolver...)
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
	settings := &newOptions(opts).settings
	// Copies of a config share the array behind the slice: appending in place
	// would write into theirs.
	*apiOptions = append(slices.Clip(*apiOptions), func(stack *smithymiddleware.Stack) error {
		attach(stack, r, settings)
		return nil // an error would be the operation's
	})
}

// signing is where we stand right in front of: the endpoint is resolved, host
// prefix and checksums are done, and what is signed is what we make of it. A
// stack without it presigns, or talks to something that isn't AWS.
const signing = "Signing"

func attach(stack *smithymiddleware.Stack, r *resolver.Resolver, s *settings) {
	if had, ok := stack.Finalize.Get(id); ok {
		if c, ok := had.(*call); ok {
			c.resolver, c.settings = r, s
		}
		return
	}
	_, streams := stack.Finalize.Get("InitializeStreamWriter")
	_, encodes := stack.Finalize.Get(encoder)
	c := &call{resolver: r, settings: s, streams: streams, encodes: encodes}
	if err := stack.Finalize.Insert(c, signing, smithymiddleware.Before); err != nil {
		return // it signs nothing
	}
	_ = stack.Deserialize.Add((*connections)(c), smithymiddleware.After) // never fails
	if encodes {                                                         // nor does this: it was just seen
		_ = stack.Finalize.Insert((*originals)(c), encoder, smithymiddleware.Before)
	}
	nameUserAgent(stack)
}

type routeKey struct{}

// RouteFrom says where the call went whose result metadata this is: the route of
// its last attempt. ok is false where the middleware was not on the call's
// stack. The SDK drops the metadata of calls that fail: see [RoutedError].
func RouteFrom(metadata smithymiddleware.Metadata) (route resolver.Route, ok bool) {
	if last, ok := metadata.Get(routeKey{}).(*resolver.Route); ok {
		return *last, true
	}
	return resolver.Route{}, false
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
