package middleware

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/resolver"
)

// Wrap makes a resolver and attaches it to cfg: all clients that are made from cfg afterwards send their requests to this zone's names of the interface
// endpoints. Where the zone and the endpoints come from is in the environment (see [resolver.New]) or in the options.
//
// It returns at once; the zone is found in the background. An error means that something in the configuration is wrong; cfg is then as it was, and works
// without azaffinity. Close the resolver to stop what runs in the background.
func Wrap(cfg *aws.Config, opts ...Option) (*resolver.Resolver, error) {
	if cfg == nil {
		return nil, errors.New("middleware: Wrap needs a config")
	}
	r, err := resolver.New(newOptions(opts).resolver...)
	if err != nil {
		return nil, err
	}
	Attach(cfg, r, opts...)
	return r, nil
}

// Attach does what [Wrap] does, with a resolver that several configs may share: those of other accounts or Regions, or a copy for one client:
//
//	c := cfg.Copy()
//	middleware.Attach(&c, r)
//	queue := sqs.NewFromConfig(c)
//
// It appends the middleware, and puts a dialer into cfg.HTTPClient if that is nil or a BuildableClient, which is what config.LoadDefaultConfig leaves
// there; all its settings stay. An HTTP client of another kind stays as it is: see [Client]. What is in cfg.HTTPClient has to be there before,
// and settings of TLS on it, too.
func Attach(cfg *aws.Config, r *resolver.Resolver, opts ...Option) {
	if cfg == nil || r == nil {
		return
	}
	o := newOptions(opts)
	if o.dialer == nil && !o.without {
		cfg.HTTPClient, o.dialer = install(inMode(cfg), r, o, false)
	}
	o.append(&cfg.APIOptions, r)
}

// Append adds the middleware to the API options of a config, of one client or of one call:
//
//	client, d := middleware.Client(httpClient, r)
//	queue := sqs.NewFromConfig(cfg, func(o *sqs.Options) {
//		o.HTTPClient = client
//		middleware.Append(&o.APIOptions, r, middleware.WithDialer(d))
//	})
//
// It is for those who build clients themselves; [Attach] does both. Without [WithDialer] the HTTP client is one of somebody else's, see the package's
// description. Added in several places, it acts once, with the resolver that was added last: the one closest to the call.
func Append(apiOptions *[]func(*smithymiddleware.Stack) error, r *resolver.Resolver, opts ...Option) {
	newOptions(opts).append(apiOptions, r)
}

func (o *options) append(apiOptions *[]func(*smithymiddleware.Stack) error, r *resolver.Resolver) {
	if apiOptions == nil || r == nil {
		return
	}
	s := &shared{resolver: r, foreign: o.dialer == nil}
	if s.foreign {
		noteForeign(r)
	}
	// Copies of a config share the array behind the slice: appending in place would write into theirs.
	*apiOptions = append(slices.Clip(*apiOptions), func(stack *smithymiddleware.Stack) error {
		attach(stack, s)
		return nil // an error would be the operation's
	})
}

// shared is what the calls of one Append have in common.
type shared struct {
	resolver *resolver.Resolver
	foreign  bool        // the HTTP client doesn't have our dialer, as far as we were told
	mute     atomic.Bool // it doesn't report when it has a connection, so that its silence proves nothing
	quotas
}

const (
	id = "AZAffinity"
	// signing is where we stand right in front of: the endpoint is resolved, host prefix and checksums are done, and what is signed is what we make of
	// it. A stack without it presigns, or talks to something that isn't AWS.
	signing = "Signing"
)

func attach(stack *smithymiddleware.Stack, s *shared) {
	if had, ok := stack.Finalize.Get(id); ok {
		if c, ok := had.(*call); ok {
			c.shared = s
			c.attachForeign(stack)
		}
		return
	}
	c := &call{shared: s}
	_, c.body.streams = stack.Finalize.Get("InitializeStreamWriter")
	_, c.body.encoded = stack.Finalize.Get(encoder)
	if step, ok := stack.Deserialize.Get("RequestResponseLogger"); ok {
		logger, ok := step.(*smithyhttp.RequestResponseLogger)
		c.body.logged = !ok || logger.LogRequestWithBody
	}
	if err := stack.Finalize.Insert(c, signing, smithymiddleware.Before); err != nil {
		return // it signs nothing
	}
	c.attachForeign(stack)
	if c.body.encoded {
		_ = stack.Finalize.Insert((*originalBody)(c), encoder, smithymiddleware.Before)
	}
	nameUserAgent(stack)
}

// attachForeign puts the step for foreign clients next to the HTTP client: a logger further out plays requests to a transport in memory.
func (c *call) attachForeign(stack *smithymiddleware.Stack) {
	if _, had := stack.Deserialize.Get(id); c.foreign && !had {
		_ = stack.Deserialize.Add((*foreign)(c), smithymiddleware.After)
	}
}

type routeKey struct{}

// RouteFrom says where the call went whose result metadata this is: the route of its last attempt. ok is false if the middleware was not on the call's
// stack. The SDK drops the metadata of calls that fail: see [RoutedError].
func RouteFrom(metadata smithymiddleware.Metadata) (route resolver.Route, ok bool) {
	if last, ok := metadata.Get(routeKey{}).(*resolver.Route); ok {
		return *last, true
	}
	return resolver.Route{}, false
}

// RoutedError stands in the chain of the error of a call that failed, around what the SDK said, and says where the call's last attempt went:
//
//	var routed *middleware.RoutedError
//	if errors.As(err, &routed) {
//		log.Print(routed.Route)
//	}
type RoutedError struct {
	Route resolver.Route
	Err   error
}

// Error is the text of the error inside, unchanged.
func (e *RoutedError) Error() string { return e.Err.Error() }

// Unwrap returns the error inside.
func (e *RoutedError) Unwrap() error { return e.Err }
