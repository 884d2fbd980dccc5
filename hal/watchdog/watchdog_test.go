package watchdog

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestFakeResetsOnlyWhenUnfed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFake(nil)
		if got, err := f.SetTimeout(10*time.Second + 700*time.Millisecond); got != 10*time.Second || err != nil {
			t.Fatalf("SetTimeout = %v, %v; want whole seconds", got, err)
		}
		for range 360 { // fed for an hour
			time.Sleep(9900 * time.Millisecond)
			if err := f.Feed(); err != nil {
				t.Fatal(err)
			}
		}
		if _, left, resets := f.State(); resets != 0 || left != 10*time.Second {
			t.Errorf("fed for an hour: %d resets, %v left", resets, left)
		}
		time.Sleep(11 * time.Second)
		if _, _, resets := f.State(); resets != 1 {
			t.Errorf("hung for 11 s: %d resets, want 1", resets)
		}
		if err := f.Close(true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, left, resets := f.State(); resets != 1 || left != 0 {
			t.Errorf("disarmed: %d resets, %v left", resets, left)
		}
		if err := f.Feed(); !errors.Is(err, ErrClosed) {
			t.Errorf("Feed after Close = %v", err)
		}
	})
}

func TestFakeRefusesTimeoutsOutOfRangeAndKeepsCountingWithoutMagicClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reset := 0
		f := NewFake(func() { reset++ })
		for _, d := range []time.Duration{0, time.Second - 1, FakeMax + 1, time.Hour} {
			if _, err := f.SetTimeout(d); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("SetTimeout(%v) = %v, want EINVAL", d, err)
			}
		}
		if err := f.Close(false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(FakeMax + time.Second)
		synctest.Wait()
		if reset != 1 {
			t.Errorf("%d resets after a close without disarming, want 1", reset)
		}
		f.Close(true)
	})
}
