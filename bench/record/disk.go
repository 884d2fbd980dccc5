package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// disk is where one contender writes: an ext4 of its own on a loop device, so
// that the block layer counts for it alone; without root a plain directory.
type disk struct {
	dir, image string
	device     string // name in /sys/block; empty: a plain directory
}

// imageBytes is sparse: only what is written takes room.
const imageBytes = 8 << 30

func newDisk(base, name string) (*disk, error) {
	d := &disk{dir: filepath.Join(base, name), image: filepath.Join(base, name+".img")}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return d, os.MkdirAll(d.dir, 0o755)
	}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Truncate(d.image, imageBytes); err != nil {
		return nil, err
	}
	// No lazy initialisation: its writes would count as the contender's.
	if _, err := command("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", d.image); err != nil {
		return nil, err
	}
	if _, err := command("mount", "-o", "loop,noatime", d.image, d.dir); err != nil {
		return nil, err
	}
	dev, err := command("findmnt", "-n", "-o", "SOURCE", d.dir)
	if err != nil {
		d.close()
		return nil, err
	}
	d.device = filepath.Base(strings.TrimSpace(dev))
	return d, nil
}

// close unmounts the disk and removes what it held.
func (d *disk) close() {
	if d.image != "" && os.Geteuid() == 0 {
		if _, err := command("umount", d.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		if err := os.Remove(d.image); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if err := os.RemoveAll(d.dir); err != nil {
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

// blocks is what the block layer counted for a disk since it was made.
type blocks struct {
	known        bool
	ios, flushes int64
	written      int64 // bytes
}

// blocks reads /sys/block/*/stat (Documentation/block/stat.rst).
func (d *disk) blocks() (b blocks, err error) {
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
	b.known = true
	var sectors int64
	for i, into := range map[int]*int64{4: &b.ios, 6: &sectors, 15: &b.flushes} {
		if *into, err = strconv.ParseInt(f[i], 10, 64); err != nil {
			return b, fmt.Errorf("statistics of %s: %w", d.device, err)
		}
	}
	b.written = sectors * 512
	return b, nil
}

// media adds up the sizes of the footage files.
func (d *disk) media() (bytes int64, err error) {
	err = filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // files are renamed while we look
		}
		if ext := filepath.Ext(path); ext != ".mp4" && ext != ".part" {
			return nil
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes, err
}
