package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"testing"
)

type failingWriter struct{ left int }

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, syscall.EPIPE
	}
	return len(p), nil
}

func TestWriteSaysWhatWentWrongBeforeItWrites(t *testing.T) {
	lacks := func(name string) map[string]string { set := maps.Clone(newSet); delete(set, name); return set }
	many := maps.Clone(newSet)
	for i := range mostFiles {
		many[fmt.Sprintf("tls/%d", i)] = "x"
	}
	noState, strange, twice := source(t, newSet), source(t, newSet), source(t, newSet)
	noState.State = func(io.Writer) (int64, error) { return 0, syscall.EIO }
	strange.Files = []string{KeyFile, "vedette.toml"}
	twice.Files = []string{KeyFile, "tls", "tls/ca.pem"}
	large := source(t, newSet)
	large.State = func(w io.Writer) (n int64, err error) {
		for range 59 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return 0, err
			}
		}
		t.Error("all of it was taken") // and would fill the disk
		return 0, nil
	}
	for name, test := range map[string]struct {
		s    Source
		want error
	}{
		"no key":            {source(t, lacks(KeyFile)), fs.ErrNotExist},
		"no snapshot":       {noState, syscall.EIO},
		"too large":         {large, ErrTooLarge},
		"too many":          {source(t, many), ErrTooLarge},
		"a strange file":    {strange, nil},
		"a file twice":      {twice, nil},
		"no data directory": {Source{Dir: "nowhere", State: noState.State}, fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := write(t.Context(), &out, passphrase, test.s, 4)
			if err == nil || test.want != nil && !errors.Is(err, test.want) || out.Len() > 0 {
				t.Errorf("%v, %d bytes; want %v", err, out.Len(), test.want)
			}
			if all, _ := filepath.Glob(filepath.Join(test.s.Dir, ".backup*")); len(all) > 0 {
				t.Errorf("%v is left", all)
			}
		})
	}
	for _, n := range []int{0, 300, 20000} {
		if err := write(t.Context(), &failingWriter{n}, passphrase, source(t, oldSet), 4); (n < 20000) != errors.Is(err, syscall.EPIPE) {
			t.Errorf("%d bytes to write to: %v", n, err)
		}
	}
}

func TestNoFileStaysOpen(t *testing.T) {
	count := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no list of open files here: ", err)
		}
		return len(all)
	}
	s, dir := source(t, newSet), t.TempDir()
	var out bytes.Buffer
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would close them
	before := count()
	if err := write(t.Context(), &out, passphrase, s, 4); err != nil {
		t.Fatal(err)
	}
	if _, err := Receive(t.Context(), &out, passphrase, dir, nil); err != nil {
		t.Fatal(err)
	}
	if err := Apply(dir); err != nil {
		t.Fatal(err)
	}
	if n := count(); n > before {
		t.Errorf("%d files are open, and %d were before", n, before)
	}
}

// TestFilesThatAreBeingWrittenAreNotCollected: nor links, nor what has a strange name.
func TestFilesThatAreBeingWrittenAreNotCollected(t *testing.T) {
	s := source(t, newSet)
	fill(t, s.Dir, map[string]string{"tls/leaf.pem.new": "half", "tls/.hidden": "x", "tls/white space": "x", "secret": "of the machine"})
	if err := os.Symlink(filepath.Join(s.Dir, "secret"), filepath.Join(s.Dir, "tls/link")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := write(t.Context(), &out, passphrase, s, 4); err != nil {
		t.Fatal(err)
	}
	if _, got, err := readAll(t, out.Bytes(), passphrase); err != nil || !maps.Equal(got, newSet) {
		t.Errorf("%v, %v", err, got)
	}
}

// TestAKeyThatIsRotatedMeanwhileBelongsToItsDatabase: what is sealed in the snapshot and
// the key must fit.
func TestAKeyThatIsRotatedMeanwhileBelongsToItsDatabase(t *testing.T) {
	s := source(t, newSet)
	rotations := 2
	s.State = func(w io.Writer) (int64, error) {
		key, err := os.ReadFile(filepath.Join(s.Dir, KeyFile))
		if err != nil {
			return 0, err
		}
		n, err := fmt.Fprintf(w, "sealed with %s", key)
		if rotations--; rotations >= 0 {
			fill(t, s.Dir, map[string]string{KeyFile: fmt.Sprintf("key %d", rotations)})
		}
		return int64(n), err
	}
	var out bytes.Buffer
	if err := write(t.Context(), &out, passphrase, s, 4); err != nil {
		t.Fatal(err)
	}
	if _, got, err := readAll(t, out.Bytes(), passphrase); err != nil || got[StateFile] != "sealed with "+got[KeyFile] || got[KeyFile] != "key 0" {
		t.Errorf("%v, %q with %q", err, got[StateFile], got[KeyFile])
	}
	out.Reset()
	rotations = 1000
	if err := write(t.Context(), &out, passphrase, s, 4); err == nil || out.Len() > 0 {
		t.Errorf("%v, %d bytes while it changes all the time", err, out.Len())
	}
}
