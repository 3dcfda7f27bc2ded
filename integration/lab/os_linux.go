package lab

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// clock sleeps for less than a millisecond. time.Sleep can't: in an idle process Go's runtime waits in epoll, whose timeout is counted in milliseconds,
// so that a sleep of 100 µs takes 1.1 ms. A timerfd wakes epoll when it is due, and then some 30 to 90 µs pass until the thread runs.
type clock struct {
	mu     sync.Mutex
	free   []timer
	closed bool
}

type timer struct {
	fd   int
	file *os.File // fd, in the runtime's poller
}

// wakeup is how long before it is due a sleep ends, to spend the rest polling: about the least that a kernel needs to wake an idle thread up.
const wakeup = 60 * time.Microsecond

func (c *clock) sleep(d time.Duration) {
	due := time.Now().Add(d)
	if d > wakeup {
		c.doze(d - wakeup)
	}
	for time.Now().Before(due) {
		runtime.Gosched()
	}
}

func (c *clock) doze(d time.Duration) {
	t, err := c.get()
	if err != nil { // out of file descriptors
		time.Sleep(d)
		return
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	var expirations [8]byte
	if unix.TimerfdSettime(t.fd, 0, &spec, nil) == nil {
		_, _ = t.file.Read(expirations[:])
	}
	c.put(t)
}

func (c *clock) get() (timer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.free); n > 0 {
		t := c.free[n-1]
		c.free = c.free[:n-1]
		return t, nil
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return timer{}, err
	}
	return timer{fd, os.NewFile(uintptr(fd), "timerfd")}, nil
}

func (c *clock) put(t timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = t.file.Close()
		return
	}
	c.free = append(c.free, t)
}

func (c *clock) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, t := range c.free {
		_ = t.file.Close()
	}
	c.free = nil
}

// sharePort lets sockets of this process be bound to one address, so that a front end keeps its port while it refuses.
func sharePort(_, _ string, conn syscall.RawConn) error {
	var err error
	if control := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); control != nil {
		return control
	}
	return err
}

// reserve binds a socket that doesn't listen: while no other does, the kernel refuses connections, and nobody else gets the port.
func reserve(addr netip.AddrPort) (release func(), err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("reserve %s: %w", addr, err)
	}
	for _, option := range []int{unix.SO_REUSEPORT, unix.SO_REUSEADDR} {
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1)
		}
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("reserve %s: %w", addr, err)
	}
	return func() { _ = unix.Close(fd) }, nil
}

// dropPackets has the kernel drop all packets that come for a socket, unacknowledged, or takes that back. Of a listener's, those are the SYNs.
// It needs no privileges: it is a socket filter that keeps nothing of any packet.
func dropPackets(socket syscall.Conn, on bool) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	control := raw.Control(func(fd uintptr) {
		if !on {
			if err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err == unix.ENOENT {
				err = nil // there was none
			}
			return
		}
		keepNothing := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &keepNothing})
	})
	if control != nil {
		return control
	}
	if err != nil {
		return fmt.Errorf("socket filter: %w", err)
	}
	return nil
}
