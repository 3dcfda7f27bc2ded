package dialer

import (
	"context"
	"net"
	"net/netip"
	"strings"
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

	hosts hosts
	avoid avoided
	near  *nearest // nil: nobody is chosen for being near

	mu      sync.Mutex // guards targets
	targets map[key]*target
	forgot  time.Duration // when targets were, since started
}

// key is what connections can be exchanged for: those of one transport to one host and port.
type key struct {
	transport *transport
	addr      string
}

// target is a host and port that connections of one transport were made to.
type target struct {
	transport *transport
	addr      string                         // host:port
	host      string                         // of it
	lost      atomic.Int64                   // when something was last sent over a connection that has ended without an answer, since started; 0: never
	died      atomic.Bool                    // the path of one did, and none was made since
	secure    atomic.Bool                    // connections are made by TLS
	made      atomic.Bool                    // a connection was
	home      atomic.Pointer[netip.AddrPort] // that a zonal name of this zone leads to, and connections were tried at under the host
	uses      int                            // dials under way and connections; guarded by the dialer's lock
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

// WithoutNearest has hosts that no endpoint serves connected to as DNS says, even if the kernel's handshake times show that one of their private addresses is
// nearer than the others. Without it, on Linux, connections are made to that address first: see the package's description.
func WithoutNearest() Option {
	return func(d *Dialer) { d.near = nil }
}

// New returns a dialer that shares what it learns with r. A nil r is one that knows no endpoints: everything is dialled as it would be without
// this package.
func New(r *resolver.Resolver, opts ...Option) *Dialer {
	d := &Dialer{
		resolver: r, watch: newWatch(), near: newNearest(),
		targets: map[key]*target{}, avoid: avoided{until: map[hostAt]time.Duration{}},
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
		d.tellLookup(d.lookup)
	}
	return d
}

// tellLookup has the resolver in the background ask for addresses where the dialer does.
func (d *Dialer) tellLookup(by *net.Resolver) {
	link.SetLookup(d.resolver, func(ctx context.Context, host string) ([]netip.Addr, error) {
		return by.LookupNetIP(ctx, "ip", rooted(host))
	})
}

// rooted is a zonal name that is looked up as it stands: one that doesn't exist would be with the machine's search domains behind it, and what answers then is
// somebody else.
func rooted(name string) string { return strings.TrimSuffix(name, ".") + "." }

type asIsKey struct{}

// AsIs returns a context for requests that must not be hurried: connections that are made for them have the transport's own timeouts, and are tried even if
// the name is ejected. It is for requests that nobody sends again elsewhere. Package middleware gives it to those whose host is the user's own choice of a zonal
// name, and to those that can't be sent twice.
func AsIs(ctx context.Context) context.Context { return context.WithValue(ctx, asIsKey{}, true) }

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
