package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Ext4 makes a real ext4 of size bytes in a file, mounts it by a loop device, and
// returns file and mount point; it is unmounted at the end of the test.
// mkfs are further arguments for mkfs.ext4. Without root the test
// is skipped, or fails in CI.
func Ext4(t testing.TB, size int64, mkfs ...string) (image, mount string) {
	t.Helper()
	if os.Getuid() != 0 {
		Lacking(t, "mounting a loop device needs root")
	}
	dir := t.TempDir()
	image, mount = filepath.Join(dir, "disk.img"), filepath.Join(dir, "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	Command(t, "mkfs.ext4", slices.Concat([]string{"-q", "-F", "-m", "0"}, mkfs, []string{image})...)
	Command(t, "mount", "-o", "loop,noatime", image, mount)
	t.Cleanup(func() {
		if out, err := exec.Command("umount", mount).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return image, mount
}

// Command runs a program, and fails the test with what it said if that fails.
func Command(t testing.TB, name string, arg ...string) {
	t.Helper()
	if out, err := exec.Command(name, arg...).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%s %s: %w: %s", name, strings.Join(arg, " "), err, out))
	}
}
