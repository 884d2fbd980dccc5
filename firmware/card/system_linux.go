package card

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"vedette/hal/disk"
)

// system is the machine this runs on.
type system struct{}

// deviceOf returns the number of the block device path, or of the one below its
// file system.
func deviceOf(path string) (major, minor uint32, err error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, 0, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	dev := uint64(st.Dev)
	if st.Mode&unix.S_IFMT == unix.S_IFBLK {
		dev = uint64(st.Rdev)
	}
	return unix.Major(dev), unix.Minor(dev), nil
}

// Program implements machine. A program that waits for a sick card dies only when the
// kernel gives the card up.
func (system) Program(ctx context.Context, name string, arg ...string) (string, int, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} { // not in everybody's PATH
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return "", 0, fmt.Errorf("program %s: %w", name, exec.ErrNotFound)
	}
	cmd := exec.CommandContext(ctx, path, arg...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return string(out), 0, nil
	case ctx.Err() != nil:
		return string(out), 0, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case ended && exit.Exited():
		return string(out), exit.ExitCode(), nil
	}
	return string(out), 0, fmt.Errorf("%s: %w", name, err)
}

// WriteTable implements machine.
func (system) WriteTable(node string, t table) error {
	f, err := os.OpenFile(node, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(t.write(f), f.Close())
}

// AddPartition implements machine.
func (system) AddPartition(node string, number int, start, length int64) error {
	return partition(node, "add", unix.BLKPG_ADD_PARTITION, number, start, length)
}

// ResizePartition implements machine.
func (system) ResizePartition(node string, number int, start, length int64) error {
	return partition(node, "resize", unix.BLKPG_RESIZE_PARTITION, number, start, length)
}

// partition tells the kernel of a partition (linux/blkpg.h), which it takes also while
// others of the disk, or this one, are in use.
func partition(node, what string, op int32, number int, start, length int64) error {
	f, err := os.Open(node)
	if err != nil {
		return err
	}
	defer f.Close()
	part := unix.BlkpgPartition{Start: start, Length: length, Pno: int32(number)}
	arg := unix.BlkpgIoctlArg{Op: op, Datalen: int32(unsafe.Sizeof(part)), Data: (*byte)(unsafe.Pointer(&part))}
	var pin runtime.Pinner
	pin.Pin(&part)
	defer pin.Unpin()
	if err := ioctl(f, unix.BLKPG, unsafe.Pointer(&arg)); err != nil {
		return fmt.Errorf("%s partition %d of %s: %w", what, number, node, err)
	}
	return nil
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno unix.Errno
	if err := raw.Control(func(fd uintptr) { _, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg)) }); err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}

// Mount implements machine.
func (system) Mount(m mounting) error {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("%w: %w", errDevice, err)
	}
	flags := uintptr(unix.MS_NOATIME | unix.MS_NODEV | unix.MS_NOSUID | unix.MS_NOEXEC)
	if m.readOnly {
		flags |= unix.MS_RDONLY
	}
	err := unix.Mount(m.source, m.dir, m.fs, flags, m.data)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("mount %s at %s: %w", m.source, m.dir, err)
	for _, its := range []error{unix.EINVAL, unix.EUCLEAN, unix.EBADMSG, unix.EIO} {
		if errors.Is(err, its) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", errDevice, err)
}

// Unmount implements machine.
func (system) Unmount(dir string) error { return disk.Unmount(dir) }

// Probe implements machine.
func (system) Probe(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// Trim implements machine.
func (system) Trim(dir string) (int64, error) {
	f, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return 0, fmt.Errorf("sync %s: %w", dir, err)
	}
	n, err := disk.Trim(f, 0, math.MaxUint64, 0)
	return int64(n), err
}

// Discard implements machine.
func (system) Discard(node string, length int64) error {
	f, err := os.OpenFile(node, os.O_RDWR|unix.O_EXCL, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	of := [2]uint64{0, uint64(length)}
	if err := ioctl(f, unix.BLKDISCARD, unsafe.Pointer(&of)); err != nil {
		return fmt.Errorf("discard %s: %w", node, err)
	}
	return f.Sync()
}
