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
// does not keep its port, and BlackHole and DropSYN are errors.
type clock struct{}

func (*clock) sleep(d time.Duration) { time.Sleep(d) }
func (*clock) close()                {}

func sharePort(_, _ string, _ syscall.RawConn) error { return nil }

func reserve(netip.AddrPort) (func(), error) { return func() {}, nil }

func dropPackets(socket syscall.Conn, on bool) error {
	if _, listens := socket.(*net.TCPListener); on && listens {
		return errors.New("lab: a black hole can be made on Linux only")
	}
	return nil // connections stop answering all the same
}
