// Package sampler keeps the newest picture of every camera that a task looks
// at: JPEG, in memory, by camera and profile. It owns the decoders (supervised
// ffmpeg children), the sharing of what the board can decode among those who
// want pictures, and the few recent pictures that evidence is taken from.
//
// It is fed by the hub and never opens a camera. It never slows a recording:
// its readers skip to the newest unit, its children run at the lowest priority,
// with bounds on memory and time, and are killed when they misbehave. Nothing of it
// touches a disk.
package sampler

import (
	"context"
	"log/slog"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vedette/recorder/media"
)

// Reader gives the access units of one stream in order. One goroutine calls
// Next; Close may be called from any. It is an alias of an unnamed interface, so
// that packages which do not know each other can pass the identical type.
type Reader = interface {
	// Next waits for one unit. A nil unit without an error is the end of a
	// run. An error (ctx's, or the stream is gone for good) ends the reader.
	Next(ctx context.Context) (u *media.AccessUnit, gap bool, err error)
	Close()
}

// Streams is what the sampler needs of the recorder. It is used concurrently.
type Streams interface {
	// Subscribe adds a reader that begins with the units since the last key
	// frame and, when it is too slow, goes on at the next one. It must not
	// wait for the camera.
	Subscribe(camera string, stream media.StreamName) (Reader, error)
}

// DefaultBudget is what a small board is trusted to do, in frames per second ×
// megapixels: 40 pictures a second of 640×360.
const DefaultBudget = 9.3

// Off as Options.FFmpeg has the sampler do without a decoder.
const Off = "none"

// tidyEvery is how often old pictures are dropped where no new ones do it.
const tidyEvery = 30 * time.Second

// Options is what a Sampler needs.
type Options struct {
	Streams Streams
	// FFmpeg is the program to decode with (5.1 or newer): a path, "" to look
	// for "ffmpeg" in PATH, or Off.
	FFmpeg string
	// Budget is shared by all pictures, in frames per second × megapixels; 0
	// means DefaultBudget.
	Budget float64
	// Snapshot fetches a JPEG from the camera itself where there is no ffmpeg;
	// nil = no camera can. Its errors are shown to people.
	Snapshot func(ctx context.Context, camera string, profile media.StreamName) ([]byte, error)
	// Hardware names decoders to try before the software ones, such as
	// h264_v4l2m2m and hevc_v4l2m2m. One that fails is not tried again for an hour.
	Hardware []string
	Log      *slog.Logger // default: discard
}

// Want is what the tasks of one camera and profile ask for together.
type Want struct {
	Camera   string
	Profile  media.StreamName
	FPS      float64 // pictures a second; brought into MinFPS to MaxFPS
	Width    int     // pixels; brought into MinWidth to MaxWidth. Pictures are never enlarged
	Priority int     // higher is served first; equals by camera and profile
}

// Bounds of a Want.
const (
	MinFPS, MaxFPS     = 0.1, 30.0
	MinWidth, MaxWidth = 160, 3840
)

// id names one sampled stream.
type id struct {
	camera  string
	profile media.StreamName
}

// Sampler keeps the newest pictures. All methods may be called concurrently;
// Run once.
type Sampler struct {
	o      Options
	log    *slog.Logger
	decode func(context.Context, plan) (decoder, error) // starts a child; tests put their own
	shelf  shelf
	first  uint64 // where sequence numbers begin

	slots   atomic.Pointer[map[id]*slot] // what is wanted; replaced, never changed
	changed chan struct{}                // Set has something for Run

	mu      sync.Mutex
	retired map[id]uint64 // last sequence number of what is not wanted any more
	broken  map[string]time.Time
	ran     bool // Run has come to its end
}

// New returns a sampler that wants nothing yet.
func New(o Options) *Sampler {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sampler{o: o, log: o.Log, changed: make(chan struct{}, 1),
		retired: map[id]uint64{}, broken: map[string]time.Time{},
		// Numbers of an earlier process must not come again for other pictures.
		first: uint64(max(time.Now().UnixMilli(), 1))}
	s.decode = s.startChild
	s.shelf.init()
	s.slots.Store(&map[id]*slot{})
	return s
}

// Set replaces what is wanted. Wants of the same camera and profile count as one
// that asks for the most. It returns at once; what stays as it is goes on
// undisturbed, and what is no longer wanted gives no frame from now on.
func (s *Sampler) Set(wants []Want) {
	grants := Allocate(s.o.Budget, wants)
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.slots.Load()
	slots := make(map[id]*slot, len(grants))
	for _, g := range grants {
		key := id{g.Camera, g.Profile}
		sl := old[key]
		if sl == nil {
			sl = newSlot(key, max(s.retired[key], s.first))
			delete(s.retired, key)
		}
		sl.grant(g, s.ran)
		slots[key] = sl
	}
	s.slots.Store(&slots)
	for key, sl := range old {
		if slots[key] == nil {
			s.retired[key] = sl.retire()
		}
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Run samples until ctx is done and returns ctx's error. No child of it is left
// then, but for one that the kernel itself cannot kill.
func (s *Sampler) Run(ctx context.Context) error {
	running := map[*slot]*job{}
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	for {
		s.reconcile(ctx, running)
		select {
		case <-ctx.Done():
			for _, j := range running {
				<-j.done
			}
			s.stopped()
			return context.Cause(ctx)
		case <-s.changed:
		case <-tidy.C:
			s.shelf.tidy()
		}
	}
}

// job is one goroutine at work for one grant.
type job struct {
	grant  Grant
	cancel context.CancelFunc
	done   chan struct{}
}

// reconcile ends and begins jobs until they are what is granted.
func (s *Sampler) reconcile(ctx context.Context, running map[*slot]*job) {
	slots := *s.slots.Load()
	want := make(map[*slot]Grant, len(slots))
	for _, sl := range slots {
		if g := sl.granted(); !g.Exhausted {
			want[sl] = g
		}
	}
	var ended []*job
	for sl, j := range running {
		if g, wanted := want[sl]; !wanted || !g.same(j.grant) {
			j.cancel()
			ended = append(ended, j)
			delete(running, sl)
		}
	}
	for _, j := range ended {
		<-j.done
	}
	for sl, g := range want {
		if running[sl] != nil {
			continue
		}
		j := &job{grant: g, done: make(chan struct{})}
		var jobCtx context.Context
		jobCtx, j.cancel = context.WithCancel(ctx)
		running[sl] = j
		go func() {
			defer close(j.done)
			defer j.cancel()
			(&worker{s: s, slot: sl, grant: g}).run(jobCtx)
		}()
	}
}

// stopped says that Run has ended, in every state.
func (s *Sampler) stopped() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran = true
	for _, sl := range *s.slots.Load() {
		sl.set(Stopped, "the sampler has stopped")
	}
}

// States returns what is wanted and how it fares, by camera and profile.
func (s *Sampler) States() []State {
	slots := *s.slots.Load()
	now := time.Now()
	states := make([]State, 0, len(slots))
	for _, key := range slices.SortedFunc(maps.Keys(slots), compareID) {
		states = append(states, slots[key].state(now))
	}
	return states
}

func compareID(a, b id) int {
	if c := strings.Compare(a.camera, b.camera); c != 0 {
		return c
	}
	return strings.Compare(string(a.profile), string(b.profile))
}

// program returns the path of ffmpeg, or "" and why there is none.
func (s *Sampler) program() (path, why string) {
	name := s.o.FFmpeg
	switch name {
	case Off:
		return "", "decoding is switched off"
	case "":
		name = "ffmpeg"
	}
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path) // children run in the root directory
	}
	if err != nil {
		return "", "ffmpeg is not installed"
	}
	return path, ""
}
