package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// Address is where the front end of a service's endpoint in a zone listens; the zero AddrPort if there is none. The port is the endpoint's, as a
// rule 443, if this process may listen there, as root may, else one of its own.
func (l *Lab) Address(service, zone string) netip.AddrPort {
	if e := l.endpoint(service); e != nil {
		for _, f := range e.fronts {
			if f.zone.Name == zone {
				return f.addr
			}
		}
	}
	return netip.AddrPort{}
}

// Network is where a lab's zones are, instead of on the loopback. Package zonenet has one with real distances. Clients, DNS and IMDS stay where the
// process is, which is the home zone: clients in another zone can't connect.
type Network interface {
	// EndpointAddr is the IPv4 address that the front end of an endpoint has in a zone; the zero Addr if there is no such zone, or no address left.
	// Endpoints are numbered from 1.
	EndpointAddr(zone string, endpoint int) netip.Addr
	// Inside runs f where sockets can be bound to those addresses, and returns its error.
	Inside(zone string, f func() error) error
}

// block is 127.B.0.0/16, which is one lab's as long as it listens at blockPort: there are others in this process, and in others. Front ends listen so that
// several may at one address, which is why they can't keep others out.
type block struct {
	b        byte
	reserved net.Listener
}

// blockPort is below those that the kernel gives to clients.
const blockPort = 12707

func takeBlock() (*block, error) {
	var last error
	for b := range 256 {
		ln, err := net.Listen("tcp4", net.JoinHostPort(netip.AddrFrom4([4]byte{127, byte(b), 0, 1}).String(), strconv.Itoa(blockPort)))
		if err == nil {
			return &block{byte(b), ln}, nil
		}
		if last = err; !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, fmt.Errorf("no block of addresses: %w", last)
}

func (b *block) release() {
	if b != nil {
		_ = b.reserved.Close()
	}
}

// takeAddresses gives zones addresses that no other lab has.
func (l *Lab) takeAddresses() (err error) {
	if l.network != nil {
		return nil
	}
	if l.block, err = takeBlock(); err != nil {
		return err
	}
	for _, z := range l.zones {
		z.ip = netip.AddrFrom4([4]byte{127, l.block.b, byte(z.number), 1})
	}
	return nil
}

// addressOf is what the endpoint's front end in a zone has for its own.
func (l *Lab) addressOf(e *endpoint, z *zone) (netip.Addr, error) {
	if l.network == nil {
		return netip.AddrFrom4([4]byte{127, l.block.b, byte(z.number), byte(10 + e.number)}), nil
	}
	addr := l.network.EndpointAddr(z.Name, e.number)
	if !addr.Is4() {
		return addr, fmt.Errorf("the network has no address for endpoint %d in zone %q", e.number, z.Name)
	}
	return addr, nil
}

func (l *Lab) inside(z *zone, f func() error) error {
	if l.network == nil {
		return f()
	}
	return l.network.Inside(z.Name, f)
}

// frontAt is the front end with an address; nil if there is none.
func (l *Lab) frontAt(ip netip.Addr) *front {
	for _, e := range l.endpoints {
		for _, f := range e.fronts {
			if f.addr.Addr() == ip {
				return f
			}
		}
	}
	return nil
}
