package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vedette/internal/testkit"
)

// watching runs watch until the test ends, with a buffer that small.
func watching(t *testing.T, buffer int, f func(Change)) {
	t.Helper()
	why := errors.New("the test is over")
	ctx, cancel := context.WithCancelCause(context.Background()) // not t.Context(), whose end has another cause
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- watch(ctx, buffer, func() { close(ready) }, f) }()
	select {
	case <-ready:
	case err := <-done:
		cancel(nil)
		testkit.Lacking(t, "no messages of the kernel: "+err.Error())
	}
	t.Cleanup(func() {
		cancel(why)
		if err := <-done; !errors.Is(err, why) {
			t.Errorf("Watch = %v, want the cause of the end", err)
		}
	})
}

// poke makes the kernel send a message.
func poke(t *testing.T, d *Device) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, "uevent"), []byte("change"), 0o200); err != nil {
		testkit.Lacking(t, "the sandbox forbids messages: "+err.Error())
	}
}

// next waits for a change to the disk; others use this machine too.
func next(t *testing.T, changes <-chan Change, names ...string) Change {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case c := <-changes:
			for _, name := range names {
				if c.Name == name {
					return c
				}
			}
		case <-late:
			t.Fatalf("no change of %v", names)
		}
	}
}

func TestTheKernelTellsChangesOfADisk(t *testing.T) {
	d := loop(t, 1<<20)
	changes := make(chan Change, 1000)
	watching(t, ueventBuffer, func(c Change) { changes <- c })
	poke(t, d)
	if c, want := next(t, changes, d.Info.Name), (Change{"change", d.Info.Name, true}); c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
}

func TestMessagesOfOthersThanTheKernelAreNotTaken(t *testing.T) {
	d := loop(t, 1<<20)
	changes := make(chan Change, 1000)
	watching(t, ueventBuffer, func(c Change) { changes <- c })
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lie := uevent("add@/devices/virtual/block/lie", "ACTION=add", "DEVPATH=/devices/virtual/block/lie", "SUBSYSTEM=block", "DEVTYPE=disk")
	if err := unix.Sendto(fd, lie, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		testkit.Lacking(t, "send to the group: "+err.Error())
	}
	poke(t, d)
	if c := next(t, changes, d.Info.Name, "lie"); c.Name == "lie" {
		t.Errorf("believed %+v", c)
	}
}

func TestLostMessagesAreTold(t *testing.T) {
	d := loop(t, 1<<20)
	changes, busy, release := make(chan Change, 1000), make(chan struct{}), make(chan struct{})
	first, free := true, sync.OnceFunc(func() { close(release) })
	watching(t, 1, func(c Change) { // the kernel makes it its least, some KiB
		if first {
			first = false
			close(busy)
			<-release
		}
		changes <- c
	})
	t.Cleanup(free) // before the watching ends, at any end of the test
	poke(t, d)
	select {
	case <-busy:
	case <-time.After(10 * time.Second):
		t.Fatal("no message")
	}
	for range 100 {
		poke(t, d)
	}
	free()
	if c := next(t, changes, ""); c.Action != Lost {
		t.Errorf("%+v, want lost", c)
	}
	poke(t, d) // it goes on
	next(t, changes, d.Info.Name)
}

func TestWatchEndsBeforeItBegins(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Watch(ctx, func(c Change) { t.Errorf("told %+v", c) }); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch = %v, want context.Canceled", err)
	}
}
