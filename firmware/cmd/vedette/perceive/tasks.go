package perceive

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"vedette/perception/sampler"
	"vedette/perception/tasks"
	"vedette/perception/tasks/ticket"
	"vedette/recorder"
	"vedette/recorder/media"
	"vedette/web/api"
	"vedette/web/auth"
)

// What a key may ask for in a second, and at once: far above what a worker with
// 16 cameras at 30 frames a second does.
const (
	leaseRate, leaseBurst = 20, 100
	frameRate, frameBurst = 600, 1200
	postRate, postBurst   = 600, 1200
)

// Tasks returns what the API needs of tasks, workers and leases.
func (p *Perception) Tasks() api.Tasks { return taskDesk{p} }

// Frames returns what the API needs of the sampler.
func (p *Perception) Frames() api.Frames { return taskDesk{p} }

type taskDesk struct{ *Perception }

func (d taskDesk) Tasks(_ context.Context, camera string) (out []api.Task, err error) {
	if !d.cameraExists(camera) {
		return nil, api.ErrNotFound
	}
	for _, t := range d.tasks.List() {
		if t.Camera == camera {
			out = append(out, taskView(t))
		}
	}
	return out, nil
}

func (d taskDesk) Task(_ context.Context, id string) (api.Task, error) {
	t, err := d.tasks.Get(id)
	return taskView(t), taskErr(err)
}

func (d taskDesk) AddTask(_ context.Context, camera string, in api.TaskInput) (api.Task, bool, error) {
	if !d.cameraExists(camera) {
		return api.Task{}, false, api.ErrNotFound
	}
	t, added, err := d.tasks.Add(camera, deref(in.Type), deref(in.Profile), settings(in))
	return taskView(t), added, taskErr(err)
}

func (d taskDesk) ChangeTask(_ context.Context, id string, in api.TaskInput) (api.Task, error) {
	t, err := d.tasks.Change(id, settings(in))
	return taskView(t), taskErr(err)
}

func (d taskDesk) RemoveTask(_ context.Context, id string) error { return taskErr(d.tasks.Remove(id)) }

func (d taskDesk) Workers(context.Context) ([]api.Worker, error) {
	out := []api.Worker{}
	for _, w := range d.leases.Workers() {
		v := api.Worker{ID: w.ID, Key: w.Key, KeyName: d.o.KeyName(w.Key), Seen: api.Timestamp(w.Seen), Live: w.Live, Leases: []api.WorkerLease{}}
		if len(w.Held) > 0 {
			lease := api.WorkerLease{ID: w.Lease}
			for _, h := range w.Held {
				lease.Tasks = append(lease.Tasks, h.Task)
				if h.Expires.After(time.Time(lease.Expires)) {
					lease.Expires = api.Timestamp(h.Expires)
				}
			}
			v.Leases = append(v.Leases, lease)
		}
		out = append(out, v)
	}
	return out, nil
}

func (d taskDesk) Samplers(context.Context) ([]api.Sampler, error) {
	out := []api.Sampler{}
	for _, s := range d.sampler.States() {
		v := api.Sampler{
			Camera: s.Camera, Profile: string(s.Profile), State: s.State, FPS: s.FPS, Width: s.Width, Reason: s.Reason,
			Frames: s.Frames, Restarts: s.Restarts,
		}
		if !s.LastFrame.IsZero() {
			at := api.Timestamp(s.LastFrame)
			v.LastFrame = &at
		}
		out = append(out, v)
	}
	return out, nil
}

func caller(who api.Caller) tasks.Caller { return tasks.Caller{Key: who.Key, Sees: who.Sees} }

func (d taskDesk) Shard(_ context.Context, who api.Caller, worker string) ([]api.Task, error) {
	list, err := d.leases.Tasks(caller(who), worker)
	return taskViews(list), taskErr(err)
}

func (d taskDesk) Acquire(_ context.Context, who api.Caller, in api.LeaseRequest) (api.Lease, error) {
	l, err := d.leases.Acquire(caller(who), tasks.Request{Worker: in.Worker, Types: in.Types, Max: in.Max, TTL: in.TTL})
	return api.Lease{
		ID: l.ID, Worker: l.Worker, Expires: api.Timestamp(l.Expires), NextPoll: max(1, int(l.NextPoll/time.Second)), Tasks: taskViews(l.Tasks),
	}, taskErr(err)
}

func (d taskDesk) Release(_ context.Context, who api.Caller, lease string) (int, error) {
	n, err := d.leases.Release(who.Key, lease)
	switch {
	case errors.Is(err, tasks.ErrNoLease):
		return 0, nil
	case errors.Is(err, tasks.ErrNotYours):
		return 0, api.ErrHeld
	}
	return n, err
}

func (d taskDesk) Ticket(who api.Caller, task, camera, profile string, f *api.Frame) string {
	t, err := d.leases.Live(who.Key, task)
	if err != nil || t.Camera != camera || t.Profile != profile {
		return ""
	}
	d.sampler.Pin(t.Camera, media.StreamName(profile), f.Seq)
	return d.tickets.Issue(ticket.Frame{Key: who.Key, Camera: t.Camera, Task: t.ID, Profile: profile, Seq: f.Seq, Captured: f.Captured})
}

func (d taskDesk) CheckTicket(who api.Caller, text string) (api.Ticket, error) {
	f, err := d.tickets.Check(who.Key, text)
	switch {
	case errors.Is(err, ticket.ErrExpired):
		return api.Ticket{}, api.ErrOldTicket
	case errors.Is(err, ticket.ErrForeign):
		return api.Ticket{}, api.ErrForeign
	case err != nil:
		return api.Ticket{}, api.ErrBadTicket
	}
	t, err := d.leases.Live(who.Key, f.Task)
	switch {
	case errors.Is(err, tasks.ErrTaskDisabled), errors.Is(err, tasks.ErrNoTask):
		return api.Ticket{}, api.ErrTaskDisabled
	case errors.Is(err, tasks.ErrHeld):
		return api.Ticket{}, api.ErrHeld
	case err != nil:
		return api.Ticket{}, api.ErrNoLease
	}
	return api.Ticket{Task: f.Task, Camera: f.Camera, Type: t.Type, Profile: f.Profile, FrameID: f.ID, FrameSeq: f.Seq, Captured: f.Captured}, nil
}

func (d taskDesk) Admit(key string, use api.Use) time.Duration {
	switch use {
	case api.UseFrame:
		return d.frameLimit.Admit(key, 1)
	case api.UsePost:
		return d.postLimit.Admit(key, 1)
	}
	return d.leaseLimit.Admit(key, 1)
}

func (d taskDesk) Frame(ctx context.Context, camera, profile string, after uint64, wait time.Duration) (*api.Frame, error) {
	f, err := d.sampler.Frame(ctx, camera, media.StreamName(profile), after, wait)
	switch {
	case errors.Is(err, sampler.ErrNoFrame):
		return nil, api.ErrNotFound
	case errors.Is(err, sampler.ErrNotNewer):
		return nil, api.ErrNotNewer
	case err != nil:
		return nil, err
	}
	return &api.Frame{JPEG: f.JPEG, Seq: f.Seq, Captured: f.Captured, Width: f.Width, Height: f.Height}, nil
}

func (p *Perception) cameraExists(id string) bool {
	_, err := p.o.Recorder.Camera(id)
	return !errors.Is(err, recorder.ErrNoCamera)
}

func settings(in api.TaskInput) tasks.Settings {
	s := tasks.Settings{FPS: in.FPS, Width: in.Width, Enabled: in.Enabled}
	if in.Config != nil {
		s.Config = json.RawMessage(*in.Config)
	}
	return s
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// taskErr translates what the API tells apart.
func taskErr(err error) error {
	switch {
	case errors.Is(err, tasks.ErrNoTask):
		return api.ErrNotFound
	case errors.Is(err, tasks.ErrFull):
		return errors.Join(api.ErrConflict, err)
	case errors.Is(err, tasks.ErrTooManyWorkers):
		return &auth.ThrottledError{RetryAfter: tasks.LiveFor}
	}
	return err
}

func taskView(t tasks.Task) api.Task {
	return api.Task{ID: t.ID, Camera: t.Camera, Type: t.Type, Profile: t.Profile, FPS: t.FPS, Width: t.Width, Config: t.Config, Enabled: t.Enabled}
}

func taskViews(list []tasks.Task) []api.Task {
	out := make([]api.Task, len(list))
	for i, t := range list {
		out[i] = taskView(t)
	}
	return out
}
