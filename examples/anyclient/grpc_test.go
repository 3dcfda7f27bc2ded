package anyclient_test

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const grpcService = "vpce-svc-0a1b2c3d4e5f60701"

// grpcHealth asks a partner's gRPC server how it is. gRPC would look hosts up by itself; of the scheme "passthrough" it leaves them to the dialer. It makes
// one connection for all calls, and a new one when that ends.
var grpcHealth = client{
	endpoints: func(v *vpc) ([]lab.Endpoint, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		server := grpc.NewServer()
		healthpb.RegisterHealthServer(server, health.NewServer())
		go func() { _ = server.Serve(ln) }()
		v.atEnd(server.Stop)
		return []lab.Endpoint{{
			Service: grpcService, Server: ln.Addr().String(), Port: 50051, Hosts: []string{"rpc.partner.example"}, PrivateDNS: true,
		}}, nil
	},
	connect: func(v *vpc) (call, error) {
		conn, err := grpc.NewClient(
			"passthrough:///rpc.partner.example:50051",
			grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
				return v.dialer.DialContext(ctx, "tcp", addr)
			}),
			grpc.WithTransportCredentials(insecure.NewCredentials()), // this server has no certificate
			grpc.WithDefaultServiceConfig(retryUnavailable),
		)
		if err != nil {
			return nil, err
		}
		v.atEnd(func() { _ = conn.Close() })
		client := healthpb.NewHealthClient(conn)
		return func(ctx context.Context) error {
			_, err := client.Check(ctx, &healthpb.HealthCheckRequest{})
			return err
		}, nil
	},
}

// retryUnavailable has gRPC make a call again that was on a connection when it broke.
const retryUnavailable = `{"methodConfig": [{"name": [{}], "retryPolicy": {
	"maxAttempts": 3, "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]
}}]}`

// gRPC, to a partner's service.
func Example_grpc() {
	show(grpcHealth, 20)
	// Output: zone b: 1 of 1 connections
}
