package middleware

import (
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// Option configures [Wrap], [Attach], [Append] and [Client].
type Option func(*options)

type options struct {
	resolver []resolver.Option
	dialing  []dialer.Option
	dialer   *dialer.Dialer // that the client's transport has
	without  bool           // the client's transport is to have none
}

func newOptions(opts []Option) *options {
	o := &options{}
	for _, opt := range opts {
		if opt != nil {
			opt(o)
		}
	}
	return o
}

// WithResolver passes options to the resolver that [Wrap] makes. They come after what the environment says. The others are given a resolver, so it means
// nothing to them.
func WithResolver(opts ...resolver.Option) Option {
	return func(o *options) { o.resolver = append(o.resolver, opts...) }
}

// WithDialerOptions passes options to the dialer that [Wrap], [Attach] and [Client] make.
func WithDialerOptions(opts ...dialer.Option) Option {
	return func(o *options) { o.dialing = append(o.dialing, opts...) }
}

// WithDialer tells [Append] that the transport of the HTTP client has this dialer: [Client] made it so, or [dialer.Dialer.Install]. With [Attach]
// and [Wrap] it means that they need not do it.
func WithDialer(d *dialer.Dialer) Option {
	return func(o *options) { o.dialer = d }
}

// WithoutDialer leaves the HTTP client as it is. It is treated as one of somebody else's, see the package's description.
func WithoutDialer() Option {
	return func(o *options) { o.without = true }
}
