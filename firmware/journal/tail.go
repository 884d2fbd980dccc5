package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// The two files of the tail: lines are appended to the first, which becomes the
// second once it is full.
const (
	fileNow = "tail.log"
	fileOld = "tail.1.log"
)

// directory is what the tail needs of where it lies.
type directory interface {
	// open opens a file for writing, and makes it if it is not there.
	open(name string) (file, error)
	// read returns the last bytes of a file, at most most; none if it is not there.
	read(name string, most int64) ([]byte, error)
	// replace gives a file another name, which is taken from whatever had it.
	replace(from, to string) error
	// sync makes names durable.
	sync() error
}

// file is one of the tail's.
type file interface {
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// Sync makes bytes and size durable.
	Sync() error
	Size() (int64, error)
}

// tail is the log on disk. Whatever append has returned for is there after a power
// cut, until newer lines take its place; a line that was being written is there, or
// torn, which shows.
type tail struct {
	dir  directory
	half int64 // bytes of one file at most

	mu     sync.Mutex
	f      file  // nil = not open
	opened bool  // it was open before: size holds
	named  bool  // the name of f is durable
	size   int64 // of f
	ours   int64 // bytes that this run wrote, of both files and what is gone again
}

// append writes what next returns and makes it durable, then calls done. If it
// fails, nothing of it counts as written.
func (t *tail) append(next func() (data []byte, done func())) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	data, done := next()
	if len(data) > 0 {
		if err := t.write(data); err != nil {
			t.close()
			return fmt.Errorf("write %s: %w", fileNow, err)
		}
	}
	done()
	return nil
}

func (t *tail) write(data []byte) error {
	if err := t.open(); err != nil {
		return err
	}
	if t.size > 0 && t.size+int64(len(data)) > t.half {
		if err := t.rotate(); err != nil {
			return err
		}
	}
	if _, err := t.f.WriteAt(data, t.size); err != nil {
		return err
	}
	if err := t.f.Sync(); err != nil {
		return err
	}
	if !t.named {
		if err := t.dir.sync(); err != nil {
			return err
		}
		t.named = true
	}
	t.size += int64(len(data))
	t.ours += int64(len(data))
	return nil
}

// open opens the file and takes off its end what is torn: what a run before this
// one, or a write that failed, left half.
func (t *tail) open() error {
	if t.f != nil {
		return nil
	}
	f, err := t.dir.open(fileNow)
	if err != nil {
		return err
	}
	t.f, t.named = f, false
	size, err := f.Size()
	if err != nil {
		return err
	}
	keep := min(size, t.size)
	if !t.opened {
		end, err := t.dir.read(fileNow, 2*t.half)
		if err != nil {
			return err
		}
		keep = size - int64(len(end)) + int64(bytes.LastIndexByte(end, '\n')+1)
	}
	if keep < size {
		if err := f.Truncate(keep); err != nil {
			return err
		}
	}
	t.size, t.opened = keep, true
	return nil
}

func (t *tail) close() {
	if t.f != nil {
		_ = t.f.Close() // what counts is synced
		t.f = nil
	}
}

// rotate begins a new file.
func (t *tail) rotate() error {
	t.close()
	if err := t.dir.replace(fileNow, fileOld); err != nil {
		return err
	}
	t.size = 0
	return t.open()
}

// previous returns what was there before this run wrote.
func (t *tail) previous() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	data, oldErr := t.read(fileOld)
	now, err := t.read(fileNow)
	if t.opened {
		now = now[:min(int64(len(now)), t.size)] // what is behind failed
	}
	data = append(data, now...)
	return data[:max(0, int64(len(data))-t.ours)], errors.Join(oldErr, err)
}

// read returns a file, or its end where it is larger than it should be.
func (t *tail) read(name string) ([]byte, error) {
	data, err := t.dir.read(name, 2*t.half)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(data)) == 2*t.half {
		data = data[bytes.IndexByte(data, '\n')+1:]
	}
	return data, nil
}

// folder is a directory of the operating system, made when it is needed.
type folder string

func (d folder) open(name string) (file, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(string(d), name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d folder) read(name string, most int64) ([]byte, error) {
	f, err := os.Open(filepath.Join(string(d), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-most), most))
}

func (d folder) replace(from, to string) error {
	return os.Rename(filepath.Join(string(d), from), filepath.Join(string(d), to))
}

func (d folder) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

type osFile struct{ *os.File }

// Sync is fdatasync: the size comes along with it, times need not.
func (f osFile) Sync() error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var syncErr error
	if err := raw.Control(func(fd uintptr) { syncErr = syscall.Fdatasync(int(fd)) }); err != nil {
		return err
	}
	return os.NewSyscallError("fdatasync", syncErr)
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
