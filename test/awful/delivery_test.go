package awful

import (
	"strings"
	"testing"
	"time"

	"vedette/recorder/ingest"
	"vedette/recorder/media"
)

func overUDP(o *ingest.Options) { o.Transport = ingest.UDP }

// deliveries are oddities of how pictures come.
func deliveries(t *testing.T) []oddity {
	expired := expiredCertificate(t)
	return []oddity{
		{name: "packets reordered over UDP", pictures: 60, runs: 1, with: overUDP, check: apart(3600), script: streaming(func(c *conn) {
			c.shuffled(func(int) bool { return false })
		})},
		{name: "packets lost and reordered over UDP", pictures: 60, runs: 1, lossy: true, with: overUDP, script: streaming(func(c *conn) {
			c.shuffled(func(i int) bool { return i%97 == 96 })
		})},
		{name: "packets twice over UDP", pictures: 60, runs: 1, with: overUDP, check: apart(3600), script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				list := packets(1400, plain.frame(i, 25, 5000)...)
				for j, p := range list {
					packet := c.packet(0, uint32(i*3600), j == len(list)-1, p)
					if c.raw(0, packet); !c.raw(0, packet) {
						return false
					}
				}
				return true
			})
		})},
		{name: "keepalives ignored", pictures: 200, runs: 1, script: afterPlay(func(c *conn) {
			go func() {
				for c.next() { // every few seconds: the session has a timeout of 6 s
				}
			}()
			c.stream(25, 25, 1000)
		})},
		{name: "keepalives not even read", pictures: 200, runs: 1, script: afterPlay(func(c *conn) { c.stream(25, 25, 1000) })},
		{name: "keepalives refused", pictures: 200, runs: 1, script: afterPlay(func(c *conn) {
			go c.always("454 Session Not Found", "")
			c.stream(25, 25, 1000)
		})},
		{name: "asks questions itself", pictures: 75, runs: 1, script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				c.write.Lock()
				c.Write([]byte("OPTIONS rtsp://127.0.0.1/live RTSP/1.0\r\nCSeq: 9\r\n\r\n"))
				c.write.Unlock()
				return c.picture(uint32(i*3600), plain.frame(i, 25, 1000)...)
			})
		})},
		{name: "an expired certificate", pictures: 25, runs: 1, tls: expired, script: streaming(func(c *conn) { c.stream(25, 25, 1000) }),
			check: func(t *testing.T, w *watched, _, _ []*media.AccessUnit) {
				if !strings.Contains(w.log.String(), "certificate is not verified") {
					t.Error("the log does not say that nobody verified it")
				}
			}},
		{name: "nothing for 4 s and then all at once", pictures: 200, runs: 1, check: apart(3600), script: streaming(func(c *conn) {
			i := 0
			c.every(4*time.Second, func(round int) bool {
				for ; i < round*100+25; i++ {
					if !c.picture(uint32(i*3600), plain.frame(i, 25, 1000)...) {
						return false
					}
				}
				return true
			})
		})},
		{name: "timestamps that leap with every key frame", pictures: 100, runs: 4, script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				return c.picture(uint32(i*3600)+uint32(i/25)*1_000_000_007, plain.frame(i, 25, 1000)...)
			})
		})},
		{name: "sequence numbers that begin anew", pictures: 100, runs: 1, lossy: true, script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				if i%40 == 39 {
					c.seq[0] = uint16(i * 977)
				}
				return c.picture(uint32(i*3600), plain.frame(i, 25, 1000)...)
			})
		})},
		{name: "header extensions and padding", pictures: 50, runs: 1, check: apart(3600), script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				list := packets(1400, plain.frame(i, 25, 5000)...)
				for j, p := range list {
					if !c.raw(0, padded(c.packet(0, uint32(i*3600), j == len(list)-1, p), 8000)) {
						return false
					}
				}
				return true
			})
		})},
	}
}

// padded gives an RTP packet a header extension of n bytes, and padding.
func padded(p []byte, n int) []byte {
	out := append([]byte(nil), p[:12]...)
	out[0] |= 0x30
	out = append(out, 0xbe, 0xde, byte(n/4>>8), byte(n/4))
	out = append(out, make([]byte, n)...)
	out = append(out, p[12:]...)
	return append(out, 0, 0, 0, 4)
}

// shuffled streams pictures whose packets swap places, and some of which are
// lost.
func (c *conn) shuffled(lost func(i int) bool) {
	sent := 0
	c.every(40*time.Millisecond, func(i int) bool {
		list := packets(1400, plain.frame(i, 25, 8000)...)
		var made [][]byte
		for j, p := range list {
			made = append(made, c.packet(0, uint32(i*3600), j == len(list)-1, p))
		}
		for j := 0; j+2 < len(made) && i > 0; j += 3 {
			made[j], made[j+2] = made[j+2], made[j]
		}
		for _, p := range made {
			if sent++; lost(sent) {
				continue
			}
			if !c.raw(0, p) {
				return false
			}
		}
		return true
	})
}

// sounds are oddities of sound beside the pictures.
func sounds() []oddity {
	both := func(f func(c *conn)) func(c *conn) {
		return func(c *conn) {
			c.sdp = describe(video, sound)
			streaming(f)(c)
		}
	}
	// with20ms streams pictures and calls f every 20 ms, on one goroutine.
	with20ms := func(c *conn, f func(i int) bool) {
		c.every(20*time.Millisecond, func(i int) bool {
			if i%2 == 0 && !c.picture(uint32(i*1800), plain.frame(i/2, 25, 1000)...) {
				return false
			}
			return f(i)
		})
	}
	return []oddity{
		{name: "an audio clock 2 % fast", pictures: 300, runs: 1, with: withSound, check: inStep, script: both(func(c *conn) {
			with20ms(c, func(i int) bool { return c.pcmu(uint32(float64(i) * 160 * 1.02)) })
		})},
		{name: "an audio clock 2 % slow", pictures: 300, runs: 1, with: withSound, check: inStep, script: both(func(c *conn) {
			with20ms(c, func(i int) bool { return c.pcmu(uint32(float64(i) * 160 * 0.98)) })
		})},
		{name: "sound whose timestamps stand still", pictures: 75, runs: 1, with: withSound, check: apart3600, script: both(func(c *conn) {
			with20ms(c, func(int) bool { return c.pcmu(1) })
		})},
		{name: "sound whose timestamps leap", pictures: 75, runs: 1, with: withSound, check: apart3600, script: both(func(c *conn) {
			with20ms(c, func(i int) bool { return c.pcmu(uint32(i) * 2_000_000_011) })
		})},
		{name: "reports from another century", pictures: 75, runs: 1, with: withSound, check: inStep, script: both(func(c *conn) {
			with20ms(c, func(i int) bool {
				report := append([]byte{0x80, 200, 0, 6, 0, 0, 0, byte(i%2 + 1)}, make([]byte, 20)...)
				report[8] = byte(i * 37)
				report[16] = byte(i * 91)
				return c.interleaved(2*(i%2)+1, report) && c.pcmu(uint32(i*160))
			})
		})},
	}
}

func apart3600(t *testing.T, w *watched, pictures, frames []*media.AccessUnit) {
	t.Helper()
	apart(3600)(t, w, pictures, frames)
}

// inStep checks that, at the end, sound stands beside the pictures it came
// with: with a clock 2 % off it would be 240 ms off after 12 s.
func inStep(t *testing.T, _ *watched, pictures, frames []*media.AccessUnit) {
	t.Helper()
	last, heard := pictures[len(pictures)-1], 0
	var near *media.AccessUnit
	for _, f := range frames {
		if d := f.Received.Sub(last.Received); d < 15*time.Millisecond {
			near, heard = f, heard+1
		}
	}
	if near == nil || heard < len(pictures)*3/2 {
		t.Fatalf("%d frames of sound beside %d pictures", heard, len(pictures))
	}
	off := near.Run.Tracks[1].Duration(near.DTS) - last.Run.Tracks[0].Duration(last.DTS) - near.Received.Sub(last.Received)
	if off > 60*time.Millisecond || off < -60*time.Millisecond {
		t.Errorf("sound is %v off the pictures", off)
	}
	t.Logf("sound is %v off the pictures at the end", off)
}
