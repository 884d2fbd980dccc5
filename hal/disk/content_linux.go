package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// probeTime bounds how long a partition is asked what it holds.
const probeTime = 5 * time.Second

// readOnly is what Busy says of a disk that cannot be written.
const readOnly = "read-only"

// Parts returns the partitions of the disk in their order, or the disk itself if
// it has none but holds something; nil if it holds nothing that is known. What
// they hold is asked of blkid(8), up to 5 s each, which wakes a disk that sleeps;
// without that program only what is mounted is known.
//
// Parts that cannot be asked are returned with what else is known of them,
// together with an error. errors.Is(err, os.ErrNotExist): the disk went.
func (d *Device) Parts() ([]Part, error) {
	dirs, err := partitions(d.dir)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", d.Info.Name, err)
	}
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	whole := len(dirs) == 0
	if whole {
		dirs = []string{d.dir}
	}
	var parts []Part
	var errs []error
	for _, dir := range dirs {
		p, err := part(dir, parseMountinfo(string(text)))
		if err != nil {
			errs = append(errs, err)
		}
		if whole && err == nil && p.FS == "" {
			continue
		}
		parts = append(parts, p)
	}
	return parts, errors.Join(errs...)
}

// partitions returns the directories in sysfs of a disk's partitions, by number.
func partitions(disk string) ([]string, error) {
	entries, err := os.ReadDir(disk)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, e := range entries {
		if dir := filepath.Join(disk, e.Name()); number(dir, "partition") > 0 {
			dirs = append(dirs, dir)
		}
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(number(a, "partition"), number(b, "partition")) })
	return dirs, nil
}

// part says what is in a partition, and where it is mounted.
func part(dir string, mounts []mountPoint) (Part, error) {
	p := Part{Name: filepath.Base(dir), Bytes: number(dir, "size") * 512, ReadOnly: word(dir, "ro") == "1"}
	err := p.probe()
	m, ok := mounted(dir, mounts)
	if !ok {
		return p, err
	}
	p.Mount, p.FS, p.ReadOnly = m.dir, cmp.Or(p.FS, m.fs), p.ReadOnly || m.readOnly
	var st unix.Statfs_t
	if failed := unix.Statfs(m.dir, &st); failed != nil {
		return p, errors.Join(err, &os.PathError{Op: "statfs", Path: m.dir, Err: failed})
	}
	size := int64(cmp.Or(st.Frsize, st.Bsize))
	p.Used, p.Free = int64(st.Blocks-st.Bfree)*size, int64(st.Bavail)*size
	return p, err
}

// mounted returns the first mount of the disk or partition.
func mounted(dir string, mounts []mountPoint) (mountPoint, bool) {
	number, source := word(dir, "dev"), node(filepath.Base(dir))
	i := slices.IndexFunc(mounts, func(m mountPoint) bool { return m.number == number || m.source == source })
	if i < 0 || number == "" {
		return mountPoint{}, false
	}
	return mounts[i], true
}

// probe asks blkid, not its cache, what the partition holds.
func (p *Part) probe() error {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	out, err := run(ctx, "blkid", "-p", "-o", "udev", node(p.Name))
	if errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		switch exit.ExitCode() {
		case 2: // nothing that it knows; or the node is not there
			if _, err := os.Stat(node(p.Name)); err != nil {
				return err
			}
			return nil
		case 8:
			p.FS = "several"
			return nil
		}
	}
	if err != nil {
		return err
	}
	keys := parseProbe(out)
	p.FS, p.UUID, p.Label = keys["ID_FS_TYPE"], keys["ID_FS_UUID"], keys["ID_FS_LABEL"]
	return nil
}

// Busy returns why the disk must not be touched, in words for people, or "" if
// nothing speaks against it: "mounted at X", "swap", "used by dm-0" (also of a
// partition), "read-only", "opened by somebody" (in another mount namespace, or a
// program that formats it). It returns an error where that cannot be found out,
// as when the disk went (os.ErrNotExist) or a card reader is empty. The answer may be
// old at once; what writes opens the disk exclusively (open(2), O_EXCL).
func (d *Device) Busy() (string, error) {
	dirs, err := partitions(d.dir)
	if err != nil {
		return "", fmt.Errorf("partitions of %s: %w", d.Info.Name, err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	swaps, err := os.ReadFile("/proc/swaps")
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a kernel without swap
		return "", err
	}
	for _, dir := range append([]string{d.dir}, dirs...) {
		if why := used(dir, parseMountinfo(string(mounts)), parseSwaps(string(swaps))); why != "" {
			return why, nil
		}
	}
	if word(d.dir, "ro") == "1" {
		return readOnly, nil
	}
	fd, err := unix.Open(node(d.Info.Name), unix.O_RDONLY|unix.O_EXCL|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return "opened by somebody", nil
	case err != nil:
		return "", &os.PathError{Op: "open", Path: node(d.Info.Name), Err: err}
	}
	return "", unix.Close(fd)
}

// used says who uses a disk or partition by itself.
func used(dir string, mounts []mountPoint, swaps []string) string {
	if m, ok := mounted(dir, mounts); ok {
		return "mounted at " + m.dir
	}
	if slices.Contains(swaps, node(filepath.Base(dir))) {
		return "swap"
	}
	holders, _ := os.ReadDir(filepath.Join(dir, "holders")) // a disk that went has none
	if len(holders) > 0 {
		return "used by " + holders[0].Name()
	}
	return ""
}
