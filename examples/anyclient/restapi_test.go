package anyclient_test

import (
	"context"
	"io"
	"net/http"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const apiHost = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"

// privateAPI gets orders from a private REST API. API Gateway knows by the host which API is meant.
var privateAPI = client{
	endpoints: func(*vpc) ([]lab.Endpoint, error) {
		orders := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `["coffee"]`) })
		return []lab.Endpoint{{Service: "execute-api", Handler: only(apiHost, orders), PrivateDNS: true}}, nil
	},
	connect: func(v *vpc) (call, error) {
		client := &http.Client{Transport: v.dialer.RoundTripper(v.transport())}
		return func(ctx context.Context) error {
			get, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+apiHost+"/prod/orders", nil)
			if err != nil {
				return err
			}
			return do(client, get)
		}, nil
	},
}

// A private REST API of API Gateway.
func Example_privateAPI() {
	show(privateAPI, 20)
	// Output: zone b: 20 of 20 requests
}
