package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A second set of handles removes like the first, whatever becomes of the
// directories meanwhile.
func TestASecondSetOfHandlesRemovesByItsOwn(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir, Options{})
	s, err := v.Second()
	if err != nil {
		t.Fatal(err)
	}
	file := func(day, name string) string {
		p := filepath.Join("footage", "a", day, name)
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(p)), 0o755), os.WriteFile(filepath.Join(dir, p), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	gone := func(p string) {
		t.Helper()
		if _, err := os.Lstat(filepath.Join(dir, p)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", p, err)
		}
	}
	for day := range mostDirs + 5 { // more than are kept open
		for _, name := range []string{"1", "2"} {
			p := file(fmt.Sprint(day), name)
			if err := s.Remove(p); err != nil {
				t.Fatal(err)
			}
			gone(p)
		}
	}
	if n := len(s.(*second).dirs); n == 0 || n > mostDirs {
		t.Errorf("%d directories are open, want up to %d", n, mostDirs)
	}
	if err := s.Remove("footage/a/0/1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
	if err := s.Remove("footage/a/0"); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	gone("footage/a/0")

	// A directory that was open is removed by somebody else and made anew.
	if err := s.Remove(file("1", "3")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "footage/a/1")); err != nil {
		t.Fatal(err)
	}
	p := file("1", "4")
	if err := s.Remove(p); err != nil {
		t.Errorf("in a directory made anew: %v", err)
	}
	gone(p)

	// No link leads out of the volume.
	outside := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(outside, "5"), nil, 0o600), os.Symlink(outside, filepath.Join(dir, "footage/a/out"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove("footage/a/out/5"); err == nil {
		t.Error("a file outside the volume was removed")
	}
	if _, err := os.Stat(filepath.Join(outside, "5")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(s.SyncDir("footage/a/1"), s.SyncFS(), s.Close()); err != nil {
		t.Error(err)
	}
}
