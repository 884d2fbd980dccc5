package volume

import (
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"testing"
)

var (
	errROFS    error = syscall.EROFS
	errNoSpace error = syscall.ENOSPC
	errIO      error = syscall.EIO
)

// faultFS is a real directory whose calls are written down and can be made
// to fail.
type faultFS struct {
	*osFS
	mu    sync.Mutex
	calls []string
	// fault decides by operation and path; nil never fails. It is called with
	// the lock held.
	fault func(op, path string) error
	torn  int64 // bytes of a failing write that reach the file anyway
	space Space
}

func newFaultFS(t *testing.T, dir string) *faultFS {
	t.Helper()
	disk, err := openOS(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	return &faultFS{osFS: disk, space: Space{Total: 1 << 40, Free: 1 << 39, Available: 1 << 39}}
}

func (d *faultFS) set(fault func(op, path string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

func (d *faultFS) log() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

func (d *faultFS) call(op, path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if path != identityName { // the look whether the disk is there comes when it comes
		d.calls = append(d.calls, op+" "+path)
	}
	if d.fault == nil {
		return nil
	}
	if err := d.fault(op, path); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

func (d *faultFS) handle(op, path string, open func(string) (Handle, error)) (Handle, error) {
	if err := d.call(op, path); err != nil {
		return nil, err
	}
	h, err := open(path)
	if err != nil {
		return nil, err
	}
	return &faultHandle{h, d, path}, nil
}

func (d *faultFS) Create(p string) (Handle, error) { return d.handle("create", p, d.osFS.Create) }
func (d *faultFS) Open(p string) (Handle, error)   { return d.handle("open", p, d.osFS.Open) }
func (d *faultFS) Modify(p string) (Handle, error) { return d.handle("modify", p, d.osFS.Modify) }

func (d *faultFS) do(op, path string, call func(string) error) error {
	if err := d.call(op, path); err != nil {
		return err
	}
	return call(path)
}

func (d *faultFS) Mkdir(p string) error   { return d.do("mkdir", p, d.osFS.Mkdir) }
func (d *faultFS) Remove(p string) error  { return d.do("remove", p, d.osFS.Remove) }
func (d *faultFS) SyncDir(p string) error { return d.do("syncdir", p, d.osFS.SyncDir) }
func (d *faultFS) SyncFS() error {
	return d.do("syncfs", ".", func(string) error { return d.osFS.SyncFS() })
}
func (d *faultFS) Rename(a, b string) error {
	return d.do("rename", b, func(string) error { return d.osFS.Rename(a, b) })
}
func (d *faultFS) Space() (Space, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.space, nil
}

type faultHandle struct {
	Handle
	disk *faultFS
	path string
}

func (h *faultHandle) WriteVAt(bufs [][]byte, off int64) (int64, error) {
	if err := h.disk.call("write", h.path); err != nil {
		if h.disk.torn > 0 {
			_, werr := h.Handle.WriteVAt([][]byte{bufs[0][:min(int(h.disk.torn), len(bufs[0]))]}, off)
			err = fmt.Errorf("%w %v", err, werr)
		}
		return h.disk.torn, err
	}
	return h.Handle.WriteVAt(bufs, off)
}

func (h *faultHandle) Sync() error {
	return h.disk.do("sync", h.path, func(string) error { return h.Handle.Sync() })
}
func (h *faultHandle) StartWriteback(off, n int64) error {
	return h.disk.do("start", h.path, func(string) error { return h.Handle.StartWriteback(off, n) })
}
func (h *faultHandle) WaitWriteback(off, n int64) error {
	return h.disk.do("wait", h.path, func(string) error { return h.Handle.WaitWriteback(off, n) })
}
func (h *faultHandle) Preallocate(off, n int64) error {
	return h.disk.do("preallocate", h.path, func(string) error { return h.Handle.Preallocate(off, n) })
}
func (h *faultHandle) Truncate(size int64) error {
	return h.disk.do("truncate", h.path, func(string) error { return h.Handle.Truncate(size) })
}
func (h *faultHandle) Close() error {
	return h.disk.do("close", h.path, func(string) error { return h.Handle.Close() })
}
