package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/testkit"

	"golang.org/x/sys/unix"
)

func TestADiskIsMountedAndLetGo(t *testing.T) {
	d := loop(t, 32<<20)
	dir := filepath.Join(t.TempDir(), "media", "my disk")
	if err := Mount(d.path(), dir); !errors.Is(err, unix.EINVAL) {
		t.Fatalf("a disk without ext4: %v", err)
	}
	testkit.Command(t, "mkfs.ext4", "-q", d.path())
	if err := Mount(d.path(), dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Unmount(dir); err != nil {
			t.Error(err)
		}
	})
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, d.path()+" ") && !strings.Contains(line, " rw,nosuid,nodev,noexec,noatime ") {
			t.Errorf("mounted as %s", line)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{dir, dir + "/", link} {
		if err := Mount(d.path(), at); !errors.Is(err, ErrMounted) || !errors.Is(err, fs.ErrExist) {
			t.Errorf("twice at %s: %v", at, err)
		}
	}
	if err := d.Eject(); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), dir) {
		t.Errorf("ejected while mounted: %v", err)
	}
	f, err := os.Create(filepath.Join(dir, "footage"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Unmount(dir); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), dir) {
		t.Errorf("unmounted under a file: %v", err)
	}
	if _, err := f.WriteString("still there"); err != nil {
		t.Error(err)
	}
	f.Close()
	for range 2 { // the second does nothing
		if err := Unmount(dir); err != nil {
			t.Error(err)
		}
	}
	if p := only(t, d); p.Mount != "" {
		t.Errorf("%+v after unmount", p)
	}
	if err := d.Eject(); err != nil {
		t.Error(err)
	}
}

func TestUnmountOfNothing(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if err := Unmount(dir); err != nil {
			t.Error(err)
		}
	}
}

// TestEjectTellsTheKernel has a loop device that says it is SCSI.
func TestEjectTellsTheKernel(t *testing.T) {
	d := loop(t, 1<<20)
	sys := sysfs(t, nil, map[string]string{"device/delete": "", "dev": "7:9999"})
	d.dir = sys
	read := func() string { return word(sys, "device/delete") }
	if err := d.Eject(); err != nil || read() != "" {
		t.Errorf("a virtual disk: %v, deleted %q", err, read())
	}
	d.Info.Kind = SCSI
	if err := d.Eject(); err != nil || read() != "1" {
		t.Errorf("a SCSI disk: %v, deleted %q", err, read())
	}
	if err := os.Remove(filepath.Join(sys, "device/delete")); err != nil {
		t.Fatal(err)
	}
	if err := d.Eject(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a disk that went: %v", err)
	}
}
