package disk

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"vedette/internal/testkit"
)

// loop returns a disk of that many bytes, which is a file, until the test ends.
func loop(t testing.TB, bytes int64, options ...string) *Device {
	t.Helper()
	if os.Getuid() != 0 {
		testkit.Lacking(t, "a loop device needs root")
	}
	image := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, bytes); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", append(options, "-P", "-f", "--show", image)...).CombinedOutput()
	if err != nil {
		testkit.Lacking(t, "losetup: "+err.Error()+": "+string(out))
	}
	node := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", node).CombinedOutput(); err != nil {
			t.Errorf("losetup -d: %v: %s", err, out)
		}
	})
	return device(t, filepath.Base(node))
}

// device reads a disk anew.
func device(t testing.TB, name string) *Device {
	t.Helper()
	dir, err := filepath.EvalSymlinks(filepath.Join("/sys/block", name))
	if err != nil {
		t.Fatal(err)
	}
	return &Device{read(dir), dir}
}

// path returns the node of the disk.
func (d *Device) path() string { return "/dev/" + d.Info.Name }

// blkpg is struct blkpg_ioctl_arg of linux/blkpg.h, and what it points to.
type blkpg struct {
	op, flags, length int32
	part              unsafe.Pointer
}

type blkpgPartition struct {
	start, length int64 // bytes
	number        int32
	_             [128]byte // names
}

// addPartition tells the kernel of a partition without a table.
func addPartition(disk *os.File, number int32, start, length int64) error {
	p := blkpgPartition{start: start, length: length, number: number}
	a := blkpg{op: unix.BLKPG_ADD_PARTITION, length: int32(unsafe.Sizeof(p)), part: unsafe.Pointer(&p)}
	var pin runtime.Pinner
	pin.Pin(&p)
	defer pin.Unpin()
	_, err := pass(int(disk.Fd()), unix.BLKPG, unsafe.Pointer(&a))
	return err
}

// split gives the disk n partitions of 1 MiB from an offset on, in the kernel only.
func split(t testing.TB, d *Device, from int64, n int) {
	t.Helper()
	f, err := os.OpenFile(d.path(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range n {
		if err := addPartition(f, int32(i+1), from+int64(i)<<20, 1<<20); err != nil {
			t.Fatalf("partition %d: %v", i+1, err)
		}
	}
}

// swap calls swapon(2) or swapoff(2).
func swap(call uintptr, path string) error {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(call, uintptr(unsafe.Pointer(p)), 0, 0); errno != 0 {
		return errno
	}
	return nil
}
