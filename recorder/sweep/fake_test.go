package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// box is a disk and an index that behave: files take room, unlinking gives it
// back, others write meanwhile, locks appear between two looks.
type box struct {
	t *testing.T

	mu      sync.Mutex
	total   int64
	other   int64            // taken by whoever else
	files   map[string]int64 // path to size
	dirs    map[string]bool
	rows    []index.Row
	held    map[uint32]bool
	garbage []index.Garbage
	audits  []index.Audit
	written int64
	log     []string // what was done, in order

	statErr   error
	removeErr func(path string) error
	syncErr   error
	lost      bool  // unlinking frees nothing
	lostBytes int64 // what was unlinked meanwhile
	onOldest  func()
	onRemove  func()
	events    []Event
	leased    map[uint32]bool
	seq       uint32
}

// newBox has a disk of 1000 MiB: floor 100, high mark 150, reserve 20.
func newBox(t *testing.T) *box {
	return &box{
		t: t, total: 1000 * mib, files: map[string]int64{}, dirs: map[string]bool{volume.FootageDir: true},
		held: map[uint32]bool{}, leased: map[uint32]bool{}, removeErr: func(string) error { return nil },
	}
}

var testLimits = Limits{Floor: 100 * mib, High: 150 * mib, Reserve: 20 * mib}

func (b *box) sweeper() *Sweeper {
	return New(b, b, b, Options{
		Limits: testLimits, Emit: b.emit, Written: b.counter,
		Leased: func(r index.Row) bool { b.mu.Lock(); defer b.mu.Unlock(); return b.leased[r.Seq] },
	})
}

func (b *box) counter() int64 { b.mu.Lock(); defer b.mu.Unlock(); return b.written }

func (b *box) emit(e Event) { b.mu.Lock(); defer b.mu.Unlock(); b.events = append(b.events, e) }

// record adds n closed segments of mb MiB for a camera.
func (b *box) record(camera string, n int, mb int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range n {
		r := index.Row{Camera: camera, Seq: b.seq, Start: 1795464000000 + int64(b.seq)*60_000, Duration: 60_000, Bytes: mb * mib}
		b.seq++
		b.rows = append(b.rows, r)
		b.files[r.File().Path()] = r.Bytes
		b.dirs[r.File().Dir()], b.dirs[path.Dir(r.File().Dir())] = true, true
		b.written += r.Bytes
	}
}

// fill makes free be mb MiB, by somebody else's doing.
func (b *box) fill(mb int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.other += b.freeLocked() - mb*mib
}

func (b *box) freeLocked() int64 {
	free := b.total - b.other - b.lostBytes
	for _, n := range b.files {
		free -= n
	}
	return free
}

func (b *box) freeMiB() int64 { b.mu.Lock(); defer b.mu.Unlock(); return b.freeLocked() / mib }

func (b *box) set(f func()) { b.mu.Lock(); defer b.mu.Unlock(); f() }

func (b *box) Space() (volume.Space, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return volume.Space{Total: b.total, Free: b.freeLocked(), Available: b.freeLocked()}, b.statErr
}

func (b *box) Oldest(n int, skip func(index.Row) bool) ([]index.Row, error) {
	b.mu.Lock()
	rows := slices.Clone(b.rows)
	b.mu.Unlock()
	slices.SortFunc(rows, func(a, c index.Row) int { return cmp.Compare(a.Start, c.Start) })
	var out []index.Row
	for _, r := range rows {
		b.mu.Lock()
		h := b.held[r.Seq]
		b.mu.Unlock()
		if len(out) < n && !h && !skip(r) {
			out = append(out, r)
		}
	}
	if b.onOldest != nil {
		b.onOldest()
	}
	return out, nil
}

func (b *box) Range(camera string, from, to int64, yield func(r index.Row, held bool) bool) error {
	b.mu.Lock()
	rows, held := slices.Clone(b.rows), maps.Clone(b.held)
	b.mu.Unlock()
	slices.SortFunc(rows, func(a, c index.Row) int { return cmp.Compare(a.Start, c.Start) })
	for _, r := range rows {
		if r.Camera == camera && r.Start < to && r.End() > from && !yield(r, held[r.Seq]) {
			break
		}
	}
	return nil
}

func (b *box) Totals() index.Totals {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := index.Totals{Cameras: map[string]index.CameraTotals{}}
	count := func(r index.Row, of func(*index.CameraTotals) *index.Tally, all *index.Tally) {
		c := t.Cameras[r.Camera]
		of(&c).Rows++
		of(&c).Bytes += r.Bytes
		all.Rows++
		all.Bytes += r.Bytes
		t.Cameras[r.Camera] = c
	}
	for _, r := range b.rows {
		if b.held[r.Seq] {
			count(r, func(c *index.CameraTotals) *index.Tally { return &c.Held }, &t.Held)
		} else {
			count(r, func(c *index.CameraTotals) *index.Tally { return &c.Unlocked }, &t.Unlocked)
		}
	}
	for _, g := range b.garbage {
		count(g.Row, func(c *index.CameraTotals) *index.Tally { return &c.Garbage }, &t.Garbage)
	}
	return t
}

func (b *box) Bounds(camera string) (first, last int64, ok bool) {
	_ = b.Range(camera, 0, 1<<60, func(r index.Row, _ bool) bool {
		if !ok {
			first, ok = r.Start, true
		}
		last = max(last, r.End())
		return true
	})
	return first, last, ok
}

func (b *box) Condemn(rows []index.Row, reason string) ([]index.Garbage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []index.Garbage
	for _, r := range rows {
		if i := slices.IndexFunc(b.rows, r.SameFile); i >= 0 && !b.held[r.Seq] {
			b.rows = slices.Delete(b.rows, i, i+1)
			out = append(out, index.Garbage{Row: r, Reason: reason})
		}
	}
	b.garbage = append(b.garbage, out...)
	b.log = append(b.log, fmt.Sprint("condemn ", len(out)))
	return out, nil
}

func (b *box) Garbage() ([]index.Garbage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.garbage), nil
}

func (b *box) Forget(gone []index.Garbage, a index.Audit) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range gone {
		if _, there := b.files[g.Row.File().Path()]; there {
			b.t.Errorf("segment %d is forgotten while its file is there", g.Row.Seq)
		}
		b.garbage = slices.DeleteFunc(b.garbage, func(o index.Garbage) bool { return o.Row.SameFile(g.Row) })
	}
	b.audits = append(b.audits, a)
	b.log = append(b.log, fmt.Sprint("forget ", len(gone)))
	return nil
}

func (b *box) Remove(p string) error {
	if b.onRemove != nil {
		b.onRemove()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dirs[p] {
		for f := range b.files {
			if strings.HasPrefix(f, p+"/") {
				return &fs.PathError{Op: "remove", Path: p, Err: syscall.ENOTEMPTY}
			}
		}
		delete(b.dirs, p)
		b.log = append(b.log, "rmdir "+path.Base(p))
		return nil
	}
	size, there := b.files[p]
	if !there {
		return &fs.PathError{Op: "remove", Path: p, Err: fs.ErrNotExist}
	}
	if err := b.removeErr(p); err != nil {
		return &fs.PathError{Op: "remove", Path: p, Err: err}
	}
	delete(b.files, p)
	if b.lost {
		b.lostBytes += size
	}
	b.log = append(b.log, "unlink")
	return nil
}

func (b *box) SyncDir(p string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.dirs[p] {
		return fs.ErrNotExist
	}
	if b.syncErr != nil {
		return b.syncErr
	}
	b.log = append(b.log, "sync "+path.Base(p))
	return nil
}

func (b *box) SyncFS() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.syncErr == nil {
		b.log = append(b.log, "sync all")
	}
	return b.syncErr
}

// left returns the sequence numbers of the rows that are left.
func (b *box) left() []uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []uint32
	for _, r := range b.rows {
		out = append(out, r.Seq)
	}
	return out
}

// told returns the events as "severity type reason", and forgets them.
func (b *box) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.events {
		s := fmt.Sprint(e.Severity, " ", e.Type, " ", e.Payload["reason"])
		if e.Payload["cleared"] == true {
			s += " cleared"
		}
		out = append(out, s)
	}
	b.events = nil
	return out
}

func (b *box) wantTold(want ...string) {
	b.t.Helper()
	if got := b.told(); !slices.Equal(got, want) {
		b.t.Errorf("told  %q\nwanted %q", got, want)
	}
}

// wantWhole checks that rows have files, and that files have rows or garbage.
func (b *box) wantWhole() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	known := map[string]bool{}
	for _, r := range b.rows {
		known[r.File().Path()] = true
		if _, there := b.files[r.File().Path()]; !there {
			b.t.Errorf("row %d has no file", r.Seq)
		}
	}
	for _, g := range b.garbage {
		known[g.Row.File().Path()] = true
	}
	for f := range b.files {
		if !known[f] {
			b.t.Errorf("%s has no row", f)
		}
	}
}

var errSick = errors.New("sick")

// must sweeps once and expects no error.
func (b *box) must(s *Sweeper) {
	b.t.Helper()
	if err := s.Sweep(b.t.Context()); err != nil {
		b.t.Errorf("Sweep = %v", err)
	}
}

const second = time.Second
