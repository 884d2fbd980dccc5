package recorder

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
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
	s, err := newStore(db)
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
	reason string   // part of what is said then
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
	}{
		{"EIO", syscall.EIO, []string{VolumeFailed}, "input/output error"},
		{"ENOSPC", syscall.ENOSPC, []string{VolumeFull, VolumeFailed}, ""},
		{"EROFS", syscall.EROFS, []string{VolumeFailed}, "read-only file system"},
	} {
		all = append(all, trouble{"one " + e.name, faultfs.Fault{Err: e.err}, nil, ""},
			trouble{e.name + " for a while", faultfs.Fault{Err: e.err, Sticky: true}, e.states, e.reason})
	}
	return all
}

// TestEveryFailureIsToldAndGetsOver has operations of a whole recorder fail.
// While the disk is sick its state and an event say so and why; viewers notice
// nothing; when it is well again recording goes on, and each picture is in the
// footage or in a gap that is told.
func TestEveryFailureIsToldAndGetsOver(t *testing.T) {
	stride := 5
	if os.Getenv("VEDETTE_CRASH_SEEDS") != "" {
		stride = 1
	}
	db := faultDB(t)
	first, last := 0, 0
	bubble(t, db, func(r *faultRig) {
		first = r.disk.Ops() + 1
		time.Sleep(7 * time.Second)
		last = r.disk.Ops()
	})
	for i, tr := range faultTroubles() {
		t.Run(tr.name, func(t *testing.T) {
			n := 0
			for at := first + i%stride; at <= last && !t.Failed(); at += stride {
				tr := tr
				tr.fault.At = at
				bubble(t, db, func(r *faultRig) { r.suffer(t, tr) })
				n++
			}
			t.Logf("%d of %d operations", n, last-first+1)
		})
	}
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
		r.told(t, what)
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
func (r *faultRig) told(t *testing.T, what string) {
	for _, id := range faultCameras {
		if c, err := r.Camera(id); err != nil || c.State == StateRecording || c.Reason == "" {
			t.Errorf("%s: meanwhile %s is %q (%s), %v", what, id, c.State, c.Reason, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.ContainsFunc(r.events, func(e Event) bool {
		_, why := e.Payload["reason"]
		return e.Severity != Info && why
	}) {
		t.Errorf("%s: no event tells of it", what)
	}
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
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.events, func(e Event) bool {
		if e.Type != "recording_gap" || e.Camera != id || e.Payload["reason"] != "disk" {
			return false
		}
		at := time.UnixMilli(ms)
		return !at.Before(e.Payload["start"].(time.Time).Add(-time.Millisecond)) && at.Before(e.Payload["end"].(time.Time))
	})
}

// accounted asks that every picture up to a moment ago is in the footage, or
// in a gap that says whose fault it is, and that gaps have a name.
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
		silent := 0
		for _, p := range sent[:len(sent)-20] { // what is under way is not on the timeline
			ms := p.wall
			in := slices.ContainsFunc(tl.Ranges, func(x playback.Span) bool { return x.Start <= ms && ms < x.End+2 })
			gap := slices.ContainsFunc(tl.Gaps, func(g playback.Gap) bool { return g.Start <= ms+1 && ms < g.End && g.Reason == segment.Disk })
			if !in && !gap && !r.toldOf(id, ms) {
				silent++
			}
		}
		if silent > 0 {
			t.Errorf("%s: %d of %d pictures of %s are missing without a word: %+v", what, silent, len(sent), id, tl)
		}
	}
}
