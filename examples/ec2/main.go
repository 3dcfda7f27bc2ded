// Command ec2 is a plain web service that keeps its AWS calls in its own Availability Zone: middleware.Wrap after the
// config is loaded, Close when it ends, and nothing else. On an EC2 instance the zone comes from instance metadata, and
// AZAFFINITY_ENDPOINTS says which endpoints there are. Each answer tells by which host S3 and SQS were called.
//
//	go run ./examples/ec2 -lab         # in a VPC in this process; then: curl -d coffee localhost:8080/orders
//	go run ./examples/ec2 -lab=down    # the endpoints of its zone refuse
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/azaffinity/azaffinity/examples/internal/command"
	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver/debug"
)

func run(ctx context.Context, listener net.Listener, options ...func(*config.LoadOptions) error) error {
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return err
	}
	r, err := middleware.Wrap(&cfg)
	if err != nil {
		return fmt.Errorf("azaffinity: %w", err)
	}
	defer r.Close()

	mux := http.NewServeMux()
	mux.Handle("POST /orders", newOrders(cfg))
	mux.Handle("GET /debug/azaffinity", debug.Handler(r)) // not for the public
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		<-ctx.Done()
		_ = server.Shutdown(context.Background()) // calls in progress end first, then Close
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-drained
	return nil
}

func main() {
	listen := flag.String("listen", "localhost:8080", "address to serve at")
	var options []inlab.LoadOption // none, without -lab
	command.Main(inlab.Lab(&options), func(ctx context.Context) error {
		listener, err := net.Listen("tcp", *listen)
		if err != nil {
			return err
		}
		log.Print("listening on ", listener.Addr())
		return run(ctx, listener, options...)
	})
}
