package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// spool is what was collected: a file without a name, with the files one after another.
type spool struct {
	*os.File
	files []Entry
}

// attempts is how often is collected anew, if files change meanwhile.
const attempts = 5

// collect copies what s names to the disk. The device key and what was sealed with it must
// belong together: files that were not the same before and after the snapshot of the
// database are collected again.
func collect(ctx context.Context, s Source) (*spool, error) {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() // a directory
	f, err := os.CreateTemp(s.Dir, ".backup-*")
	if err != nil {
		return nil, err
	}
	sp := &spool{File: f}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, sp.Close())
	}
	for range attempts {
		same, err := sp.fill(ctx, s, root)
		if err != nil {
			return nil, errors.Join(err, sp.Close())
		}
		if same {
			return sp, nil
		}
	}
	return nil, errors.Join(errors.New("the files change all the time; try again later"), sp.Close())
}

// fill collects once; false if something changed meanwhile.
func (sp *spool) fill(ctx context.Context, s Source, root *os.Root) (bool, error) {
	if _, err := sp.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	out := &bounded{ctx: ctx, w: sp.File, left: mostBytes}
	before, err := copyFiles(out, s.Files, root)
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(before, func(e Entry) bool { return e.Name == KeyFile }) {
		return false, fmt.Errorf("%s: %w", KeyFile, fs.ErrNotExist)
	}
	state, err := copyFile(out, StateFile, func(w io.Writer) error { _, err := s.State(w); return err })
	if err != nil {
		return false, err
	}
	after, err := copyFiles(&bounded{ctx: ctx, w: io.Discard, left: mostBytes}, s.Files, root)
	sp.files = append(before, state)
	return slices.Equal(before, after), err
}

// copyFiles writes the named files, and those in named directories, by name.
func copyFiles(w io.Writer, names []string, root *os.Root) (out []Entry, err error) {
	for _, name := range names {
		if name != KeyFile && name != certificates && !strings.HasPrefix(name, certificates+"/") {
			return nil, fmt.Errorf("%q does not belong into a backup", name)
		}
		err := fs.WalkDir(root.FS(), name, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && known(name) && !strings.HasSuffix(name, ".new") {
				var e Entry
				if e, err = copyFile(w, name, func(w io.Writer) error { return copyFrom(w, root, name) }); err == nil {
					out = append(out, e)
				}
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil // not there, or no longer
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path.Clean(name), err)
		}
	}
	return out, nil
}

func copyFrom(w io.Writer, root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() // nothing was written
	_, err = io.Copy(w, f)
	return err
}

// copyFile has content write a file, and returns what it is.
func copyFile(w io.Writer, name string, content func(io.Writer) error) (Entry, error) {
	c := &counter{Writer: w}
	sum := sha256.New()
	if err := content(io.MultiWriter(c, sum)); err != nil {
		return Entry{}, fmt.Errorf("%s: %w", name, err)
	}
	return Entry{Name: name, Size: c.n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

type counter struct {
	io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}

// bounded takes so many bytes, until ctx ends.
type bounded struct {
	ctx  context.Context
	w    io.Writer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, int64(mostBytes))
	}
	return b.w.Write(p)
}
