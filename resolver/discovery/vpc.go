package discovery

import (
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
)

// findVPC says whose endpoints to ask for. A process doesn't move to another
// VPC, so what was found once is kept.
func (s *Source) findVPC(ctx context.Context) (string, error) {
	s.mu.Lock()
	vpc := s.vpc
	s.mu.Unlock()
	if vpc != "" {
		return vpc, nil
	}
	vpc, err := s.imds(ctx)
	if err != nil {
		return "", fmt.Errorf("the VPC is not known: %w", err)
	}
	s.mu.Lock()
	s.vpc = vpc
	s.mu.Unlock()
	return vpc, nil
}

// isVPC accepts the old ids of eight hexadecimal digits, and those of seventeen.
func isVPC(id string) bool {
	digits, ok := strings.CutPrefix(id, "vpc-")
	return ok && 0 < len(digits) && len(digits) <= 32 && strings.Trim(digits, "0123456789abcdef") == ""
}

const (
	maxIMDSAsk    = time.Second
	maxIMDSAnswer = 1 << 10
)

// newIMDS returns a function that asks instance metadata for the VPC of the
// instance's primary network interface ("Instance metadata categories": mac,
// network/interfaces/macs/mac/vpc-id): one token, two reads, a second at most in
// all. IMDSv2 only, no retries, no proxy. Of the config only its settings for
// IMDS are used: its API options would bring routing along.
func newIMDS(cfg aws.Config) func(context.Context) (string, error) {
	client := sync.OnceValue(func() *imds.Client {
		return imds.NewFromConfig(aws.Config{ConfigSources: cfg.ConfigSources}, func(o *imds.Options) {
			o.HTTPClient = metadataClient{&http.Client{
				// No kept connections: nobody asks again.
				Transport:     &http.Transport{DisableKeepAlives: true},
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			}}
			o.Retryer = aws.NopRetryer{}
			o.EnableFallback = aws.FalseTernary
			// The SDK takes this one from a loaded config only.
			if o.EndpointMode == imds.EndpointModeStateUnset && strings.EqualFold(os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "IPv6") {
				o.EndpointMode = imds.EndpointModeStateIPv6
			}
		})
	})
	return func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, maxIMDSAsk)
		defer cancel()
		vpc, err := primaryVPC(ctx, client())
		if err != nil {
			return "", fmt.Errorf("IMDS: %w; where there is no instance metadata, use WithVPC", err)
		}
		return vpc, nil
	}
}

func primaryVPC(ctx context.Context, client *imds.Client) (string, error) {
	mac, err := read(ctx, client, "mac")
	if err != nil {
		return "", err
	}
	if addr, err := net.ParseMAC(mac); err != nil || addr.String() != mac {
		return "", fmt.Errorf("mac is %.40q, not a MAC address", mac) // it becomes part of a path
	}
	vpc, err := read(ctx, client, "network/interfaces/macs/"+mac+"/vpc-id")
	if err != nil {
		return "", err
	}
	if !isVPC(vpc) {
		return "", fmt.Errorf("vpc-id is %.40q, not the id of a VPC", vpc)
	}
	return vpc, nil
}

func read(ctx context.Context, client *imds.Client, path string) (string, error) {
	out, err := client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	if err != nil {
		if ctx.Err() != nil {
			// Too small a hop limit swallows the token ("Troubleshoot instance metadata").
			return "", errors.New("no answer in time: in a container, raise the instance's metadata hop limit to 2")
		}
		return "", err
	}
	defer out.Content.Close()
	body, err := io.ReadAll(out.Content)
	return strings.TrimSpace(string(body)), err
}

// metadataClient cuts answers off: the SDK reads a body whole before anybody
// else sees it.
type metadataClient struct{ *http.Client }

func (c metadataClient) Do(r *http.Request) (*http.Response, error) {
	resp, err := c.Client.Do(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxIMDSAnswer), resp.Body}
	return resp, nil
}
