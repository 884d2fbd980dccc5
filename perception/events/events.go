// Package events owns the event log: what happened on this box, in order,
// for people and for programs that follow along. Events are numbered, never
// changed, and kept in state.db until they are old or many.
//
// The package never decides what an event means, and Emit never waits for
// the disk: a recording must not stop because a log line is being written.
package events

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
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

// Rank orders severities: that of Info is the lowest, 0; what is none has it too.
func (s Severity) Rank() int { return max(0, slices.Index([]Severity{Info, Warning, Critical}, s)) }

// Filter selects events; the zero Filter selects all.
type Filter struct {
	// Types are the types to select; one that ends in * stands for all that
	// begin so. Empty = all.
	Types  []string
	Least  Severity // the lowest severity to select; "" = all
	Camera string
	// Keep, if not nil, is asked last and may refuse an event.
	Keep func(Event) bool
}

func (f Filter) match(e *Event) bool {
	return e.Severity.Rank() >= f.Least.Rank() && (f.Camera == "" || f.Camera == e.Camera) &&
		(len(f.Types) == 0 || slices.ContainsFunc(f.Types, func(t string) bool { return MatchType(t, e.Type) })) &&
		(f.Keep == nil || f.Keep(*e))
}

// MatchType reports whether pattern is the type, or ends in * and the type
// begins with what is before that.
func MatchType(pattern, eventType string) bool {
	if prefix, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(eventType, prefix)
	}
	return pattern == eventType
}

// ErrFull is returned by Append when the disk has taken nothing for so long
// that the buffer is full.
var ErrFull = errors.New("the event log takes no more until the disk does")

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
	pending   []record               // not on disk yet, ascending
	along     []func(*bolt.Tx) error // what is to be written with pending, in order
	durable   uint64                 // highest number on disk
	recent    []record               // the newest events, ascending; the longer of the two holds the other
	stored    int                    // rows on disk
	dropped   uint64
	followers map[string]uint64 // name: last number read
	ready     chan struct{}     // closed and replaced when events come, and when they last
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
	r := prepare(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) >= maxPending {
		l.dropped++
		l.kick()
		return 0
	}
	l.add([]record{r})
	return l.next - 1
}

// Append adds events and has along run in the transaction that makes them
// durable: either both are there after a power cut, or neither. Like Emit it
// does not wait for the disk, and readers see the events at once; Durable says
// how far they last. There may be no events, and along may be nil. What along does must fail only
// when the database does: then all of it is tried again. It returns ErrFull, and
// nothing is added, if the events have no room beside those that wait; where none do, there may
// be any number.
func (l *Log) Append(batch []Event, along func(tx *bolt.Tx) error) error {
	records := make([]record, len(batch))
	for i, e := range batch {
		records[i] = prepare(e)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.pending); n > 0 && n+len(batch) > maxPending || len(l.along) >= maxPending {
		l.kick()
		return ErrFull
	}
	if along != nil {
		l.along = append(l.along, along)
	}
	l.add(records)
	return nil
}

// prepare makes an event ready to be added, without its number.
func prepare(e Event) record {
	e = clean(e)
	raw := encodePayload(e.Payload)
	r := record{event: e, data: encode(e, raw)}
	// What readers get is what the disk will say, not the caller's map.
	r.event.Payload = decodePayload(raw)
	return r
}

// add gives records their numbers and shows them. l.mu is held.
func (l *Log) add(records []record) {
	if len(records) == 0 {
		return
	}
	urgent := false
	for _, r := range records {
		r.event.Seq = l.next
		l.next++
		l.pending = append(l.pending, r)
		l.recent = append(l.recent, r)
		urgent = urgent || r.event.Severity == Critical
	}
	if n := len(l.recent); n >= 2*maxRecent {
		l.recent = append(make([]record, 0, 2*maxRecent), l.recent[n-maxRecent:]...)
	}
	close(l.ready)
	l.ready = make(chan struct{})
	if urgent || len(l.pending) >= maxPending/2 {
		l.kick()
	}
}

// Durable returns the highest number that a power cut does not take any more,
// or 0. Whoever acts on events outside of this box reads no further, or it may
// act on one that is there no more after a power cut, and again on the one that
// takes its place.
func (l *Log) Durable() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable
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
