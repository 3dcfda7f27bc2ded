//go:build !linux || 386 || s390x

package dialer

import "syscall"

// Elsewhere nobody is asked: a path is left to the keep-alives that the connection has.
type tcpInfo struct {
	state, retransmits, probes uint8
	unacked, unsent, sent      uint32
	rtt, resent                uint32
	received                   uint64
}

const (
	stateEstablished = 1
	stateSynSent     = 2
)

type keepAlive struct{ idle, interval, count int }

var probing keepAlive

func readInfo(syscall.RawConn) (tcpInfo, bool)            { return tcpInfo{}, false }
func (k keepAlive) set(syscall.RawConn) (keepAlive, bool) { return k, false }
func probe(syscall.RawConn)                               {}
func abort(syscall.RawConn)                               {}
