package api

import (
	"net/http"
	"net/url"
	"slices"
)

func (s *server) listCameras(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Recorder.of(r).Cameras(r.Context())
	if err != nil {
		return err
	}
	for i, c := range all {
		all[i] = masked(c)
	}
	writeJSON(w, http.StatusOK, notNil(all))
	return nil
}

func (s *server) getCamera(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Recorder.of(r).Camera(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, masked(c))
	return nil
}

func (s *server) addCamera(w http.ResponseWriter, r *http.Request) error {
	var in CameraInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.Name == nil {
		return needed("name", "")
	}
	c, err := s.Recorder.of(r).AddCamera(r.Context(), in)
	if err != nil {
		return err
	}
	target(r, c.ID)
	w.Header().Set("Location", v1+"/cameras/"+url.PathEscape(c.ID))
	writeJSON(w, http.StatusCreated, masked(c))
	return nil
}

func (s *server) updateCamera(w http.ResponseWriter, r *http.Request) error {
	var in CameraInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.ID != nil {
		return badField("id", "The id of a camera cannot be changed.")
	}
	detail(r, "fields", fieldsSaid(in))
	c, err := s.Recorder.of(r).UpdateCamera(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, masked(c))
	return nil
}

func (s *server) removeCamera(w http.ResponseWriter, r *http.Request) error {
	if err := s.Recorder.of(r).RemoveCamera(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) testCamera(w http.ResponseWriter, r *http.Request) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	release, ok := try(s.tests)
	if !ok {
		return errBusy
	}
	defer release()
	res, err := s.Recorder.of(r).TestCamera(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, res)
	return nil
}

// masked makes sure once more that no URL shows a password, and that lists are lists.
func masked(c Camera) Camera {
	for _, u := range []*string{&c.MainURL, &c.SubURL} {
		parsed, err := url.Parse(*u)
		switch {
		case err != nil:
			*u = "" // what cannot be read cannot be masked
		case parsed.User != nil:
			parsed.User = nil
			*u = parsed.String()
		}
	}
	c.Schedule = slices.Clone(notNil(c.Schedule))
	for i := range c.Schedule {
		c.Schedule[i].Days = notNil(c.Schedule[i].Days)
	}
	return c
}

// try takes one of the slots if there is one.
func try(slots chan struct{}) (release func(), ok bool) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, true
	default:
		return nil, false
	}
}
