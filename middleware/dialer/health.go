package dialer

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// pathDied is told once when a path has died under a connection.
func (d *Dialer) pathDied(to *target, addr netip.Addr) {
	to.died.Store(true)
	if d.resolver != nil {
		if name := link.NameOf(d.resolver, to.host); name != nil {
			name.Failed(uint8(resolver.CausePathDead), errors.New("the path to "+addr.String()+" is dead"))
			return
		}
	}
	d.avoidAddr(addr)
}

// checkTimeout is how long a check in the background may take.
const checkTimeout = 3 * time.Second

// check connects to a zonal name in the background, to find out whether that can be done again. It takes what connected to the name before, or to a
// host under it.
func (d *Dialer) check(ctx context.Context, name string) error {
	to := d.last(name)
	if to == nil {
		return link.ErrNotChecked
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	r := d.newRace(to.transport, "tcp", to.addr, to.host, nil)
	defer d.unuse(r.to)
	if to.secure.Load() {
		r.config = to.transport.config(to.host)
	}
	r.single, r.served = true, true
	won, err := r.run(ctx)
	if err != nil {
		return err
	}
	return won.conn.Close()
}

// last is a target that is the name, or lies under it.
func (d *Dialer) last(name string) *target {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, to := range d.targets {
		if to.host == name || strings.HasSuffix(to.host, "."+name) {
			return to
		}
	}
	return nil
}
