package update

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vedette/firmware/slots"
)

// installed has an update installed, and its slot started for the first time.
func installed(t *testing.T, b *box) *Updater {
	t.Helper()
	u := b.boot(slots.A, "v1.0.0", 0)
	run(t, u, func(context.CancelFunc) {
		receive(t, u)
		if err := u.Install(Request{}); err != nil {
			t.Fatal(err)
		}
		pass(2 * b.slow)
	})
	if got := b.told(); !slices.Equal(got, []string{"update_installed"}) {
		t.Fatalf("told %v", got)
	}
	return b.start(t, slots.B, given)
}

// start is the boot loader: it starts the slot that is due, which must be want.
func (b *box) start(t *testing.T, want slots.Slot, trial time.Duration) *Updater {
	t.Helper()
	b.restarted()
	n, ok := slots.Next(b.state(), [2]bool{true, true})
	if !ok || n.Slot != want || n.Trial != (trial > 0) {
		t.Fatalf("started %+v, want %v", n, want)
	}
	if err := b.store.Save(n.State); err != nil {
		t.Fatal(err)
	}
	return b.boot(want, map[slots.Slot]string{slots.A: "v1.0.0", slots.B: "v1.1.0"}[want], trial)
}

func TestHealthMustNotBreak(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		u := installed(t, b)
		run(t, u, func(context.CancelFunc) {
			pass(100 * time.Second)
			b.set(Health{OK: false, Waiting: "sync: no progress", Cameras: 2})
			pass(2 * time.Second)
			if w := u.Status().Trial.WaitingFor; w != "sync: no progress" {
				t.Errorf("waits for %q", w)
			}
			b.set(Health{OK: true, Cameras: 1})
			pass(119 * time.Second)
			if b.confirmed() {
				t.Error("confirmed without 120 s of health in a row")
			}
			pass(3 * time.Second)
			if !b.confirmed() || b.rebooted() != 0 {
				t.Error("not confirmed after 120 s of health")
			}
		})
	})
}

func TestWhatDoesNotRecordIsGivenUp(t *testing.T) {
	b := newBox(t)
	b.last = "writer: no progress for 60s"
	synctest.Test(t, func(t *testing.T) {
		u := installed(t, b)
		b.set(Health{OK: true, Cameras: 0})
		run(t, u, func(context.CancelFunc) {
			pass(284 * time.Second)
			if b.rebooted() != 0 || !b.state().Bootable(slots.B) {
				t.Errorf("given up before its time: %+v", b.state())
			}
			pass(2 * time.Second)
			if b.rebooted() != 1 || b.state().Bootable(slots.B) || b.confirmed() {
				t.Errorf("%d restarts, %+v", b.rebooted(), b.state())
			}
			b.set(Health{OK: true, Cameras: 2})
			pass(10 * time.Minute)
			if b.rebooted() != 1 || b.state().Bootable(slots.B) {
				t.Errorf("taken back: %d restarts, %+v", b.rebooted(), b.state())
			}
		})
		if got := b.told(); !slices.Equal(got, []string{"update_not_confirmed"}) || !strings.Contains(b.lastPayload()["waiting_for"].(string), "no camera") {
			t.Errorf("told %v, %v", got, b.lastPayload())
		}
		run(t, b.start(t, slots.A, 0), func(context.CancelFunc) {})
		p := b.lastPayload()
		if got := b.told(); !slices.Equal(got, []string{"update_rolled_back"}) || !strings.Contains(p["reason"].(string), "no camera") || p["last_words"] != b.last {
			t.Errorf("told %v, %v", got, p)
		}
		run(t, b.start(t, slots.A, 0), func(context.CancelFunc) {})
		if got := b.told(); len(got) != 0 {
			t.Errorf("told again: %v", got)
		}
	})
}

// TestEveryWayBackIsTold has the old system find out why it runs again.
func TestEveryWayBackIsTold(t *testing.T) {
	tests := []struct {
		name   string
		fails  func(t *testing.T, b *box)
		event  string
		reason string
	}{
		{"it panics three times", func(t *testing.T, b *box) {
			b.start(t, slots.B, given)
			b.start(t, slots.B, given)
		}, "update_rolled_back", "3 times"},
		{"the guard went back", func(t *testing.T, b *box) {
			f, err := b.store.Fallback()
			if err != nil {
				t.Fatal(err)
			}
			if err := b.store.Save(f); err != nil {
				t.Fatal(err)
			}
		}, "update_rolled_back", "guard"},
		{"the boot loader cannot read the slot", func(t *testing.T, b *box) {
			b.restarted()
			n, _ := slots.Next(b.state(), [2]bool{true, false})
			if n.Slot != slots.A {
				t.Fatalf("%+v", n)
			}
			// What it holds then is not asked again: B must not come by surprise.
		}, "update_rolled_back", "nothing in its slot"},
		{"the power went before it was activated", func(t *testing.T, b *box) {
			if err := b.store.Save(slots.State{First: slots.A, Good: [2]bool{true, false}}); err != nil {
				t.Fatal(err)
			}
		}, "update_failed", ""},
	}
	for _, tt := range tests {
		b := newBox(t)
		synctest.Test(t, func(t *testing.T) {
			installed(t, b)
			tt.fails(t, b)
			b.restarted()
			u := b.boot(slots.A, "v1.0.0", 0)
			run(t, u, func(context.CancelFunc) {})
			p := b.lastPayload()
			reason, _ := p["reason"].(string)
			if got := b.told(); !slices.Equal(got, []string{tt.event}) || !strings.Contains(reason, tt.reason) || p["to"] != "v1.1.0" {
				t.Errorf("%s: told %v, %v", tt.name, got, p)
			}
			if s := b.state(); s.First != slots.A || s.Bootable(slots.B) || !b.confirmed() {
				t.Errorf("%s: %+v, confirmed %v", tt.name, s, b.confirmed())
			}
			if _, fell := b.state().FellBack(); fell {
				t.Errorf("%s: the state still tells of the guard", tt.name)
			}
		})
	}
}

func TestACardThatWasJustFlashedIsConfirmedQuietly(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		if err := b.store.Save(slots.Default()); err != nil {
			t.Fatal(err)
		}
		b.set(Health{OK: true}) // its cameras are not there yet
		run(t, b.start(t, slots.A, given), func(context.CancelFunc) { pass(122 * time.Second) })
		if s := b.state(); !s.Good[slots.A] || !b.confirmed() || len(b.told()) != 0 {
			t.Errorf("%+v, confirmed %v", s, b.confirmed())
		}
	})
}

func TestTheOnlySystemThereIsStays(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		if err := b.store.Save(slots.Default()); err != nil {
			t.Fatal(err)
		}
		b.set(Health{Waiting: "disk: not mounted"})
		run(t, b.start(t, slots.A, given), func(context.CancelFunc) {
			pass(20 * time.Minute)
			if b.rebooted() != 0 || !b.state().Bootable(slots.A) {
				t.Errorf("%d restarts, %+v", b.rebooted(), b.state())
			}
			if got := b.told(); !slices.Equal(got, []string{"update_not_confirmed"}) {
				t.Errorf("told %v", got)
			}
			b.set(Health{OK: true})
			pass(122 * time.Second)
			if !b.state().Good[slots.A] || !b.confirmed() {
				t.Errorf("%+v, confirmed %v", b.state(), b.confirmed())
			}
		})
	})
}

func TestATrialOfUnknownLengthHasNoEnd(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		installed(t, b)
		b.set(Health{OK: true}) // a camera was recorded before
		u := b.boot(slots.B, "v1.1.0", 0)
		run(t, u, func(context.CancelFunc) {
			pass(time.Hour)
			if b.rebooted() != 0 || b.confirmed() || !u.Status().Trial.Until.IsZero() {
				t.Errorf("%d restarts, %+v", b.rebooted(), u.Status().Trial)
			}
			b.set(Health{OK: true, Cameras: 1})
			pass(usualNeed + 2*time.Second)
			if !b.confirmed() {
				t.Error("not confirmed")
			}
		})
	})
}

// TestAStateThatCannotBeWrittenIsNotConfirmed: what the boot loader does not know of
// must not be told to anybody.
func TestAStateThatCannotBeWrittenIsNotConfirmed(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		u := installed(t, b)
		b.card.cut = 1
		run(t, u, func(context.CancelFunc) {
			pass(130 * time.Second)
			if b.confirmed() || len(b.told()) != 0 {
				t.Error("confirmed by a state that could not be written")
			}
			b.card.mu.Lock()
			b.card.cut = 0
			b.card.mu.Unlock()
			pass(2 * time.Second)
			if !b.confirmed() || !b.state().Good[slots.B] {
				t.Errorf("not confirmed once it can: %+v", b.state())
			}
		})
	})
}

func TestANoteThatIsDamagedIsPassedOver(t *testing.T) {
	for _, note := range []string{"", "{", `{"from_slot":"A","to_slot":"A"}`, `{"from_slot":"A","to_slot":"Z"}`, `[]`, "\x00\xff"} {
		b := newBox(t)
		synctest.Test(t, func(t *testing.T) {
			u := b.boot(slots.A, "v1.0.0", 0)
			path := filepath.Join(b.dir, "update", "pending.json")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(note), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, u, func(context.CancelFunc) {})
			if _, err := os.Stat(path); err == nil || len(b.told()) != 0 || !b.confirmed() {
				t.Errorf("%q: still there, or told of", note)
			}
		})
	}
}
