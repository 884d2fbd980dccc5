package sweep

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/testkit"
	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// realDisk is an ext4 of 96 MiB with 40 segments of 1 MiB, of two cameras.
type realDisk struct {
	t     *testing.T
	mount string
	image string
	index *index.Index
	volume.FS
	onRemove func(n int)
	removed  int
}

func newRealDisk(t *testing.T) *realDisk {
	d := &realDisk{t: t, onRemove: func(int) {}}
	d.image, d.mount = testkit.Ext4(t, 96<<20)
	var err error
	if d.index, err = index.Open(filepath.Join(t.TempDir(), "segments.db"), index.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.index.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range 40 {
		r := index.Row{Camera: []string{"a", "b"}[i%2], Start: 1795464000000 + int64(i)*60_000, Duration: 60_000, Bytes: mib, Seq: uint32(i)}
		p := filepath.Join(d.mount, r.File().Path())
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, make([]byte, mib), 0o600), d.index.Add(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.index.Flush(); err != nil {
		t.Fatal(err)
	}
	testkit.Command(t, "sync", "-f", d.mount)
	d.open()
	return d
}

// open takes the file system by new handles.
func (d *realDisk) open() {
	fsys, err := volume.OpenFS(d.mount)
	if err != nil {
		d.t.Fatal(err)
	}
	d.FS = fsys
	d.t.Cleanup(func() { _ = fsys.Close() }) // may be closed already
}

// Remove is where things go wrong.
func (d *realDisk) Remove(p string) error {
	if strings.HasSuffix(p, ".mp4") {
		d.removed++
		d.onRemove(d.removed)
	}
	return d.FS.Remove(p)
}

// sweeper wants 20 MiB more than are free now.
func (d *realDisk) sweeper() *Sweeper {
	space, err := d.Space()
	if err != nil {
		d.t.Fatal(err)
	}
	high := space.Available + 20*mib
	return New(d.index, d, d, Options{Limits: Limits{Floor: high - 1, High: high, Reserve: 1}})
}

// check asks that rows and garbage have files, but for garbage that went, and
// that no file is without either.
func (d *realDisk) check() (rows, garbage int) {
	d.t.Helper()
	known := map[string]bool{}
	if err := d.index.Range("", 0, 1<<60, func(r index.Row, _ bool) bool {
		rows++
		known[r.File().Path()] = true
		if _, err := os.Stat(filepath.Join(d.mount, r.File().Path())); err != nil {
			d.t.Errorf("a row without a file: %v", err)
		}
		return true
	}); err != nil {
		d.t.Fatal(err)
	}
	left, err := d.index.Garbage()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, g := range left {
		known[g.Row.File().Path()] = true
	}
	found, err := filepath.Glob(filepath.Join(d.mount, "footage/*/*/*.mp4"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, p := range found {
		rel, err := filepath.Rel(d.mount, p)
		if err != nil || !known[rel] {
			d.t.Errorf("an orphan: %s, %v", p, err)
		}
	}
	return rows, len(left)
}

// well sweeps once more after the trouble, and asks that all is as it should be.
func (d *realDisk) well(s *Sweeper) {
	d.t.Helper()
	d.onRemove = func(int) {}
	for range 3 {
		if err := s.Sweep(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
	space, err := d.Space()
	if err != nil {
		d.t.Fatal(err)
	}
	if rows, garbage := d.check(); garbage != 0 || space.Available < s.State().Floor || rows < 10 { // what was condemned in vain goes too
		d.t.Errorf("afterwards %d rows, %d garbage, %d bytes free of %d", rows, garbage, space.Available, s.State().Floor)
	}
}

func TestARealDirectoryThatLetsNothingGo(t *testing.T) {
	d := newRealDisk(t)
	s := d.sweeper()
	day := filepath.Join(d.mount, "footage/a/2026-11-23")
	testkit.Command(t, "chattr", "+i", day)
	t.Cleanup(func() { _ = exec.Command("chattr", "-i", day).Run() }) // else nothing can be unmounted away
	for range 4 {
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	space, err := d.Space()
	if err != nil {
		t.Fatal(err)
	}
	if _, garbage := d.check(); garbage == 0 || !strings.Contains(strings.Join(s.State().Conditions, " "), DeleteFailed) {
		t.Errorf("%d garbage, %v", garbage, s.State().Conditions)
	}
	if files, err := os.ReadDir(day); err != nil || len(files) != 20 {
		t.Errorf("%d files in the directory, %v", len(files), err)
	}
	if space.Available < s.State().Floor-2*mib {
		t.Errorf("the other camera was not swept: %d bytes free of %d", space.Available, s.State().Floor)
	}
	testkit.Command(t, "chattr", "-i", day)
	d.well(s)
}

func TestARealDiskThatGoesReadOnlyInASweep(t *testing.T) {
	d := newRealDisk(t)
	s := d.sweeper()
	d.onRemove = func(n int) {
		if n == 7 {
			testkit.Command(t, "mount", "-o", "remount,ro", d.mount)
		}
	}
	_ = s.Sweep(t.Context()) // what it says of the disk is its own matter
	rows, garbage := d.check()
	if rows+garbage < 34 || garbage == 0 {
		t.Errorf("%d rows and %d garbage are left of 40 with 6 removed", rows, garbage)
	}
	testkit.Command(t, "mount", "-o", "remount,rw", d.mount)
	d.well(s)
}

func TestARealDiskThatIsUnmountedInASweep(t *testing.T) {
	d := newRealDisk(t)
	s := d.sweeper()
	d.onRemove = func(n int) {
		if n == 7 { // with our handles open, as a person would with force
			testkit.Command(t, "umount", "-l", d.mount)
		}
	}
	_ = s.Sweep(t.Context())
	if c, ok := d.FS.(interface{ Close() error }); ok {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Command(t, "mount", "-o", "loop", d.image, d.mount)
	d.open()
	d.check()
	d.well(s)
}
