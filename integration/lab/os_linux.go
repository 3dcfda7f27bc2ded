package lab

import (
	"fmt"
	"net"
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

// blackHole listens with the shortest backlog there is, fills it, and accepts nothing: the kernel drops every SYN from then on.
func blackHole(ln *net.TCPListener) (release func(), err error) {
	raw, err := ln.SyscallConn()
	if err != nil {
		return nil, err
	}
	var filler net.Conn
	full := func(fd int) bool {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err == nil && info.Unacked > 0 // for a listener: how many connections wait to be accepted
	}
	ready := false
	control := raw.Control(func(fd uintptr) {
		if err = unix.Listen(int(fd), 0); err != nil {
			return
		}
		dialer := net.Dialer{Timeout: time.Second}
		if filler, err = dialer.Dial("tcp4", ln.Addr().String()); err != nil && !full(int(fd)) {
			return
		}
		err = nil
		for range 1000 {
			if ready = full(int(fd)); ready {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	release = func() {
		if filler != nil {
			_ = filler.Close()
		}
	}
	if err == nil {
		err = control
	}
	if err == nil && !ready {
		err = fmt.Errorf("the backlog of %s does not fill", ln.Addr())
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}
