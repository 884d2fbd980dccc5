package clock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Steps calls f whenever somebody sets the wall clock, with how far it went, until
// ctx is done; then it returns its cause. A clock that is only slewed makes no
// step. It is a timer that the kernel cancels (timerfd_create(2),
// TFD_TIMER_CANCEL_ON_SET).
func Steps(ctx context.Context, f func(by time.Duration)) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch the wall clock: %w", err)
	}
	timer := os.NewFile(uintptr(fd), "timerfd")
	stop := context.AfterFunc(ctx, func() { _ = timer.Close() }) // ends the read
	defer func() {
		if stop() {
			_ = timer.Close()
		}
	}()
	was := offset()
	for {
		if err := arm(timer); err != nil {
			return ended(ctx, err)
		}
		now := offset() // it may have been set before the timer was
		if (now - was).Abs() <= jitter {
			var expired [8]byte
			if _, err := timer.Read(expired[:]); err != nil && !errors.Is(err, unix.ECANCELED) {
				return ended(ctx, err)
			}
			now = offset()
		}
		if by := now - was; by.Abs() > jitter {
			f(by)
		}
		was = now
	}
}

func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("watch the wall clock: %w", err)
}

// arm sets the timer to a moment that never comes.
func arm(timer *os.File) error {
	raw, err := timer.SyscallConn()
	if err != nil {
		return err
	}
	var errno error
	never := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt32}}
	err = raw.Control(func(fd uintptr) {
		errno = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &never, nil)
	})
	return errors.Join(err, errno)
}

// jitter is how far apart two readings of offset may be without a step: they are
// two calls, and the clock may be slewed.
const jitter = 100 * time.Millisecond

// offset returns how far the wall clock is before the time since boot.
func offset() time.Duration {
	return time.Duration(time.Now().UnixNano()) - SinceBoot()
}
