package recovery

import (
	"os"
	"path"
	"path/filepath"
	"testing"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

func TestEvidenceSurvivesALostIndexAndLostFootage(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, d *disk){
		"the index": func(t *testing.T, d *disk) { remove(t, d.index()) },
		"the footage": func(t *testing.T, d *disk) {
			remove(t, filepath.Join(d.dir, volume.FootageDir, "door"))
		},
		"both": func(t *testing.T, d *disk) {
			remove(t, d.index())
			remove(t, filepath.Join(d.dir, volume.FootageDir, "door"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			held, other := d.closed(t, "door", t0, 0, 2), d.closed(t, "door", t0+2000, 1, 2)
			x, _, err := Recover(d.FS, d.index(), index.Options{}, quiet)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := x.Hold("door", t0, t0+1); err != nil {
				t.Fatal(err)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(d.dir, path.Dir(held.EvidencePath())), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := d.Link(held.Path(), held.EvidencePath()); err != nil {
				t.Fatal(err)
			}
			d.put(t, "evidence/door/readme.txt", nil)
			lose(t, d)
			if x, _, err = Recover(d.FS, d.index(), index.Options{}, quiet); err != nil {
				t.Fatal(err)
			}
			isHeld := map[volume.Name]bool{}
			if err := x.Range("", 0, 1<<60, func(r index.Row, held bool) bool { isHeld[r.File()] = held; return true }); err != nil {
				t.Fatal(err)
			}
			if !isHeld[held] || isHeld[other] {
				t.Errorf("held %v, want %v alone", isHeld, held)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Stat(held.Path()); err != nil {
				t.Error(err)
			}
			if _, _, again := d.recover(t); again.Changed() {
				t.Errorf("a second recovery did %v", &again)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// TestAHoldWithoutItsLinkGetsItAtTheNextStart: the power went between the
// hold in the index and the second name.
func TestAHoldWithoutItsLinkGetsItAtTheNextStart(t *testing.T) {
	d := newDisk(t)
	held := d.closed(t, "door", t0, 0, 2)
	x, _, err := Recover(d.FS, d.index(), index.Options{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Hold("door", t0, t0+1); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if x, _, err = Recover(d.FS, d.index(), index.Options{}, quiet); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Stat(held.EvidencePath()); err != nil {
		t.Errorf("held footage has no second name: %v", err)
	}
}
