package detections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
)

// add appends b and fails the test if that does not work.
func add(t testing.TB, l *Log, b Batch) (uint64, bool) {
	t.Helper()
	seq, duplicate, err := l.Append(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return seq, duplicate
}

func TestWhatWasAppendedIsReadAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "perception", "detections")
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := attach(t, New(small()), f)
	var want []Batch
	for i := range 300 {
		b := batch(i)
		b.Seq, _ = add(t, l.Log, b)
		want = append(want, b)
	}
	if first := uint64(day.UnixMilli()) << 8; want[0].Seq != first {
		t.Errorf("the first number is %d, want %d: the time", want[0].Seq, first)
	}
	check := func(when string, l *Log) {
		t.Helper()
		if got := all(t, l); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d batches, want %d; %v", when, len(got), len(want), firstDifference(got, want))
		}
	}
	check("while attached", l.Log)
	id := l.StoreID()
	if err := l.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Attach = %v, want that it was told to stop", err)
	}
	if _, err := l.Since(0, 1); !errors.Is(err, ErrAway) {
		t.Errorf("Since = %v after the end, want ErrAway", err)
	}
	if _, _, err := l.Query(t.Context(), Query{Limit: 1}); !errors.Is(err, ErrAway) {
		t.Errorf("Query = %v after the end, want ErrAway", err)
	}
	if _, _, err := l.Append(t.Context(), batch(1)); !errors.Is(err, ErrAway) {
		t.Errorf("Append = %v after the end, want ErrAway", err)
	}
	l = attach(t, New(small()), f)
	check("after a restart", l.Log)
	if l.StoreID() != id {
		t.Error("a restart changed the id of the store")
	}
	if seq, _ := add(t, l.Log, batch(1000)); seq <= want[len(want)-1].Seq {
		t.Errorf("number %d after a restart, want one above %d", seq, want[len(want)-1].Seq)
	}
	if b := l.Bounds(); b.First != want[0].Seq || b.Last <= want[299].Seq || !b.Oldest.Equal(want[0].Received) || b.Bytes <= 0 {
		t.Errorf("Bounds = %+v", b)
	}
}

func firstDifference(got, want []Batch) string {
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(got[i], want[i]) {
			return fmt.Sprintf("at %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	return "one is longer"
}

func TestAnotherDiskHasAnotherId(t *testing.T) {
	l := New(small())
	a := attach(t, l, disk{faultfs.New(faultfs.Options{})})
	id := l.StoreID()
	_ = a.stop()
	attach(t, l, disk{faultfs.New(faultfs.Options{})})
	if again := l.StoreID(); again == id || len(again) != 32 {
		t.Errorf("ids %q and %q", id, again)
	}
}

func TestOneDirectoryAtATime(t *testing.T) {
	l := New(small())
	attach(t, l, disk{faultfs.New(faultfs.Options{})})
	if err := l.Attach(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second Attach = %v", err)
	}
	if l.StoreID() == "" {
		t.Error("the second Attach ended the first")
	}
}

func TestADirectoryThatCannotBeIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := New(small())
	if err := l.Attach(t.Context(), path); err == nil {
		t.Error("a file was taken for a directory")
	}
	// The log is as before: another one can be attached.
	attach(t, l, disk{faultfs.New(faultfs.Options{})})
}

func TestAFrameIsReportedOnce(t *testing.T) {
	d := disk{faultfs.New(faultfs.Options{})}
	l := attach(t, New(small()), d)
	numbers := map[int]uint64{}
	const n = 300
	for i := range n {
		numbers[i], _ = add(t, l.Log, batch(i))
	}
	if files := len(d.Files()); files < 3 {
		t.Fatalf("%d chunks, want some borders", files)
	}
	again := func(when string) {
		t.Helper()
		for i := range n {
			b := batch(i)
			b.Detections, b.Time = nil, day // what else is in it does not matter
			if seq, duplicate := add(t, l.Log, b); !duplicate || seq != numbers[i] {
				t.Errorf("%s: frame %d again = %d, %v; want %d, true", when, i, seq, duplicate, numbers[i])
			}
		}
		if got := len(all(t, l.Log)); got != n {
			t.Errorf("%s: %d batches, want %d", when, got, n)
		}
	}
	again("while attached")
	_ = l.stop()
	l = attach(t, New(small()), d)
	again("after a restart")
	if c := l.Counts(); c.Duplicates != n || c.Batches != 0 {
		t.Errorf("Counts = %+v", c)
	}
	other := func(what string, change func(*Batch)) {
		t.Helper()
		b := batch(1)
		change(&b)
		if _, duplicate := add(t, l.Log, b); duplicate {
			t.Errorf("%s: a duplicate", what)
		}
	}
	other("another camera", func(b *Batch) { b.Camera = "cam-9" })
	other("another task type", func(b *Batch) { b.TaskType = "anpr" })
	other("another frame", func(b *Batch) { b.FrameID = "g1" })
	for range 2 {
		other("no frame id", func(b *Batch) { b.FrameID = "" })
	}
	// Frames of one id that differ in something else do not displace each other.
	for _, change := range []func(*Batch){func(*Batch) {}, func(b *Batch) { b.Camera = "cam-9" }, func(b *Batch) { b.TaskType = "anpr" }} {
		b := batch(1)
		change(&b)
		if _, duplicate := add(t, l.Log, b); !duplicate {
			t.Errorf("%s, %s: not a duplicate", b.Camera, b.TaskType)
		}
	}
}

func TestOneGroupHoldsAFrameOnce(t *testing.T) {
	for _, broken := range []error{nil, syscall.EIO} {
		d := faultfs.New(faultfs.Options{})
		l := New(small())
		s, err := openStore(disk{d}, l.o)
		if err != nil {
			t.Fatal(err)
		}
		l.store = s
		var group []*waiting
		for _, i := range []int{1, 2, 1, 1} {
			b := batch(i)
			w, err := wait(&b)
			if err != nil {
				t.Fatal(err)
			}
			group = append(group, w)
		}
		d.Inject(faultfs.Fault{Err: broken, Kinds: []faultfs.Kind{faultfs.Sync}})
		if err := l.commit(s, group); err != nil {
			t.Fatal(err)
		}
		for i, w := range group {
			<-w.done
			if w.duplicate != (i > 1 && broken == nil) || !errors.Is(w.err, broken) || i > 1 && broken == nil && w.seq != group[0].seq {
				t.Errorf("the disk says %v: batch %d: %d, %v, %v", broken, i, w.seq, w.duplicate, w.err)
			}
		}
		want := 2
		if broken != nil {
			want = 0 // a duplicate of what is not there would be a lie
		}
		if got := all(t, l); len(got) != want {
			t.Errorf("the disk says %v: %d batches, want %d", broken, len(got), want)
		}
	}
}

func TestRunsWithoutABatchLeaveOneFile(t *testing.T) {
	d := disk{faultfs.New(faultfs.Options{})}
	for range 5 {
		_ = attach(t, New(small()), d).stop()
	}
	if n := len(d.Files()); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
	l := attach(t, New(small()), d)
	add(t, l.Log, batch(1))
	if n := len(d.Files()); n != 1 {
		t.Errorf("%d files with one batch, want 1", n)
	}
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"of batches", Options{QueueBatches: 5, CommitEvery: time.Hour}},
		{"of bytes", Options{QueueBytes: 5 * len(encode(nil, new(batch(3)))), CommitEvery: time.Hour}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fullQueue(t, c.o)
			})
		})
	}
}

func fullQueue(t *testing.T, o Options) {
	l := attach(t, New(o), disk{faultfs.New(faultfs.Options{})})
	add(t, l.Log, batch(0)) // the next commit is an hour away
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 5 {
		b := batch(3)
		b.FrameID = string(rune('a' + i))
		wg.Go(func() {
			if _, _, err := l.Append(ctx, b); !errors.Is(err, context.Canceled) {
				t.Errorf("Append = %v, want that it waited", err)
			}
		})
	}
	synctest.Wait()
	if _, _, err := l.Append(t.Context(), batch(9)); !errors.Is(err, ErrFull) {
		t.Errorf("Append = %v, want ErrFull", err)
	}
	cancel()
	wg.Wait()
	if n := l.Counts().Refused; n != 1 {
		t.Errorf("%d refused, want 1", n)
	}
	// What waits at the end is still made durable.
	_ = l.stop()
	if n := l.Counts().Batches; n != 6 {
		t.Errorf("%d batches, want 6", n)
	}
}

func TestABatchThatIsTooLargeIsRefused(t *testing.T) {
	l := attach(t, New(small()), disk{faultfs.New(faultfs.Options{})})
	b := batch(3)
	b.TaskID = strings.Repeat("x", 12<<10)
	if _, _, err := l.Append(t.Context(), b); !errors.Is(err, ErrTooLarge) {
		t.Errorf("larger than a chunk: %v", err)
	}
	b.TaskID = strings.Repeat("x", maxPayload)
	if _, _, err := l.Append(t.Context(), b); !errors.Is(err, ErrTooLarge) {
		t.Errorf("larger than a record: %v", err)
	}
	// The largest that is taken fits.
	b.TaskID = ""
	for n := 11 << 10; ; n++ {
		b.TaskID, b.FrameID = strings.Repeat("x", n), fmt.Sprint(n)
		if _, _, err := l.Append(t.Context(), b); errors.Is(err, ErrTooLarge) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range all(t, l.Log) {
		if len(b.TaskID) < 11<<10 {
			t.Errorf("a batch of %d bytes came back", len(b.TaskID))
		}
	}
}

func TestConcurrentAppendsShareASync(t *testing.T) {
	synctest.Test(t, concurrentAppends)
}

func concurrentAppends(t *testing.T) {
	d := disk{faultfs.New(faultfs.Options{})}
	d.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Sync}, Delay: 2 * time.Millisecond, Sticky: true})
	o := small()
	o.ChunkBytes, o.MaxBytes = 1<<20, 1<<30
	l := attach(t, New(o), d)
	const writers, each = 16, 25
	var wg sync.WaitGroup
	seen := make(chan uint64, writers*each)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				b := batch(w*each + i)
				seq, _, err := l.Append(t.Context(), b)
				if err != nil {
					t.Error(err)
					return
				}
				// What was answered is visible.
				got, err := l.Since(seq-1, 1)
				if err != nil || len(got) != 1 || got[0].FrameID != b.FrameID {
					t.Errorf("Since(%d) = %v, %v", seq-1, got, err)
				}
				if _, _, err := l.Query(t.Context(), Query{Camera: b.Camera, Limit: 3}); err != nil {
					t.Error(err)
				}
				seen <- seq
			}
		})
	}
	follow := make(chan int)
	go func() {
		n, after := 0, uint64(0)
		for n < writers*each {
			changed := l.Changed()
			some, err := l.Since(after, 1000)
			if err != nil {
				t.Error(err)
				break
			}
			for _, b := range some {
				if b.Seq <= after {
					t.Errorf("%d after %d", b.Seq, after)
				}
				after = b.Seq
			}
			n += len(some)
			if len(some) == 0 {
				<-changed
			}
		}
		follow <- n
	}()
	wg.Wait()
	if n := <-follow; n != writers*each {
		t.Errorf("a follower saw %d, want %d", n, writers*each)
	}
	close(seen)
	numbers := map[uint64]bool{}
	for seq := range seen {
		numbers[seq] = true
	}
	if c := l.Counts(); len(numbers) != writers*each || c.Commits > writers*each/2 {
		t.Errorf("%d numbers of %d batches in %d commits", len(numbers), writers*each, c.Commits)
	}
}

func TestAReadIsBoundedInBytesAndLeavesNothingOut(t *testing.T) {
	const mib = 1 << 20
	o := small()
	o.ChunkBytes, o.MaxBytes = 5*mib+768<<10, 1<<30
	l := attach(t, New(o), disk{faultfs.New(faultfs.Options{})})
	var want []uint64
	for i, size := range []int{1900 << 10, 1900 << 10, 1900 << 10, 200 << 10, 1} { // the fourth begins a chunk
		b := batch(i)
		b.TaskID = strings.Repeat("x", size)
		seq, _ := add(t, l.Log, b)
		want = append(want, seq)
	}
	if _, chunks, err := l.view(); err != nil || len(chunks) != 2 || chunks[0].rows != 3 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
	first, err := l.Since(0, 100)
	if err != nil || len(first) != 2 {
		t.Fatalf("%d batches, %v; want 2", len(first), err)
	}
	var got []uint64
	for _, b := range all(t, l.Log) {
		got = append(got, b.Seq)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("several reads find %v, want %v", got, want)
	}
}

func TestOneBadSectorDoesNotTakeTheOthersAlong(t *testing.T) {
	d := disk{faultfs.New(faultfs.Options{})}
	l := attach(t, New(small()), d)
	for i := range 300 {
		add(t, l.Log, batch(i))
	}
	_, chunks, _ := l.view()
	if len(chunks) < 3 {
		t.Fatal("too few chunks")
	}
	_ = l.stop()
	// Its footer can be read no more, but for the header.
	ops := 0
	d.Before(func(op faultfs.Op) {
		if op.Path == chunkName(2) && op.Kind == faultfs.Read {
			if ops++; ops == 1 {
				d.Inject(faultfs.Fault{Err: syscall.EIO, Kinds: []faultfs.Kind{faultfs.Read}, Prefix: chunkName(2), Sticky: true})
			}
		}
	})
	l = attach(t, New(small()), d)
	got := all(t, l.Log)
	if want := 300 - int(chunks[1].rows); len(got) != want {
		t.Errorf("%d batches, want %d: all but those of one chunk", len(got), want)
	}
	d.Heal()
	if _, err := d.ReadFile(chunkName(2) + badSuffix); err != nil {
		t.Errorf("the chunk was not kept: %v", err)
	}
}

func TestAppendReturnsWhenItsContextIsDone(t *testing.T) {
	l := attach(t, New(small()), disk{faultfs.New(faultfs.Options{})})
	why := errors.New("the worker went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, _, err := l.Append(ctx, batch(1)); !errors.Is(err, why) {
		t.Errorf("Append = %v", err)
	}
	if got := all(t, l.Log); len(got) != 0 {
		t.Errorf("%d batches of a worker that had gone before", len(got))
	}
}

func TestTheLogSetsTheTimesThatAreMissing(t *testing.T) {
	l := attach(t, New(small()), disk{faultfs.New(faultfs.Options{})})
	add(t, l.Log, Batch{Camera: "yard"})
	if got := all(t, l.Log); len(got) != 1 || !got[0].Received.Equal(day) || !got[0].Time.Equal(day) || got[0].Detections != nil {
		t.Errorf("%+v", got)
	}
}

func TestFollowersLearnThatTheDiskIsGone(t *testing.T) {
	l := attach(t, New(small()), disk{faultfs.New(faultfs.Options{})})
	changed := l.Changed()
	_ = l.stop()
	select {
	case <-changed:
	default:
		t.Error("nobody was told")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	for _, bytes := range []int64{1 << 20, 2 << 30, 16 << 30, 1 << 40} {
		o := Options{MaxBytes: bytes}.withDefaults()
		s := newStore(nil, o)
		if all := int64(s.filter) * min(bytes/o.ChunkBytes, maxChunks); all > memory {
			t.Errorf("a log of %d bytes: filters take %d, want %d at most", bytes, all, memory)
		}
		// A chunk of the smallest batches ends before its frames take much.
		s.open = &chunk{end: headerBytes, rows: maxRows - 2}
		w, err := wait(&Batch{FrameID: "1"})
		if err != nil || !s.fits([]*waiting{w}, w) && o.ChunkBytes >= 8<<20 {
			t.Errorf("a chunk of %d has no room at %d rows", o.ChunkBytes, s.open.rows)
		}
		if s.fits([]*waiting{w, w}, w) {
			t.Errorf("a chunk takes more than %d rows", maxRows)
		}
	}
}
