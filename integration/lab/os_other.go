//go:build !linux

package lab

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// The lab is made for Linux. Elsewhere it compiles, and works as far as the system has 127.0.N.1: delays are coarse, a front end that refuses
// does not keep its port, and BlackHole is an error.
type clock struct{}

func (*clock) sleep(d time.Duration) { time.Sleep(d) }
func (*clock) close()                {}

func sharePort(_, _ string, _ syscall.RawConn) error { return nil }

func reserve(netip.AddrPort) (func(), error) { return func() {}, nil }

func blackHole(*net.TCPListener) (func(), error) {
	return nil, errors.New("lab: a black hole can be made on Linux only")
}
