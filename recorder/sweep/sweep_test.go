package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// in runs f on a clock of its own, with a box.
func in(t *testing.T, f func(b *box, s *Sweeper)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		f(b, b.sweeper())
		b.wantWhole()
	})
}

func TestSweepStopsAtTheHighMarkAndKeepsTheOrder(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 5, 30)
		b.fill(95)
		b.must(s)
		if got := b.left(); !slices.Equal(got, []uint32{2, 3, 4}) {
			t.Errorf("left %v, want 2 3 4: two of 30 MiB reach 150 from 95", got)
		}
		want := "condemn 2, unlink, unlink, sync 2026-11-23, forget 2"
		if got := strings.Join(b.log, ", "); got != want {
			t.Errorf("did %s\nwant %s", got, want)
		}
		if a := b.audits[0]; a.Count != 2 || a.Bytes != 60*mib || a.Reason != FreeFloor || a.Newest-a.Oldest != 120_000 || !slices.Equal(a.Cameras, []string{"a"}) {
			t.Errorf("audit %+v", a)
		}
		b.must(s)
		if got := len(b.left()); got != 3 {
			t.Errorf("a second sweep deleted more: %d left", got)
		}
	})
}

func TestNothingHappensAtTheFloor(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 5, 30)
		b.fill(100)
		b.must(s)
		if len(b.left()) != 5 || len(b.log) != 0 {
			t.Errorf("left %v, did %v", b.left(), b.log)
		}
		b.wantTold()
	})
}

func TestABatchIs256AndEachBatchIsMeasured(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 600, 1)
		b.set(func() { b.total = 2000 * mib })
		s.SetLimits(Limits{Floor: 400 * mib, High: 700 * mib})
		b.fill(390)
		b.must(s)
		if got := len(b.left()); got != 290 || b.freeMiB() != 700 {
			t.Errorf("%d left, %d MiB free; want 290 and 700", got, b.freeMiB())
		}
		if b.log[0] != "condemn 256" || !slices.Contains(b.log, "condemn 54") {
			t.Errorf("batches: %v", b.log)
		}
	})
}

func TestASegmentLockedAfterThePlanIsKept(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 5, 30)
		b.fill(95)
		b.onOldest = func() { b.set(func() { b.held[0] = true }) }
		b.must(s)
		if got := b.left(); !slices.Equal(got, []uint32{0, 3, 4}) {
			t.Errorf("left %v, want 0 3 4: 0 was locked between plan and transaction", got)
		}
	})
}

func TestLeasedSegmentsAreSkippedAndGoLater(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 4, 60)
		b.leased[0] = true
		b.fill(95)
		b.must(s)
		if got := b.left(); !slices.Equal(got, []uint32{0, 2, 3}) {
			t.Errorf("left %v, want 0 2 3", got)
		}
		b.leased[0] = false
		b.fill(95)
		b.must(s)
		if got := b.left(); !slices.Equal(got, []uint32{2, 3}) {
			t.Errorf("left %v, want 2 3", got)
		}
	})
}

func TestOthersWritingMeanwhileIsNotFutility(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 40, 20)
		b.fill(50)
		b.onRemove = func() { b.set(func() { b.other += 15 * mib; b.written += 15 * mib }) } // the recorder itself
		b.must(s)
		if b.freeMiB() < 150 {
			t.Errorf("%d MiB free, want the high mark", b.freeMiB())
		}
		b.wantTold("critical disk_pressure free_floor")
	})
}

func TestNothingToPrune(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 3, 10)
		b.held[0] = true
		b.fill(10)
		b.must(s)
		b.must(s)
		if got := b.left(); !slices.Equal(got, []uint32{0}) {
			t.Errorf("left %v, want the evidence", got)
		}
		b.wantTold("critical disk_pressure nothing_to_prune", "critical disk_pressure free_floor")
		b.fill(120)
		b.must(s)
		b.wantTold("info disk_pressure nothing_to_prune cleared")
	})
}

func TestAFloorAsLargeAsTheDiskIsRefused(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 3, 10)
		s.SetLimits(Limits{Floor: 1000 * mib})
		b.must(s)
		b.must(s)
		if len(b.left()) != 3 {
			t.Errorf("left %v", b.left())
		}
		b.wantTold("critical disk_pressure floor_unsatisfiable")
		s.SetLimits(testLimits)
		b.must(s)
		b.wantTold("info disk_pressure floor_unsatisfiable cleared")
	})
}

func TestUnreadableStatisticsDeleteNothing(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 3, 30)
		b.fill(10)
		b.statErr = errSick
		for range 2 {
			if err := s.Sweep(b.t.Context()); !errors.Is(err, errSick) {
				t.Errorf("Sweep = %v", err)
			}
		}
		if len(b.left()) != 3 || !s.MayRecord() {
			t.Errorf("left %v, may record %v", b.left(), s.MayRecord())
		}
		b.wantTold("warning disk_pressure disk_stats_unavailable")
		b.statErr = nil
		b.fill(500)
		b.must(s)
		b.wantTold("info disk_pressure disk_stats_unavailable cleared")
	})
}

func TestAFileThatCannotBeRemovedStaysGarbageAndIsTriedAgain(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 1, 60)
		b.record("b", 3, 60)
		b.fill(95)
		b.removeErr = func(p string) error {
			if strings.Contains(p, "/a/") {
				return syscall.EIO
			}
			return nil
		}
		b.must(s)
		if got := b.left(); !slices.Equal(got, []uint32{2, 3}) || len(b.garbage) != 1 {
			t.Errorf("left %v, garbage %v; want 2 3 and the one that failed", got, b.garbage)
		}
		b.wantTold("critical disk_pressure delete_failed", "critical disk_pressure free_floor")
		b.must(s)
		b.wantTold()
		b.removeErr = func(string) error { return nil }
		b.must(s)
		if len(b.garbage) != 0 || len(b.files) != 2 {
			t.Errorf("garbage %v, %d files", b.garbage, len(b.files))
		}
		b.wantTold("info disk_pressure delete_failed cleared")
		if s.State().Deleted.Rows != 2 {
			t.Errorf("%d deleted, want 2", s.State().Deleted.Rows)
		}
	})
}

func TestADiskThatRefusesEverythingDoesNotTurnAllFootageIntoGarbage(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		for i := range 100 {
			b.record(fmt.Sprint("cam", i), 4, 1)
		}
		b.fill(90)
		b.removeErr = func(string) error { return syscall.EROFS }
		for range 100 {
			b.must(s)
			time.Sleep(30 * second)
		}
		if got := len(b.garbage); got > 80 || len(b.left())+got != 400 {
			t.Errorf("%d rows are garbage, %d are left", got, len(b.left()))
		}
		b.removeErr = func(string) error { return nil }
		b.must(s)
		b.must(s)
		if len(b.garbage) != 0 || b.freeMiB() < 150 {
			t.Errorf("%d garbage, %d MiB free", len(b.garbage), b.freeMiB())
		}
	})
}

// A sick disk takes seconds for each refusal: a directory is not asked for all it
// has in one sweep, and others are.
func TestADirectoryThatRefusesIsNotAskedForAllOfIt(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 200, 1)
		b.fill(10)
		asked := 0
		b.removeErr = func(string) error { asked++; return syscall.EIO }
		for range 3 {
			b.must(s)
		}
		if asked > 40 || len(b.garbage) < 100 {
			t.Errorf("asked %d times with %d garbage", asked, len(b.garbage))
		}
		first := asked
		b.must(s)
		if asked-first > 8 {
			t.Errorf("then %d times in a sweep", asked-first)
		}
		b.removeErr = func(string) error { return nil }
		for range 2 {
			b.must(s)
		}
		if len(b.garbage) != 0 || b.freeMiB() < 150 {
			t.Errorf("afterwards %d garbage, %d MiB free", len(b.garbage), b.freeMiB())
		}
	})
}

func TestADirectoryThatCannotBeSyncedKeepsItsGarbage(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 2, 60)
		b.fill(95)
		b.syncErr = syscall.EIO
		b.must(s)
		if len(b.garbage) == 0 || len(b.audits) != 0 {
			t.Errorf("garbage %v, audits %v", b.garbage, b.audits)
		}
		b.syncErr = nil
		b.must(s)
		if len(b.garbage) != 0 {
			t.Errorf("garbage %v", b.garbage)
		}
	})
}

func TestDeletingThatFreesNothingStopsAndIsRemembered(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 300, 2)
		b.fill(90)
		b.lost = true
		b.must(s)
		first := len(b.left())
		if first < 300-60 {
			t.Errorf("%d of 300 are left: too many were sacrificed", first)
		}
		if told := b.told(); !slices.Contains(told, "critical disk_pressure prune_not_recovering_space") {
			t.Errorf("told %q", told)
		}
		for range 8 { // four minutes of ticks and kicks
			time.Sleep(30 * second)
			b.must(s)
		}
		if got := len(b.left()); got != first {
			t.Errorf("%d more were sacrificed within the back-off", first-got)
		}
		time.Sleep(10 * time.Hour)
		for range 60 * 24 { // a day of sweeps
			time.Sleep(time.Minute)
			b.must(s)
		}
		if got := first - len(b.left()); got > 12 {
			t.Errorf("%d were sacrificed in a day of trying, want one per ever longer back-off", got)
		}
		b.told()
		b.set(func() { b.lost = false; b.other -= 60 * mib }) // somebody made room: still below the high mark, above the floor
		b.must(s)
		b.wantTold("info disk_pressure prune_not_recovering_space cleared")
		b.fill(90)
		b.must(s)
		if b.freeMiB() < 150 {
			t.Errorf("%d MiB free after the disk recovered", b.freeMiB())
		}
	})
}

func TestSpaceThatComesBackLateIsNotFutility(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 60, 10)
		b.fill(90)
		b.lost = true
		go func() {
			for range 4 {
				time.Sleep(second)
				b.set(func() { b.lostBytes = 0 })
			}
		}()
		b.must(s)
		b.wantTold("critical disk_pressure free_floor")
		time.Sleep(5 * second)
	})
}

func TestReserveStopsRecordingUntilThereIsHalfAsMuchAgain(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		for _, step := range []struct {
			free int64
			may  bool
			told []string
		}{
			{20, true, []string{"critical disk_pressure nothing_to_prune"}},
			{19, false, []string{"critical disk_pressure reserve"}},
			{29, false, nil},
			{30, true, []string{"info disk_pressure reserve cleared"}},
			{25, true, nil},
		} {
			b.fill(step.free)
			b.must(s)
			if s.MayRecord() != step.may {
				t.Errorf("at %d MiB: may record %v", step.free, !step.may)
			}
			b.wantTold(step.told...)
		}
	})
}

func TestASweepThatMakesRoomNeverStopsRecording(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 10, 30)
		b.fill(0)
		b.must(s)
		if !s.MayRecord() {
			t.Error("recording was stopped although the sweep made room")
		}
	})
}

func TestEmptyDayDirectoriesGoButNotTheCurrentOne(t *testing.T) {
	for name, tt := range map[string]struct {
		now  time.Time
		want string
	}{
		"the day is over":                 {time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), "condemn 1, unlink, rmdir 2026-11-23, sync a, forget 1"},
		"the day is today":                {time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC), "condemn 1, unlink, sync 2026-11-23, forget 1"},
		"the day ended a minute ago":      {time.Date(2026, 11, 24, 0, 1, 0, 0, time.UTC), "condemn 1, unlink, sync 2026-11-23, forget 1"},
		"the clock begins in 1970":        {time.Unix(60, 0), "condemn 1, unlink, sync 2026-11-23, forget 1"},
		"the clock is ten years too late": {time.Date(2036, 11, 25, 0, 0, 0, 0, time.UTC), "condemn 1, unlink, rmdir 2026-11-23, sync a, forget 1"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(b *box, s *Sweeper) {
				s.o.Now = func() time.Time { return tt.now }
				b.record("a", 1, 60)
				b.fill(95)
				b.must(s)
				if got := strings.Join(b.log, ", "); got != tt.want {
					t.Errorf("did %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}

func TestEarlyDeletionIsReportedAtOnceThenEveryQuarter(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 200, 2)
		b.fill(120)
		for range 60 { // an hour of recording on a full disk
			b.record("b", 1, 3)
			b.must(s)
			time.Sleep(time.Minute)
		}
		told := b.told()
		if len(told) < 2 || len(told) > 5 || told[0] != "critical disk_pressure free_floor" || told[1] != "info retention_delete free_floor" {
			t.Errorf("told %q", told)
		}
		time.Sleep(2 * time.Hour)
		b.must(s)
		if told := b.told(); !slices.Contains(told, "info disk_pressure free_floor cleared") && len(told) == 0 {
			t.Errorf("the end was not told: %q", told)
		}
	})
}

func TestTheEventSaysWhatWhoseHowOldAndWhy(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		s.o.Now = func() time.Time { return time.UnixMilli(1795464000000 + 3_600_000) }
		b.record("a", 2, 30)
		b.fill(95)
		b.must(s)
		p := b.events[0].Payload
		cameras := p["cameras"].([]map[string]any)
		if p["deleted"] != 2 || p["bytes"] != int64(60*mib) || p["reason"] != FreeFloor || p["min_free_bytes"] != testLimits.Floor ||
			p["oldest"] != "2026-11-23T20:00:00.000Z" || p["newest"] != "2026-11-23T20:02:00.000Z" || p["oldest_age_s"] != int64(3600) ||
			len(cameras) != 1 || cameras[0]["camera"] != "a" || cameras[0]["deleted"] != 2 {
			t.Errorf("payload %v", p)
		}
	})
}

func TestAShutdownInTheMiddleLeavesGarbageForTheNextStart(t *testing.T) {
	in(t, func(b *box, s *Sweeper) {
		b.record("a", 10, 10)
		b.fill(60)
		ctx, cancel := context.WithCancel(b.t.Context())
		n := 0
		b.onRemove = func() {
			if n++; n == 3 {
				cancel()
			}
		}
		if err := s.Sweep(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Sweep = %v", err)
		}
		if len(b.garbage) == 0 || len(b.files)+3 != 10 {
			t.Errorf("%d garbage, %d files", len(b.garbage), len(b.files))
		}
		b.onRemove = nil
		b.must(b.sweeper())
		if len(b.garbage) != 0 {
			t.Errorf("%d garbage after the next start", len(b.garbage))
		}
	})
}
