package truth

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given a name that was ejected, when the fault is over, then the snapshot says who tries the name again, and when; and the call goes there that it says will.
func TestComingBack(t *testing.T) {
	for _, tt := range []struct {
		fault      lab.Fault
		deadline   time.Duration
		background bool
	}{
		{lab.Refuse, 15 * time.Second, true},
		{lab.Stall, 300 * time.Millisecond, false},
	} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, startLab(t, tt.fault), all[0], resolver.Prefer)
			p.deadline = tt.deadline
			p.config.RetryMaxAttempts = 2 // a probe is sent again if it fails
			for range 3 {
				p.call(t)
			}
			e := p.state()
			if !e.Ejected || e.InUse || e.HalfOpen || e.InBackground != tt.background || e.EjectedAt.IsZero() || !e.RetryAt.After(time.Now()) {
				t.Fatalf("ejected: got %+v", e)
			}
			if err := p.Fault(home, lab.None); err != nil {
				t.Fatal(err)
			}
			until := e.RetryAt.Add(10 * time.Second)
			for ; !e.HalfOpen && !e.InUse && time.Now().Before(until); e = p.state() {
				time.Sleep(20 * time.Millisecond) // until the real RetryAt
			}
			if e.HalfOpen == tt.background || e.InUse != tt.background {
				t.Fatalf("after RetryAt: got %+v", e)
			}
			p.deadline = 15 * time.Second
			if went := p.call(t); went.first != p.zonal {
				t.Errorf("the call went to %s, want the zonal name", went.first)
			}
			if e := p.state(); !e.InUse || e.HalfOpen || e.Ejected {
				t.Errorf("after an answer: got %+v", e)
			}
		})
	}
}

// Given a name that nobody has connected to, when a request can't be sent twice, then it goes to the regional name, as the snapshot says; and to the zonal one when
// somebody has.
func TestUntried(t *testing.T) {
	t.Parallel()
	l, err := lab.Start(lab.Options{Endpoints: []lab.Endpoint{{Service: "s3"}}, Buckets: []string{"photos"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: home})), resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: l.RegionalName("s3")})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cfg := l.Config()
	cfg.HTTPClient = l.HTTPClient() // a foreign client's bodies may be read before there is a connection
	middleware.Attach(&cfg, r)
	client := s3.NewFromConfig(cfg)
	bucket, key := "photos", "key"
	put := func(body io.Reader) resolver.Route {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		out, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: body, ContentLength: aws.Int64(5)})
		if err != nil {
			t.Fatal(err)
		}
		route, _ := middleware.RouteFrom(out.ResultMetadata)
		return route
	}
	stream := func() io.Reader { return io.MultiReader(strings.NewReader("hello")) }
	if e := r.Snapshot().Endpoints[0]; !e.Untried || !e.InUse {
		t.Errorf("before: got %+v", e)
	}
	if route := put(stream()); route.Reason != resolver.Untried {
		t.Errorf("got %v, want the regional name", route)
	}
	if route := put(strings.NewReader("hello")); route.Target != resolver.Zonal {
		t.Errorf("got %v, want the zonal name", route)
	}
	if e := r.Snapshot().Endpoints[0]; e.Untried || !e.InUse {
		t.Errorf("after: got %+v", e)
	}
	if route := put(stream()); route.Target != resolver.Zonal {
		t.Errorf("got %v, want the zonal name", route)
	}
}
