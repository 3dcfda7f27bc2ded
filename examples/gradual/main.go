// Command gradual puts azaffinity into a service step by step: into one client, then into single calls of another, and all
// of that in the mode Observe first, in which everything is decided and counted, and nothing changed. GET /mode shows what
// would have happened. PUT /mode/prefer makes it happen, in the running process, and PUT /mode/off takes it back.
//
//	go run ./examples/gradual -lab    # in a VPC in this process; then: curl -d coffee localhost:8080/orders
//	curl localhost:8080/mode; curl -X PUT localhost:8080/mode/prefer
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/examples/internal/command"
	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

func run(ctx context.Context, listener net.Listener, options ...func(*config.LoadOptions) error) error {
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return err
	}
	r, err := resolver.New(resolver.WithMode(resolver.Observe))
	if err != nil {
		return err
	}
	defer r.Close()

	// All calls of one client: it has a copy of the config.
	c := cfg.Copy()
	middleware.Attach(&c, r)
	// Of another, the calls that are given the option. They have an HTTP client of their own, since that makes the connections.
	client, dialer := middleware.Client(cfg.HTTPClient, r)
	s := service{
		messages: sqs.NewFromConfig(c),
		objects:  s3.NewFromConfig(cfg),
		inZone: func(o *s3.Options) {
			o.HTTPClient = client
			middleware.Append(&o.APIOptions, r, middleware.WithDialer(dialer))
		},
		bucket: os.Getenv("BUCKET"), queue: os.Getenv("QUEUE_URL"),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.order)
	mux.HandleFunc("GET /mode", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, summary(r.Snapshot())) })
	mux.HandleFunc("PUT /mode/{mode}", func(w http.ResponseWriter, req *http.Request) { // not for the public
		mode, err := resolver.ParseMode(req.PathValue("mode"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.SetMode(mode)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
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
