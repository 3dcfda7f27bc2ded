// Package link is what package resolver lets package dialer see and do, and
// nobody else: the health of zonal names as code that connects to them sees it.
//
// The resolver sets the variables when it is initialized. They take the
// *resolver.Resolver as any, since package resolver imports this one. For anything
// else, and for a nil resolver, they do nothing.
package link

import (
	"context"
	"errors"
	"net/netip"
)

// Cause is a resolver.Cause.
type Cause = uint8

// Name is the health of a zonal name, or of one host under it. It is safe for
// concurrent use.
type Name interface {
	// Healthy reports whether the name is not ejected.
	Healthy() bool
	// Suspect reports whether the name is ejected, or has failed since it last
	// answered: its addresses are tried last.
	Suspect() bool
	// Connected says that a connection to the name was made, at this address.
	Connected(netip.Addr)
	// Addrs is where the name led lately: at most eight addresses, which the caller
	// must not change.
	Addrs() []netip.Addr
	// Failed says that the name could not be connected to, or that the path to it
	// is dead. A cause of 0 changes nothing.
	Failed(cause Cause, err error)
	// Down reports whether the name is ejected for something that a background
	// connection can disprove.
	Down() bool
}

// NameOf returns the zonal name that host is, or lies under as
// "photos.bucket.<zonal name>" does, or nil if the resolver routes to none such. It
// takes one map lookup a label, and does not allocate for a zonal name itself.
var NameOf func(resolver any, host string) Name

// SuspectAddr reports whether some suspect zonal name leads to addr, or the resolver is
// shifted away from the zone that addr is in. While nothing is suspect it costs one atomic
// load.
var SuspectAddr func(resolver any, addr netip.Addr) bool

// SetChecker registers how to find out in the background whether a name can be
// connected to: DNS, TCP and TLS. The last one registered is asked first, and the
// others if it returns ErrNotChecked. The resolver runs it on goroutines that Close
// stops and waits for: about every ten seconds for names that are Down, which its nil
// brings back, and soon after a request could not be the first to try a name.
var SetChecker func(resolver any, check func(ctx context.Context, name string) error)

// ErrNotChecked is what a checker says of a name that it doesn't know how to connect to. Then a request has to be the probe.
var ErrNotChecked = errors.New("azaffinity: nothing has connected to this name")

type firstKey struct{}

// First returns a context for the check of a name that nobody has connected to yet: any transport will do.
func First(ctx context.Context) context.Context { return context.WithValue(ctx, firstKey{}, true) }

// IsFirst reports whether a context is First's.
func IsFirst(ctx context.Context) bool { return ctx.Value(firstKey{}) != nil }

// Serves reports whether requests for the host are routed to an endpoint at present, whatever its names have been doing: there is something known of
// where the host leads.
var Serves func(resolver any, host string) bool

// Active reports whether the mode is Prefer: what is known may change where connections lead.
var Active func(resolver any) bool

// Note shows a text in the resolver's snapshots, and logs it, once.
var Note func(resolver any, text string)

// Panicked counts a panic that was recovered while a request was routed, and logs the first.
var Panicked func(resolver any, p any)

// NameAt returns the zonal name in this process's zone that leads to addr, or nil: that address's health is the name's. It takes one map
// lookup, and does not allocate.
var NameAt func(resolver any, addr netip.Addr) Name

// SetLookup registers who is asked for the addresses of zonal names and their regional names in the background, and begins to ask. The last
// one registered is asked first, and the others if it returns an error or no address; the last four are kept. Without one, it is
// whom resolver.WithNetResolver says, else net.DefaultResolver. The context ends after five seconds, or with the resolver.
var SetLookup func(resolver any, lookup func(ctx context.Context, host string) ([]netip.Addr, error))

// Learned says where a zonal name or its endpoint's regional name leads at present, or a host under one, as somebody has just looked up. Of a
// zonal name the addresses are in this process's zone from now on; of a regional name those that are not, once something is known of the
// zonal name, are in another. Other names change nothing: a service host may lead anywhere. Addresses are added to those that were known.
var Learned func(resolver any, name string, addrs []netip.Addr)

// Closing returns a context that ends when the resolver is closed.
var Closing func(resolver any) context.Context

// Nearest says that connections to a host that no endpoint serves are made to addrs first, and why: for routes, snapshots and logs. No
// address says that they no longer are made to any first. The slice stays as it is. Beyond 256 hosts it does nothing. The text is for people, and not for secrets.
var Nearest func(resolver any, host string, addrs []netip.Addr, why string)
