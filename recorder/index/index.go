package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Errors a caller may test for.
var (
	// ErrDamaged says that the file must not be opened: rebuild it.
	ErrDamaged = errors.New("index is damaged")
	// ErrInUse says that another process has the file open.
	ErrInUse = errors.New("index is in use by another process")
	// ErrClosed is returned by everything that needs the file after Close.
	ErrClosed = errors.New("index is closed")
)

// Options tune an index. Every zero value means the default.
type Options struct {
	Interval time.Duration // between commits of waiting rows; default 1 minute
	Batch    int           // waiting rows that are committed at once; default 64
	// Now returns the wall clock, for the time stamps of garbage and audit
	// entries only. Default time.Now.
	Now func() time.Time
	Log *slog.Logger
	// Held is used by Rebuild alone: it says which rows are evidence. Nil
	// means none.
	Held func(Row) bool
}

func (o Options) withDefaults() Options {
	o.Interval = cmp.Or(o.Interval, time.Minute)
	o.Batch = cmp.Or(o.Batch, 64)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Index is the open index of one volume.
type Index struct {
	path string
	o    Options
	db   *storm.DB
	full chan struct{} // a batch is waiting
	done chan struct{} // a commit was made

	write sync.Mutex // held for the length of a write transaction

	damaged atomic.Int64 // values passed over since Open

	mu         sync.RWMutex // guards what follows; never held across a commit
	closed     bool
	pending    []entry             // rows without a commit, by key
	burials    []burial            // what is forgotten without a commit, in order
	buried     map[uint64]struct{} // the keys of all burials
	cameras    []*camera
	ordinals   map[string]uint16
	named      int       // cameras whose name is committed: the first ones
	longest    uint32    // no row is longer, in ms
	lastAudit  uint64    // the highest key in use
	audits     int       // entries there are
	commits    int64     // since it was opened
	lastCommit time.Time // the last success
	lastRound  time.Time // the last end of a commit, good or bad or with nothing to do
	failed     error     // of the last commit
	moving     int       // calls of Restamp under way
}

// entry is a row with its place.
type entry struct {
	key uint64
	row Row
}

func byKey(e entry, key uint64) int { return cmp.Compare(e.key, key) }

// Open verifies the file, opens it and counts what is in it. It returns
// ErrDamaged if Verify says so, and ErrInUse if another process has it. A
// missing file is created empty: who may have footage asks Verify first, and
// calls Rebuild where that answers fs.ErrNotExist or ErrDamaged.
func Open(path string, o Options) (*Index, error) {
	err := Verify(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	db, err := openStorm(path)
	if err != nil {
		return nil, fmt.Errorf("open index %s: %w", path, err)
	}
	x := &Index{
		path: path, o: o.withDefaults(), db: db,
		full: make(chan struct{}, 1), done: make(chan struct{}, 1),
		ordinals: make(map[string]uint16), buried: make(map[uint64]struct{}),
	}
	x.lastCommit = x.o.Now()
	x.lastRound = x.lastCommit
	if err := errors.Join(x.load(), syncDir(filepath.Dir(path))); err != nil {
		return nil, errors.Join(fmt.Errorf("open index %s: %w", path, err), db.Close())
	}
	return x, nil
}

// Close commits what waits and closes the file. Run must have returned.
func (x *Index) Close() error {
	err := x.Flush()
	x.write.Lock()
	defer x.write.Unlock()
	x.mu.Lock()
	closed := x.closed
	x.closed = true
	x.mu.Unlock()
	if closed {
		return nil
	}
	if cerr := x.db.Close(); cerr != nil {
		err = errors.Join(err, fmt.Errorf("close index: %w", cerr))
	}
	return err
}

// Run commits what waits once per interval, and earlier when a batch is full,
// until ctx is done; then it commits what is left. The interval begins anew
// with each commit, whoever made it, because it took along all rows that
// waited. A commit that fails is logged and tried again: its rows keep waiting
// and stay visible.
func (x *Index) Run(ctx context.Context) error {
	tick := time.NewTicker(x.o.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := x.Flush(); err != nil {
				return err
			}
			return context.Cause(ctx)
		case <-x.done:
			tick.Reset(x.o.Interval)
			continue
		case <-tick.C:
		case <-x.full:
		}
		if err := x.commitWaiting(false, nil); err != nil {
			x.o.Log.Error("index commit failed, its rows wait for the next", "err", err)
		}
	}
}

// Add lets r wait for the next commit. Readers see it at once.
//
// No two rows of a camera share a place in the index. Where the start of r is
// taken by another file, r is filed under the next free millisecond, at most
// 255 later; its Start stays true, because the path of the file is made of
// it. A row of a file that the index has already, held or condemned included,
// changes nothing. Errors: ErrRow, ErrClosed.
func (x *Index) Add(r Row) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("add row: %w", err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return fmt.Errorf("add row of %s: %w", r.Camera, ErrClosed)
	}
	c, err := x.camera(r.Camera)
	if err != nil {
		return fmt.Errorf("add row of %s: %w", r.Camera, err)
	}
	known, err := x.place(c, &r)
	if known || err != nil {
		return err
	}
	key := r.key(c.ordinal)
	at, _ := slices.BinarySearchFunc(x.pending, key, byKey)
	x.pending = slices.Insert(x.pending, at, entry{key, r})
	c.add(r, key)
	x.longest = max(x.longest, r.Duration)
	if len(x.pending) >= x.o.Batch {
		select {
		case x.full <- struct{}{}:
		default:
		}
	}
	return nil
}

// place sets r.shift to the first free place, or finds that the file is
// known. x.mu is held.
func (x *Index) place(c *camera, r *Row) (known bool, err error) {
	if r.shift = 0; r.key(c.ordinal) > c.top {
		return false, nil // later than all: nobody can be there
	}
	err = x.db.Bolt.View(func(tx *bolt.Tx) error {
		for shift := range maxShift + 1 {
			r.shift = uint8(shift)
			other, taken := x.at(tx, r.key(c.ordinal))
			if !taken {
				return nil
			}
			other.Camera = c.name
			_, gone := x.buried[r.key(c.ordinal)] // its place is free with the next commit
			if known = !gone && other.SameFile(*r); known {
				return nil
			}
		}
		return fmt.Errorf("add row of %s: no place at %d: %w", c.name, r.Start, ErrRow)
	})
	return known, err
}

// at returns whatever row has the place key. x.mu is held.
func (x *Index) at(tx *bolt.Tx, key uint64) (Row, bool) {
	if i, found := slices.BinarySearchFunc(x.pending, key, byKey); found {
		return x.pending[i].row, true
	}
	k := keyBytes(key)
	for _, name := range [...]string{rowsBucket, heldBucket} {
		if v := x.db.GetBucket(tx, name).Get(k); v != nil {
			r, _ := decodeRow(key, v) // a damaged row keeps its place
			return r, true
		}
	}
	if v := x.db.GetBucket(tx, garbageBucket).Get(k); v != nil {
		g, _ := decodeGarbage(key, v)
		return g.Row, true
	}
	return Row{}, false
}

// Flush commits what waits, and returns nil if nothing does.
func (x *Index) Flush() error {
	if err := x.commit(nil); err != nil {
		return fmt.Errorf("flush index: %w", err)
	}
	return nil
}

// Status is the health of an index.
type Status struct {
	LastCommit time.Time // the last one that succeeded, or when the index was opened
	LastRound  time.Time // when one last ended, well or not, or there was nothing to do: the writer is alive
	Pending    int       // rows that wait for a commit
	Err        error     // why the last commit failed; nil if it did not
	Written    int64     // bytes given to the disk since it was opened: pages and meta pages
	Damaged    int64     // rows passed over because their checksum is wrong: rebuild at the next start
}

// Status returns the health of x.
func (x *Index) Status() Status {
	tx := x.db.Bolt.Stats().TxStats
	x.mu.RLock()
	defer x.mu.RUnlock()
	return Status{Written: tx.GetPageAlloc() + x.commits*pageSize, LastCommit: x.lastCommit, LastRound: x.lastRound, Pending: len(x.pending), Err: x.failed, Damaged: x.damaged.Load()}
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openError tells apart what went wrong below.
func openError(err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrInUse
	case errors.As(err, &pe):
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
