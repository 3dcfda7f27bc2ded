package resolver

import (
	"log/slog"
	"net"
	"time"

	"github.com/aws/smithy-go/metrics"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Option configures [New].
type Option func(*config)

type config struct {
	zone           zone.Source
	endpoints      endpoint.Source
	shifts         []shift.Source
	log            *slog.Logger
	mode           *Mode // nil: not given
	refresh        time.Duration
	forceInterface map[string]bool // by service
	meters         metrics.MeterProvider
	name           string // in metrics
	netResolver    *net.Resolver
}

// defaultRefresh is how old a catalogue may get: endpoints come and go with
// deployments.
const defaultRefresh = 10 * time.Minute

// WithZone says where to learn the zone from. The default is [zone.Detect].
func WithZone(s zone.Source) Option {
	return func(c *config) { c.zone = s }
}

// WithEndpoints says where to learn the interface endpoints from. The default is
// [endpoint.Env].
func WithEndpoints(s endpoint.Source) Option {
	return func(c *config) { c.endpoints = s }
}

// WithShift adds a source that says when this zone is to be left: as long as one of them
// says so, everything goes to regional names, as after [Resolver.ShiftAway]. Sources that need
// not wait are asked before New returns, the others in the background. What a source said
// before holds while it fails. The default is the file that [shift.EnvFile] names, which is
// heeded beside all others.
func WithShift(s shift.Source) Option {
	return func(c *config) { c.shifts = append(c.shifts, s) }
}

// WithRefresh sets how often the endpoints are asked for again: every d, give or
// take a tenth, while there are requests, and with the first request after a pause.
// The default is 10 minutes; a second is the least. What was known before stays in
// use while that fails.
func WithRefresh(d time.Duration) Option {
	return func(c *config) { c.refresh = max(d, time.Second) }
}

// WithLogger logs what the resolver starts with, and changes of its state: when one begins,
// and when it is over. Those of zone and endpoints that were found, changed, lost or found
// again; of zonal names that are ejected, with how long that lasted and what it touched; of
// shifts away from the zone. Nothing is logged per request. The default, and nil, is silence.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) { c.log = l }
}

// WithMode sets the mode to begin with, whatever [EnvMode] says. The default is
// what that says, or [Prefer].
func WithMode(m Mode) Option {
	return func(c *config) { c.mode = &m }
}

// WithInterfaceFor makes requests for the named services ("s3", "dynamodb") use
// their interface endpoints although the VPC has a free gateway endpoint for them, too.
// It matters only for endpoints that were read from AWS's listing: one that is
// listed by hand is used.
func WithInterfaceFor(services ...string) Option {
	return func(c *config) {
		for _, s := range services {
			c.forceInterface[s] = true
		}
	}
}

// WithNetResolver sets who is asked for the addresses of the endpoints' names, for
// [Resolver.Locate], if no dialer uses the resolver: a dialer asks by itself. The default,
// and nil, is [net.DefaultResolver].
func WithNetResolver(n *net.Resolver) Option {
	return func(c *config) {
		if c.netResolver = n; n == nil {
			c.netResolver = net.DefaultResolver
		}
	}
}
