package recorder

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/internal/faultfs"
	"vedette/recorder/segment"
)

// modeRig is a recorder with one camera, door, that is recorded at times. The
// camera has a key frame a second.
type modeRig struct {
	*faultRig
	halt  func()
	dir   string
	db    *storm.DB
	clock Clock
}

const gopLength = time.Second

// inMode runs f with a recorder whose camera door is as cfg says, after 20 s.
// Its days begin with Saturday, 1 January 2000, 0:00 UTC.
func inMode(t *testing.T, cfg Camera, f func(t *testing.T, m *modeRig)) {
	t.Helper()
	db := faultDB(t)
	s, err := newStore(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.remove("yard"); err != nil {
		t.Fatal(err)
	}
	cfg.ID, cfg.Name, cfg.MainURL, cfg.Record = "door", "door", "rtsp://192.0.2.1/door", true
	if err := s.save(&cfg); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := &modeRig{
			faultRig: &faultRig{disk: faultfs.New(faultfs.Options{Capacity: 256 << 20}), began: time.Now(), sent: map[string][]picture{}},
			dir:      dir, db: db, clock: steady{time.Now()},
		}
		m.up(t)
		time.Sleep(20*time.Second + 7*time.Millisecond)
		f(t, m)
		m.down(t)
	})
}

func (m *modeRig) up(t *testing.T) {
	m.halt = m.start(t, Options{
		State: m.db, Volumes: []VolumeOptions{{Name: "one", Dir: m.dir, FS: m.disk}}, Segment: 20 * time.Second, Clock: m.clock, Location: time.UTC,
	})
}

func (m *modeRig) down(t *testing.T) {
	m.halt()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func (m *modeRig) event(t *testing.T, length time.Duration) (at, until time.Time) {
	t.Helper()
	at = time.Now()
	until, err := m.Trigger("door", TriggerOptions{Why: "event", For: length})
	if err != nil {
		t.Fatal(err)
	}
	return at, until
}

// settle waits until everything is written and told.
func (m *modeRig) settle() { time.Sleep(10 * time.Second) }

// footage returns the segments so far, which must not lie over each other.
func (m *modeRig) footage(t *testing.T) []Segment {
	t.Helper()
	rows, err := m.Segments(t.Context(), "door", m.began.Add(-time.Hour), time.Now().Add(time.Hour), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if i > 0 && r.Start < rows[i-1].End {
			t.Errorf("the segment at %v begins before the one before it ends, at %v", m.at(r.Start), m.at(rows[i-1].End))
		}
	}
	return rows
}

// at is how long after the beginning a time in ms is.
func (m *modeRig) at(ms int64) time.Duration { return time.UnixMilli(ms).Sub(m.began) }

// covered asks that every moment of [from, to) is recorded.
func (m *modeRig) covered(t *testing.T, from, to time.Time) {
	t.Helper()
	at := from.UnixMilli()
	for _, r := range m.footage(t) {
		if r.Start <= at && r.End > at {
			at = r.End
		}
	}
	if at < to.UnixMilli() {
		t.Errorf("from %v to %v the footage ends at %v", from.Sub(m.began), to.Sub(m.began), m.at(at))
	}
}

// change changes when door is recorded.
func (m *modeRig) change(t *testing.T, in CameraInput) {
	t.Helper()
	if _, err := m.UpdateCamera(t.Context(), "door", in); err != nil {
		t.Fatal(err)
	}
}

func (m *modeRig) status(t *testing.T) CameraStatus {
	t.Helper()
	s, err := m.Camera("door")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnEventIsRecordedFromBeforeItHappened(t *testing.T) {
	inMode(t, Camera{RecordMode: ModeEvent, Preroll: 5, Postroll: 10}, func(t *testing.T, m *modeRig) {
		if s := m.status(t); s.State != StateLive || s.Reason != "waiting for an event" || s.RecordingNow.Active || s.On != "" {
			t.Errorf("it waits, and is %s: %s, %+v", s.State, s.Reason, s.RecordingNow)
		}
		if rows := m.footage(t); len(rows) > 0 {
			t.Errorf("%d segments of nothing", len(rows))
		}
		at, until := m.event(t, 0)
		if d := until.Sub(at); d != 10*time.Second {
			t.Errorf("it is recorded for %v, want the post-roll", d)
		}
		if n := m.status(t).RecordingNow; !n.Active || n.Why != "event" || !n.Until.Equal(until) || n.Due {
			t.Errorf("%+v right after the event", n)
		}
		time.Sleep(5 * time.Second)
		if s := m.status(t); s.State != StateRecording || !s.RecordingNow.Due {
			t.Errorf("it is %s: %s, %+v", s.State, s.Reason, s.RecordingNow)
		}
		time.Sleep(10 * time.Second)
		m.settle()
		rows := m.footage(t)
		m.covered(t, at.Add(-5*time.Second), until)
		if first := at.Sub(time.UnixMilli(rows[0].Start)); first > 5*time.Second+gopLength {
			t.Errorf("it begins %v before the event", first)
		}
		if last := time.UnixMilli(rows[len(rows)-1].End).Sub(until); last > linger+2*gopLength {
			t.Errorf("it ends %v after the post-roll", last)
		}
		if rows[0].Why != "event" || rows[0].Gap != segment.None {
			t.Errorf("it was recorded for %q, with a gap for %q before it", rows[0].Why, rows[0].Gap)
		}
		if s := m.status(t); s.State != StateLive || s.RecordingNow.Active {
			t.Errorf("afterwards it is %s: %s", s.State, s.Reason)
		}
		tl, err := m.Timeline(t.Context(), "door", m.began, time.Now())
		if err != nil || len(tl.Ranges) != 1 || tl.Ranges[0].Why != "event" || len(tl.Gaps) != 1 || tl.Gaps[0].Reason.String() != "event" {
			t.Errorf("timeline %+v, %v", tl, err)
		}
		for _, e := range m.events {
			// It became live once; that it is recorded comes and goes.
			if e.Type == "recording_gap" || e.Severity != Info || e.Type == "camera_recording" {
				t.Errorf("it was told: %+v", e)
			}
		}
	})
}

// TestTriggersExtendAndNeverShorten: and what goes on within the pre-roll goes
// on without a seam.
func TestTriggersExtendAndNeverShorten(t *testing.T) {
	inMode(t, Camera{RecordMode: ModeEvent, Postroll: 10}, func(t *testing.T, m *modeRig) {
		first, until := m.event(t, 30*time.Second)
		time.Sleep(5 * time.Second)
		if _, again := m.event(t, time.Second); !again.Equal(until) {
			t.Errorf("a short trigger made it end at %v, it was %v", again, until)
		}
		time.Sleep(20 * time.Second)
		_, until = m.event(t, 0)
		m.settle()
		m.settle()
		m.covered(t, first.Add(-10*time.Second), until)
		for i, r := range m.footage(t) {
			if i > 0 && r.Gap != segment.None {
				t.Errorf("a gap for %q before %v", r.Gap, m.at(r.Start))
			}
		}
	})
}

// TestRecordingGoesOnWithoutASeam: an event that comes in the moment in which
// the recording of the one before ends, or a little later, within its pre-roll.
func TestRecordingGoesOnWithoutASeam(t *testing.T) {
	inMode(t, Camera{RecordMode: ModeEvent, Postroll: 5}, func(t *testing.T, m *modeRig) {
		for later := 6900 * time.Millisecond; later < 9500*time.Millisecond; later += 130 * time.Millisecond {
			first, _ := m.event(t, 0)
			time.Sleep(later)
			_, until := m.event(t, 0)
			time.Sleep(17 * time.Second)
			m.covered(t, first.Add(-10*time.Second), until)
			time.Sleep(13 * time.Second)
		}
	})
}

func TestAScheduleBeginsAndEndsInTime(t *testing.T) {
	windows := []Window{{Days: []string{"sat"}, From: "00:02", To: "00:04"}, {Days: []string{"sat"}, From: "00:06", To: "00:07"}}
	inMode(t, Camera{RecordMode: ModeScheduled, Schedule: windows}, func(t *testing.T, m *modeRig) {
		minute := func(n int) time.Time { return m.began.Add(time.Duration(n) * time.Minute) }
		if s := m.status(t); s.State != StateLive || s.Reason != "waiting for its schedule" {
			t.Errorf("before it is %s: %s", s.State, s.Reason)
		}
		time.Sleep(time.Until(minute(3)))
		if s := m.status(t); s.State != StateRecording || s.RecordingNow.Why != "schedule" || !s.RecordingNow.Until.Equal(minute(4)) {
			t.Errorf("inside it is %s: %s, %+v", s.State, s.Reason, s.RecordingNow)
		}
		time.Sleep(time.Until(minute(8)))
		m.covered(t, minute(2), minute(4))
		m.covered(t, minute(6), minute(7))
		for _, r := range m.footage(t) {
			begin, end := m.at(r.Start), m.at(r.End)
			in := begin >= 2*time.Minute-early-gopLength && end <= 4*time.Minute+2*gopLength+time.Second ||
				begin >= 6*time.Minute-early-gopLength && end <= 7*time.Minute+2*gopLength+time.Second
			if !in || r.Why != "schedule" {
				t.Errorf("a segment from %v to %v for %q", begin, end, r.Why)
			}
		}
		if gaps := m.missing(t); len(gaps) != 2 || gaps[0].Reason != segment.OffTime || gaps[1].Reason != segment.OffTime {
			t.Errorf("gaps %+v", gaps)
		}
	})
}

func (m *modeRig) missing(t *testing.T) []Gap {
	t.Helper()
	tl, err := m.Timeline(t.Context(), "door", m.began, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return tl.Gaps
}

func TestAnEventBesideAScheduleCountsForMore(t *testing.T) {
	windows := []Window{{Days: []string{"sat"}, From: "00:02", To: "00:03"}}
	inMode(t, Camera{RecordMode: ModeScheduledEvent, Schedule: windows, Preroll: 20, Postroll: 10}, func(t *testing.T, m *modeRig) {
		minute := func(n float64) time.Time { return m.began.Add(time.Duration(n * float64(time.Minute))) }
		time.Sleep(time.Until(minute(2).Add(3 * time.Second)))
		early, _ := m.event(t, 0) // its pre-roll reaches before the window
		time.Sleep(time.Until(minute(3).Add(-3 * time.Second)))
		_, until := m.event(t, 0) // and its post-roll behind it
		time.Sleep(time.Until(minute(4)))
		m.covered(t, early.Add(-20*time.Second), until)
		var whys []string
		for _, r := range m.footage(t) {
			whys = append(whys, r.Why)
		}
		// The first ends before the event, though the pre-roll reaches into it.
		if whys = slices.Compact(whys); !slices.Equal(whys, []string{"schedule", "event", "schedule", "event"}) {
			t.Errorf("recorded for %v", whys)
		}
	})
}

// TestAWindowGoesOnAfterARestart: and what was missed then is not said to be
// outside of the schedule.
func TestAWindowGoesOnAfterARestart(t *testing.T) {
	windows := []Window{{Days: []string{"sat"}, From: "00:00", To: "00:05"}}
	inMode(t, Camera{RecordMode: ModeScheduled, Schedule: windows}, func(t *testing.T, m *modeRig) {
		time.Sleep(20 * time.Second)
		m.down(t)
		time.Sleep(20 * time.Second)
		up := time.Now()
		m.up(t)
		time.Sleep(30 * time.Second)
		m.covered(t, up.Add(gopLength), time.Now().Add(-5*time.Second))
		if gaps := m.missing(t); len(gaps) != 1 || gaps[0].Reason != segment.Restart {
			t.Errorf("gaps %+v, want one for the restart", gaps)
		}
		time.Sleep(time.Until(m.began.Add(6 * time.Minute)))
		m.down(t)
		m.up(t)
		m.settle()
		gaps := m.missing(t)
		if len(gaps) != 2 || gaps[1].Reason != segment.OffTime {
			t.Errorf("gaps %+v, want the last for the schedule", gaps)
		}
	})
}

func TestEveryHourIsRecordedWhileTheClockMayBeWrong(t *testing.T) {
	windows := []Window{{Days: []string{"sun"}, From: "00:00", To: "24:00"}} // it is Saturday
	inMode(t, Camera{RecordMode: ModeScheduled, Schedule: windows}, func(t *testing.T, m *modeRig) {
		m.down(t)
		clock := &bootClock{boot: 3, began: time.Now(), wrong: 3 * 24 * time.Hour}
		m.clock = clock
		m.up(t)
		time.Sleep(20 * time.Second)
		if s := m.status(t); s.State != StateRecording || s.RecordingNow.Why != "schedule" || !s.RecordingNow.Until.IsZero() {
			t.Errorf("while nobody knows the hour it is %s: %s, %+v", s.State, s.Reason, s.RecordingNow)
		}
		clock.trusted.Store(true)
		m.settle()
		if s := m.status(t); s.State != StateLive || s.RecordingNow.Active {
			t.Errorf("on Saturday it is %s: %s", s.State, s.Reason)
		}
	})
}

// TestAnotherModeInterruptsNothing: the camera is not asked anew, and neither
// footage nor a demand is lost.
func TestAnotherModeInterruptsNothing(t *testing.T) {
	inMode(t, Camera{}, func(t *testing.T, m *modeRig) {
		run := m.status(t).Run
		mode, seconds := ModeEvent, 20
		began := m.began.Add(2 * gopLength)
		m.change(t, CameraInput{RecordMode: &mode, Preroll: &seconds})
		changed := time.Now()
		m.event(t, 30*time.Second)
		time.Sleep(10 * time.Second)
		m.covered(t, began, changed)
		name := "Door"
		m.change(t, CameraInput{Name: &name, Postroll: &seconds})
		time.Sleep(25 * time.Second)
		m.settle()
		if s := m.status(t); s.State != StateLive {
			t.Errorf("when nobody wants it any more it is %s", s.State)
		}
		_, until := m.event(t, 0)
		mode = ModeContinuous
		time.Sleep(3 * time.Second)
		m.change(t, CameraInput{RecordMode: &mode})
		time.Sleep(30 * time.Second)
		m.covered(t, until.Add(-40*time.Second), time.Now().Add(-5*time.Second))
		if s := m.status(t); s.Run != run || s.State != StateRecording || s.RecordingNow.Why != ModeContinuous {
			t.Errorf("the camera was asked anew, or it is %s, %+v", s.State, s.RecordingNow)
		}
		if gaps := m.missing(t); len(gaps) > 0 {
			for _, g := range gaps {
				if g.Reason != segment.Uneventful {
					t.Errorf("a gap from %v to %v for %q", m.at(g.Start), m.at(g.End), g.Reason)
				}
			}
		}
	})
}

// TestAPersonIsRecordedForInAnyMode, and told of once, however often it is wanted.
func TestAPersonIsRecordedForInAnyMode(t *testing.T) {
	windows := []Window{{Days: []string{"sun"}, From: "00:00", To: "24:00"}}
	inMode(t, Camera{RecordMode: ModeScheduled, Schedule: windows}, func(t *testing.T, m *modeRig) {
		at := time.Now()
		for range 3 {
			if n, err := m.TriggerAll(TriggerOptions{Why: "manual", For: 20 * time.Second, Reason: "button"}); err != nil || n != 1 {
				t.Errorf("%d cameras triggered, %v", n, err)
			}
			time.Sleep(5 * time.Second)
		}
		time.Sleep(30 * time.Second)
		m.covered(t, at, at.Add(30*time.Second))
		for _, r := range m.footage(t) {
			if r.Why != "manual" {
				t.Errorf("recorded for %q", r.Why)
			}
		}
		told := 0
		for _, e := range m.events {
			if e.Type == "recording_triggered" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("it was told %d times", told)
		}
	})
}

// TestAHeldEventIsHeldWhole: the button is pressed before the segment of the
// pre-roll is there.
func TestAHeldEventIsHeldWhole(t *testing.T) {
	inMode(t, Camera{RecordMode: ModeEvent, Preroll: 10}, func(t *testing.T, m *modeRig) {
		now := time.Now()
		if _, err := m.TriggerAll(TriggerOptions{Why: "manual"}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Hold(now.Add(-5*time.Minute), now); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second)
		rows := m.footage(t)
		if len(rows) == 0 || !rows[0].Held {
			t.Errorf("%+v is not held", rows)
		}
	})
}

// TestFootageCoversWhatWasAskedFor: whatever happens when, every moment from the
// pre-roll before a trigger to the end of what it asked for is on disk, once,
// and not much more.
func TestFootageCoversWhatWasAskedFor(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 4))
		cfg := Camera{RecordMode: ModeEvent, Preroll: 1 + rng.IntN(15), Postroll: 5 + rng.IntN(10)}
		preroll := time.Duration(cfg.Preroll) * time.Second
		inMode(t, cfg, func(t *testing.T, m *modeRig) {
			type ask struct{ from, to time.Time }
			var asked []ask
			for range 40 {
				at, until := m.event(t, time.Duration(rng.IntN(3))*time.Duration(1+rng.IntN(20))*time.Second)
				asked = append(asked, ask{at.Add(-preroll), until})
				time.Sleep(time.Duration(rng.IntN(30_000)) * time.Millisecond)
				if rng.IntN(3) > 0 {
					time.Sleep(time.Until(until.Add(time.Duration(rng.IntN(6000)) * time.Millisecond)))
				}
			}
			time.Sleep(time.Minute + 10*time.Second)
			for _, a := range asked {
				m.covered(t, a.from, a.to)
			}
			slices.SortFunc(asked, func(a, b ask) int { return cmp.Compare(a.from.UnixMilli(), b.from.UnixMilli()) })
			rows := m.footage(t)
			for _, r := range rows {
				near := slices.ContainsFunc(asked, func(a ask) bool {
					return r.End >= a.from.UnixMilli() && r.Start <= a.to.Add(linger+2*gopLength).UnixMilli()
				})
				if !near {
					t.Errorf("a segment from %v to %v that nobody asked for", m.at(r.Start), m.at(r.End))
				}
			}
			if found := ids(t, m.disk, "door"); len(found) == 0 {
				t.Error("there are no pictures")
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
