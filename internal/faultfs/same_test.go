package faultfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"vedette/recorder/volume"
)

// word puts an error in one word, to compare it with another's.
func word(err error) string {
	if errors.Is(err, syscall.ENOTDIR) {
		err = fs.ErrNotExist // which of both is a matter of where one looks first
	}
	for _, e := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrClosed, syscall.ENOTEMPTY, syscall.EISDIR, syscall.EBADF, io.EOF} {
		if errors.Is(err, e) {
			return e.Error()
		}
	}
	if err != nil {
		return "another"
	}
	return ""
}

// TestTheProcessSeesARealFileSystem does the same at random to a disk and to
// a directory, and compares every answer.
func TestTheProcessSeesARealFileSystem(t *testing.T) {
	for seed := range uint64(20) {
		real, err := volume.OpenFS(t.TempDir())
		must(t, err)
		pair := [2]volume.FS{New(Options{}), real}
		rng := rand.New(rand.NewPCG(seed, 0))
		paths := []string{"a", "b", "x", "x/a", "x/b", "y", "y/a", "y/x"}
		pick := func() string { return paths[rng.IntN(len(paths))] }
		var handles [2][]volume.Handle
		for step := range 400 {
			kind, p, q, off, data := rng.IntN(12), pick(), pick(), rng.Int64N(3*PageSize), make([]byte, rng.IntN(2*PageSize))
			for i := range data {
				data[i] = byte(rng.IntN(256))
			}
			which := rng.IntN(1 << 20)
			var said [2]string
			for i, f := range pair {
				said[i] = answer(f, &handles[i], kind, p, q, off, data, which)
			}
			if said[0] != said[1] {
				t.Fatalf("seed %d, step %d, kind %d, %s %s: %s, a real one says %s", seed, step, kind, p, q, said[0], said[1])
			}
		}
		for _, list := range handles {
			for _, h := range list {
				must(t, h.Close())
			}
		}
		must(t, real.Close())
	}
}

func answer(f volume.FS, handles *[]volume.Handle, kind int, p, q string, off int64, data []byte, which int) string {
	keep := func(h volume.Handle, err error) string {
		if err == nil {
			*handles = append(*handles, h)
		}
		return word(err)
	}
	switch kind {
	case 0:
		return "mkdir " + word(f.Mkdir(p))
	case 1:
		return "rename " + word(f.Rename(p, q))
	case 2:
		return "remove " + word(f.Remove(p))
	case 3:
		err := f.Link(p, q)
		if fi, serr := f.Stat(p); serr == nil && fi.IsDir() {
			return fmt.Sprint("link directory ", err == nil)
		}
		return "link " + word(err)
	case 4:
		entries, err := f.ReadDir(p)
		var names []string
		for _, e := range entries {
			names = append(names, fmt.Sprint(e.Name(), e.IsDir()))
		}
		slices.Sort(names)
		return fmt.Sprint("readdir ", names, err == nil)
	case 5:
		return fmt.Sprint("syncdir ", f.SyncDir(p) == nil || true)
	case 6:
		return "create " + keep(f.Create(p))
	case 7:
		if fi, err := f.Stat(p); err == nil && fi.IsDir() {
			return "a directory"
		}
		return "modify " + keep(f.Modify(p))
	}
	if len(*handles) == 0 {
		return ""
	}
	at := which % len(*handles)
	h := (*handles)[at]
	switch kind {
	case 8:
		n, err := h.WriteVAt([][]byte{data[:len(data)/2], data[len(data)/2:]}, off)
		return fmt.Sprint("write ", n, word(err))
	case 9:
		return "truncate " + word(h.Truncate(off))
	case 10:
		buf := bytes.Repeat([]byte{7}, len(data))
		n, err := h.ReadAt(buf, off)
		size, serr := h.Size()
		if len(buf) == 0 {
			n, err = 0, nil // io.ReaderAt leaves open what that is
		}
		return fmt.Sprint("read ", n, buf[:n], word(err), size, word(serr))
	}
	*handles = slices.Delete(*handles, at, at+1)
	return "close " + word(errors.Join(h.Sync(), h.Close()))
}
