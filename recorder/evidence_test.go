package recorder

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/internal/faultfs"
	"vedette/recorder/volume"
)

func TestHoldsNameTheWrongField(t *testing.T) {
	b := startRecorder(t, t.TempDir())
	var none *FieldError
	if _, _, err := b.PlaceHold(Evidence{From: time.Now().Add(-time.Minute), To: time.Now()}); !errors.As(err, &none) || none.Name != "cameras" {
		t.Errorf("a box without cameras: %v", err)
	}
	b.add(t, "door", CameraInput{})
	now := time.Now()
	tests := []struct {
		name  string
		e     Evidence
		field string // "" = good
	}{
		{"a minute of all", Evidence{From: now.Add(-time.Minute), To: now}, ""},
		{"backwards", Evidence{From: now, To: now.Add(-time.Minute)}, "to"},
		{"nothing", Evidence{From: now, To: now}, "to"},
		{"before all clocks", Evidence{From: time.Unix(-5, 0), To: now}, "from"},
		{"a camera nobody knows", Evidence{From: now.Add(-time.Minute), To: now, Cameras: []string{"yard"}}, "cameras"},
		{"until yesterday", Evidence{From: now.Add(-time.Minute), To: now, Until: now.Add(-time.Hour)}, "until"},
		{"a novel", Evidence{From: now.Add(-time.Minute), To: now, Reason: string(make([]byte, 501))}, "reason"},
	}
	for _, tt := range tests {
		_, _, err := b.PlaceHold(tt.e)
		var fe *FieldError
		if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &fe) || fe.Name != tt.field) {
			t.Errorf("%s: %v, want field %q", tt.name, err, tt.field)
		}
	}
	if n := len(b.Holds()); n != 1 {
		t.Errorf("%d holds are there, want the good one", n)
	}
	if err := b.ReleaseHold("none", "owner"); !errors.Is(err, ErrNoHold) {
		t.Errorf("a hold that is not there: %v", err)
	}
}

// locked counts the held segments of a camera, and the second names on the
// disk.
func (r *faultRig) locked(t *testing.T, disk *faultfs.Disk, id string) (rows, names int) {
	t.Helper()
	segments, err := r.Segments(t.Context(), id, time.Unix(0, 0), r.o.Clock.Now().Add(time.Hour), 0)
	if err != nil {
		t.Error(err)
	}
	for _, s := range segments {
		if s.Held {
			rows++
		}
	}
	entries, err := disk.ReadDir(volume.EvidenceDir + "/" + id)
	if err == nil {
		names = len(entries)
	}
	return rows, names
}

// TestWhatNoHoldCoversIsReleased, and nothing else; a hold ends by itself when
// its time is over.
func TestWhatNoHoldCoversIsReleased(t *testing.T) {
	bubble(t, faultDB(t), func(r *faultRig) {
		time.Sleep(30 * time.Second)
		now := r.o.Clock.Now()
		wide, n, err := r.PlaceHold(Evidence{From: now.Add(-40 * time.Second), To: now, Reason: "burglary", By: "owner", Incident: "7"})
		if err != nil || n < 10 {
			t.Fatalf("held %d, %v", n, err)
		}
		narrow, _, err := r.PlaceHold(Evidence{From: now.Add(-22 * time.Second), To: now.Add(-18 * time.Second), Cameras: []string{"door"}, Until: now.Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // what was open closes
		for _, id := range faultCameras {
			if rows, names := r.locked(t, r.disk, id); rows < 7 || names != rows {
				t.Errorf("%s: %d rows are held and %d have second names", id, rows, names)
			}
		}
		if got := r.Holds(); len(got) != 2 || got[0].Reason != "burglary" || got[0].By != "owner" || len(got[0].Cameras) != 2 || got[1].ID != narrow.ID {
			t.Errorf("holds %+v", got)
		}
		if err := r.ReleaseHold(wide.ID, "owner"); err != nil {
			t.Error(err)
		}
		if rows, names := r.locked(t, r.disk, "yard"); rows != 0 || names != 0 {
			t.Errorf("yard: %d rows are held and %d second names are left", rows, names)
		}
		if rows, names := r.locked(t, r.disk, "door"); rows < 1 || rows > 2 || names != rows {
			t.Errorf("door: %d rows are held with %d second names, want those of the other hold", rows, names)
		}
		time.Sleep(time.Minute)
		if rows, names := r.locked(t, r.disk, "door"); rows != 0 || names != 0 || len(r.Holds()) != 0 {
			t.Errorf("after its time: %d rows, %d second names, holds %+v", rows, names, r.Holds())
		}
		if left, err := r.store.evidence(); err != nil || len(left.Releases) != 0 {
			t.Errorf("still to be released: %+v, %v", left.Releases, err)
		}
	})
}

// TestAReleaseThatIsCutIsFinished: the power goes at each operation of a
// release; the next start comes to the same end, and what another hold covers
// stays locked throughout.
func TestAReleaseThatIsCutIsFinished(t *testing.T) {
	db := faultDB(t)
	s, err := newStore(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	cuts := 0
	for at := 1; ; at++ {
		finished := false
		synctest.Test(t, func(t *testing.T) { finished = cutRelease(t, db, s, at) })
		if finished || t.Failed() {
			break
		}
		cuts++
	}
	if cuts < 5 {
		t.Errorf("%d cuts, want one at each operation of a release", cuts)
	}
	t.Logf("%d cuts", cuts)
}

// cutRelease reports whether the release had fewer operations than at.
func cutRelease(t *testing.T, db *storm.DB, s *store, at int) (finished bool) {
	forget(t, db)
	if err := s.saveEvidence(evidenceBook{}); err != nil {
		t.Fatal(err)
	}
	b := &powerBox{dirs: [2]string{t.TempDir(), t.TempDir()}, disks: [2]*faultfs.Disk{faultfs.New(faultfs.Options{}), faultfs.New(faultfs.Options{})}}
	run := func(boot byte, d time.Duration, during func(r *faultRig)) {
		clock := &bootClock{boot: boot, began: time.Now()}
		clock.trusted.Store(true)
		b.run(t, db, clock, &faultRig{began: time.Now(), sent: map[string][]picture{}}, 0, 0, d, during)
	}
	var wide, narrow Evidence
	run(1, 21*time.Second, func(r *faultRig) {
		time.Sleep(20 * time.Second)
		now := r.o.Clock.Now()
		var err, err2 error
		wide, _, err = r.PlaceHold(Evidence{From: now.Add(-16 * time.Second), To: now.Add(-6 * time.Second)})
		narrow, _, err2 = r.PlaceHold(Evidence{From: now.Add(-8 * time.Second), To: now.Add(-7 * time.Second)})
		if err := errors.Join(err, err2); err != nil {
			t.Error(err)
		}
		if err := r.bays.present()[0].index.Flush(); err != nil {
			t.Error(err)
		}
		for _, d := range b.disks { // and no operation but those of the release
			d.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Create, faultfs.Write, faultfs.SyncFS}, Err: io.ErrUnexpectedEOF, Sticky: true})
		}
		var left atomic.Int64
		left.Store(int64(at))
		for _, d := range b.disks {
			d.Before(func(op faultfs.Op) {
				if op.Kind != faultfs.Remove && op.Kind != faultfs.SyncDir {
					return
				}
				if left.Add(-1) == 0 {
					for _, d := range b.disks {
						d.Cut()
					}
				}
			})
		}
		err = r.ReleaseHold(wide.ID, "owner")
		finished = left.Load() > 0 && err == nil
	})
	b = b.reboot(t, uint64(at))
	run(2, 5*time.Second, func(r *faultRig) {
		time.Sleep(4 * time.Second)
		from, to := narrow.From, narrow.To
		for _, id := range faultCameras {
			rows, err := r.Segments(t.Context(), id, time.Unix(0, 0), to.Add(time.Hour), 0)
			if err != nil {
				t.Error(err)
			}
			for _, row := range rows {
				want := row.Start < to.UnixMilli() && row.End > from.UnixMilli()
				if row.Held != want && !row.Open {
					t.Errorf("cut at %d: %s at %v is held: %v, want %v", at, id, time.UnixMilli(row.Start).UTC(), row.Held, want)
				}
			}
		}
		if left, err := r.store.evidence(); err != nil || len(left.Releases) != 0 || len(left.Holds) != 1 {
			t.Errorf("cut at %d: %+v, %v", at, left, err)
		}
	})
	return finished
}

func TestAHoldIsMadeLongerAndNeverShorter(t *testing.T) {
	b := startRecorder(t, t.TempDir())
	b.add(t, "door", CameraInput{})
	now := time.Now().UTC().Truncate(time.Millisecond)
	e, _, err := b.PlaceHold(Evidence{From: now.Add(-time.Minute), To: now, Until: now.Add(time.Hour), Reason: "why"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ExtendHold(e.ID, now.Add(-2*time.Minute), now.Add(time.Minute), now.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := b.ExtendHold(e.ID, now, now, now.Add(time.Minute)); err != nil { // inside of what it covers
		t.Fatal(err)
	}
	got := b.Holds()
	if len(got) != 1 || !got[0].From.Equal(now.Add(-2*time.Minute)) || !got[0].To.Equal(now.Add(time.Minute)) || !got[0].Until.Equal(now.Add(2*time.Hour)) || got[0].Reason != "why" {
		t.Errorf("the hold is %+v", got)
	}
	if err := b.ExtendHold("none", now, now, now); !errors.Is(err, ErrNoHold) {
		t.Errorf("a hold that is not there: %v", err)
	}
	if err := b.ReleaseHold(e.ID, "owner"); err != nil {
		t.Fatal(err)
	}
	if left := b.holds.of(""); len(left) != 0 {
		t.Errorf("a released hold still waits for %+v", left)
	}
}
