package watchdog

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Kernel is a watchdog behind the kernel's device file. It counts from Open on.
type Kernel struct {
	identity string

	mu      sync.Mutex
	file    *os.File // nil once closed
	timeout time.Duration
	fed     time.Time // when it began to count anew
}

// Open arms the watchdog of the device file path, such as /dev/watchdog0. Only one
// process can have it: then the error is syscall.EBUSY.
func Open(path string) (*Kernel, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open watchdog: %w", err)
	}
	k := &Kernel{file: f, fed: time.Now()}
	info, err := unix.IoctlGetWatchdogInfo(int(f.Fd()))
	if err == nil {
		k.identity = unix.ByteSliceToString(info.Identity[:])
		k.timeout, err = k.ask(unix.WDIOC_GETTIMEOUT)
	}
	if err != nil {
		// It counts already: a machine whose watchdog nobody feeds resets.
		return nil, errors.Join(fmt.Errorf("%s is no watchdog: %w", path, err), k.Close(true))
	}
	return k, nil
}

// ask reads a number of seconds.
func (k *Kernel) ask(request uint) (time.Duration, error) {
	n, err := unix.IoctlGetInt(int(k.file.Fd()), request)
	return time.Duration(n) * time.Second, err
}

// Identity is what the driver calls itself.
func (k *Kernel) Identity() string { return k.identity }

// SetTimeout implements Device. Fractions of a second are rounded up: a watchdog
// that waits longer is late, one that waits shorter resets a machine that is well.
// A driver that has one timeout alone answers with that; a driver that wraps or
// clamps to less than half of what was asked is refused, with the timeout that it
// has now.
func (k *Kernel) SetTimeout(t time.Duration) (time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == nil {
		return 0, ErrClosed
	}
	seconds := math.Ceil(t.Seconds())
	if seconds < 1 || seconds > 3600 {
		return k.timeout, fmt.Errorf("set watchdog timeout to %v: %w", t, syscall.EINVAL)
	}
	err := unix.IoctlSetPointerInt(int(k.file.Fd()), unix.WDIOC_SETTIMEOUT, int(seconds))
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return k.timeout, fmt.Errorf("set watchdog timeout to %v: %w", t, err)
	}
	got, err := k.ask(unix.WDIOC_GETTIMEOUT) // the wish is not believed
	if err != nil {
		return k.timeout, fmt.Errorf("read watchdog timeout: %w", err)
	}
	k.timeout, k.fed = got, time.Now()
	if got < time.Second || got < t/2 {
		return got, fmt.Errorf("%s takes %v for a timeout of %v: %w", k.identity, got, t, syscall.EINVAL)
	}
	return got, nil
}

// Feed implements Device.
func (k *Kernel) Feed() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == nil {
		return ErrClosed
	}
	err := unix.IoctlWatchdogKeepalive(int(k.file.Fd()))
	if err == nil {
		k.fed = time.Now()
	}
	return err
}

// Close implements Device: with disarm by the magic character, which a driver
// without it, or a kernel built with nowayout, does not heed.
func (k *Kernel) Close(disarm bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == nil {
		return ErrClosed
	}
	var err error
	if disarm {
		_, err = k.file.Write([]byte("V"))
	}
	err = errors.Join(err, k.file.Close())
	k.file = nil
	return err
}

// State returns the timeout; what is left of it, counted from the last feeding where the
// driver does not tell; and 1 if the watchdog was what reset the machine last, as far
// as the driver knows.
func (k *Kernel) State() (timeout, left time.Duration, resets int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == nil {
		return k.timeout, 0, 0
	}
	left, err := k.ask(unix.WDIOC_GETTIMELEFT)
	if err != nil {
		left = max(0, k.timeout-time.Since(k.fed))
	}
	if status, err := unix.IoctlGetInt(int(k.file.Fd()), unix.WDIOC_GETBOOTSTATUS); err == nil && status&unix.WDIOF_CARDRESET != 0 {
		resets = 1
	}
	return k.timeout, left, resets
}
