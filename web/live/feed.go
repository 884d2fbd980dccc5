package live

import (
	"context"
	"math/rand/v2"
	"sync"

	"vedette/recorder/media"
)

// maxGOPBytes bounds the packets kept for those who join. A longer GOP makes
// them wait for the next key frame.
const maxGOPBytes = 8 << 20

// videoClock is the RTP clock of every video format, ticks per second.
const videoClock = 90000

// feed reads one stream and hands its packets to the viewers of it. It lives
// as long as anybody watches.
type feed struct {
	camera string
	stream media.StreamName
	video  media.Codec // what the viewers were promised
	stop   context.CancelFunc

	mu       sync.Mutex
	viewers  map[*viewer]struct{}
	gop      []*batch // since the last key frame, audio included
	gopBytes int
	ended    bool // the reader ended: nobody may join any more

	// Of the goroutine in run alone.
	pack  packetiser
	times [2]timeline // video, audio
	run   *media.Run
	limit int // bytes of a payload
	peak  int64
}

func newFeed(camera string, stream media.StreamName, video media.Codec) *feed {
	return &feed{
		camera: camera, stream: stream, video: video, viewers: map[*viewer]struct{}{}, limit: MaxPayload,
		pack:  packetiser{max: MaxPayload},
		times: [2]timeline{{last: rand.Uint32()}, {last: rand.Uint32()}},
	}
}

// serve reads r until it ends, ctx is done, or the stream turns into
// something that the viewers were not promised; then it ends every viewer.
func (f *feed) serve(ctx context.Context, r Reader) {
	defer f.end()
	defer r.Close()
	for {
		u, _, err := r.Next(ctx)
		if err != nil {
			return
		}
		if u == nil {
			continue // the camera went away; its viewers wait for it
		}
		if c := u.Run.Tracks[u.Track].Codec; c.IsVideo() && c != f.video {
			return
		}
		if u.Run != f.run {
			f.run = u.Run
			f.times[0].restart()
			f.times[1].restart()
		}
		f.publish(u)
	}
}

func (f *feed) publish(u *media.AccessUnit) {
	track := &u.Run.Tracks[u.Track]
	switch {
	case u.Track == u.Run.Video():
		if f.reordered(u) {
			return
		}
		data, ends := f.pack.video(u)
		if len(ends) == 0 {
			return
		}
		ts, ntp := f.times[0].at(u, videoClock)
		f.send(&batch{data: data, ends: ends, ts: ts, ntp: ntp, key: u.Random})
	case u.Track == u.Run.Audio() && sendable(track):
		ts, ntp := f.times[1].at(u, track.ClockRate)
		for _, frame := range u.Payloads {
			f.audio(track.Codec, frame, ts, ntp)
		}
	}
}

// reordered reports whether u is a picture that is shown before one already
// sent and that nothing depends on. Browsers show what they decode at once,
// in decoding order: such B-frames would only make the picture jump.
func (f *feed) reordered(u *media.AccessUnit) bool {
	if u.Random || u.PTS >= f.peak {
		f.peak = u.PTS
		return false
	}
	return f.video == media.H264 && disposable(u)
}

// audio sends one frame; G.711 is cut where a packet is full.
func (f *feed) audio(c media.Codec, frame []byte, ts uint32, ntp int64) {
	for len(frame) > f.limit && c != media.Opus {
		f.send(&batch{data: frame[:f.limit], ends: []int{f.limit}, ts: ts, ntp: ntp, audio: true})
		frame, ts = frame[f.limit:], ts+uint32(f.limit)
		ntp += int64(f.limit) * 125 // 8 samples a millisecond
	}
	if len(frame) > 0 && len(frame) <= f.limit {
		f.send(&batch{data: frame, ends: []int{len(frame)}, ts: ts, ntp: ntp, audio: true})
	}
}

func (f *feed) send(b *batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remember(b)
	for v := range f.viewers {
		v.push(b)
	}
}

func (f *feed) remember(b *batch) {
	if b.key {
		f.gop, f.gopBytes = make([]*batch, 0, max(cap(f.gop), 64)), 0
	} else if len(f.gop) == 0 {
		return
	}
	if f.gopBytes += len(b.data); f.gopBytes > maxGOPBytes {
		f.gop, f.gopBytes = nil, 0
		return
	}
	f.gop = append(f.gop, b)
}

// join adds v, primed with the packets since the last key frame. It reports
// false if the feed has ended.
func (f *feed) join(v *viewer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return false
	}
	v.prime(f.gop, false)
	f.viewers[v] = struct{}{}
	return true
}

// leave removes v and returns how many viewers stay.
func (f *feed) leave(v *viewer) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.viewers, v)
	return len(f.viewers)
}

// again primes a viewer who lost its picture anew. It reports false if there
// is nothing to begin with, or so much that waiting is better.
func (f *feed) again(v *viewer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.viewers[v]; !ok || len(f.gop) == 0 || f.gopBytes > maxAgainBytes {
		return false
	}
	v.prime(f.gop, true)
	return true
}

func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for v := range f.viewers {
		v.end()
	}
	clear(f.viewers)
}

// timeline maps the units of one medium to RTP timestamps that go on across
// runs: a pause on the wall clock is a pause of the same length.
type timeline struct {
	offset  uint32
	last    uint32 // timestamp of the unit before
	lastNTP int64  // UTC µs of it; 0 before the first
	fresh   bool   // the next unit begins a run
}

func (t *timeline) restart() { t.fresh = true }

// at returns u's timestamp on a clock of rate ticks per second, and the UTC
// microsecond it stands for.
func (t *timeline) at(u *media.AccessUnit, rate uint32) (uint32, int64) {
	ntp := u.Wall
	if track := u.Run.Tracks[u.Track]; track.ClockRate > 0 {
		ntp += (u.PTS - u.DTS) * 1e6 / int64(track.ClockRate)
	}
	if t.fresh {
		pause := int64(0)
		if t.lastNTP != 0 {
			pause = min(max(ntp-t.lastNTP, 1e3), 10e6) // the wall clock may have been set
		}
		t.offset = t.last + uint32(pause*int64(rate)/1e6) - uint32(u.PTS)
		t.fresh = false
	}
	t.last, t.lastNTP = uint32(u.PTS)+t.offset, ntp
	return t.last, ntp
}

// sendable reports whether browsers take the audio track as it is.
func sendable(t *media.Track) bool {
	switch t.Codec {
	case media.PCMU, media.PCMA:
		return t.ClockRate == 8000 && t.Channels <= 1
	case media.Opus:
		return true
	}
	return false
}
