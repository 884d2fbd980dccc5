package sampler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/media"
)

// stage is a sampler with decoders that do as the test says, on streams that the
// test makes.
type stage struct {
	*Sampler
	hubs *hubs

	mu       sync.Mutex
	started  []*puppet // every decoder there was
	refuse   error     // starting one fails with it
	onStart  func(*puppet)
	answered bool // decoders make a picture of every unit
}

// puppet is a decoder that the test plays.
type puppet struct {
	plan
	on *stage

	mu    sync.Mutex
	fed   []*media.AccessUnit
	extra int
	err   error
	late  time.Duration
	ended bool
}

func (p *puppet) feed(u *media.AccessUnit, copies int) error {
	p.mu.Lock()
	p.fed = append(p.fed, u)
	p.extra += copies
	err := p.err
	p.mu.Unlock()
	if err == nil && p.on.answered {
		p.picture(&Frame{Captured: time.UnixMicro(u.Wall).UTC(), JPEG: []byte{1}})
	}
	return err
}
func (p *puppet) overdue(time.Time) time.Duration { p.mu.Lock(); defer p.mu.Unlock(); return p.late }
func (p *puppet) failed() error                   { p.mu.Lock(); defer p.mu.Unlock(); return p.err }
func (p *puppet) end(time.Duration)               { p.mu.Lock(); p.ended = true; p.mu.Unlock() }
func (p *puppet) set(change func())               { p.mu.Lock(); change(); p.mu.Unlock() }
func (p *puppet) count() int                      { p.mu.Lock(); defer p.mu.Unlock(); return len(p.fed) }
func (p *puppet) over() bool                      { p.mu.Lock(); defer p.mu.Unlock(); return p.ended }

// perform runs a sampler for the cameras in a bubble.
func perform(t *testing.T, o Options, cameras ...string) *stage {
	t.Helper()
	st := &stage{hubs: &hubs{of: map[string]*hub.Hub{}}, answered: true}
	for _, c := range cameras {
		st.hubs.of[c] = hub.New(hub.Options{})
	}
	o.Streams = st.hubs
	if o.FFmpeg == "" {
		o.FFmpeg = "/bin/sh" // anything that exists
	}
	if o.Budget == 0 {
		o.Budget = 1000
	}
	st.Sampler = New(o)
	st.decode = func(_ context.Context, p plan) (decoder, error) {
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.refuse != nil {
			return nil, st.refuse
		}
		d := &puppet{plan: p, on: st}
		st.started = append(st.started, d)
		if st.onStart != nil {
			st.onStart(d)
		}
		return d, nil
	}
	run(t, st.Run)
	return st
}

func (st *stage) decoders() []*puppet {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.Clone(st.started)
}

// film publishes n pictures at 25 a second, a key frame first and every gop.
func (st *stage) film(camera string, run *media.Run, from, n, gop int) {
	for i := from; i < from+n; i++ {
		st.hubs.get(camera).Publish(picture(run, i, i%gop == 0))
		time.Sleep(40 * time.Millisecond)
	}
	synctest.Wait()
}

func picture(run *media.Run, i int, key bool) *media.AccessUnit {
	at := int64(i) * 3600
	return &media.AccessUnit{Run: run, PTS: at, DTS: at, Wall: run.Wall + int64(i)*40_000, Received: time.Now(),
		Random: key, Payloads: [][]byte{{0x65, 1, 2, 3}}, Size: 8}
}

func newRun(camera string) *media.Run {
	return &media.Run{Camera: camera, Stream: media.Sub, Tracks: []media.Track{testTrack}, Wall: time.Now().UnixMicro()}
}

func (st *stage) is(t *testing.T, camera, state string) State {
	t.Helper()
	for _, got := range st.States() {
		if got.Camera == camera {
			if got.State != state {
				t.Errorf("%s is %s (%s), want %s", camera, got.State, got.Reason, state)
			}
			if (got.Reason == "") != (state == Sampling || state == Connecting) {
				t.Errorf("%s is %s with the reason %q", camera, got.State, got.Reason)
			}
			return got
		}
	}
	t.Errorf("%s has no state", camera)
	return State{}
}

func TestStatesFollowTheCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.Set([]Want{want("door", 5, 640, 0)})
		synctest.Wait()
		st.is(t, "door", Connecting)
		run := newRun("door")
		st.film("door", run, 0, 50, 25)
		got := st.is(t, "door", Sampling)
		if got.Frames != 50 || got.Bytes != 50 || got.FPS != 5 || got.Width != 640 || got.LastFrame.IsZero() {
			t.Errorf("state = %+v", got)
		}
		st.hubs.get("door").EndRun()
		synctest.Wait()
		st.is(t, "door", Offline)
		if !st.decoders()[0].over() {
			t.Error("the decoder outlived its run")
		}
		st.film("door", newRun("door"), 0, 50, 25)
		st.is(t, "door", Sampling)
		time.Sleep(silence + time.Millisecond)
		synctest.Wait()
		st.is(t, "door", Offline)
		if got := st.decoders(); len(got) != 2 || !got[1].over() {
			t.Errorf("%d decoders; the last ended = %v", len(got), got[len(got)-1].over())
		}
		st.Set([]Want{want("gate", 5, 640, 0)})
		synctest.Wait()
		st.is(t, "gate", Offline)
	})
}

func TestAStreamThatIsReplacedIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.Set([]Want{want("door", 5, 640, 0)})
		synctest.Wait()
		st.hubs.get("door").Close()
		synctest.Wait()
		st.is(t, "door", Offline)
		st.hubs.mu.Lock()
		st.hubs.of["door"] = hub.New(hub.Options{})
		st.hubs.mu.Unlock()
		time.Sleep(backoffMin)
		st.film("door", newRun("door"), 0, 5, 25)
		st.is(t, "door", Sampling)
	})
}

func TestAFailingDecoderIsRestartedMoreAndMoreSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.answered = false
		var starts []time.Time
		st.onStart = func(p *puppet) { starts = append(starts, time.Now()); p.err = errors.New("it broke") }
		st.Set([]Want{want("door", 5, 640, 0)})
		synctest.Wait()
		run := newRun("door")
		st.film("door", run, 0, 25*120, 5) // a key frame every 200 ms
		got := st.is(t, "door", Error)
		if want := "the decoder failed and is started again: it broke"; got.Reason != want {
			t.Errorf("reason = %q, want %q", got.Reason, want)
		}
		if int(got.Restarts) != len(starts) {
			t.Errorf("%d restarts of %d decoders", got.Restarts, len(starts))
		}
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second} {
			if got := starts[i+1].Sub(starts[i]); got < want || got > want+250*time.Millisecond {
				t.Errorf("start %d came %v after the one before, want %v", i+1, got, want)
			}
		}
		// A decoder that works for a while is forgiven.
		st.mu.Lock()
		st.answered, st.onStart = true, nil
		st.mu.Unlock()
		st.film("door", run, 25*120, 25*65, 5)
		st.is(t, "door", Sampling)
		last := st.decoders()[len(st.decoders())-1]
		last.set(func() { last.err = errors.New("it broke later") })
		n := len(st.decoders())
		st.film("door", run, 25*185, 32, 5)
		if got := len(st.decoders()); got != n+1 {
			t.Errorf("%d new decoders 1.3 s after a good one failed, want 1", got-n)
		}
	})
}

func TestADecoderWithoutPicturesIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.answered = false
		st.Set([]Want{want("door", 5, 640, 0)})
		synctest.Wait()
		run := newRun("door")
		st.film("door", run, 0, 10, 25)
		d := st.decoders()[0]
		d.set(func() { d.late = hangLimit })
		st.film("door", run, 10, 5, 25)
		if d.over() {
			t.Error("ended at its limit")
		}
		d.set(func() { d.late = hangLimit + time.Millisecond })
		st.film("door", run, 15, 2, 25)
		if !d.over() {
			t.Error("not ended beyond its limit")
		}
		st.is(t, "door", Error)
	})
}

func TestAChangeRestartsOnlyWhatItTouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door", "gate", "yard")
		st.Set([]Want{want("door", 5, 640, 0), want("gate", 5, 640, 0)})
		synctest.Wait()
		runs := map[string]*media.Run{"door": newRun("door"), "gate": newRun("gate"), "yard": newRun("yard")}
		at := 0
		all := func() {
			for range 30 {
				for camera, run := range runs {
					st.hubs.get(camera).Publish(picture(run, at, at%25 == 0))
				}
				at++
				time.Sleep(40 * time.Millisecond)
			}
			synctest.Wait()
		}
		of := func(camera string) (n int) {
			for _, d := range st.decoders() {
				if d.camera == camera {
					n++
				}
			}
			return n
		}
		all()
		st.Set([]Want{want("door", 5, 640, 3), want("gate", 5, 320, 0), want("yard", 5, 640, 0)})
		all()
		if of("door") != 1 || of("gate") != 2 || of("yard") != 1 {
			t.Errorf("decoders: door %d, gate %d, yard %d; want 1, 2, 1", of("door"), of("gate"), of("yard"))
		}
		st.Set([]Want{want("door", 5, 640, 3)})
		all()
		if of("door") != 1 || len(st.States()) != 1 {
			t.Errorf("decoders of door: %d; states %v", of("door"), st.States())
		}
		for i, d := range st.decoders() {
			if d.over() != (d.camera != "door") {
				t.Errorf("decoder %d, of %s: ended = %v", i, d.camera, d.over())
			}
		}
	})
}

func TestANewRunGetsANewDecoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.Set([]Want{want("door", 5, 640, 0)})
		synctest.Wait()
		a, b := newRun("door"), newRun("door")
		b.Tracks = slices.Clone(b.Tracks)
		b.Tracks[0].SPS = []byte{0x67, 9, 9, 9}
		st.film("door", a, 0, 30, 25)
		st.film("door", b, 0, 30, 25)
		ds := st.decoders()
		if len(ds) != 2 || !ds[0].over() || ds[1].over() || ds[1].track.SPS[1] != 9 {
			t.Fatalf("%d decoders", len(ds))
		}
		if got := st.is(t, "door", Sampling); got.Restarts != 0 {
			t.Errorf("%d restarts counted", got.Restarts)
		}
	})
}

func TestADecoderIsRelievedBeforeItGrowsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.Set([]Want{want("door", 0.5, 640, 0)})
		synctest.Wait()
		run := newRun("door")
		for i := range int(childLife/(2*time.Second)) + 10 {
			st.hubs.get("door").Publish(picture(run, 50*i, true))
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		ds := st.decoders()
		if got := st.is(t, "door", Sampling); len(ds) != 2 || !ds[0].over() || got.Restarts != 0 {
			t.Errorf("%d decoders, %d restarts; want 2 and 0", len(ds), got.Restarts)
		}
		if total := ds[0].count() + ds[1].count(); total != int(childLife/(2*time.Second))+10 {
			t.Errorf("%d key frames were fed", total)
		}
	})
}

func TestADecoderIsRelievedAfterManyUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.Set([]Want{want("door", 30, 640, 0)})
		synctest.Wait()
		run := newRun("door")
		for i := range childUnits + 100 {
			st.hubs.get("door").Publish(picture(run, i, i%50 == 0))
			if i%50 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if ds := st.decoders(); len(ds) != 2 || ds[0].count() != childUnits {
			t.Errorf("%d decoders; the first was fed %d units", len(ds), ds[0].count())
		}
	})
}

func TestAHardwareDecoderThatFailsIsLeftAloneForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{Hardware: []string{"hevc_v4l2m2m", "h264_v4l2m2m"}}, "door")
		st.onStart = func(p *puppet) {
			if p.hardware != "" {
				p.err = errors.New("no device")
			}
		}
		st.Set([]Want{want("door", 5, 640, 0)})
		synctest.Wait()
		st.film("door", newRun("door"), 0, 60, 25)
		var used []string
		for _, d := range st.decoders() {
			used = append(used, d.hardware)
		}
		if !slices.Equal(used, []string{"h264_v4l2m2m", ""}) {
			t.Errorf("decoders %q", used)
		}
		if got := st.is(t, "door", Sampling); got.Restarts != 0 {
			t.Errorf("%d restarts counted", got.Restarts)
		}
		if st.hardware(media.H264, time.Now()) != "" || st.hardware(media.H264, time.Now().Add(retryAfter+time.Minute)) == "" ||
			st.hardware(media.H265, time.Now()) != "hevc_v4l2m2m" {
			t.Error("it is not tried again in an hour, or another codec's suffers")
		}
	})
}

func TestADecoderThatCannotStartIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.refuse = fmt.Errorf("out of processes")
		st.Set([]Want{want("door", 5, 640, 0)})
		synctest.Wait()
		st.film("door", newRun("door"), 0, 20, 25)
		if got := st.is(t, "door", Error); got.Restarts != 1 {
			t.Errorf("state = %+v", got)
		}
	})
}
