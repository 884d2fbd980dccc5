package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"

	"vedette/web/auth"
)

// What follows are tasks, zones, rules, incidents and exports as one caller sees
// them, in the way of scoped: handlers have no others.

// scope is what a caller may see.
type scope struct{ who *auth.Principal }

func (s scope) camera(id string) error {
	if !s.who.Sees(id) {
		return errForbidden
	}
	return nil
}

// limited reports whether the caller sees some cameras alone.
func (s scope) limited() bool { return s.who == nil || s.who.Cameras != nil }

// sees reports whether the caller sees all of cameras; none stands for all there are.
func (s scope) sees(cameras []string) bool {
	if len(cameras) == 0 {
		return !s.limited()
	}
	return !slices.ContainsFunc(cameras, func(id string) bool { return !s.who.Sees(id) })
}

// object decides over what was asked for by its id: err is what came of that, and
// cameras are those it is about. To those who see some cameras alone, one of other
// cameras and one that is not there are the same.
func (s scope) object(err error, cameras ...string) error {
	if s.limited() && (errors.Is(err, ErrNotFound) || err == nil && !s.sees(cameras)) {
		return errForbidden
	}
	return err
}

// own has all cameras mean the caller's.
func (s scope) own(cameras []string) ([]string, error) {
	if len(cameras) == 0 && s.limited() {
		if cameras = slices.Clone(s.who.Cameras); len(cameras) == 0 {
			return nil, errForbidden
		}
	}
	if !s.sees(cameras) {
		return nil, errForbidden
	}
	return cameras, nil
}

func (s *server) scope(r *http.Request) scope { return scope{auth.From(r.Context())} }

// tasks returns the tasks as the sender of r may see them.
func (s *server) tasks(r *http.Request) (scopedTasks, error) {
	if s.Tasks == nil {
		return scopedTasks{}, errNotThere
	}
	return scopedTasks{s.Tasks, s.scope(r)}, nil
}

// scopedTasks is the people's side of Tasks.
type scopedTasks struct {
	all Tasks
	scope
}

func (s scopedTasks) Tasks(ctx context.Context, camera string) ([]Task, error) {
	if err := s.camera(camera); err != nil {
		return nil, err
	}
	return s.all.Tasks(ctx, camera)
}

func (s scopedTasks) AddTask(ctx context.Context, camera string, in TaskInput) (Task, bool, error) {
	if err := s.camera(camera); err != nil {
		return Task{}, false, err
	}
	return s.all.AddTask(ctx, camera, in)
}

func (s scopedTasks) find(ctx context.Context, id string) error {
	t, err := s.all.Task(ctx, id)
	return s.object(err, t.Camera)
}

func (s scopedTasks) ChangeTask(ctx context.Context, id string, in TaskInput) (Task, error) {
	if err := s.find(ctx, id); err != nil {
		return Task{}, err
	}
	return s.all.ChangeTask(ctx, id, in)
}

func (s scopedTasks) RemoveTask(ctx context.Context, id string) error {
	if err := s.find(ctx, id); err != nil {
		return err
	}
	return s.all.RemoveTask(ctx, id)
}

func (s scopedTasks) Samplers(ctx context.Context) ([]Sampler, error) {
	all, err := s.all.Samplers(ctx)
	return slices.DeleteFunc(slices.Clone(all), func(o Sampler) bool { return !s.who.Sees(o.Camera) }), err
}

// Workers returns, to those who see some cameras alone, the workers that hold tasks
// of these, and no other tasks.
func (s scopedTasks) Workers(ctx context.Context) ([]Worker, error) {
	all, err := s.all.Workers(ctx)
	if err != nil || !s.limited() {
		return all, err
	}
	theirs := map[string]bool{}
	for _, id := range s.who.Cameras {
		tasks, err := s.all.Tasks(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		for _, t := range tasks {
			theirs[t.ID] = true
		}
	}
	var out []Worker
	for _, w := range all {
		var leases []WorkerLease
		for _, l := range w.Leases {
			l.Tasks = slices.DeleteFunc(slices.Clone(l.Tasks), func(id string) bool { return !theirs[id] })
			if len(l.Tasks) > 0 {
				leases = append(leases, l)
			}
		}
		if w.Leases = leases; len(leases) > 0 {
			out = append(out, w)
		}
	}
	return out, nil
}

// zones returns the zones as the sender of r may see them.
func (s *server) zones(r *http.Request) (scopedZones, error) {
	if s.Zones == nil {
		return scopedZones{}, errNotThere
	}
	return scopedZones{s.Zones, s.scope(r)}, nil
}

type scopedZones struct {
	all Zones
	scope
}

func (s scopedZones) Zones(ctx context.Context, camera string) ([]Zone, error) {
	if err := s.camera(camera); err != nil {
		return nil, err
	}
	return s.all.Zones(ctx, camera)
}

func (s scopedZones) AddZone(ctx context.Context, camera string, in ZoneInput) (Zone, error) {
	if err := s.camera(camera); err != nil {
		return Zone{}, err
	}
	return s.all.AddZone(ctx, camera, in)
}

func (s scopedZones) find(ctx context.Context, id string) error {
	z, err := s.all.Zone(ctx, id)
	return s.object(err, z.Camera)
}

func (s scopedZones) ChangeZone(ctx context.Context, id string, in ZoneInput) (Zone, error) {
	if err := s.find(ctx, id); err != nil {
		return Zone{}, err
	}
	return s.all.ChangeZone(ctx, id, in)
}

func (s scopedZones) RemoveZone(ctx context.Context, id string) error {
	if err := s.find(ctx, id); err != nil {
		return err
	}
	return s.all.RemoveZone(ctx, id)
}

func (s scopedZones) Occupancy(ctx context.Context, camera string) ([]ZoneOccupancy, error) {
	if err := s.camera(camera); err != nil {
		return nil, err
	}
	return s.all.Occupancy(ctx, camera)
}

// rules returns the hold rules as the sender of r may see them.
func (s *server) rules(r *http.Request) (scopedRules, error) {
	if s.HoldRules == nil {
		return scopedRules{}, errNotThere
	}
	return scopedRules{s.HoldRules, s.scope(r)}, nil
}

type scopedRules struct {
	all HoldRules
	scope
}

func (s scopedRules) Rules(ctx context.Context) ([]HoldRule, error) {
	all, err := s.all.Rules(ctx)
	return slices.DeleteFunc(slices.Clone(all), func(o HoldRule) bool { return !s.sees(o.Cameras) }), err
}

// find says of another's rule what it says of one that is not there.
func (s scopedRules) find(ctx context.Context, id string) error {
	all, err := s.all.Rules(ctx)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(o HoldRule) bool { return o.ID == id }); i >= 0 {
		return s.object(nil, all[i].Cameras...)
	}
	return s.object(ErrNotFound)
}

// AddRule is for the caller's cameras where all are meant.
func (s scopedRules) AddRule(ctx context.Context, in HoldRuleInput) (HoldRule, error) {
	cameras, err := s.own(in.Cameras.IDs)
	if err != nil {
		return HoldRule{}, err
	}
	if s.limited() {
		in.Cameras = CameraSet{true, cameras}
	}
	return s.all.AddRule(ctx, in)
}

func (s scopedRules) ChangeRule(ctx context.Context, id string, in HoldRuleInput) (HoldRule, error) {
	if err := s.find(ctx, id); err != nil {
		return HoldRule{}, err
	}
	if in.Cameras.Said && s.limited() {
		cameras, err := s.own(in.Cameras.IDs)
		if err != nil {
			return HoldRule{}, err
		}
		in.Cameras.IDs = cameras
	}
	return s.all.ChangeRule(ctx, id, in)
}

func (s scopedRules) RemoveRule(ctx context.Context, id string) error {
	if err := s.find(ctx, id); err != nil {
		return err
	}
	return s.all.RemoveRule(ctx, id)
}

// incidents returns the incidents as the sender of r may see them.
func (s *server) incidents(r *http.Request) (scopedIncidents, error) {
	if s.Incidents == nil {
		return scopedIncidents{}, errNotThere
	}
	return scopedIncidents{s.Incidents, s.scope(r)}, nil
}

type scopedIncidents struct {
	all Incidents
	scope
}

func (s scopedIncidents) Incidents(ctx context.Context) ([]Incident, error) {
	all, err := s.all.Incidents(ctx)
	return slices.DeleteFunc(slices.Clone(all), func(o Incident) bool { return !s.sees(o.Cameras) }), err
}

func (s scopedIncidents) Incident(ctx context.Context, id string) (Incident, error) {
	x, err := s.all.Incident(ctx, id)
	if err := s.object(err, x.Cameras...); err != nil {
		return Incident{}, err
	}
	return x, nil
}

// OpenIncident is of the caller's cameras where all are meant.
func (s scopedIncidents) OpenIncident(ctx context.Context, in IncidentInput, by string) (Incident, error) {
	if in.Cameras == nil {
		in.Cameras = new([]string)
	}
	cameras, err := s.own(*in.Cameras)
	if err != nil {
		return Incident{}, err
	}
	in.Cameras = &cameras
	return s.all.OpenIncident(ctx, in, by)
}

func (s scopedIncidents) ChangeIncident(ctx context.Context, id string, in IncidentInput, by string) (Incident, error) {
	if _, err := s.Incident(ctx, id); err != nil {
		return Incident{}, err
	}
	if in.Cameras != nil {
		cameras, err := s.own(*in.Cameras)
		if err != nil {
			return Incident{}, err
		}
		in.Cameras = &cameras
	}
	return s.all.ChangeIncident(ctx, id, in, by)
}

func (s scopedIncidents) AddNote(ctx context.Context, id, text, by string) (Incident, error) {
	if _, err := s.Incident(ctx, id); err != nil {
		return Incident{}, err
	}
	return s.all.AddNote(ctx, id, text, by)
}

// export takes away what the sender of r may see, and notes it with an incident that
// they may see.
func (s *server) export(r *http.Request, w io.Writer, x Export) error {
	if s.Exports == nil {
		return errNotThere
	}
	for _, id := range x.Cameras {
		if err := s.scope(r).camera(id); err != nil {
			return err
		}
	}
	if x.Incident != "" {
		all, err := s.incidents(r)
		if err != nil {
			return err
		}
		if _, err := all.Incident(r.Context(), x.Incident); err != nil {
			return err
		}
	}
	return s.Exports.Export(r.Context(), w, x)
}
