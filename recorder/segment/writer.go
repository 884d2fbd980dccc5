// Package segment turns the access units of one camera into segment files. It
// owns when a part ends, when a file ends, and what is said about footage
// that is missing. It does no I/O of its own: it fills parts and hands them to
// the volume, which never makes it wait.
//
// It must never hold up the hub, and never let a sick disk or a strange camera
// end recording: it loses what it must, says so, and goes on at the next key
// frame.
package segment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"sync"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

// Volume is the part of a volume.Volume that a Writer uses.
type Volume interface {
	Create(n volume.Name, head []byte, expect int64) (*volume.File, error)
	OnCycle(f func()) (remove func())
	Hurry()
	Busy(camera string) bool
}

// Options of a Writer. Camera, Hub and Volume are required.
//
// The callbacks are called by the goroutine of Run or by the volume's writer,
// perhaps by both at once, without locks held: they may call State and Open,
// and must not block.
type Options struct {
	Camera string
	Hub    *hub.Hub
	Volume Volume

	// Target is how long a segment should be; it ends at the first key frame
	// after it. 0 means 60 s.
	Target time.Duration
	// Longest is when a segment ends although no key frame came: the next one
	// then begins in the middle of a group of pictures, and decoding it needs
	// the one before. 0 means ten targets.
	Longest time.Duration
	// LongestBytes does the same by size. 0 means 1 GiB.
	LongestBytes int64
	// Ordinal counts the cameras of a volume. Segments of different ordinals
	// end at different moments, as far apart as can be.
	Ordinal int
	// Primed has the writer begin with the key frame in the hub's cache, and
	// Past this much before it, as far as the pre-roll reaches: for a writer
	// that goes on for another, or was asked for a moment too late.
	Primed bool
	Past   time.Duration
	// Run and Seq go on counting for the writer before: the first segment of that
	// run has this number, so no two on a volume have one name. See State.
	Run *media.Run
	Seq uint32
	// From is where the writer before ended if it ended with a key frame of Run:
	// the DTS of that. What lies before is on the volume already. 0 = it did not.
	From int64
	// Why is what is recorded for; see SetWhy.
	Why Why
	// QueueBytes bounds the hub's queue for this writer. 0 is the hub's default.
	QueueBytes int
	// Batch is how long units wait together before they are looked at. 0 means
	// 250 ms: four wake-ups a second however many units there are.
	Batch time.Duration

	// LastEnd is where the newest known footage of the camera ends, UTC ms, 0
	// if there is none; Missing says why nothing was recorded since.
	LastEnd int64
	Missing GapReason

	// What happens is told as it does. Closed and Gap may be called while the
	// writer is locked: whoever calls the writer under a lock of their own must
	// not take that one in them.
	Opened func(Open)                              // a segment's file has been begun
	Closed func(Closed)                            // a segment is whole, durable and named: it may get its row
	Gap    func(start, end int64, cause GapReason) // UTC ms: footage between them is missing

	Log *slog.Logger     // nil means slog.Default
	Now func() time.Time // for backoff alone; nil means time.Now
}

// Open describes a segment that is being written, or waits to be closed.
type Open struct {
	Name          volume.Name // with Open set: names the file
	End           int64       // UTC ms: footage up to here can be read
	Bytes         int64       // and is in so many bytes
	Run           uint64
	Codec         media.Codec
	Width, Height uint16
	Trusted       bool
	Audio         bool
	Gap           GapReason // why footage is missing before it
	Why           Why       // what it is recorded for
}

// Closed describes a segment that is closed.
type Closed struct {
	Name          volume.Name
	Codec         media.Codec
	Width, Height uint16
	Trusted       bool // the wall clock was trusted when its run began
	Audio         bool
	Gap           GapReason // why footage is missing before it
	Why           Why       // what it was recorded for
}

// State is what a Writer is doing.
type State struct {
	Writing    bool        // footage of an open segment has reached the volume
	Since      int64       // UTC ms: recording without a gap since; 0 when not writing
	LastSample int64       // UTC ms: end of the newest footage handed to the kernel, 0 if none
	Bytes      int64       // appended since Run began
	Segments   int64       // closed since Run began
	Dropped    uint64      // units lost to a full queue since Run began
	Missing    GapReason   // why nothing is being written, if so
	MissingAt  int64       // UTC ms: since when
	Err        error       // the last error of the volume; nil once footage is written again
	Run        *media.Run  // under way
	Counted    *media.Run  // the newest one, over or not; nil = there was none
	Seq        uint32      // number that the next segment of Counted would have
	From       int64       // DTS in Counted of the key frame that Finish ended with; 0 if it did not
	Current    volume.Name // the open segment, if Writing
}

// Part limits: media time, and bytes.
const (
	partLongest  = time.Second
	partBytes    = 3 << 19                // in which a part ends though it is short: 12 Mb/s and more
	partShortest = 300 * time.Millisecond // for a cut at a key frame
)

const (
	// holeLongest is a pause between two pictures after which they are no
	// longer one segment.
	holeLongest = 10 * time.Second
	// gapShortest is the shortest absence of footage that counts, in ms. A
	// change of parameters costs a few frames, which nobody misses.
	gapShortest = 500
	// lateLongest is how long a segment that ended waits for audio that came
	// after the pictures it belongs to.
	lateLongest = 500 * time.Millisecond
	// clockStep is how far the wall clock of a new run may stand from where
	// the run before would have it, in µs.
	clockStep = 500_000

	// firstExpect is how large the first segment of a writer is taken to be, in
	// bytes: preallocated in small steps the extents of many cameras interleave,
	// and each file needs a block more for the list of them.
	firstExpect = 24 << 20

	// steady is how much footage, in ms, must have passed since a failure
	// before it counts as over.
	steady = 2000

	retryFirst = 250 * time.Millisecond
	retryMost  = 2 * time.Second

	// drainLimit is how long the end of Run waits for the volume.
	drainLimit = 10 * time.Second
)

// Writer records one stream. Run is called once; the other methods may be
// called concurrently.
type Writer struct {
	o      Options
	log    *slog.Logger
	reader *hub.Reader
	closed sync.WaitGroup // segments whose Finish has not reported

	mu      sync.Mutex // everything below; taken by Run and by the sync cycle
	events  []func()   // to be called once mu is free
	items   []hub.Item
	dropped uint64 // by the hub
	run     *media.Run
	video   int         // index of the run's video track
	refused bool        // the run cannot be written at all
	counted *media.Run  // the newest run
	number  uint32      // of its next segment
	begun   volume.Name // of the newest segment
	cur     *segment    // being filled
	late    *segment    // ended, waits for late audio
	last    *media.AccessUnit
	missing GapReason
	since   int64 // of missing, UTC ms; 0 = unknown
	writing int64 // start of recording without a gap, UTC ms
	retry   time.Time
	backoff time.Duration
	expect  int64 // size of the segment before
	bytes   int64
	err     error
	why     Why
	from    int64

	backlog   []hub.Item    // of items, still to be looked at
	catching  bool          // it began in the past, and has not caught up yet
	finishing bool          // Run ends with the next key frame, once nothing waits
	ending    bool          // … of those that come
	over      bool          // it has
	ended     chan struct{} // closed when over

	openMu   sync.Mutex
	open     []*segment // not closed yet, oldest first; guards their facts too
	owed     GapReason  // why what ended last was lost, if no segment says so yet
	segments int64
	newest   int64 // LastSample of segments that are closed
}

// New returns a Writer. It starts nothing.
func New(o Options) *Writer {
	if o.Target == 0 {
		o.Target = time.Minute
	}
	if o.Longest == 0 {
		o.Longest = 10 * o.Target
	}
	if o.LongestBytes == 0 {
		o.LongestBytes = 1 << 30
	}
	if o.Batch == 0 {
		o.Batch = 250 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Opened == nil {
		o.Opened = func(Open) {}
	}
	if o.Closed == nil {
		o.Closed = func(Closed) {}
	}
	if o.Gap == nil {
		o.Gap = func(int64, int64, GapReason) {}
	}
	return &Writer{o: o, log: o.Log.With("camera", o.Camera), missing: o.Missing, since: o.LastEnd, why: o.Why, catching: o.Past > 0, ended: make(chan struct{})}
}

// Run records until ctx is done or it was told to finish, ends the open
// segment, waits until the volume has closed it (at most 10 s), and returns
// ctx's error, if there is one. The volume must run longer than its writers.
func (w *Writer) Run(ctx context.Context) error {
	w.subscribe()
	defer w.reader.Close()
	remove := w.o.Volume.OnCycle(w.handOver)
	pause := time.NewTimer(w.o.Batch)
	defer pause.Stop()
	now := make(chan struct{})
	close(now)
	for running := true; running && ctx.Err() == nil; {
		var ready <-chan struct{} = w.reader.Ready()
		if w.behind() {
			ready = now
		}
		select {
		case <-ctx.Done():
		case <-w.ended:
			running = false
		case <-ready:
			w.drain()
			// All writers wake up at the same moments: one for all costs less.
			pause.Reset(w.o.Batch - time.Duration(time.Now().UnixNano())%w.o.Batch)
			select {
			case <-ctx.Done():
			case <-w.ended:
			case <-pause.C:
			}
		}
	}
	remove()
	w.stop()
	return context.Cause(ctx)
}

// subscribe begins to read the hub.
func (w *Writer) subscribe() {
	w.mu.Lock()
	defer w.unlock()
	w.reader = w.o.Hub.Subscribe(hub.ReaderOptions{QueueBytes: w.o.QueueBytes, Overflow: hub.KeepOldest, Primed: w.o.Primed, Past: w.o.Past})
	if w.finishing {
		w.take(false)
	}
}

// stop ends everything that is open and waits for it.
func (w *Writer) stop() {
	w.mu.Lock()
	w.take(true)
	w.endRun(Disabled)
	w.unlock()
	w.o.Volume.Hurry()
	done := make(chan struct{})
	go func() { w.closed.Wait(); close(done) }()
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		w.log.Error("volume did not close the last segment in time; recovery will")
	}
}

// drain looks at what the hub has.
func (w *Writer) drain() {
	w.mu.Lock()
	defer w.unlock()
	w.take(false)
}

// handOver is called at the beginning of a sync cycle: whatever came up to
// now goes to the volume.
func (w *Writer) handOver() {
	w.mu.Lock()
	defer w.unlock()
	w.take(false)
	w.endLate()
	if w.cur != nil {
		w.cut(w.cur, -1, true)
	}
}

// unlock frees mu and calls back what happened meanwhile.
func (w *Writer) unlock() {
	events := w.events
	w.events = nil
	w.mu.Unlock()
	for _, call := range events {
		call()
	}
}

// State returns what the writer is doing.
func (w *Writer) State() State {
	w.mu.Lock()
	s := State{Bytes: w.bytes, Dropped: w.dropped, Missing: w.missing, MissingAt: w.since, Err: w.err, Run: w.run,
		Counted: w.counted, Seq: w.number, From: w.from}
	cur, since := w.cur, w.writing
	w.mu.Unlock()
	if cur != nil {
		s.Missing, s.MissingAt = None, 0
		// A segment that goes on from the one before is recording from its
		// first moment on, though its first part is still to come.
		goesOn := since != 0 && since < cur.name.Start
		if _, end := cur.file.Written(); (end > 0 || goesOn) && cur.file.Err() == nil {
			s.Writing, s.Since, s.Current = true, since, cur.name
		}
	}
	w.openMu.Lock()
	defer w.openMu.Unlock()
	s.Segments, s.LastSample = w.segments, w.newest
	for _, o := range w.open {
		if _, end := o.file.Written(); end > s.LastSample {
			s.LastSample = end
		}
	}
	return s
}

// Open returns the segments that are not closed yet, oldest first: the one
// being written, and those whose last sync is still to come. Between the
// rename of a file and its removal from this list it can be opened under its
// closed name alone.
func (w *Writer) Open() []Open {
	w.openMu.Lock()
	defer w.openMu.Unlock()
	var list []Open
	for _, s := range w.open {
		o := s.facts
		if o.Bytes, o.End = s.file.Written(); o.End > 0 {
			list = append(list, o)
		}
	}
	return list
}

// phase spreads ordinals over [0, 1) as evenly as can be, whatever their
// number: 0, 1/2, 1/4, 3/4, 1/8 …
func phase(ordinal int) float64 {
	return float64(bits.Reverse32(uint32(ordinal))) / (1 << 32)
}

// rotateAt returns when, in UTC µs, a segment that starts at start should
// end: on the camera's own grid, so that cameras stay apart whenever each of
// them began, and a half to one and a half targets long.
func (w *Writer) rotateAt(start int64) int64 {
	target := w.o.Target.Microseconds()
	offset := int64(phase(w.o.Ordinal) * float64(target))
	at := start - floorMod(start-offset, target) + target
	if at-start < target/2 {
		at += target
	}
	return at
}

func floorMod(a, b int64) int64 { return ((a % b) + b) % b }

// report notes an error of the volume. mu is held.
func (w *Writer) report(err error) {
	w.backoff = min(max(2*w.backoff, retryFirst), retryMost)
	w.retry = w.o.Now().Add(w.backoff)
	if w.err == nil && !errors.Is(err, volume.ErrClosed) {
		w.log.Warn("recording interrupted", "err", fmt.Errorf("write segment: %w", err))
	}
	w.err = err
}

// resting reports whether the volume refused something a moment ago. A clock
// that stepped meanwhile does not make it longer.
func (w *Writer) resting() bool {
	left := w.retry.Sub(w.o.Now())
	return left > 0 && left <= retryMost
}
