package update

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readBack returns the SHA-256 of the first size bytes of a device as the device has
// them: what was written is flushed, and not read from memory. progress is told the
// percentage.
func readBack(ctx context.Context, path string, size int64, progress func(int)) (sum string, err error) {
	err = lowly(func() error {
		sum, err = digest(ctx, path, size, progress)
		return err
	})
	return sum, err
}

func digest(ctx context.Context, path string, size int64, progress func(int)) (string, error) {
	f, err := openUncached(path)
	if err != nil {
		return "", fmt.Errorf("read back %s: %w", path, err)
	}
	defer f.Close()
	// Memory as O_DIRECT demands it: whole pages.
	buf, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return "", fmt.Errorf("read back %s: memory: %w", path, err)
	}
	defer func() { _ = unix.Munmap(buf) }() // it was mapped above
	h := sha256.New()
	for done := int64(0); done < size; {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		n, err := f.Read(buf)
		if n == 0 && errors.Is(err, io.EOF) {
			return "", fmt.Errorf("%w: it ends after %d of %d bytes", ErrReadBack, done, size)
		}
		if err != nil {
			return "", fmt.Errorf("read back %s: %w", path, err)
		}
		n = int(min(int64(n), size-done))
		h.Write(buf[:n])
		done += int64(n)
		progress(int(done * 100 / size))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// openUncached flushes a file or device and opens it past the kernel's memory; where
// that cannot be, what is in memory is dropped.
func openUncached(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	direct, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECT, 0)
	if err == nil {
		return direct, f.Close()
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
