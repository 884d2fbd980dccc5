package detections

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Options bound a log. Every zero value means the default.
type Options struct {
	QueueBatches int           // waiting for the disk before Append refuses; default 4096
	QueueBytes   int           // the same in bytes of their records; default 8 MiB
	CommitEvery  time.Duration // least time from one commit to the next; default 30 ms
	MaxBytes     int64         // of all chunks; the oldest goes when there would be more; default 2 GiB
	ChunkBytes   int64         // of one chunk; default 1/256 of MaxBytes, from 4 to 64 MiB
	ChunkAge     time.Duration // after which a chunk is closed, however small; default 6 h
	Now          func() time.Time
	Log          *slog.Logger
	// Dropped, if not nil, is told of batches first to last that went because of
	// their age or of MaxBytes (why: "age", "size"), from one goroutine at a
	// time; it must not call the log. Numbers up to Keep are left out.
	Dropped func(first, last uint64, why string)
	// Keep, if not nil, returns the number up to which all that matters was
	// acknowledged. Nothing is kept because of it.
	Keep func() uint64
}

// memory is what the filters of all closed chunks take at most, in bytes.
const memory = 8 << 20

func (o Options) withDefaults() Options {
	if o.QueueBatches <= 0 {
		o.QueueBatches = 4096
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = 8 << 20
	}
	if o.CommitEvery <= 0 {
		o.CommitEvery = 30 * time.Millisecond
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.ChunkBytes <= 0 {
		o.ChunkBytes = min(max(o.MaxBytes/256, 4<<20), 64<<20)
	}
	o.ChunkBytes = min(max(o.ChunkBytes, 4<<10), 1<<31)
	if o.ChunkAge <= 0 {
		o.ChunkAge = 6 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Log is the log of detections. All methods may be called concurrently; they
// work while Attach runs.
type Log struct {
	o     Options
	kick  chan struct{} // something waits in the queue
	prune chan prune
	scan  int64 // bytes of records that one Query reads at most

	mu      sync.Mutex
	store   *store // nil: nothing is attached
	taken   bool   // an Attach runs, even if it is still opening
	queue   []*waiting
	bytes   int           // of the queue
	changed chan struct{} // closed and replaced when there is something new to see
	count   Counts
}

// Counts are what a log did since it was made.
type Counts struct {
	Batches, Detections uint64 // made durable
	Duplicates          uint64
	Refused             uint64 // because the queue was full
	Failed              uint64 // because the disk did not take them
	Commits             uint64
}

// waiting is a batch that waits for the disk.
type waiting struct {
	head    head   // of the batch, with the keys it is found by
	n       int    // detections
	payload []byte // all of it, encoded
	sum     uint32 // CRC of payload
	print   uint64 // fingerprint of the frame, if it has an id
	twin    *waiting

	seq       uint64
	duplicate bool
	err       error
	done      chan struct{} // closed when the three above hold
}

// New returns a log that has no disk yet.
func New(o Options) *Log {
	return &Log{
		o: o.withDefaults(), kick: make(chan struct{}, 1), prune: make(chan prune), scan: scanBytes, changed: make(chan struct{}),
	}
}

// Append adds b and returns its number once it is durable, or the number of the
// batch that already reports this frame and true. It keeps no reference to b.
//
// ErrAway, ErrFull and ErrTooLarge are returned at once. Any other error leaves
// open whether the batch will be there; it may be appended again. If ctx is done
// Append returns its cause; the batch stays in the queue.
func (l *Log) Append(ctx context.Context, b Batch) (seq uint64, duplicate bool, err error) {
	if err := context.Cause(ctx); err != nil {
		return 0, false, err
	}
	if b.Received.IsZero() {
		b.Received = l.o.Now()
	}
	if b.Time.IsZero() {
		b.Time = b.Received
	}
	w, err := wait(&b)
	if err != nil {
		return 0, false, err
	}
	if err := l.enqueue(w); err != nil {
		return 0, false, err
	}
	select {
	case <-w.done:
		return w.seq, w.duplicate, w.err
	case <-ctx.Done():
		return 0, false, context.Cause(ctx)
	}
}

func (l *Log) enqueue(w *waiting) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store == nil {
		return ErrAway
	}
	if int64(recordBytes(w)) > l.store.room() {
		return ErrTooLarge
	}
	// A batch that is larger than the bound must have its turn too.
	if n := len(l.queue); n >= l.o.QueueBatches || n > 0 && l.bytes+len(w.payload) > l.o.QueueBytes {
		l.count.Refused++
		return ErrFull
	}
	l.queue = append(l.queue, w)
	l.bytes += len(w.payload)
	select {
	case l.kick <- struct{}{}:
	default: // Attach is being told already
	}
	return nil
}

// take empties the queue.
func (l *Log) take() []*waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	group := l.queue
	l.queue, l.bytes = nil, 0
	return group
}

// Changed returns a channel that is closed when there are batches, or is a
// disk, that were not there at the time of the call, or the disk is gone.
// Ask for it before looking.
func (l *Log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// announce tells those that wait for Changed. The caller holds l.mu.
func (l *Log) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Counts returns what the log did so far.
func (l *Log) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// Bounds say what there is; the zero Bounds while nothing is attached.
type Bounds struct {
	StoreID     string // 32 hexadecimal digits
	First, Last uint64 // numbers of the oldest and newest batch; 0 if there is none
	Bytes       int64  // of all chunks, what is preallocated included
	Oldest      time.Time
}

// Bounds returns what there is.
func (l *Log) Bounds() Bounds {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store == nil {
		return Bounds{}
	}
	b := Bounds{StoreID: l.store.id.String(), Bytes: l.store.bytes()}
	for _, c := range l.store.chunks {
		if c.rows == 0 {
			continue
		}
		if b.First == 0 {
			b.First, b.Oldest = c.first, time.UnixMilli(c.received[0]).UTC()
		}
		b.Last = c.last
	}
	return b
}

// StoreID returns the id of the attached store, or "". A cursor means something
// in the store that it comes from alone.
func (l *Log) StoreID() string { return l.Bounds().StoreID }
