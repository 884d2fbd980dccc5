package recovery

import (
	"bytes"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

func TestSalvageKeepsExactlyTheWholePartsWhereverTheFileWasCut(t *testing.T) {
	n := volume.Name{Camera: "door", Start: t0, Seq: 3, Open: true}
	data, ends := footage(t, n, 0, 3)
	for size := 0; size <= len(data); size += 7 {
		d := newDisk(t)
		d.recover(t) // the index is there before the crash
		d.put(t, n.Path(), data[:size])
		whole := -1
		for i, end := range ends {
			if size >= end {
				whole = i
			}
		}
		rows, _, r := d.recover(t)
		files := d.files(t)
		switch {
		case whole < 0, whole == 0 && size == ends[0]:
			if r.Empty != 1 || len(files) != 0 || len(rows) != 0 {
				t.Errorf("cut at %d, no footage: %v, files %v", size, &r, files)
			}
		case whole == 0:
			if r.Quarantined != 1 || len(files) != 2 || !strings.HasPrefix(files[0], volume.QuarantineDir) || len(rows) != 0 {
				t.Errorf("cut at %d, no whole part: %v, files %v", size, &r, files)
			}
		default:
			want := volume.Name{Camera: "door", Start: t0, Seq: 3, Duration: int64(whole) * 1000, Bytes: int64(ends[whole])}
			if !slices.Equal(files, []string{want.Path()}) || r.Salvaged != 1 || r.TailBytes != int64(size-ends[whole]) {
				t.Errorf("cut at %d: %v, files %v; want %s", size, &r, files, want.Path())
				continue
			}
			if got, _ := os.ReadFile(filepath.Join(d.dir, files[0])); !bytes.Equal(got, data[:ends[whole]]) {
				t.Errorf("cut at %d: other bytes", size)
			}
			if len(rows) != 1 || rows[0].File() != want || rows[0].Width != 1920 || rows[0].Flags&index.Trusted == 0 {
				t.Errorf("cut at %d: rows %+v", size, rows)
			}
		}
		if _, _, again := d.recover(t); again.Changed() || len(again.Problems) > 0 {
			t.Errorf("cut at %d: a second recovery did %v", size, &again)
		}
		if t.Failed() {
			return
		}
	}
}

func TestSalvageStopsAtTheFirstDamagedPart(t *testing.T) {
	n := volume.Name{Camera: "door", Start: t0, Open: true}
	data, ends := footage(t, n, 0, 3)
	for off := ends[1]; off < ends[2]; off++ {
		d := newDisk(t)
		bad := bytes.Clone(data)
		bad[off] ^= 0x10
		d.put(t, n.Path(), bad)
		rows, _, _ := d.recover(t)
		if len(rows) != 1 || rows[0].Bytes != int64(ends[1]) || rows[0].Duration != 1000 {
			t.Fatalf("a flipped bit at %d: rows %+v", off, rows)
		}
	}
}

func TestAHeaderOfWhichTheSizeIsDamagedIsNotTakenForAnEmptyFile(t *testing.T) {
	n := volume.Name{Camera: "door", Start: t0, Open: true}
	data, _ := footage(t, n, 0, 3)
	moov := int(data[3]) // begins where ftyp ends
	for bit := range 24 {
		d := newDisk(t)
		bad := bytes.Clone(data)
		bad[moov+3-bit/8] ^= 1 << (bit % 8)
		d.put(t, n.Path(), bad)
		if _, _, r := d.recover(t); r.Quarantined != 1 || r.Empty != 0 {
			t.Errorf("bit %d: %v", bit, &r)
		}
	}
}

func TestAnOpenSegmentOfZerosIsEmpty(t *testing.T) {
	d := newDisk(t)
	n := volume.Name{Camera: "door", Start: t0, Open: true}
	d.put(t, n.Path(), make([]byte, 8192))
	if _, _, r := d.recover(t); r.Empty != 1 {
		t.Errorf("%v", &r)
	}
}

func TestASalvagedSegmentEndsWhereItsSuccessorBegins(t *testing.T) {
	d := newDisk(t)
	n := volume.Name{Camera: "door", Start: t0, Seq: 3, Open: true}
	data, _ := footage(t, n, 0, 3)
	d.put(t, n.Path(), data)
	next := d.closed(t, "door", t0+3040, 4, 2) // the last picture lasted a frame longer
	rows, _, _ := d.recover(t)
	if len(rows) != 2 || rows[0].End() != next.Start {
		t.Errorf("rows %+v, want the first to end at %d", rows, next.Start)
	}
}

func TestWhatNobodyCanExplainGoesToQuarantineWithAReason(t *testing.T) {
	d := newDisk(t)
	kept := d.closed(t, "door", t0, 0, 1)
	n := volume.Name{Camera: "door", Start: t0 + 5000, Seq: 1, Open: true}
	alien, _ := footage(t, volume.Name{Camera: "yard", Start: t0}, 0, 1)
	odd := map[string][]byte{
		"footage/notes.txt":                        []byte("x"),
		"footage/Not A Camera/file":                []byte("x"),
		"footage/door/today/file":                  []byte("x"),
		path.Join(kept.Dir(), "holiday.mp4"):       []byte("x"),
		path.Join(kept.Dir(), ".nfs0001"):          []byte("x"),
		n.Path():                                   bytes.Repeat([]byte("garbage "), 1000),
		strings.Replace(n.Path(), "_1.", "_2.", 1): alien,
	}
	for p, data := range odd {
		d.put(t, p, data)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(d.dir, strings.Replace(n.Path(), "_1.", "_9.", 1))); err != nil {
		t.Fatal(err)
	}
	rows, _, r := d.recover(t)
	if len(rows) != 1 || rows[0].File() != kept || r.Quarantined != len(odd)+1 || len(r.Problems) != 0 {
		t.Errorf("rows %+v after %v: %v", rows, &r, r.Problems)
	}
	files := d.files(t)
	reasons := 0
	for _, p := range files {
		if strings.HasSuffix(p, reasonSuffix) {
			reasons++
			if text, err := os.ReadFile(filepath.Join(d.dir, p)); err != nil || !bytes.Contains(text, []byte("reason: ")) {
				t.Errorf("%s holds %q, %v", p, text, err)
			}
		} else if p != kept.Path() && !strings.HasPrefix(p, volume.QuarantineDir) {
			t.Errorf("%s is still there", p)
		}
	}
	if reasons != len(odd)+1 {
		t.Errorf("%d reasons for %d files", reasons, len(odd)+1)
	}
	if _, _, again := d.recover(t); again.Changed() {
		t.Errorf("a second recovery did %v", &again)
	}
}

func TestIndexAndDiskAreMadeToAgree(t *testing.T) {
	d := newDisk(t)
	var names []volume.Name
	for i := range 6 {
		names = append(names, d.closed(t, []string{"door", "yard"}[i%2], t0+int64(i)*40000000, uint32(i), 2))
	}
	x, _, err := Recover(d.FS, d.index(), index.Options{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ghost := index.Row{Camera: "door", Start: t0 + 5, Duration: 7, Bytes: 9}
	far := index.Row{Camera: "gone", Start: t0 - 900*dayMillis, Duration: 7, Bytes: 9}
	if err := errors.Join(x.Add(ghost), x.Add(far)); err != nil {
		t.Fatal(err)
	}
	lost := rowOf(names[2])
	if n, err := x.Drop([]index.Row{lost}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	condemned := rowOf(names[3])
	if g, err := x.Condemn([]index.Row{condemned}, "free_floor"); len(g) != 1 || err != nil {
		t.Fatal(g, err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	rows, _, r := d.recover(t)
	if r.Dropped != 2 || r.Added != 1 || r.Rebuilt != "" {
		t.Errorf("recovery did %v; want two rows dropped and one added", &r)
	}
	if len(rows) != 5 || slices.ContainsFunc(rows, func(r index.Row) bool { return r.SameFile(ghost) || r.SameFile(far) || r.SameFile(condemned) }) {
		t.Errorf("rows %+v", rows)
	}
	if _, _, again := d.recover(t); again.Changed() {
		t.Errorf("a second recovery did %v", &again)
	}
}

func TestAMissingOrDamagedIndexIsBuiltFromTheNames(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"missing": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"empty": func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		},
		"torn": func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			clear(data[2*4096:])
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			a, b := d.closed(t, "door", t0, 0, 2), d.closed(t, "door", t0+2000, 1, 2)
			c := d.closed(t, "door", t0+60000, 2, 2) // after a hole
			if rows, _, r := d.recover(t); len(rows) != 3 || r.Rebuilt == "" {
				t.Fatalf("%d rows, %v", len(rows), &r)
			}
			harm(t, d.index())
			part := volume.Name{Camera: "yard", Start: t0 + 1, Open: true}
			data, _ := footage(t, part, 0, 1)
			d.put(t, part.Path(), data)
			rows, _, r := d.recover(t)
			if r.Rebuilt == "" || r.Salvaged != 1 || len(rows) != 4 || len(r.Problems) > 0 {
				t.Fatalf("%v: %+v", &r, rows)
			}
			if rows[0].File() != a || rows[2].File() != b || rows[3].File() != c {
				t.Errorf("rows %+v", rows)
			}
			if rows[2].Gap != 0 || rows[3].Gap != 5 || rows[3].Width != 1920 {
				t.Errorf("the file after the hole was not asked why: %+v", rows[3])
			}
			if (r.Quarantined == 1) != (name != "missing") {
				t.Errorf("quarantined %d", r.Quarantined)
			}
			if _, _, again := d.recover(t); again.Changed() {
				t.Errorf("a second recovery did %v", &again)
			}
		})
	}
}

// countFS fails the call with the given number, and every one after it: the
// power is gone.
type countFS struct {
	volume.FS
	mu   sync.Mutex
	left int
}

func (c *countFS) step() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		return syscall.EIO
	}
	return nil
}

func (c *countFS) Create(p string) (volume.Handle, error) {
	if err := c.step(); err != nil {
		return nil, err
	}
	return c.FS.Create(p)
}

func (c *countFS) Modify(p string) (volume.Handle, error) {
	if err := c.step(); err != nil {
		return nil, err
	}
	return c.FS.Modify(p)
}

func (c *countFS) Rename(a, b string) error {
	return errors.Join(c.step(), c.ifAlive(c.FS.Rename, a, b))
}
func (c *countFS) Remove(p string) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.FS.Remove(p)
}
func (c *countFS) SyncDir(p string) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.FS.SyncDir(p)
}

func (c *countFS) ifAlive(call func(a, b string) error, a, b string) error {
	c.mu.Lock()
	dead := c.left < 0
	c.mu.Unlock()
	if dead {
		return nil
	}
	return call(a, b)
}

func TestAnInterruptedRecoveryIsFinishedByTheNext(t *testing.T) {
	for steps := 0; ; steps++ {
		d := newDisk(t)
		keep := d.closed(t, "door", t0, 0, 1)
		n := volume.Name{Camera: "door", Start: t0 + 1000, Seq: 1, Open: true}
		data, ends := footage(t, n, 0, 2)
		d.put(t, n.Path(), data[:len(data)-3])
		d.put(t, path.Join(keep.Dir(), "stray"), []byte("keep me"))
		cut := &countFS{FS: d.FS, left: steps}
		if x, _, err := Recover(cut, d.index(), index.Options{}, quiet); err == nil {
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
		}
		rows, _, _ := d.recover(t)
		if len(rows) != 2 || rows[0].File() != keep || rows[1].Bytes != int64(ends[1]) {
			t.Errorf("cut after %d steps: rows %+v", steps, rows)
		}
		strays := 0
		for _, p := range d.files(t) {
			if got, _ := os.ReadFile(filepath.Join(d.dir, p)); string(got) == "keep me" {
				strays++
			}
		}
		if strays != 1 {
			t.Errorf("cut after %d steps: the stray is there %d times", steps, strays)
		}
		if _, _, again := d.recover(t); again.Changed() {
			t.Errorf("cut after %d steps: a third recovery did %v", steps, &again)
		}
		if cut.left >= 0 {
			if steps < 5 {
				t.Errorf("recovery took %d steps: the test sees too little", steps)
			}
			return
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var r Report
	for range maxProblems + 5 {
		r.problem("p")
	}
	if len(r.Problems) != maxProblems || r.Omitted != 5 {
		t.Errorf("%d problems, %d omitted", len(r.Problems), r.Omitted)
	}
}

// BenchmarkReconcile measures a start with a whole index and many files.
func BenchmarkReconcile(b *testing.B) {
	d := newDisk(b)
	const files = 20000
	for i := range files {
		n := volume.Name{Camera: []string{"a", "b", "c", "d"}[i%4], Start: t0 + int64(i/4)*60000, Duration: 60000, Bytes: 1, Seq: uint32(i)}
		d.put(b, n.Path(), nil)
	}
	d.recover(b)
	b.ResetTimer()
	var took time.Duration
	for b.Loop() {
		x, r, err := Recover(d.FS, d.index(), index.Options{}, quiet)
		if err != nil || r.Files != files || r.Added+r.Dropped != 0 {
			b.Fatal(err, &r)
		}
		took += r.Took
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/files, "ns/file")
}
