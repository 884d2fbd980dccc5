// Package clock owns what the kernel knows of time: the boot id, the time
// since boot, and whether the wall clock was set by somebody to be believed.
// It knows no policy.
package clock

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bootIDFile is described in proc_sys_kernel(5).
const bootIDFile = "/proc/sys/kernel/random/boot_id"

// BootID returns the kernel's id of this boot, or an error if it cannot be
// read.
func BootID() ([16]byte, error) {
	var id [16]byte
	raw, err := os.ReadFile(bootIDFile)
	if err != nil {
		return id, fmt.Errorf("read boot id: %w", err)
	}
	return parseBootID(string(raw))
}

func parseBootID(s string) (id [16]byte, err error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
	if err != nil || len(raw) != len(id) {
		return id, fmt.Errorf("boot id %q is not a UUID", strings.TrimSpace(s))
	}
	copy(id[:], raw)
	return id, nil
}

// SinceBoot returns CLOCK_BOOTTIME: the time since boot, suspend included.
// It never steps.
func SinceBoot() time.Duration {
	var ts unix.Timespec
	// CLOCK_BOOTTIME cannot fail on a kernel that Go runs on.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}

// Synchronised reports whether the kernel's clock is disciplined: adjtimex(2)
// does not answer TIME_ERROR, which NTP daemons clear once they have set it.
// On an error it returns false with it.
func Synchronised() (bool, error) {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	if err != nil {
		return false, fmt.Errorf("adjtimex: %w", err)
	}
	return state != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0, nil
}
