package dialer

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
)

// homeSilence is how long the kernel may have nothing of an address in this zone while a request waits that can go elsewhere, some 0.2 s with the steps that it
// is counted in. Inside a zone a handshake takes a fraction of a millisecond.
const homeSilence = 3*step + step/2

// limit is how long a hurried race may wait for the network; 0: for as long as the transport has it.
func (r *race) limit() time.Duration {
	limit := r.in.dialer.timeout
	switch {
	case r.in.place != atHome:
	case !slices.ContainsFunc(r.running, (*attempt).connected):
		return homeSilence
	case limit == 0:
		return math.MaxInt64
	}
	return limit
}

// down reports whether there is no use in waiting: the name is ejected, and tried in the background.
func (r *race) down() bool { return r.name != nil && r.name.Down() }

// judges reports whether what becomes of the race's attempts says something of their addresses.
func (r *race) judges() bool { return r.addressed && !r.zonal }

// leave ends an attempt that was overtaken, or that nobody waits for any more. One at an address that has said nothing yet goes on until it has had a second, so
// that a dead address is found out although each connection is made to another one in time, or until the resolver is closed.
func (r *race) leave(ctx context.Context, a *attempt) {
	a.left.Store(true)
	if !r.judges() || errors.Is(ctx.Err(), context.Canceled) {
		a.cancel()
		return
	}
	stop := context.AfterFunc(link.Closing(r.in.dialer.resolver), a.cancel)
	time.AfterFunc(max(0, DefaultConnectTimeout-time.Since(a.begun)), func() {
		stop()
		if !a.over.Swap(true) && a.waits() {
			r.blame(a, r.timeout())
		}
		a.cancel()
	})
}

// late takes in an attempt that has ended after the race.
func (r *race) late(ctx context.Context, a *attempt) {
	known := a.over.Swap(true)
	switch {
	case a.err == nil:
		_ = a.conn.Close()
	case !known && a.err != errOvertaken && ctx.Err() == nil:
		r.blame(a, a.err)
	}
	a.cancel()
}
