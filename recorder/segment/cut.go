package segment

import (
	"cmp"
	"errors"

	"vedette/recorder/fmp4"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

// segment is one file being filled. All of it but facts, name and file belongs
// to the holder of Writer.mu.
type segment struct {
	facts   Open // what does not change while it is open
	name    volume.Name
	file    *volume.File
	run     *media.Run
	b       *fmp4.Builder
	first   *media.AccessUnit
	rotate  int64     // UTC µs: a key frame from here on begins the next segment
	parts   uint32    // handed to the volume
	end     int64     // UTC ms: end of the last part that the volume took
	head    int64     // bytes of the header
	size    int64     // bytes of the parts that the volume took
	cause   GapReason // why the volume refused a part; None as long as it did not
	nextDTS int64     // of a segment that waits for late audio: where its successor begins,
	closeAt int64     // and that in UTC ms
}

// unit takes one unit of the stream. mu is held.
func (w *Writer) unit(u *media.AccessUnit) {
	if u.Run != w.run {
		w.beginRun(u)
	}
	if w.video < 0 || w.refused || w.before(u) {
		return
	}
	if u.Track != w.video {
		w.audio(u)
		return
	}
	if w.last != nil {
		if u.DTS <= w.last.DTS {
			return // behind what is written: it has no place in a file
		}
		if w.last.Duration(u) > holeLongest {
			w.lose(Camera)
		}
	}
	switch {
	case w.cur != nil && w.ending && u.Random:
		w.endAt(u)
		return
	case w.cur == nil:
		w.begin(u)
	case w.mustRotate(u):
		w.rotateTo(u)
	}
	w.add(u)
	w.last = u
}

func (w *Writer) mustRotate(u *media.AccessUnit) bool {
	s := w.cur
	if u.Random {
		return u.Wall >= s.rotate
	}
	return s.first.Duration(u) >= w.o.Longest || s.size >= w.o.LongestBytes
}

// add puts a picture into the open segment, if there is one.
func (w *Writer) add(u *media.AccessUnit) {
	s := w.cur
	if s == nil {
		return
	}
	if !s.b.Empty() {
		t := &s.run.Tracks[w.video]
		began, _ := s.b.Start()
		length := u.DTS - began
		frame := u.DTS - w.last.DTS
		if length+frame > t.Ticks(partLongest) || s.b.Size() >= partBytes || u.Random && length >= t.Ticks(partShortest) {
			if w.cut(s, u.DTS, false); w.cur == nil {
				return
			}
		}
	}
	s.b.Add(u)
	if w.late != nil && w.late.nextDTS+s.run.Tracks[w.video].Ticks(lateLongest) < u.DTS {
		w.endLate()
	}
}

// audio puts a frame into the segment it belongs to: into the one before as
// long as that is where its time lies.
func (w *Writer) audio(u *media.AccessUnit) {
	if w.late != nil {
		at := u.Run.Tracks[u.Track].Duration(u.DTS)
		if at < u.Run.Tracks[w.video].Duration(w.late.nextDTS) {
			w.late.b.Add(u)
			return
		}
		w.endLate()
	}
	// A part ends with a picture: sound alone must not fill memory until one comes.
	if w.cur != nil && w.cur.b.Size() < 2*partBytes {
		w.cur.b.Add(u)
	}
}

// begin opens a segment at u, if u can begin one and the volume takes it.
func (w *Writer) begin(u *media.AccessUnit) {
	if !u.Random || w.resting() {
		return
	}
	w.create(u)
}

// rotateTo ends the open segment where u begins the next. Its last part stays
// open a little longer for audio that comes after the pictures.
func (w *Writer) rotateTo(u *media.AccessUnit) {
	s := w.leave(u)
	w.create(u)
	if s.run.Audio() < 0 || s.b.Empty() {
		w.endLate()
	}
}

// leave has the open segment end where u begins, late audio apart.
func (w *Writer) leave(u *media.AccessUnit) *segment {
	w.endLate()
	s := w.cur
	w.cur = nil
	s.nextDTS, s.closeAt = u.DTS, u.Wall/1000
	w.expect = s.size
	w.since = s.closeAt
	w.late = s
	return s
}

// before reports whether u lies before Options.From.
func (w *Writer) before(u *media.AccessUnit) bool {
	if w.o.From == 0 || u.Run != w.o.Run {
		return false
	}
	return u.Run.Tracks[u.Track].Duration(u.DTS) < u.Run.Tracks[w.video].Duration(w.o.From)
}

// create opens a segment that begins with u.
func (w *Writer) create(u *media.AccessUnit) {
	if u.Wall/1000 == w.begun.Start {
		// A camera that changes its parameters at once begins several runs in
		// the same millisecond; their names must still differ.
		w.number = max(w.number, w.begun.Seq+1)
	}
	name := volume.Name{Camera: w.o.Camera, Start: u.Wall / 1000, Seq: w.number, Open: true}
	reason := w.missing
	if w.since == 0 || reason != Clock && name.Start-w.since < shortest(reason) {
		reason = None
	}
	if owed := w.owes(); reason == None {
		reason = owed
	}
	h := &fmp4.Header{
		Version: 1, Camera: w.o.Camera, Stream: w.run.Stream, Run: w.run.ID, Seq: w.number,
		Start: u.Wall, Trusted: w.run.Trusted, BootID: w.run.BootID,
		Mono: w.run.Mono + u.Wall - w.run.Wall, FirstDTS: u.DTS, Gap: byte(reason), Tracks: w.run.Tracks,
	}
	head, err := fmp4.AppendInit(nil, h)
	if err != nil {
		w.refused, w.err = true, err
		w.log.Error("this stream cannot be recorded", "run", w.run.ID, "err", err)
		return
	}
	file, err := w.o.Volume.Create(name, head, cmp.Or(w.expect, firstExpect))
	if err != nil {
		w.report(err)
		w.miss(reasonFor(err), name.Start)
		return
	}
	track := &w.run.Tracks[w.video]
	s := &segment{
		name: name, run: w.run, file: file, head: int64(len(head)), first: u, rotate: w.rotateAt(u.Wall), end: name.Start,
		b: fmp4.NewBuilder(w.run.Tracks, u.DTS),
		facts: Open{Name: name, Run: w.run.ID, Codec: track.Codec, Width: clamp16(track.Width), Height: clamp16(track.Height),
			Trusted: w.run.Trusted, Audio: w.run.Audio() >= 0, Gap: reason, Why: w.why},
	}
	w.cur, w.begun = s, name
	w.number++
	w.opened(s)
	if w.writing == 0 || reason != None {
		w.writing = name.Start
	}
	if from := w.since; reason != None && name.Start-from >= shortest(reason) {
		w.events = append(w.events, func() { w.o.Gap(from, name.Start, reason) })
	}
	w.missing, w.since = None, 0
}

// shortest is the shortest absence of footage that is told, in ms. What is
// missing because of us is told however short it is.
func shortest(why GapReason) int64 {
	if why == Disk || why == Overload {
		return 1
	}
	return gapShortest
}

// cut hands the part under way to the volume. nextDTS is that of the picture
// to come, -1 if it is not known. A part that is synced at once, with more to
// come, ends with a page. If the volume refuses the part, the segment
// ends with the part before.
func (w *Writer) cut(s *segment, nextDTS int64, synced bool) {
	if s.b.Empty() || s.cause != None {
		return
	}
	off := int64(0)
	if synced {
		off = s.head + s.size
	}
	p := s.b.FinishAt(s.parts, nextDTS, off)
	s.parts++
	size := int64(p.Size)
	end := (p.Wall + s.run.Tracks[s.run.Video()].Duration(p.Duration).Microseconds()) / 1000
	err := s.file.Append(volume.Chunk{Bufs: p.Bufs, End: end, Release: p.Release})
	if err == nil {
		s.end = end
		s.size += size
		w.bytes += size
		if end-s.name.Start > steady {
			w.err, w.backoff = nil, 0
		}
		return
	}
	s.cause = reasonFor(err)
	if s.cause == Disk {
		s.end = max(s.file.Kept(), s.name.Start)
	}
	w.report(err)
	if w.cur == s {
		w.endSegment()
	}
}

// endSegment closes the open segment at the end of its last picture, or where
// the volume refused it.
func (w *Writer) endSegment() {
	s := w.cur
	w.cut(s, -1, false)
	if w.cur == nil {
		return // the volume refused that part, and this was called again
	}
	w.cur = nil
	w.finish(s, s.end)
	w.since = s.end
	w.miss(s.cause, s.end)
}

// endLate closes the segment that waited for late audio, if there is one.
// Where the volume refuses its last part, what is missing lies between it and
// its successor, whose header is written already.
func (w *Writer) endLate() {
	s := w.late
	if s == nil {
		return
	}
	w.late = nil
	w.cut(s, s.nextDTS, false)
	if s.cause == None {
		w.finish(s, s.closeAt)
		return
	}
	w.finish(s, s.end)
	from, to, cause := s.end, s.closeAt, s.cause
	w.blame(to, cause)
	w.events = append(w.events, func() { w.o.Gap(from, to, cause) })
}

// lose ends the open segment because what follows does not continue it.
func (w *Writer) lose(cause GapReason) {
	w.endLate()
	if w.cur != nil {
		w.endSegment()
	}
	w.miss(cause, w.since)
}

// miss notes why nothing is recorded from now on, UTC ms. The first reason
// counts.
func (w *Writer) miss(cause GapReason, from int64) {
	w.writing = 0
	if cause == None || w.missing != None {
		return
	}
	if w.since == 0 {
		w.since = from
	}
	w.missing = cause
}

// beginRun ends the run before, if that was not announced, and begins u's.
func (w *Writer) beginRun(u *media.AccessUnit) {
	if w.run != nil {
		cause := Camera
		if stepped(w.last, u) {
			cause = Clock
		}
		w.endRun(cause)
	}
	w.run, w.video, w.refused, w.number = u.Run, u.Run.Video(), false, 0
	if w.run == w.o.Run {
		w.number = w.o.Seq
	}
	w.counted = w.run
}

func (w *Writer) endRun(cause GapReason) {
	w.lose(cause)
	w.run, w.last = nil, nil
}

// stepped reports whether u, of another run, goes on where last was by the
// camera's clock, but not by ours.
func stepped(last, u *media.AccessUnit) bool {
	if last == nil {
		return false
	}
	passed := u.Run.Tracks[u.Track].Duration(u.DTS) - last.Run.Tracks[last.Track].Duration(last.DTS)
	off := u.Wall - last.Wall - passed.Microseconds()
	return passed > -holeLongest && passed < holeLongest && (off > clockStep || off < -clockStep)
}

// finish hands s to the volume to be closed at end.
func (w *Writer) finish(s *segment, end int64) {
	s.b.Discard() // audio without a picture after it
	w.closed.Add(1)
	s.file.Finish(end, func(n volume.Name, err error) {
		defer w.closed.Done()
		w.finished(s, n, err, end)
	})
}

// finished is called by the volume when s is closed, or cannot be. It must
// not take mu: Finish itself calls it when the volume is closed. What is
// missing from planned on was told already where the volume refused a part;
// what is missing before it nobody could know until now.
func (w *Writer) finished(s *segment, n volume.Name, err error, planned int64) {
	defer w.forget(s)
	switch {
	case errors.Is(err, volume.ErrClosed):
		w.log.Error("the volume closed before its writer; recovery will finish the segment", "segment", s.name.Path())
		_, kept := s.file.Durable()
		if kept = max(kept, s.name.Start); kept < planned {
			w.o.Gap(kept, planned, Disk)
		}
	case err != nil && planned > s.name.Start:
		w.blame(planned, Disk)
		w.o.Gap(s.name.Start, planned, Disk)
	case err == nil:
		f := w.factsOf(s)
		w.o.Closed(Closed{Name: n, Codec: f.Codec, Width: f.Width, Height: f.Height, Trusted: f.Trusted, Audio: f.Audio, Gap: f.Gap, Why: f.Why})
		if n.End() < planned {
			w.blame(planned, Disk)
			w.o.Gap(n.End(), planned, Disk)
		}
	}
}

// factsOf returns the facts of s as they are known by now.
func (w *Writer) factsOf(s *segment) Open {
	w.openMu.Lock()
	defer w.openMu.Unlock()
	return s.facts
}

// blame says why footage is missing that ends at planned, UTC ms: the segment
// that begins there will say so in the index. Where its file is begun already,
// its header does not.
func (w *Writer) blame(planned int64, cause GapReason) {
	w.openMu.Lock()
	defer w.openMu.Unlock()
	for _, o := range w.open {
		if o.name.Start >= planned {
			if o.facts.Gap == None {
				o.facts.Gap = cause
			}
			return
		}
	}
	w.owed = cause
}

// owes returns, once, why footage is missing before a segment that is about to
// begin, which nobody knew when the one before it ended.
func (w *Writer) owes() GapReason {
	w.openMu.Lock()
	defer w.openMu.Unlock()
	owed := w.owed
	w.owed = None
	return owed
}

// opened puts s on the list of open segments.
func (w *Writer) opened(s *segment) {
	w.openMu.Lock()
	w.open = append(w.open, s)
	w.openMu.Unlock()
	facts := s.facts
	w.events = append(w.events, func() { w.o.Opened(facts) })
}

// forget takes s off the list of open segments.
func (w *Writer) forget(s *segment) {
	_, end := s.file.Written()
	w.openMu.Lock()
	defer w.openMu.Unlock()
	w.segments++
	w.newest = max(w.newest, end)
	for i, o := range w.open {
		if o == s {
			w.open = append(w.open[:i:i], w.open[i+1:]...)
			return
		}
	}
}

func clamp16(n int) uint16 { return uint16(min(max(n, 0), 1<<16-1)) }

func reasonFor(err error) GapReason {
	if errors.Is(err, volume.ErrOverloaded) {
		return Overload
	}
	return Disk
}
