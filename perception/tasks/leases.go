package tasks

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"
)

// Errors a caller may test for.
var (
	ErrNoLease        = errors.New("there is no such lease, or it is over")
	ErrNotYours       = errors.New("the lease belongs to another API key")
	ErrHeld           = errors.New("another API key holds the lease of this task")
	ErrTaskDisabled   = errors.New("the AI task is disabled")
	ErrTooManyWorkers = errors.New("this API key has too many live workers")
)

// Bounds of leases and workers.
const (
	// LiveFor is how long a worker counts after it was heard of.
	LiveFor = 60 * time.Second

	defaultTTL     = 60 * time.Second
	minTTL, maxTTL = 15 * time.Second, 300 * time.Second
	// handOver is how long a worker keeps a task that has become another's:
	// so long may the answer to a frame take that is under way.
	handOver = 5 * time.Second

	maxWorkers  = 64        // of one key
	maxWorkerID = 128       // bytes
	knownFor    = time.Hour // after which a silent worker is forgotten
)

// Caller is the API key that asks.
type Caller struct {
	Key string // its id
	// Sees reports whether a camera is within its scope; nil = all are.
	Sees func(camera string) bool
}

// Request is what a worker wants to hold.
type Request struct {
	Worker string        // its own name for itself; needed
	Types  []string      // of tasks; empty = all
	Max    int           // tasks; 0 = as many as there are
	TTL    time.Duration // 15 s to 300 s; 0 = 60 s
}

// Lease is what a worker holds.
type Lease struct {
	ID      string // the same at every renewal
	Worker  string
	Expires time.Time // of the tasks; UTC
	// NextPoll is when to renew.
	NextPoll time.Duration
	Tasks    []Task // by id
}

// Leases knows the workers and what they hold, in memory. One worker at a time
// holds a task. All methods may be called concurrently, and none writes to a
// disk or waits for one.
//
// Time is measured on the monotonic clock: a step of the wall clock ends no
// lease and prolongs none.
type Leases struct {
	store *Store
	// camera reports whether there is such a camera.
	camera func(id string) bool

	mu      sync.Mutex
	workers map[owner]*worker
	holds   map[string]hold // by task
}

// owner is who can hold a task: workers of two keys are never the same.
type owner struct{ key, worker string }

// worker is what is known of one.
type worker struct {
	lease string
	seen  time.Time
	gone  bool // has said goodbye
}

func (w *worker) live(now time.Time) bool { return !w.gone && now.Sub(w.seen) < LiveFor }

// hold is who has a task, and until when. One that is over lies there until
// somebody needs its place: to expire costs nothing.
type hold struct {
	by    owner
	until time.Time
}

// NewLeases returns leases of the tasks in s; at first nobody holds any. Tasks
// of a camera that the function camera denies are nobody's; nil = there are all.
func NewLeases(s *Store, camera func(id string) bool) *Leases {
	if camera == nil {
		camera = func(string) bool { return true }
	}
	return &Leases{store: s, camera: camera, workers: map[owner]*worker{}, holds: map[string]hold{}}
}

// Tasks returns the enabled tasks that the caller may work on, by id. With the
// name of a worker it is a sign of life, and returns that one's share of them:
// task i goes to the worker whose place among the n live ones of the same key
// is i mod n. It returns a *FieldError, and ErrTooManyWorkers.
func (l *Leases) Tasks(c Caller, workerID string) ([]Task, error) {
	if workerID == "" {
		return l.visible(c), nil
	}
	if err := checkWorker(workerID); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if _, err := l.heard(owner{c.Key, workerID}, now); err != nil {
		return nil, err
	}
	return l.share(c, workerID, now), nil
}

// Acquire takes what it may of the worker's share and renews what the worker
// holds of it already; what is asked for is a sign of life, too. A task is
// taken when nobody holds it. What the worker holds beyond the request stays
// its own until it expires; what has become another's, for a few seconds.
// Acquire returns a *FieldError, and ErrTooManyWorkers.
func (l *Leases) Acquire(c Caller, r Request) (Lease, error) {
	if err := r.normalise(); err != nil {
		return Lease{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, me := time.Now(), owner{c.Key, r.Worker}
	w, err := l.heard(me, now)
	if err != nil {
		return Lease{}, err
	}
	share := l.share(c, r.Worker, now)
	l.handOver(me, share, now)
	out := Lease{ID: w.lease, Worker: r.Worker, Expires: now.Add(r.TTL), NextPoll: r.TTL / 3}
	take := func(may func(held bool, h hold) bool) {
		for _, t := range share {
			if len(out.Tasks) == r.Max || !r.wants(t) {
				continue
			}
			h, held := l.holds[t.ID]
			held = held && now.Before(h.until)
			if may(held, h) {
				// A shorter time than before is a wish, too.
				l.holds[t.ID] = hold{me, out.Expires}
				out.Tasks = append(out.Tasks, t)
			}
		}
	}
	take(func(held bool, h hold) bool { return held && h.by == me }) // first, so that none changes hands for no reason
	take(func(held bool, h hold) bool {
		if held && h.by != me && h.by.key == me.key {
			out.NextPoll = handOver // it is on its way
		}
		return !held
	})
	slices.SortFunc(out.Tasks, func(a, b Task) int { return cmp.Compare(a.ID, b.ID) })
	out.Expires = out.Expires.UTC().Round(0)
	return out, nil
}

// Release gives up all that is held under a lease, and takes its worker out of
// the sharing until it is heard of again. It returns how many tasks became
// free, ErrNoLease, or ErrNotYours.
func (l *Leases) Release(key, lease string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for o, w := range l.workers {
		if w.lease != lease {
			continue
		}
		if o.key != key {
			return 0, ErrNotYours
		}
		w.gone = true
		return l.free(func(h hold) bool { return h.by == o }), nil
	}
	return 0, ErrNoLease
}

// EndKey forgets the workers of a key that is revoked, and frees what they
// hold.
func (l *Leases) EndKey(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for o := range l.workers {
		if o.key == key {
			delete(l.workers, o)
		}
	}
	l.free(func(h hold) bool { return h.by.key == key })
}

// Live returns the task if the key holds it: then a ticket may be given, and
// what comes with one is taken. Otherwise it returns ErrNoTask,
// ErrTaskDisabled, ErrHeld or ErrNoLease.
func (l *Leases) Live(key, task string) (Task, error) {
	t, err := l.store.Get(task)
	switch {
	case err != nil:
		return Task{}, err
	case !t.Enabled || !l.camera(t.Camera):
		return t, ErrTaskDisabled
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.holds[task]
	switch {
	case !ok || !time.Now().Before(h.until):
		return t, ErrNoLease
	case h.by.key != key:
		return t, ErrHeld
	}
	return t, nil
}

// free ends the holds that which chooses and returns how many were in force.
// The caller holds mu.
func (l *Leases) free(which func(hold) bool) (n int) {
	now := time.Now()
	for task, h := range l.holds {
		if which(h) {
			if now.Before(h.until) {
				n++
			}
			delete(l.holds, task)
		}
	}
	return n
}

// handOver shortens what me holds outside of its share, and forgets the holds
// of tasks that are no more. The caller holds mu.
func (l *Leases) handOver(me owner, share []Task, now time.Time) {
	all := l.store.List()
	for task, h := range l.holds {
		if _, there := find(all, task); !there {
			delete(l.holds, task)
			continue
		}
		if _, mine := find(share, task); h.by == me && !mine {
			if end := now.Add(handOver); end.Before(h.until) {
				h.until = end
			}
			l.holds[task] = h
		}
	}
}
