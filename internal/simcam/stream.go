package simcam

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// RTP payload types.
const (
	videoType = 96
	audioType = 97
)

// stream sends one path. Frame n of a track is due at n times its duration
// after the Unix epoch, so what is sent depends on the wall clock alone.
type stream struct {
	out    *gortsplib.ServerStream
	tracks []*track
}

// track is the state of one medium of a stream.
type track struct {
	loop  *loop
	media *description.Media
	typ   uint8
	shift int64 // frames by which this path is ahead in the clip
	seq   uint16
	base  uint32 // RTP timestamp of the epoch
	next  int64  // number of the next frame since the epoch
}

func newStream(server *gortsplib.Server, c *clip, index, paths int) (*stream, error) {
	st := &stream{}
	desc := &description.Session{Title: "simcam"}
	for i, l := range []*loop{c.video, c.audio} {
		if l == nil {
			continue
		}
		t := &track{loop: l, typ: []uint8{videoType, audioType}[i], seq: uint16(rand.Uint32()), base: rand.Uint32()}
		if !c.builtin {
			t.shift = int64(len(l.frames)) * int64(index) / int64(paths)
		}
		t.media = &description.Media{Type: l.kind, Formats: []format.Format{l.format()}}
		desc.Medias = append(desc.Medias, t.media)
		st.tracks = append(st.tracks, t)
	}
	st.out = &gortsplib.ServerStream{Server: server, Desc: desc}
	return st, st.out.Initialize()
}

func (st *stream) close() { st.out.Close() }

// due returns when frame n is to be sent, as a duration since the epoch.
func (t *track) due(n int64) time.Duration {
	ticks := n * t.loop.ticks
	r := t.loop.rate
	return time.Duration(ticks/r)*time.Second + time.Duration(ticks%r)*time.Second/time.Duration(r)
}

// run sends frames until ctx is done. start is read once, with its monotonic
// part, so a step of the wall clock later on is not seen by clients.
func (st *stream) run(ctx context.Context, start time.Time) {
	epoch := time.Duration(start.UnixNano())
	for _, t := range st.tracks {
		seconds, rest := int64(epoch/time.Second), int64(epoch%time.Second)
		t.next = (seconds*t.loop.rate + rest*t.loop.rate/int64(time.Second)) / t.loop.ticks
		t.next++
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := epoch + time.Since(start)
		wait := time.Second
		for _, t := range st.tracks {
			for t.due(t.next) <= now {
				st.send(t, start.Add(t.due(t.next)-epoch))
				t.next++
			}
			wait = min(wait, t.due(t.next)-now)
		}
		timer.Reset(wait)
	}
}

// send writes the packets of the next frame of t.
func (st *stream) send(t *track, due time.Time) {
	frame := t.loop.frames[(t.next+t.shift)%int64(len(t.loop.frames))]
	ts := t.base + uint32(t.next*t.loop.ticks)
	for i, payload := range frame {
		pkt := rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: t.typ, SequenceNumber: t.seq, Timestamp: ts,
			Marker: i == len(frame)-1 || !t.loop.marker,
		}, Payload: payload}
		t.seq++
		// A closed stream or a slow reader is no concern of the camera.
		_ = st.out.WritePacketRTPWithNTP(t.media, &pkt, due)
	}
}
