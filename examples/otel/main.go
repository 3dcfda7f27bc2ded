// Command otel shows azaffinity through OpenTelemetry: its metrics beside the SDK's own, from one provider, and the host that
// each request really went to on the SDK's spans, which the SDK itself doesn't put there. AWS's adapters do the rest. Alert
// rules and a dashboard for the metrics are in examples/monitoring.
//
//	go run ./examples/otel         # prints spans and metrics as JSON
//	go run ./examples/otel -lab    # in a VPC in this process, whose zone goes down; prints what is azaffinity's of them
package main

import (
	"context"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/metrics/smithyotelmetrics"
	"github.com/aws/smithy-go/tracing/smithyoteltracing"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/azaffinity/azaffinity/examples/internal/command"
	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

type program struct {
	spans   sdktrace.SpanProcessor
	metrics sdkmetric.Reader
	beat    <-chan time.Time // there is a call at each; it ends when this is closed
}

func (p program) run(ctx context.Context, options ...func(*config.LoadOptions) error) error {
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p.spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(p.metrics))
	defer func() { // after the resolver is closed
		_ = tracers.Shutdown(context.Background())
		_ = meters.Shutdown(context.Background())
	}()

	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return err
	}
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithMeterProvider(smithyotelmetrics.Adapt(meters))))
	if err != nil {
		return err
	}
	defer r.Close()
	defer func() { _ = meters.ForceFlush(context.Background()) }() // r's metrics end with it
	cfg.APIOptions = append(cfg.APIOptions, hostOnSpan)

	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		o.MeterProvider = smithyotelmetrics.Adapt(meters)
		o.TracerProvider = smithyoteltracing.Adapt(tracers)
	})
	for {
		select {
		case _, ok := <-p.beat:
			if !ok {
				return nil
			}
			if _, err := client.ListQueues(ctx, &sqs.ListQueuesInput{}); err != nil {
				log.Print(err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func main() {
	var options []inlab.LoadOption // none, without -lab
	p := program{beat: time.Tick(time.Second)}
	command.Main(inlab.Lab(&options, p.inLab), func(ctx context.Context) error {
		if p.spans == nil {
			if err := p.export(); err != nil {
				return err
			}
		}
		return p.run(ctx, options...)
	})
}

// export has spans and metrics written as JSON. Yours go to a collector.
func (p *program) export() error {
	spans, err := stdouttrace.New()
	if err != nil {
		return err
	}
	metrics, err := stdoutmetric.New()
	if err != nil {
		return err
	}
	p.spans = sdktrace.NewBatchSpanProcessor(spans)
	p.metrics = sdkmetric.NewPeriodicReader(metrics, sdkmetric.WithInterval(10*time.Second))
	return nil
}
