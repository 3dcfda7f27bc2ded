package middleware_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// The names that others compile against. What breaks here breaks them.
var (
	_ = zone.Zone{Name: "us-east-1a", ID: "use1-az6"}
	_ interface {
		Zone(context.Context) (zone.Zone, error)
	} = zone.Source(nil)
	_ zone.Source                             = zone.ECS()
	_ zone.Source                             = zone.Lambda()
	_ zone.Source                             = zone.IMDS()
	_ zone.Source                             = zone.Detect()
	_ func(zone.Zone) zone.Source             = zone.Static
	_ func() zone.Source                      = zone.Env
	_ func(...zone.Source) zone.Source        = zone.First
	_                                         = endpoint.Catalog{Endpoints: []endpoint.Endpoint{}, ZoneNames: map[string]string{}}
	_ func(string) (endpoint.Endpoint, error) = endpoint.Parse
	_                                         = endpoint.Endpoint{
		ID: "", Service: "", Regional: "", Zonal: map[string]string{}, Hosts: []string{}, PrivateDNS: true,
	}
	_ interface {
		Endpoints(context.Context) (endpoint.Catalog, error)
	} = endpoint.Source(nil)
	_ func(...endpoint.Endpoint) endpoint.Source = endpoint.Static
	_ func() endpoint.Source                     = endpoint.Env
	_ func(string) endpoint.Source               = endpoint.File

	_ func(...resolver.Option) (*resolver.Resolver, error) = resolver.New
	_ func(zone.Source) resolver.Option                    = resolver.WithZone
	_ func(endpoint.Source) resolver.Option                = resolver.WithEndpoints
	_ func(*slog.Logger) resolver.Option                   = resolver.WithLogger
	_ func(*resolver.Resolver, context.Context) error      = (*resolver.Resolver).Ready
	_ func(*resolver.Resolver, string) resolver.Route      = (*resolver.Resolver).Resolve
	_ func(*resolver.Resolver) resolver.Snapshot           = (*resolver.Resolver).Snapshot
	_ func(*resolver.Resolver, resolver.Mode)              = (*resolver.Resolver).SetMode
	_ func(*resolver.Resolver) error                       = (*resolver.Resolver).Close
	_                                                      = resolver.Route{Host: "", Fallback: "", Target: resolver.Unmatched, Reason: resolver.InZone, Cause: resolver.NoCause, Observed: ""}
	_                                                      = []resolver.Target{resolver.Unmatched, resolver.Regional, resolver.Zonal}
	_                                                      = []resolver.Reason{resolver.InZone, resolver.Unhealthy, resolver.NotInZone, resolver.NoZone, resolver.CrossRegion}
	_                                                      = []resolver.Mode{resolver.Prefer, resolver.Observe, resolver.Off}

	_ func(*resolver.Resolver, time.Time) = (*resolver.Resolver).ShiftAway

	_ func(*[]func(*smithymiddleware.Stack) error, *resolver.Resolver, ...middleware.Option)          = middleware.Append
	_ func(*aws.Config, ...middleware.Option) (*resolver.Resolver, error)                             = middleware.Wrap
	_ func(*aws.Config, *resolver.Resolver, ...middleware.Option)                                     = middleware.Attach
	_ func(smithymiddleware.Metadata) (resolver.Route, bool)                                          = middleware.RouteFrom
	_ func(...resolver.Option) middleware.Option                                                      = middleware.WithResolver
	_ func(*dialer.Dialer) middleware.Option                                                          = middleware.WithDialer
	_ func(aws.HTTPClient, *resolver.Resolver, ...middleware.Option) (aws.HTTPClient, *dialer.Dialer) = middleware.Client

	_ func(*resolver.Resolver, ...dialer.Option) *dialer.Dialer               = dialer.New
	_ func(*dialer.Dialer, *http.Transport, *net.Dialer)                      = (*dialer.Dialer).Install
	_ func(*dialer.Dialer, *http.Transport) http.RoundTripper                 = (*dialer.Dialer).RoundTripper
	_ func(*dialer.Dialer, context.Context, string, string) (net.Conn, error) = (*dialer.Dialer).DialContext
	_ func(*net.Resolver) dialer.Option                                       = dialer.WithNetResolver
	_ func(*dialer.Dialer, context.Context, string) ([]string, error)         = (*dialer.Dialer).LookupHost
)
