package incidents

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/perception/events"
)

// vault keeps holds as the recorder does, and can be told to fail.
type vault struct {
	mu    sync.Mutex
	holds []Hold
	fail  error
	calls int
}

func (v *vault) Hold(h Hold) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.calls++; v.fail != nil {
		return "", v.fail
	}
	h.ID = fmt.Sprint("h", len(v.holds))
	v.holds = append(v.holds, h)
	return h.ID, nil
}

func (v *vault) Extend(id string, from, to, until time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.calls++; v.fail != nil {
		return v.fail
	}
	for i := range v.holds {
		if v.holds[i].ID == id {
			v.holds[i].From, v.holds[i].To = earlier(v.holds[i].From, from), later(v.holds[i].To, to)
			v.holds[i].Until = later(v.holds[i].Until, until)
			return nil
		}
	}
	return errors.New("no such hold")
}

func (v *vault) Holds() []Hold {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]Hold(nil), v.holds...)
}

func (v *vault) set(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fail = err
}

// lasting is the log as a Keeper sees it: what lasts.
type lasting struct{ *events.Log }

func (l lasting) Last() uint64 { return l.Durable() }

func (l lasting) Since(seq uint64, limit int, f events.Filter) ([]events.Event, error) {
	last := l.Durable()
	f.Keep = func(e events.Event) bool { return e.Seq <= last }
	return l.Log.Since(seq, limit, f)
}

// desk is a Keeper with all it works with.
type desk struct {
	*shelf
	rules *Rules
	log   *events.Log
	vault *vault
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{shelf: newShelf(t), vault: &vault{}}
	var err error
	if d.rules, err = OpenRules(d.db, discard); err != nil {
		t.Fatal(err)
	}
	return d
}

// begin opens the log; its channels have to be the bubble's.
func (d *desk) begin(t *testing.T) {
	t.Helper()
	var err error
	if d.log, err = events.Open(d.db, events.Options{}); err != nil {
		t.Fatal(err)
	}
}

// run runs a Keeper until the function it returns is called: a stop, or a crash, of
// which the place that was kept last is what is left.
func (d *desk) run(t *testing.T) (stop func(crash bool)) {
	t.Helper()
	k := NewKeeper(Options{State: d.db, Rules: d.rules, Book: d.Book, Source: lasting{d.log}, Holder: d.vault, Emit: func(e events.Event) { d.log.Emit(e) }, Log: discard})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	synctest.Wait()
	return func(crash bool) {
		before, _ := d.db.GetBytes(ruleBucket+"_place", placeKey)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		if crash {
			if err := d.db.SetBytes(ruleBucket+"_place", placeKey, before); err != nil {
				t.Error(err)
			}
		}
	}
}

// happen has events last.
func (d *desk) happen(t *testing.T, list ...events.Event) {
	t.Helper()
	for _, e := range list {
		d.log.Emit(e)
	}
	if err := d.log.Flush(); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func (d *desk) rule(t *testing.T, change func(*Rule)) Rule {
	t.Helper()
	r := DefaultRule()
	r.Name = "Zones"
	change(&r)
	r, err := d.rules.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func enter(camera string, at time.Time) events.Event {
	return events.Event{Type: "zone_enter", Time: at, Camera: camera, Severity: events.Warning, Payload: map[string]any{"zone_id": "z1"}}
}

func TestARuleHoldsWhatItIsAskedFor(t *testing.T) {
	tests := []struct {
		name  string
		rule  func(*Rule)
		event func(*events.Event)
		want  bool
	}{
		{"an event of a zone", func(*Rule) {}, func(*events.Event) {}, true},
		{"one of another type", func(*Rule) {}, func(e *events.Event) { e.Type = "camera_offline" }, false},
		{"any type", func(r *Rule) { r.Types = []string{"*"} }, func(e *events.Event) { e.Type = "camera_offline" }, true},
		{"one that holds make themselves", func(r *Rule) { r.Types = []string{"*"} }, func(e *events.Event) { e.Type = "evidence_hold" }, false},
		{"another camera", func(r *Rule) { r.Cameras = []string{"yard"} }, func(*events.Event) {}, false},
		{"that camera", func(r *Rule) { r.Cameras = []string{"yard", "door"} }, func(*events.Event) {}, true},
		{"no camera", func(r *Rule) { r.Types = []string{"*"} }, func(e *events.Event) { e.Camera = "" }, false},
		{"another zone", func(r *Rule) { r.Zones = []string{"z2"} }, func(*events.Event) {}, false},
		{"that zone", func(r *Rule) { r.Zones = []string{"z1"} }, func(*events.Event) {}, true},
		{"too little severity", func(r *Rule) { r.MinSeverity = events.Critical }, func(*events.Event) {}, false},
		{"enough severity", func(r *Rule) { r.MinSeverity = events.Warning }, func(*events.Event) {}, true},
		{"a rule that rests", func(r *Rule) { r.Enabled = false }, func(*events.Event) {}, false},
	}
	for _, tt := range tests {
		r, e := DefaultRule(), enter("door", time.Now())
		tt.rule(&r)
		tt.event(&e)
		if got := r.wants(&e); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestEventsHoldTheirFootageAndItsSurroundings(t *testing.T) {
	d := newDesk(t)
	synctest.Test(t, func(t *testing.T) {
		d.begin(t)
		d.happen(t, enter("door", time.Now())) // before there was a rule
		r := d.rule(t, func(r *Rule) { r.OpenIncident = true })
		stop := d.run(t)
		at := time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC)
		d.happen(t, enter("door", at), enter("yard", at))
		if len(d.vault.holds) != 2 {
			t.Fatalf("holds %+v, want one of each camera", d.vault.holds)
		}
		h := d.vault.holds[0]
		want := at.Add(2*time.Minute + 30*time.Second)
		if !h.From.Equal(at.Add(-time.Minute)) || !h.To.Equal(want) || !h.Until.Equal(want.Add(30*24*time.Hour)) || h.By != "rule:"+r.ID || h.Incident == "" {
			t.Errorf("held %+v", h)
		}
		if in, err := d.Get(h.Incident); err != nil || in.Cameras[0] != "door" {
			t.Errorf("its incident: %+v, %v", in, err)
		}
		// Ten minutes of somebody coming and going are one hold.
		for s := range 120 {
			d.happen(t, enter("door", at.Add(time.Duration(s)*5*time.Second)))
		}
		if n, h := len(d.vault.holds), d.vault.holds[0]; n != 2 || !h.To.Equal(time.Date(2026, 11, 28, 12, 13, 0, 0, time.UTC)) {
			t.Errorf("%d holds, the first until %v", n, h.To)
		}
		if calls := d.vault.calls; calls > 2+12 {
			t.Errorf("the recorder was asked %d times", calls)
		}
		// An hour of it is another.
		d.happen(t, enter("door", at.Add(59*time.Minute)))
		d.happen(t, enter("door", at.Add(60*time.Minute)))
		if n := len(d.vault.holds); n != 3 {
			t.Errorf("%d holds after an hour", n)
		}
		stop(false)
	})
}

func TestACrashNeitherLosesAHoldNorDoublesIt(t *testing.T) {
	d := newDesk(t)
	synctest.Test(t, func(t *testing.T) {
		d.begin(t)
		d.rule(t, func(r *Rule) { r.OpenIncident = true })
		at := time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC)
		for i := range 10 {
			stop := d.run(t)
			d.happen(t, enter(fmt.Sprint("camera", i), at))
			stop(i%2 == 0)
		}
		d.run(t)(false)
		seen := map[string]int{}
		for _, h := range d.vault.holds {
			seen[h.Camera]++
		}
		for i := range 10 {
			if n := seen[fmt.Sprint("camera", i)]; n != 1 {
				t.Errorf("camera%d is held %d times", i, n)
			}
		}
		if n := len(d.List()); n != 10 {
			t.Errorf("%d incidents, want 10", n)
		}
	})
}

func TestARecorderThatRefusesIsAskedAgain(t *testing.T) {
	d := newDesk(t)
	synctest.Test(t, func(t *testing.T) {
		d.begin(t)
		d.rule(t, func(*Rule) {})
		stop := d.run(t)
		d.vault.set(errors.New("the disk is sick"))
		d.happen(t, enter("door", time.Now()), enter("yard", time.Now()))
		d.vault.set(nil)
		time.Sleep(2 * retryAfter)
		synctest.Wait()
		if n := len(d.vault.Holds()); n != 2 {
			t.Errorf("%d holds after the recorder came back, want 2", n)
		}
		// What it refuses for good stops nobody.
		d.vault.set(&FieldError{"until", "is over"})
		d.happen(t, enter("gate", time.Now()))
		d.vault.set(nil)
		d.happen(t, enter("shed", time.Now()))
		if n := len(d.vault.Holds()); n != 3 {
			t.Errorf("%d holds, want that of the shed beside the two", n)
		}
		stop(false)
	})
}

func TestARuleIsLimited(t *testing.T) {
	d := newDesk(t)
	synctest.Test(t, func(t *testing.T) {
		d.begin(t)
		d.rule(t, func(*Rule) {})
		stop := d.run(t)
		for i := range hourly + 10 {
			d.happen(t, enter(fmt.Sprint("camera", i), time.Now()))
		}
		if n := len(d.vault.Holds()); n != hourly {
			t.Errorf("%d holds in an hour, want %d", n, hourly)
		}
		told, err := d.log.Since(0, 1000, events.Filter{Types: []string{"hold_rule_limited"}})
		if err != nil || len(told) != 1 {
			t.Errorf("told %d times, %v", len(told), err)
		}
		time.Sleep(time.Hour)
		d.happen(t, enter("another", time.Now()))
		if n := len(d.vault.Holds()); n != hourly+1 {
			t.Errorf("%d holds an hour later", n)
		}
		stop(false)
	})
}
