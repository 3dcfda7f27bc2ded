package dialer

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// DefaultConnectTimeout is how long a zonal name has for DNS, TCP and TLS together. Inside a zone that takes a few milliseconds.
const DefaultConnectTimeout = time.Second

// Dialer makes connections for HTTP clients, see the package's description. It is made by [New] and safe for concurrent use.
type Dialer struct {
	resolver *resolver.Resolver
	lookup   *net.Resolver
	timeout  time.Duration // to connect to a zonal name; 0: none
	reading  time.Duration // of TLS connections; 0: none
	watch    *watch
	plain    *transport // what DialContext connects with

	mu      sync.Mutex
	targets map[key]*target
	forgot  time.Duration                // when targets were, since started
	avoid   map[netip.Addr]time.Duration // until when, since started
}

// key is what connections can be exchanged for: those of one transport to one host and port.
type key struct {
	transport *transport
	addr      string
}

// target is a host and port that connections of one transport were made to.
type target struct {
	transport *transport
	addr      string       // host:port
	host      string       // of it
	lost      atomic.Int64 // when something was last sent over a connection that has ended without an answer, since started; 0: never
	died      atomic.Bool  // the path of one did, and none was made since
	secure    atomic.Bool  // connections are made by TLS
	made      atomic.Bool  // a connection was
	uses      int          // dials under way and connections; guarded by the dialer's lock
}

// Option configures [New].
type Option func(*Dialer)

// WithNetResolver sets who is asked for addresses, if the [net.Dialer] given to [Dialer.Install] has no Resolver of its own. The default,
// and nil, is [net.DefaultResolver].
func WithNetResolver(r *net.Resolver) Option {
	return func(d *Dialer) { d.lookup = r }
}

// WithConnectTimeout sets how long a zonal name has to be connected to: DNS, TCP and TLS together. Time in which this process did not run
// does not count, and once the server has begun to answer the TLS handshake, its own timeout decides. 0 is the default,
// [DefaultConnectTimeout]; less than 0 leaves it to the timeouts of the transport and its net.Dialer. Other names always have those.
func WithConnectTimeout(timeout time.Duration) Option {
	return func(d *Dialer) { d.timeout = timeout }
}

// WithReadTimeout sets how long a TLS connection of the clients that the dialer is installed in may deliver nothing while it is read: what
// awshttp.BuildableClient's WithReadTimeout does to connections that it makes. The default, and 0, is no end.
func WithReadTimeout(timeout time.Duration) Option {
	return func(d *Dialer) { d.reading = timeout }
}

// New returns a dialer that shares what it learns with r. A nil r is one that knows no endpoints: everything is dialled as it would be without
// this package.
func New(r *resolver.Resolver, opts ...Option) *Dialer {
	d := &Dialer{
		resolver: r, watch: newWatch(),
		targets: map[key]*target{}, avoid: map[netip.Addr]time.Duration{},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(d)
		}
	}
	if d.lookup == nil {
		d.lookup = net.DefaultResolver
	}
	if d.timeout == 0 {
		d.timeout = DefaultConnectTimeout
	}
	d.timeout = max(d.timeout, 0)
	d.plain = newTransport(d, nil, &net.Dialer{})
	d.plain.asIs = true
	if r != nil {
		link.SetChecker(r, d.check)
	}
	return d
}

// DialContext connects to an address, as [net.Dialer.DialContext] does: to that of the host's addresses that are healthy first. It is for clients
// that take such a function: database drivers, gRPC (with a "passthrough:///" target).
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d.plain.dial(ctx, network, address)
}

// LookupHost looks a host's addresses up, as [net.Resolver.LookupHost] does, and returns them in the order in which they should be tried. It is
// for clients that connect by themselves.
func (d *Dialer) LookupHost(ctx context.Context, host string) ([]string, error) {
	ips, err := d.lookup.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	hosts := make([]string, 0, len(ips))
	for _, ip := range d.order(ips) {
		hosts = append(hosts, ip.Unmap().String())
	}
	return hosts, nil
}

type asIsKey struct{}

// AsIs returns a context for requests that must not be hurried: connections that are made for them have the transport's own timeouts, and are tried even if
// the name is ejected. It is for requests that nobody sends again elsewhere. Package middleware gives it to those whose host is the user's own choice of a zonal
// name, and to those that can't be sent twice.
func AsIs(ctx context.Context) context.Context { return context.WithValue(ctx, asIsKey{}, true) }

// order puts the addresses that failed lately last.
func (d *Dialer) order(ips []netip.Addr) []netip.Addr {
	good, bad := make([]netip.Addr, 0, len(ips)), []netip.Addr(nil)
	for _, ip := range ips {
		if ip = ip.Unmap(); d.shouldAvoid(ip) {
			bad = append(bad, ip)
		} else {
			good = append(good, ip)
		}
	}
	return append(good, bad...)
}

const (
	// avoidFor is how long an address is tried last, after it failed.
	avoidFor = 30 * time.Second
	maxAvoid = 256 // how many are remembered
)

// shouldAvoid reports whether connections to an address should be made to another one, if there is one.
func (d *Dialer) shouldAvoid(ip netip.Addr) bool {
	if d.resolver != nil && link.SuspectAddr(d.resolver, ip) {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	until, ok := d.avoid[ip]
	if ok && time.Since(started) >= until {
		delete(d.avoid, ip)
		return false
	}
	return ok
}

// avoidAddr has an address tried last for a while.
func (d *Dialer) avoidAddr(ip netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Since(started)
	if len(d.avoid) >= maxAvoid {
		for a, until := range d.avoid {
			if until <= now {
				delete(d.avoid, a)
			}
		}
	}
	if len(d.avoid) < maxAvoid {
		d.avoid[ip] = now + avoidFor
	}
}

// maxTargets is how many targets are remembered without a connection.
const maxTargets = 1024

// use is the target of a transport's connections to host:port. Whoever has it says when it needs it no longer.
func (d *Dialer) use(t *transport, addr, host string) *target {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := key{t, addr}
	to := d.targets[k]
	if to == nil {
		if len(d.targets) >= maxTargets {
			for k, old := range d.targets {
				if old.uses == 0 {
					delete(d.targets, k)
				}
			}
			d.forgot = time.Since(started)
		}
		to = &target{transport: t, addr: addr, host: host}
		to.lost.Store(int64(d.forgot)) // it may be one that was forgotten
		d.targets[k] = to
	}
	to.uses++
	return to
}

func (d *Dialer) unuse(to *target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	to.uses--
}
