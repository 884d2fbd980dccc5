package ingest

import (
	"context"
	"errors"
	"time"

	"vedette/recorder/media"
)

// How long Probe looks.
const (
	probeLimit  = 12 * time.Second // in all, at most
	probeWindow = 3 * time.Second  // after the first key frame
)

// ProbeResult is what a camera was seen to send.
type ProbeResult struct {
	Codec         media.Codec
	Width, Height int
	FPS           float64       // measured; 0 if too little came
	FirstKey      time.Duration // from the call to the first key frame
	BitsPerSecond int64         // measured, sound included
	Lossy         bool          // packets were lost

	Audio      media.Codec // 0: none, or none that can be recorded
	SampleRate int
	Channels   int
}

// Probe opens the stream of o, looks at it for a few seconds and closes it
// again; Hub, OnState and Runs of o are not used. The error is a *Failure, or
// ctx's error. It ends within 12 seconds.
func Probe(ctx context.Context, o Options) (ProbeResult, error) {
	o = withDefaults(o)
	limited, cancel := context.WithTimeout(ctx, probeLimit-500*time.Millisecond)
	defer cancel()
	var err error
	packets := 0
	for _, t := range []Transport{o.Transport, UDP} {
		var p prober
		err = p.look(limited, &o, t)
		packets += p.packets
		if p.video.Units > 0 {
			return p.result(), nil
		}
		var f *Failure
		if !errors.As(err, &f) || f.Code != CodeTransport {
			break
		}
	}
	if ctx.Err() != nil {
		return ProbeResult{}, context.Cause(ctx)
	}
	if limited.Err() != nil && packets > 0 {
		return ProbeResult{}, &Failure{Code: CodeNoVideo, Reason: "no whole key frame came within 11 seconds: shorten the camera's key frame (I-frame) interval"}
	}
	return ProbeResult{}, err
}

// errSeen ends a probe's session.
var errSeen = errors.New("seen enough")

// prober collects what a session publishes. Its fields belong to the session
// until look returns.
type prober struct {
	begin    time.Time
	firstKey time.Time
	last     time.Time
	run      *media.Run
	video    struct {
		Units       int
		first, last int64
	}
	bytes   int64
	lossy   bool
	packets int // of video
}

func (p *prober) look(ctx context.Context, o *Options, t Transport) error {
	p.begin = time.Now()
	s := newSession(o, newRedactor(o), t)
	s.onRun = func(r *media.Run) {
		if p.run == nil {
			p.run = r
		}
	}
	s.publish = func(u *media.AccessUnit) {
		p.add(u)
		if p.last.Sub(p.firstKey) >= probeWindow {
			s.cancel(errSeen)
		}
	}
	err := s.run(ctx)
	p.packets = s.video
	return err
}

func (p *prober) add(u *media.AccessUnit) {
	if p.firstKey.IsZero() {
		p.firstKey = u.Received
		p.video.first = u.DTS
	}
	p.last = u.Received
	p.bytes += int64(u.Size)
	p.lossy = p.lossy || u.Lossy
	if u.Track == 0 {
		p.video.Units++
		p.video.last = u.DTS
	}
}

func (p *prober) result() ProbeResult {
	v := p.run.Tracks[p.run.Video()]
	r := ProbeResult{Codec: v.Codec, Width: v.Width, Height: v.Height, FirstKey: p.firstKey.Sub(p.begin), Lossy: p.lossy}
	if d := v.Duration(p.video.last - p.video.first); d >= probeWindow/6 {
		r.FPS = float64(p.video.Units-1) / d.Seconds()
		r.BitsPerSecond = int64(float64(p.bytes*8) / d.Seconds())
	}
	if i := p.run.Audio(); i >= 0 {
		a := p.run.Tracks[i]
		r.Audio, r.SampleRate, r.Channels = a.Codec, a.SampleRate, a.Channels
	}
	return r
}
