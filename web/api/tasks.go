package api

import (
	"encoding/json"
	"net/http"
	"net/url"
)

func (s *server) listTasks(w http.ResponseWriter, r *http.Request) error {
	tasks, err := s.tasks(r)
	if err != nil {
		return err
	}
	list, err := tasks.Tasks(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, taskViews(list))
	return nil
}

// addTask answers 200 with the first where there is one already.
func (s *server) addTask(w http.ResponseWriter, r *http.Request) error {
	tasks, err := s.tasks(r)
	if err != nil {
		return err
	}
	var in TaskInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.Type == nil {
		return needed("task_type", "")
	}
	t, added, err := tasks.AddTask(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	target(r, t.ID)
	status := http.StatusOK
	if added {
		status = http.StatusCreated
	}
	writeJSON(w, status, taskView(t))
	return nil
}

func (s *server) changeTask(w http.ResponseWriter, r *http.Request) error {
	tasks, err := s.tasks(r)
	if err != nil {
		return err
	}
	var in TaskInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	detail(r, "fields", fieldsSaid(in))
	switch {
	case in.Type != nil:
		return badField("task_type", "The type of a task cannot be changed; add another one.")
	case in.Profile != nil:
		return badField("stream_profile", "The stream of a task cannot be changed; add another one.")
	}
	t, err := tasks.ChangeTask(r.Context(), r.PathValue("task"), in)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, taskView(t))
	return nil
}

func (s *server) removeTask(w http.ResponseWriter, r *http.Request) error {
	tasks, err := s.tasks(r)
	if err != nil {
		return err
	}
	if err := tasks.RemoveTask(r.Context(), r.PathValue("task")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) listWorkers(w http.ResponseWriter, r *http.Request) error {
	tasks, err := s.tasks(r)
	if err != nil {
		return err
	}
	list, err := tasks.Workers(r.Context())
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Leases = notNil(list[i].Leases)
	}
	writeJSON(w, http.StatusOK, notNil(list))
	return nil
}

func (s *server) listSamplers(w http.ResponseWriter, r *http.Request) error {
	tasks, err := s.tasks(r)
	if err != nil {
		return err
	}
	list, err := tasks.Samplers(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, notNil(list))
	return nil
}

// taskView adds where the frames of a task are.
func taskView(t Task) Task {
	if len(t.Config) == 0 {
		t.Config = json.RawMessage("{}")
	}
	q := url.Values{"profile": {t.Profile}, "task": {t.ID}}
	t.FrameURL = v1 + "/cameras/" + url.PathEscape(t.Camera) + "/frame?" + q.Encode()
	return t
}

func taskViews(list []Task) []Task {
	out := make([]Task, len(list))
	for i, t := range list {
		out[i] = taskView(t)
	}
	return out
}
