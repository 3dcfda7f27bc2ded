//go:build go1.25

package dialer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/middleware/dialer"
)

// Given a host of which no zonal name has to be learned, when it is looked up, then nothing is waited for.
func TestNothingToLearn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ips, err := dialer.New(nil).LookupHost(t.Context(), "10.0.0.1")
		if took := time.Since(begun); err != nil || len(ips) != 1 || took != 0 {
			t.Errorf("got %v, %v after %v", ips, err, took)
		}
	})
}
