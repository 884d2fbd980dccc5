package sweep

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/index"
)

// first is when the footage of a box begins.
var first = time.UnixMilli(1795464000000)

// policed runs f with a sweeper whose wall clock shows first + at.get(), and
// moves on with the bubble's.
func policed(t *testing.T, p Policies, f func(b *box, s *Sweeper, clock *wallClock)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		c := &wallClock{began: time.Now(), trusted: true}
		f(b, New(b, b, b, Options{Limits: testLimits, Policies: p, Emit: b.emit, Now: c.now, Trusted: func() bool { return c.trusted }}), c)
		b.wantWhole()
	})
}

type wallClock struct {
	began   time.Time
	at      time.Duration // after first, when the bubble began
	trusted bool
}

func (c *wallClock) now() time.Time { return first.Add(c.at + time.Since(c.began)) }

// trust marks the rows of a box as of a trusted clock.
func (b *box) trust() {
	b.set(func() {
		for i := range b.rows {
			b.rows[i].Flags |= index.Trusted
		}
	})
}

func one(p Policy) Policies { return Policies{Cameras: map[string]Policy{"a": p}} }

// Segments are a minute each: number n ends n + 1 minutes after first.
func TestFootageAgesOut(t *testing.T) {
	tests := []struct {
		name  string
		at    time.Duration
		setup func(b *box, c *wallClock)
		want  []uint32
	}{
		{"none is due", 61*time.Minute - time.Millisecond, nil, []uint32{0, 1, 2, 3, 4}},
		{"one is due to the millisecond", 61 * time.Minute, nil, []uint32{1, 2, 3, 4}},
		{"three are", 63 * time.Minute, nil, []uint32{3, 4}},
		{"evidence stays", 63 * time.Minute, func(b *box, _ *wallClock) { b.held[1] = true }, []uint32{1, 3, 4}},
		{"what somebody reads stays", 63 * time.Minute, func(b *box, _ *wallClock) { b.leased[0] = true }, []uint32{0, 3, 4}},
		{"what has no known time stays", 63 * time.Minute, func(b *box, _ *wallClock) { b.rows[2].Flags = 0 }, []uint32{2, 3, 4}},
		{"nothing while the clock is not trusted", 63 * time.Minute, func(_ *box, c *wallClock) { c.trusted = false }, []uint32{0, 1, 2, 3, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t)
				c := &wallClock{began: time.Now(), trusted: true, at: tt.at}
				s := New(b, b, b, Options{Limits: testLimits, Policies: one(Policy{Age: time.Hour}), Emit: b.emit, Now: c.now,
					Trusted: func() bool { return c.trusted }, Leased: func(r index.Row) bool { return b.leased[r.Seq] }})
				b.record("a", 5, 1)
				b.record("b", 1, 1)
				b.rows[5].Start = first.Add(tt.at).UnixMilli() // somebody records to this day
				b.trust()
				if tt.setup != nil {
					tt.setup(b, c)
				}
				b.must(s)
				if got := slices.DeleteFunc(b.left(), func(n uint32) bool { return n == 5 }); !slices.Equal(got, tt.want) {
					t.Errorf("left %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestAClockThatStepsAgesNothingOfNote(t *testing.T) {
	for _, years := range []int{10, -10} {
		policed(t, one(Policy{Age: time.Hour}), func(b *box, s *Sweeper, c *wallClock) {
			b.record("a", 120, 1)
			b.trust()
			c.at = 120 * time.Minute
			b.must(s)
			if n := len(b.left()); n != 60 {
				t.Errorf("%d of 120 segments are left, want an hour", n)
			}
			c.at += time.Duration(years) * 365 * 24 * time.Hour
			for range 10 { // five minutes
				time.Sleep(30 * time.Second)
				b.must(s)
			}
			// Ten minutes of footage fall due in five, however often it is swept.
			if n := len(b.left()); years > 0 && n != 50 || years < 0 && n != 60 {
				t.Errorf("%d years: %d segments are left", years, n)
			}
			s.SetPolicies(one(Policy{Age: 2 * time.Hour}))
			b.must(s)
			if n := len(b.left()); years > 0 && n != 0 {
				t.Errorf("a person asked for it, and %d segments are left", n)
			}
		})
	}
}

// The clock is believed up to twice the time that passed; one that goes back is,
// and may come again.
func TestTheClockIsBelievedWithABrake(t *testing.T) {
	const hour, day = int64(3600_000), 24 * int64(3600_000)
	mono := time.Now()
	at := func(wall int64) Brake { return Brake{wall, mono.Add(-time.Hour)} }
	tests := []struct {
		name         string
		b            Brake
		now, newest  int64
		believed, at int64
	}{
		{"the first sweep of a box at work", Brake{}, 100 * day, 100*day - 1000, 100 * day, 100 * day},
		{"the first sweep after a month off", Brake{}, 130 * day, 100 * day, 100*day + 60_000, 100*day + 60_000},
		{"time goes on", at(100 * day), 100*day + hour, 0, 100*day + hour, 100*day + hour},
		{"the clock is set forward", at(100 * day), 200 * day, 0, 100*day + 2*hour, 100*day + 2*hour},
		{"and back", at(100 * day), 50 * day, 0, 50 * day, 100*day + hour/2},
		{"a lie of an hour wears off", at(100*day + hour), 100*day + hour, 0, 100*day + hour, 100*day + hour + hour/2},
	}
	for _, tt := range tests {
		believed, next := tt.b.Believe(tt.now, mono, tt.newest)
		if believed != tt.believed || next.wall != tt.at || !next.at.Equal(mono) {
			t.Errorf("%s: %d, then %d; want %d, then %d", tt.name, believed, next.wall, tt.believed, tt.at)
		}
	}
}

// A lie that a person's change was applied in opens no door for the next.
func TestAClockThatLiesTwiceIsBrakedTwice(t *testing.T) {
	two := func(b time.Duration) Policies {
		return Policies{Cameras: map[string]Policy{"a": {Age: time.Hour}, "b": {Age: b}}}
	}
	policed(t, two(time.Hour), func(b *box, s *Sweeper, c *wallClock) {
		b.record("a", 60, 1)
		b.record("b", 1, 1)
		b.trust()
		const lie = 10 * 365 * 24 * time.Hour
		c.at = 60 * time.Minute
		b.must(s)
		c.at += lie
		b.must(s)
		s.SetPolicies(two(2 * time.Hour))
		b.must(s)
		c.at -= lie
		time.Sleep(30 * time.Second)
		b.must(s)
		c.at += lie
		time.Sleep(30 * time.Second)
		b.must(s)
		if n := len(b.left()); n < 57 || n == 61 {
			t.Errorf("%d segments are left, want most of a's and none of b's", n)
		}
	})
}

func TestQuotaAndCap(t *testing.T) {
	tests := []struct {
		name string
		p    Policies
		held []uint32
		want []uint32 // of a: 0 to 4, of b: 5 to 9, all of 10 MiB
		told []string
	}{
		{"no limits", Policies{}, nil, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, nil},
		{"exactly at the quota", one(Policy{Quota: 50 * mib}), nil, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, nil},
		{"a byte over it", one(Policy{Quota: 50*mib - 1}), nil, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, []string{"info retention_delete quota"}},
		{"evidence counts against the quota", one(Policy{Quota: 25 * mib}), []uint32{0}, []uint32{0, 4, 5, 6, 7, 8, 9}, []string{"info retention_delete quota"}},
		{"evidence beyond the quota saves the rest", one(Policy{Quota: 15 * mib}), []uint32{0, 1}, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
			[]string{"warning disk_pressure locked_exceeds_quota"}},
		{"what is to be kept stays", one(Policy{Quota: 10 * mib, Keep: 18 * time.Minute}), nil, []uint32{2, 3, 4, 5, 6, 7, 8, 9}, []string{"info retention_delete quota"}},
		{"exactly at the cap", Policies{Cap: 100 * mib}, nil, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, nil},
		{"a byte over it", Policies{Cap: 100*mib - 1}, nil, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, []string{"warning disk_pressure size_cap"}},
		{"the oldest of all", Policies{Cap: 35 * mib}, nil, []uint32{7, 8, 9}, []string{"warning disk_pressure size_cap"}},
		{"evidence is beside the budget", Policies{Cap: 35 * mib}, []uint32{0, 5}, []uint32{0, 5, 9}, []string{"warning disk_pressure size_cap"}},
		{"evidence fills the cap to the byte", Policies{Cap: 20 * mib}, []uint32{0, 5}, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, nil},
		{"evidence beyond the cap", Policies{Cap: 19 * mib}, []uint32{0, 5}, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
			[]string{"warning disk_pressure locked_exceeds_cap"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			policed(t, tt.p, func(b *box, s *Sweeper, c *wallClock) {
				c.at = 20 * time.Minute
				b.record("a", 5, 10)
				b.record("b", 5, 10)
				for _, n := range tt.held {
					b.held[n] = true
				}
				b.must(s)
				if got := b.left(); !slices.Equal(got, tt.want) {
					t.Errorf("left %v, want %v", got, tt.want)
				}
				b.wantTold(tt.told...)
				b.must(s)
				if got := b.left(); !slices.Equal(got, tt.want) {
					t.Errorf("a second sweep left %v, want %v", got, tt.want)
				}
				b.wantTold()
			})
		})
	}
}

// TestARuleThatFailsLeavesTheOthersAlone: files of one camera cannot be
// removed; the cap is kept all the same, by other footage, once.
func TestARuleThatFailsLeavesTheOthersAlone(t *testing.T) {
	p := Policies{Cap: 60 * mib, Cameras: map[string]Policy{"a": {Quota: 30 * mib}}}
	policed(t, p, func(b *box, s *Sweeper, _ *wallClock) {
		b.record("a", 5, 10)
		b.record("b", 5, 10)
		b.removeErr = func(path string) error {
			if strings.Contains(path, "/a/") {
				return syscall.EIO
			}
			return nil
		}
		b.must(s)
		// Two of a are condemned and still there; they count against the cap.
		if got := b.left(); !slices.Equal(got, []uint32{2, 3, 4, 9}) {
			t.Errorf("left %v, want the newest of a, and of b what the cap leaves", got)
		}
		b.set(func() { b.removeErr = func(string) error { return nil } })
		b.must(s)
		if got := b.left(); !slices.Equal(got, []uint32{2, 3, 4, 9}) || len(b.garbage) != 0 {
			t.Errorf("left %v and %d condemned when the disk is well again", got, len(b.garbage))
		}
	})
	policed(t, p, func(b *box, s *Sweeper, _ *wallClock) {
		b.record("b", 9, 10)
		b.set(func() { b.statErr = errSick })
		if err := s.Sweep(t.Context()); !errors.Is(err, errSick) || len(b.left()) != 6 {
			t.Errorf("without statistics: %v, %d segments left; want the error, and the cap kept with 6", err, len(b.left()))
		}
	})
}

// TestOngoingDeletionIsToldNowAndThen, with all that went since.
func TestOngoingDeletionIsToldNowAndThen(t *testing.T) {
	policed(t, Policies{Cap: 20 * mib}, func(b *box, s *Sweeper, _ *wallClock) {
		for range 60 {
			b.record("a", 1, 10)
			b.must(s)
			time.Sleep(time.Minute)
		}
		b.mu.Lock()
		deleted := 0
		for _, e := range b.events {
			deleted += e.Payload["deleted"].(int)
			if e.Payload["max_bytes"] != int64(20*mib) {
				t.Errorf("event %+v", e)
			}
		}
		n := len(b.events)
		b.mu.Unlock()
		if n != 4 || deleted < 45 {
			t.Errorf("%d events of %d deletions in an hour, want 4", n, deleted)
		}
	})
}
