package playback

import (
	"context"
	"fmt"

	"vedette/recorder/fmp4"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// GOPIndex tells a player which bytes of which file hold which moment.
type GOPIndex struct {
	Inits    []Init
	Segments []GOPSegment
	Gaps     []Gap
}

// Init is what segments have in common whose tracks are the same.
type Init struct {
	MIME string // type and codecs for MediaSource
	// VideoOnly says that the files have audio that browsers do not play from
	// MP4; MIME then leaves it out.
	VideoOnly bool
}

// GOPSegment is one segment and its groups of pictures.
type GOPSegment struct {
	Row
	Init     int   // index into Inits
	InitSize int64 // the file's first so many bytes are its own init
	GOPs     []GOP
}

// GOP is a run of whole parts that begins with the part that has the key
// frame. A seek to any moment of it needs its bytes alone.
type GOP struct {
	Offset, Size int64 // bytes in the file
	Start        int64 // UTC ms of its key frame
	Duration     int64 // ms, up to the next key frame or the end
}

// maxGOPs bounds the range of GOPs and HLS.
const maxGOPs = 24 * 3600_000 // ms

// GOPs returns the index of camera's footage in [from, to): every segment
// that overlaps, whole. A segment that cannot be read is left out and
// reported as a gap. It returns ErrTooLong for more than a day.
func (l *Library) GOPs(ctx context.Context, camera string, from, to int64) (GOPIndex, error) {
	if to-from > maxGOPs {
		return GOPIndex{}, ErrTooLong
	}
	set, err := l.readable(ctx, camera, from, to)
	if err != nil {
		return GOPIndex{}, err
	}
	out := GOPIndex{Gaps: set.gaps}
	var tracks [][]media.Track // of Inits
	for _, s := range set.segments {
		out.Segments = append(out.Segments, GOPSegment{
			Row: s.Row, Init: initOf(&out, &tracks, s.header.Tracks), InitSize: s.initSize, GOPs: s.gops(),
		})
	}
	return out, nil
}

func initOf(out *GOPIndex, known *[][]media.Track, tracks []media.Track) int {
	for i, k := range *known {
		if sameTracks(k, tracks) {
			return i
		}
	}
	*known = append(*known, tracks)
	in := Init{MIME: fmp4.MIMEType(tracks)}
	for i := range tracks {
		in.VideoOnly = in.VideoOnly || !fmp4.BrowserPlays(tracks[i].Codec)
	}
	out.Inits = append(out.Inits, in)
	return len(out.Inits) - 1
}

func sameTracks(a, b []media.Track) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].SameParameters(b[i]) {
			return false
		}
	}
	return true
}

// readable is the footage of a range that can be read, and the gaps in it.
type readable struct {
	segments []footage
	gaps     []Gap
}

// footage is a segment with what its file says.
type footage struct {
	Row
	info
}

// at returns the UTC ms of a DTS in the segment.
func (f *footage) at(dts int64) int64 { return f.Start + toMillis(dts, f.video()) }

// ticks returns the DTS of a UTC ms, which may lie outside the segment.
func (f *footage) ticks(at int64) int64 { return fromMillis(at-f.Start, f.video()) }

func toMillis(ticks int64, t *media.Track) int64 {
	r := int64(t.ClockRate)
	return ticks/r*1000 + ticks%r*1000/r
}

func fromMillis(ms int64, t *media.Track) int64 {
	r := int64(t.ClockRate)
	return ms/1000*r + ms%1000*r/1000
}

// readable reads the segments of camera in [from, to). What is damaged is
// looked for on another volume, and becomes a gap if it is on none.
func (l *Library) readable(ctx context.Context, camera string, from, to int64) (out readable, err error) {
	if from >= to {
		return readable{}, ErrRange
	}
	for range fallbacks {
		var again bool
		if out, again, err = l.readOnce(ctx, camera, from, to); err != nil || !again {
			break
		}
	}
	return out, err
}

// fallbacks bounds how often footage is looked for elsewhere: as many disks may
// fail at once.
const fallbacks = 4

// readOnce is readable; again says that something turned out to be damaged
// that may be whole elsewhere.
func (l *Library) readOnce(ctx context.Context, camera string, from, to int64) (out readable, again bool, err error) {
	rows, err := l.src.Rows(ctx, camera, from, to)
	if err != nil {
		return out, false, fmt.Errorf("footage of %s: %w", camera, err)
	}
	around, err := l.tail(ctx, camera, rows, from, to)
	if err != nil {
		return out, false, fmt.Errorf("footage of %s: %w", camera, err)
	}
	kept := rows[:0]
	damaged := false // the footage before this row is damaged, and so missing
	for _, r := range rows {
		in, err := l.parts(ctx, r)
		if ctx.Err() != nil {
			return out, false, ctx.Err()
		}
		if err != nil || len(in.parts) == 0 {
			if !r.Open { // the open one may have no part yet
				damaged, again = true, l.src.Unreadable(r) || again
			}
			continue
		}
		f := footage{r, in}
		if damaged {
			f.Gap, damaged = segment.Disk, false
		}
		if end := f.at(in.end()); in.good < r.Bytes && r.End-end > gapShortest {
			f.End, damaged = end, true
			again = l.src.Unreadable(r) || again
		}
		kept = append(kept, f.Row)
		out.segments = append(out.segments, f)
	}
	if damaged {
		around.why, around.known = segment.Disk, true
	}
	out.gaps = timeline(kept, from, to, around).Gaps
	return out, again, nil
}

// gops cuts the parts of the segment into groups of pictures.
func (f *footage) gops() []GOP {
	var out []GOP
	for i, p := range f.parts {
		if i > 0 && p.Key < 0 {
			out[len(out)-1].Size += p.Size
			continue
		}
		g := GOP{Offset: p.Offset, Size: p.Size, Start: f.Start}
		if i > 0 {
			g.Start = f.at(p.Key)
			last := &out[len(out)-1]
			last.Duration = max(g.Start-last.Start, 0)
		}
		out = append(out, g)
	}
	if n := len(out); n > 0 {
		out[n-1].Duration = max(f.at(f.end())-out[n-1].Start, 0)
	}
	return out
}
