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

// Option changes how [ECS], [Lambda] and [Detect] ask.
type Option interface{ apply(*options) }

// AllowAnyAddress lets ECS_CONTAINER_METADATA_URI_V4 and AWS_LAMBDA_METADATA_API lead to any host. By default they
// must name a loopback or link-local IP address, as they do on AWS: whoever can set an environment variable should not
// thereby receive the Lambda token. For emulators on another host.
func AllowAnyAddress() Option { return anyAddress{} }

type anyAddress struct{}

func (anyAddress) apply(o *options) { o.anyAddress = true }

type options struct {
	anyAddress bool
	timeout    time.Duration // of one ask; tests shorten it
}

func newOptions(opts []Option) options {
	o := options{timeout: askTimeout}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	return o
}

// askTimeout is what one ask of one metadata service may take in all. They answer in milliseconds or not at all.
const askTimeout = time.Second

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

// get asks for u, of which the scheme is http or https and the host is one that the options allow. Neither the URL nor
// a header's value is in its errors.
func (o options) get(ctx context.Context, u *url.URL, header http.Header) ([]byte, http.Header, error) {
	if err := o.checkAddress(u); err != nil {
		return nil, nil, err
	}
	asked, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(asked, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, o.explain(ctx, err)
	}
	req.Header = header
	resp, err := newClient(newTransport()).Do(req)
	if err != nil {
		return nil, nil, o.explain(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, statusError(resp.StatusCode)
	}
	body, err := readBounded(resp.Body)
	if err != nil {
		return nil, nil, o.explain(ctx, err)
	}
	return body, resp.Header, nil
}

// explain tells the end of the caller's patience from the end of ours.
func (o options) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if isTimeout(err) {
		return fmt.Errorf("no answer within %v", o.timeout)
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

func (o options) checkAddress(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("not an http URL with a host")
	}
	if o.anyAddress {
		return nil
	}
	if u.Hostname() == "localhost" {
		u.Host = strings.Replace(u.Host, "localhost", "127.0.0.1", 1) // a DNS server may have another opinion
		return nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if ip = ip.Unmap(); err != nil || !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
		return errors.New("not a loopback or link-local IP address: refused, unless zone.AllowAnyAddress() is given")
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
