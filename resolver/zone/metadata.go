package zone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
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

// get asks for u. Neither the URL nor a header's value is in its errors.
func (c config) get(ctx context.Context, u *url.URL, header http.Header) ([]byte, http.Header, error) {
	if err := checkAddress(u); err != nil {
		return nil, nil, err
	}
	asked, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(asked, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, c.explain(ctx, err)
	}
	req.Header = header
	resp, err := newClient(newTransport()).Do(req)
	if err != nil {
		return nil, nil, c.explain(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, statusError(resp.StatusCode)
	}
	body, err := readBounded(resp.Body)
	if err != nil {
		return nil, nil, c.explain(ctx, err)
	}
	return body, resp.Header, nil
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

// maxAnswer bounds what is read of any answer, in bytes. The largest true one is that of an ECS task: ten containers at
// most, with their labels.
const maxAnswer = 64 << 10

func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is larger than %d KiB", maxAnswer>>10)
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

var errNotObject = errors.New("the answer is not a JSON object")

// stringFields returns those top-level fields of a JSON object that are asked for. encoding/json into a struct would
// match names regardless of case and let the last of several win; here a name is matched exactly, and an answer that
// says a thing twice, or says it with anything but a string, is refused.
func stringFields(body []byte, names ...string) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotObject
	}
	fields := make(map[string]string, len(names))
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, errNotObject
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errNotObject
		}
		name, _ := key.(string)
		if !slices.Contains(names, name) {
			continue
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("the answer has two fields %s", name)
		}
		var text *string
		if err := json.Unmarshal(value, &text); err != nil || text == nil {
			return nil, fmt.Errorf("the answer's %s is not a string", name)
		}
		fields[name] = *text
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('}') {
		return nil, errNotObject
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errNotObject
	}
	return fields, nil
}
