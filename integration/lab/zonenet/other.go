//go:build !linux

package zonenet

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

var errElsewhere = errors.New("real distances need Linux")

// Network is a running network.
type Network struct{}

// Available says what this machine lacks.
func Available() error { return errElsewhere }

// Enter returns an error.
func Enter() error { return errElsewhere }

// Start returns an error.
func Start(Options) (*Network, error) { return nil, errElsewhere }

// Addr is the zero Addr.
func (*Network) Addr(string) netip.Addr { return netip.Addr{} }

// EndpointAddr is the zero Addr.
func (*Network) EndpointAddr(string, int) netip.Addr { return netip.Addr{} }

// Inside returns an error.
func (*Network) Inside(string, func() error) error { return errElsewhere }

// Drop returns an error.
func (*Network) Drop(string, bool) error { return errElsewhere }

// RoundTrip returns an error.
func (*Network) RoundTrip(context.Context, string) (time.Duration, error) { return 0, errElsewhere }

// Close returns nil.
func (*Network) Close() error { return nil }
