package awful

import (
	"bytes"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"vedette/recorder/ingest"
	"vedette/recorder/media"
)

// oddity is a camera that must be recorded all the same.
type oddity struct {
	name     string
	script   func(c *conn)
	pictures int // until the test looks
	runs     int // that they are in
	lossy    bool
	check    func(t *testing.T, w *watched, pictures, sound []*media.AccessUnit)
	with     func(o *ingest.Options)
	tls      *tls.Config
}

func streaming(f func(c *conn)) func(c *conn) {
	return afterPlay(func(c *conn) { c.answering(); f(c) })
}

// record expects that o is recorded, and that what is recorded is sound.
func (o *oddity) record(t *testing.T) {
	cam := serve(t, o.tls, o.script)
	opts := ingest.Options{URL: cam.url()}
	if o.with != nil {
		o.with(&opts)
	}
	w := receive(t, opts, keeps)
	began := time.Now()
	var pictures, frames []*media.AccessUnit
	for ; len(pictures) < o.pictures; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 25*time.Second {
			t.Fatalf("%d pictures, want %d; state %+v; log:\n%s", len(pictures), o.pictures, w.in.State(), w.log.String())
		}
		pictures, frames = nil, nil
		for _, u := range w.got() {
			if u.Track == 0 {
				pictures = append(pictures, u)
			} else {
				frames = append(frames, u)
			}
		}
	}
	w.stop()
	for _, s := range w.seen() {
		if s.Phase != ingest.Streaming {
			t.Errorf("it went through %+v", s)
		}
	}
	runs := map[*media.Run]bool{}
	for _, u := range pictures[:o.pictures] {
		runs[u.Run] = true
	}
	if len(runs) != o.runs {
		t.Errorf("%d runs, want %d", len(runs), o.runs)
	}
	if n := cam.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	wellFormed(t, pictures)
	wellFormed(t, frames)
	if !pictures[0].Random {
		t.Error("it does not begin with a key frame")
	}
	lossy := false
	for _, u := range pictures {
		lossy = lossy || u.Lossy
	}
	if lossy != o.lossy {
		t.Errorf("marked as damaged: %v, want %v", lossy, o.lossy)
	}
	if o.check != nil {
		o.check(t, w, pictures, frames)
	}
	t.Logf("%d pictures and %d frames of sound in %d runs", len(pictures), len(frames), len(runs))
}

// wellFormed fails unless the units of one track are what a recording relies
// on.
func wellFormed(t *testing.T, us []*media.AccessUnit) {
	t.Helper()
	for i, u := range us {
		if n := len(u.AppendSample(nil)); n == 0 || n != u.Size {
			t.Fatalf("unit %d has %d bytes and says %d", i, n, u.Size)
		}
		if i > 0 && (u.DTS <= us[i-1].DTS || u.Run == us[i-1].Run && u.Wall < us[i-1].Wall) {
			t.Fatalf("unit %d: DTS %d after %d, wall %d after %d", i, u.DTS, us[i-1].DTS, u.Wall, us[i-1].Wall)
		}
	}
}

// apart checks that pictures follow each other in steps of ticks.
func apart(ticks int64) func(t *testing.T, w *watched, pictures, sound []*media.AccessUnit) {
	return func(t *testing.T, _ *watched, pictures, _ []*media.AccessUnit) {
		for i := 1; i < len(pictures); i++ {
			if d := pictures[i].DTS - pictures[i-1].DTS; d != ticks {
				t.Fatalf("picture %d comes %d ticks after the one before, want %d", i, d, ticks)
			}
		}
	}
}

// nals checks that every picture has n NAL units.
func nals(n int) func(t *testing.T, w *watched, pictures, sound []*media.AccessUnit) {
	return func(t *testing.T, _ *watched, pictures, _ []*media.AccessUnit) {
		for i, u := range pictures {
			got := 0
			media.SplitSample(u.AppendSample(nil), func([]byte) bool { got++; return true })
			if got != n && i > 0 {
				t.Fatalf("picture %d has %d NAL units, want %d", i, got, n)
			}
		}
	}
}

func oddities(t *testing.T) []oddity {
	list := append(codings(), deliveries(t)...)
	return append(list, sounds()...)
}

// codings are oddities of how pictures are coded.
func codings() []oddity {
	return []oddity{
		{name: "B-frames", pictures: 75, runs: 1, script: streaming(func(c *conn) {
			order := []int{2, 0, 1} // shown two later, and before that two which refer to it
			c.every(40*time.Millisecond, func(i int) bool {
				if i%25 == 0 {
					return c.picture(uint32(i*3600), plain.frame(0, 25, 1000)...)
				}
				n := i % 25
				shown := (n-1)/3*3 + 1 + order[(n-1)%3]
				b := (n-1)%3 != 0
				return c.picture(uint32((i-n+shown)*3600), plain.slice(slice{b: b, order: uint(2 * shown), number: uint(n), size: 1000}))
			})
		}), check: func(t *testing.T, _ *watched, pictures, _ []*media.AccessUnit) {
			shown := map[int64]bool{}
			reordered, early := 0, 0
			for _, u := range pictures {
				shown[u.PTS/3600] = true
				if u.PTS != u.DTS {
					reordered++
				}
				if u.PTS < u.DTS {
					early++
				}
			}
			// The delay is learned from the first group.
			if len(shown) != len(pictures) || reordered < len(pictures)/4 || early > 5 {
				t.Errorf("of %d pictures %d have a time of their own, %d are reordered, %d shown before they are decoded", len(pictures), len(shown), reordered, early)
			}
		}},
		{name: "interlaced, both fields in a picture", pictures: 50, runs: 1, check: nals(2), script: streaming(func(c *conn) {
			fields := coding{width: 40, height: 22, fields: true}
			c.every(40*time.Millisecond, func(i int) bool {
				n := uint(i % 25)
				list := [][]byte{fields.slice(slice{key: n == 0, field: 1, order: 2 * n, number: n & 15, size: 1000}), fields.slice(slice{field: 2, order: 2*n + 1, number: n & 15, size: 1000})}
				if n == 0 {
					list = append([][]byte{fields.sps(), pps()}, list...)
				}
				return c.picture(uint32(i*3600), list...)
			})
		})},
		{name: "interlaced, every field a picture", pictures: 100, runs: 1, check: apart(1800), script: streaming(func(c *conn) {
			fields := coding{width: 40, height: 22, fields: true}
			c.every(20*time.Millisecond, func(i int) bool {
				list := fields.frame(i, 50, 1000)
				return c.picture(uint32(i*1800), list...)
			})
		})},
		{name: "slices split over packets", pictures: 50, runs: 1, check: nals(8), script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				list := plain.frame(i, 25, 5000)
				for j := range 7 {
					list = append(list, plain.slice(slice{key: i%25 == 0, first: uint(j+1) * 100, order: uint(i%25) * 2, number: uint(i % 16), size: 5000}))
				}
				return c.picture(uint32(i*3600), list...)
			})
		})},
		{name: "a marker on every slice", pictures: 50, runs: 1, script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				for _, nal := range append(plain.frame(i, 25, 900), plain.slice(slice{first: 100, order: uint(i%25) * 2, number: uint(i % 16), size: 900})) {
					if !c.rtp(0, uint32(i*3600), true, nal) {
						return false
					}
				}
				return true
			})
		})},
		{name: "no markers at all", pictures: 50, runs: 1, check: apart(3600), script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				for _, nal := range plain.frame(i, 25, 900) {
					if !c.rtp(0, uint32(i*3600), false, nal) {
						return false
					}
				}
				return true
			})
		})},
		{name: "1 picture a second", pictures: 6, runs: 1, check: apart(90000), script: streaming(func(c *conn) { c.stream(1, 2, 10_000) })},
		{name: "60 pictures a second", pictures: 240, runs: 1, check: apart(1500), script: streaming(func(c *conn) { c.stream(60, 60, 4000) })},
		{name: "a GOP of 10 s at 4 Mb/s", pictures: 252, runs: 1, script: streaming(func(c *conn) {
			c.stream(25, 250, 20_000)
		}), check: func(t *testing.T, w *watched, pictures, _ []*media.AccessUnit) {
			if !pictures[250].Random || pictures[249].Random {
				t.Error("the second key frame is not number 250")
			}
		}},
		{name: "one key frame and never again", pictures: 150, runs: 1, script: streaming(func(c *conn) { c.stream(25, 1<<30, 4000) })},
		{name: "another size every second", pictures: 100, runs: 4, script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				size := coding{width: 20 + uint(i/25%2)*20, height: 22}
				return c.picture(uint32(i*3600), size.frame(i, 25, 2000)...)
			})
		}), check: func(t *testing.T, _ *watched, pictures, _ []*media.AccessUnit) {
			for i, u := range pictures {
				if want := 320 + i/25%2*320; u.Run.Tracks[0].Width != want {
					t.Fatalf("picture %d is %d wide in its run, want %d", i, u.Run.Tracks[0].Width, want)
				}
			}
		}},
		{name: "empty access units", pictures: 50, runs: 1, check: apart(3600), script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				for _, nothing := range [][]byte{nil, {9, 0xf0}, bytes.Repeat([]byte{12}, 100), {0x67}, {24, 0, 0}, {28}, {24, 0xff, 0xff, 1}} {
					if !c.rtp(0, uint32(i*3600-1000), true, nothing) {
						return false
					}
				}
				return c.picture(uint32(i*3600), plain.frame(i, 25, 1000)...)
			})
		})},
		{name: "a key frame of 3 MiB", pictures: 20, runs: 1, script: streaming(func(c *conn) {
			c.every(100*time.Millisecond, func(i int) bool {
				list := plain.frame(i, 10, 1000)
				if i%10 == 0 {
					list[2] = plain.slice(slice{key: true, size: 3 << 20})
				}
				return c.picture(uint32(i*9000), list...)
			})
		}), check: func(t *testing.T, _ *watched, pictures, _ []*media.AccessUnit) {
			if pictures[0].Size < 3<<20 || pictures[10].Size < 3<<20 {
				t.Errorf("the key frames have %d and %d bytes", pictures[0].Size, pictures[10].Size)
			}
		}},
		{name: "a NAL unit of 10 MiB in every group", pictures: 50, runs: 1, lossy: true, script: streaming(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				list := plain.frame(i, 25, 1000)
				if i%25 == 10 {
					list[0] = plain.slice(slice{order: 20, number: 10, size: 10 << 20})
				}
				return c.picture(uint32(i*3600), list...)
			})
		})},
		{name: "nothing about the coding in the description", pictures: 25, runs: 1, script: func(c *conn) {
			c.sdp = describe(bareVideo)
			streaming(func(c *conn) { c.stream(25, 25, 1000) })(c)
		}},
		{name: "something wrong about it", pictures: 25, runs: 1, script: func(c *conn) {
			c.sdp = describe(strings.Replace(bareVideo, "mode=1", "mode=1;sprop-parameter-sets=Z0LA,aM4=", 1))
			streaming(func(c *conn) { c.stream(25, 25, 1000) })(c)
		}},
	}
}
