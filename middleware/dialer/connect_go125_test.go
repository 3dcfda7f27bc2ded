//go:build go1.25

package dialer

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
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

// Given a function of the user's that connects to a host of many addresses, when its first attempt fails and the others hang, then the next one is made at once, and
// each that follows 0.1 s after the one before, up to four.
func TestAttemptsAreSpaced(t *testing.T) {
	d := New(newTestResolver(t))
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Duration
		begun := time.Now()
		in := byHost(d, func(ctx context.Context, _, _ string) (net.Conn, error) {
			mu.Lock()
			at = append(at, time.Since(begun))
			first := len(at) == 1
			mu.Unlock()
			if first {
				time.Sleep(50 * time.Millisecond)
				return nil, errors.New("refused")
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := in.dial(ctx, "tcp", regional+":443"); err == nil {
			t.Error("got a connection")
		}
		time.Sleep(2 * time.Second) // until what goes on without the caller has ended
		mu.Lock()
		defer mu.Unlock()
		const ms = time.Millisecond
		if want := []time.Duration{0, 50 * ms, 150 * ms, 250 * ms}; !slices.Equal(at, want) {
			t.Errorf("attempts were made after %v, want %v", at, want)
		}
	})
}
