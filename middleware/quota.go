package middleware

import (
	"context"
	"os"
	"sync"
	"time"
)

// The SDK's retry quota is 500 tokens; a retry takes 5 of them, or 14 with AWS_NEW_RETRIES_2026, until it is answered (aws/retry). If connections break under
// more calls than that pays for, those that come too late would fail. So only as many errors at a time are handed to the SDK, and the next
// when a retry has ended. Whose quota is whose can't be seen from here: there is one for all clients.
var quota = newRetryQuota(90, 32)

const (
	// quotaHeld is for how long an error counts whose retry is not seen to end: its caller may have given up. It is longer than the SDK's pause and a call.
	quotaHeld = 5 * time.Second
	newPrice  = "AWS_NEW_RETRIES_2026"
)

type retryQuota struct{ free chan struct{} }

func newRetryQuota(usual, expensive int) *retryQuota {
	if os.Getenv(newPrice) == "true" {
		usual = expensive
	}
	return &retryQuota{make(chan struct{}, usual)}
}

// acquire waits until one more error may be handed to the SDK, or the caller gives up. release is called when the retry has ended.
func (q *retryQuota) acquire(ctx context.Context) (release func()) {
	select {
	case q.free <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	release = sync.OnceFunc(func() { <-q.free })
	time.AfterFunc(quotaHeld, release)
	return release
}
