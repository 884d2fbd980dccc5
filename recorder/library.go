package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/ingest"
	"vedette/recorder/media"
	"vedette/recorder/playback"
	"vedette/recorder/segment"
	"vedette/recorder/volume"
)

// librarySource is what playback reads through.
type librarySource struct{ r *Recorder }

// segmentID names a segment in the API, the same while it is open and after.
func segmentID(start int64, volume string) string {
	return strconv.FormatInt(start, 10) + "-" + short(volume)
}

// parseSegmentID returns the start, UTC ms, that a segment's id names, and the
// volume it is on; ok is false if id is none of a volume that is there.
func (r *Recorder) parseSegmentID(id string) (start int64, on *present, ok bool) {
	ms, vol, _ := strings.Cut(id, "-")
	start, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || start < 0 {
		return 0, nil, false
	}
	on = r.bays.byPrefix(vol)
	return start, on, on != nil
}

func (p *present) closed(row index.Row, held bool) playback.Row {
	return playback.Row{
		ID: segmentID(row.Start, p.volume.ID()), Volume: p.volume.ID(), Camera: row.Camera,
		Start: row.Start, End: row.End(), Bytes: row.Bytes, Seq: row.Seq,
		Codec: row.Codec, Width: int(row.Width), Height: int(row.Height), Gap: segment.GapReason(row.Gap), Held: held,
		Why: segment.Why(row.Why()).String(),
	}
}

// open returns the segments of a camera that have no row yet, oldest first.
func (s librarySource) open(id string) []playback.Row {
	c, err := s.r.get(id)
	if err != nil {
		return nil
	}
	var out []playback.Row
	for _, k := range []*copies{c.main, c.mirror} {
		w, p := k.current()
		if w == nil {
			continue
		}
		for _, o := range w.Open() {
			if o.End <= o.Name.Start { // nothing to read yet
				continue
			}
			out = append(out, playback.Row{
				ID: segmentID(o.Name.Start, p.volume.ID()), Volume: p.volume.ID(), Camera: id,
				Start: o.Name.Start, End: o.End, Bytes: o.Bytes, Seq: o.Name.Seq,
				Codec: o.Codec, Width: int(o.Width), Height: int(o.Height), Gap: o.Gap, Open: true,
				Why: o.Why.String(),
			})
		}
	}
	slices.SortStableFunc(out, func(a, b playback.Row) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// Rows implements playback.Source.
func (s librarySource) Rows(ctx context.Context, id string, from, to int64) ([]playback.Row, error) {
	// Open ones are read first: a segment that closes in between is then seen
	// twice, and dropped once, but never missed.
	open := s.open(id)
	var out []playback.Row
	for _, p := range s.r.bays.present() {
		before := len(out)
		err := p.index.Range(id, from, to, func(row index.Row, held bool) bool {
			out = append(out, p.closed(row, held))
			return ctx.Err() == nil
		})
		if err != nil && p.departed() { // it went while it was asked
			out, err = out[:before], nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, fmt.Errorf("read index: %w", err)
		}
	}
	for _, o := range open {
		known := slices.ContainsFunc(out, func(r playback.Row) bool {
			return r.Start == o.Start && r.Seq == o.Seq && r.Volume == o.Volume
		})
		if !known && o.Start < to && o.End > from {
			out = append(out, o)
		}
	}
	return merge(out, s.r.spoiled.has), nil
}

// on returns the segments of a camera on p that begin at start: one, as a
// rule.
func (s librarySource) on(ctx context.Context, p *present, id string, start int64) (out []playback.Row, err error) {
	for _, o := range s.open(id) {
		if o.Start == start && o.Volume == p.volume.ID() {
			out = append(out, o)
		}
	}
	err = p.index.Range(id, start, start+1, func(row index.Row, held bool) bool {
		if row.Start == start {
			out = append([]playback.Row{p.closed(row, held)}, out...)
		}
		return ctx.Err() == nil
	})
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	return out, nil
}

// merge puts the rows of several volumes into one line, ascending by start.
// What another volume has too is left out: of copies the one that begins
// first or lasts longest stays, and one that cannot be read only where there is
// no other. Rows of one volume are never held against each other.
func merge(rows []playback.Row, spoiled func(playback.Row) bool) []playback.Row {
	slices.SortStableFunc(rows, func(a, b playback.Row) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	if !slices.ContainsFunc(rows, func(r playback.Row) bool { return r.Volume != rows[0].Volume }) {
		return rows
	}
	out := make([]playback.Row, 0, len(rows))
	for i, r := range rows {
		if !covered(r, out, rows[i+1:], spoiled) {
			out = append(out, r)
		}
	}
	return out
}

// covered reports whether another volume has all of r: in a row that was kept
// or, if r cannot be read, in one that is still to come.
func covered(r playback.Row, kept, later []playback.Row, spoiled func(playback.Row) bool) bool {
	bad := spoiled(r)
	by := func(o playback.Row) bool {
		return o.Volume != r.Volume && o.Start <= r.Start && o.End >= r.End && !spoiled(o)
	}
	for i := len(kept) - 1; i >= 0 && i >= len(kept)-overlapping; i-- {
		if by(kept[i]) {
			return true
		}
	}
	if !bad {
		return false
	}
	for _, o := range later {
		if o.Start > r.Start+copySlack {
			break
		}
		o.Start, o.End = min(o.Start, r.Start), o.End+copySlack
		if by(o) {
			return true
		}
	}
	return false
}

const (
	// overlapping is how many rows before one may overlap it: a copy of each on
	// every volume, and the segments around a move.
	overlapping = 2 * maxVolumes
	// copySlack is how far the ends of copies may lie apart, in ms.
	copySlack = 1000
)

// Next implements playback.Source.
func (s librarySource) Next(_ context.Context, id string, t int64) (r playback.Row, ok bool, err error) {
	first := func(o playback.Row) {
		if o.Start >= t && (!ok || o.Start < r.Start) {
			r, ok = o, true
		}
	}
	for _, o := range s.open(id) {
		first(o)
	}
	for _, p := range s.r.bays.present() {
		err := p.index.Range(id, t, 1<<62, func(row index.Row, held bool) bool {
			if row.Start >= t {
				first(p.closed(row, held))
			}
			return row.Start < t
		})
		if err != nil && !p.departed() {
			return r, false, fmt.Errorf("read index: %w", err)
		}
	}
	return r, ok, nil
}

// First implements playback.Source.
func (s librarySource) First(_ context.Context, id string) (int64, bool, error) {
	if first, _, ok := s.r.bounds(id); ok {
		return first, true, nil
	}
	if open := s.open(id); len(open) > 0 {
		return open[0].Start, true, nil
	}
	return 0, false, nil
}

// Missing implements playback.Source.
func (s librarySource) Missing(id string) (segment.GapReason, bool) {
	c, err := s.r.get(id)
	if err != nil {
		return segment.None, false
	}
	c.mu.Lock()
	recorded, main := c.record, c.states[media.Main].Phase
	c.mu.Unlock()
	if !recorded {
		return segment.Disabled, true
	}
	for _, k := range []*copies{c.mirror, c.main} {
		if w, _ := k.current(); w != nil && w.State().Writing {
			return segment.None, false
		}
	}
	if wants, _ := c.demand.now(); !wants.on {
		return wants.idle, true
	}
	w, _ := c.main.current()
	if w == nil {
		return segment.Disk, true
	}
	why := w.State().Missing
	if away := main == ingest.Offline || main == ingest.Faulty; away && why != segment.Disk && why != segment.Overload && why != segment.Clock {
		return segment.Camera, true // nothing came since we started, or it was wanted
	}
	return why, true
}

// Lease implements playback.Source.
func (s librarySource) Lease(r playback.Row) (release func()) {
	return s.r.leases.take(segmentKey{r.Camera, r.Start})
}

// Open implements playback.Source. A row that was read while its segment was
// open finds the file under its closed name too.
func (s librarySource) Open(r playback.Row) (playback.File, error) {
	n := volume.Name{Camera: r.Camera, Start: r.Start, Seq: r.Seq, Open: r.Open}
	if !r.Open {
		n.Duration, n.Bytes = r.End-r.Start, r.Bytes
	}
	p := s.r.bays.byPrefix(short(r.Volume))
	if p == nil {
		return nil, fmt.Errorf("segment %s: its volume is not there: %w", r.ID, fs.ErrNotExist)
	}
	fsys := p.volume.FS()
	h, err := fsys.Open(n.Path())
	if !errors.Is(err, fs.ErrNotExist) || !r.Open {
		return h, err
	}
	// Between the rename and the row the directory alone knows the name.
	entries, err := fsys.ReadDir(n.Dir())
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		found, err := volume.ParseName(n.Dir() + "/" + e.Name())
		if err == nil && !found.Open && found.Start == n.Start && found.Seq == n.Seq {
			return fsys.Open(found.Path())
		}
	}
	return nil, fmt.Errorf("segment %s: %w", r.ID, fs.ErrNotExist)
}

// Unreadable implements playback.Source.
func (s librarySource) Unreadable(r playback.Row) (again bool) { return s.r.spoiled.add(r) }

// Now implements playback.Source.
func (s librarySource) Now() time.Time { return s.r.o.Clock.Now() }

// spoiled remembers segments whose files could not be read, so that another
// volume's copy is shown instead. The zero value is ready.
type spoiled struct {
	mu  sync.Mutex
	ids map[string]bool
}

// maxSpoiled bounds what is remembered; beyond it everything is tried again.
const maxSpoiled = 4096

// add notes that r cannot be read, and reports whether that is news.
func (s *spoiled) add(r playback.Row) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Camera + "/" + r.ID
	if s.ids[key] {
		return false
	}
	if s.ids == nil || len(s.ids) >= maxSpoiled {
		s.ids = map[string]bool{}
	}
	s.ids[key] = true
	return true
}

func (s *spoiled) has(r playback.Row) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ids) > 0 && s.ids[r.Camera+"/"+r.ID]
}
