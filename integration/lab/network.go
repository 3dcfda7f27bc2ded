package lab

import (
	"errors"
	"fmt"
	"net/netip"
)

// Network is where a lab's zones are, instead of on the loopback. Package zonenet has one with real distances. Clients, DNS and IMDS stay where the
// process is, which is the home zone: clients in another zone can't connect.
type Network interface {
	// Addr is the IPv4 address of a zone's front ends; the zero Addr where there is no such zone.
	Addr(zone string) netip.Addr
	// Inside runs f where sockets can be bound to that address, and returns its error.
	Inside(zone string, f func() error) error
}

// moveZones gives zones the network's addresses, where there is one.
func (l *Lab) moveZones() error {
	if l.network == nil {
		return nil
	}
	if l.distance != nil {
		return errors.New("a network has distances of its own: leave Options.Distance nil")
	}
	for _, z := range l.zones {
		if z.ip = l.network.Addr(z.Name); !z.ip.Is4() {
			return fmt.Errorf("the network has no zone %q", z.Name)
		}
	}
	return nil
}

func (l *Lab) inside(z *zone, f func() error) error {
	if l.network == nil {
		return f()
	}
	return l.network.Inside(z.Name, f)
}

func (l *Lab) hasZoneAt(ip netip.Addr) bool {
	for _, z := range l.zones {
		if z.ip == ip {
			return true
		}
	}
	return false
}
