package foreign

import (
	"testing"

	ddaws "github.com/DataDog/dd-trace-go/contrib/aws/aws-sdk-go-v2/v2/aws"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/ext"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/mocktracer"
	"github.com/aws/aws-sdk-go-v2/aws"
	//lint:ignore SA1019 it is no longer supported, and widely used
	"go.opentelemetry.io/contrib/instrumentation/github.com/aws/aws-sdk-go-v2/otelaws"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// tracer instruments a config.
type tracer struct {
	attach func(*aws.Config)
	spans  func() int // that have ended
}

var untraced = tracer{attach: func(*aws.Config) {}}

func opentelemetry(*testing.T) tracer {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	return tracer{
		attach: func(cfg *aws.Config) {
			otelaws.AppendMiddlewares(&cfg.APIOptions, otelaws.WithTracerProvider(provider))
		},
		spans: func() int { return len(spans.Ended()) },
	}
}

// allSpans are those of all programs: Datadog has one tracer in a process.
var allSpans = mocktracer.Start()

func datadog(t *testing.T) tracer {
	return tracer{
		attach: func(cfg *aws.Config) { ddaws.AppendMiddleware(cfg, ddaws.WithService(t.Name())) },
		spans: func() (n int) {
			for _, span := range allSpans.FinishedSpans() {
				if span.Tag(ext.ServiceName) == t.Name() {
					n++
				}
			}
			return n
		},
	}
}
