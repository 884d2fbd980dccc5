package volume

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestPreallocationTakesTheSmallestStepWhenRoomIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		f, err := r.Create(Name{Camera: "a", Start: 1000}, []byte("head"), 30*mib)
		if err != nil {
			t.Fatal(err)
		}
		tries := 0
		r.disk.set(func(op, _ string) error {
			if op == "preallocate" {
				if tries++; tries == 1 {
					return errNoSpace
				}
			}
			return nil
		})
		if err := f.Append(Chunk{Bufs: [][]byte{make([]byte, 9*mib)}, End: 2000}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if f.Err() != nil || f.reserved != 12*mib || tries != 3 {
			t.Errorf("err %v, reserved %d after %d tries; want 12 MiB after 3", f.Err(), f.reserved, tries)
		}
	})
}

// TestAFloodOfOneCameraLeavesRoomForTheOthers: while the disk lags, the queue
// of all is not filled by one.
func TestAFloodOfOneCameraLeavesRoomForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{QueueBytes: 900})
		gate := make(chan struct{})
		r.disk.set(func(op, _ string) error {
			if op == "create" {
				r.disk.mu.Unlock()
				<-gate
				r.disk.mu.Lock()
			}
			return nil
		})
		flood, calm := r.create(t, "flood", 1000), r.create(t, "calm", 1000)
		took := 0
		for range 100 {
			if err := flood.Append(chunk(strings.Repeat("f", 50), 2000)); err != nil {
				if !errors.Is(err, ErrOverloaded) {
					t.Fatal(err)
				}
				break
			}
			took += 50
		}
		if took < 350 || took > 400 {
			t.Errorf("one camera took %d of 900 bytes, want three sevenths", took)
		}
		if err := calm.Append(chunk(strings.Repeat("c", 50), 2000)); err != nil {
			t.Errorf("its neighbour: %v", err)
		}
		if _, err := r.Create(Name{Camera: "new"}, nil, 0); err != nil {
			t.Errorf("another one's next segment: %v", err)
		}
		close(gate)
		r.next()
		if err := r.create(t, "again", 1000).Append(chunk(strings.Repeat("a", 850), 2000)); err != nil {
			t.Errorf("a queue that is empty again: %v", err)
		}
	})
}
