package playback

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"vedette/recorder/fmp4"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// MaxClip bounds the range of a clip.
const MaxClip = 4 * time.Hour

// audioLead is how much audio before the asked time a clip begins with, in
// ms: a decoder needs a frame or two to tune in.
const audioLead = 50

// Clip returns camera's footage in [from, to) as one progressive MP4, made as
// it is read. It begins with the key frame at or before from, and an edit
// list has players start at from itself. Gaps collapse: footage stands
// without a pause, and Gaps says what is missing. A change of parameters
// begins a new sample description, and puts the parameters in front of key
// frames too, for players that look at the first description alone. Footage
// of another video codec than the first cannot stand in the same track, and
// counts as a gap without a reason; audio of another codec is left out.
// Damaged footage is left out and counts as a gap of the disk.
//
// The same range of the same footage gives the same bytes. The segments are
// leased until Close. ctx ends reading too. It returns ErrTooLong beyond
// MaxClip, and ErrNoFootage.
func (l *Library) Clip(ctx context.Context, camera string, from, to int64) (*Clip, error) {
	if to-from > MaxClip.Milliseconds() {
		return nil, ErrTooLong
	}
	set, err := l.readable(ctx, camera, from, to)
	if err != nil {
		return nil, err
	}
	c := &cutter{src: l.src, from: from, to: to, clip: &Clip{ctx: ctx, src: l.src, Gaps: set.gaps}}
	if err := c.run(ctx, set.segments); err != nil {
		c.clip.release()
		return nil, fmt.Errorf("clip of %s: %w", camera, err)
	}
	return c.clip, nil
}

// cutter makes a clip. The clip's time line counts ticks of the video track
// from the beginning of the first segment.
type cutter struct {
	src      Source
	from, to int64 // UTC ms
	clip     *Clip
	movie    fmp4.Movie
	video    joiner
	audio    joiner

	prev    *footage // the segment before, nil after one that broke off
	base    int64    // where the present segment begins
	started bool     // footage was taken
	held    bool     // … in the present segment
	begin   int64    // where players begin
	first   int64    // where begin is on the wall, UTC ms
	until   int64    // where the last picture ends
	wallEnd int64    // where it ends on the wall, UTC ms
	samples []fmp4.Sample
}

// run takes the segments in order and finishes the clip.
func (c *cutter) run(ctx context.Context, segments []footage) error {
	for i := range segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.segment(&segments[i]); err != nil {
			return err
		}
	}
	if !c.started {
		return ErrNoFootage
	}
	c.finish()
	return nil
}

// segment takes what the range has of f.
func (c *cutter) segment(f *footage) error {
	v := f.video()
	if !v.Codec.IsVideo() {
		return nil
	}
	if c.started && (c.video.codec() != v.Codec || c.video.track.ClockRate() != v.ClockRate) {
		c.lose(f.Start, f.End, segment.None)
		c.prev = nil
		return nil
	}
	cut, ok := c.place(f)
	if !ok {
		return nil
	}
	if err := c.video.describe(&c.movie, v); err != nil {
		c.lose(f.Start, f.End, segment.Disk)
		c.prev = nil
		return nil
	}
	audio := c.audioOf(f)
	c.clip.lease(c.src, f.Row)
	file, err := c.src.Open(f.Row)
	if err != nil {
		c.lose(f.Start, f.End, segment.Disk)
		c.prev = nil
		return nil
	}
	defer func() { _ = file.Close() }() // it was only read
	c.held, c.prev = false, f
	for _, p := range f.parts {
		if p.DTS+p.Duration <= cut || p.DTS >= f.ticks(c.to) {
			continue
		}
		if c.samples, err = fmp4.ReadSamples(file, p, f.header, c.samples[:0]); err != nil {
			c.lose(f.at(p.DTS), f.End, segment.Disk)
			c.prev = nil
			break
		}
		c.part(f, cut, audio)
	}
	return nil
}

// place decides where f stands on the clip's time line, and returns the DTS
// of its first picture to take.
func (c *cutter) place(f *footage) (cut int64, ok bool) {
	if p := c.prev; c.started && p != nil && p.header.Run == f.header.Run {
		base := c.base + f.header.FirstDTS - p.header.FirstDTS
		next := p.header.Seq+1 == f.header.Seq && f.Gap == segment.None && base > c.video.last
		other := p.Volume != f.Volume // it may begin with what the one before has too, which is passed over
		if (next || other) && base-c.until < f.ticks(f.Start+gapShortest) {
			c.base = base
			return 0, true
		}
	}
	cut, ok = f.keyFor(c.from)
	if !ok {
		return 0, false
	}
	if !c.started {
		c.base = 0
		return cut, true
	}
	hold := f.at(cut) - c.wallEnd // a hole too small to be a gap keeps its length
	if hold < 0 || hold > gapShortest {
		hold = 0
	}
	c.base = c.until + fromMillis(hold, f.video()) - cut
	return cut, true
}

// keyFor returns the DTS of the last key frame at or before at, UTC ms, as
// far as the parts tell, or else of the first one after it.
func (f *footage) keyFor(at int64) (dts int64, ok bool) {
	want := f.ticks(at)
	for _, p := range f.parts {
		if p.Key >= 0 && (!ok || p.Key <= want) {
			dts, ok = p.Key, true
		}
	}
	return dts, ok
}

// audioOf returns the index of the track whose audio is taken of f, or -1.
// Audio of another codec than the first is silence.
func (c *cutter) audioOf(f *footage) int {
	for i := range f.header.Tracks {
		t := &f.header.Tracks[i]
		if t.Codec.IsVideo() {
			continue
		}
		if c.audio.track != nil && c.audio.codec() != t.Codec || c.audio.describe(&c.movie, t) != nil {
			return -1
		}
		return i
	}
	return -1
}

// part takes the samples of one part, which are in c.samples, from cut on.
func (c *cutter) part(f *footage, cut int64, audio int) {
	lead := fmp4.Lead(f.header.Tracks)
	to := f.ticks(c.to)
	for _, s := range c.samples {
		if s.Track == lead && s.DTS >= cut && s.DTS < to {
			c.picture(f, s)
		}
	}
	c.video.end()
	if audio < 0 || !c.held {
		return
	}
	t := &f.header.Tracks[audio]
	low, high := fromMillis(max(c.from-audioLead, f.at(cut))-f.Start, t), fromMillis(c.to-f.Start, t)
	base := rescale(c.base, c.audio.track.ClockRate(), f.video().ClockRate)
	for _, s := range c.samples {
		if s.Track == audio && s.DTS >= low && s.DTS < high {
			s.DTS = rescale(s.DTS, c.audio.track.ClockRate(), t.ClockRate)
			s.Duration = rescale(s.Duration, c.audio.track.ClockRate(), t.ClockRate)
			s.PTS = s.DTS
			c.audio.add(c.clip, s, base)
		}
	}
	c.audio.end()
}

// picture takes one video sample.
func (c *cutter) picture(f *footage, s fmp4.Sample) {
	if !c.video.add(c.clip, s, c.base) {
		return
	}
	if !c.started {
		c.started = true
		c.begin = max(f.ticks(c.from), s.PTS) + c.base
		c.first = f.at(c.begin - c.base)
	}
	c.held = true
	c.until = max(c.until, c.base+s.DTS+s.Duration)
	c.wallEnd = f.at(s.DTS + s.Duration)
	c.video.shown = max(c.video.shown, min(c.base+s.PTS+s.Duration, c.base+f.ticks(c.to)))
}

// rescale converts ticks of one clock to another, rounded down.
func rescale(ticks int64, to, from uint32) int64 {
	if to == from {
		return ticks
	}
	q, r := ticks/int64(from), ticks%int64(from)
	if r < 0 {
		q, r = q-1, r+int64(from)
	}
	return q*int64(to) + r*int64(to)/int64(from)
}

// lose notes a gap that the rows did not show.
func (c *cutter) lose(start, end int64, why segment.GapReason) {
	start, end = max(start, c.from), min(end, c.to)
	if end > start {
		c.clip.Gaps = append(c.clip.Gaps, Gap{Span{start, end}, why})
	}
}

// finish writes the edits and the tables.
func (c *cutter) finish() {
	c.video.flush()
	c.audio.flush()
	rate := c.video.track.ClockRate()
	length := rescale(max(c.video.shown-c.begin, 1), fmp4.MovieScale, rate)
	c.video.track.Edit(0, max(c.begin-c.video.first, 0), length)
	if a := &c.audio; a.track != nil && a.track.Samples() > 0 {
		begin := rescale(c.begin, a.track.ClockRate(), rate)
		delay, from := rescale(max(a.first-begin, 0), fmp4.MovieScale, a.track.ClockRate()), max(begin-a.first, 0)
		have := rescale(max(a.until-max(a.first, begin), 1), fmp4.MovieScale, a.track.ClockRate())
		a.track.Edit(delay, from, max(min(have, length-delay), 1))
	}
	clip := c.clip
	clip.Start = c.first
	clip.Covered = media.Track{ClockRate: fmp4.MovieScale}.Duration(length)
	slices.SortFunc(clip.Gaps, func(a, b Gap) int { return cmp.Compare(a.Start, b.Start) })
	clip.seal(&c.movie)
}

// seal puts the tables of m in front of the media.
func (c *Clip) seal(m *fmp4.Movie) {
	size := c.media()
	c.head = m.Bytes(size)
	c.size = int64(len(c.head)) + size
	sum := sha256.New()
	for _, r := range c.rows {
		fmt.Fprintf(sum, "%s/%s\n", r.Camera, r.ID)
	}
	sum.Write(c.head) // with the size of every sample
	c.ETag = `"` + hex.EncodeToString(sum.Sum(nil)[:16]) + `"`
}
