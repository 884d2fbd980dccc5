package zones

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Source is the durable log of what workers saw.
type Source interface {
	// Since returns batches behind after, ascending, limit at most, perhaps
	// fewer; none only if there are none.
	Since(after uint64, limit int) ([]Batch, error)
	// Last returns the number of the newest batch, 0 if there is none.
	Last() (uint64, error)
	// Changed returns a channel that is closed when there are new batches, or
	// another store.
	Changed() <-chan struct{}
	// StoreID names the store that is read; empty while there is none.
	StoreID() string
}

// Sink keeps events and checkpoints.
type Sink interface {
	// Commit makes events and cp durable in one transaction; there may be no
	// events. After an error the consumer asks Load whether it happened.
	Commit(events []Event, cp Checkpoint) error
	// Load returns the checkpoint that was committed last, false if there is
	// none. One that is not whole is ErrCheckpoint.
	Load() (Checkpoint, bool, error)
}

// Definitions are the zones that are evaluated; *Store is one.
type Definitions interface {
	All() []Zone
	Changed() <-chan struct{}
}

// Options are what a Consumer works with.
type Options struct {
	Zones  Definitions
	Source Source
	Sink   Sink
	// Frame returns a picture of the sampler, if it still has it; nil = none.
	Frame    func(camera, profile string, frame uint64) ([]byte, bool)
	Evidence *Evidence // keeps pictures; nil = none are kept
	// CommitEvery is the least time between two commits of events; the first
	// after a pause does not wait. Default 500 ms.
	CommitEvery time.Duration
	// CheckpointEvery is how often a place without events is kept; default 5 min.
	CheckpointEvery time.Duration
	Now             func() time.Time     // wall clock; default time.Now
	Mono            func() time.Duration // a clock that is never set; default since New
	Log             *slog.Logger
}

const (
	readBatches = 128
	// mostPending events wait for the sink before reading pauses. What one
	// batch or one silence gave is never divided, so a commit may have more.
	mostPending = 256
	// visible is how long after it was received a batch becomes readable, at
	// most, in a log that is well: timers by the wall clock wait so long for it.
	visible    = 250 * time.Millisecond
	retryFirst = time.Second
	retryMost  = 30 * time.Second
	idleMost   = time.Minute // between two looks at the clocks
)

// Consumer reads the log, drives the engine and commits what came of it. Run
// may be called once; Occupancy at any time.
type Consumer struct {
	o Options

	mu     sync.Mutex // engine and clock
	engine *Engine
	clock  clock

	// Of Run's goroutine alone.
	store    string // whose numbers seq is of
	seq      uint64 // of the last batch applied
	number   uint64 // of the last checkpoint
	defined  <-chan struct{}
	pending  []Event // not tried yet
	attempt  *attempt
	dirty    bool // there is something a checkpoint would keep
	urgent   bool // and it must not wait
	behind   bool // the source may have more
	commits  time.Duration
	retryAt  time.Duration
	retry    time.Duration
	saidSink bool
	saidRead bool
}

// attempt is a commit that has not succeeded yet.
type attempt struct {
	events []Event
	cp     Checkpoint
}

// New returns a Consumer; Run starts it.
func New(o Options) *Consumer {
	if o.CommitEvery <= 0 {
		o.CommitEvery = 500 * time.Millisecond
	}
	if o.CheckpointEvery <= 0 {
		o.CheckpointEvery = 5 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Mono == nil {
		start := time.Now()
		o.Mono = func() time.Duration { return time.Since(start) }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Consumer{o: o, engine: NewEngine(), commits: -o.CommitEvery}
}

// Occupancy returns who is in each polygon of a camera; nil if it has none.
func (c *Consumer) Occupancy(camera string) []Occupancy {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.engine.Occupancy(camera)
	for i := range out {
		for j := range out[i].Tracks {
			t := &out[i].Tracks[j]
			t.Since = c.clock.of(t.Since)
		}
	}
	return out
}

// Run consumes until ctx is done, keeps its place once more, and returns ctx's
// cause. A source or sink that fails is asked again; no batch is passed over
// and no event comes twice.
func (c *Consumer) Run(ctx context.Context) error {
	if err := c.start(ctx); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		changed := c.o.Source.Changed() // before reading, so that nothing is missed
		timer.Reset(c.step())
		select {
		case <-ctx.Done():
		case <-changed:
		case <-c.defined:
		case <-timer.C:
		}
	}
	c.finish()
	return context.Cause(ctx)
}

// start finds the place to go on from; it waits for a sink that can be read.
func (c *Consumer) start(ctx context.Context) error {
	c.define()
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		cp, found, err := c.o.Sink.Load()
		if err == nil || errors.Is(err, ErrCheckpoint) {
			c.resume(cp, found, err)
			return nil
		}
		c.o.Log.Error("checkpoint of zones", "err", err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// resume goes on at cp. Without one the source's beginning is the place. With one
// that cannot be read it is its end: what came before may have been told.
func (c *Consumer) resume(cp Checkpoint, found bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.o.Log.Error("zones begin anew", "err", err)
		c.store = "unknown"
	}
	if !found {
		return
	}
	c.store, c.seq, c.number, c.clock.skew = cp.Store, cp.Seq, cp.Number, cp.Skew
	if err := c.engine.Restore(cp.State); err != nil {
		c.o.Log.Error("zones forget who was inside", "err", err)
	}
}

// define hands the engine the zones as they are now.
func (c *Consumer) define() {
	c.defined = c.o.Zones.Changed()
	all := c.o.Zones.All()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.SetZones(all)
}

// step does what can be done now and returns how long there is nothing to do,
// if nothing changes.
func (c *Consumer) step() time.Duration {
	select {
	case <-c.defined:
		c.define()
		c.dirty = true
	default:
	}
	if len(c.pending) < mostPending {
		batches := c.read()
		c.apply(batches)
	}
	c.commit(false)
	return c.wait()
}

// read returns the next batches.
func (c *Consumer) read() []Batch {
	c.behind = false
	id := c.o.Source.StoreID()
	if id == "" {
		return nil
	}
	batches, err := c.follow(id)
	if err != nil {
		if !c.saidRead {
			c.o.Log.Error("zones cannot read what workers saw", "err", err)
		}
		c.saidRead = true
		return nil
	}
	c.saidRead = false
	if c.o.Source.StoreID() != id {
		c.behind = true // these may be of the other store
		return nil
	}
	c.behind = len(batches) > 0
	return batches
}

// follow reads behind the last batch; in a store that is new here, it goes to
// the end first.
func (c *Consumer) follow(id string) ([]Batch, error) {
	if c.store == "" { // nothing was ever told of anything: all of it is new
		c.store, c.seq, c.dirty, c.urgent = id, 0, true, true
	}
	if id == c.store {
		return c.o.Source.Since(c.seq, readBatches)
	}
	last, err := c.o.Source.Last()
	if err != nil {
		return nil, err
	}
	if c.o.Source.StoreID() == id {
		c.store, c.seq, c.dirty, c.urgent = id, last, true, true
	}
	c.behind = true
	return nil, nil
}

// apply feeds the engine and the timers, and takes the pictures of what came.
func (c *Consumer) apply(batches []Batch) {
	c.mu.Lock()
	step := c.clock.look(c.o.Now(), c.o.Mono())
	var found []Event
	for i := range batches {
		b := &batches[i]
		if step != 0 && c.clock.stamped(b.Received, step) {
			c.clock.step(step)
			step = 0
		}
		c.clock.last, c.seq, c.dirty = b.Received, b.Seq, true
		b.Received = c.clock.engine(b.Received, c.engine.Now())
		found = append(found, c.walled(c.engine.Apply(*b))...)
		if len(c.pending)+len(found) >= mostPending {
			c.behind = true // the rest is read again when these are kept
			break
		}
	}
	if step != 0 {
		c.clock.step(step)
	}
	if !c.behind {
		now := c.clock.engine(c.clock.wall.Add(-visible), c.engine.Now())
		found = append(found, c.walled(c.engine.Advance(now))...)
	}
	c.mu.Unlock()
	c.picture(found)
	c.pending = append(c.pending, found...)
}

// walled gives events the wall's time.
func (c *Consumer) walled(events []Event) []Event {
	for i := range events {
		events[i].Time = c.clock.of(events[i].Time)
	}
	return events
}

// picture keeps the frames that events show, each once.
func (c *Consumer) picture(events []Event) {
	if c.o.Evidence == nil || c.o.Frame == nil {
		return
	}
	type frame struct {
		camera, profile string
		number          uint64
	}
	kept := map[frame]string{}
	for i := range events {
		e := &events[i]
		f := frame{e.Camera, e.Profile, e.Frame}
		name, known := kept[f]
		if e.Frame == 0 {
			continue
		}
		if !known {
			if jpeg, ok := c.o.Frame(f.camera, f.profile, f.number); ok {
				// Without a volume, or on a full one, an event has no picture.
				name, _ = c.o.Evidence.Put(f.camera, e.Time, jpeg)
			}
			kept[f] = name
		}
		e.Evidence = name
	}
}

// wait returns how long nothing is to be done.
func (c *Consumer) wait() time.Duration {
	if c.behind && len(c.pending) < mostPending {
		return 0
	}
	now, wait := c.o.Mono(), idleMost
	if c.saidRead {
		wait = retryFirst
	}
	if at, due := c.commitDue(); due {
		wait = min(wait, at-now)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if next := c.engine.Next(); !next.IsZero() && len(c.pending) < mostPending {
		wait = min(wait, c.clock.of(next).Add(visible+time.Millisecond).Sub(c.clock.wall)-(now-c.clock.mono))
	}
	return max(0, wait)
}
