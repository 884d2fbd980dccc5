package sweep

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/index"
)

// running has a sweeper at work on a clock of its own, and wants it to end
// with the context.
func running(t *testing.T, o func(*Options), f func(b *box, s *Sweeper)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		s := b.sweeper()
		if o != nil {
			o(&s.o)
		}
		s.meter.counter = s.o.Written
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		f(b, s)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
		b.wantWhole()
	})
}

func TestRunSeesWithinASecondWhatOthersWrite(t *testing.T) {
	running(t, nil, func(b *box, _ *Sweeper) {
		b.record("a", 5, 30)
		b.set(func() { b.written = 0 })
		b.fill(50)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if b.freeMiB() < 150 {
			t.Errorf("%d MiB free a second later", b.freeMiB())
		}
	})
}

// Below the floor with nothing that may go there is no point in looking every
// second.
func TestRunSweepsOncePerInterval(t *testing.T) {
	running(t, nil, func(b *box, _ *Sweeper) {
		b.record("a", 5, 30)
		b.set(func() {
			for i := range uint32(5) {
				b.held[i] = true
			}
			b.written = 0
		})
		b.fill(50)
		time.Sleep(2 * time.Second)
		b.set(func() { clear(b.held) })
		time.Sleep(27 * time.Second)
		synctest.Wait()
		if len(b.left()) != 5 {
			t.Error("swept before the interval was over")
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if b.freeMiB() < 150 {
			t.Errorf("%d MiB free after the interval", b.freeMiB())
		}
	})
}

func TestTheForecastDoesNotWaitForTheTimer(t *testing.T) {
	running(t, nil, func(b *box, s *Sweeper) {
		b.fill(400)
		s.Kick() // a reading: 300 MiB above the floor
		synctest.Wait()
		b.record("a", 31, 10)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if got := b.freeMiB(); got < 150 {
			t.Errorf("%d MiB free a second after the floor was reached", got)
		}
	})
}

func TestAKickSweepsAtOnce(t *testing.T) {
	running(t, nil, func(b *box, s *Sweeper) {
		b.record("a", 5, 60)
		b.set(func() { b.written = 0 })
		b.fill(0)
		s.Kick()
		s.Kick()
		synctest.Wait()
		if got := b.freeMiB(); got < 150 {
			t.Errorf("%d MiB free right after the kick", got)
		}
	})
}

func TestAKickedSweeperThatCannotHelpDoesNotSpin(t *testing.T) {
	running(t, nil, func(b *box, s *Sweeper) {
		b.record("a", 200, 2)
		b.set(func() { b.lost = true })
		b.fill(0)
		for range 100 { // a writer that is refused ten times a second
			s.Kick()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if got := len(b.left()); got < 200-150/2-1 {
			t.Errorf("%d of 200 are left: kicks cost footage for nothing", got)
		}
	})
}

func TestRunSurvivesASickDisk(t *testing.T) {
	running(t, nil, func(b *box, s *Sweeper) {
		b.record("a", 5, 60)
		b.fill(50)
		b.set(func() { b.statErr = errSick })
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if s.State().Err == nil {
			t.Error("the state does not show the error")
		}
		b.set(func() { b.statErr = nil })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if b.freeMiB() < 150 || s.State().Err != nil {
			t.Errorf("%d MiB free, %v", b.freeMiB(), s.State().Err)
		}
	})
}

func TestADayOnAFullDiskNeverGoesBelowTheFloorForLong(t *testing.T) {
	running(t, nil, func(b *box, s *Sweeper) {
		b.fill(200)
		s.Kick()
		synctest.Wait()
		below := 0
		for range 24 * 60 * 4 { // 4 cameras close a segment of 3 MiB within the minute
			b.record("a", 1, 3)
			time.Sleep(15 * time.Second)
			synctest.Wait()
			if b.freeMiB() < 100-3 {
				below++
			}
			if b.freeMiB() < 20 {
				t.Fatalf("%d MiB free: below the reserve", b.freeMiB())
			}
		}
		if below > 0 {
			t.Errorf("below the floor at %d of 5760 looks", below)
		}
		if st := s.State(); st.Rate < 180_000 || st.Rate > 230_000 {
			t.Errorf("rate %d bytes/s, want about 3 MiB in 15 s", st.Rate)
		}
	})
}

func TestWithoutACounterTheDiskIsLookedAt(t *testing.T) {
	running(t, func(o *Options) { o.Written = nil }, func(b *box, s *Sweeper) {
		b.record("a", 5, 60)
		b.fill(50)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if b.freeMiB() < 150 {
			t.Errorf("%d MiB free", b.freeMiB())
		}
	})
}

func TestSetLimitsTakesEffectAtOnce(t *testing.T) {
	running(t, nil, func(b *box, s *Sweeper) {
		b.record("a", 10, 50)
		b.set(func() { b.written = 0 })
		b.fill(120)
		s.SetLimits(Limits{Floor: 200 * mib, High: 240 * mib})
		synctest.Wait()
		if b.freeMiB() < 240 || s.State().Floor != 200*mib {
			t.Errorf("%d MiB free, floor %d", b.freeMiB(), s.State().Floor)
		}
	})
}

var _ Catalog = (*index.Index)(nil)
