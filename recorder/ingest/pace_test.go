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
		{"much more comes than a kernel holds", true, false, 1 << 20, 10_000, 1001, 950},
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
