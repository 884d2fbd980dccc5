package recorder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// TestTheSystemsDiskDoesNotStandInForOneThatIsNotMounted: footage was in a
// directory of a disk; when the disk is not mounted, its mount point lies empty
// on the system's. A new volume there would fill the system's card.
func TestTheSystemsDiskDoesNotStandInForOneThatIsNotMounted(t *testing.T) {
	dir := t.TempDir()
	disk, err := os.MkdirTemp("/dev/shm", "vedette-mount-") // a file system of its own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(disk) })
	// A link is what a mount can be done and undone with here.
	mountPoint := filepath.Join(dir, "media")
	mount := func() {
		t.Helper()
		if err := os.RemoveAll(mountPoint); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(disk, mountPoint); err != nil {
			t.Fatal(err)
		}
	}
	unmount := func() {
		t.Helper()
		if err := os.Remove(mountPoint); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(mountPoint, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := func(o *Options) {
		o.System = dir
		o.Volumes = []VolumeOptions{{Name: "one", Dir: filepath.Join(mountPoint, "vedette")}}
	}
	mount()
	b := startRecorder(t, dir, options)
	mine := b.Volumes()[0]
	if mine.State != VolumeOK {
		t.Fatalf("a disk that is mounted: %+v", mine)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	unmount()
	b = startRecorder(t, dir, options)
	v := b.Volumes()[0]
	if v.State != VolumeAbsent || v.ID != mine.ID || !strings.Contains(v.Reason, "plug it in, or mount it") {
		t.Errorf("a disk that is not mounted: %+v", v)
	}
	if left, err := os.ReadDir(mountPoint); err != nil || len(left) > 0 {
		t.Errorf("its mount point holds %v, %v", left, err)
	}
	mount()
	testkit.Until(t, 20*time.Second, "the volume is back", func() bool {
		v := b.Volumes()[0]
		return v.State == VolumeOK && v.ID == mine.ID
	})
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	// Somebody configures the system's disk instead, under the same name.
	b = startRecorder(t, dir, func(o *Options) {
		o.System = dir
		o.Volumes = []VolumeOptions{{Name: "one", Dir: filepath.Join(dir, "instead")}}
	})
	if v := b.Volumes()[0]; v.State != VolumeOK || v.ID == mine.ID {
		t.Errorf("another directory for the same name: %+v", v)
	}
}
