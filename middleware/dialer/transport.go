package dialer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// transport is an http.Transport that the dialer is installed in, or what there is in place of one.
type transport struct {
	dialer *Dialer
	http   *http.Transport // whose settings of TLS are used; nil: none
	lookup *net.Resolver
	// by makes a connection to host:port, or address:port. One that knows hosts only, as a dialer of the user's own may, is given those.
	by     dialFunc
	byHost bool
	// usual is what connects to hosts that no endpoint serves; nil: by.
	usual   dialFunc
	timeout time.Duration // of by, with DNS; 0: it has its own
	place   place         // that is connected to
	nd      *net.Dialer   // that by is made from; nil: it is the user's
	asIs    bool          // nobody sends what fails elsewhere, so nothing is hurried: see AsIs
	// answered is the user's OnProxyConnectResponse.
	answered func(ctx context.Context, proxy *url.URL, request *http.Request, answer *http.Response) error
}

// newTransport is one that connects by nd.
func newTransport(d *Dialer, t *http.Transport, nd *net.Dialer) *transport {
	own := *nd
	in := &transport{dialer: d, http: t, lookup: own.Resolver, timeout: own.Timeout, nd: nd}
	switch {
	case in.lookup == nil:
		in.lookup = d.lookup
	case d.resolver != nil:
		d.tellLookup(in.lookup)
	}
	own.Resolver, own.Control, own.ControlContext = in.lookup, nil, control(nd)
	in.by = own.DialContext
	return in
}

// Install has t connect by the dialer, which keeps all of its settings. nd is what t connects by at present: its settings are kept, too. nil
// means that t has a DialContext of its own, which is asked for hosts by their names, as before, or none. A t with a DialTLSContext or DialTLS of
// its own is left as it is: see [CanInstall].
//
// It has to come before t's first request and before t is cloned; a clone has the dialer, too. What TLSClientConfig and TLSHandshakeTimeout
// are at this moment counts, also for clones. With HTTP/2 enabled, requests with an Upgrade header need a transport of their own, as net/http can't ask for
// HTTP/1.1 alone. Package middleware does this to the HTTP clients of AWS SDK configs; it is for those who build
// clients themselves.
func (d *Dialer) Install(t *http.Transport, nd *net.Dialer) {
	if !CanInstall(t) {
		return
	}
	before := installed(t)
	if before == nil {
		before = taken(t, nd)
	}
	in := *before
	if in.nd != nil { // by and lookup are the dialer's
		in = *newTransport(d, t, in.nd)
		in.usual, in.answered = before.usual, before.answered
	}
	in.dialer, in.http = d, t
	t.DialContext, t.DialTLSContext, t.OnProxyConnectResponse = in.dial, in.dialTLS, in.proxyAnswered
}

// taken is what t connects by before a dialer is installed in it.
func taken(t *http.Transport, nd *net.Dialer) *transport {
	//lint:ignore SA1019 it is deprecated, and works
	if t.TLSClientConfig == nil && t.DialContext == nil && t.Dial == nil && t.Protocols == nil {
		t.ForceAttemptHTTP2 = true // net/http would have enabled HTTP/2 by itself; with a dialer it has to be told
	}
	if nd == nil && t.DialContext != nil && same(t.DialContext, defaultDial) {
		nd = defaultDialer
	}
	in := &transport{nd: nd, answered: t.OnProxyConnectResponse}
	switch {
	case t.DialContext != nil && nd != nil:
		in.usual = t.DialContext
	case t.DialContext != nil:
		in.by, in.byHost = t.DialContext, true
	case nd != nil:
	//lint:ignore SA1019 as above
	case t.Dial != nil:
		//lint:ignore SA1019 as above
		dial := t.Dial
		in.by, in.byHost = func(_ context.Context, network, address string) (net.Conn, error) { return dial(network, address) }, true
	default:
		in.nd = &net.Dialer{}
	}
	return in
}

// Clone is t.Clone() that speaks HTTP/2 if t does. A transport that net/http has enabled HTTP/2 in by itself leaves its protocols in the clone's TLS settings, and
// not what speaks them: a server that chose HTTP/2 would not be understood.
func Clone(t *http.Transport) *http.Transport {
	c := t.Clone()
	if c.TLSNextProto == nil && t.TLSNextProto["h2"] != nil {
		c.ForceAttemptHTTP2 = true
	}
	return c
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// defaultDial is what http.DefaultTransport and its clones connect by, unless somebody has changed that, and defaultDialer has its settings.
var (
	defaultDial = func() dialFunc {
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			return t.DialContext
		}
		return nil
	}()
	defaultDialer = &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
)

// same reports whether two functions are one and the same, and bound to the same: all methods DialContext of net.Dialers have the same code.
func same(f, g dialFunc) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(&f)) == *(*unsafe.Pointer)(unsafe.Pointer(&g))
}

// CanInstall reports whether [Dialer.Install] does anything: a transport that makes its TLS connections by a function of its own has to go on
// doing so.
func CanInstall(t *http.Transport) bool {
	//lint:ignore SA1019 it is deprecated, and used
	return t != nil && (t.DialTLSContext == nil && t.DialTLS == nil || installed(t) != nil)
}

// Of returns the dialer for r that is installed in t, or nil.
func Of(t *http.Transport, r *resolver.Resolver) *Dialer {
	if in := installed(t); in != nil && in.dialer.resolver == r {
		return in.dialer
	}
	return nil
}

type installedKey struct{}

// installed asks the function that t connects by whether it is one of ours.
func installed(t *http.Transport) (in *transport) {
	if t == nil || t.DialTLSContext == nil {
		return nil
	}
	if reflect.ValueOf(t.DialTLSContext).Pointer() == reflect.ValueOf((*transport)(nil).dialTLS).Pointer() {
		_, _ = t.DialTLSContext(context.WithValue(context.Background(), installedKey{}, &in), "", "")
	}
	return in
}

// proxyAnswered is the transport's OnProxyConnectResponse. It returns the error for a proxy that doesn't connect to a host, which net/http would make a text of.
func (in *transport) proxyAnswered(ctx context.Context, proxy *url.URL, request *http.Request, answer *http.Response) error {
	if in.answered != nil {
		if err := in.answered(ctx, proxy, request, answer); err != nil {
			return err
		}
	}
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[proxy.Scheme] // others answer no CONNECT
	}
	to := in.dialer.use(in, net.JoinHostPort(proxy.Hostname(), port), proxy.Hostname())
	defer in.dialer.unuse(to)
	host, _, err := net.SplitHostPort(request.Host) // CONNECT's URL has none
	if err != nil {
		host = request.Host
	}
	return in.failed(to, host, errors.New(answer.Status))
}

// control is the control function of a net.Dialer that also keeps the socket where race put it.
func control(nd *net.Dialer) func(context.Context, string, string, syscall.RawConn) error {
	users, users2 := nd.Control, nd.ControlContext
	return func(ctx context.Context, network, address string, raw syscall.RawConn) error {
		if s, ok := ctx.Value(socketKey{}).(*socket); ok {
			s.raw.Store(&raw)
		}
		switch {
		case users2 != nil:
			return users2(ctx, network, address, raw)
		case users != nil:
			return users(network, address, raw)
		}
		return nil
	}
}

// dial is the transport's DialContext.
func (in *transport) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil || !strings.HasPrefix(network, "tcp") {
		return in.usually(ctx, network, addr) // a Unix socket, say
	}
	c, _, err := in.connect(ctx, network, addr, nil)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// usually connects as it would be without this package.
func (in *transport) usually(ctx context.Context, network, addr string) (net.Conn, error) {
	if in.usual != nil {
		return in.usual(ctx, network, addr)
	}
	return in.by(ctx, network, addr)
}

// dialTLS is the transport's DialTLSContext. net/http needs the *tls.Conn itself.
func (in *transport) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	if to, ok := ctx.Value(installedKey{}).(**transport); ok {
		*to = in
		return nil, errEjected
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	_, secure, err := in.connect(ctx, network, addr, in.config(host))
	if err != nil {
		return nil, err
	}
	return secure, nil
}

// config is that of a TLS connection to a host.
func (in *transport) config(host string) *tls.Config {
	config := &tls.Config{} // Go's defaults, as net/http has them
	if in.http != nil && in.http.TLSClientConfig != nil {
		config = in.http.TLSClientConfig.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	return config
}

// served reports whether an endpoint serves the host, so that there is something known of where it leads.
func (in *transport) served(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil || in.dialer.resolver == nil {
		return false
	}
	return link.Serves(in.dialer.resolver, host)
}
