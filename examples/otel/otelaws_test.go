package main

//lint:file-ignore SA1019 that otelaws is deprecated, and in use all the same, is what this is about

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.opentelemetry.io/contrib/instrumentation/github.com/aws/aws-sdk-go-v2/otelaws"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/azaffinity/azaffinity/examples/internal/inlabtest"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given a client with otelaws, which nobody looks after anymore and many have, then hostOnSpan works with it as well.
func TestOtelaws(t *testing.T) {
	v := inlabtest.Start(t)
	recorder := tracetest.NewSpanRecorder()
	cfg := v.Config()
	otelaws.AppendMiddlewares(&cfg.APIOptions, otelaws.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))))
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithZone(zone.Static(zone.Zone{Name: v.Home.Name}))))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cfg.APIOptions = append(cfg.APIOptions, hostOnSpan)
	if _, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, span := range recorder.Ended() {
		if got, want := fmt.Sprint(span.Name(), sends(t, span)), fmt.Sprint("SQS.ListQueues", []string{v.ZonalName("sqs", v.Home.Name)}); got != want {
			t.Errorf("got a span %s, want %s", got, want)
		}
	}
	if n := len(recorder.Ended()); n != 1 {
		t.Errorf("got %d spans, want one for the call", n)
	}
}
