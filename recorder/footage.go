package recorder

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/playback"
)

// Footage is the library of what was recorded. The names below are playback's,
// so that nobody above the recorder needs to know it.
type (
	Timeline = playback.Timeline
	Range    = playback.Range
	Gap      = playback.Gap
	GOPIndex = playback.GOPIndex
	Segment  = playback.Row
	Clip     = playback.Clip
)

// Errors of asking for footage; ErrNoFootage is another.
var (
	ErrTooLong = playback.ErrTooLong
	ErrRange   = playback.ErrRange
)

// known refuses footage of cameras that are not there.
func (r *Recorder) known(id string) error {
	_, err := r.get(id)
	return err
}

// heardOf reports whether there is a camera of this id, or footage of one that
// was removed by totals.
func (r *Recorder) heardOf(id string, totals map[string]index.CameraTotals) bool {
	_, left := totals[id]
	return left || r.known(id) == nil
}

// Timeline returns the ranges and gaps of a camera in [from, to).
func (r *Recorder) Timeline(ctx context.Context, id string, from, to time.Time) (Timeline, error) {
	if err := r.known(id); err != nil {
		return Timeline{}, err
	}
	return r.library.Timeline(ctx, id, from.UnixMilli(), to.UnixMilli())
}

// Segments returns the segments that overlap [from, to), ascending, at most
// limit.
func (r *Recorder) Segments(ctx context.Context, id string, from, to time.Time, limit int) ([]Segment, error) {
	if err := r.known(id); err != nil {
		return nil, err
	}
	rows, _, err := r.library.Segments(ctx, id, from.UnixMilli(), to.UnixMilli(), limit)
	return rows, err
}

// GOPs returns where the groups of pictures in [from, to) lie.
func (r *Recorder) GOPs(ctx context.Context, id string, from, to time.Time) (GOPIndex, error) {
	if err := r.known(id); err != nil {
		return GOPIndex{}, err
	}
	return r.library.GOPs(ctx, id, from.UnixMilli(), to.UnixMilli())
}

// HLS returns a playlist of [from, to); url names the bytes of a segment.
func (r *Recorder) HLS(ctx context.Context, id string, from, to time.Time, url func(Segment) string) ([]byte, error) {
	if err := r.known(id); err != nil {
		return nil, err
	}
	return r.library.HLS(ctx, id, from.UnixMilli(), to.UnixMilli(), url)
}

// Clip returns [from, to) as one MP4 that is made as it is read. The caller
// closes it.
func (r *Recorder) Clip(ctx context.Context, id string, from, to time.Time) (*Clip, error) {
	if err := r.known(id); err != nil {
		return nil, err
	}
	return r.library.Clip(ctx, id, from.UnixMilli(), to.UnixMilli())
}

// Snapshot returns the last key frame at or before at as an MP4. The caller
// closes it.
func (r *Recorder) Snapshot(ctx context.Context, id string, at time.Time) (*Clip, error) {
	if err := r.known(id); err != nil {
		return nil, err
	}
	return r.library.Snapshot(ctx, id, at.UnixMilli())
}

// SegmentFile is the file of a segment, leased until it is closed. Of an open
// segment it is what could be read when it was opened.
type SegmentFile struct {
	*io.SectionReader
	Segment
	file    playback.File
	release func()
}

// Close gives the file and the lease back.
func (f *SegmentFile) Close() error {
	f.release()
	return f.file.Close()
}

// SegmentFile opens the file of the segment with the id given. It returns
// ErrNoCamera or ErrNoFootage. The caller closes it.
func (r *Recorder) SegmentFile(ctx context.Context, camera, segment string) (*SegmentFile, error) {
	if err := r.known(camera); err != nil {
		return nil, err
	}
	start, on, ok := r.parseSegmentID(segment)
	if !ok || start == math.MaxInt64 {
		return nil, fmt.Errorf("segment %q: %w", segment, ErrNoFootage)
	}
	release := r.leases.take(segmentKey{camera, start})
	f, err := r.openSegment(ctx, on, camera, start)
	if err != nil {
		release()
		return nil, fmt.Errorf("open segment %s: %w", segment, err)
	}
	f.release = release
	return f, nil
}

// openSegment opens the segment of a camera on p that begins at start, without
// a lease.
func (r *Recorder) openSegment(ctx context.Context, p *present, camera string, start int64) (*SegmentFile, error) {
	src := librarySource{r}
	rows, err := src.on(ctx, p, camera, start)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, ErrNoFootage
	}
	file, err := src.Open(rows[0])
	if err != nil {
		return nil, err
	}
	return &SegmentFile{SectionReader: io.NewSectionReader(file, 0, rows[0].Bytes), Segment: rows[0], file: file}, nil
}
