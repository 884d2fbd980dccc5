// Package events owns the event log: what happened on this box, in order,
// for people and for programs that follow along. Events are numbered, never
// changed, and kept in state.db until they are old or many.
//
// The package never decides what an event means, and Emit never waits for
// the disk: a recording must not stop because a log line is being written.
package events

import (
	"encoding/json"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
)

// Severity says how much an event matters to a person.
type Severity string

// The severities, in ascending order.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

func (s Severity) valid() bool { return s == Info || s == Warning || s == Critical }

// Event is one entry of the log.
type Event struct {
	// Seq is given by the log. Numbers ascend in the order of Emit; they skip
	// some after every start, so that a number a reader saw before a power
	// cut never comes again for another event.
	Seq      uint64
	Time     time.Time // UTC; the log sets it if it is zero
	Type     string    // lower case with underscores: camera_offline
	Severity Severity  // Info if empty or not known
	Camera   string    // id of the camera it is about, or empty
	// Payload holds what else there is to say. It must marshal to JSON; a
	// payload that does not, or that is longer than 4 KiB, is replaced by
	// {"omitted": reason}. The log keeps no reference to the map.
	Payload map[string]any
}

// Filter selects events; the zero Filter selects all.
type Filter struct {
	Type   string
	Camera string
	// Keep, if not nil, is asked last and may refuse an event.
	Keep func(Event) bool
}

func (f Filter) match(e *Event) bool {
	return (f.Type == "" || f.Type == e.Type) && (f.Camera == "" || f.Camera == e.Camera) &&
		(f.Keep == nil || f.Keep(*e))
}

// Options bounds the log. Every zero value means the default.
type Options struct {
	MaxCount int // events kept; default 20,000; what is old goes by PruneBefore
	// CommitEvery is how long an ordinary event may wait for the disk;
	// default 1 s. Critical events do not wait.
	CommitEvery time.Duration
	Log         *slog.Logger
}

const (
	maxPending   = 1024    // events waiting for the disk before new ones are refused
	maxRecent    = 256     // events kept in memory, at least, for those who follow closely
	startSkip    = 1 << 16 // numbers left out at a start; more than can ever be lost
	maxPayload   = 4 << 10 // bytes of JSON
	pruneEvery   = 10 * time.Minute
	pruneBatch   = 256 // rows removed in one transaction
	scanBatch    = 512 // rows decoded in one read transaction
	maxTypeBytes = 64
)

// Log is the event log. All methods may be called concurrently.
type Log struct {
	db  *storm.DB
	o   Options
	log *slog.Logger

	wake     chan struct{} // one event should be committed now
	commitMu sync.Mutex    // one committer at a time

	mu        sync.Mutex
	next      uint64
	pending   []record // not on disk yet, ascending
	recent    []record // the newest events, ascending; the longer of the two holds the other
	stored    int      // rows on disk
	dropped   uint64
	followers map[string]uint64 // name: last number read
	ready     chan struct{}     // closed and replaced at every Emit
}

// record is an event together with its bytes on disk.
type record struct {
	event Event
	data  []byte
}

// Open returns the log kept in db, which stays the caller's to close after
// the log's Run has returned.
func Open(db *storm.DB, o Options) (*Log, error) {
	if o.MaxCount <= 0 {
		o.MaxCount = 20_000
	}
	if o.CommitEvery <= 0 {
		o.CommitEvery = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := &Log{db: db, o: o, log: o.Log, wake: make(chan struct{}, 1), followers: map[string]uint64{}, ready: make(chan struct{}), next: 1}
	if err := l.load(); err != nil {
		return nil, err
	}
	return l, nil
}

// Emit adds e and returns its number. It does not wait for the disk; the
// event is visible to readers at once. It returns 0 if the event was dropped
// because the disk has taken nothing for so long that the buffer is full.
func (l *Log) Emit(e Event) uint64 {
	e = clean(e)
	raw := encodePayload(e.Payload)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) >= maxPending {
		l.dropped++
		l.kick()
		return 0
	}
	e.Seq = l.next
	l.next++
	r := record{event: e, data: encode(e, raw)}
	// What readers get is what the disk will say, not the caller's map.
	r.event.Payload = decodePayload(raw)
	l.pending = append(l.pending, r)
	l.recent = append(l.recent, r)
	if n := len(l.recent); n >= 2*maxRecent {
		l.recent = append(make([]record, 0, 2*maxRecent), l.recent[n-maxRecent:]...)
	}
	close(l.ready)
	l.ready = make(chan struct{})
	if e.Severity == Critical || len(l.pending) >= maxPending/2 {
		l.kick()
	}
	return e.Seq
}

// Dropped returns how many events were refused because the buffer was full.
func (l *Log) Dropped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}

func (l *Log) kick() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// clean makes e fit to be stored and shown, whatever the caller said.
func clean(e Event) Event {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC().Truncate(time.Millisecond)
	if !e.Severity.valid() {
		e.Severity = Info
	}
	if len(e.Type) > maxTypeBytes {
		e.Type = e.Type[:maxTypeBytes]
	}
	if e.Type == "" {
		e.Type = "unnamed"
	}
	e.Payload = maps.Clone(e.Payload)
	return e
}

func encodePayload(p map[string]any) json.RawMessage {
	if len(p) == 0 {
		return nil
	}
	raw, err := json.Marshal(p)
	switch {
	case err != nil:
		return json.RawMessage(`{"omitted":"not JSON"}`)
	case len(raw) > maxPayload:
		return json.RawMessage(`{"omitted":"too long"}`)
	}
	return raw
}

func decodePayload(raw json.RawMessage) map[string]any {
	var p map[string]any
	// A payload that cannot be read is shown as none: the event itself
	// still says what happened.
	_ = json.Unmarshal(raw, &p)
	return p
}
