package events

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"

	bolt "go.etcd.io/bbolt"
)

// bucket is the name of the log's bucket in state.db. Its keys are sequence
// numbers as eight big-endian bytes, so that a cursor walks in order; its
// values are rows.
const bucket = "events"

// plausible is 2020-01-01 in UTC ms. An event with an earlier time was
// stamped by a clock that had not been set: its age is not known.
const plausible = 1577836800000

// row is an event on disk. The short names keep the log small.
type row struct {
	Time     int64           `json:"t"` // UTC ms
	Type     string          `json:"y"`
	Severity Severity        `json:"s"`
	Camera   string          `json:"c,omitempty"`
	Payload  json.RawMessage `json:"p,omitempty"`
}

func encode(e Event, payload json.RawMessage) []byte {
	data, err := json.Marshal(row{e.Time.UnixMilli(), e.Type, e.Severity, e.Camera, payload})
	if err != nil {
		// Strings and a payload that was valid JSON before: cannot happen.
		data = []byte(`{"y":"unnamed","s":"info"}`)
	}
	return data
}

// decode returns false for a row that cannot be read; such rows are passed
// over and go when their time comes.
func decode(key, value []byte) (Event, bool) {
	var r row
	if len(key) != 8 || json.Unmarshal(value, &r) != nil || !r.Severity.valid() {
		return Event{}, false
	}
	return Event{
		Seq: binary.BigEndian.Uint64(key), Time: time.UnixMilli(r.Time).UTC(),
		Type: r.Type, Severity: r.Severity, Camera: r.Camera, Payload: decodePayload(r.Payload),
	}, true
}

func key(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// view walks the log's bucket in a read transaction; fn is not called if
// nothing was ever stored. The cursor also meets storm's own bucket of
// metadata, whose value is nil.
func (l *Log) view(fn func(c *bolt.Cursor)) error {
	return l.db.Bolt.View(func(tx *bolt.Tx) error {
		if b := l.db.GetBucket(tx, bucket); b != nil {
			fn(b.Cursor())
		}
		return nil
	})
}

// load counts the rows and finds where the numbers go on.
func (l *Log) load() error {
	err := l.view(func(c *bolt.Cursor) {
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if v == nil || len(k) != 8 {
				continue
			}
			l.stored++
			l.durable = binary.BigEndian.Uint64(k)
			l.next = l.durable + startSkip
		}
	})
	if err != nil {
		return fmt.Errorf("open event log: %w", err)
	}
	newest, err := l.Latest(maxRecent, Filter{})
	if err != nil {
		return fmt.Errorf("open event log: %w", err)
	}
	for _, e := range newest {
		l.recent = append(l.recent, record{event: e})
	}
	return nil
}

// Flush makes every event emitted so far durable.
func (l *Log) Flush() error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	l.mu.Lock()
	batch, along := l.pending[:len(l.pending):len(l.pending)], l.along[:len(l.along):len(l.along)]
	l.mu.Unlock()
	if len(batch) == 0 && len(along) == 0 {
		return nil
	}
	err := l.db.Bolt.Update(func(tx *bolt.Tx) error {
		n := l.db.WithTransaction(tx)
		for i := range batch {
			if err := n.SetBytes(bucket, key(batch[i].event.Seq), batch[i].data); err != nil {
				return err
			}
		}
		for _, write := range along {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit %d events: %w", len(batch), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Only this function takes from them, and one at a time, so what was written
	// is still their beginning.
	l.pending = append([]record(nil), l.pending[len(batch):]...)
	l.along = append([]func(*bolt.Tx) error(nil), l.along[len(along):]...)
	l.stored += len(batch)
	if n := len(batch); n > 0 {
		l.durable = batch[n-1].event.Seq
		close(l.ready)
		l.ready = make(chan struct{})
	}
	return nil
}

// Run commits buffered events and removes old ones until ctx is done, then
// commits what is left and returns the error of that, or ctx's. A disk that
// refuses is logged once and tried again.
func (l *Log) Run(ctx context.Context) error {
	commit, prune := time.NewTicker(l.o.CommitEvery), time.NewTicker(pruneEvery)
	defer commit.Stop()
	defer prune.Stop()
	failing := false
	report := func(err error) {
		if err != nil && !failing {
			l.log.Error("event log", "err", err)
		}
		failing = err != nil
	}
	for {
		select {
		case <-ctx.Done():
			if err := l.Flush(); err != nil {
				return err
			}
			return context.Cause(ctx)
		case <-l.wake:
			report(l.Flush())
		case <-commit.C:
			report(l.Flush())
		case <-prune.C:
			if err := l.Prune(ctx); err != nil && ctx.Err() == nil {
				report(err)
			}
		}
	}
}

// Prune removes the oldest events until no more than MaxCount are left, or
// twice as many where a follower has yet to read them. It works in batches of 256
// and stops between them when ctx is done.
func (l *Log) Prune(ctx context.Context) error {
	for ctx.Err() == nil {
		l.mu.Lock()
		surplus, beyond := l.stored-l.o.MaxCount, l.stored-2*l.o.MaxCount
		l.mu.Unlock()
		n, err := l.remove(min(surplus, pruneBatch), func(seq uint64, _ int64) bool {
			beyond--
			return beyond >= 0 || seq < l.unread()
		})
		if err != nil {
			return fmt.Errorf("prune events: %w", err)
		}
		if n < pruneBatch {
			return nil
		}
	}
	return ctx.Err()
}

// PruneBefore removes events from before that time, the oldest first, limit at
// most, and returns how many. Those stay that were stamped by a clock that had
// not been set, which go by count, and those that a follower has yet to read.
func (l *Log) PruneBefore(_ context.Context, before time.Time, limit int) (int, error) {
	n, err := l.remove(limit, func(seq uint64, at int64) bool {
		return seq < l.unread() && at >= plausible && at < before.UnixMilli()
	})
	if err != nil {
		return n, fmt.Errorf("prune events: %w", err)
	}
	return n, nil
}

// Follow says that the follower of that name has read all events up to seen, and
// wants those behind it kept until it has read them too. Unfollow ends that. A
// follower names itself anew after each start.
func (l *Log) Follow(name string, seen uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.followers[name] = seen
}

// Unfollow forgets a follower.
func (l *Log) Unfollow(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.followers, name)
}

// unread returns the first number that a follower may not have read.
func (l *Log) unread() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := uint64(math.MaxUint64)
	for _, seen := range l.followers {
		first = min(first, seen+1)
	}
	return first
}

// remove removes the first rows as long as may agrees, limit at most, in one
// transaction.
func (l *Log) remove(limit int, may func(seq uint64, at int64) bool) (int, error) {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	var doomed [][]byte
	err := l.view(func(c *bolt.Cursor) {
		// The newest stays, whatever its age: numbers go on behind it.
		newest, _ := c.Last()
		for len(newest) != 8 && newest != nil { // storm's metadata
			newest, _ = c.Prev()
		}
		newest = bytes.Clone(newest)
		for k, v := c.First(); k != nil && len(doomed) < limit && !bytes.Equal(k, newest); k, v = c.Next() {
			if v == nil || len(k) != 8 {
				continue
			}
			var r row
			// An unreadable row has time 0: it goes by count, like one that
			// was stamped before the clock was set.
			_ = json.Unmarshal(v, &r)
			if !may(binary.BigEndian.Uint64(k), r.Time) {
				return
			}
			doomed = append(doomed, append([]byte(nil), k...))
		}
	})
	if err != nil || len(doomed) == 0 {
		return 0, err
	}
	err = l.db.Bolt.Update(func(tx *bolt.Tx) error {
		b := l.db.GetBucket(tx, bucket)
		for _, k := range doomed {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	l.stored -= len(doomed)
	l.mu.Unlock()
	return len(doomed), nil
}
