// Command ecs is an HTTP service for ECS, on Fargate or EC2, whose calls stay in the Availability Zone of its task. The
// task metadata tell the zone, task-definition.json the endpoints; neither takes a permission. GET /queues calls SQS, and
// /debug/azaffinity shows which host it called, and why.
//
//	go run ./examples/ecs -lab   # in a VPC that it starts itself: curl localhost:8080/queues localhost:8080/debug/azaffinity
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/examples/internal/command"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/debug"
)

var loadConfig = config.LoadDefaultConfig // -lab has its own

// serve serves until the context ends, and then finishes what it has begun.
func serve(ctx context.Context, listener net.Listener) error {
	cfg, err := loadConfig(ctx)
	if err != nil {
		return err
	}
	// It fails for what the task definition says wrong: then the deployment should, too. What changes is logged, and no call.
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithLogger(slog.Default())))
	if err != nil {
		return err
	}
	defer r.Close()
	queues := sqs.NewFromConfig(cfg)

	mux := http.NewServeMux()
	mux.Handle("GET /debug/azaffinity", debug.Handler(r)) // for you: have the load balancer forward the other paths only
	mux.HandleFunc("GET /queues", func(w http.ResponseWriter, req *http.Request) {
		out, err := queues.ListQueues(req.Context(), &sqs.ListQueuesInput{})
		if err != nil {
			log.Print(err)
			http.Error(w, "the queues can't be listed", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(out.QueueUrls)
	})

	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.Background(), 25*time.Second) // of 30 that ECS has by default
		defer cancel()
		done <- server.Shutdown(patience)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}

func main() {
	listen := flag.String("listen", ":8080", "address to serve at")
	command.Main(startLab, func(ctx context.Context) error {
		listener, err := net.Listen("tcp", *listen)
		if err != nil {
			return err
		}
		log.Print("listening on ", listener.Addr())
		return serve(ctx, listener)
	})
}
