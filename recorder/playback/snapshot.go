package playback

import (
	"context"
	"fmt"

	"vedette/recorder/fmp4"
)

// snapshotReach is how far before the asked time the footage may end that a
// snapshot is taken from, in ms.
const snapshotReach = 10_000

// Snapshot returns a progressive MP4 with one picture: the last key frame of
// camera at or before at, UTC ms. It returns ErrNoFootage if there is no
// footage at that time, or shortly before.
func (l *Library) Snapshot(ctx context.Context, camera string, at int64) (*Clip, error) {
	rows, err := l.src.Rows(ctx, camera, at-snapshotReach, at+1)
	if err != nil {
		return nil, fmt.Errorf("snapshot of %s: %w", camera, err)
	}
	for i := len(rows) - 1; i >= 0; i-- {
		in, err := l.parts(ctx, rows[i])
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // damaged: an older picture is better than none
			continue
		}
		f := footage{rows[i], in}
		clip := &Clip{ctx: ctx, src: l.src}
		clip.lease(l.src, f.Row)
		if l.still(clip, &f, at) {
			return clip, nil
		}
		clip.release()
	}
	return nil, fmt.Errorf("snapshot of %s: %w", camera, ErrNoFootage)
}

// still fills clip with the last key frame of f at or before at.
func (l *Library) still(clip *Clip, f *footage, at int64) bool {
	want := f.ticks(at)
	for i := len(f.parts) - 1; i >= 0; i-- {
		if p := f.parts[i]; p.Key < 0 || p.Key > want {
			continue
		}
		s, ok := l.keySample(f, f.parts[i], want)
		if !ok {
			continue
		}
		v := f.video()
		var m fmp4.Movie
		t, err := m.Track(*v)
		if err != nil {
			return false
		}
		clip.append(s.Offset, int64(s.Size))
		t.Chunk(0, 0)
		t.Sample(max(s.Duration, 1), 0, s.Size, true)
		clip.Start, clip.Covered = f.at(s.DTS), v.Duration(s.Duration)
		clip.seal(&m)
		return true
	}
	return false
}

// keySample returns the last key frame in p not later than want.
func (l *Library) keySample(f *footage, p fmp4.PartInfo, want int64) (found fmp4.Sample, ok bool) {
	file, err := l.src.Open(f.Row)
	if err != nil {
		return found, false
	}
	defer func() { _ = file.Close() }() // it was only read
	samples, err := fmp4.ReadSamples(file, p, f.header, nil)
	if err != nil {
		return found, false
	}
	lead := fmp4.Lead(f.header.Tracks)
	for _, s := range samples {
		if s.Track == lead && s.Random && s.DTS <= want {
			found, ok = s, true
		}
	}
	return found, ok
}
