package box

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Disk is where one contender writes: a file system of its own on a loop
// device, so that the block layer counts for it alone; without root a plain
// directory.
type Disk struct {
	Dir    string // where it is mounted
	Kind   string // of file system; empty: a plain directory
	image  string
	device string // name in /sys/block; empty: a plain directory
}

// makers are the programs that make a file system, with the arguments that
// keep later initialisation out of the figures.
var makers = map[string][]string{
	"ext4": {"mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"},
	"xfs":  {"mkfs.xfs", "-q"},
	"f2fs": {"mkfs.f2fs", "-q"},
}

// Lacks says why file systems of this kind cannot be measured here, or "".
func Lacks(kind string) string {
	maker, known := makers[kind]
	if !known {
		return "no file system that this program makes"
	}
	if os.Geteuid() != 0 {
		return "only root can mount"
	}
	if _, err := exec.LookPath(maker[0]); err != nil {
		return maker[0] + " is not installed"
	}
	known = false
	if raw, err := os.ReadFile("/proc/filesystems"); err == nil {
		known = slices.Contains(strings.Fields(string(raw)), kind)
	}
	if !known && exec.Command("modprobe", "-q", kind).Run() != nil {
		return "the kernel has no " + kind
	}
	return ""
}

// NewDisk makes a disk of size bytes called name below base; it is sparse, so
// only what is written takes room. extra are further arguments for mkfs.
func NewDisk(base, name, kind string, size int64, extra ...string) (*Disk, error) {
	d := &Disk{Dir: filepath.Join(base, name)}
	if err := os.MkdirAll(d.Dir, 0o755); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return d, nil
	}
	d.Kind, d.image = kind, filepath.Join(base, name+".img")
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Truncate(d.image, size); err != nil {
		return nil, err
	}
	maker := slices.Concat(makers[kind], extra, []string{d.image})
	if _, err := command(maker[0], maker[1:]...); err != nil {
		return nil, errors.Join(err, os.Remove(d.image))
	}
	if err := d.Mount(); err != nil {
		return nil, errors.Join(err, os.Remove(d.image))
	}
	return d, nil
}

// Mount mounts the disk; NewDisk has done so already.
func (d *Disk) Mount() error {
	if d.image == "" {
		return nil
	}
	if _, err := command("mount", "-o", "loop,noatime", d.image, d.Dir); err != nil {
		return err
	}
	dev, err := command("findmnt", "-n", "-o", "SOURCE", d.Dir)
	if err != nil {
		return errors.Join(err, d.unmount())
	}
	d.device = filepath.Base(strings.TrimSpace(dev))
	return nil
}

// unmount also frees the loop device, which mount has made.
func (d *Disk) unmount() error {
	if d.image == "" {
		return nil
	}
	_, err := command("umount", d.Dir)
	return err
}

// Remount unmounts and mounts the disk and forgets what memory holds of it,
// so that what is read next comes from below. It does nothing for a plain
// directory.
func (d *Disk) Remount() error {
	if d.image == "" {
		return nil
	}
	if err := d.unmount(); err != nil {
		return err
	}
	f, err := os.Open(d.image)
	if err != nil {
		return err
	}
	err = errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
	return errors.Join(err, d.Mount())
}

// Close unmounts the disk and removes what it held. An error is only printed:
// there is nothing a benchmark could do about it.
func (d *Disk) Close() {
	err := d.unmount()
	if err == nil && d.image != "" {
		err = os.Remove(d.image)
	}
	if err == nil {
		err = os.RemoveAll(d.Dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func command(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Blocks is what the block layer counted for a disk since it was mounted.
type Blocks struct {
	Known         bool // false for a plain directory
	IOs, Flushes  int64
	Written, Read int64 // bytes
	flying        int64 // requests that are under way
}

// Sub returns what was counted since before.
func (b Blocks) Sub(before Blocks) Blocks {
	b.IOs, b.Flushes = b.IOs-before.IOs, b.Flushes-before.Flushes
	b.Written, b.Read = b.Written-before.Written, b.Read-before.Read
	return b
}

// Blocks reads /sys/block/*/stat (Documentation/block/stat.rst).
func (d *Disk) Blocks() (b Blocks, err error) {
	if d.device == "" {
		return b, nil
	}
	raw, err := os.ReadFile(filepath.Join("/sys/block", d.device, "stat"))
	if err != nil {
		return b, err
	}
	f := strings.Fields(string(raw))
	if len(f) < 16 {
		return b, fmt.Errorf("statistics of %s: %d fields, the kernel does not count flushes", d.device, len(f))
	}
	b.Known = true
	for i, into := range map[int]*int64{2: &b.Read, 4: &b.IOs, 6: &b.Written, 8: &b.flying, 15: &b.Flushes} {
		if *into, err = strconv.ParseInt(f[i], 10, 64); err != nil {
			return b, fmt.Errorf("statistics of %s: %w", d.device, err)
		}
	}
	const sector = 512
	b.Read, b.Written = b.Read*sector, b.Written*sector
	return b, nil
}

// Quiet waits for the end of a sync cycle: until the disk has been given at
// least burst bytes and a flush, and has had nothing to do for a moment after
// that. What a recorder has written is then on the disk but for a few
// milliseconds' worth, so that figures taken at two such moments compare. burst
// tells a cycle from a commit of some database between two of them. It gives up
// after limit, without an error: a contender that never flushes is sampled at
// any moment.
func (d *Disk) Quiet(ctx context.Context, burst int64, limit time.Duration) error {
	const step, rest = 5 * time.Millisecond, 40 * time.Millisecond
	mark, err := d.Blocks()
	if err != nil || !mark.Known {
		return err
	}
	deadline := time.Now().Add(limit)
	last, since := mark, time.Now()
	for time.Now().Before(deadline) {
		if err := Sleep(ctx, step); err != nil {
			return err
		}
		now, err := d.Blocks()
		if err != nil {
			return err
		}
		if now.IOs != last.IOs || now.Flushes != last.Flushes || now.flying > 0 {
			last, since = now, time.Now()
			continue
		}
		if now.Flushes == mark.Flushes || time.Since(since) < rest {
			continue
		}
		if now.Written-mark.Written >= burst {
			return nil
		}
		mark = now
	}
	return nil
}

// Burst returns what to ask Quiet for: half of what a disk is given in one
// cycle, as far as its count over took tells.
func Burst(written Blocks, took, cycle time.Duration) int64 {
	return int64(float64(written.Written) / took.Seconds() * cycle.Seconds() / 2)
}
