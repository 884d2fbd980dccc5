package fmp4

import (
	"math"
	"math/bits"

	"vedette/recorder/media"
)

// Builder collects access units into parts of one segment. It is not for
// concurrent use; the parts it makes are independent of it.
type Builder struct {
	tracks []clock
	lead   int
	part   *Part // under construction, or nil
}

// clock is what a Builder knows of the time of one track. Times are ticks of
// the track, counted from the beginning of the segment.
type clock struct {
	codec    media.Codec
	channels int
	first    int64 // the segment's beginning on the run's time line
	next     int64 // lowest DTS a sample may have
	usual    int64 // how long a sample lasts, as far as known
}

// sample is an entry of a track fragment.
type sample struct {
	dts    int64
	cts    int32
	size   uint32
	random bool
}

// Bounds on what one part may hold, which its reader relies on.
const (
	maxSamples = 1 << 16 // a track
	maxMedia   = 1 << 30 // bytes
)

// NewBuilder returns a builder for a segment of tracks that begins at
// firstDTS, in ticks of the lead track (the first video track).
func NewBuilder(tracks []media.Track, firstDTS int64) *Builder {
	b := &Builder{tracks: make([]clock, len(tracks)), lead: Lead(tracks)}
	for i := range tracks {
		t := &tracks[i]
		b.tracks[i] = clock{
			codec:    t.Codec,
			channels: channels(t),
			first:    scale(firstDTS, int64(t.ClockRate), int64(tracks[b.lead].ClockRate)),
			usual:    usual(t),
		}
	}
	return b
}

// usual guesses how many ticks a sample of t lasts.
func usual(t *media.Track) int64 {
	rate := float64(t.ClockRate)
	switch {
	case t.Codec == media.AAC && t.SampleRate > 0:
		return max(int64(1024*rate/float64(t.SampleRate)), 1)
	case t.Codec.IsVideo() && t.FrameRate >= 1:
		return max(int64(rate/t.FrameRate), 1)
	case t.Codec.IsVideo():
		return max(int64(rate/25), 1)
	}
	return max(int64(rate/50), 1)
}

// scale returns v*num/den rounded down, for den > 0.
func scale(v, num, den int64) int64 {
	if num == den || den <= 0 {
		return v
	}
	q, r := v/den, v%den
	if r < 0 {
		q, r = q-1, r+den
	}
	hi, lo := bits.Mul64(uint64(r), uint64(num))
	low, _ := bits.Div64(hi, lo, uint64(den)) // hi < den, since r < den
	return q*num + int64(low)
}

// Add copies u into the part under way, and starts one if there is none.
// Audio older than the segment is left out: a file begins with its first
// picture. So are units without content. A unit that is not younger than the
// one before it is moved behind it by a tick, for files must not run
// backwards.
func (b *Builder) Add(u *media.AccessUnit) {
	if u.Track < 0 || u.Track >= len(b.tracks) {
		return
	}
	c := &b.tracks[u.Track]
	dts := u.DTS - c.first
	if dts < 0 && u.Track != b.lead {
		return
	}
	p := b.part
	if p == nil {
		p = newPart(len(b.tracks))
	}
	t := &p.tracks[u.Track]
	if len(t.samples) >= maxSamples || p.media >= maxMedia {
		return
	}
	size := t.append(u)
	if size == 0 {
		if b.part == nil {
			p.Release()
		}
		return
	}
	b.part = p
	p.media += size
	dts = max(dts, c.next)
	c.next = dts + 1
	if n := len(t.samples); n > 0 && c.codec.IsVideo() {
		c.usual = dts - t.samples[n-1].dts
	}
	if u.Track == b.lead && len(t.samples) == 0 {
		p.DTS, p.Wall, p.Random = dts+c.first, u.Wall, u.Random
	}
	if u.Track == b.lead && u.Random && p.key < 0 {
		p.key = dts
	}
	cts := min(max(u.PTS-u.DTS, math.MinInt32), math.MaxInt32)
	t.samples = append(t.samples, sample{dts, int32(cts), uint32(size), u.Random})
	if !c.codec.IsVideo() {
		c.measure(u)
	}
}

// measure takes the length of audio from the frame itself, where the codec
// says it.
func (c *clock) measure(u *media.AccessUnit) {
	if len(u.Payloads) == 0 {
		return
	}
	switch c.codec {
	case media.PCMU, media.PCMA:
		c.usual = max(int64(u.Size/c.channels), 1)
	case media.Opus:
		c.usual = opusTicks(u.Payloads[0])
	}
}

// opusTicks returns how long a packet lasts at 48 kHz (RFC 6716, 3.1).
func opusTicks(p []byte) int64 {
	if len(p) == 0 {
		return 960
	}
	config := p[0] >> 3
	var frame int64
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [...]int64{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		frame = 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 120 << (config & 3)
	}
	switch p[0] & 3 {
	case 0:
		return frame
	case 3:
		if len(p) > 1 {
			return frame * max(int64(p[1]&0x3f), 1)
		}
	}
	return 2 * frame
}

// Empty reports whether there is nothing to finish: no sample of the lead
// track. Audio alone waits for the next picture.
func (b *Builder) Empty() bool { return b.part == nil || len(b.part.tracks[b.lead].samples) == 0 }

// Start returns the DTS, on the run's time line in ticks of the lead track,
// and the UTC µs of the first picture in the part under way; zeros if it is
// empty.
func (b *Builder) Start() (dts, wall int64) {
	if b.Empty() {
		return 0, 0
	}
	return b.part.DTS, b.part.Wall
}

// Size returns about how many bytes the part under way has.
func (b *Builder) Size() int {
	if b.part == nil {
		return 0
	}
	return b.part.media
}

// Finish ends the part under way and returns it as number seq of its
// segment, counted from 0; nil if Empty. nextDTS is the DTS of the video
// unit that will begin the next part, or -1 if it is not known: the last
// sample then lasts as long as the one before it.
func (b *Builder) Finish(seq uint32, nextDTS int64) *Part { return b.FinishAt(seq, nextDTS, 0) }

// pageSize is what file systems write at least, in bytes.
const pageSize = 4096

// FinishAt is Finish for a part that is synced as it is written, at offset off
// of its file: if off is not 0, zeros that belong to no sample make mdat end
// with a page, so that the next part does not write that page again.
func (b *Builder) FinishAt(seq uint32, nextDTS, off int64) *Part {
	if b.Empty() {
		return nil
	}
	p := b.part
	b.part = nil
	for i := range p.tracks {
		t, c := &p.tracks[i], &b.tracks[i]
		n := len(t.samples)
		if n == 0 {
			continue
		}
		last := t.samples[n-1].dts
		t.end = last + c.usual
		if i == b.lead && nextDTS >= 0 {
			t.end = max(nextDTS-c.first, last+1)
		}
		t.end = min(t.end, last+math.MaxInt32)
	}
	lead := &p.tracks[b.lead]
	p.Duration = lead.end - lead.samples[0].dts
	p.assemble(seq, lead.samples[0].dts, off)
	return p
}

// Discard drops the part under way, if any.
func (b *Builder) Discard() {
	if b.part != nil {
		b.part.Release()
		b.part = nil
	}
}
