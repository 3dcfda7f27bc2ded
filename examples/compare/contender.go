package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"golang.org/x/time/rate"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// The contenders' names. All comparisons are with the first two.
const (
	bare    = "bare SDK"
	pinned  = "pinned zonal name"
	ours    = "azaffinity"
	observe = "azaffinity, observing"
)

var (
	names       = []string{bare, pinned, ours, observe}
	dialerNames = []string{bare, pinned, dialed, nearest} // of tables of their own: they are another way to make the same calls
)

// contender is one way to call AWS.
type contender struct {
	Name   string
	config func() aws.Config            // with an HTTP client of the SDK's own
	base   func(service string) *string // what the program sets as BaseEndpoint; nil: nothing
	dialer *dialer.Dialer               // that the client's transport is of, without the middleware; nil: it isn't
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
	lookup   *net.Resolver
	apart    bool // packets really travel: in the kernel's handshake times zones differ
	resolver func(resolver.Mode) (*resolver.Resolver, error)
}

// contender is one with nothing attached.
func (s surroundings) contender(name string, base func(service string) *string) contender {
	return contender{Name: name, config: s.config, base: base, items: s.items, zone: s.zone, zones: s.zones, limit: s.limit}
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
	all = s.yardsticks()
	for _, with := range []struct {
		name string
		mode resolver.Mode
	}{{ours, resolver.Prefer}, {observe, resolver.Observe}} {
		c := s.contender(with.name, s.regional)
		c.config = wrapped(with.mode)
		all = append(all, c)
	}
	if err != nil {
		close()
		return nil, nil, err
	}
	return all, close, nil
}

// yardsticks are the first two.
func (s surroundings) yardsticks() []contender {
	return []contender{s.contender(bare, s.regional), s.contender(pinned, s.zonal)}
}

// program is a contender with one workload: one process of a service, with its SDK client and its connections.
type program struct {
	calls    func(caller int) call
	client   *http.Client
	deadline time.Duration // of each call
	zone     string
	zones    map[netip.Addr]string
	limit    *rate.Limiter
}

func (c contender) open(w workload, deadline time.Duration) *program {
	cfg := c.config()
	client := c.client(cfg.HTTPClient.(*awshttp.BuildableClient), w.Churn)
	cfg.HTTPClient = client
	return &program{
		calls: w.calls(cfg, c.base(w.Service), c.items), client: client, deadline: deadline,
		zone: c.zone, zones: c.zones(w.Service), limit: c.limit,
	}
}

// client is the SDK's in a form whose connections can be given up between legs. It has a transport of its own, with all settings of the
// SDK's, and the dialer, if one is attached, or the dialer's transport.
func (c contender) client(sdk *awshttp.BuildableClient, churn bool) *http.Client {
	transport := sdk.GetTransport()
	transport.DisableKeepAlives = churn
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // as the SDK's own
	}
	if c.dialer != nil {
		c.dialer.Install(transport, sdk.GetDialer()) // the settings of what the SDK connects by are kept
		client.Transport = c.dialer.RoundTripper(transport)
	}
	return client
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
func (p *program) reconnect() { p.client.CloseIdleConnections() }
