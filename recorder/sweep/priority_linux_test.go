package sweep

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The sweeper's reads and writes wait for those of the recording.
func TestASweepYieldsTheDisk(t *testing.T) {
	priority := func() uintptr {
		p, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, ioThread, 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		return p
	}
	before, during := priority(), uintptr(0)
	running(t, nil, func(b *box, s *Sweeper) {
		b.record("a", 5, 30)
		b.set(func() { b.onRemove = func() { during = priority() } })
		b.fill(50)
		time.Sleep(2 * time.Second)
	})
	if during != ioBestEffort|ioLowest || priority() != before {
		t.Errorf("priority %#x in a sweep, %#x before and %#x after it", during, before, priority())
	}
}
