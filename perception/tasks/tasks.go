// Package tasks owns what AI workers may do on this box: the tasks people set,
// which workers are there, and who holds which task. Frame tickets are in
// tasks/ticket.
//
// Tasks are kept in state.db and written when a person changes one. Workers and
// leases are in memory alone: they are renewed several times a minute, and a
// worker that finds its lease gone after a restart takes another.
//
// The package never looks at a picture, and never waits for a worker.
package tasks

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
)

// Errors a caller may test for.
var (
	ErrNoTask = errors.New("no such AI task")
	ErrFull   = fmt.Errorf("there are %d AI tasks already; remove one first", maxTasks)
)

// maxTasks bounds the set, and with it the work of a heartbeat.
const maxTasks = 512

// Task is one kind of work on one stream of one camera. There is one of each
// camera, type and profile.
type Task struct {
	ID      string
	Camera  string
	Type    string  // free text: detection, anpr, …
	Profile string  // Main or Sub
	FPS     float64 // frames a second
	Width   int     // of the frames, in pixels
	// Config is a JSON object that workers understand; nobody may change its bytes.
	Config  json.RawMessage
	Enabled bool
	Created time.Time // UTC
}

// Settings are what may be set of a task at any time. Nil leaves a field as it
// is, and at its default where the task is new.
type Settings struct {
	FPS     *float64        // default 5
	Width   *int            // default 640
	Config  json.RawMessage // default {}
	Enabled *bool           // default true
}

// Demand is what the tasks of one stream ask of the sampler, taken together:
// the largest rate and the largest width.
type Demand struct {
	Camera, Profile string
	FPS             float64 // frames a second
	Width           int     // pixels
}

// Store is the set of tasks. All methods may be called concurrently.
type Store struct {
	db   *storm.DB
	disk sync.Mutex // held over every change, so that changes come one by one; taken before mu

	mu      sync.Mutex // never held over a write
	tasks   []Task     // by ID; replaced at every change, never changed
	changed chan struct{}
}

// Open returns the tasks kept in db, which stays the caller's to close. A row
// that cannot be read is logged and passed over: a damaged task must not keep
// the box from recording. A nil log discards.
func Open(db *storm.DB, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{db: db, changed: make(chan struct{})}
	var err error
	if s.tasks, err = s.load(log); err != nil {
		return nil, fmt.Errorf("open AI tasks: %w", err)
	}
	return s, nil
}

// Add makes a task. Where there is one of that camera, type and profile, it is
// returned as it is and created is false. Add returns a *FieldError for what
// will not do, and ErrFull. Whether there is such a camera is for the caller to
// know.
func (s *Store) Add(camera, typ, profile string, set Settings) (t Task, created bool, err error) {
	t = Task{Camera: camera, Type: typ, Profile: cmp.Or(profile, Sub), FPS: 5, Width: 640,
		Config: json.RawMessage("{}"), Enabled: true, Created: time.Now().UTC().Truncate(time.Millisecond)}
	if err := errors.Join(t.checkIdentity(), t.apply(set)); err != nil {
		return Task{}, false, first(err)
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	all := s.List()
	if i := slices.IndexFunc(all, func(o Task) bool {
		return o.Camera == t.Camera && o.Type == t.Type && o.Profile == t.Profile
	}); i >= 0 {
		return all[i], false, nil
	}
	if len(all) >= maxTasks {
		return Task{}, false, ErrFull
	}
	t.ID = "task_" + random()
	if err := s.put(t); err != nil {
		return Task{}, false, fmt.Errorf("store AI task %s: %w", t.ID, err)
	}
	i, _ := find(all, t.ID)
	s.replace(slices.Insert(slices.Clone(all), i, t))
	return t, true, nil
}

// Change sets fields of a task and returns it. It returns ErrNoTask or a
// *FieldError. Camera, type and profile stay: another task has those.
func (s *Store) Change(id string, set Settings) (Task, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	all := s.List()
	i, ok := find(all, id)
	if !ok {
		return Task{}, ErrNoTask
	}
	t := all[i]
	if err := t.apply(set); err != nil {
		return Task{}, err
	}
	if same(t, all[i]) {
		return t, nil
	}
	if err := s.put(t); err != nil {
		return Task{}, fmt.Errorf("store AI task %s: %w", id, err)
	}
	all = slices.Clone(all)
	all[i] = t
	s.replace(all)
	return t, nil
}

// Remove forgets a task, and with it whoever holds it. It returns ErrNoTask.
func (s *Store) Remove(id string) error {
	n, err := s.remove(func(t Task) bool { return t.ID == id })
	switch {
	case err != nil:
		return fmt.Errorf("remove AI task %s: %w", id, err)
	case n == 0:
		return ErrNoTask
	}
	return nil
}

// RemoveCamera forgets the tasks of a camera that is gone, in one transaction,
// and returns how many there were.
func (s *Store) RemoveCamera(camera string) (int, error) {
	n, err := s.remove(func(t Task) bool { return t.Camera == camera })
	if err != nil {
		return 0, fmt.Errorf("remove the AI tasks of camera %s: %w", camera, err)
	}
	return n, nil
}

func (s *Store) remove(which func(Task) bool) (int, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	var gone []string
	var kept []Task
	for _, t := range s.List() {
		if which(t) {
			gone = append(gone, t.ID)
		} else {
			kept = append(kept, t)
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	if err := s.drop(gone); err != nil {
		return 0, err
	}
	s.replace(kept)
	return len(gone), nil
}

// List returns the tasks by id. The slice is shared: nobody may change it.
func (s *Store) List() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks
}

// Get returns a task, or ErrNoTask.
func (s *Store) Get(id string) (Task, error) {
	all := s.List()
	if i, ok := find(all, id); ok {
		return all[i], nil
	}
	return Task{}, ErrNoTask
}

// Changed returns a channel that is closed at the next change. A caller takes
// it before it reads.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Demand returns what the enabled tasks ask of the sampler, by camera and
// profile.
func (s *Store) Demand() []Demand {
	var out []Demand
	for _, t := range s.List() {
		if !t.Enabled {
			continue
		}
		i, found := slices.BinarySearchFunc(out, t, func(d Demand, t Task) int {
			return cmp.Or(cmp.Compare(d.Camera, t.Camera), cmp.Compare(d.Profile, t.Profile))
		})
		if !found {
			out = slices.Insert(out, i, Demand{Camera: t.Camera, Profile: t.Profile})
		}
		out[i].FPS, out[i].Width = max(out[i].FPS, t.FPS), max(out[i].Width, t.Width)
	}
	return out
}

func (s *Store) replace(all []Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = all
	close(s.changed)
	s.changed = make(chan struct{})
}

// find returns where the task with that id is in all, or belongs.
func find(all []Task, id string) (int, bool) {
	return slices.BinarySearchFunc(all, id, func(t Task, id string) int { return cmp.Compare(t.ID, id) })
}

func same(a, b Task) bool {
	return a.FPS == b.FPS && a.Width == b.Width && a.Enabled == b.Enabled && bytes.Equal(a.Config, b.Config)
}

// random returns 16 letters and digits that nobody can guess: 80 bits.
func random() string { return strings.ToLower(rand.Text()[:16]) }
