package power

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mountImage mounts the ext4 in a file, which replays its journal as after a
// power cut, and returns what unmounts it. The loop device goes with it.
func mountImage(image, where string) (unmount func() error, err error) {
	device, loop, err := attach(image)
	if err != nil {
		return nil, fmt.Errorf("attach %s: %w", image, err)
	}
	err = unix.Mount(device, where, "ext4", unix.MS_NOATIME, "")
	// The device lives as long as the mount.
	if err := errors.Join(err, loop.Close()); err != nil {
		return nil, fmt.Errorf("mount %s: %w", image, err)
	}
	return func() error {
		for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			if err := unix.Unmount(where, 0); !errors.Is(err, unix.EBUSY) || time.Since(began) > 5*time.Second {
				return err
			}
		}
	}, nil
}

// attach gives the file a loop device that disappears with its last user.
func attach(image string) (device string, loop *os.File, err error) {
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return "", nil, err
	}
	defer control.Close()
	for range 100 {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return "", nil, fmt.Errorf("free loop device: %w", err)
		}
		device = fmt.Sprintf("/dev/loop%d", n)
		if err := unix.Mknod(device, unix.S_IFBLK|0o660, int(unix.Mkdev(7, uint32(n)))); err != nil && !errors.Is(err, unix.EEXIST) {
			return "", nil, err
		}
		if loop, err = os.OpenFile(device, os.O_RDWR, 0); err != nil {
			return "", nil, err
		}
		c := unix.LoopConfig{Fd: uint32(file.Fd())}
		c.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
		if err = unix.IoctlLoopConfigure(int(loop.Fd()), &c); err == nil {
			return device, loop, nil
		}
		_ = loop.Close() // somebody else was faster
		if !errors.Is(err, unix.EBUSY) {
			return "", nil, fmt.Errorf("configure %s: %w", device, err)
		}
	}
	return "", nil, errors.New("no free loop device")
}

// checkExt4 has the file system's own tool look at an unmounted image.
func checkExt4(image string) error {
	out, err := exec.Command("e2fsck", "-fn", image).CombinedOutput()
	if err != nil {
		return fmt.Errorf("e2fsck: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
