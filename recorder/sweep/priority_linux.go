package sweep

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// I/O priorities (kernel document block/ioprio): the class in the upper bits.
const (
	ioThread     = 1 // IOPRIO_WHO_PROCESS, which means a thread
	ioBestEffort = 2 << 13
	ioLowest     = 7
)

// yieldDisk has the caller's goroutine keep a thread of its own until it ends,
// whose reads and writes wait for those of others. Not the idle class: a disk that
// is busy for long would keep the sweeper from making room. Where the kernel
// refuses, or its scheduler knows no priorities, nothing changes.
func yieldDisk() {
	runtime.LockOSThread() // the thread ends with the goroutine, and its priority with it
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioThread, 0, ioBestEffort|ioLowest)
}
