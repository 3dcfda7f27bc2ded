package anyclient_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const (
	registryHost = lab.Account + ".dkr.ecr.us-east-1.amazonaws.com"
	image        = "/orders:1"
)

// pull gets an image of two layers from a registry behind ECR's endpoint. ECR answers 403 under any host but the registry's own. There, what
// layers are made of comes from S3, to which the registry redirects: whose endpoint is the next to list.
var pull = client{
	endpoints: func(*vpc) ([]lab.Endpoint, error) {
		images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
		if err := push(images); err != nil {
			return nil, err
		}
		return []lab.Endpoint{{Service: "dkr.ecr", Handler: only(registryHost, images), PrivateDNS: true}}, nil
	},
	connect: func(v *vpc) (call, error) {
		transport := v.dialer.RoundTripper(v.transport())
		return func(ctx context.Context) error {
			img, err := crane.Pull(registryHost+image, crane.WithContext(ctx), crane.WithTransport(transport))
			if err != nil {
				return err
			}
			return validate.Image(img) // reads all of it, and compares the digests
		}, nil
	},
}

func push(images http.Handler) error {
	server := httptest.NewServer(images)
	defer server.Close()
	img, err := random.Image(1000, 2)
	if err != nil {
		return err
	}
	return crane.Push(img, server.Listener.Addr().String()+image)
}

// only answers as a service does that has to be asked under its own host.
func only(host string, service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			asked = r.Host
		}
		if asked != host {
			http.Error(w, fmt.Sprintf("%s is not %s", asked, host), http.StatusForbidden)
			return
		}
		service.ServeHTTP(w, r)
	})
}

// An image from ECR, by go-containerregistry: hello, manifest, config, and two layers, each of them twice, as it comes and unpacked.
func Example_registry() {
	show(pull, 1)
	// Output: zone b: 7 of 7 requests
}
