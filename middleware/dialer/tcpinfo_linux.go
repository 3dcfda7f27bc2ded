//go:build linux && !386 && !s390x

package dialer

import (
	"syscall"
	"unsafe"
)

// tcpInfo is the beginning of the kernel's struct tcp_info (include/uapi/linux/tcp.h), as far as Linux 4.6 has it. What an older
// kernel leaves out stays zero.
type tcpInfo struct {
	state       uint8
	_           uint8
	retransmits uint8 // of the data that is unacknowledged, in a row
	probes      uint8 // keep-alives or window probes that went unanswered, in a row
	_           [4]uint8
	_           [4]uint32
	unacked     uint32 // segments
	_           [10]uint32
	rtt         uint32 // microseconds, smoothed: the handshake's right after it
	_           [7]uint32
	resent      uint32 // segments, the handshake's too
	_           [3]uint64
	received    uint64 // bytes, the whole connection
	_           [2]uint32
	unsent      uint32 // bytes
	_           [2]uint32
	sent        uint32 // segments with data
}

const (
	stateEstablished = 1 // TCP_ESTABLISHED, include/net/tcp_states.h
	stateSynSent     = 2
)

// readInfo asks the kernel about a connection. ok is false if it doesn't say.
func readInfo(raw syscall.RawConn) (info tcpInfo, ok bool) {
	err := raw.Control(func(fd uintptr) {
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, syscall.TCP_INFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		ok = errno == 0
	})
	return info, ok && err == nil
}

// keepAlive is how a connection sends keep-alives.
type keepAlive struct {
	idle, interval, count int // seconds, seconds, how many unanswered ones end the connection
}

// probing sends one a second, and leaves it to us to end the connection: the kernel's count ends it after 127.
var probing = keepAlive{idle: 1, interval: 1, count: 127}

// set changes how the connection sends keep-alives, and returns how it did. ok is false if it sends none.
// A connection that has been idle for longer than idle sends one at once (net/ipv4/tcp.c, tcp_sock_set_keepidle_locked).
func (k keepAlive) set(raw syscall.RawConn) (before keepAlive, ok bool) {
	err := raw.Control(func(fd uintptr) {
		get := func(level, name int) int {
			v, err := syscall.GetsockoptInt(int(fd), level, name)
			if err != nil {
				ok = false
			}
			return v
		}
		ok = true
		on := get(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		before = keepAlive{
			get(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE), get(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL), get(syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT),
		}
		if ok = ok && on != 0; !ok {
			return
		}
		for _, o := range [][2]int{{syscall.TCP_KEEPCNT, k.count}, {syscall.TCP_KEEPINTVL, k.interval}, {syscall.TCP_KEEPIDLE, k.idle}} {
			if syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, o[0], o[1]) != nil {
				ok = false
			}
		}
	})
	return before, ok && err == nil
}

// probe has the kernel send a keep-alive at once, if the connection has been idle for a second.
func probe(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, probing.idle)
	})
}

// abort has the connection closed by a reset. Otherwise the kernel would go on sending what is unacknowledged, and a request that somebody else has answered
// by then would arrive after all.
func abort(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
	})
}
