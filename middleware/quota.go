package middleware

import (
	"context"
	"os"
	"sync"
	"time"
)

// The SDK's retry quota is 500 tokens; a retry takes 5 of them, or 14 with AWS_NEW_RETRIES_2026, until it is answered (aws/retry). If the connections to a zonal
// name break under more calls than that pays for, those that come too late would fail. So only as many errors at a time are handed to the SDK, and the next
// when a retry has ended. Each client has a quota of its own, which can't be seen from here: this one is an endpoint's, for all clients that share the middleware.
const (
	quotaUsual, quotaNew = 90, 32
	// quotaHeld is for how long an error counts whose retry is not seen to end, nor its caller to give up. It is longer than the SDK's pause and a call.
	quotaHeld = 30 * time.Second
	// quotaWait is how long an error waits at the most: some calls are late then, but not stuck.
	quotaWait = 20 * time.Second
	newPrice  = "AWS_NEW_RETRIES_2026"
)

// quotas are the retry quotas by endpoint.
type quotas struct{ of sync.Map }

func (q *quotas) quotaOf(endpoint string) *retryQuota {
	if had, ok := q.of.Load(endpoint); ok {
		return had.(*retryQuota)
	}
	had, _ := q.of.LoadOrStore(endpoint, newRetryQuota(quotaUsual, quotaNew))
	return had.(*retryQuota)
}

type retryQuota struct{ free chan struct{} }

func newRetryQuota(usual, expensive int) *retryQuota {
	if os.Getenv(newPrice) == "true" {
		usual = expensive
	}
	return &retryQuota{make(chan struct{}, usual)}
}

// acquire waits until one more error may be handed to the SDK, the caller gives up, or it takes too long. release is called when the retry has ended; it is nil if
// there is nothing to give back.
func (q *retryQuota) acquire(ctx context.Context) (release func()) {
	select {
	case q.free <- struct{}{}:
	default:
		timer := time.NewTimer(quotaWait)
		defer timer.Stop()
		select {
		case q.free <- struct{}{}:
		case <-ctx.Done():
			return nil
		case <-timer.C:
			return nil
		}
	}
	give := sync.OnceFunc(func() { <-q.free })
	late := time.AfterFunc(quotaHeld, give)
	left := context.AfterFunc(ctx, give)
	return func() {
		late.Stop()
		left()
		give()
	}
}
