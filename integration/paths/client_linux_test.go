package paths

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	"golang.org/x/sys/unix"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	azone "github.com/azaffinity/azaffinity/resolver/zone"
)

// client is what makes the calls, in a process of its own.
type client struct {
	sqs *sqs.Client
	s3  *s3.Client

	mu  sync.Mutex
	out *json.Encoder
}

// serveOrders is a caller's process: orders come by standard input until that ends, and reports go to standard output. The first says that the caller is
// ready.
func serveOrders() {
	in := json.NewDecoder(os.Stdin)
	c := &client{out: json.NewEncoder(os.Stdout)}
	var s spec
	if err := in.Decode(&s); err != nil {
		c.report(report{Err: err.Error()})
		return
	}
	if s.Procs > 0 {
		runtime.GOMAXPROCS(s.Procs)
	}
	resolver, err := c.connect(s)
	if err != nil {
		c.report(report{Err: err.Error()})
		return
	}
	if resolver != nil {
		defer resolver.Close()
	}
	c.report(report{})
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			return // nobody wants more, or is there
		}
		go c.obey(o)
	}
}

func (c *client) report(r report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.out.Encode(r)
}

// connect makes the SDK's clients, as a program does from what config.LoadDefaultConfig returns.
func (c *client) connect(s spec) (r *resolver.Resolver, err error) {
	cfg := aws.Config{
		Region:      region,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""),
		HTTPClient:  s.httpClient(),
		// LoadDefaultConfig sets these two; a zero Config has no trailing checksums.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	cfg.APIOptions = append(cfg.APIOptions, func(stack *smithymiddleware.Stack) error {
		return stack.Finalize.Insert(attempts{}, "Retry", smithymiddleware.After)
	})
	scheme := "https://"
	if s.Clear {
		scheme = "http://"
	}
	base := vpceName(s.Service, "")
	switch s.Kind {
	case pinned:
		base = vpceName(s.Service, home)
	case azaffinity:
		regional := base
		if s.Service == "s3" {
			regional = "*." + base
		}
		r, err = middleware.Wrap(&cfg, middleware.WithResolver(
			resolver.WithZone(azone.Static(azone.Zone{Name: home})),
			resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: regional}))))
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Ready(ctx); err != nil {
			return r, err
		}
		if !s.Clear {
			base = "" // what the SDK itself resolves
		}
	}
	if base != "" {
		if s.Service == "s3" {
			base = "bucket." + base
		}
		cfg.BaseEndpoint = aws.String(scheme + base)
	}
	c.sqs, c.s3 = sqs.NewFromConfig(cfg), s3.NewFromConfig(cfg)
	return r, nil
}

// httpClient is the SDK's own, with the site's names and authority, and what the spec says.
func (s spec) httpClient() aws.HTTPClient {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(s.Roots))
	secure := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if s.Handshake > 0 {
		secure.VerifyConnection = func(tls.ConnectionState) error {
			burn(s.Handshake)
			return nil
		}
	}
	b := awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
		d.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.DNS)
		}}
		if s.Control {
			d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: 40 * time.Second, Interval: 20 * time.Second, Count: 5}
			d.Control = func(_, _ string, raw syscall.RawConn) (err error) {
				return errors.Join(raw.Control(func(fd uintptr) {
					err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TOS, 0x10)
				}), err)
			}
		}
	})
	return b.WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig = secure
		if s.Conns > 0 {
			t.MaxIdleConnsPerHost, t.MaxIdleConns = s.Conns, 2*s.Conns
		}
		if s.NoLimit {
			t.MaxConnsPerHost = 0
		}
		if s.Clear {
			t.Protocols = new(http.Protocols)
			t.Protocols.SetUnencryptedHTTP2(true)
		}
		if s.Embedded {
			dial := t.DialContext
			t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return struct{ net.Conn }{conn}, nil
			}
		}
	})
}
