package dialer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// pathDied is told once when a path has died under a connection.
func (d *Dialer) pathDied(to *target, addr netip.Addr) {
	to.died.Store(true)
	name := d.nameAt(addr)
	if d.resolver != nil {
		if own := link.NameOf(d.resolver, to.host); own != nil {
			name = own
		}
	}
	if name == nil {
		d.avoid.add("", addr)
		return
	}
	name.Failed(uint8(resolver.CausePathDead), errors.New("the path to "+addr.String()+" is dead"))
}

// nameAt is this zone's zonal name that leads to an address, or nil. What becomes of connections to the address, under whatever host, is the name's health.
func (d *Dialer) nameAt(addr netip.Addr) link.Name {
	if d.resolver == nil || !addr.IsValid() {
		return nil
	}
	return link.NameAt(d.resolver, addr)
}

// noteHome remembers under which host connections were tried to an address that a zonal name leads to.
func (r *race) noteHome(a *attempt) {
	addr, err := netip.ParseAddrPort(a.address)
	if err == nil && r.in.dialer.nameAt(addr.Addr().Unmap()) != nil {
		r.to.home.Store(&addr)
	}
}

// lastAt is a target under whose host connections were tried to an address that the name leads to, if nobody has connected to the name.
func (d *Dialer) lastAt(name string) (*target, netip.AddrPort) {
	own := link.NameOf(d.resolver, name)
	if own == nil {
		return nil, netip.AddrPort{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, to := range d.targets {
		if at := to.home.Load(); at != nil && slices.Contains(own.Addrs(), at.Addr().Unmap()) {
			return to, *at
		}
	}
	return nil, netip.AddrPort{}
}

// blame has an address tried last after a failure to connect to it. If a zonal name leads there, that has failed, unless the failure may be the host's: its
// certificate, or, if no endpoint serves it, all that came after TCP.
func (r *race) blame(a *attempt, err error) {
	addr, parsed := netip.ParseAddrPort(a.address)
	if parsed != nil || r.zonal || ours(err) {
		return
	}
	ip, cause := addr.Addr().Unmap(), causeOf(err)
	name := r.in.dialer.nameAt(ip)
	switch {
	case !r.served && a.socket.conn.Load() != nil:
	case name != nil && cause != resolver.CauseCertificate && cause != resolver.CauseTLS:
		name.Failed(uint8(cause), err)
	case name != nil: // this host isn't served there, and others are
		r.in.dialer.avoid.add(r.to.host, ip)
	case r.served || r.addressed:
		r.in.dialer.avoid.add("", ip)
	}
}

// checkTimeout is how long a check in the background may take.
const checkTimeout = 3 * time.Second

// check connects to a zonal name in the background, to find out whether that can be done again. It takes what connected to the name before, or to a
// host under it, or under another host to an address that the name leads to.
func (d *Dialer) check(ctx context.Context, name string) error {
	to, at := d.last(name), netip.AddrPort{}
	if to == nil {
		to, at = d.lastAt(name)
	}
	if to == nil {
		if to = d.lastSecure(); to == nil || !link.IsFirst(ctx) {
			return link.ErrNotChecked
		}
		to = &target{transport: to.transport, addr: net.JoinHostPort(name, "443"), host: name}
		to.secure.Store(true)
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	r := d.newRace(to.transport, "tcp", to.addr, to.host, nil)
	defer d.unuse(r.to)
	if to.secure.Load() {
		r.config = to.transport.config(to.host)
	}
	r.served, r.zonal, r.only = true, true, at
	won, err := r.run(ctx)
	if err != nil {
		// What stands in front of the name, a bucket's name say, is nobody's business.
		return errors.New(strings.ReplaceAll(err.Error(), to.host, name))
	}
	return won.conn.Close()
}

// lastSecure is a target that was connected to by TLS, for names that nobody has connected to.
func (d *Dialer) lastSecure() *target {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, to := range d.targets {
		if to.secure.Load() && to.transport.served(to.host) {
			return to
		}
	}
	return nil
}

// last is a target that is the name, or lies under it: one that was connected to, if there is one. A misconfigured client's hosts lie under it, too, and never
// will be.
func (d *Dialer) last(name string) (under *target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, to := range d.targets {
		switch {
		case to.host == name:
			return to
		case strings.HasSuffix(to.host, "."+name) && (under == nil || to.made.Load()):
			under = to
		}
	}
	return under
}
