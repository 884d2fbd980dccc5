package sweep

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// Catalog is the part of the index that the sweeper uses; *index.Index is one.
type Catalog interface {
	// Oldest returns the first n unlocked rows by start, without those that
	// skip refuses.
	Oldest(n int, skip func(index.Row) bool) ([]index.Row, error)
	// Condemn moves rows to the garbage list in one transaction, without those
	// that were held or went since Oldest read them, and returns what it moved.
	Condemn(rows []index.Row, reason string) ([]index.Garbage, error)
	// Range yields the rows of a camera that overlap [from, to), in UTC ms, by
	// start, until yield answers false.
	Range(camera string, from, to int64, yield func(r index.Row, held bool) bool) error
	// Totals counts rows and their bytes. It reads memory alone.
	Totals() index.Totals
	// Bounds returns the first start and the last end of a camera's footage.
	Bounds(camera string) (first, last int64, ok bool)
	// Garbage returns what is condemned and not forgotten.
	Garbage() ([]index.Garbage, error)
	// Forget drops garbage and appends the audit entry in one transaction.
	// Forgetting twice is not an error.
	Forget(gone []index.Garbage, a index.Audit) error
}

// Files is the part of the file system that the sweeper uses; volume.FS is
// one. Paths are relative to the volume.
type Files interface {
	// Remove removes a file or an empty directory; fs.ErrNotExist if it is
	// not there.
	Remove(path string) error
	// SyncDir makes the names in a directory durable; fs.ErrNotExist if there
	// is no such directory.
	SyncDir(path string) error
	// SyncFS makes all names durable; errors.ErrUnsupported where the file system
	// cannot. Nobody else must be told of errors by the same handle: a kernel
	// tells each of them once.
	SyncFS() error
}

// Gauge reads the free space of the volume; *volume.Volume is one.
type Gauge interface {
	Space() (volume.Space, error)
}

// Options tune a sweeper. Every zero value means the default.
type Options struct {
	Limits     Limits        // set by a person; zeros are defaults
	Policies   Policies      // set by a person; the zero keeps the floor alone
	Medium     string        // of the volume, for the defaults
	EraseBlock int64         // bytes, for the defaults; 0 = not known
	Interval   time.Duration // between sweeps; default 30 s
	Report     time.Duration // between events about ongoing deletion; default 15 min
	// Written returns the bytes that the recorder has taken from the volume
	// since it started. It makes the forecast, the write rate, and the judgement
	// whether deleting helps. Nil means that none of this is known.
	Written func() int64
	// Leased reports whether somebody reads or writes the segment of a row. It
	// must not block. Nil means nobody ever does.
	Leased func(index.Row) bool
	// Emit takes an event. It must not block. Nil means that nobody listens.
	Emit func(Event)
	// Now returns the wall clock. It stamps audit entries and events, and
	// decides what is too old, braked: see Policy.Age. Default time.Now.
	Now func() time.Time
	// Trusted reports whether Now is right. Nil means that nobody knows: then
	// nothing is too old.
	Trusted func() bool
	// Largest returns what else takes room on the disk. It is asked when deleting
	// does not help, and may take seconds. Nil means that nobody knows.
	Largest func(context.Context) []volume.Usage
	Log     *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Interval = cmp.Or(o.Interval, 30*time.Second)
	o.Report = cmp.Or(o.Report, 15*time.Minute)
	if o.Leased == nil {
		o.Leased = func(index.Row) bool { return false }
	}
	if o.Emit == nil {
		o.Emit = func(Event) {}
	}
	if o.Trusted == nil {
		o.Trusted = func() bool { return false }
	}
	if o.Largest == nil {
		o.Largest = func(context.Context) []volume.Usage { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Sweeper keeps one volume above its floor. It owns one goroutine, the one
// that calls Run. All other methods may be called concurrently.
type Sweeper struct {
	cat    Catalog
	files  Files
	gauge  Gauge
	o      Options
	kicked chan struct{}

	sweeping sync.Mutex // held for the length of a sweep; guards what follows
	meter    meter
	counted  int64          // the counter of bytes written at the last reading
	refused  map[string]int // files that a directory did not let go in this sweep
	retry    int            // garbage that the next sweep begins with
	memory   memory
	losses   map[string]*losses // by rule
	growth   growth             // of evidence
	brake    Brake              // on the wall clock

	mu         sync.Mutex // guards what follows; never held across I/O or Emit
	set        Limits
	policies   Policies
	released   map[string]bool // cameras whose age a person changed
	conditions map[string]bool
	state      State
	forecast   forecast
}

// State is what a sweeper knows of its volume.
type State struct {
	Reading                           // the last one; zero before the first sweep
	Read       time.Time              // when it was taken, with monotonic reading
	Rate       int64                  // bytes written in a second, over the last minutes
	MayRecord  bool                   // false once free space fell below the reserve
	Conditions []string               // what is wrong, sorted; empty if nothing is
	Deleted    index.Tally            // since the start
	By         map[string]index.Tally // the same by rule: age, quota, size_cap, free_floor
	Err        error                  // of the last sweep
	Alive      time.Time              // when the sweeper last did something, with monotonic reading; zero before it runs
}

// forecast is what is needed to see the floor coming without asking the disk.
type forecast struct {
	armed   bool  // the last reading was above the floor
	slack   int64 // bytes between that reading and the floor
	written int64 // counter at that reading
}

// New builds a sweeper.
func New(cat Catalog, files Files, gauge Gauge, o Options) *Sweeper {
	s := &Sweeper{
		cat: cat, files: files, gauge: gauge, o: o.withDefaults(),
		kicked: make(chan struct{}, 1), set: o.Limits, conditions: make(map[string]bool), policies: o.Policies, released: make(map[string]bool),
		losses: make(map[string]*losses),
		state:  State{MayRecord: true, By: make(map[string]index.Tally)},
	}
	s.meter.counter = o.Written
	return s
}

// poll is how often the free space is looked at while it is above the floor. It
// costs one call that reads no disk.
const poll = time.Second

// Run sweeps at once, then once per interval, as soon as free space has fallen
// below the floor or must have by what was written, and when kicked, until ctx is
// done. A sweep that fails is logged and tried again next time: a sick
// disk must not stop the recorder.
func (s *Sweeper) Run(ctx context.Context) error {
	yieldDisk()
	s.beat()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		begun := time.Now()
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Error("sweep failed", "err", err)
		}
		if !s.wait(ctx, tick.C, begun) {
			s.sweeping.Lock()
			defer s.sweeping.Unlock()
			s.reportAll()
			return context.Cause(ctx)
		}
	}
}

// wait returns when the next sweep is due, or false when ctx is done.
func (s *Sweeper) wait(ctx context.Context, tick <-chan time.Time, begun time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-s.kicked:
			return true
		case <-tick:
			if time.Since(begun) >= s.o.Interval || s.floorReached() {
				return true
			}
		}
	}
}

// floorReached reports whether the floor is reached: because what was written
// since the last reading used up what was free above it, or because somebody
// else did. It says so once for each reading that was above it.
func (s *Sweeper) floorReached() bool {
	s.mu.Lock()
	f, floor := s.forecast, s.state.Floor
	s.mu.Unlock()
	if !f.armed {
		return false
	}
	if s.o.Written == nil || s.o.Written()-f.written < f.slack {
		space, err := s.gauge.Space()
		if err != nil || space.Available >= floor {
			return false // the next sweep tells of an error
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forecast.armed = false
	return true
}

// Kick has the next sweep begin at once: a writer was refused for lack of
// space. It does not wait for it.
func (s *Sweeper) Kick() {
	select {
	case s.kicked <- struct{}{}:
	default:
	}
}

// SetLimits replaces what a person has set; zeros are defaults. It takes
// effect with the next sweep, which begins at once.
func (s *Sweeper) SetLimits(l Limits) {
	s.mu.Lock()
	s.set = l
	s.mu.Unlock()
	s.Kick()
}

// Effective returns the limits that set would mean for a disk of total bytes.
func (s *Sweeper) Effective(set Limits, total int64) Limits {
	return effective(set, Figures{Total: total, Medium: s.o.Medium, EraseBlock: s.o.EraseBlock, Rate: s.State().Rate})
}

// State returns what the last sweep saw.
func (s *Sweeper) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Conditions, st.By = slices.Sorted(maps.Keys(s.conditions)), maps.Clone(s.state.By)
	for _, t := range st.By {
		st.Deleted = index.Tally{Rows: st.Deleted.Rows + t.Rows, Bytes: st.Deleted.Bytes + t.Bytes}
	}
	return st
}

// Exclusive runs f while no sweep runs, and returns f's error: for work on the
// rows and files of the volume that a deletion must not come between.
func (s *Sweeper) Exclusive(f func() error) error {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	return f()
}

// MayRecord reports whether there is room to record: false from the sweep
// that could not raise free space to the reserve until one that finds half as
// much again.
func (s *Sweeper) MayRecord() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.MayRecord
}
