package zones

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// box is everything around a consumer: the log of batches, the database, the
// definitions. It outlives the consumer as a disk outlives a process.
type box struct {
	mu      sync.Mutex
	id      string
	batches []Batch
	changed chan struct{}
	readErr error

	zones   []Zone
	defined chan struct{}

	events    []Event
	cp        *Checkpoint
	commits   int
	largest   int   // events in one commit
	commitErr error // Commit fails before it wrote
	afterErr  error // Commit fails after it wrote

	onSince func() // in the midst of the next read

	steps   int // calls so far
	crashAt int // the call that never returns; 0 = none
}

type crash struct{}

func newBox(zones ...Zone) *box {
	return &box{id: "disk1", changed: make(chan struct{}), defined: make(chan struct{}), zones: zones}
}

// tick counts a step, and ends the process if it is the one.
func (b *box) tick() {
	if b.steps++; b.steps == b.crashAt {
		panic(crash{})
	}
}

func (b *box) put(batches ...Batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches = append(b.batches, batches...)
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *box) Since(after uint64, limit int) ([]Batch, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick()
	if b.readErr != nil {
		return nil, b.readErr
	}
	if b.onSince != nil {
		b.onSince()
		b.onSince = nil
	}
	var out []Batch
	for _, x := range b.batches {
		if x.Seq > after && len(out) < min(limit, 100) { // they may be large
			out = append(out, x)
		}
	}
	return out, nil
}

func (b *box) Last() (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick()
	if len(b.batches) == 0 {
		return 0, nil
	}
	return b.batches[len(b.batches)-1].Seq, nil
}

func (b *box) Changed() <-chan struct{} { b.mu.Lock(); defer b.mu.Unlock(); return b.changed }
func (b *box) StoreID() string          { b.mu.Lock(); defer b.mu.Unlock(); return b.id }

func (b *box) Commit(events []Event, cp Checkpoint) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick()
	if b.commitErr != nil {
		return b.commitErr
	}
	b.events = append(b.events, events...)
	b.cp = &cp
	b.commits++
	b.largest = max(b.largest, len(events))
	b.tick()
	return b.afterErr
}

func (b *box) Load() (Checkpoint, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick()
	if b.cp == nil {
		return Checkpoint{}, false, nil
	}
	return *b.cp, true, nil
}

// definitions are the zones of a box.
type definitions struct{ *box }

func (d definitions) All() []Zone              { d.mu.Lock(); defer d.mu.Unlock(); return d.zones }
func (d definitions) Changed() <-chan struct{} { d.mu.Lock(); defer d.mu.Unlock(); return d.defined }

func (b *box) define(zones ...Zone) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.zones = zones
	close(b.defined)
	b.defined = make(chan struct{})
}

func (b *box) lines() []string { b.mu.Lock(); defer b.mu.Unlock(); return tellAll(b.events) }

func (b *box) count() int { b.mu.Lock(); defer b.mu.Unlock(); return b.commits }

func (b *box) place() Checkpoint { b.mu.Lock(); defer b.mu.Unlock(); return *b.cp }

func (b *box) all() []Event { b.mu.Lock(); defer b.mu.Unlock(); return slices.Clone(b.events) }

func (b *box) set(change func()) { b.mu.Lock(); defer b.mu.Unlock(); change() }

func (b *box) options() Options { return Options{Zones: definitions{b}, Source: b, Sink: b} }

// replay runs a script through consumers, each driven step by step; a crash
// replaces the one that runs. It returns how many steps there were.
func replay(t *testing.T, s script, crashAt int) (*box, int) {
	b := newBox(s.zones...)
	b.crashAt = crashAt
	wall, mono := epoch, time.Duration(0)
	frames := 0
	o := b.options()
	o.Now, o.Mono = func() time.Time { return wall }, func() time.Duration { return mono }
	o.Frame = func(string, string, uint64) ([]byte, bool) { frames++; return nil, false }
	o.Evidence = NewEvidence(EvidenceOptions{})
	var c *Consumer
	do := func(f func()) {
		for done := false; !done; {
			func() {
				defer func() {
					if p := recover(); p != nil {
						if _, ok := p.(crash); !ok {
							panic(p)
						}
						c = nil
					}
				}()
				if c == nil {
					c = New(o)
					if err := c.start(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				f()
				done = true
			}()
		}
	}
	settle := func() {
		for c.step() == 0 {
			mono += time.Millisecond
			wall = wall.Add(time.Millisecond)
		}
	}
	do(settle)
	for _, x := range s.batches {
		next := x.Received.Add(50 * time.Millisecond)
		mono += max(0, next.Sub(wall))
		wall = next
		b.batches = append(b.batches, x)
		do(settle)
	}
	for wall.Before(s.end.Add(time.Minute)) {
		mono, wall = mono+3*time.Second, wall.Add(3*time.Second)
		do(settle)
	}
	do(func() { settle(); c.finish() })
	return b, b.steps
}

// TestEachEventComesOnceWhateverCrashesWhen ends the process at every call that
// the consumer makes, before and after the commit.
func TestEachEventComesOnceWhateverCrashesWhen(t *testing.T) {
	shown := 0
	for seed := uint64(0); seed < 20 && shown < 3; seed++ {
		s := scripted(rand.New(rand.NewPCG(seed, 3)), 60)
		want := s.expected()
		_, steps := replay(t, s, 0)
		if len(want) < 20 {
			continue // this world is too quiet
		}
		shown++
		for at := range steps + 1 {
			b, _ := replay(t, s, at)
			got := b.lines()
			slices.Sort(got)
			compare(t, fmt.Sprintf("seed %d, crash at step %d of %d", seed, at, steps), got, want)
			if b.cp.Seq != s.batches[len(s.batches)-1].Seq {
				t.Fatalf("seed %d, crash at %d: the checkpoint is at %d", seed, at, b.cp.Seq)
			}
		}
	}
	if shown < 3 {
		t.Errorf("only %d worlds were lively", shown)
	}
}

// running is a consumer in a synctest bubble.
type running struct {
	*box
	c    *Consumer
	t    *testing.T
	seq  uint64
	stop func() error
}

func run(t *testing.T, b *box, change func(*Options)) *running {
	o := b.options()
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{box: b, c: New(o), t: t}
	if n := len(b.batches); n > 0 {
		r.seq = b.batches[n-1].Seq
	}
	done := make(chan error, 1)
	go func() { done <- r.c.Run(ctx) }()
	r.stop = func() error { cancel(); return <-done }
	synctest.Wait()
	return r
}

// see reports tracks in the middle of the picture, received now.
func (r *running) see(camera string, tracks ...string) {
	r.at(time.Now(), camera, tracks...)
}

func (r *running) at(received time.Time, camera string, tracks ...string) {
	r.seq++
	b := Batch{Seq: r.seq, Received: received, Time: received, Camera: camera, Task: "detection", Profile: "sub", Frame: r.seq}
	for _, id := range tracks {
		b.Detections = append(b.Detections, at(id, .5, .5))
	}
	r.put(b)
	synctest.Wait()
}

func (r *running) wants(what string, want ...string) {
	r.t.Helper()
	var got []string
	for _, e := range r.all() {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", strings.TrimPrefix(string(e.Type), "zone_"), e.Camera, e.Track, e.By)))
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestTwoTrackersThatFallSilentExitInTimeThoughNothingIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, newBox(square("z1", "yard"), square("z2", "gate")), nil)
		for range 2 {
			r.see("yard", "a")
			r.see("gate", "b")
		}
		time.Sleep(time.Second)
		r.wants("inside", "enter yard a", "enter gate b")
		time.Sleep(9*time.Second - time.Millisecond)
		r.wants("just before", "enter yard a", "enter gate b")
		time.Sleep(visible + 10*time.Millisecond)
		synctest.Wait()
		r.wants("after lost_seconds", "enter yard a", "enter gate b", "exit gate b lost", "exit yard a lost")
		if err := r.stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
}

func TestEventsAreCommittedAtOnceAndBurstsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, newBox(with(square("z", "yard"), func(z *Zone) { z.ConfirmFrames = 1 })), nil)
		time.Sleep(time.Second)
		first := r.count() // the place in a store that is new
		r.see("yard", "a")
		if r.wants("at once", "enter yard a"); r.count() != first+1 {
			t.Errorf("%d commits, want 1", r.count()-first)
		}
		for i := range 40 {
			time.Sleep(10 * time.Millisecond)
			r.see("yard", "a", fmt.Sprint(i))
		}
		if r.count() != first+1 {
			t.Errorf("%d commits 400 ms later, want still 1", r.count()-first)
		}
		time.Sleep(101 * time.Millisecond)
		synctest.Wait()
		if r.count() != first+2 || len(r.all()) != 1+40+39 {
			t.Errorf("%d commits of %d events, want 2 of 80", r.count()-first, len(r.all()))
		}
		r.stop()
	})
}

func TestAPlaceWithoutEventsIsKeptSeldomAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, newBox(square("z", "yard")), nil)
		first := r.count()
		for range 299 {
			time.Sleep(time.Second)
			r.see("yard")
		}
		if r.count() != first {
			t.Errorf("%d commits in five minutes without events, want none", r.count()-first)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r.count() != first+1 || r.place().Seq != r.seq {
			t.Errorf("%d commits, at %d; want 1 at %d", r.count()-first, r.place().Seq, r.seq)
		}
		time.Sleep(time.Hour)
		if r.count() != first+1 {
			t.Errorf("%d commits in an hour without batches, want none", r.count()-first-1)
		}
		r.see("yard") // is kept at once, after such a pause
		r.see("yard")
		if r.count() != first+2 || r.place().Seq != r.seq-1 {
			t.Errorf("%d commits, at %d; want 1 at %d", r.count()-first-1, r.place().Seq, r.seq-1)
		}
		r.stop()
		if r.count() != first+3 || r.place().Seq != r.seq {
			t.Errorf("%d commits at the end, at %d; want 1 at %d", r.count()-first-2, r.place().Seq, r.seq)
		}
	})
}

func TestASinkThatFailsLosesNothing(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(*box, error)
	}{
		{"before it wrote", func(b *box, err error) { b.commitErr = err }},
		{"after it wrote", func(b *box, err error) { b.afterErr = err }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				r := run(t, newBox(square("z", "yard")), func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
				r.set(func() { tt.fail(r.box, errors.New("the disk is sick")) })
				for range 120 {
					r.see("yard", "a")
					time.Sleep(200 * time.Millisecond)
				}
				r.set(func() { tt.fail(r.box, nil) })
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				r.wants("after the disk was well again", "enter yard a", "exit yard a lost")
				if n := strings.Count(log.String(), "the disk is sick"); n > 1 {
					t.Errorf("the log says so %d times, want once", n)
				}
				before := log.Len()
				r.set(func() { r.commitErr = errors.New("again") })
				r.see("yard")
				r.stop()
				if before == log.Len() {
					t.Error("the log does not say that it fails again")
				}
			})
		})
	}
}

func TestASinkThatFailsForLongStopsReadingNotMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, newBox(with(square("z", "yard"), func(z *Zone) { z.ConfirmFrames = 1 })), nil)
		r.set(func() { r.commitErr = errors.New("no space") })
		const total = 3000
		for i := range total { // one enters, one exits
			time.Sleep(20 * time.Millisecond)
			r.see("yard", fmt.Sprint(i))
		}
		r.set(func() {
			if n := len(r.c.pending); n < mostPending || n >= 2*mostPending {
				t.Errorf("%d events are waiting", n)
			}
		})
		r.set(func() { r.commitErr = nil })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		r.stop()
		if n := len(r.all()); n != 2*total {
			t.Errorf("%d events, want %d", n, 2*total)
		}
		if r.largest > mostPending+1 {
			t.Errorf("a commit of %d events, want %d at most and what one batch gives", r.largest, mostPending)
		}
	})
}

func TestAnotherStoreIsReadFromItsEndAndStateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, newBox(square("z", "yard")), nil)
		r.see("yard", "a")
		r.see("yard", "a")
		old := []Batch{
			{Seq: 1 << 40, Received: time.Now(), Camera: "yard", Task: "detection", Detections: []Detection{at("old", .5, .5)}},
			{Seq: 1<<40 + 1, Received: time.Now(), Camera: "yard", Task: "detection", Detections: []Detection{at("old", .5, .5)}},
		}
		r.set(func() { r.id = "" })
		time.Sleep(time.Second)
		r.set(func() { r.id, r.batches, r.seq = "disk2", old, 1<<40+1 })
		r.put()
		synctest.Wait()
		if r.place().Store != "disk2" || r.place().Seq != 1<<40+1 {
			t.Errorf("the place is %d of %q, want it kept at once at the other store's end", r.place().Seq, r.place().Store)
		}
		r.see("yard")
		r.see("yard")
		time.Sleep(time.Second)
		synctest.Wait()
		r.wants("in the other store", "enter yard a", "exit yard a")
		r.stop()
	})
}

func TestAStoreThatIsReplacedWhileItIsReadIsNotMistaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, newBox(with(square("z", "yard"), func(z *Zone) { z.ConfirmFrames = 1 })), nil)
		r.see("yard")
		r.set(func() {
			r.onSince = func() {
				r.id = "disk2"
				r.batches = []Batch{{Seq: 900, Received: time.Now(), Camera: "yard", Task: "detection", Detections: []Detection{at("old", .5, .5)}}}
			}
		})
		r.put()
		time.Sleep(time.Second)
		synctest.Wait()
		r.wants("what lay in the other store")
		if p := r.place(); p.Store != "disk2" || p.Seq != 900 {
			t.Errorf("the place is %d of %q", p.Seq, p.Store)
		}
		r.stop()
	})
}

func TestTimersGoOnWhileTheVolumeIsAwayOrCannotBeRead(t *testing.T) {
	for name, fail := range map[string]func(*box){
		"away":   func(b *box) { b.id = "" },
		"broken": func(b *box) { b.readErr = errors.New("i/o error") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, newBox(square("z", "yard")), nil)
				r.see("yard", "a")
				r.see("yard", "a")
				r.set(func() { fail(r.box) })
				time.Sleep(11 * time.Second)
				synctest.Wait()
				r.wants("without a log", "enter yard a", "exit yard a lost")
				r.set(func() { r.id, r.readErr = "disk1", nil })
				r.see("yard", "b")
				r.see("yard", "b")
				time.Sleep(2 * time.Second)
				synctest.Wait()
				r.wants("with it again", "enter yard a", "exit yard a lost", "enter yard b")
				r.stop()
			})
		})
	}
}

// TestWhatPiledUpIsReadBeforeTheTimersGoOn: after a pause the log is far ahead of
// the engine, and a track that is in it all the time is not lost.
func TestWhatPiledUpIsReadBeforeTheTimersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(square("z", "yard"))
		r := run(t, b, nil)
		r.see("yard", "a")
		r.see("yard", "a")
		r.stop()
		seq := r.seq
		for range 3*readBatches + 1 {
			time.Sleep(200 * time.Millisecond)
			seq++
			b.put(Batch{Seq: seq, Received: time.Now(), Camera: "yard", Task: "detection", Detections: []Detection{at("a", .5, .5)}})
		}
		r = run(t, b, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		r.wants("after the pause", "enter yard a")
		r.stop()
	})
}

func TestAPlaceThatCannotBeReadMeansTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(with(square("z", "yard"), func(z *Zone) { z.ConfirmFrames = 1 }))
		b.put(Batch{Seq: 5, Received: time.Now(), Camera: "yard", Task: "detection", Detections: []Detection{at("old", .5, .5)}})
		r := run(t, b, func(o *Options) { o.Sink = torn{b} })
		r.see("yard", "a")
		time.Sleep(time.Second)
		r.wants("after a start", "enter yard a")
		r.stop()
	})
}

type torn struct{ *box }

func (torn) Load() (Checkpoint, bool, error) { return Checkpoint{}, false, ErrCheckpoint }

func TestChangedZonesAreUsedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, newBox(), nil)
		r.see("yard", "a")
		if r.c.Occupancy("yard") != nil {
			t.Error("there is a zone")
		}
		r.define(square("z", "yard"))
		synctest.Wait()
		r.see("yard", "a")
		r.see("yard", "a")
		time.Sleep(time.Second)
		r.wants("in a zone that is new", "enter yard a")
		if o := r.c.Occupancy("yard"); len(o) != 1 || o[0].Total != 1 || !o[0].Tracks[0].Since.Equal(time.Now().Add(-time.Second)) {
			t.Errorf("occupancy %+v, want one since a second", o)
		}
		r.stop()
	})
}

// TestAClockThatIsSetLosesNobody: the wall clock jumps while a track is inside
// and reported all the time, and the timers still take as long as they should.
func TestAClockThatIsSetLosesNobody(t *testing.T) {
	for _, step := range []time.Duration{24 * time.Hour, -24 * time.Hour, 3 * time.Second, -3 * time.Second, 56 * 365 * 24 * time.Hour} {
		for _, late := range []bool{false, true} { // whether a look comes between the step and the next batch
			t.Run(fmt.Sprintf("by %v, seen late: %v", step, late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var mu sync.Mutex
					var by time.Duration
					wall := func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Round(0).Add(by) }
					r := run(t, newBox(square("z", "yard")), func(o *Options) { o.Now = wall })
					for i := range 40 {
						if i == 20 {
							mu.Lock()
							by = step
							mu.Unlock()
						}
						if i == 30 { // the process starts anew
							r.stop()
							box, seq := r.box, r.seq
							r = run(t, box, func(o *Options) { o.Now = wall })
							r.seq = seq
						}
						if i == 20 {
							if late {
								r.put() // something else wakes it
								synctest.Wait()
							}
						}
						r.at(wall(), "yard", "a")
						time.Sleep(200 * time.Millisecond)
					}
					r.wants("while it is reported", "enter yard a")
					gone := wall().Add(-200 * time.Millisecond)
					time.Sleep(9 * time.Second)
					synctest.Wait()
					r.wants("nine seconds later", "enter yard a")
					time.Sleep(2 * time.Second)
					synctest.Wait()
					r.wants("eleven seconds later", "enter yard a", "exit yard a lost")
					if at := r.all()[1].Time; at.Sub(gone.Add(10*time.Second)).Abs() > 10*time.Millisecond {
						t.Errorf("the exit is at %v, want 10 s after %v", at, gone)
					}
					if s := r.all()[1].Seconds; s < 17.5 || s > 18 {
						t.Errorf("it stayed %v s, want 17.6", s)
					}
					r.stop()
				})
			})
		}
	}
}

// TestAClockThatWasSetBackWhileNobodyLookedDoesNotStopTheTimers: a board without
// a clock of its own starts in 1970.
func TestAClockThatWasSetBackWhileNobodyLookedDoesNotStopTheTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(square("z", "yard"))
		r := run(t, b, nil)
		r.see("yard", "a")
		r.see("yard", "a")
		r.stop()
		early := func() time.Time { return time.Now().Round(0).Add(-30 * 365 * 24 * time.Hour) }
		r = run(t, b, func(o *Options) { o.Now = early })
		time.Sleep(8 * time.Second)
		synctest.Wait()
		r.wants("while it may come back", "enter yard a")
		r.at(early(), "yard", "b")
		r.at(early(), "yard", "b")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := len(b.all()); n < 2 || b.all()[1].Track != "a" && b.all()[2].Track != "a" {
			t.Errorf("%q", b.lines())
		}
		for _, e := range b.all()[1:] {
			if e.Time.Sub(early()).Abs() > 20*time.Second {
				t.Errorf("%s is told at %v by a clock that shows %v", e.Type, e.Time, early())
			}
		}
		r.stop()
	})
}

func TestPicturesAreThoseThatWereAnalysedAndKeptOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		kept := NewEvidence(EvidenceOptions{})
		attached := make(chan error, 1)
		go func() { attached <- kept.Attach(ctx, dir) }()
		synctest.Wait()
		var asked []string
		r := run(t, newBox(square("z", "yard"), square("y", "yard")), func(o *Options) {
			o.Evidence = kept
			o.Frame = func(camera, profile string, frame uint64) ([]byte, bool) {
				asked = append(asked, fmt.Sprint(camera, " ", profile, " ", frame))
				return jpeg(fmt.Sprint(frame)), frame != 4
			}
		})
		r.see("yard", "a", "b")
		r.see("yard", "a", "b") // frame 2: four entries
		r.see("yard", "b")
		r.see("yard", "b") // frame 4, which the sampler has no more: a is gone from both
		time.Sleep(time.Second)
		synctest.Wait()
		r.stop()
		if !slices.Equal(asked, []string{"yard sub 2", "yard sub 4"}) {
			t.Errorf("asked for %q, want frames 2 and 4 once each", asked)
		}
		if len(r.all()) != 6 {
			t.Fatalf("%q", r.lines())
		}
		for i, e := range r.all() {
			if i >= 4 {
				if e.Evidence != "" {
					t.Errorf("event %d shows %q, want nothing", i, e.Evidence)
				}
				continue
			}
			data, err := kept.Read("yard", e.Evidence)
			if err != nil || !bytes.Equal(data, jpeg("2")) {
				t.Errorf("event %d shows %q: %v", i, data, err)
			}
		}
		cancel()
		<-attached
	})
}
