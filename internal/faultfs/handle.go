package faultfs

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
)

// handle is a volume.Handle. It works on when its file was renamed or removed.
type handle struct {
	d        *Disk
	n        *inode
	path     string
	writable bool
	closed   bool // guarded by d.mu
}

// do runs an operation on the open file; writing ones need a handle for it.
func (h *handle) do(kind Kind, writes bool, f func() error) error {
	return h.d.do(kind, h.path, func() error {
		if err := h.usable(writes); err != nil {
			return err
		}
		return f()
	})
}

func (h *handle) usable(writes bool) error {
	switch {
	case h.closed:
		return fs.ErrClosed
	case writes && !h.writable:
		return syscall.EBADF
	}
	return nil
}

// ReadAt is that of io.ReaderAt.
func (h *handle) ReadAt(p []byte, off int64) (n int, err error) {
	err = h.do(Read, false, func() error {
		n = h.n.seen.read(p, off)
		return nil
	})
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// Close never fails, not even without power: what matters was synced before.
func (h *handle) Close() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.closed {
		return fs.ErrClosed
	}
	h.closed = true
	h.n.open--
	h.d.settleSpace(h.n)
	return nil
}

// WriteVAt writes what fits, and as much as a fault lets it.
func (h *handle) WriteVAt(bufs [][]byte, off int64) (n int64, err error) {
	fault, err := h.d.begin(Write, h.path)
	if err == nil {
		h.d.mu.Lock()
		defer h.d.mu.Unlock()
		if h.d.dead {
			err = ErrPowerLost
		} else {
			n, err = h.write(bufs, off, fault)
		}
	}
	if err != nil {
		return n, failed(Write, h.path, err)
	}
	return n, nil
}

func (h *handle) write(bufs [][]byte, off int64, fault Fault) (int64, error) {
	if err := h.usable(true); err != nil {
		return 0, err
	}
	var data []byte
	for _, b := range bufs {
		data = append(data, b...)
	}
	err := fault.Err
	if fault.Short != 0 {
		n := fault.Short
		if n < 0 {
			n = h.d.rng.Int64N(int64(len(data)) + 1)
		}
		if n < int64(len(data)) && err == nil {
			err = io.ErrShortWrite
		}
		data = data[:min(n, int64(len(data)))]
	} else if err != nil {
		return 0, err
	}
	end := off + int64(len(data))
	if full := h.d.charge(h.n, max(end, h.n.seen.size), h.n.reserved); full != nil {
		room := h.n.charged + (h.d.o.Capacity-h.d.used)/PageSize*PageSize
		data, err = data[:max(min(room, end)-off, 0)], full
		end = off + int64(len(data))
		_ = h.d.charge(h.n, max(end, h.n.seen.size), h.n.reserved) // it fits now
	}
	if len(data) > 0 {
		pages := h.n.seen.write(data, off)
		h.n.log = append(h.n.log, change{size: end, pages: pages})
	}
	return int64(len(data)), err
}

// Sync makes bytes and size durable. One that a fault hits loses what was to
// be synced.
func (h *handle) Sync() error {
	err := h.do(Sync, false, func() error { h.n.flush(); return nil })
	h.lose(err)
	return err
}

// lose is what an error does to bytes that were on their way to the disk.
func (h *handle) lose(err error) {
	if err == nil || errors.Is(err, ErrPowerLost) || errors.Is(err, fs.ErrClosed) {
		return
	}
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	h.n.drop(h.d.chance())
}

// StartWriteback promises nothing.
func (h *handle) StartWriteback(_, _ int64) error {
	if h.d.o.NoWriteback {
		return failed(StartWrite, h.path, errors.ErrUnsupported)
	}
	return h.do(StartWrite, false, func() error { return nil })
}

// WaitWriteback promises nothing either, but learns of errors. The whole file
// suffers from one, whatever the range.
func (h *handle) WaitWriteback(_, _ int64) error {
	if h.d.o.NoWriteback {
		return failed(WaitWrite, h.path, errors.ErrUnsupported)
	}
	err := h.do(WaitWrite, false, func() error { return nil })
	h.lose(err)
	return err
}

// Preallocate reserves space beyond what is reserved already.
func (h *handle) Preallocate(off, n int64) error {
	if h.d.o.NoPreallocate {
		return failed(Preallocate, h.path, errors.ErrUnsupported)
	}
	return h.do(Preallocate, true, func() error {
		if off < 0 || n <= 0 {
			return syscall.EINVAL
		}
		if err := h.d.charge(h.n, h.n.seen.size, max(h.n.reserved, off+n)); err != nil {
			return err
		}
		h.n.reserved = max(h.n.reserved, off+n)
		return nil
	})
}

// Truncate sets the size and gives back what was preallocated beyond it.
func (h *handle) Truncate(size int64) error {
	return h.do(Truncate, true, func() error {
		if size < 0 {
			return syscall.EINVAL
		}
		if err := h.d.charge(h.n, size, 0); err != nil {
			return err
		}
		if size != h.n.seen.size {
			h.n.log = append(h.n.log, change{size: size, cut: true})
		}
		h.n.seen.resize(size)
		h.n.reserved = min(h.n.reserved, size)
		return nil
	})
}

// Size returns the size that the process sees.
func (h *handle) Size() (size int64, err error) {
	err = h.do(Size, false, func() error { size = h.n.seen.size; return nil })
	return size, err
}
