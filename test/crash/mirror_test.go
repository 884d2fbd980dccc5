package crash

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"vedette/internal/faultfs"
	"vedette/recorder/index"
	"vedette/recorder/recovery"
	"vedette/recorder/volume"
)

// boltPage is the page size of the index.
const boltPage = 4096

// mirror keeps segments.db of a faultfs disk, or another database, like the
// real file that bbolt writes to. After every commit it does to the disk what
// bbolt did to the file, in bbolt's order: the file grows, the data pages are
// written and synced, then the meta page is written and synced. Each of these
// is an operation before which the power can be cut, and tears like any other.
type mirror struct {
	disk *faultfs.Disk
	name string // on the disk
	path string // of the real file
	dir  string

	mu   sync.Mutex
	last []byte // what the disk has; nil if there is no index
	off  bool   // leave the disk as it is
}

// newMirror takes the index of disk, if it has one, to a directory of its own.
func newMirror(disk *faultfs.Disk) (*mirror, error) {
	dir, err := os.MkdirTemp(scratch(), "vedette-crash-")
	if err != nil {
		return nil, err
	}
	m := &mirror{disk: disk, name: recovery.IndexName, dir: dir, path: filepath.Join(dir, recovery.IndexName)}
	data, err := disk.ReadFile(recovery.IndexName)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	m.last = data
	return m, m.fill(data)
}

// fill makes the real file of data. Most of it is zeros, which take no time
// when they are not written.
func (m *mirror) fill(data []byte) error {
	f, err := os.OpenFile(m.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = f.Truncate(int64(len(data)))
	zeros := make([]byte, boltPage)
	for at := 0; at < len(data) && err == nil; at += boltPage {
		if p := data[at:min(at+boltPage, len(data))]; !bytes.Equal(p, zeros[:len(p)]) {
			_, err = f.WriteAt(p, int64(at))
		}
	}
	return errors.Join(err, f.Close())
}

// scratch returns a directory in memory where there is one: bbolt syncs, and
// here nothing hangs on it.
func scratch() string {
	const shm = "/dev/shm"
	if fi, err := os.Stat(shm); err == nil && fi.IsDir() {
		return shm
	}
	return ""
}

// pause switches the mirror off, or on again.
func (m *mirror) pause(off bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = off
}

func (m *mirror) close() { _ = os.RemoveAll(m.dir) }

// stamp returns the numbers of the newest transactions in both meta pages.
func stamp(data []byte) (t [2]uint64) {
	for i := range t {
		if at := i*boltPage + 16 + 48; len(data) >= at+8 { // page header, then meta.txid
			t[i] = binary.LittleEndian.Uint64(data[at:])
		}
	}
	return t
}

// sync brings the disk up to date.
func (m *mirror) sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return nil
	}
	f, err := os.Open(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 2*boltPage)
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil // being created
	}
	if m.last != nil && bytes.Equal(head, m.last[:min(len(m.last), 2*boltPage)]) {
		return nil
	}
	data, err := os.ReadFile(m.path)
	if err != nil {
		return err
	}
	if m.last == nil {
		err = m.create(data)
	} else {
		err = m.commit(data)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	m.last = data
	return nil
}

// create puts a new index under its name.
func (m *mirror) create(data []byte) error {
	h, err := m.disk.Create(m.name + ".new")
	if errors.Is(err, fs.ErrExist) {
		if err = m.disk.Remove(m.name + ".new"); err == nil {
			h, err = m.disk.Create(m.name + ".new")
		}
	}
	if err != nil {
		return err
	}
	if _, err = h.WriteVAt([][]byte{data}, 0); err == nil {
		err = h.Sync()
	}
	if err := errors.Join(err, h.Close()); err != nil {
		return err
	}
	if err := m.disk.Rename(m.name+".new", m.name); err != nil {
		return err
	}
	return m.disk.SyncDir(".")
}

// commit writes the pages that are new.
func (m *mirror) commit(data []byte) error {
	h, err := m.disk.Modify(m.name)
	if err != nil {
		return err
	}
	defer h.Close()
	if len(data) > len(m.last) {
		if err := h.Truncate(int64(len(data))); err != nil {
			return err
		}
		if err := h.Sync(); err != nil {
			return err
		}
	}
	write := func(from, to int) error {
		wrote := false
		for i := from; i < to; i += boltPage {
			p := data[i : i+boltPage]
			if i < len(m.last) && bytes.Equal(p, m.last[i:i+boltPage]) {
				continue
			}
			if _, err := h.WriteVAt([][]byte{p}, int64(i)); err != nil {
				return err
			}
			wrote = true
		}
		if !wrote {
			return nil
		}
		return h.Sync()
	}
	if err := write(2*boltPage, len(data)/boltPage*boltPage); err != nil {
		return err
	}
	if t := stamp(data); t[0] > t[1] { // the newest last, where several commits come together
		return errors.Join(write(boltPage, 2*boltPage), write(0, boltPage))
	}
	return errors.Join(write(0, boltPage), write(boltPage, 2*boltPage))
}

// mirrored is the disk as recovery sees it: before every change of the disk
// the index is brought up to date.
type mirrored struct {
	*faultfs.Disk
	m *mirror
}

func (f mirrored) Rename(from, to string) error {
	if err := f.m.sync(); err != nil {
		return err
	}
	err := f.Disk.Rename(from, to)
	if err == nil && from == recovery.IndexName {
		f.m.last = nil
		err = os.Remove(f.m.path)
	}
	return err
}

func (f mirrored) Create(path string) (volume.Handle, error) {
	if err := f.m.sync(); err != nil {
		return nil, err
	}
	return f.Disk.Create(path)
}

func (f mirrored) Modify(path string) (volume.Handle, error) {
	if err := f.m.sync(); err != nil {
		return nil, err
	}
	return f.Disk.Modify(path)
}

func (f mirrored) Remove(path string) error {
	if err := f.m.sync(); err != nil {
		return err
	}
	return f.Disk.Remove(path)
}

// catalog is the index as the recorder uses it. A call returns when what it
// changed is durable on the disk, too.
type catalog struct {
	*index.Index
	m   *mirror
	led *ledger
	mu  sync.Mutex
}

func (c *catalog) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.Index.Flush(), c.m.sync())
}

func (c *catalog) Condemn(rows []index.Row, reason string) ([]index.Garbage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, err := c.Index.Condemn(rows, reason)
	if err = errors.Join(err, c.m.sync()); err != nil {
		return nil, err
	}
	for _, r := range g {
		c.led.note(c.led.condemned, r.Row)
	}
	return g, nil
}

func (c *catalog) Forget(gone []index.Garbage, a index.Audit) error {
	// From here on nobody knows the file any more.
	for _, g := range gone {
		c.led.note(c.led.forgotten, g.Row)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.Index.Forget(gone, a), c.m.sync())
}

func (c *catalog) Hold(camera string, from, to int64) ([]index.Row, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, err := c.Index.Hold(camera, from, to)
	return rows, errors.Join(err, c.m.sync())
}
