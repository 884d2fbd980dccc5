package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"vedette/internal/faultfs"
	"vedette/recorder/volume"
)

// disk is a directory on a disk whose power can be cut.
type disk struct{ *faultfs.Disk }

func (d disk) open(name string) (file, error) {
	h, err := d.Modify(name)
	if errors.Is(err, fs.ErrNotExist) {
		h, err = d.Create(name)
	}
	if err != nil {
		return nil, err
	}
	return handle{h}, nil
}

func (d disk) read(name string, most int64) ([]byte, error) {
	h, err := d.Disk.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer h.Close()
	size, err := h.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, min(size, most))
	_, err = h.ReadAt(data, size-int64(len(data)))
	return data, err
}

// replace is less than rename(2) promises: in between there is no file named to.
func (d disk) replace(from, to string) error {
	if err := d.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.Rename(from, to)
}

func (d disk) sync() error { return d.SyncDir(".") }

type handle struct{ volume.Handle }

func (h handle) WriteAt(p []byte, off int64) (int, error) {
	n, err := h.WriteVAt([][]byte{p}, off)
	return int(n), err
}

// on puts the tail of a journal on d.
func on(d *faultfs.Disk, o Options) *Journal {
	o.Dir = "unused"
	j := New(o)
	j.tail.dir = disk{d}
	return j
}

// logger logs everything into j.
func logger(j *Journal) *slog.Logger { return slog.New(j.Handler(slog.LevelDebug)) }

// syncs counts how often a file was made durable.
func syncs(d *faultfs.Disk) (n int) {
	for _, op := range d.Log() {
		if op.Kind == faultfs.Sync {
			n++
		}
	}
	return n
}

// onDisk returns what the next run would find.
func onDisk(t *testing.T, d *faultfs.Disk, o Options) []string {
	t.Helper()
	lines, err := on(d, o).Previous(1e6, slog.LevelDebug)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// has counts the lines that hold text.
func has(lines []string, text string) (n int) {
	for _, l := range lines {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// line is the nth line that a test writes, of a given size.
func line(n, size int) string {
	s := fmt.Sprintf("level=WARN msg=%04d ", n)
	return s + strings.Repeat("x", size-len(s)-1) + "\n"
}
