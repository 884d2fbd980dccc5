// Package audit owns the record of what people and machines did to the box: who,
// what, when, from where, and with what result. Entries are only added, each with
// a hash over the one before it, so that a changed, missing or inserted one shows;
// they go by age alone, the oldest first.
//
// It must never hold a secret, let a text break a line of what is exported, or
// keep whoever is audited waiting for the disk. The format is described in
// docs/format/audit.md.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
)

// Result is how a deed ended.
type Result string

// The results.
const (
	OK     Result = "ok"
	Denied Result = "denied"
	Failed Result = "failed"
)

// Entry is one deed.
type Entry struct {
	Seq     uint64    // given by the log: 1, 2, 3 … without gaps
	Time    time.Time // UTC; the log sets it if it is zero
	Actor   string    // a user, the name of an API key, or "box"
	Role    string
	Via     string // the session, "key:" and an id, "box" or "command"
	Address string // of the connection; its port is left out
	Action  string // lower case words with dots: camera.update
	Target  string
	Camera  string
	Result  Result // OK if empty
	// Detail is what else there is to say. Values of keys that sound like
	// secrets are masked, all texts are cut to 256 bytes.
	Detail map[string]string
	// Sync has Append return once the entry is durable: for deeds after which
	// there may be no next second. It is not kept.
	Sync bool
}

// Options tune a Log. Every zero value means the default.
type Options struct {
	MaxCount int              // entries kept; default 200,000
	Now      func() time.Time // default time.Now
	// Broken is told by Open of a record that does not fit together, and where.
	Broken func(seq uint64, reason string)
	Log    *slog.Logger
}

const (
	actionBroken = "audit.broken"

	commitEvery = time.Second
	headEvery   = time.Hour // how often the head is written to the process's log
	maxPending  = 2048      // entries waiting for the disk before new ones are counted alone
)

// ErrFull says that the disk has taken nothing for so long that entries are
// lost. The first one after that tells how many.
var ErrFull = errors.New("audit: too many entries wait for the disk")

// Log is the record. All methods may be called concurrently.
type Log struct {
	db *storm.DB
	o  Options

	commit sync.Mutex // one committer at a time

	mu      sync.Mutex
	head    link  // of the newest entry, pending ones included
	pending []row // not on disk yet, ascending
	stored  int   // rows on disk
	lost    int   // entries refused since the last one that was taken
	flood   flood
}

// link is a place in the chain.
type link struct {
	Seq  uint64
	Hash [sha256.Size]byte
}

// Open returns the record kept in db, which stays the caller's to close after
// Run has returned. A record that does not fit together is told, gets an entry
// that says so, and goes on.
func Open(db *storm.DB, o Options) (*Log, error) {
	if o.MaxCount <= 0 {
		o.MaxCount = 200_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := &Log{db: db, o: o, flood: flood{lanes: map[string]*lane{}}}
	broken, err := l.load()
	if err != nil {
		return nil, fmt.Errorf("open audit: %w", err)
	}
	if len(broken) > 0 {
		first := broken[0]
		l.o.Log.Error("the audit was changed from outside", "seq", first.seq, "reason", first.reason, "places", len(broken))
		if o.Broken != nil {
			o.Broken(first.seq, first.reason)
		}
		err = l.Append(Entry{Actor: "box", Via: "box", Action: actionBroken, Result: Failed,
			Detail: map[string]string{"at": places(broken), "reason": first.reason}})
	}
	return l, err
}

// Append adds e. It is visible at once, and durable within a second of Run, or
// when Append returns if e.Sync is set.
//
// Of many alike within a minute the first thirty are kept, and then one that
// tells how many more there were: alike are refusals of the same kind, actor and
// address, and deeds that do the same to the same. Of all refusals within an
// hour a thousand are kept; the rest is counted by their kind.
//
// It returns ErrFull if e is lost.
func (l *Log) Append(e Entry) error {
	e = clean(e)
	if e.Time.IsZero() {
		e.Time = l.o.Now()
	}
	err := l.take(e)
	if err == nil && e.Sync {
		return l.Flush()
	}
	return err
}

func (l *Log) take(e Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !e.Sync && !l.flood.admit(e, time.Now()) {
		return nil
	}
	return l.append(e)
}

// append chains e to the rest. The caller holds mu.
func (l *Log) append(e Entry) error {
	if len(l.pending) >= maxPending {
		l.lost++
		return ErrFull
	}
	if n := l.lost; n > 0 {
		l.lost = 0
		if err := l.append(Entry{Time: e.Time, Actor: "box", Via: "box", Action: "audit.lost", Result: Failed,
			Detail: map[string]string{"entries": fmt.Sprint(n)}}); err != nil {
			return err
		}
		if len(l.pending) >= maxPending { // there was room for that one alone
			l.lost++
			return ErrFull
		}
	}
	e.Seq = l.head.Seq + 1
	data, err := json.Marshal(wire(e))
	if err != nil {
		return fmt.Errorf("audit %s: %w", e.Action, err) // strings alone: cannot happen
	}
	l.head = link{e.Seq, chain(l.head.Hash, e.Seq, data)}
	l.pending = append(l.pending, row{l.head, data})
	return nil
}

// Run makes entries durable, once a second, until ctx is done; then it does so
// once more and returns ctx's cause.
func (l *Log) Run(ctx context.Context) error {
	commit, head := time.NewTicker(commitEvery), time.NewTicker(headEvery)
	defer commit.Stop()
	defer head.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			l.fold(true)
			err := l.Flush()
			l.tellHead()
			if err != nil {
				return err
			}
			return context.Cause(ctx)
		case <-head.C:
			l.tellHead()
		case <-commit.C:
			l.fold(false)
			err := l.Flush()
			if err != nil && !failing {
				l.o.Log.Error("audit", "err", err)
			}
			failing = err != nil
		}
	}
}

// fold writes down what a flood was counted as, once it is over, or at once.
func (l *Log) fold(all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.flood.over(time.Now(), all) {
		e.Time = l.o.Now()
		_ = l.append(e) // what does not fit is counted as lost
	}
}

// tellHead leaves the head where a person with the database alone cannot change
// it: in the log of the process.
func (l *Log) tellHead() {
	l.mu.Lock()
	head := l.head
	l.mu.Unlock()
	if head.Seq > 0 {
		l.o.Log.Info("audit head", "seq", head.Seq, "sha256", hex.EncodeToString(head.Hash[:]))
	}
}
