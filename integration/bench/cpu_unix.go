//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpu is what this process has used, its garbage collector and the kernel's work for it included.
func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it can't fail with these arguments
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
