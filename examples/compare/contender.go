package main

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"golang.org/x/time/rate"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// The contenders' names. All comparisons are with the first two.
const (
	bare    = "bare SDK"
	pinned  = "pinned zonal name"
	ours    = "azaffinity"
	observe = "azaffinity, observing"
)

var names = []string{bare, pinned, ours, observe}

// contender is one way to call AWS.
type contender struct {
	Name   string
	config func() aws.Config            // with an HTTP client of the SDK's own
	base   func(service string) *string // what the program sets as BaseEndpoint; nil: nothing
	items  items
	zone   string                                     // its own
	zones  func(service string) map[netip.Addr]string // the endpoint's addresses, and which zone each is in
	limit  *rate.Limiter                              // of calls; nil: none
}

// surroundings are what contenders are made of.
type surroundings struct {
	config   func() aws.Config
	regional func(service string) *string
	zonal    func(service string) *string
	zone     string
	zones    func(service string) map[netip.Addr]string
	limit    *rate.Limiter
	items    items
	resolver func(resolver.Mode) (*resolver.Resolver, error)
}

// contenders makes all four, with resolvers that remember nothing yet. close ends what they have running.
func (s surroundings) contenders() (all []contender, close func(), err error) {
	var resolvers []*resolver.Resolver
	close = func() {
		for _, r := range resolvers {
			_ = r.Close()
		}
	}
	wrapped := func(mode resolver.Mode) func() aws.Config {
		r, e := s.resolver(mode)
		if e != nil {
			err = e
			return s.config
		}
		resolvers = append(resolvers, r)
		return func() aws.Config {
			cfg := s.config()
			middleware.Attach(&cfg, r)
			return cfg
		}
	}
	add := func(name string, config func() aws.Config, base func(string) *string) {
		all = append(all, contender{Name: name, config: config, base: base, items: s.items, zone: s.zone, zones: s.zones, limit: s.limit})
	}
	add(bare, s.config, s.regional)
	add(pinned, s.config, s.zonal)
	add(ours, wrapped(resolver.Prefer), s.regional)
	add(observe, wrapped(resolver.Observe), s.regional)
	if err != nil {
		close()
		return nil, nil, err
	}
	return all, close, nil
}

// program is a contender with one workload: one process of a service, with its SDK client and its connections.
type program struct {
	calls     func(caller int) call
	transport *http.Transport
	deadline  time.Duration // of each call
	zone      string
	zones     map[netip.Addr]string
	limit     *rate.Limiter
}

func (c contender) open(w workload, deadline time.Duration) *program {
	cfg := c.config()
	client, transport := plain(cfg.HTTPClient.(*awshttp.BuildableClient))
	transport.DisableKeepAlives = w.Churn
	cfg.HTTPClient = client
	return &program{
		calls: w.calls(cfg, c.base(w.Service), c.items), transport: transport, deadline: deadline,
		zone: c.zone, zones: c.zones(w.Service), limit: c.limit,
	}
}

// plain is the SDK's client in a form whose connections can be given up between legs. It has a transport of its own, with all settings of the
// SDK's, and the dialer, if one is attached.
func plain(sdk *awshttp.BuildableClient) (*http.Client, *http.Transport) {
	transport := sdk.GetTransport()
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // as the SDK's own
	}, transport
}

// sample is one call, as its caller saw it.
type sample struct {
	Round int
	At    time.Duration // when it began, since its round did
	Took  time.Duration
	Zone  string // that its last connection was to; empty: none, or not known
	Home  bool   // that is the own zone
	Err   error
}

// measure makes one call.
func (p *program) measure(ctx context.Context, c call, round int, began time.Time) sample {
	if p.limit != nil {
		if err := p.limit.Wait(ctx); err != nil {
			return sample{Round: round, At: time.Since(began), Err: err}
		}
	}
	var zone atomic.Value
	zone.Store("")
	ctx, cancel := context.WithTimeout(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		remote, err := netip.ParseAddrPort(got.Conn.RemoteAddr().String())
		if err == nil {
			zone.Store(p.zones[remote.Addr().Unmap()])
		}
	}}), p.deadline)
	defer cancel()
	start := time.Now()
	err := c(ctx)
	s := sample{Round: round, At: start.Sub(began), Took: time.Since(start), Zone: zone.Load().(string), Err: err}
	s.Home = s.Zone != "" && s.Zone == p.zone
	return s
}

// reconnect gives up all connections.
func (p *program) reconnect() { p.transport.CloseIdleConnections() }
