package tasks

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Worker is what people see of one.
type Worker struct {
	ID    string
	Key   string // id of its API key
	Lease string
	Seen  time.Time // UTC
	Live  bool
	Held  []Held // by task
}

// Held is a task that a worker holds.
type Held struct {
	Task    string
	Expires time.Time // UTC
}

// Workers returns the workers that were heard of within the last hour, by key
// and name.
func (l *Leases) Workers() []Worker {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.forget(now)
	out := make([]Worker, 0, len(l.workers))
	at := map[owner]int{}
	for o, w := range l.workers {
		at[o] = len(out)
		out = append(out, Worker{ID: o.worker, Key: o.key, Lease: w.lease, Seen: w.seen.UTC().Round(0), Live: w.live(now)})
	}
	for task, h := range l.holds {
		if i, ok := at[h.by]; ok && now.Before(h.until) {
			out[i].Held = append(out[i].Held, Held{task, h.until.UTC().Round(0)})
		}
	}
	for i := range out {
		slices.SortFunc(out[i].Held, func(a, b Held) int { return cmp.Compare(a.Task, b.Task) })
	}
	slices.SortFunc(out, func(a, b Worker) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Holder returns who holds a task; ok is false if nobody does.
func (l *Leases) Holder(task string) (key, worker string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.holds[task]
	if !ok || !time.Now().Before(h.until) {
		return "", "", false
	}
	return h.by.key, h.by.worker, true
}

func checkWorker(id string) error {
	if id == "" || len(id) > maxWorkerID || strings.ContainsFunc(id, unicode.IsControl) {
		return field("worker_id", "must have 1 to %d bytes and no control characters", maxWorkerID)
	}
	return nil
}

// normalise puts the defaults into r and returns what is wrong with it.
func (r *Request) normalise() error {
	if err := checkWorker(r.Worker); err != nil {
		return err
	}
	if r.Max < 0 || r.Max > maxTasks {
		return field("max_tasks", "must be 1 to %d", maxTasks)
	}
	r.Max = cmp.Or(r.Max, maxTasks)
	r.TTL = cmp.Or(r.TTL, defaultTTL)
	if r.TTL < minTTL || r.TTL > maxTTL {
		return field("ttl_secs", "must be %d to %d seconds", minTTL/time.Second, maxTTL/time.Second)
	}
	return nil
}

func (r *Request) wants(t Task) bool {
	return len(r.Types) == 0 || slices.Contains(r.Types, t.Type)
}

// heard notes a sign of life. The caller holds mu.
func (l *Leases) heard(o owner, now time.Time) (*worker, error) {
	w := l.workers[o]
	if w == nil {
		l.forget(now)
		if err := l.room(o.key, now); err != nil {
			return nil, err
		}
		w = &worker{lease: "lease_" + random()}
		l.workers[o] = w
	}
	w.seen, w.gone = now, false
	return w, nil
}

// forget drops the workers that have been silent for long. By then nothing is
// held by one: no lease is that long.
func (l *Leases) forget(now time.Time) {
	for o, w := range l.workers {
		if now.Sub(w.seen) >= knownFor {
			delete(l.workers, o)
		}
	}
}

// room makes sure that the key may have one worker more: of those that are not
// live, the one that has been silent longest goes.
func (l *Leases) room(key string, now time.Time) error {
	var oldest owner
	n := 0
	for o, w := range l.workers {
		if o.key != key {
			continue
		}
		n++
		if !w.live(now) && (oldest == owner{} || w.seen.Before(l.workers[oldest].seen)) {
			oldest = o
		}
	}
	switch {
	case n < maxWorkers:
		return nil
	case oldest == owner{}:
		return ErrTooManyWorkers
	}
	delete(l.workers, oldest)
	// It may hold something yet, under a long lease: that goes with it.
	l.free(func(h hold) bool { return h.by == oldest })
	return nil
}

// visible returns the enabled tasks within the caller's scope, by id.
func (l *Leases) visible(c Caller) []Task {
	out := []Task{}
	for _, t := range l.store.List() {
		if t.Enabled && (c.Sees == nil || c.Sees(t.Camera)) && l.camera(t.Camera) {
			out = append(out, t)
		}
	}
	return out
}

// share returns the worker's part of what the caller may work on. The worker
// is live, and the caller holds mu.
func (l *Leases) share(c Caller, id string, now time.Time) []Task {
	n, rank := 0, 0
	for o, w := range l.workers {
		if o.key != c.Key || !w.live(now) {
			continue
		}
		n++
		if o.worker < id {
			rank++
		}
	}
	out := []Task{}
	for i, t := range l.visible(c) {
		if i%n == rank {
			out = append(out, t)
		}
	}
	return out
}
