package lab

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/logging"
)

// Config is what config.LoadDefaultConfig would return to a program in the Home zone: the Region, credentials of the Account, SDKClient.
func (l *Lab) Config() aws.Config { return l.ConfigIn(l.home.Name) }

// ConfigIn is Config in another zone.
func (l *Lab) ConfigIn(zone string) aws.Config {
	return aws.Config{
		Region: l.region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey, Source: "lab", AccountID: Account}, nil
		}),
		HTTPClient: l.SDKClientIn(zone),
		Logger:     logging.Nop{},
		// LoadDefaultConfig sets these three; a zero Config has no trailing checksums and no account hosts.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		AccountIDEndpointMode:      aws.AccountIDEndpointModePreferred,
	}
}

// SDKClient is the SDK's own HTTP client, as LoadDefaultConfig has it, for a program in the Home zone: names are the lab's, the lab's CA is the only
// one trusted, no proxy is used. Every call returns a client with a connection pool of its own, whose connections the lab's end closes, those too that are
// still being made.
func (l *Lab) SDKClient() *awshttp.BuildableClient { return l.SDKClientIn(l.home.Name) }

// SDKClientIn is SDKClient in another zone. In a zone that does not exist every request fails.
func (l *Lab) SDKClientIn(zone string) *awshttp.BuildableClient {
	from := l.zone(zone)
	client := awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
		d.Resolver = l.Resolver()
		//lint:ignore SA1019 it is deprecated, and ends what net/http doesn't: connecting goes on when the request that wanted it has been given up
		d.Cancel = l.ctx.Done()
		if from != nil && from.ip.IsValid() {
			d.LocalAddr = &net.TCPAddr{IP: from.ip.AsSlice()}
		}
	})
	return client.WithTransportOptions(func(t *http.Transport) {
		t.Proxy = nil
		t.TLSClientConfig.RootCAs = l.CA()
		t.ForceAttemptHTTP2 = l.http2
		if !l.dialsAlone(from) {
			t.DialContext = l.DialContextIn(zone)
		}
	})
}

// dialsAlone reports whether a net.Dialer with the lab's DNS gets from a zone to all front ends.
func (l *Lab) dialsAlone(from *zone) bool {
	if from == nil || l.network != nil && from != l.home {
		return false
	}
	for _, e := range l.endpoints {
		for _, f := range e.fronts {
			if f.addr.Port() != cmp.Or(e.Port, 443) {
				return false
			}
		}
	}
	return true
}

// HTTPClient is a plain http.Client that sees the network as SDKClient does: what a program may have in place of the SDK's own. Its limits and timeouts
// are those of the SDK's. Every call returns a client with a connection pool of its own; the lab's end is its end too.
func (l *Lab) HTTPClient() *http.Client { return l.HTTPClientIn(l.home.Name) }

// HTTPClientIn is HTTPClient in another zone. In a zone that does not exist every request fails.
func (l *Lab) HTTPClientIn(zone string) *http.Client {
	t := &http.Transport{
		DialContext:           l.DialContextIn(zone),
		TLSClientConfig:       &tls.Config{RootCAs: l.CA(), MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:     l.http2,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   10,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	l.mu.Lock()
	l.transports = append(l.transports, t)
	l.mu.Unlock()
	return &http.Client{
		Transport: t,
		// As the SDK's own client: a service's redirect is the caller's to see.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// DialContextIn is the dialer of a program in a zone, for HTTP clients other than the lab's. It asks the lab's DNS for the name and tries the addresses in
// turn, as net.Dialer does. An address and port of a front end, or another loopback address, is dialled as it is.
func (l *Lab) DialContextIn(zone string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := l.dial(ctx, zone, network, addr)
		var opErr *net.OpError
		if err != nil && !errors.As(err, &opErr) {
			err = &net.OpError{Op: "dial", Net: network, Err: err} // what net.Dialer wraps its errors in, those of DNS included
		}
		return conn, err
	}
}

// dialTimeout is that of the SDK's own HTTP client, for all addresses together.
const dialTimeout = 30 * time.Second

func (l *Lab) dial(ctx context.Context, zone, network, addr string) (net.Conn, error) {
	from := l.zone(zone)
	if from == nil {
		return nil, fmt.Errorf("lab: no zone %q", zone)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()

	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, err
		}
		if !ip.IsLoopback() && l.frontAt(ip) == nil {
			return nil, fmt.Errorf("lab: %s is not in this VPC", addr)
		}
		return l.connect(ctx, from, network, netip.AddrPortFrom(ip, uint16(n)))
	}

	// The dot at the end keeps the machine's search domains out of it.
	ips, err := l.Resolver().LookupIPAddr(ctx, host+".")
	if err != nil {
		var dnsErr *net.DNSError
		if errors.As(err, &dnsErr) {
			dnsErr.Name = host
		}
		return nil, err
	}
	e, _, _ := l.find(host)
	var first error
	for i, ip := range ips {
		if first != nil && ctx.Err() != nil {
			break
		}
		try, cancel := context.WithDeadline(ctx, fairShare(ctx, len(ips)-i))
		conn, err := l.connect(try, from, network, e.address(ip.IP))
		cancel()
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// fairShare is how net.Dialer divides its time among the addresses that are left: evenly, but no less than two seconds each.
func fairShare(ctx context.Context, left int) time.Time {
	deadline, _ := ctx.Deadline()
	remaining := time.Until(deadline)
	return time.Now().Add(min(remaining, max(remaining/time.Duration(left), 2*time.Second)))
}

// connect dials from the zone's own address, by which the other side knows the distance.
func (l *Lab) connect(ctx context.Context, from *zone, network string, to netip.AddrPort) (net.Conn, error) {
	var dialer net.Dialer
	if l.network == nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from.ip.AsSlice()}
	} else if from != l.home {
		return nil, fmt.Errorf("lab: on a network of its own, clients are in the home zone only, not in %s", from.Name)
	}
	conn, err := dialer.DialContext(ctx, network, to.String())
	if err == nil {
		if f := l.frontAt(to.Addr()); f != nil {
			// The kernel shook hands at once; on a network that takes a round trip.
			l.clock.sleep(2 * l.delay(from.ip, f.zone))
		}
	}
	return conn, err
}

// address is where the endpoint's front end of the zone with this address listens.
func (e *endpoint) address(ip net.IP) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip.To4())
	for _, f := range e.fronts {
		if f.addr.Addr() == addr {
			return f.addr
		}
	}
	return netip.AddrPortFrom(addr, 0)
}
