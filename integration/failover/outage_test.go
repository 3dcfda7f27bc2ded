package failover

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// Given an endpoint that refuses connections in the zone for a while, when it is well again, then the log has one line of when
// that began and one of when it was over, with as many calls touched by it as their callers saw go elsewhere.
func TestAnOutageInTheLog(t *testing.T) {
	t.Parallel()
	log := &lines{}
	p := newPlace(t, lab.Options{}, resolver.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	client := sts.NewFromConfig(p.config)
	inZone, elsewhere := 0, 0
	call := func() {
		t.Helper()
		out, err := client.GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if route, _ := middleware.RouteFrom(out.ResultMetadata); route.Target == resolver.Zonal {
			inZone++
		} else {
			elsewhere++
		}
	}
	for range 20 {
		call()
	}
	if elsewhere != 0 {
		t.Fatalf("%d calls left the zone while all was well", elsewhere)
	}
	if err := p.FaultService("sts", home, lab.Refuse); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		call()
	}
	if err := p.FaultService("sts", home, lab.None); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); log.with("zonal name healthy again") == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the log doesn't say that the name is healthy again")
		}
	}
	began, over := log.with("level=WARN", "zonal name ejected", p.ZonalName("sts", home), `error="`), log.with("level=INFO", "healthy again", " after=", "failures=3", fmt.Sprintf("sent_elsewhere=%d", elsewhere))
	if began != 1 || over != 1 || elsewhere < 20 {
		t.Errorf("%d lines say that it began, %d that it is over and touched %d calls: %s", began, over, elsewhere, &log.buf)
	}
	before := elsewhere
	for range 20 {
		call()
	}
	if elsewhere != before || log.with("azaffinity:") != 3 { // with the start
		t.Errorf("%d calls left the zone afterwards, and there are %d lines: %s", elsewhere-before, log.with("azaffinity:"), &log.buf)
	}
}
