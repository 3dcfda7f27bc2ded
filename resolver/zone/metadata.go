package zone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Option configures [ECS], [Lambda] and [Detect].
type Option func(*config)

// WithTimeout sets how long one ask of one metadata service may take in all. The default, also if d is not positive, is
// one second: metadata services answer in milliseconds or not at all. More is for containers that share an agent with
// many others, or a fraction of a CPU; the AWS CLI has AWS_METADATA_SERVICE_TIMEOUT for them.
func WithTimeout(d time.Duration) Option {
	return func(c *config) {
		if d > 0 {
			c.timeout = d
		}
	}
}

type config struct{ timeout time.Duration }

func newConfig(opts []Option) config {
	c := config{timeout: time.Second}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

// newTransport returns a transport for metadata: no proxy, since the answer is this machine's and a proxy's would be
// another's; no kept connections, since nobody asks again soon, their goroutines would outlive the ask, and Lambda
// freezes the process between calls. A dial ends with its request only while connections are not kept.
func newTransport() *http.Transport {
	return &http.Transport{
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxAnswer,
	}
}

// newClient returns a client that hands out a redirect instead of following it: metadata services don't redirect,
// captive portals do.
func newClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// statusError is an answer other than 200.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("the answer was %d %s", int(e), http.StatusText(int(e)))
}

// get asks for u and gives read the body of a 200. Neither the URL nor a header's value is in its errors, and what read
// makes of the body isn't either: get's errors are those of the network.
func (c config) get(ctx context.Context, u *url.URL, header http.Header, read func(body io.Reader)) (http.Header, error) {
	if err := checkAddress(u); err != nil {
		return nil, err
	}
	asked, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(asked, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	req.Header = header
	resp, err := newClient(newTransport()).Do(req)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, statusError(resp.StatusCode)
	}
	body := &remembering{Reader: resp.Body}
	read(body)
	if body.err != nil {
		return nil, c.explain(ctx, body.err)
	}
	return resp.Header, nil
}

// remembering keeps the error that a body ended with, if it ended early.
type remembering struct {
	io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// explain tells the end of the caller's patience from the end of ours.
func (c config) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if isTimeout(err) {
		return fmt.Errorf("no answer within %v", c.timeout)
	}
	return withoutURL(err)
}

// withoutURL is what net/http reports, less the method and the URL in front of it.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func isTimeout(err error) bool {
	var timeout net.Error // context.DeadlineExceeded is one as well
	return errors.As(err, &timeout) && timeout.Timeout()
}

// maxAnswer bounds what is kept of any answer, in bytes.
const maxAnswer = 64 << 10

var errTooLarge = fmt.Errorf("the answer is larger than %d KiB", maxAnswer>>10)

func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errTooLarge
	}
	return body, nil
}

// checkAddress refuses hosts other than loopback and link-local IP addresses, which is what the variables name on AWS:
// whoever can set an environment variable should not thereby receive the Lambda token.
func checkAddress(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("not an http URL with a host")
	}
	if u.Hostname() == "localhost" {
		u.Host = strings.Replace(u.Host, "localhost", "127.0.0.1", 1) // a DNS server may have another opinion
		return nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if ip = ip.Unmap(); err != nil || !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
		return errors.New("not a loopback or link-local IP address: refused, since on AWS it is always one")
	}
	return nil
}
