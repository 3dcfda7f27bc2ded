//go:build go1.25

package middleware

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Given a quota of two, when a third error is to be handed to the SDK, then it waits until a retry has ended, its caller gives up, the caller of another
// does, or it has waited for long enough; and a retry that isn't seen to end is forgotten.
func TestRetryQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRetryQuota(2, 1)
		first, second := q.acquire(t.Context()), q.acquire(t.Context())
		if len(q.free) != 2 {
			t.Fatalf("%d are held, want 2", len(q.free))
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if release := q.acquire(impatient); release != nil || time.Since(start) != time.Second {
			t.Errorf("the third was let through after %v, want its deadline", time.Since(start))
		}
		time.AfterFunc(time.Second, first)
		start = time.Now()
		third := q.acquire(t.Context())
		if took := time.Since(start); third == nil || took != time.Second {
			t.Errorf("the third waited %v, want until the first was given back", took)
		}
		first() // once more is nothing
		if len(q.free) != 2 {
			t.Errorf("%d are held after a second release, want 2", len(q.free))
		}
		start = time.Now()
		if release := q.acquire(t.Context()); release != nil || time.Since(start) != quotaWait {
			t.Errorf("the fourth waited %v, want %v", time.Since(start), quotaWait)
		}
		second()
		third()
		given, cancel := context.WithCancel(t.Context())
		q.acquire(given)
		cancel()
		synctest.Wait()
		if len(q.free) != 0 {
			t.Errorf("%d are held after their caller gave up", len(q.free))
		}
		q.acquire(t.Context())
		time.Sleep(quotaHeld - 1)
		if len(q.free) != 1 {
			t.Errorf("%d are held shortly before a retry is forgotten, want 1", len(q.free))
		}
		time.Sleep(2 * quotaHeld)
		if len(q.free) != 0 {
			t.Errorf("%d are held when all is over", len(q.free))
		}
	})
}
