package main

import (
	"context"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// hostOnSpan puts the host that a request is sent to on the span there is: that of the attempt with AWS's adapter, that of
// the call with otelaws. Each send is an event, too, so that a request which went to the fallback has two.
func hostOnSpan(stack *smithymiddleware.Stack) error {
	return stack.Deserialize.Add(smithymiddleware.DeserializeMiddlewareFunc("HostOnSpan", func(
		ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler,
	) (smithymiddleware.DeserializeOutput, smithymiddleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			host := attribute.String("server.address", req.URL.Host)
			span := trace.SpanFromContext(ctx)
			span.SetAttributes(host)
			span.AddEvent("sent", trace.WithAttributes(host))
		}
		return next.HandleDeserialize(ctx, in)
	}), smithymiddleware.After) // next to the HTTP client
}
