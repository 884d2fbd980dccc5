package support

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// kernelBytes is how much of the kernel's log is shown.
const kernelBytes = 64 << 10

// KernelLog returns the end of the kernel's log (syslog(2), SYSLOG_ACTION_READ_ALL). It takes
// nothing out of it.
func KernelLog() ([]byte, error) {
	buf := make([]byte, kernelBytes)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, buf)
	if err != nil {
		return nil, fmt.Errorf("read the kernel's log: %w", err)
	}
	return buf[:n], nil
}
