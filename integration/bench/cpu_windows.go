package main

import (
	"syscall"
	"time"
)

// cpu is what this process has used, its garbage collector and the kernel's work for it included.
func cpu() time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		panic(err) // it can't fail
	}
	var started, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &started, &ended, &kernel, &user); err != nil {
		panic(err) // it can't fail with these arguments
	}
	hundreds := func(t syscall.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(100 * (hundreds(kernel) + hundreds(user)))
}
