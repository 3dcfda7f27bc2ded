package dialer

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// RoundTripper returns a transport with base's settings for HTTP clients whose hosts can't be rewritten: those of presigned URLs, of a registry, of private APIs,
// of the first AWS SDK for Go. Requests keep their host, in the URL, in its signature and in TLS; what is chosen is the address.
//
// It has two pools of connections, to this zone and to elsewhere. Each request is sent to this zone if one of its host's addresses is there that has not failed,
// and to elsewhere if not: so the zone is left, and come back to, with no connection closed. The limits that base has, such as MaxConnsPerHost and
// MaxIdleConns, count in each pool. If it is proven that nothing of a request was sent, it is sent elsewhere at once, unless its body can't be
// had once more; an address in this zone that says nothing at all costs 0.2 s. Whatever may have been sent is not sent again: the error is the caller's.
//
// A nil base is [http.DefaultTransport]. The connections that base has stay its own, and so does what it sends through a proxy: such requests take a transport
// with base's settings and nothing else. Those that ask for a WebSocket take one of HTTP/1.1, with connections to this zone first. If base connects by a function of its own that is given hosts, or makes its TLS connections by one, all requests
// take one pool. What is returned has the method CloseIdleConnections, which [http.Client] asks for.
func (d *Dialer) RoundTripper(base *http.Transport) http.RoundTripper {
	if base == nil {
		base, _ = http.DefaultTransport.(*http.Transport)
		if base == nil {
			base = &http.Transport{Proxy: http.ProxyFromEnvironment} // somebody has replaced it
		}
	}
	p := &pools{dialer: d, base: base, plain: Clone(base), proxy: base.Proxy}
	p.others, p.in = d.pool(base, anywhere)
	p.upgrades, _ = d.pool(onlyHTTP1(base), anywhere)
	if p.in == nil || p.in.byHost || d.resolver == nil {
		return p
	}
	p.home, _ = d.pool(base, atHome)
	p.in.place = elsewhere
	return p
}

// pool is a transport with base's settings that connects by the dialer to a place; in is nil if it can't.
func (d *Dialer) pool(base *http.Transport, at place) (t *http.Transport, in *transport) {
	t = Clone(base)
	if t.TLSNextProto["h2"] != nil { // of golang.org/x/net/http2, which has one pool for all clones
		t.TLSNextProto, t.ForceAttemptHTTP2 = nil, true
	}
	t.Proxy = nil
	d.Install(t, nil)
	if in = installed(t); in != nil {
		in.asIs, in.place = at != atHome, at
	}
	return t, in
}

// onlyHTTP1 has base's settings without HTTP/2.
func onlyHTTP1(base *http.Transport) *http.Transport {
	t := Clone(base)
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = nil
	}
	return t
}

// pools are the transports of one RoundTripper.
type pools struct {
	dialer   *Dialer
	base     *http.Transport // whose settings the others have
	in       *transport      // of others, which looks hosts up
	home     *http.Transport // to this zone; nil: nothing is known of addresses
	others   *http.Transport // to elsewhere, and to hosts that have no choice
	upgrades *http.Transport // to this zone first, without HTTP/2
	plain    *http.Transport // as base is
	proxy    func(*http.Request) (*url.URL, error)
}

// CloseIdleConnections closes those of all pools that no request uses.
func (p *pools) CloseIdleConnections() {
	for _, t := range []*http.Transport{p.home, p.others, p.upgrades, p.plain} {
		if t != nil {
			t.CloseIdleConnections()
		}
	}
}

// RoundTrip sends a request to this zone, or elsewhere.
func (p *pools) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		return p.others.RoundTrip(req) // its error
	}
	switch {
	case req.URL.Scheme != "http" && req.URL.Scheme != "https": // which somebody has registered, and clones don't have
		return p.base.RoundTrip(req)
	case p.proxied(req):
		return p.plain.RoundTrip(req)
	case strings.EqualFold(req.Header.Get("Upgrade"), "websocket"): // net/http can't ask a DialTLSContext for HTTP/1.1 alone
		return p.upgrades.RoundTrip(req)
	}
	route, home := p.choose(req.Context(), req.URL.Hostname())
	if !home && route.Reason == resolver.Unhealthy && repeatable(req) {
		route, home = route.Probe()
	}
	if home {
		return p.sendHome(req, route)
	}
	return p.sendElsewhere(req, route)
}

// proxied reports whether a request goes through a proxy, or base's function can't say so.
func (p *pools) proxied(req *http.Request) bool {
	if p.proxy == nil {
		return false
	}
	by, err := p.proxy(req)
	return by != nil || err != nil
}

func (p *pools) sendElsewhere(req *http.Request, route resolver.Route) (*http.Response, error) {
	route.Sent()
	begun := time.Now()
	resp, err := p.others.RoundTrip(req)
	judge(req, route, begun, resp, err)
	return resp, err
}

// sendHome sends a request to this zone, and elsewhere if it is proven that nothing of it was sent.
func (p *pools) sendHome(req *http.Request, route resolver.Route) (*http.Response, error) {
	route.Sent()
	sending, body := hold(req)
	begun := time.Now()
	resp, err := p.home.RoundTrip(sending)
	cause, unsent := judge(req, route, begun, resp, err)
	if unsent && req.Context().Err() == nil {
		if again := body.again(req); again != nil {
			return p.sendElsewhere(again, route.FailedOver(cause))
		}
	}
	body.release()
	return resp, err
}

// choose says whether a request for the host goes to this zone. The route is the zero one if no endpoint serves the host, or it has no choice.
func (p *pools) choose(ctx context.Context, host string) (route resolver.Route, home bool) {
	d := p.dialer
	if p.home == nil || !link.Active(d.resolver) {
		return route, false
	}
	defer func() {
		if v := recover(); v != nil {
			link.Panicked(d.resolver, v)
			route, home = resolver.Route{}, false
		}
	}()
	l := d.hosts.of(host)
	if l == nil {
		if l = p.in.learn(ctx, host, learnTimeout); l == nil {
			return route, false
		}
	}
	d.arm(l)
	if len(l.home) == 0 && slices.ContainsFunc(l.addrs, d.atHome) { // which is known only now
		l = p.in.put(host, l.addrs)
	}
	if !l.split() {
		return route, false
	}
	if l.served {
		route = d.resolver.Resolve(host)
		if route.Target != resolver.Zonal {
			return route, false
		}
	}
	for _, ip := range l.home {
		if d.resolver.Locate(ip) == resolver.Home && !d.avoid.has(host, ip) {
			return route, true
		}
	}
	return resolver.Route{}, false
}
