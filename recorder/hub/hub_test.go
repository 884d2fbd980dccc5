package hub

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/media"
)

func videoRun() *media.Run {
	return &media.Run{Camera: "door", Stream: media.Main, Tracks: []media.Track{
		{Codec: media.H264, ClockRate: 90000}, {Codec: media.AAC, ClockRate: 48000}}}
}

func unit(run *media.Run, track int, dts int64, random bool, size int) *media.AccessUnit {
	return &media.AccessUnit{Run: run, Track: track, DTS: dts, PTS: dts, Random: random, Size: size}
}

func dts(items []Item) (out []int64) {
	for _, it := range items {
		if it.Unit == nil {
			out = append(out, -1)
			continue
		}
		out = append(out, it.Unit.DTS)
	}
	return out
}

func equal(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestPrimedReaderBeginsAtTheLastKeyFrame(t *testing.T) {
	h, run := New(Options{}), videoRun()
	for i := range int64(10) {
		h.Publish(unit(run, 0, i, i%4 == 0, 10))
	}
	h.Publish(unit(run, 1, 100, true, 3)) // audio is random access but must not reset the cache
	r := h.Subscribe(ReaderOptions{Primed: true})
	h.Publish(unit(run, 0, 10, false, 10))
	got, err := r.Take(nil)
	if want := []int64{8, 9, 100, 10}; err != nil || !equal(dts(got), want) {
		t.Errorf("took %v, %v; want %v", dts(got), err, want)
	}
	if got[0].Primed != 3 {
		t.Errorf("first item says %d primed units, want 3", got[0].Primed)
	}
	if plain, _ := h.Subscribe(ReaderOptions{}).Take(nil); len(plain) != 0 {
		t.Errorf("an unprimed reader began with %v", dts(plain))
	}
}

func TestCacheGivesUpOnAnOverlongGOPUntilTheNextKeyFrame(t *testing.T) {
	h, run := New(Options{CacheBytes: 25}), videoRun()
	for i := range int64(4) {
		h.Publish(unit(run, 0, i, i == 0, 10))
	}
	if got := h.CachedGOP(); got != nil {
		t.Errorf("cached %d units of a GOP over the cap", len(got))
	}
	h.Publish(unit(run, 0, 4, true, 10))
	if got := h.CachedGOP(); len(got) != 1 {
		t.Errorf("cached %d units after the next key frame, want 1", len(got))
	}
}

func TestFullQueueKeepsTheOldestAndResumesAtAKeyFrameWithAGap(t *testing.T) {
	h, run := New(Options{}), videoRun()
	r := h.Subscribe(ReaderOptions{QueueBytes: 30})
	for i := range int64(4) { // the fourth does not fit
		h.Publish(unit(run, 0, i, i == 0, 10))
	}
	got, _ := r.Take(nil)
	if !equal(dts(got), []int64{0, 1, 2}) {
		t.Fatalf("took %v, want the first three", dts(got))
	}
	h.Publish(unit(run, 1, 50, true, 1)) // audio alone does not end the gap
	h.Publish(unit(run, 0, 4, false, 10))
	h.Publish(unit(run, 0, 5, true, 10))
	h.Publish(unit(run, 0, 6, false, 10))
	got, _ = r.Take(nil)
	if !equal(dts(got), []int64{5, 6}) || !got[0].Gap || got[1].Gap {
		t.Errorf("took %v with gaps %v, want 5 (after a gap) and 6", dts(got), got)
	}
	if n := r.Dropped(); n != 3 {
		t.Errorf("dropped %d, want 3", n)
	}
}

// The cached units come on top of a queue until they are read, and no longer.
func TestAPrimedReadersQueueIsBoundedAllTheSame(t *testing.T) {
	for _, read := range []string{"taken", "one by one"} {
		h, run := New(Options{}), videoRun()
		for i := range int64(10) {
			h.Publish(unit(run, 0, i, i == 0, 10))
		}
		r := h.Subscribe(ReaderOptions{QueueBytes: 30, Primed: true})
		push := func(from int64) {
			for i := range int64(10) {
				h.Publish(unit(run, 0, from+i, i == 0, 10))
			}
		}
		push(10) // three fit beside the ten from the cache
		var got []Item
		if read == "taken" {
			got, _ = r.Take(nil)
		} else {
			for range 13 {
				it, err := r.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, it)
			}
		}
		if n := len(got); n != 13 {
			t.Fatalf("%s: %d units, want 13", read, n)
		}
		push(20)
		if got, _ = r.Take(nil); !equal(dts(got), []int64{20, 21, 22}) {
			t.Errorf("%s: then %v, want three", read, dts(got))
		}
	}
}

func TestSlowViewerSkipsToTheNewest(t *testing.T) {
	h, run := New(Options{}), videoRun()
	r := h.Subscribe(ReaderOptions{QueueBytes: 30, Overflow: SkipToNewest})
	for i := range int64(7) {
		h.Publish(unit(run, 0, i, i == 0 || i == 5, 10))
	}
	got, _ := r.Take(nil)
	if !equal(dts(got), []int64{5, 6}) || !got[0].Gap {
		t.Errorf("took %v, want 5 after a gap, then 6", dts(got))
	}
	if n := r.Dropped(); n != 5 {
		t.Errorf("dropped %d, want 5", n)
	}
}

func TestOneUnitLargerThanTheQueueStillPasses(t *testing.T) {
	h, run := New(Options{}), videoRun()
	r := h.Subscribe(ReaderOptions{QueueBytes: 5})
	h.Publish(unit(run, 0, 0, true, 50))
	if got, _ := r.Take(nil); len(got) != 1 {
		t.Errorf("took %d items, want the large unit", len(got))
	}
}

func TestEndOfRunReachesReadersOnceAndForgetsTheCache(t *testing.T) {
	h, run := New(Options{}), videoRun()
	r := h.Subscribe(ReaderOptions{})
	h.EndRun() // no run yet
	h.Publish(unit(run, 0, 1, true, 10))
	h.EndRun()
	h.EndRun()
	if got, _ := r.Take(nil); !equal(dts(got), []int64{1, -1}) {
		t.Errorf("took %v, want one unit and one end", dts(got))
	}
	if h.CachedGOP() != nil || h.Run() != nil {
		t.Error("cache or run outlived the end of the run")
	}
}

func TestAClosedHubEndsItsReadersNowAndLater(t *testing.T) {
	h, run := New(Options{}), videoRun()
	r := h.Subscribe(ReaderOptions{})
	h.Publish(unit(run, 0, 1, true, 10))
	h.Close()
	h.Close()
	if _, err := r.Take(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("an old reader got %v, want ErrClosed", err)
	}
	if _, err := h.Subscribe(ReaderOptions{Primed: true}).Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a new reader got %v, want ErrClosed", err)
	}
}

func TestNextAndWaitRunBlockUntilSomethingComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, run := New(Options{}), videoRun()
		r := h.Subscribe(ReaderOptions{})
		got := make(chan int64, 1)
		gotRun := make(chan *media.Run, 1)
		go func() {
			it, _ := r.Next(t.Context())
			got <- it.Unit.DTS
		}()
		go func() {
			run, _ := h.WaitRun(t.Context())
			gotRun <- run
		}()
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("Next returned without a unit")
		case <-gotRun:
			t.Fatal("WaitRun returned without a run")
		default:
		}
		h.Publish(unit(run, 0, 7, true, 1))
		if d := <-got; d != 7 {
			t.Errorf("Next gave %d, want 7", d)
		}
		if g := <-gotRun; g != run {
			t.Errorf("WaitRun gave %v, want the run", g)
		}

		closed := make(chan error, 1)
		go func() { _, err := r.Next(t.Context()); closed <- err }()
		synctest.Wait()
		r.Close()
		r.Close()
		if err := <-closed; !errors.Is(err, ErrClosed) {
			t.Errorf("Next after Close = %v, want ErrClosed", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		h.EndRun()
		if _, err := h.WaitRun(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("WaitRun with a dead context = %v", err)
		}
	})
}

func BenchmarkPublishSixteenReaders(b *testing.B) {
	h, run := New(Options{}), videoRun()
	var rs []*Reader
	for range 16 {
		rs = append(rs, h.Subscribe(ReaderOptions{Overflow: SkipToNewest, QueueBytes: 1 << 16}))
	}
	u := unit(run, 0, 0, true, 1000)
	var buf []Item
	for b.Loop() {
		h.Publish(u)
		for _, r := range rs {
			buf, _ = r.Take(buf[:0])
		}
	}
}

// TestAPrerollReachesBackInWholeGroups: groups of 4 units, a unit a second.
func TestAPrerollReachesBackInWholeGroups(t *testing.T) {
	tests := []struct {
		name    string
		keep    time.Duration // SetPreroll
		cap     int           // bytes
		past    time.Duration // asked by the reader
		first   int64         // DTS of the first unit read
		waiting int
	}{
		{"none kept", 0, 1000, 10 * time.Second, 16, 4},
		{"not asked for", 10 * time.Second, 1000, 0, 16, 4},
		{"the group that the moment lies in", 10 * time.Second, 1000, 10 * time.Second, 8, 12},
		{"exactly a key frame", 11 * time.Second, 1000, 11 * time.Second, 8, 12},
		{"no more than was asked for", 20 * time.Second, 1000, 5 * time.Second, 12, 8},
		{"no more than there is", time.Hour, 1000, time.Hour, 0, 20},
		{"no more than the cap holds", time.Hour, 100, time.Hour, 12, 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, run, began := New(Options{CacheBytes: tt.cap}), videoRun(), time.Unix(1000, 0)
			h.SetPreroll(tt.keep)
			for i := range int64(20) {
				u := unit(run, 0, i, i%4 == 0, 10)
				u.Received = began.Add(time.Duration(i) * time.Second)
				h.Publish(u)
			}
			r := h.Subscribe(ReaderOptions{Primed: true, Past: tt.past, QueueBytes: 15})
			h.Publish(unit(run, 0, 20, true, 10))
			got, err := r.Take(nil)
			if err != nil || len(got) != tt.waiting+1 || got[0].Unit.DTS != tt.first || got[0].Primed != tt.waiting || got[tt.waiting].Gap {
				t.Errorf("took %v, %v; want %d units from %d, then 20 without a gap", dts(got), err, tt.waiting, tt.first)
			}
			h.EndRun()
			if left := h.Subscribe(ReaderOptions{Primed: true, Past: time.Hour}); len(left.queue) != 0 {
				t.Error("the pre-roll outlived the run")
			}
		})
	}
}

func TestAViewerHurriesTheHubForAsLongAsItWatches(t *testing.T) {
	h := New(Options{})
	recording := h.Subscribe(ReaderOptions{Overflow: KeepOldest})
	if h.Hurried() {
		t.Error("a recording is in no hurry")
	}
	a, b := h.Subscribe(ReaderOptions{Overflow: SkipToNewest}), h.Subscribe(ReaderOptions{Overflow: SkipToNewest})
	a.Close()
	a.Close()
	recording.Close()
	if !h.Hurried() {
		t.Error("one viewer is left")
	}
	b.Close()
	if h.Hurried() {
		t.Error("nobody is left")
	}
	h.Close()
	h.Subscribe(ReaderOptions{Overflow: SkipToNewest}).Close()
	if h.Hurried() {
		t.Error("of a closed hub")
	}
}

func TestALargerPrerollNeedsALargerCache(t *testing.T) {
	h, run := New(Options{CacheBytes: 3000}), videoRun()
	h.SetPreroll(time.Hour)
	play := func() (kept int) {
		for i := range int64(40) {
			h.Publish(unit(run, 0, i, i%2 == 0, 500))
		}
		r := h.Subscribe(ReaderOptions{Primed: true, Past: time.Hour})
		defer r.Close()
		items, err := r.Take(nil)
		if err != nil {
			t.Fatal(err)
		}
		return len(items)
	}
	small := play()
	h.SetCacheBytes(1 << 20)
	if large := play(); large < 40 || small > 8 {
		t.Errorf("%d units were kept in 3,000 bytes, %d in 1 MiB", small, large)
	}
	h.SetCacheBytes(0) // not below what it began with
	if again := play(); again != small {
		t.Errorf("%d units are kept in the end, %d in the beginning", again, small)
	}
}
