package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"
)

// network is how names are looked up and addresses connected to.
type network struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// dial connects to port 443 of an address that the host has.
	dial  func(ctx context.Context, host string, addr netip.Addr) (net.Conn, error)
	roots *x509.CertPool // nil: the system's
	// patience is how long each step may take.
	patience time.Duration
}

// patience is enough: endpoints answer within milliseconds, and the SDK gives itself 1.1 s to connect in a Region.
const patience = 2 * time.Second

// machine is the network as a program on this machine sees it, without a proxy.
func machine() (*network, error) {
	n := &network{
		patience: patience,
		lookup:   lookupBy(net.DefaultResolver),
		dial: func(ctx context.Context, _ string, addr netip.Addr) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", netip.AddrPortFrom(addr, 443).String())
		},
	}
	// The SDK trusts what is in this file, and then nobody else.
	if path := os.Getenv("AWS_CA_BUNDLE"); path != "" {
		bundle, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
		}
		n.roots = x509.NewCertPool()
		if !n.roots.AppendCertsFromPEM(bundle) {
			return nil, fmt.Errorf("AWS_CA_BUNDLE: %s holds no certificate", path)
		}
	}
	return n, nil
}

func lookupBy(r *net.Resolver) func(context.Context, string) ([]netip.Addr, error) {
	return func(ctx context.Context, host string) ([]netip.Addr, error) {
		// The dot at the end keeps the machine's search domains out of it.
		addrs, err := r.LookupNetIP(ctx, "ip", host+".")
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		slices.SortFunc(addrs, netip.Addr.Compare)
		return slices.Compact(addrs), err
	}
}
