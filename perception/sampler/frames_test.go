package sampler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/media"
)

// wanting returns a sampler that wants one stream and does not run.
func wanting(t *testing.T) (*Sampler, func(size int) *Frame) {
	t.Helper()
	s := New(Options{Budget: 1000})
	s.Set([]Want{want("door", 5, 640, 0)})
	return s, func(size int) *Frame {
		f := &Frame{Captured: time.Now().UTC(), Width: 1, Height: 1, JPEG: make([]byte, size)}
		(&worker{s: s, slot: (*s.slots.Load())[id{"door", media.Sub}]}).picture(f)
		return f
	}
}

func TestAFrameIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, put := wanting(t)
		pull := func(after uint64, wait time.Duration) (*Frame, time.Duration, error) {
			began := time.Now()
			f, err := s.Frame(t.Context(), "door", media.Sub, after, wait)
			return f, time.Since(began), err
		}
		if _, took, err := pull(0, 0); !errors.Is(err, ErrNoFrame) || took != 0 {
			t.Errorf("before the first frame: %v after %v, want ErrNoFrame at once", err, took)
		}
		if _, took, err := pull(0, 3*time.Second); !errors.Is(err, ErrNoFrame) || took != 3*time.Second {
			t.Errorf("waiting for the first frame: %v after %v, want ErrNoFrame after 3 s", err, took)
		}
		later := func(d time.Duration) { time.AfterFunc(d, func() { put(10) }) }
		later(2 * time.Second)
		first, took, err := pull(0, 10*time.Second)
		if err != nil || took != 2*time.Second {
			t.Fatalf("the first frame: %v after %v, want it after 2 s", err, took)
		}
		if f, took, err := pull(0, 10*time.Second); f != first || took != 0 {
			t.Errorf("again without a number: %v, %v after %v, want the same at once", f, err, took)
		}
		if _, took, err := pull(first.Seq, 0); !errors.Is(err, ErrNotNewer) || took != 0 {
			t.Errorf("the same again: %v after %v, want ErrNotNewer at once", err, took)
		}
		if _, took, err := pull(first.Seq, time.Second); !errors.Is(err, ErrNotNewer) || took != time.Second {
			t.Errorf("waiting in vain: %v after %v, want ErrNotNewer after 1 s", err, took)
		}
		later(time.Second)
		if f, took, err := pull(first.Seq, 10*time.Second); err != nil || f.Seq != first.Seq+1 || took != time.Second {
			t.Errorf("the next: %+v, %v after %v", f, err, took)
		}
		if f, took, err := pull(first.Seq+1000, 10*time.Second); err != nil || f.Seq != first.Seq+1 || took != 0 {
			t.Errorf("with a number that never was: %+v, %v after %v, want the newest at once", f, err, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Frame(ctx, "door", media.Sub, first.Seq+1, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that ends: %v", err)
		}
		if _, err := s.Frame(t.Context(), "door", media.Main, 0, time.Minute); !errors.Is(err, ErrNoFrame) {
			t.Errorf("of a stream nobody wants: %v", err)
		}
	})
}

func TestAStreamThatIsNoLongerWantedWakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, put := wanting(t)
		f := put(10)
		time.AfterFunc(time.Second, func() { s.Set(nil) })
		began := time.Now()
		if _, err := s.Frame(t.Context(), "door", media.Sub, f.Seq, time.Minute); !errors.Is(err, ErrNoFrame) || time.Since(began) != time.Second {
			t.Errorf("%v after %v, want ErrNoFrame after 1 s", err, time.Since(began))
		}
		if _, err := s.Frame(t.Context(), "door", media.Sub, 0, 0); !errors.Is(err, ErrNoFrame) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestNumbersAscendThoughAStreamIsUnwantedForAWhile(t *testing.T) {
	s, put := wanting(t)
	first := put(10)
	s.Set(nil)
	s.Set([]Want{want("door", 5, 640, 0)})
	f := &Frame{JPEG: []byte{1}}
	(&worker{s: s, slot: (*s.slots.Load())[id{"door", media.Sub}]}).picture(f)
	if f.Seq <= first.Seq {
		t.Errorf("number %d after %d", f.Seq, first.Seq)
	}
}

func TestAnExhaustedStreamShowsNoOldFrame(t *testing.T) {
	s, put := wanting(t)
	put(10)
	s.Set([]Want{want("door", 5, 640, 0), {Camera: "a", Profile: media.Sub, FPS: 30, Width: 3840, Priority: 1}})
	if _, err := s.Frame(t.Context(), "door", media.Sub, 0, 0); err != nil {
		t.Fatalf("while both fit: %v", err)
	}
	s.o.Budget = 0.01
	s.Set([]Want{want("door", 5, 640, 0)})
	if _, err := s.Frame(t.Context(), "door", media.Sub, 0, 0); !errors.Is(err, ErrNoFrame) {
		t.Errorf("got %v, want ErrNoFrame", err)
	}
	if st := s.States()[0]; st.State != BudgetExhausted || st.Reason == "" || st.FPS != 0 {
		t.Errorf("state = %+v", st)
	}
	if put(10); s.States()[0].State != BudgetExhausted {
		t.Error("a late frame of the decoder that was ended counts")
	}
	s.o.Budget = 1000
	s.Set([]Want{want("door", 5, 640, 0)})
	if st := s.States()[0]; st.State != Connecting || st.Reason != "" {
		t.Errorf("with room again: state = %+v", st)
	}
}

func TestRecentFramesAreKeptForEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, put := wanting(t)
		has := func(f *Frame) bool { got, ok := s.Find("door", media.Sub, f.Seq); return ok && got == f }
		const mb = 1 << 20
		pinned := put(mb)
		if !s.Pin("door", media.Sub, pinned.Seq) {
			t.Fatal("the newest frame cannot be pinned")
		}
		time.Sleep(time.Second)
		loose := put(mb)
		for range 14 {
			put(mb)
		}
		if !has(pinned) || !has(loose) {
			t.Fatal("16 MiB do not fit")
		}
		put(mb)
		if !has(pinned) || has(loose) {
			t.Errorf("beyond 16 MiB: pinned there = %v, loose there = %v; want the pinned one kept", has(pinned), has(loose))
		}
		if s.Pin("door", media.Sub, loose.Seq) {
			t.Error("a frame that is gone was pinned")
		}
		newest := put(mb)
		if !has(newest) || s.shelf.bytes > shelfBytes {
			t.Errorf("newest there = %v, %d bytes kept", has(newest), s.shelf.bytes)
		}
		time.Sleep(shelfAge - time.Second)
		if !has(pinned) {
			t.Error("a frame of 120 s is gone")
		}
		time.Sleep(time.Second + time.Millisecond)
		if has(pinned) {
			t.Error("a frame of more than 120 s is still there")
		}
		if !has(newest) {
			t.Error("the newest frame cannot be found any more")
		}
	})
}

func TestPinnedFramesGoByAgeToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, put := wanting(t)
		a := put(10)
		time.Sleep(time.Minute)
		b := put(10)
		put(10)
		s.Pin("door", media.Sub, b.Seq)
		s.Pin("door", media.Sub, a.Seq) // later, yet it is the older
		time.Sleep(time.Minute + time.Millisecond)
		if s.shelf.tidy(); s.shelf.frames[frameID{id{"door", media.Sub}, a.Seq}] != nil {
			t.Error("the older pinned frame outlived its age behind the newer")
		}
		if _, ok := s.Find("door", media.Sub, b.Seq); !ok {
			t.Error("the newer is gone")
		}
	})
}

func TestWhenAllArePinnedTheOldestGoes(t *testing.T) {
	s, put := wanting(t)
	var frames []*Frame
	for range 18 {
		f := put(1 << 20)
		if !s.Pin("door", media.Sub, f.Seq) {
			t.Fatalf("frame %d cannot be pinned", len(frames))
		}
		frames = append(frames, f)
	}
	for i, f := range frames {
		if _, ok := s.Find("door", media.Sub, f.Seq); ok != (i >= 2) {
			t.Errorf("frame %d there = %v", i, ok)
		}
	}
}

func TestFramesAreNeverMixedUnderLoad(t *testing.T) {
	s, put := wanting(t)
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			var after uint64
			for ctx.Err() == nil {
				f, err := s.Frame(ctx, "door", media.Sub, after, time.Second)
				if err != nil {
					continue
				}
				if f.Seq <= after || len(f.JPEG) != f.Width {
					t.Errorf("frame %d after %d has %d bytes and says %d", f.Seq, after, len(f.JPEG), f.Width)
				}
				after = f.Seq
				s.Pin("door", media.Sub, after)
				s.Find("door", media.Sub, after)
				s.States()
			}
		})
	}
	sl := (*s.slots.Load())[id{"door", media.Sub}]
	for i := range 2000 {
		(&worker{s: s, slot: sl}).picture(&Frame{Width: i, JPEG: make([]byte, i)})
	}
	cancel()
	readers.Wait()
	_ = put
}

func BenchmarkFrame(b *testing.B) {
	s := New(Options{Budget: 1000})
	s.Set([]Want{want("door", 5, 640, 0)})
	(&worker{s: s, slot: (*s.slots.Load())[id{"door", media.Sub}]}).picture(&Frame{JPEG: make([]byte, 10)})
	for b.Loop() {
		f, err := s.Frame(b.Context(), "door", media.Sub, 0, 0)
		if err != nil || !s.Pin("door", media.Sub, f.Seq) {
			b.Fatal(err)
		}
	}
}
