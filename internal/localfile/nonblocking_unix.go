//go:build unix

package localfile

import "syscall"

const nonBlocking = syscall.O_NONBLOCK
