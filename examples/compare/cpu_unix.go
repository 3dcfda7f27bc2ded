//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is what this process has had of the processors so far, in and out of the kernel.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
