package ingest

import (
	"cmp"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// drip is a connection on which a few bytes come every 10 ms.
type drip struct {
	net.Conn
	since time.Time
	few   int // default 2
	taken int
}

func (d *drip) Read(p []byte) (int, error) {
	few := cmp.Or(d.few, 2)
	have := int(time.Since(d.since)/(10*time.Millisecond)) * few
	if have == d.taken {
		time.Sleep(10*time.Millisecond - time.Since(d.since)%(10*time.Millisecond))
		have += few
	}
	n := min(have-d.taken, len(p))
	d.taken += n
	return n, nil
}

func TestPacketsAreReadInBatchesUnlessSomebodyWatches(t *testing.T) {
	tests := []struct {
		name           string
		begun, hurried bool
		size           int
		few            int
		most, least    int // reads in ten seconds
	}{
		{"a handshake is not held up", false, false, 4096, 2, 1001, 1000},
		{"nobody watches", true, false, 4096, 2, 161, 160},
		{"somebody does", true, true, 4096, 2, 1001, 1000},
		{"what has gathered is read at once", true, false, 4, 2, 641, 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &drip{since: time.Now(), few: tt.few}
				c := &pacedConn{Conn: d, hurried: func() bool { return tt.hurried }}
				c.begun.Store(tt.begun)
				reads, bytes := 0, 0
				for time.Since(d.since) < 10*time.Second {
					n, err := c.Read(make([]byte, tt.size))
					if err != nil {
						t.Fatal(err)
					}
					reads, bytes = reads+1, bytes+n
				}
				if reads < tt.least || reads > tt.most || bytes < 990*tt.few {
					t.Errorf("%d reads of %d bytes, want %d to %d of %d", reads, bytes, tt.least, tt.most, 1000*tt.few)
				}
			})
		})
	}
}

// window is a connection whose kernel holds 64 KiB, which the camera fills again
// a millisecond after they were read.
type window struct {
	net.Conn
	ready time.Time
	left  int // of what the camera has to send
	there int
}

func (w *window) Read(p []byte) (int, error) {
	if w.there == 0 && w.left > 0 {
		time.Sleep(time.Until(w.ready))
		w.there = min(w.left, 64<<10)
		w.left -= w.there
	}
	n := min(w.there, len(p))
	if w.there -= n; w.there == 0 {
		w.ready = time.Now().Add(time.Millisecond)
	}
	return n, nil
}

// TestALargePictureIsNotHeldUp: a camera that has more to send than the kernel
// holds gets rid of it in time.
func TestALargePictureIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &pacedConn{Conn: &window{left: 3 << 20}, hurried: func() bool { return false }}
		c.begun.Store(true)
		began, got := time.Now(), 0
		for got < 3<<20 {
			n, err := c.Read(make([]byte, 4096))
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
		if took := time.Since(began); took > 300*time.Millisecond {
			t.Errorf("3 MiB took %v", took)
		}
	})
}

// TestTheBeatsOfCamerasCoincide: one wake-up serves all.
func TestTheBeatsOfCamerasCoincide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var moments [2]atomic.Int64
		for i := range moments {
			time.Sleep(7 * time.Millisecond)
			go func() {
				c := &pacedConn{Conn: &drip{since: time.Now()}, hurried: func() bool { return false }}
				c.begun.Store(true)
				for range 20 {
					if _, err := c.Read(make([]byte, 4096)); err != nil {
						t.Error(err)
					}
				}
				moments[i].Store(time.Now().UnixNano() % int64(readPace))
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if a, b := moments[0].Load(), moments[1].Load(); a != b {
			t.Errorf("one reads %v after the beat, the other %v", time.Duration(a), time.Duration(b))
		}
	})
}
