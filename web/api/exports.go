package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"vedette/web/auth"
)

const maxExport = 16 // cameras

// exportZip sends clips with their signed manifest. It is as long as it is: nobody
// knows before it is done.
func (s *server) exportZip(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet { // HEAD would make all of it, and throw it away
		w.Header().Set("Allow", http.MethodGet)
		return errMethod
	}
	from, to, err := queryRange(r, maxClip)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	x := Export{From: from, To: to, Incident: q.Get("incident"), By: auth.From(r.Context()).Name}
	if err := needed("cameras", q.Get("cameras")); err != nil {
		return err
	}
	x.Cameras = strings.Split(q.Get("cameras"), ",")
	if len(x.Cameras) > maxExport {
		return badField("cameras", "There must not be more than %d cameras.", maxExport)
	}
	detail(r, "cameras", strings.Join(x.Cameras, " "))
	detail(r, "from", from.Format(timeFormat))
	detail(r, "to", to.Format(timeFormat))
	detail(r, "incident", x.Incident)
	for i, id := range x.Cameras {
		if err := s.scope(r).camera(id); err != nil {
			return err
		}
		if !pathValues["id"].MatchString(id) || slices.Contains(x.Cameras[:i], id) {
			return badField("cameras", "The field must be ids of cameras, each once, with commas between them.")
		}
	}
	if x.Incident != "" && !pathValues["incident"].MatchString(x.Incident) {
		return badField("incident", "This is not the id of an incident.")
	}
	release, ok := try(s.clips)
	if !ok {
		return errBusy
	}
	defer release()
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="vedette_%s.zip"`, from.Format("2006-01-02T15-04-05Z")))
	err = s.export(r, w, x)
	if sent, begun := w.(*writer); err != nil && begun && sent.code != 0 && r.Context().Err() == nil {
		// Whatever it is, the rest of the file is missing: the connection has to break.
		return fmt.Errorf("export was broken off: %s", err)
	}
	return err
}

// signingKey answers with what exports of this box are checked with.
func (s *server) signingKey(w http.ResponseWriter, r *http.Request) error {
	if s.Exports == nil {
		return errNotThere
	}
	key, err := s.Exports.SigningKey(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, key)
	return nil
}
