package recovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// littered is a volume with everything that recovery treats: closed segments
// with rows and without, open ones whole and torn and empty, strays, rows
// without files, evidence without its name in footage.
func littered(t *testing.T) *disk {
	t.Helper()
	d := newDisk(t)
	x, err := index.Open(d.index(), index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for day := range int64(3) {
		for i := range int64(4) {
			n := d.closed(t, "door", t0+day*86_400_000+i*2000, uint32(i), 2)
			if i != 2 { // that one has no row
				if err := x.Add(rowOf(n)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	gone := rowOf(volume.Name{Camera: "door", Start: t0 + 500_000, Duration: 1000, Bytes: 5})
	if err := x.Add(gone); err != nil {
		t.Fatal(err)
	}
	held := d.closed(t, "yard", t0, 0, 2)
	if err := x.Add(rowOf(held)); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Hold("yard", t0, t0+1); err != nil {
		t.Fatal(err)
	}
	if err := volume.LinkEvidence(d.FS, []volume.Name{held}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Remove(held.Path()), x.Close()); err != nil {
		t.Fatal(err)
	}
	for i, cut := range []int{0, 7, 1 << 20} {
		n := volume.Name{Camera: "gate", Start: t0 + int64(i)*10_000, Seq: uint32(i), Open: true}
		data, ends := footage(t, n, 0, 3)
		switch cut {
		case 0:
			data = data[:ends[0]]
		case 7:
			data = data[:ends[3]-7]
		}
		d.put(t, n.Path(), data)
	}
	d.put(t, "footage/door/notes.txt", []byte("hello"))
	return d
}

// TestRecoveryBesideRecordingComesToTheSameEnd as one that has the volume to
// itself, with an index and without.
func TestRecoveryBesideRecordingComesToTheSameEnd(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("index lost: %v", lost), func(t *testing.T) {
			alone, beside := littered(t), littered(t)
			if lost {
				for _, d := range []*disk{alone, beside} {
					if err := os.Remove(d.index()); err != nil {
						t.Fatal(err)
					}
				}
			}
			wantRows, _, _ := alone.recover(t)
			x, j, err := Begin(beside.FS, beside.index(), index.Options{}, quiet)
			if err != nil {
				t.Fatal(err)
			}
			if j.Incomplete() != lost {
				t.Errorf("incomplete: %v", j.Incomplete())
			}
			r, err := j.Run(t.Context(), Beside{})
			if err != nil || len(r.Problems) > 0 || !r.Changed() || (r.Rebuilt != "") != lost {
				t.Errorf("%s, %v, %v", r.String(), r.Problems, err)
			}
			if done, all := j.Progress(); done != all || all < 3 {
				t.Errorf("progress %d of %d", done, all)
			}
			plain := func(rows []index.Row) (out []volume.Name) {
				for _, r := range rows {
					out = append(out, r.File())
				}
				return out
			}
			if got, want := plain(contents(t, x)), plain(wantRows); !slices.Equal(got, want) {
				t.Errorf("rows\n%v\nwant\n%v", got, want)
			}
			if got := x.Totals().Held.Rows; got != 1 {
				t.Errorf("%d rows are held, want 1", got)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			if got, want := beside.files(t), alone.files(t); !slices.Equal(got, want) {
				t.Errorf("files\n%v\nwant\n%v", got, want)
			}
			if rows, _, again := beside.recover(t); again.Changed() || len(rows) != len(wantRows) {
				t.Errorf("another recovery: %s", again.String())
			}
		})
	}
}

// TestADamagedIndexKeepsNobodyWaiting: it is set aside, and an empty one takes
// its place until the files are read.
func TestADamagedIndexKeepsNobodyWaiting(t *testing.T) {
	d := littered(t)
	if err := os.Truncate(d.index(), 4096); err != nil {
		t.Fatal(err)
	}
	x, j, err := Begin(d.FS, d.index(), index.Options{}, quiet)
	if err != nil || !j.Incomplete() {
		t.Fatalf("incomplete %v, %v", j != nil && j.Incomplete(), err)
	}
	if r, err := j.Run(t.Context(), Beside{}); err != nil || r.Rebuilt == "" || len(contents(t, x)) < 12 {
		t.Errorf("%s, %v", r.String(), err)
	}
	if _, err := d.Stat("quarantine/" + IndexName); err != nil {
		t.Error(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestAStoppedJobIsFinishedByTheNext.
func TestAStoppedJobIsFinishedByTheNext(t *testing.T) {
	d := littered(t)
	if err := os.Remove(d.index()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	x, j, err := Begin(d.FS, d.index(), index.Options{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	_, err = j.Run(ctx, Beside{Exclusive: func(f func() error) error {
		if calls++; calls == 2 {
			cancel(stop)
		}
		return f()
	}})
	if !errors.Is(err, stop) {
		t.Errorf("Run = %v, want the cause", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	// What the index lacks is known to be missing until a start has found it.
	for _, tt := range []struct {
		ctx        context.Context
		incomplete bool
		want       error
	}{{ctx, true, stop}, {t.Context(), true, nil}, {t.Context(), false, nil}} {
		x, j, err := Begin(d.FS, d.index(), index.Options{}, quiet)
		if err != nil || j.Incomplete() != tt.incomplete {
			t.Fatalf("incomplete %v, want %v: %v", j.Incomplete(), tt.incomplete, err)
		}
		if _, err := j.Run(tt.ctx, Beside{}); !errors.Is(err, tt.want) {
			t.Errorf("Run = %v, want %v", err, tt.want)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, r := d.recover(t); r.Changed() {
		t.Errorf("another recovery: %s", r.String())
	}
}

// TestRecoveryLeavesALiveVolumeAlone: while it runs, segments are written and
// closed and the oldest deleted, on the same days. Afterwards rows and files
// agree, and nothing that was written is gone.
func TestRecoveryLeavesALiveVolumeAlone(t *testing.T) {
	dir := t.TempDir()
	v, err := volume.Open(dir, volume.Options{Cycle: 3 * time.Millisecond, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{v.FS(), dir}
	for i := range int64(300) {
		d.closed(t, fmt.Sprint("cam", i%3), t0+i*3000, uint32(i), 1)
	}
	x, j, err := Begin(d.FS, d.index(), index.Options{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all, writer sync.WaitGroup
	writer.Go(func() { _ = v.Run(ctx) })
	var sweeping sync.Mutex
	stop := make(chan struct{})
	var mu sync.Mutex
	made := map[volume.Name]bool{}
	for c := range 3 {
		all.Go(func() { // a camera
			for i := int64(0); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				n := volume.Name{Camera: fmt.Sprint("cam", c), Start: t0 + 1_000_000 + i*1000, Seq: uint32(i)}
				data, _ := footage(t, n, 0, 1)
				f, err := v.Create(n, nil, 0)
				if err == nil {
					err = f.Append(volume.Chunk{Bufs: [][]byte{data}, End: n.Start + 1000})
				}
				if err != nil {
					t.Error(err)
					return
				}
				closed := make(chan struct{})
				f.Finish(n.Start+1000, func(n volume.Name, err error) {
					defer close(closed)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					made[n] = true
					mu.Unlock()
					if err := x.Add(rowOf(n)); err != nil {
						t.Error(err)
					}
				})
				<-closed
			}
		})
	}
	all.Go(func() { // a sweeper
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rand.IntN(3)) * time.Millisecond):
			}
			sweeping.Lock()
			old, err := x.Oldest(2, nil)
			if err == nil {
				var gone []index.Garbage
				if gone, err = x.Condemn(old, "test"); err == nil {
					for _, g := range gone {
						mu.Lock()
						delete(made, g.Row.File())
						mu.Unlock()
						err = errors.Join(err, d.Remove(g.Row.File().Path()))
					}
					if len(gone) > 0 {
						err = errors.Join(err, x.Forget(gone, index.Audit{}))
					}
				}
			}
			sweeping.Unlock()
			if err != nil {
				t.Error(err)
			}
		}
	})
	r, err := j.Run(t.Context(), Beside{Made: v.Made, Exclusive: func(f func() error) error {
		sweeping.Lock()
		defer sweeping.Unlock()
		return f()
	}})
	time.Sleep(50 * time.Millisecond) // real work goes on a little
	close(stop)
	all.Wait()
	cancel()
	writer.Wait()
	if err != nil || len(r.Problems) > 0 || r.Salvaged > 0 || r.Quarantined > 0 || r.Dropped > 0 {
		t.Errorf("%s, %v, %v", r.String(), r.Problems, err)
	}
	rows := map[volume.Name]bool{}
	for _, row := range contents(t, x) {
		rows[row.File()] = true
		if _, err := os.Stat(filepath.Join(dir, row.File().Path())); err != nil {
			t.Errorf("a row without a file: %v", err)
		}
	}
	for n := range made {
		if !rows[n] {
			t.Errorf("%s was recorded and has no row", n.Path())
		}
	}
	if err := errors.Join(x.Close(), v.Close()); err != nil {
		t.Fatal(err)
	}
	after, err := volume.OpenFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = after.Close() }() // only looked at
	d.FS = after
	if _, _, again := d.recover(t); again.Changed() {
		t.Errorf("another recovery: %s", again.String())
	}
}
