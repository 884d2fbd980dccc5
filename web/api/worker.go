package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"vedette/web/auth"
)

// What a worker may ask for.
const (
	maxFrameWait = 10 * time.Second
	maxLease     = 512 // tasks
	minLeaseTTL  = 15  // s
	maxLeaseTTL  = 300
	leaseTTL     = 60
	maxWorkerID  = 128 // bytes
)

// machine returns the machine that sent r.
func machine(r *http.Request) Caller {
	p := auth.From(r.Context())
	return Caller{Key: p.Key, Name: p.Name, Sees: p.Sees}
}

// admit refuses a key that asks too often.
func (s *server) admit(r *http.Request, use Use) error {
	p := auth.From(r.Context())
	if s.Tasks == nil || !p.Machine() {
		return nil
	}
	if wait := s.Tasks.Admit(p.Key, use); wait > 0 {
		return &failure{status: http.StatusTooManyRequests, code: "too_many_requests", message: "This key asks too often; wait a little.", retryAfter: wait}
	}
	return nil
}

// shard answers with the tasks of a worker; asking is its heartbeat.
func (s *server) shard(w http.ResponseWriter, r *http.Request) error {
	if s.Tasks == nil {
		return errNotThere
	}
	if err := s.admit(r, UseLease); err != nil {
		return err
	}
	worker := r.URL.Query().Get("worker_id")
	if len(worker) > maxWorkerID {
		return badField("worker_id", "The name of a worker must not be longer than %d bytes.", maxWorkerID)
	}
	list, err := s.Tasks.Shard(r.Context(), machine(r), worker)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, taskViews(list))
	return nil
}

type leaseBody struct {
	Worker string   `json:"worker_id"`
	Types  []string `json:"task_types"`
	Max    *int     `json:"max_tasks"`
	TTL    *int     `json:"ttl_secs"`
}

func (b *leaseBody) request() (LeaseRequest, error) {
	in := LeaseRequest{Worker: b.Worker, Types: b.Types, Max: maxLease, TTL: leaseTTL * time.Second}
	switch {
	case b.Worker == "":
		return in, needed("worker_id", "")
	case len(b.Worker) > maxWorkerID:
		return in, badField("worker_id", "The name of a worker must not be longer than %d bytes.", maxWorkerID)
	case len(b.Types) > maxLease:
		return in, badField("task_types", "There must not be more than %d types.", maxLease)
	}
	if b.Max != nil {
		if in.Max = *b.Max; in.Max < 1 || in.Max > maxLease {
			return in, badField("max_tasks", "The number max_tasks must be from 1 to %d.", maxLease)
		}
	}
	if b.TTL != nil {
		if *b.TTL < minLeaseTTL || *b.TTL > maxLeaseTTL {
			return in, badField("ttl_secs", "The number ttl_secs must be from %d to %d.", minLeaseTTL, maxLeaseTTL)
		}
		in.TTL = time.Duration(*b.TTL) * time.Second
	}
	return in, nil
}

// acquire takes and renews leases.
func (s *server) acquire(w http.ResponseWriter, r *http.Request) error {
	if s.Tasks == nil {
		return errNotThere
	}
	if err := s.admit(r, UseLease); err != nil {
		return err
	}
	var b leaseBody
	if err := decodeLax(w, r, &b); err != nil {
		return err
	}
	in, err := b.request()
	if err != nil {
		return err
	}
	l, err := s.Tasks.Acquire(r.Context(), machine(r), in)
	if err != nil {
		return workError(err)
	}
	l.Tasks = taskViews(l.Tasks)
	writeJSON(w, http.StatusOK, l)
	return nil
}

func (s *server) release(w http.ResponseWriter, r *http.Request) error {
	if s.Tasks == nil {
		return errNotThere
	}
	n, err := s.Tasks.Release(r.Context(), machine(r), r.PathValue("lease"))
	if err != nil {
		return workError(err)
	}
	writeJSON(w, http.StatusOK, struct {
		Released int `json:"released"`
	}{n})
	return nil
}

// frame answers with the newest frame of a camera, or waits for the next.
func (s *server) frame(w http.ResponseWriter, r *http.Request) error {
	if s.Frames == nil {
		return errNotThere
	}
	if err := s.admit(r, UseFrame); err != nil {
		return err
	}
	q := r.URL.Query()
	profile := cmp.Or(q.Get("profile"), "sub")
	if profile != "sub" && profile != "main" {
		return badField("profile", "The profile must be sub or main.")
	}
	ms, err := queryInt(r, "wait_ms", 0, 0, int(maxFrameWait.Milliseconds()))
	if err != nil {
		return err
	}
	var after uint64
	if text := q.Get("after"); text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return badField("after", "The number after must be that of a frame.")
		}
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	camera := r.PathValue("id")
	f, err := s.nextFrame(r, camera, profile, after, time.Duration(ms)*time.Millisecond)
	if f != nil {
		h.Set("ETag", etag(f))
	}
	switch {
	case errors.Is(err, ErrNotNewer):
		w.WriteHeader(http.StatusNotModified)
		return nil
	case err != nil:
		return err
	}
	h.Set("Content-Type", "image/jpeg")
	h.Set("Content-Length", strconv.Itoa(len(f.JPEG)))
	h.Set("X-Frame-Captured-At", f.Captured.UTC().Format(timeFormat))
	h.Set("X-Frame-Age-Ms", strconv.FormatInt(max(0, time.Since(f.Captured).Milliseconds()), 10))
	h.Set("X-Frame-Seq", strconv.FormatUint(f.Seq, 10))
	h.Set("X-Frame-Width", strconv.Itoa(f.Width))
	h.Set("X-Frame-Height", strconv.Itoa(f.Height))
	if task := q.Get("task"); task != "" && len(task) <= maxWorkerID && s.Tasks != nil && s.Tickets != ticketsOff && auth.From(r.Context()).Machine() {
		if ticket := s.Tasks.Ticket(machine(r), task, camera, profile, f); ticket != "" {
			h.Set("X-Frame-Ticket", ticket)
		}
	}
	_, _ = w.Write(f.JPEG) // the client may be gone
	return nil
}

// etag names a frame: numbers begin anew when the process does, moments do not.
func etag(f *Frame) string { return fmt.Sprintf(`"%d-%x"`, f.Seq, f.Captured.UnixMicro()) }

// nextFrame returns a frame that the client does not have, and waits for it up to
// wait. With ErrNotNewer comes the one that it has.
func (s *server) nextFrame(r *http.Request, camera, profile string, after uint64, wait time.Duration) (*Frame, error) {
	f, err := s.Frames.Frame(r.Context(), camera, profile, 0, 0)
	if errors.Is(err, ErrNotFound) && wait > 0 {
		// A camera that there is not has no frame either, and none will come.
		if _, err := s.Recorder.of(r).Camera(r.Context(), camera); err != nil {
			return nil, err
		}
		return s.Frames.Frame(r.Context(), camera, profile, 0, wait)
	}
	// A number that was not given yet is one of before the process started.
	if err != nil || r.Header.Get("If-None-Match") != etag(f) && after != f.Seq {
		return f, err
	}
	if wait == 0 {
		return f, ErrNotNewer
	}
	next, err := s.Frames.Frame(r.Context(), camera, profile, f.Seq, wait)
	if errors.Is(err, ErrNotNewer) {
		return f, err
	}
	return next, err
}

// workError gives the workers' errors their answers.
func workError(err error) error {
	for _, k := range workErrors {
		if errors.Is(err, k.is) {
			return k.failure
		}
	}
	return err
}

// workErrors is read alone.
var workErrors = []accountError{
	{ErrBadTicket, &failure{status: http.StatusUnauthorized, code: "bad_ticket", field: "frame_ticket", message: "This ticket was not given by this box, or before its restart."}},
	{ErrOldTicket, &failure{status: http.StatusUnauthorized, code: "old_ticket", field: "frame_ticket", message: "The ticket has expired."}},
	{ErrForeign, &failure{status: http.StatusUnauthorized, code: "foreign_ticket", field: "frame_ticket", message: "The ticket was given to another key."}},
	{ErrNoLease, &failure{status: http.StatusUnauthorized, code: "no_lease", message: "There is no live lease on the task."}},
	{ErrTaskDisabled, &failure{status: http.StatusForbidden, code: "task_disabled", message: "The task is disabled."}},
	{ErrHeld, &failure{status: http.StatusConflict, code: "held", message: "The lease is held by another."}},
	{ErrFull, &failure{status: http.StatusServiceUnavailable, code: "queue_full", message: "Too much is waiting to be written; try again in a moment.", retryAfter: time.Second}},
}
