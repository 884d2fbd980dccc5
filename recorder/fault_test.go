package recorder

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/internal/faultfs"
	"vedette/recorder/hub"
	"vedette/recorder/ingest"
	"vedette/recorder/media"
	"vedette/recorder/playback"
	"vedette/recorder/segment"
)

// faultRig is a whole recorder on a disk that can fail, with cameras that are
// real from the hub on, in a bubble of its own time.
type faultRig struct {
	*Recorder
	disk  *faultfs.Disk
	began time.Time

	mu     sync.Mutex
	events []Event
	at     []time.Duration // of events
	sent   map[string][]picture
}

// picture is one that a camera of a faultRig sent.
type picture struct {
	id   uint64 // in its bytes
	wall int64  // UTC ms, as the recorder's clock said then
	at   time.Time
}

var faultParams = []media.Track{{Codec: media.H264, ClockRate: 90000, Width: 1920, Height: 1080,
	SPS: []byte{0x67, 0x64, 0, 0x28, 0xac, 0xd9, 0x40, 0x78, 2, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xf0, 0x3c, 0x60, 0xc6, 0x58},
	PPS: []byte{0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0}}}

// shoot is a camera of 10 pictures a second, with a key frame every second.
func (r *faultRig) shoot(c *camera, _ Camera, stream media.StreamName, _ string) func(context.Context) error {
	return func(ctx context.Context) error {
		start := r.o.Clock.Now().UnixMicro()
		run := &media.Run{ID: r.runs.Next(start), Camera: c.config().ID, Stream: stream, Tracks: faultParams, Trusted: r.o.Clock.Trusted(), BootID: r.o.Clock.BootID(),
			Mono: r.o.Clock.SinceBoot().Microseconds(), Wall: start}
		c.received(stream, ingest.State{Phase: ingest.Streaming, Run: run})
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := int64(0); ; i++ {
			nal := make([]byte, 600)
			if nal[0] = 0x41; i%10 == 0 {
				nal[0] = 0x65
			}
			r.mu.Lock()
			id := uint64(len(r.sent[run.Camera]) + 1)
			binary.BigEndian.PutUint64(nal[4:], id)
			r.sent[run.Camera] = append(r.sent[run.Camera], picture{id, start/1000 + i*100, time.Now()})
			r.mu.Unlock()
			u := &media.AccessUnit{Run: run, PTS: i * 9000, DTS: i * 9000, Wall: start + i*100_000, Received: time.Now(), Random: i%10 == 0,
				Payloads: [][]byte{nal}, Size: 604}
			c.hubs[stream].Publish(u)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	}
}

// faultCameras are the cameras of a faultRig.
var faultCameras = []string{"door", "yard"}

// bubble runs f with a recorder that has been at work for 12 s.
func bubble(t *testing.T, db *storm.DB, f func(r *faultRig)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &faultRig{disk: faultfs.New(faultfs.Options{Capacity: 64 << 20}), began: time.Now(), sent: map[string][]picture{}}
		stop := r.start(t, Options{
			State: db, Volumes: []VolumeOptions{{Name: "one", Dir: dir, FS: r.disk}}, Segment: 5 * time.Second, Clock: steady{r.began},
		})
		time.Sleep(12 * time.Second)
		f(r)
		stop()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

// start has a recorder with o at work; the answer stops it.
func (r *faultRig) start(t *testing.T, o Options) (stop func()) {
	o.Floor, o.Log = 1<<20, slog.New(slog.DiscardHandler)
	o.Emit = func(e Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events, r.at = append(r.events, e), append(r.at, time.Since(r.began))
	}
	var err error
	if r.Recorder, err = New(o); err != nil {
		t.Fatal(err)
	}
	r.receive = r.shoot
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() { cancel(); <-done }
}

// faultDB is a state database with the cameras.
func faultDB(t *testing.T) *storm.DB {
	t.Helper()
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := newStore(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range faultCameras {
		if err := s.save(&Camera{ID: id, Name: id, MainURL: "rtsp://192.0.2.1/" + id, Record: true}); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// trouble is what goes wrong with the disk from one operation on.
type trouble struct {
	name   string
	fault  faultfs.Fault
	states []string // that the volume may have while it lasts and is felt
	reason string   // part of what the volume, its cameras and events say then
	lost   bool     // the volume is given up meanwhile, and an event says so
}

// sickFor is how long a trouble lasts that does.
const sickFor = 8 * time.Second

func faultTroubles() []trouble {
	all := []trouble{}
	for _, e := range []struct {
		name   string
		err    error
		states []string
		reason string
		lost   bool
	}{
		{"EIO", syscall.EIO, []string{VolumeFailed}, "input/output error", true},
		{"ENOSPC", syscall.ENOSPC, []string{VolumeFull, VolumeFailed}, "no space left on ", false},
		{"EROFS", syscall.EROFS, []string{VolumeFailed}, "read-only file system", true},
	} {
		all = append(all, trouble{name: "one " + e.name, fault: faultfs.Fault{Err: e.err}},
			trouble{e.name + " for a while", faultfs.Fault{Err: e.err, Sticky: true}, e.states, e.reason, e.lost})
	}
	writes := []faultfs.Kind{faultfs.Write}
	return append(all, trouble{name: "one short write", fault: faultfs.Fault{Kinds: writes, Short: -1}},
		trouble{name: "one write that EIO cuts short", fault: faultfs.Fault{Kinds: writes, Short: -1, Err: syscall.EIO}},
		trouble{name: "one write that ENOSPC cuts short", fault: faultfs.Fault{Kinds: writes, Short: -1, Err: syscall.ENOSPC}})
}

// TestEveryFailureIsToldAndGetsOver has every operation of a whole recorder
// fail, one by one.
// While the disk is sick its state and an event say so and why; viewers notice
// nothing; when it is well again recording goes on, and each picture is in the
// footage or in a gap that is told.
func TestEveryFailureIsToldAndGetsOver(t *testing.T) {
	db := faultDB(t)
	first, last := 0, 0
	bubble(t, db, func(r *faultRig) {
		first = r.disk.Ops() + 1
		time.Sleep(7 * time.Second)
		last = r.disk.Ops()
	})
	for _, tr := range faultTroubles() {
		t.Run(tr.name, func(t *testing.T) {
			for at := first; at <= last && !t.Failed(); at++ {
				tr.fault.At = at
				bubble(t, db, func(r *faultRig) { r.suffer(t, tr) })
			}
			t.Logf("%d operations", last-first+1)
		})
	}
}

// TestADiskThatLetsNothingGoIsUnderPressure: below the floor, with files that
// cannot be removed, then with nothing left to remove, then well again.
func TestADiskThatLetsNothingGoIsUnderPressure(t *testing.T) {
	bubble(t, faultDB(t), func(r *faultRig) {
		ask := func(state, reason string) {
			t.Helper()
			time.Sleep(2 * time.Minute)
			v := r.Volumes()[0]
			if v.State != state || !strings.Contains(v.Reason, reason) {
				t.Errorf("the volume is %q (%s) with %d bytes free above %d, want %q (%s)", v.State, v.Reason, v.Free, v.Floor, state, reason)
			}
			told := r.has(func(e Event) bool {
				return e.Type == "disk_pressure" && e.Severity == Critical && e.Payload["volume"] == "one" && e.Payload["reason"] == reason
			})
			if reason != "" && !told {
				t.Errorf("no event tells of %s", reason)
			}
			for _, id := range faultCameras {
				if c, err := r.Camera(id); err != nil || c.State != StateRecording {
					t.Errorf("%s is %q (%s), %v", id, c.State, c.Reason, err)
				}
			}
		}
		floor, high := int64(36<<20), int64(40<<20)
		if err := r.SetRetention(Retention{Volumes: map[string]VolumeRetention{"one": {Floor: &floor, High: &high}}}, "anna"); err != nil {
			t.Fatal(err)
		}
		h, err := r.disk.Create("other")
		if err == nil {
			err = h.Preallocate(0, r.Volumes()[0].Free-floor+1<<20)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.disk.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Remove}, Prefix: "footage", Err: syscall.EBUSY, Sticky: true})
		ask(VolumePressure, "delete_failed")
		r.disk.Heal()
		ask(VolumePressure, "nothing_to_prune")
		if err := errors.Join(h.Close(), r.disk.Remove("other")); err != nil {
			t.Fatal(err)
		}
		ask(VolumeOK, "")
		now := r.o.Clock.Now()
		for _, id := range faultCameras {
			if tl, err := r.Timeline(t.Context(), id, now.Add(-time.Hour), now); err != nil || len(tl.Ranges) != 1 || len(tl.Gaps) != 0 {
				t.Errorf("what is left of %s is %+v, %v; want one range", id, tl, err)
			}
		}
	})
}

// suffer lets r meet tr.
func (r *faultRig) suffer(t *testing.T, tr trouble) {
	viewers := r.watch()
	r.disk.Inject(tr.fault)
	for i := 0; r.disk.Hits() == 0 && i < 400; i++ {
		time.Sleep(50*time.Millisecond + time.Microsecond)
	}
	what := fmt.Sprintf("operation %d, %s", tr.fault.At, tr.name)
	if tr.fault.Sticky {
		time.Sleep(sickFor)
		if v := r.Volumes()[0]; !slices.Contains(tr.states, v.State) || !strings.Contains(v.Reason, tr.reason) {
			t.Errorf("%s: the volume is %q (%s), want one of %v (%s)", what, v.State, v.Reason, tr.states, tr.reason)
		}
		r.told(t, what, tr)
		r.disk.Heal()
	}
	time.Sleep(12 * time.Second)
	if v := r.Volumes()[0]; v.State != VolumeOK {
		t.Errorf("%s: afterwards the volume is %q (%s)", what, v.State, v.Reason)
	}
	for _, id := range faultCameras {
		if c, err := r.Camera(id); err != nil || c.State != StateRecording {
			t.Errorf("%s: afterwards %s is %q (%s), %v", what, id, c.State, c.Reason, err)
		}
	}
	if n := viewers(); n != 0 {
		t.Errorf("%s: viewers did not get %d pictures in time", what, n)
	}
	r.accounted(t, what)
	if t.Failed() {
		for i, e := range r.events {
			t.Logf("%v %s %s %v", r.at[i], e.Type, e.Camera, e.Payload)
		}
	}
}

// told asks that cameras and events say what is the matter.
func (r *faultRig) told(t *testing.T, what string, tr trouble) {
	says := func(e Event, what string) bool { return strings.Contains(fmt.Sprint(e.Payload["reason"]), what) }
	lost := tr.lost
	for _, id := range faultCameras {
		if c, err := r.Camera(id); err != nil || c.State == StateRecording || c.Reason == "" {
			t.Errorf("%s: meanwhile %s is %q (%s), %v", what, id, c.State, c.Reason, err)
		}
		told := func(why string) bool {
			return r.has(func(e Event) bool {
				return e.Type == "camera_error" && e.Severity == Warning && e.Camera == id && says(e, why)
			})
		}
		if !told(tr.reason) {
			if !told(errNoVolume.Error()) {
				t.Errorf("%s: no event tells that %s cannot be recorded, and why", what, id)
			}
			lost = true // why is told of the volume
		}
	}
	if lost && !r.has(func(e Event) bool {
		return (e.Type == "volume_lost" || e.Type == "volume_absent") && e.Severity == Critical && e.Payload["volume"] == "one" && says(e, tr.reason)
	}) {
		t.Errorf("%s: no event tells that the volume is lost, and why", what)
	}
}

// has reports whether there was an event such as is says.
func (r *faultRig) has(is func(Event) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.events, is)
}

// watch has viewers look at the cameras, who must not wait for any picture; the
// answer says how many they did not get in time.
func (r *faultRig) watch() (missed func() int) {
	synctest.Wait()
	before, got := r.shot(), 0
	var readers []*hub.Reader
	var viewers sync.WaitGroup
	for _, id := range faultCameras {
		c, err := r.get(id)
		if err != nil {
			panic(err)
		}
		reader := c.hubs[media.Main].Subscribe(hub.ReaderOptions{Overflow: hub.SkipToNewest, QueueBytes: 1 << 20})
		readers = append(readers, reader)
		viewers.Go(func() {
			for {
				it, err := reader.Next(context.Background())
				if err != nil {
					return // closed
				}
				if it.Unit != nil && time.Since(it.Unit.Received) == 0 {
					r.mu.Lock()
					got++
					r.mu.Unlock()
				}
			}
		})
	}
	return func() int {
		synctest.Wait()
		sent := r.shot() - before
		for _, reader := range readers {
			reader.Close()
		}
		viewers.Wait()
		return sent - got
	}
}

// shot counts the pictures that were sent.
func (r *faultRig) shot() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pictures := range r.sent {
		n += len(pictures)
	}
	return n
}

// toldOf reports whether an event told that a picture is missing. Where the
// disk lost what stood before a segment that was begun already, the file does
// not say so, and an index that is built again of the files does not either.
func (r *faultRig) toldOf(id string, ms int64) bool {
	return r.has(func(e Event) bool {
		if e.Type != "recording_gap" || e.Camera != id || e.Payload["reason"] != "disk" {
			return false
		}
		at := time.UnixMilli(ms)
		return !at.Before(e.Payload["start"].(time.Time).Add(-time.Millisecond)) && at.Before(e.Payload["end"].(time.Time))
	})
}

// accounted asks that every picture up to a moment ago is in the footage, or
// in a gap that says whose fault it is, and not in both; and that an event told
// of each gap.
func (r *faultRig) accounted(t *testing.T, what string) {
	from, to := r.o.Clock.Now().Add(-time.Hour), r.o.Clock.Now().Add(time.Second)
	for _, id := range faultCameras {
		tl, err := r.Timeline(t.Context(), id, from, to)
		if err != nil {
			t.Errorf("%s: timeline: %v", what, err)
			return
		}
		r.mu.Lock()
		sent := slices.Clone(r.sent[id])
		r.mu.Unlock()
		silent, both, untold := 0, 0, 0
		for _, p := range sent[:len(sent)-20] { // what is under way is not on the timeline
			ms := p.wall
			in := slices.ContainsFunc(tl.Ranges, func(x playback.Range) bool { return x.Start <= ms && ms < x.End+2 })
			gap := slices.ContainsFunc(tl.Gaps, func(g playback.Gap) bool { return g.Start <= ms+1 && ms < g.End && g.Reason == segment.Disk })
			switch told := r.toldOf(id, ms); {
			case in && slices.ContainsFunc(tl.Ranges, func(x playback.Range) bool { return x.Start <= ms && ms+1 < x.End }) && gap:
				both++
			case !in && !gap && !told:
				silent++
			case gap && !in && !told:
				untold++
			}
		}
		if silent+both+untold > 0 {
			t.Errorf("%s: of %d pictures of %s %d are missing without a word, %d in a gap of which no event told, %d in a gap and in the footage: %+v",
				what, len(sent), id, silent, untold, both, tl)
		}
	}
}
