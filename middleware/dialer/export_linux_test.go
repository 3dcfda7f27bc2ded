package dialer

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// Measured has the dialer believe that the kernel has measured a handshake.
func (d *Dialer) Measured(addr netip.Addr, micros uint32) { d.near.measured(addr, micros) }

// Choose is what a RoundTripper decides for a request to a host.
func Choose(rt http.RoundTripper, host string) (home bool) {
	_, home = rt.(*pools).choose(context.Background(), host)
	return home
}

// Refresh has the addresses of hosts that requests were made to looked up again, as is done every few seconds.
func Refresh(d *Dialer) { d.refresh() }

// Ran is closed when this process has run for that long, as races count it, or when the context ends.
func Ran(ctx context.Context, limit time.Duration) <-chan struct{} {
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		ticks := time.NewTicker(step)
		defer ticks.Stop()
		for p := (patience{last: time.Now()}); ; {
			select {
			case <-ticks.C:
				if p.over(time.Now(), limit) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ran
}
