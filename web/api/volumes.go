package api

import "net/http"

// adoptBody is the body of POST …/adopt.
type adoptBody struct {
	ID string `json:"id"`
}

// adoptVolume takes a disk that is there in the place of the one that was.
func (s *server) adoptVolume(w http.ResponseWriter, r *http.Request) error {
	var in adoptBody
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("id", in.ID); err != nil {
		return err
	}
	if err := s.Recorder.of(r).AdoptVolume(r.Context(), r.PathValue("name"), in.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
