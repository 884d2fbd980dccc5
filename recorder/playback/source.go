package playback

import (
	"context"
	"errors"
	"io"
	"time"

	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// Errors a caller may test for.
var (
	// ErrNoFootage says that there is nothing to hand out in the range.
	ErrNoFootage = errors.New("no footage there")
	// ErrTooLong says that more was asked for than is made at once.
	ErrTooLong = errors.New("range is too long")
	// ErrRange says that a range ends before it begins.
	ErrRange = errors.New("range is empty")
)

// Row describes one segment, closed or open.
type Row struct {
	ID     string // stays the same from open to closed; unique over all cameras together with Camera
	Volume string // id of the volume that it is on
	Camera string
	Start  int64 // UTC ms
	End    int64 // UTC ms; of the open segment, how far it can be read
	Bytes  int64 // of the open segment, how many can be read
	Seq    uint32
	// Codec, Width and Height describe the video; zero if the index does not
	// know them.
	Codec         media.Codec
	Width, Height int
	Gap           segment.GapReason // why footage is missing before it
	Open          bool              // still being written
	Held          bool              // evidence
	// Why is what it was recorded for: schedule, event, manual; empty: it is
	// recorded all the time, or that is not known.
	Why string
}

// Source is what playback needs of the rest of the recorder. Its methods are
// called concurrently.
type Source interface {
	// Rows returns the segments of camera that overlap [from, to), ascending
	// by start, the open one last.
	Rows(ctx context.Context, camera string, from, to int64) ([]Row, error)
	// Next returns the first segment that begins at or after t, if any.
	Next(ctx context.Context, camera string, t int64) (r Row, ok bool, err error)
	// First returns when the oldest footage of camera begins, if there is
	// any.
	First(ctx context.Context, camera string) (start int64, ok bool, err error)
	// Missing returns why nothing of camera is recorded at present; ok is
	// false if it is being recorded.
	Missing(camera string) (why segment.GapReason, ok bool)
	// Lease keeps r from being deleted until release is called.
	Lease(r Row) (release func())
	// Open opens the file of r, which may have been closed and renamed since
	// the row was read.
	Open(r Row) (File, error)
	// Unreadable is told that the file of r cannot be read, or not to its end.
	// It reports whether that is news: Rows may then answer otherwise, with a
	// copy on another volume.
	Unreadable(r Row) (again bool)
	// Now is the wall clock.
	Now() time.Time
}

// File is an open segment file.
type File interface {
	io.ReaderAt
	io.Closer
}

// Span is a stretch of time, [Start, End).
type Span struct{ Start, End int64 }

// Gap is a stretch for which footage should exist and does not.
type Gap struct {
	Span
	Reason segment.GapReason
}

// gapShortest is the shortest hole between two segments that is a gap, in
// ms. Smaller ones are a change of parameters, which nobody misses.
const gapShortest = 500

// Library hands out footage. All methods may be called concurrently.
type Library struct {
	src   Source
	cache *cache
}

// New returns a library of what src has. It starts nothing and holds no
// files.
func New(src Source) *Library { return &Library{src: src, cache: newCache(cacheSegments)} }
