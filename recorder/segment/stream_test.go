package segment

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

var (
	testSPS = []byte{0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xf0, 0x3c, 0x60, 0xc6, 0x58}
	testPPS = []byte{0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0}
)

func tracks(audio bool) []media.Track {
	t := []media.Track{{Codec: media.H264, ClockRate: 90000, Width: 1920, Height: 1080, FrameRate: 25, SPS: testSPS, PPS: testPPS}}
	if audio {
		t = append(t, media.Track{Codec: media.AAC, ClockRate: 48000, SampleRate: 48000, Channels: 2, Config: []byte{0x11, 0x90}})
	}
	return t
}

// camera makes the units of a stream: pictures at a rate, a key frame every
// gop pictures (never again if 0), and audio if the run has it.
type camera struct {
	run    *media.Run
	wall   int64 // UTC µs of DTS 0
	fps    int64
	gop    int64
	size   int // bytes of a picture
	frame  int64
	frames int64 // of audio
	late   time.Duration
}

func newCamera(run *media.Run, wall int64) *camera {
	return &camera{run: run, wall: wall, fps: 25, gop: 50, size: 200}
}

func testRun(id uint64, audio bool) *media.Run {
	return &media.Run{ID: id, Camera: "door", Stream: media.Main, Tracks: tracks(audio), Trusted: true}
}

func (c *camera) video() *media.AccessUnit {
	dts := c.frame * 90000 / c.fps
	key := c.frame == 0 || c.gop > 0 && c.frame%c.gop == 0
	nal := make([]byte, c.size)
	nal[0] = 0x41
	if key {
		nal[0] = 0x65
	}
	c.frame++
	return &media.AccessUnit{Run: c.run, DTS: dts, PTS: dts, Wall: c.wall + dts*1000/90, Random: key, Payloads: [][]byte{nal}, Size: c.size + 4}
}

// audio returns the frames that belong before now, the time of the pictures.
func (c *camera) audio(now time.Duration) (units []*media.AccessUnit) {
	for len(c.run.Tracks) > 1 {
		dts := c.frames * 1024
		at := c.run.Tracks[1].Duration(dts)
		if at+c.late > now {
			return units
		}
		c.frames++
		units = append(units, &media.AccessUnit{Run: c.run, Track: 1, DTS: dts, PTS: dts, Wall: c.wall + at.Microseconds(), Random: true, Payloads: [][]byte{make([]byte, 50)}, Size: 50})
	}
	return units
}

// next publishes one picture and the audio up to it.
func (c *camera) next(h *hub.Hub) {
	u := c.video()
	for _, a := range c.audio(c.run.Tracks[0].Duration(u.DTS)) {
		h.Publish(a)
	}
	h.Publish(u)
}

// play publishes d of the stream in step with the clock.
func (c *camera) play(h *hub.Hub, d time.Duration) {
	for range int64(d) * c.fps / int64(time.Second) {
		c.next(h)
		time.Sleep(time.Second / time.Duration(c.fps))
	}
}

type gap struct {
	start, end int64
	cause      GapReason
}

// rig is a writer on a volume in a temporary directory.
type rig struct {
	*Writer
	hub  *hub.Hub
	vol  *volume.Volume
	dir  string
	stop func() // writer first, then volume

	mu     sync.Mutex
	opened []Open
	closed []Closed
	gaps   []gap
}

// start is a time on no boundary, in UTC µs.
const start int64 = 1795398400_123456

func newRig(t *testing.T, o Options, vo volume.Options) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), hub: o.Hub}
	if r.hub == nil {
		r.hub = hub.New(hub.Options{})
	}
	vo.Log = slog.New(slog.DiscardHandler)
	vol, err := volume.Open(r.dir, vo)
	if err != nil {
		t.Fatal(err)
	}
	r.vol = vol
	o.Camera, o.Hub, o.Volume, o.Log = "door", r.hub, vol, vo.Log
	o.Opened = func(s Open) { r.mu.Lock(); defer r.mu.Unlock(); r.opened = append(r.opened, s) }
	o.Closed = func(s Closed) { r.mu.Lock(); defer r.mu.Unlock(); r.closed = append(r.closed, s) }
	o.Gap = func(start, end int64, c GapReason) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.gaps = append(r.gaps, gap{start, end, c})
	}
	r.Writer = New(o)
	volCtx, stopVol := context.WithCancel(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	volDone, done := make(chan error, 1), make(chan error, 1)
	go func() { volDone <- vol.Run(volCtx) }()
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		switch err := <-done; {
		case r.over && err != nil:
			t.Errorf("Run = %v after it was told to finish", err)
		case !r.over && !errors.Is(err, context.Canceled):
			t.Errorf("Run = %v, want context.Canceled", err)
		}
		stopVol()
		<-volDone
		if err := vol.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	synctest.Wait()
	return r
}
