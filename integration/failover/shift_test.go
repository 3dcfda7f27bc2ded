package failover

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/shift"
)

// Given a running program, when an operator touches the file that it heeds, then within seconds no call of it goes into its zone
// any more, also not by the regional name; and when the file is removed, they all do again. Each is two lines in the log.
func TestAnOperatorLeavesTheZone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shift")
	log := &lines{}
	p := newPlace(t, lab.Options{}, resolver.WithShift(shift.File(path)), resolver.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	client := sts.NewFromConfig(p.config)
	call := func() resolver.Reason {
		t.Helper()
		out, err := client.GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		route, _ := middleware.RouteFrom(out.ResultMetadata)
		return route.Reason
	}
	until := func(want resolver.Reason) {
		t.Helper()
		for end := time.Now().Add(time.Minute); call() != want; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("calls are still %v, want %v", call(), want)
			}
		}
		p.ResetRequests()
		for range 30 {
			if got := call(); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	}
	until(resolver.InZone)
	if got := p.RequestsOf("sts"); got[home] != 30 {
		t.Errorf("without a file: requests went to %v, want all to %s", got, home)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(resolver.ShiftedAway)
	if got := p.RequestsOf("sts"); got[home] != 0 {
		t.Errorf("with the file: requests went to %v, want none to %s", got, home)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	until(resolver.InZone)
	if got := p.RequestsOf("sts"); got[home] != 30 {
		t.Errorf("without it: requests went to %v, want all to %s", got, home)
	}
	if begun, over := log.with("level=WARN", "shifted away from the zone"), log.with("no longer shifted away"); begun != 1 || over != 1 {
		t.Errorf("%d lines tell of the shift, %d of its end, want one each", begun, over)
	}
}
