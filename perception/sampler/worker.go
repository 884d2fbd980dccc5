package sampler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vedette/recorder/media"
)

// Times of a worker.
const (
	backoffMin = time.Second
	backoffMax = 30 * time.Second
	goodRun    = 30 * time.Second // a decoder that lived this long failed for another reason
	silence    = 10 * time.Second // without a unit the camera is offline
	hangLimit  = 10 * time.Second // without a picture, while units flow, at least
	hangFrames = 5                // the same, in times between pictures
	farewell   = 2 * time.Second  // for the last pictures of a run
	retryAfter = time.Hour        // for a hardware decoder that failed
	childLife  = 4 * time.Hour    // then another takes over
	childUnits = 200_000          // the same: its memory grows by 160 bytes a unit, 32 MB in all
)

// worker serves one grant.
type worker struct {
	s     *Sampler
	slot  *slot
	grant Grant

	backoff time.Duration
}

// run samples until ctx is done.
func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		path, why := w.s.program()
		switch {
		case path != "":
			w.follow(ctx, path)
		case w.s.o.Snapshot != nil:
			w.snapshots(ctx, why)
		default:
			w.slot.set(Error, why+", and the camera offers no snapshots: install ffmpeg 5.1 or newer")
			sleep(ctx, backoffMax)
		}
	}
}

// picture makes f the newest frame.
func (w *worker) picture(f *Frame) {
	if w.slot.put(f) {
		w.s.shelf.add(f)
	}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// retry returns how long to wait after a failure: longer each time.
func (w *worker) retry() time.Duration {
	w.backoff = min(max(2*w.backoff, backoffMin), backoffMax)
	return w.backoff
}

// follow reads the stream until it is gone for good or ctx is done.
func (w *worker) follow(ctx context.Context, program string) {
	r, err := w.s.o.Streams.Subscribe(w.grant.Camera, w.grant.Profile)
	if err != nil {
		w.slot.set(Offline, "the camera has no such stream")
		sleep(ctx, w.retry())
		return
	}
	defer r.Close()
	d := &decoding{w: w, program: program}
	defer d.end(0)
	for {
		quiet, cancel := context.WithTimeout(ctx, silence)
		u, _, err := r.Next(quiet)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, context.DeadlineExceeded):
			d.end(0)
			w.slot.set(Offline, fmt.Sprintf("the camera sent nothing for %v", silence))
		case err != nil:
			w.slot.set(Offline, "the stream has ended")
			sleep(ctx, backoffMin)
			return
		case u == nil:
			d.end(farewell)
			d.run = nil
			w.slot.set(Offline, "the camera is not connected")
		case u.Track == u.Run.Video():
			d.unit(ctx, u)
		}
	}
}

// decoding is the decoder of one stream, and when there is to be one.
type decoding struct {
	w       *worker
	program string
	run     *media.Run
	pace    pace
	keyOnly bool
	dec     decoder
	hard    string    // hardware decoder in use
	began   time.Time // when dec was started
	before  uint64    // frames before dec began
	units   int       // fed to dec
	wait    time.Time // no decoder before
	fed     int64     // PTS of the unit fed last, in key-only mode
	anyFed  bool
}

// unit handles one video unit.
func (d *decoding) unit(ctx context.Context, u *media.AccessUnit) {
	now := time.Now()
	if u.Run != d.run {
		d.end(farewell)
		d.run, d.pace = u.Run, pace{fps: d.w.grant.FPS, only: d.w.grant.KeyOnly}
	}
	d.pace.see(u)
	if d.dec != nil {
		if err := d.dec.failed(); err != nil {
			d.fail(ctx, err)
		} else if u.Random && (d.pace.keysDo() != d.keyOnly || now.Sub(d.began) > childLife || d.units >= childUnits) {
			d.end(farewell)
		}
	}
	if d.dec == nil && (!u.Random || now.Before(d.wait) || !d.start(ctx, u, now)) {
		return
	}
	if d.keyOnly && !d.due(u) {
		return
	}
	d.units++
	copies := 0
	if d.keyOnly && d.pace.reorders {
		copies = maxCopies
	}
	if err := d.dec.feed(u, copies); err != nil {
		d.fail(ctx, err)
	} else if late := d.dec.overdue(now); late > d.patience() {
		d.fail(ctx, fmt.Errorf("no picture for %v", late.Round(time.Second)))
	}
}

// due reports whether u is a key frame whose turn it is.
func (d *decoding) due(u *media.AccessUnit) bool {
	if !u.Random {
		return false
	}
	since := d.run.Tracks[u.Track].Duration(u.PTS - d.fed)
	// A little early is in time: key frames come as they like.
	if period := time.Duration(float64(time.Second) / d.w.grant.FPS); d.anyFed && since >= 0 && since < period*19/20 {
		return false
	}
	d.fed, d.anyFed = u.PTS, true
	return true
}

// patience returns how long a decoder may go without a picture while it is fed.
func (d *decoding) patience() time.Duration {
	between := time.Duration(float64(time.Second) / d.w.grant.FPS)
	if d.keyOnly {
		between = max(between, d.pace.between)
	}
	return max(hangLimit, hangFrames*between)
}

// start starts a decoder for the run of u.
func (d *decoding) start(ctx context.Context, u *media.AccessUnit, now time.Time) bool {
	track := u.Run.Tracks[u.Track]
	d.keyOnly, d.anyFed = d.pace.keysDo(), false
	d.hard = d.w.s.hardware(track.Codec, now)
	p := plan{
		camera: d.w.grant.Camera, track: track, width: d.w.grant.Width, keyOnly: d.keyOnly,
		program: d.program, hardware: d.hard, patience: d.patience(),
		period:  int64(float64(track.ClockRate) / d.w.grant.FPS),
		picture: d.w.picture,
	}
	d.began, d.units, d.before = now, 0, d.w.slot.frames()
	dec, err := d.w.s.decode(ctx, p)
	if err != nil {
		d.fail(ctx, err)
		return false
	}
	d.dec = dec
	d.w.slot.keyOnly(d.keyOnly)
	return true
}

// fail ends a decoder that is of no use and says when the next one may start.
func (d *decoding) fail(ctx context.Context, err error) {
	d.end(0)
	if ctx.Err() != nil {
		return // that is why
	}
	w := d.w
	if d.hard != "" && w.slot.frames() == d.before {
		w.s.breaks(d.hard)
		w.s.log.Warn("hardware decoder does not work here, decoding in software", "decoder", d.hard, "camera", w.grant.Camera, "err", err)
		return // at the next key frame
	}
	if time.Since(d.began) > goodRun {
		w.backoff = 0
	}
	pause := w.retry()
	d.wait = time.Now().Add(pause)
	w.slot.restarted()
	w.slot.set(Error, "the decoder failed and is started again: "+err.Error())
	w.s.log.Warn("decoder failed", "camera", w.grant.Camera, "profile", string(w.grant.Profile), "again_in", pause, "err", err)
}

// end ends the decoder, if there is one.
func (d *decoding) end(grace time.Duration) {
	if d.dec != nil {
		d.dec.end(grace)
		d.dec = nil
	}
}

// hardware returns the hardware decoder to try for codec, or "".
func (s *Sampler) hardware(codec media.Codec, now time.Time) string {
	prefix := map[media.Codec]string{media.H264: "h264_", media.H265: "hevc_"}[codec]
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.o.Hardware {
		if failed, is := s.broken[name]; prefix != "" && strings.HasPrefix(name, prefix) && (!is || now.Sub(failed) > retryAfter) {
			return name
		}
	}
	return ""
}

// breaks notes that a hardware decoder failed.
func (s *Sampler) breaks(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[name] = time.Now()
}
