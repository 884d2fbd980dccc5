package detections

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vedette/internal/faultfs"
)

// losses collects what a log says it dropped.
type losses struct {
	mu  sync.Mutex
	all []string
}

func (l *losses) dropped(first, last uint64, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf("%d-%d %s", first, last, why))
}

func (l *losses) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

func TestWholeChunksGoWhenTheyAreOld(t *testing.T) {
	var lost losses
	var acknowledged atomic.Uint64
	o := small()
	o.MaxBytes, o.Dropped, o.Keep = 1<<30, lost.dropped, acknowledged.Load
	d := disk{faultfs.New(faultfs.Options{})}
	l := attach(t, New(o), d)
	var want []Batch
	for i := range 700 {
		b := batch(i)
		b.Seq, _ = add(t, l.Log, b)
		want = append(want, b)
	}
	_, chunks, err := l.view()
	if err != nil || len(chunks) < 5 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
	prune := func(before time.Time, limit, rows int, told ...string) {
		t.Helper()
		n, err := l.PruneBefore(t.Context(), before, limit)
		if err != nil || n != rows {
			t.Errorf("PruneBefore = %d, %v; want %d", n, err, rows)
		}
		want = want[rows:]
		if got := all(t, l.Log); len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%d batches are left, want %d", len(got), len(want))
		}
		if got := lost.take(); !reflect.DeepEqual(got, told) {
			t.Errorf("told %q, want %q", got, told)
		}
	}
	first := chunks[0]
	end := time.UnixMilli(first.received[1])
	prune(end, 1000, 0) // the last one is not before its own time
	acknowledged.Store(first.first + 4)
	prune(end.Add(time.Millisecond), 1000, int(first.rows), fmt.Sprintf("%d-%d age", first.first+5, first.last))
	acknowledged.Store(chunks[1].last)
	prune(day.Add(time.Hour), 1, int(chunks[1].rows)) // a limit of one is one chunk; it was acknowledged
	id := l.StoreID()
	left := len(want)
	acknowledged.Store(chunks[2].last)
	prune(day.Add(time.Hour), 1000, left, told(chunks[3:])...)
	if b := l.Bounds(); b.First != 0 || b.Last != 0 || b.StoreID != id {
		t.Errorf("of an empty log: %+v", b)
	}
	// Numbers go on, and so does the store, even if nothing is in it.
	last := chunks[len(chunks)-1].last
	_ = l.stop()
	o.Now = func() time.Time { return time.Unix(0, 0) } // the clock is of no help
	l = attach(t, New(o), d)
	if seq, _ := add(t, l.Log, batch(5000)); l.StoreID() != id || seq <= last {
		t.Errorf("%s goes on with %d, want %s, above %d", l.StoreID(), seq, id, last)
	}
}

func told(chunks []*chunk) (all []string) {
	for _, c := range chunks {
		all = append(all, fmt.Sprintf("%d-%d age", c.first, c.last))
	}
	return all
}

func TestWhatWasReceivedBeforeTheClockWasSetStays(t *testing.T) {
	l := attach(t, New(small()), disk{faultfs.New(faultfs.Options{})})
	b := batch(1)
	b.Received = time.UnixMilli(5000)
	add(t, l.Log, b)
	if n, err := l.PruneBefore(t.Context(), day, 10); n != 0 || err != nil || len(all(t, l.Log)) != 1 {
		t.Errorf("PruneBefore = %d, %v", n, err)
	}
}

func TestNothingIsPrunedWhileNothingIsAttached(t *testing.T) {
	if n, err := New(small()).PruneBefore(t.Context(), day, 10); n != 0 || err != nil {
		t.Errorf("PruneBefore = %d, %v", n, err)
	}
}

func TestTheOldestChunkGoesWhenThereAreTooManyBytes(t *testing.T) {
	var lost losses
	o := small()
	o.Dropped = lost.dropped
	d := disk{faultfs.New(faultfs.Options{})}
	l := attach(t, New(o), d)
	var numbers []uint64
	for i := range 1500 {
		seq, _ := add(t, l.Log, batch(i))
		numbers = append(numbers, seq)
		if b := l.Bounds(); b.Bytes > o.MaxBytes {
			t.Fatalf("%d bytes, want %d at most", b.Bytes, o.MaxBytes)
		}
	}
	got := all(t, l.Log)
	if len(got) < 300 || len(got) > 1400 || got[0].Seq != l.Bounds().First || got[len(got)-1].Seq != numbers[1499] {
		t.Fatalf("%d batches are left", len(got))
	}
	// Every number that is gone was told, once and in order.
	next := numbers[0]
	for _, s := range lost.take() {
		var first, last uint64
		var why string
		if _, err := fmt.Sscanf(s, "%d-%d %s", &first, &last, &why); err != nil || first != next || why != "size" {
			t.Fatalf("told %q, want what begins with %d", s, next)
		}
		next = last + 1
	}
	if next != got[0].Seq {
		t.Errorf("told of all below %d, and %d is the first", next, got[0].Seq)
	}
	var size int64
	for _, f := range d.Files() {
		size += f.Size
	}
	if size > o.MaxBytes {
		t.Errorf("%d bytes on the disk", size)
	}
	// A frame whose row is gone may be reported again.
	if _, duplicate := add(t, l.Log, batch(0)); duplicate {
		t.Error("the frame of a batch that is gone is a duplicate")
	}
}

func TestAChunkEndsWithItsTime(t *testing.T) {
	o, now := small(), day
	var mu sync.Mutex
	o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	d := disk{faultfs.New(faultfs.Options{})}
	l := attach(t, New(o), d)
	step := func(by time.Duration, files int) {
		t.Helper()
		mu.Lock()
		now = now.Add(by)
		mu.Unlock()
		b := batch(int(now.Unix() % 100000))
		b.FrameID = ""
		add(t, l.Log, b)
		if n := len(d.Files()); n != files {
			t.Errorf("%d chunks after %v, want %d", n, by, files)
		}
	}
	step(0, 1)
	step(o.ChunkAge, 1)
	step(time.Second, 2)
	step(-2*o.ChunkAge, 3) // a clock that is set back must not keep a chunk open for ever
}

func TestADiskThatKeepsRefusingIsGivenUp(t *testing.T) {
	d := disk{faultfs.New(faultfs.Options{})}
	l := attach(t, New(small()), d)
	for i := range 10 {
		add(t, l.Log, batch(i))
	}
	d.Inject(faultfs.Fault{Err: syscall.EIO, Kinds: []faultfs.Kind{faultfs.Sync}, Sticky: true})
	refused := 0
	for i := 10; ; i++ {
		_, _, err := l.Append(t.Context(), batch(i))
		if errors.Is(err, ErrAway) || i > 30 {
			break
		}
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("Append = %v, want EIO", err)
		}
		refused++
	}
	if err := <-l.end; !errors.Is(err, syscall.EIO) || refused != maxFailures {
		t.Errorf("Attach = %v after %d refusals", err, refused)
	}
	d.Heal()
	l = attach(t, l.Log, d)
	for i := range 10 {
		if _, duplicate := add(t, l.Log, batch(i)); !duplicate {
			t.Errorf("batch %d is lost", i)
		}
	}
}

func TestAFullDiskRefusesUntilThereIsRoom(t *testing.T) {
	o, now := small(), day
	var mu sync.Mutex
	o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	o.MaxBytes = 1 << 30
	d := disk{faultfs.New(faultfs.Options{})}
	l := attach(t, New(o), d)
	n := 0
	for ; n < 100; n++ {
		add(t, l.Log, batch(n))
	}
	d.Inject(faultfs.Fault{Err: syscall.ENOSPC, Sticky: true})
	for i := range 20 {
		if _, _, err := l.Append(t.Context(), batch(n+i)); err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Append = %v, want ENOSPC", err)
		}
		mu.Lock()
		now = now.Add(fullPause + time.Millisecond)
		mu.Unlock()
	}
	writes := func() (n int) {
		for _, op := range d.Log() {
			if op.Kind.Changes() {
				n++
			}
		}
		return n
	}
	before := writes()
	for range 5 { // within the pause the disk is left alone
		if _, _, err := l.Append(t.Context(), batch(7777)); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Append = %v, want ENOSPC", err)
		}
	}
	if n := writes() - before; n > 1 {
		t.Errorf("%d attempts to write to a disk that is full, want one", n)
	}
	// What is there can be read all the while.
	if got := len(all(t, l.Log)); got < 100 {
		t.Errorf("%d batches, want 100", got)
	}
	d.Heal()
	// Workers that go on meanwhile must not put the next attempt off.
	for i := range 11 {
		mu.Lock()
		now = now.Add(fullPause / 10)
		mu.Unlock()
		_, _, err := l.Append(t.Context(), batch(8000+i))
		if err == nil {
			break
		}
		if i == 10 {
			t.Errorf("the disk has room again, and Append = %v", err)
		}
	}
}

// TestReadersStandWhateverHappensMeanwhile: chunks go and disks come and go while
// others append and read; the one error that they see is ErrAway.
func TestReadersStandWhateverHappensMeanwhile(t *testing.T) {
	dir := t.TempDir()
	l := New(small())
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	again := func(what string, f func() error) {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := f(); err != nil && !errors.Is(err, ErrAway) && ctx.Err() == nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
	var n atomic.Int64
	again("append", func() error { _, _, err := l.Append(ctx, batch(int(n.Add(1)))); return err })
	again("append", func() error { _, _, err := l.Append(ctx, batch(int(n.Add(1)))); return err })
	again("read", func() error {
		found, err := l.Since(0, 100)
		for i := range found[:max(0, len(found)-1)] {
			if found[i].Seq >= found[i+1].Seq {
				return fmt.Errorf("%d after %d", found[i+1].Seq, found[i].Seq)
			}
		}
		return err
	})
	again("query", func() error { _, _, err := l.Query(ctx, Query{Label: "car", Limit: 10}); return err })
	again("prune", func() error {
		_, err := l.PruneBefore(ctx, day.Add(time.Duration(n.Load()-200)*time.Second), 10)
		l.Bounds()
		return err
	})
	for range 4 {
		f, err := openFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		r := attach(t, l, f)
		for start, changed := l.Counts().Batches, l.Changed(); l.Counts().Batches < start+50; changed = l.Changed() {
			<-changed
		}
		_ = r.stop()
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	wg.Wait()
}
