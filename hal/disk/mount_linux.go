package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Mount mounts the ext4 file system on dev, a node in /dev, at dir, for footage:
// no access times, no devices, set-uid bits or programs (mount(2)), ordered data,
// as is ext4's default (kernel document filesystems/ext4). It makes dir if it is not there.
//
// It returns ErrMounted if something is mounted at dir, whatever it is; ErrBusy if
// dev is used by something else; errors of mount(2), as unix.EINVAL for a
// device without ext4. A second call for the same dir at the same time may put one
// mount on the other.
func Mount(dev, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	switch there, err := isMounted(dir); {
	case err != nil:
		return err
	case there:
		return fmt.Errorf("mount %s at %s: %w", dev, dir, ErrMounted)
	}
	const flags = unix.MS_NOATIME | unix.MS_NODEV | unix.MS_NOSUID | unix.MS_NOEXEC
	err := unix.Mount(dev, dir, "ext4", flags, "")
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("mount %s at %s: %w", dev, dir, ErrBusy)
	case err != nil:
		return fmt.Errorf("mount %s at %s: %w", dev, dir, err)
	}
	return nil
}

// Unmount writes what is mounted at dir to its disk (syncfs(2)) and unmounts it;
// with nothing mounted there it does nothing and returns nil. When it returns nil
// and nothing else of the disk is mounted, Eject may be called.
//
// It returns ErrBusy, and all stays mounted and usable, while a file below dir is
// open or a directory somebody's own: it never unmounts lazily. If what was
// written did not reach the disk, as when the plug is pulled already, it
// unmounts all the same and returns that error.
func Unmount(dir string) error {
	switch there, err := isMounted(dir); {
	case err != nil:
		return err
	case !there:
		return nil
	}
	synced := syncDir(dir)
	err := unix.Unmount(dir, unix.UMOUNT_NOFOLLOW)
	switch {
	case errors.Is(err, unix.EBUSY):
		err = fmt.Errorf("unmount %s: %w", dir, ErrBusy)
	case err != nil:
		err = fmt.Errorf("unmount %s: %w", dir, err)
	}
	return errors.Join(synced, err)
}

// syncDir writes the file system of a directory.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

// isMounted says whether a directory is a mount point; a link is what it leads to.
func isMounted(dir string) (bool, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // else a dead disk's, which is to be let go, or nothing
	}
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(parseMountinfo(string(text)), func(m mountPoint) bool { return m.dir == path }), nil
}

// Eject makes the disk ready to be unplugged: it flushes it, and has a SATA or USB
// disk park its heads, spin down and leave the kernel (SCSI's delete in sysfs,
// kernel document ABI/testing/sysfs-bus-scsi-devices), after which d is of no use.
// Others, as cards, need no more than the flush.
//
// It returns ErrBusy, with the reason, if Busy says one other than that it is
// read-only: unmount first. errors.Is(err, os.ErrNotExist): the disk went already.
func (d *Device) Eject() error {
	switch why, err := d.Busy(); {
	case err != nil:
		return err
	case why != "" && why != readOnly:
		return fmt.Errorf("eject %s: %w: %s", d.Info.Name, ErrBusy, why)
	}
	if err := flush(node(d.Info.Name)); err != nil {
		return fmt.Errorf("eject %s: %w", d.Info.Name, err)
	}
	if d.Info.Kind != SCSI {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(d.dir, "device", "delete"), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("eject %s: %w", d.Info.Name, err)
	}
	_, err = f.WriteString("1")
	return errors.Join(err, f.Close())
}
