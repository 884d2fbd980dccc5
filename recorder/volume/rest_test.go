package volume

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestARestingVolumeTakesNothingAndKeepsWhatItHas: the reserve is for the
// index, so footage stops, but what was taken is closed as ever.
func TestARestingVolumeTakesNothingAndKeepsWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Cycle: time.Second})
		f := r.create(t, "a", 1000)
		if err := f.Append(chunk("PART", 2000)); err != nil {
			t.Fatal(err)
		}
		r.Rest(true)
		if err := f.Append(chunk("MORE", 3000)); !errors.Is(err, ErrFull) {
			t.Errorf("Append while resting = %v, want ErrFull", err)
		}
		if _, err := r.Create(Name{Camera: "a", Start: 5000}, nil, 0); !errors.Is(err, ErrFull) {
			t.Errorf("Create while resting = %v, want ErrFull", err)
		}
		closed := make(chan Name, 1)
		f.Finish(2000, func(n Name, err error) {
			if err != nil {
				t.Errorf("Finish while resting: %v", err)
			}
			closed <- n
		})
		if n := <-closed; n.Duration != 1000 {
			t.Errorf("closed with %d ms, want the 1000 it had", n.Duration)
		}
		r.Rest(false)
		if _, err := r.Create(Name{Camera: "a", Start: 6000}, []byte("head"), 0); err != nil {
			t.Errorf("Create after resting: %v", err)
		}
		r.stop()
	})
}
