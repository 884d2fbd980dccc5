package recovery

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"vedette/internal/faultfs"
	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// wrong is a volume with footage of an untrusted clock: three segments around
// 1970, the second of them held, and one whose clock was right.
type wrong struct {
	disk  *faultfs.Disk
	names []volume.Name
	index string
}

func newWrong(t *testing.T) *wrong {
	t.Helper()
	w := &wrong{disk: faultfs.New(faultfs.Options{}), index: filepath.Join(t.TempDir(), IndexName)}
	v, err := volume.Open("disk", volume.Options{FS: w.disk, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(w.index, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, start := range []int64{1000, 61_000, 86_400_000 + 1000, t0} {
		n := volume.Name{Camera: "door", Start: start, Seq: uint32(i), Duration: 2000}
		data, _ := untrusted(t, n, start != t0)
		n.Bytes = int64(len(data))
		w.write(t, n.Path(), data)
		row := rowOf(n)
		if start == t0 {
			row.Flags = index.Trusted
		}
		if err := x.Add(row); err != nil {
			t.Fatal(err)
		}
		w.names = append(w.names, n)
	}
	if _, err := x.Hold("door", 61_000, 61_001); err != nil {
		t.Fatal(err)
	}
	if err := volume.LinkEvidence(w.disk, w.names[1:2]); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(x.Close(), w.disk.SyncFS()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wrong) write(t *testing.T, path string, data []byte) {
	t.Helper()
	if dir := filepath.Dir(path); dir != "." {
		if err := makeDirs(w.disk, dir); err != nil {
			t.Fatal(err)
		}
	}
	h, err := w.disk.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.WriteVAt([][]byte{data}, 0); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// moves puts the three segments an hour apart into the year they belong to.
func (w *wrong) moves() (moves []index.Move, want []volume.Name) {
	for i, n := range w.names[:3] {
		to := n
		to.Start = t0 + int64(i+1)*3600_000
		moves, want = append(moves, index.Move{Row: rowOf(n), Start: to.Start}), append(want, to)
	}
	return moves, append(want, w.names[3])
}

// judge looks at the volume after everything was finished.
func (w *wrong) judge(t *testing.T, what string, disk *faultfs.Disk, x *index.Index, want []volume.Name) {
	t.Helper()
	var got []volume.Name
	err := x.Range("", 0, 1<<60, func(r index.Row, held bool) bool {
		n := r.File()
		got = append(got, n)
		if r.Flags&index.Trusted == 0 {
			t.Errorf("%s: %s is not trusted", what, n.Path())
		}
		if held != (n.Seq == 1) {
			t.Errorf("%s: %s held: %v", what, n.Path(), held)
		}
		if _, err := disk.Stat(n.EvidencePath()); (err == nil) != (n.Seq == 1) {
			t.Errorf("%s: evidence of %s: %v", what, n.Path(), err)
		}
		if f := inspect(disk, n); f.problem != "" {
			t.Errorf("%s: %s: %s", what, n.Path(), f.problem)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, byStart)
	slices.SortFunc(want, byStart)
	if !slices.Equal(got, want) {
		t.Errorf("%s: rows\n%v\nwant\n%v", what, got, want)
	}
	for _, n := range w.names[:3] {
		for _, p := range []string{n.Path(), n.EvidencePath()} {
			if _, err := disk.Stat(p); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: the old name %s is there: %v", what, p, err)
			}
		}
	}
	if _, err := disk.Stat(intentName); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: the note is there: %v", what, err)
	}
}

// TestRestampSurvivesPowerLossAtEveryStep cuts the power before every
// operation, in several ways. Before the note is durable nothing happened;
// after that the next start comes to the end, evidence included, and the one
// after it finds nothing to do.
func TestRestampSurvivesPowerLossAtEveryStep(t *testing.T) {
	dry := newWrong(t)
	moves, want := dry.moves()
	first := dry.disk.Ops() + 1
	x, err := index.Open(dry.index, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Restamp(dry.disk, x, moves); n != 3 || err != nil {
		t.Fatalf("restamped %d, %v", n, err)
	}
	dry.judge(t, "without a cut", dry.disk, x, want)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	last := dry.disk.Ops()
	images, undone := 0, 0
	for at := first; at <= last+1; at++ {
		for seed := range uint64(8) {
			w := newWrong(t)
			w.disk.CutAt(at)
			x, err := index.Open(w.index, index.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = Restamp(w.disk, x, moves) // the power goes
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			disk := w.disk.Reboot(seed)
			x, j, err := Begin(disk, w.index, index.Options{}, quiet)
			if err != nil {
				t.Fatalf("cut before operation %d, image %d: %v", at, seed, err)
			}
			if r, err := j.Run(t.Context(), Beside{}); err != nil || len(r.Problems) > 0 {
				t.Errorf("cut before operation %d, image %d: %v, %v", at, seed, r.Problems, err)
			}
			images++
			if _, err := disk.Stat(w.names[0].Path()); err == nil {
				undone++ // the note was not durable: the next tick does it
				if n, err := Restamp(disk, x, moves); n != 3 || err != nil {
					t.Errorf("cut before operation %d, image %d: restamped %d afterwards, %v", at, seed, n, err)
				}
			}
			w.judge(t, "after the cut", disk, x, want)
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			x, j, err = Begin(disk.Reboot(faultfs.Nothing), w.index, index.Options{}, quiet)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := j.Run(t.Context(), Beside{}); err != nil || r.Changed() {
				t.Errorf("cut before operation %d, image %d: the second start: %s, %v", at, seed, r.String(), err)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			if t.Failed() {
				t.Fatalf("cut before operation %d, image %d", at, seed)
			}
		}
	}
	if undone == 0 || undone == images {
		t.Errorf("%d of %d images were before the note: the cuts miss one side", undone, images)
	}
	t.Logf("%d operations, %d images, %d before the note", last-first+1, images, undone)
}

// TestRestampReplacesNothing: a name that is taken, a file that is gone, a time
// that cannot be written.
func TestRestampReplacesNothing(t *testing.T) {
	w := newWrong(t)
	moves, _ := w.moves()
	taken := moves[0].Row.File()
	taken.Start = moves[0].Start
	w.write(t, taken.Path(), []byte("somebody else's"))
	if err := w.disk.Remove(w.names[1].Path()); err != nil {
		t.Fatal(err)
	}
	if err := w.disk.Remove(w.names[1].EvidencePath()); err != nil {
		t.Fatal(err)
	}
	moves[2].Start = 1 << 60
	x, err := index.Open(w.index, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Restamp(w.disk, x, moves); n != 0 || err != nil {
		t.Errorf("restamped %d, %v", n, err)
	}
	for _, n := range []volume.Name{w.names[0], w.names[2]} {
		if f := inspect(w.disk, n); f.problem != "" {
			t.Errorf("%s: %s", n.Path(), f.problem)
		}
	}
	if got, err := w.disk.ReadFile(taken.Path()); string(got) != "somebody else's" {
		t.Errorf("the file that had the name holds %q, %v", got, err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestANoteThatIsNoneIsSetAside and keeps nothing from starting.
func TestANoteThatIsNoneIsSetAside(t *testing.T) {
	for _, text := range []string{"", "{", `{"version":2}`, `{"version":1,"moves":[{"camera":"../x","to":1}]}`} {
		w := newWrong(t)
		w.write(t, intentName, []byte(text))
		x, j, err := Begin(w.disk, w.index, index.Options{}, quiet)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if r, err := j.Run(t.Context(), Beside{}); err != nil || r.Quarantined != 1 {
			t.Errorf("%q: %s, %v; want it in quarantine", text, r.String(), err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStampsAreOfUntrustedSegmentsAlone(t *testing.T) {
	w := newWrong(t)
	x, err := index.Open(w.index, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Stamps(w.disk, x, 10, func(r index.Row) bool { return r.Seq == 0 }, nil)
	if err != nil || len(got) != 2 || got[0].Row.Seq != 1 || got[0].Mono != 61_000_000 || got[0].BootID != bootID {
		t.Errorf("got %+v, %v; want the second and the third", got, err)
	}
	if one, err := Stamps(w.disk, x, 1, nil, nil); err != nil || len(one) != 1 {
		t.Errorf("got %+v, %v; want no more than one", one, err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}
