package ingest

import (
	"bytes"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"vedette/recorder/hub"
)

// share is the most memory that one stream may keep, in bytes.
const share = 16 << 20

// throttle sends at 200 Mb/s, and nothing while it is weighed what came of it:
// what a heap holds can only be told where it is not garbage of the same moment.
type throttle struct {
	net.Conn
	began time.Time
	sent  int64
	pause *sync.Mutex
}

func (c *throttle) Write(p []byte) (int, error) {
	c.sent += int64(len(p))
	if ahead := time.Duration(c.sent)*time.Second/25e6 - time.Since(c.began); ahead > time.Millisecond {
		time.Sleep(ahead)
	}
	c.pause.Lock()
	defer c.pause.Unlock()
	return c.Conn.Write(p)
}

// TestNoCameraTakesMoreThanItsShare: whatever a camera sends, and though nobody
// takes it away: what the process keeps of it, hub and a recording's queue
// included, is bounded.
func TestNoCameraTakesMoreThanItsShare(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector multiplies memory: without it this test says more")
	}
	key, big, huge := nal(0x65, 200_000), nal(0x41, 60_000), nal(0x41, 5<<20)
	tests := []struct {
		name string
		sdp  string
		play func(c *hostileConn)
	}{
		{"no key frame ever", "", func(c *hostileConn) {
			s := &sender{c: c}
			for s.picture(big) == nil {
			}
		}},
		{"one key frame, then a flood", "", func(c *hostileConn) {
			s := &sender{c: c}
			for err := s.picture(sps640, pps640, key); err == nil; err = s.picture(big) {
			}
		}},
		{"key frames alone", "", func(c *hostileConn) {
			s := &sender{c: c}
			for s.picture(sps640, pps640, key) == nil {
			}
		}},
		{"a key frame in each cache full", "", func(c *hostileConn) {
			s := &sender{c: c}
			for i := 0; ; i++ {
				if i%85 == 0 && s.picture(sps640, pps640, key) != nil || s.picture(big) != nil {
					return
				}
			}
		}},
		{"units larger than the largest", "", func(c *hostileConn) {
			s := &sender{c: c}
			for err := s.picture(sps640, pps640, key); err == nil; err = s.picture(huge) {
			}
		}},
		{"one unit without end", "", func(c *hostileConn) {
			s := &sender{c: c}
			err := s.picture(sps640, pps640, key)
			for ; err == nil; err = s.packet(false, big) {
			}
		}},
		{"tiny packets", "", func(c *hostileConn) {
			s := &sender{c: c}
			err := s.picture(sps640, pps640, key)
			var burst bytes.Buffer
			for i := range 2000 {
				p := rtpPacket(uint16(int(s.seq)+i), s.ts+uint32(i), true, []byte{0x41, 0x9a, 1})
				burst.Write(append([]byte{'$', 0, 0, byte(len(p))}, p...))
			}
			for err == nil {
				_, err = c.Write(burst.Bytes())
			}
		}},
		{"tiny packets in one unit", "", func(c *hostileConn) {
			s := &sender{c: c}
			err := s.picture(sps640, pps640, key)
			var burst bytes.Buffer
			for i := range 65536 {
				p := rtpPacket(uint16(int(s.seq)+i), s.ts, false, []byte{0x41, 0x9a, 1})
				burst.Write(append([]byte{'$', 0, 0, byte(len(p))}, p...))
			}
			for err == nil {
				_, err = c.Write(burst.Bytes())
			}
		}},
		{"sound alone on both tracks' time", sdpSound, func(c *hostileConn) {
			var burst bytes.Buffer
			for i := range 2000 {
				p := append([]byte{0x80, 0, byte(i >> 8), byte(i), 0, 0, byte(i >> 8), byte(i), 0, 0, 0, 0}, 0xd5)
				burst.Write(append([]byte{'$', 2, 0, byte(len(p))}, p...))
			}
			s := &sender{c: c}
			for err := s.picture(sps640, pps640, key); err == nil; _, err = c.Write(burst.Bytes()) {
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var pause sync.Mutex
			h := (&awful{sdp: tt.sdp, play: func(c *hostileConn) {
				c.Conn = &throttle{Conn: c.Conn, began: time.Now(), pause: &pause}
				tt.play(c)
			}}).camera(t)
			base := live()
			o := withDefaults(Options{URL: h.url(), Audio: true, Camera: "cam"})
			o.Hub.Subscribe(hub.ReaderOptions{}) // a recording that hangs
			o.Hub.SetPreroll(10 * time.Second)
			in := New(o)
			background(t, in.Run)
			most := uint64(0)
			for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); {
				time.Sleep(150 * time.Millisecond) // of flood
				pause.Lock()
				time.Sleep(2 * readPace) // until what is on its way has been read
				most = max(most, live())
				pause.Unlock()
			}
			if took := int64(most) - int64(base); took > share {
				t.Errorf("%.1f MiB are kept", float64(took)/(1<<20))
			} else {
				t.Logf("%.1f MiB are kept", float64(took)/(1<<20))
			}
		})
	}
}

// live returns the bytes of the heap that are reachable.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
