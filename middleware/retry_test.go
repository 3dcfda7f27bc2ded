package middleware

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Given a call whose connection breaks, when the error is handed to the SDK, then it takes one of the quota until the next attempt has ended, and no other.
func TestABrokenCallHoldsOneOfTheQuota(t *testing.T) {
	c := &call{shared: &shared{resolver: newTestResolver(t)}}
	attempt := func(err error) {
		t.Helper()
		req := smithyhttp.NewStackRequest().(*smithyhttp.Request)
		req.URL.Scheme, req.URL.Host = "https", service
		req.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
		_, _, got := c.HandleFinalize(t.Context(), smithymiddleware.FinalizeInput{Request: req}, smithymiddleware.FinalizeHandlerFunc(
			func(context.Context, smithymiddleware.FinalizeInput) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
				return smithymiddleware.FinalizeOutput{}, smithymiddleware.Metadata{}, err
			}))
		if !errors.Is(got, err) {
			t.Fatalf("got %v, want %v", got, err)
		}
	}
	q := c.quotaOf("vpce-0a1b2c3d4e5f60718")
	for _, step := range []struct {
		err  error
		held int
	}{
		{sending(io.EOF), 1},
		{sending(syscall.ECONNRESET), 0}, // of the attempt that went elsewhere: nothing is held any more
		{nil, 0},
	} {
		attempt(step.err)
		if got := len(q.free); got != step.held {
			t.Errorf("after %v: %d of the quota are held, want %d", step.err, got, step.held)
		}
	}
}
