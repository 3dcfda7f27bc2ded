package zone

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
)

// IMDS asks the EC2 instance metadata service for the zone's name and ID, and then for the subnet of the instance's primary
// network interface: one token, five reads, one second at most in all. Without the subnet the answer is as good. It speaks
// IMDSv2 only and doesn't retry. optFns are applied last and can change that, or set an endpoint; the SDK's variables
// AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT and AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE are heeded. All are
// read once, when the source is asked for the first time.
func IMDS(optFns ...func(*imds.Options)) Source { return imdsSource(newConfig(nil), optFns) }

func imdsSource(c config, optFns []func(*imds.Options)) Source {
	client := sync.OnceValue(func() *imds.Client { return newIMDSClient(c.timeout, optFns) })
	return remote{"imds", func(ctx context.Context) (Answer, error) {
		var last exchange
		asked, cancel := context.WithTimeout(context.WithValue(ctx, lastExchange{}, &last), c.timeout)
		defer cancel()
		z, err := last.placement(asked, client())
		switch {
		case err == nil:
			return Answer{Zone: z, Subnets: parseSubnets(last.subnets(asked, client()))}, nil
		case ctx.Err() != nil:
			return Answer{}, fmt.Errorf("IMDS: %w", ctx.Err())
		case asked.Err() != nil || isTimeout(last.err):
			return Answer{}, errors.New("IMDS timed out: in a container, raise the instance's metadata hop limit to 2, or set " + envVar)
		}
		return Answer{}, last.explain(err)
	}}
}

// newIMDSClient makes a client by imds.New: NewFromConfig would bring a config's APIOptions along, ours among them.
func newIMDSClient(timeout time.Duration, optFns []func(*imds.Options)) *imds.Client {
	transport := newTransport()
	// Too small a hop limit swallows the token. Callers that allow IMDSv1 need time left to ask without one.
	transport.ResponseHeaderTimeout = timeout / 2
	own := newClient(transport)
	o := imds.Options{
		HTTPClient:     own,
		Retryer:        aws.NopRetryer{},
		EnableFallback: aws.FalseTernary,
	}
	// The SDK itself takes this one from a config only.
	if strings.EqualFold(os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "IPv6") {
		o.EndpointMode = imds.EndpointModeStateIPv6
	}
	for _, fn := range optFns {
		if fn != nil {
			fn(&o)
		}
	}
	if o.HTTPClient == nil {
		o.HTTPClient = own
	}
	o.HTTPClient = observedClient{o.HTTPClient}
	return imds.New(o)
}

// exchange is the last request that the SDK sent for an ask, and what came of it. The SDK wraps errors about the token
// and about 401 in a type that can't be unwrapped, so its errors don't tell.
type exchange struct {
	request string // "PUT /latest/api/token"
	authed  bool   // it had a token, which IMDS had given
	status  int    // 0: no answer
	flavor  string // of the answer, if it is another cloud's: "Google"
	text    string // what the answer begins with
	err     error  // why there was no answer
}

type lastExchange struct{} // the context's key for *exchange

// placement reads the zone that the instance was placed in. The identity document would be one read less, but has no ID.
func (last *exchange) placement(ctx context.Context, client *imds.Client) (Zone, error) {
	name, err := last.read(ctx, client, "placement/availability-zone")
	if err != nil {
		return Zone{}, err
	}
	if z, err := Parse(name); err != nil || z.Name == "" {
		return Zone{}, fmt.Errorf("placement/availability-zone is %s, not a zone name", quote(name))
	}
	// An ID that isn't there is no error, while one that didn't come is: with the name alone, a VPC that is shared by
	// another account could be taken to have its zones in this account's order.
	id, err := last.read(ctx, client, "placement/availability-zone-id")
	if err != nil && last.status != http.StatusNotFound {
		return Zone{}, err
	}
	return fromMetadata(name, id)
}

// subnets reads the CIDR blocks of the primary network interface's subnet ("Instance metadata categories", EC2 User Guide), as
// far as they are there.
func (last *exchange) subnets(ctx context.Context, client *imds.Client) []string {
	mac, _ := last.read(ctx, client, "mac")
	if addr, err := net.ParseMAC(mac); err != nil || addr.String() != mac { // it becomes part of a path
		return nil
	}
	at := "network/interfaces/macs/" + mac + "/"
	four, err := last.read(ctx, client, at+"subnet-ipv4-cidr-block")
	if err != nil && last.status != http.StatusNotFound { // a subnet may have IPv6 only
		return nil
	}
	six, _ := last.read(ctx, client, at+"subnet-ipv6-cidr-blocks") // one a line
	return strings.Fields(four + "\n" + six)
}

func (last *exchange) read(ctx context.Context, client *imds.Client, path string) (string, error) {
	out, err := client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	if err != nil && last.status == http.StatusUnauthorized {
		// The token expired before its time, as after hibernation. The SDK forgot it and would retry here, were
		// retries not off.
		out, err = client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	}
	if err != nil {
		return "", err
	}
	defer out.Content.Close()
	body, err := readBounded(out.Content)
	return strings.TrimSpace(string(body)), err
}

// explain says what was seen, and what an operator can do.
func (last *exchange) explain(err error) error {
	op := (*smithy.OperationError)(nil)
	switch {
	case last.status != 0 && last.status != http.StatusOK:
		return fmt.Errorf("IMDS: %s: %s", last.seen(), last.remedy())
	case last.err != nil:
		err = withoutURL(last.err)
	case errors.As(err, &op):
		err = op.Err
	}
	return fmt.Errorf("IMDS: %w; is this an EC2 instance with metadata enabled? If not, set %s", err, envVar)
}

func (last *exchange) seen() string {
	s := fmt.Sprintf("%s was answered %d %s", last.request, last.status, http.StatusText(last.status))
	if last.flavor != "" {
		s += ", Metadata-Flavor " + quote(last.flavor)
	}
	if last.text != "" {
		s += ", " + quote(last.text)
	}
	return s
}

// remedy fits what was seen. A 403 has several causes: EC2 gives it if metadata is disabled ("Troubleshoot instance
// metadata", EC2 User Guide), and for a token that is asked for with an X-Forwarded-For, which proxies in front of
// metadata add (kube2iam). Other clouds have metadata at the same address.
func (last *exchange) remedy() string {
	switch {
	case last.flavor != "":
		return "that is another cloud's metadata; set " + envVar
	case last.status == http.StatusForbidden && last.authed:
		return "IMDS gave a token, so a proxy in front of it refuses the path; allow it there, or set " + envVar
	case last.status == http.StatusForbidden:
		return "on EC2, either the instance has metadata disabled or a proxy in front of it (kube2iam, kiam) refuses tokens; " +
			"enable metadata, allow it in the proxy, or set " + envVar
	}
	return "is this an EC2 instance with metadata enabled? If not, set " + envVar
}

// observedClient notes each exchange, and cuts answers off: the SDK reads a body whole before anybody else sees it.
type observedClient struct{ imds.HTTPClient }

func (c observedClient) Do(r *http.Request) (*http.Response, error) {
	resp, err := c.HTTPClient.Do(r)
	token := r.Header.Get("X-Aws-Ec2-Metadata-Token")
	seen := exchange{request: r.Method + " " + r.URL.Path, authed: token != "", err: err}
	if err == nil {
		seen.status = resp.StatusCode
		seen.flavor = resp.Header.Get("Metadata-Flavor")
		body := bufio.NewReader(io.LimitReader(resp.Body, maxAnswer+1))
		if seen.status != http.StatusOK {
			seen.text = beginning(body, token)
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{body, resp.Body}
	}
	if last, ok := r.Context().Value(lastExchange{}).(*exchange); ok {
		*last = seen
	}
	return resp, err
}

// beginning is what a body begins with, if it is text for people and not a page, and without the token, which a confused
// server may echo.
func beginning(body *bufio.Reader, token string) string {
	const enough = 512
	text, _ := body.Peek(enough)
	s := strings.TrimSpace(string(text))
	if strings.HasPrefix(s, "<") {
		return ""
	}
	if token != "" {
		s = strings.ReplaceAll(s, token, "[token]")
	}
	return s
}
