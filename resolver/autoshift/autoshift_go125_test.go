//go:build go1.25

package autoshift

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// Given a resolver that asks ARC, when AWS shifts away from its zone, then requests leave it within a minute or so; while ARC
// can't be asked nothing changes; and when AWS ends the shift they are back. Another zone's shift is none of its business.
func TestAutoshift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeARC{items: []item{active("use1-az4")}}
		cfg := f.config()
		cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) { // without a network, whose time is real
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)
			return w.Result(), nil
		})
		src, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := newResolver(t, src)
		expect := func(when string, want resolver.Reason) {
			t.Helper()
			time.Sleep(70 * time.Second)
			synctest.Wait()
			if got := r.Resolve("sqs.us-east-1.amazonaws.com"); got.Reason != want {
				t.Errorf("%s: got %v, want %v", when, got.Reason, want)
			}
		}
		expect("another zone's", resolver.InZone)
		f.set(nil, active("use1-az4"), active("use1-az6"))
		expect("this zone's", resolver.ShiftedAway)
		if got := r.Snapshot().ShiftedAwayBy; got != "arc" {
			t.Errorf("by %q, want arc", got)
		}
		f.set(fail(http.StatusForbidden, "AccessDeniedException"))
		time.Sleep(24 * time.Hour)
		expect("ARC says no", resolver.ShiftedAway)
		if got := r.Snapshot().Notes; len(got) != 1 {
			t.Errorf("notes: got %q, want what is wrong", got)
		}
		f.set(nil, completed("use1-az6"))
		time.Sleep(5 * time.Minute)
		expect("over", resolver.InZone)
		before := len(f.calls())
		time.Sleep(time.Hour)
		if got := len(f.calls()) - before; got < 53 || got > 68 {
			t.Errorf("asked %d times in an hour, want about 60", got)
		}
	})
}
