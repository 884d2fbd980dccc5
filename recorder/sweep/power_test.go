package sweep

import (
	"errors"
	"io/fs"
	"maps"
	"math"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

var errPower = errors.New("power lost")

// twoStates is a disk that tells what the process sees from what would be
// there after a power cut: only SyncDir moves names from one to the other. A
// real index beside it commits durably. Each operation of either counts, and
// from the cut on all fail.
type twoStates struct {
	*index.Index
	seen, durable map[string]int64 // files; a directory ends with a slash
	ops, cut      int
	whole         bool // has a sync of all
}

func (d *twoStates) step() error {
	if d.ops++; d.cut > 0 && d.ops >= d.cut {
		return errPower
	}
	return nil
}

func (d *twoStates) Space() (volume.Space, error) {
	free := int64(1000 * mib)
	for _, n := range d.seen {
		free -= n
	}
	return volume.Space{Total: 1000 * mib, Available: free}, nil
}

func (d *twoStates) Remove(p string) error {
	if err := d.step(); err != nil {
		return err
	}
	if _, isDir := d.seen[p+"/"]; isDir {
		for f := range d.seen {
			if strings.HasPrefix(f, p+"/") && f != p+"/" {
				return syscall.ENOTEMPTY
			}
		}
		p += "/"
	}
	if _, there := d.seen[p]; !there {
		return fs.ErrNotExist
	}
	delete(d.seen, p)
	return nil
}

func (d *twoStates) SyncDir(p string) error {
	if err := d.step(); err != nil {
		return err
	}
	if _, there := d.seen[p+"/"]; !there && p != volume.FootageDir {
		return fs.ErrNotExist
	}
	for f := range d.durable {
		if _, there := d.seen[f]; there || path.Dir(strings.TrimSuffix(f, "/")) != p {
			continue
		}
		delete(d.durable, f)
		for below := range d.durable { // a directory takes its content along
			if strings.HasSuffix(f, "/") && strings.HasPrefix(below, f) {
				delete(d.durable, below)
			}
		}
	}
	return nil
}

func (d *twoStates) SyncFS() error {
	if d.whole {
		if err := d.step(); err != nil {
			return err
		}
		d.durable = maps.Clone(d.seen)
		return nil
	}
	return errors.ErrUnsupported
}

func (d *twoStates) Condemn(rows []index.Row, reason string) ([]index.Garbage, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	return d.Index.Condemn(rows, reason)
}

func (d *twoStates) Forget(gone []index.Garbage, a index.Audit) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Index.Forget(gone, a)
}

// newTwoStates has two cameras with segments on two days, 80 MiB free.
func newTwoStates(t *testing.T) *twoStates {
	x, err := index.Open(filepath.Join(t.TempDir(), "segments.db"), index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := &twoStates{Index: x, seen: map[string]int64{}}
	for i := range int64(4) {
		for _, camera := range []string{"a", "b"} {
			r := index.Row{Camera: camera, Start: 1795464000000 + i*7_200_000, Duration: 60_000, Bytes: 115 * mib, Seq: uint32(i)}
			if err := x.Add(r); err != nil {
				t.Fatal(err)
			}
			d.seen[r.File().Path()] = r.Bytes
			d.seen[r.File().Dir()+"/"] = 0
			d.seen[path.Dir(r.File().Dir())+"/"] = 0
		}
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	d.durable = maps.Clone(d.seen)
	return d
}

// check compares the index with the files that are there.
func (d *twoStates) check(t *testing.T, at int, files map[string]int64, garbageMayBe bool) {
	t.Helper()
	known := map[string]bool{}
	if err := d.Range("", 0, math.MaxInt64, func(r index.Row, _ bool) bool {
		p := r.File().Path()
		known[p] = true
		if _, there := files[p]; !there {
			t.Errorf("cut at %d: row without a file: %s", at, p)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	garbage, err := d.Garbage()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range garbage {
		known[g.Row.File().Path()] = true
	}
	for f := range files {
		if !strings.HasSuffix(f, "/") && !known[f] {
			t.Errorf("cut at %d: file without a row: %s", at, f)
		}
	}
	if len(garbage) > 0 && !garbageMayBe {
		t.Errorf("cut at %d: %d rows of garbage are left", at, len(garbage))
	}
}

// TestSweepSurvivesPowerLossAtEveryStep cuts the power before each operation
// in turn. After it, every row has its file, every file a row or an entry in
// the garbage list, and the next sweep ends what this one began.
func TestSweepSurvivesPowerLossAtEveryStep(t *testing.T) {
	for _, whole := range []bool{false, true} {
		survivePowerLoss(t, whole)
	}
}

// survivePowerLoss does that on a disk with or without a sync of everything.
func survivePowerLoss(t *testing.T, whole bool) {
	box := func() *twoStates {
		d := newTwoStates(t)
		d.whole = whole
		return d
	}
	limits := Limits{Floor: 300 * mib, High: 590 * mib, Reserve: mib}
	dry := box()
	if err := New(dry, dry, dry, Options{Limits: limits}).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	dry.check(t, 0, dry.durable, false)
	if err := dry.Close(); err != nil {
		t.Fatal(err)
	}
	if dry.ops < 10 {
		t.Fatalf("the dry run had only %d operations", dry.ops)
	}
	for at := 1; at <= dry.ops+1; at++ {
		d := box()
		d.cut = at
		// What the sweep says does not matter: nobody is there to hear it.
		_ = New(d, d, d, Options{Limits: limits}).Sweep(t.Context())
		d.check(t, at, d.durable, true)

		d.seen, d.cut = maps.Clone(d.durable), 0 // the reboot
		if err := New(d, d, d, Options{Limits: limits}).Sweep(t.Context()); err != nil {
			t.Errorf("cut at %d: sweep after the reboot: %v", at, err)
		}
		d.check(t, at, d.seen, false)
		d.check(t, at, d.durable, false)
		if space, _ := d.Space(); space.Available < limits.Floor {
			t.Errorf("cut at %d: %d MiB free after the next sweep", at, space.Available/mib)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
