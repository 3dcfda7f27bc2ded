package resolver

import (
	"context"
	"net/netip"

	"github.com/azaffinity/azaffinity/internal/link"
)

func init() {
	link.NameOf = func(r any, host string) link.Name {
		if r, ok := r.(*Resolver); ok && r != nil {
			return r.nameOf(host)
		}
		return nil
	}
	link.SuspectAddr = func(r any, addr netip.Addr) bool {
		if r, ok := r.(*Resolver); ok && r != nil {
			return r.suspectAddr(addr)
		}
		return false
	}
	link.SetChecker = func(r any, check func(context.Context, string) error) {
		if r, ok := r.(*Resolver); ok && r != nil {
			r.names.setChecker(check)
		}
	}
	link.SetLookup = func(r any, ask func(context.Context, string) ([]netip.Addr, error)) {
		if r, ok := r.(*Resolver); ok && r != nil && ask != nil {
			r.lookups.register(ask)
			r.wantLocations()
		}
	}
	link.Learned = func(r any, name string, addrs []netip.Addr) {
		if r, ok := r.(*Resolver); ok && r != nil {
			r.names.places.learn(canonical(name), usable(addrs))
			r.wantLocations()
		}
	}
	link.NameAt = func(r any, addr netip.Addr) link.Name {
		if r, ok := r.(*Resolver); ok && r != nil && r.table.Load().mode == Prefer {
			if h, _ := r.names.places.find(addr); h != nil {
				return (*zonalName)(h)
			}
		}
		return nil
	}
	link.Closing = func(r any) context.Context {
		if r, ok := r.(*Resolver); ok && r != nil {
			return r.background.ctx
		}
		return context.Background()
	}
	link.Nearest = func(r any, host string, addrs []netip.Addr, why string) {
		if r, ok := r.(*Resolver); ok && r != nil {
			r.nearest.prefer(r.log, canonical(host), addrs, why)
		}
	}
}

// nameOf finds the zonal name that host is, or lies under.
func (r *Resolver) nameOf(host string) link.Name {
	t := r.table.Load()
	if t.mode != Prefer {
		return nil
	}
	for i := 0; i < len(host); i++ {
		if i > 0 && host[i-1] != '.' {
			continue
		}
		h := t.zonalName(host[i:])
		switch {
		case h == nil:
		case i == 0 && !h.starred():
			return (*zonalName)(h)
		default:
			return &hostName{h, host}
		}
	}
	return nil
}

// zonalName is a zonal name as code that connects to it sees it.
type zonalName health

func (z *zonalName) Healthy() bool          { return !(*health)(z).ejected() }
func (z *zonalName) Suspect() bool          { return z.suspect.Load() }
func (z *zonalName) Connected(a netip.Addr) { (*health)(z).connected(a.Unmap()) }
func (z *zonalName) Down() bool             { return (*health)(z).isDown() }
func (z *zonalName) Addrs() []netip.Addr    { return z.addrs.lately.get() }

func (z *zonalName) Failed(c link.Cause, err error) {
	if Cause(c) != NoCause {
		(*health)(z).failed(z.name, Cause(c), err, false)
	}
}

// hostName is a host under a zonal name.
type hostName struct {
	zonal *health
	host  string
}

func (n *hostName) of() *zonalName { return (*zonalName)(n.zonal) }

func (n *hostName) Healthy() bool {
	host := n.zonal.host(n.host)
	return n.of().Healthy() && (host == nil || !host.ejected())
}

func (n *hostName) Suspect() bool          { return n.of().Suspect() || n.zonal.host(n.host) != nil }
func (n *hostName) Connected(a netip.Addr) { n.of().Connected(a) }
func (n *hostName) Addrs() []netip.Addr    { return n.of().Addrs() }

func (n *hostName) Failed(c link.Cause, err error) {
	if Cause(c) != NoCause {
		n.zonal.failed(n.host, Cause(c), err, false)
	}
}

func (n *hostName) Down() bool {
	host := n.zonal.host(n.host)
	return n.of().Down() || host != nil && host.isDown()
}

func (h *health) isDown() bool {
	if !h.checked.Load() || !h.ejected() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down()
}
