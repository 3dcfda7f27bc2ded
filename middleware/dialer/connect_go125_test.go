//go:build go1.25

package dialer

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// Given a function of the user's that takes its time to connect, when it connects to a host that is no zonal name, then it may, since nobody sends elsewhere what
// fails; with a zonal name it may not, but for a request that has no other attempt.
func TestWhatIsHurried(t *testing.T) {
	for name, tt := range map[string]struct {
		host string
		asIs bool
		want time.Duration
	}{
		"another host":             {"db.example", false, time.Minute},
		"a regional name":          {regional, false, time.Minute},
		"a zonal name":             {zonal, false, DefaultConnectTimeout},
		"a zonal name, left as is": {zonal, true, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			d := New(newTestResolver(t)) // whose goroutines have the world's time
			synctest.Test(t, func(t *testing.T) {
				in := byHost(d, func(ctx context.Context, _, _ string) (net.Conn, error) {
					select {
					case <-ctx.Done():
						return nil, ctx.Err()
					case <-time.After(time.Minute):
					}
					c, other := net.Pipe()
					context.AfterFunc(ctx, func() { other.Close() })
					return c, nil
				})
				ctx := t.Context()
				if tt.asIs {
					ctx = AsIs(ctx)
				}
				begun := time.Now()
				c, err := in.dial(ctx, "tcp", tt.host+":443")
				took := time.Since(begun)
				if (err == nil) != (tt.want == time.Minute) || took < tt.want || took > tt.want+time.Second {
					t.Errorf("got %v after %v, want %v", err, took, tt.want)
				}
				if err == nil {
					c.Close()
				}
			})
		})
	}
}
