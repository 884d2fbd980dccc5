package main

import (
	"fmt"
	"os"
	"path/filepath"

	"vedette/bench/box"
	"vedette/recorder/fmp4"
)

// tally is what was recorded of cameras, and what they sent in that time.
type tally struct {
	segments, runs int
	due, there     int64 // pictures
}

func (t *tally) add(o tally) {
	t.segments, t.runs = t.segments+o.segments, t.runs+o.runs
	t.due, t.there = t.due+o.due, t.there+o.there
}

// span is a run's first and last moment on its time line, in ticks.
type span struct{ first, end int64 }

// pictureTicks is the distance of two pictures of the clip: 25 a second of a
// clock of 90 kHz.
const pictureTicks = 3600

// count compares the pictures in a camera's closed segments with the time from
// the first to the end of the last, run by run.
func count(dir string) (t tally, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.mp4"))
	if err != nil {
		return t, err
	}
	runs := map[uint64]span{}
	for _, name := range files {
		run, s, err := look(name)
		if err != nil {
			return t, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		if known, ok := runs[run]; ok {
			s = span{min(s.first, known.first), max(s.end, known.end)}
		}
		runs[run] = s
	}
	t.segments, t.runs = len(files), len(runs)
	for _, s := range runs {
		t.due += (s.end - s.first) / pictureTicks
	}
	footage, err := box.NewCounter(dir).Count()
	t.there = footage.Pictures
	return t, err
}

// look reads one segment and verifies its checksums.
func look(name string) (run uint64, s span, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, s, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, s, err
	}
	h, from, err := fmp4.ReadHeader(f, info.Size())
	if err != nil {
		return 0, s, err
	}
	s = span{h.FirstDTS, h.FirstDTS}
	good, err := fmp4.Scan(f, from, info.Size(), true, func(p fmp4.PartInfo) bool {
		s.end = h.FirstDTS + p.DTS + p.Duration
		return true
	})
	if err == nil && good != info.Size() {
		err = fmt.Errorf("only %d of %d bytes are whole", good, info.Size())
	}
	return h.Run, s, err
}
