package zonenet

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// outside is set, to the namespace that it was in before, in a process that Enter started.
const outside = "AZAFFINITY_LAB_OUTSIDE"

// entered reports whether this process is in a namespace of its own.
var entered atomic.Bool

// Available says what this machine lacks; nil: nothing. It leaves no traces.
func Available() error {
	if err := inNew(func(int) error { return nil }); err != nil {
		return err
	}
	file, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("real distances need TUN devices (modprobe tun; in a container --device /dev/net/tun): %w", err)
	}
	return file.Close()
}

// Enter replaces this process by one that runs the same program, with the same arguments, in a network namespace of its own. There it
// returns nil, at once. The new process starts from the beginning: call Enter before anything that is not to happen twice.
func Enter() error {
	now, err := namespace()
	if err != nil {
		return err
	}
	if before := os.Getenv(outside); before != "" && before != now {
		entered.Store(true)
		return os.Unsetenv(outside)
	}
	if entered.Load() {
		return nil
	}
	if err := Available(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return inNew(func(int) error { // if it succeeds, nobody comes back
		return syscall.Exec(self, os.Args, append(os.Environ(), outside+"="+now))
	})
}

// namespace is the one that this thread is in, as the kernel spells it.
func namespace() (string, error) { return os.Readlink("/proc/thread-self/ns/net") }

// inNew runs f on a thread in a new namespace. The thread ends with f: no other goroutine must ever run on it.
func inNew(f func(ns int) error) error {
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			err = fmt.Errorf("real distances need network namespaces: unshare: %w", err)
			if errors.Is(err, unix.EPERM) {
				err = fmt.Errorf("run it as root: %w", err)
			}
			return err
		}
		ns, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := f(ns); err != nil {
			_ = unix.Close(ns)
			return err
		}
		return nil
	})
}

// within runs f on a thread in a namespace.
func within(ns int, f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("setns: %w", err)
		}
		return f()
	})
}

func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock
		done <- f()
	}()
	return <-done
}
