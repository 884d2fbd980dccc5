package backup

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"vedette/internal/faultfs"
	"vedette/recorder/volume"
)

// disk is a data directory on a disk whose power can be cut.
type disk struct{ *faultfs.Disk }

func (d disk) path(name string) string { return name }

func (d disk) exists(name string) (bool, error) {
	_, err := d.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d disk) names(dir string) (names []string, err error) {
	entries, err := d.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names, err
}

func (d disk) create(name string) (io.WriteCloser, error) {
	h, err := d.Create(name)
	if err != nil {
		return nil, err
	}
	return &handle{Handle: h}, nil
}

func (d disk) mkdir(name string) error { return d.Mkdir(name) }

// rename is less than rename(2) promises: in between there is no file named to.
func (d disk) rename(from, to string) error {
	if err := d.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.Rename(from, to)
}

func (d disk) removeAll(name string) error {
	st, err := d.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if st.IsDir() {
		names, err := d.names(name)
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := d.removeAll(path.Join(name, n)); err != nil {
				return err
			}
		}
	}
	return d.Remove(name)
}

func (d disk) sync(name string) error {
	st, err := d.Stat(name)
	if err != nil {
		return err
	}
	if st.IsDir() {
		return d.SyncDir(name)
	}
	h, err := d.Modify(name)
	if err != nil {
		return err
	}
	return errors.Join(h.Sync(), h.Close())
}

type handle struct {
	volume.Handle
	at int64
}

func (h *handle) Write(p []byte) (int, error) {
	n, err := h.WriteVAt([][]byte{p}, h.at)
	h.at += n
	return int(n), err
}

func (h *handle) Close() error { return errors.Join(h.Sync(), h.Handle.Close()) }

// put writes files, durably.
func (d disk) put(t testing.TB, files map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for i, c := range name {
			if c == '/' {
				if err := d.Mkdir(name[:i]); err != nil && !errors.Is(err, fs.ErrExist) {
					t.Fatal(err)
				}
			}
		}
		f, err := d.create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(f, files[name])
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SyncFS(); err != nil {
		t.Fatal(err)
	}
}

// below returns the files below dir, by their names in it.
func (d disk) below(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, f := range d.Files() {
		name, ok := strings.CutPrefix(f.Path, dir)
		if !ok {
			continue
		}
		data, err := d.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(data)
	}
	return out
}
