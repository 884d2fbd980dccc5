package api

import (
	"net/http"
	"strconv"
	"strings"
)

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
	return nil
}

func (s *server) readyz(w http.ResponseWriter, _ *http.Request) error {
	out := struct {
		Status  string   `json:"status"`
		Failing []string `json:"failing,omitempty"`
	}{Status: "ready", Failing: s.System.Ready()}
	status := http.StatusOK
	if len(out.Failing) > 0 {
		status, out.Status = http.StatusServiceUnavailable, "not ready"
		w.Header().Set("Retry-After", "5")
	}
	writeJSON(w, status, out)
	return nil
}

func (s *server) writeMetrics(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.metrics.WritePrometheus(w)
	for _, m := range s.Metrics {
		m.WritePrometheus(w)
	}
	return nil
}

func (s *server) system(w http.ResponseWriter, r *http.Request) error {
	info, err := s.System.System(r.Context())
	if err != nil {
		return err
	}
	info.Volumes = notNil(info.Volumes)
	writeJSON(w, http.StatusOK, info)
	return nil
}

const (
	defaultEvents = 100
	maxEvents     = 2000
)

func (s *server) events(w http.ResponseWriter, r *http.Request) error {
	limit, err := queryInt(r, "limit", defaultEvents, 1, maxEvents)
	if err != nil {
		return err
	}
	f, err := eventFilter(r)
	if err != nil {
		return err
	}
	var list []Event
	if since := r.URL.Query().Get("since_seq"); since == "" {
		list, err = s.Events.Latest(limit, f)
	} else {
		seq, perr := strconv.ParseUint(since, 10, 63)
		if perr != nil {
			return badField("since_seq", "The number since_seq must be that of an event, or 0.")
		}
		list, err = s.Events.Since(seq, limit, f)
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Events []Event `json:"events"`
	}{notNil(list)})
	return nil
}

func (s *server) panel(w http.ResponseWriter, r *http.Request) error {
	return delegate(s.Panel, w, r)
}

// whep hands signalling over to the live side, which reads the body itself:
// it is SDP, not JSON.
func (s *server) whep(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	return delegate(s.Live, w, r)
}

func delegate(h http.Handler, w http.ResponseWriter, r *http.Request) error {
	if h == nil {
		return errNotThere
	}
	h.ServeHTTP(w, r)
	return nil
}

// files serves the panel. Its files may be kept by the browser, so the
// handler's own Cache-Control replaces the strict one.
func (s *server) files(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return errMethod
	}
	if s.UI == nil {
		return errNotFound
	}
	w.Header().Set("Cache-Control", "no-cache")
	s.UI.ServeHTTP(w, r)
	return nil
}

// notFound answers what the table does not know: with the methods it does
// know if the path is right.
func (s *server) notFound(w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, rt := range s.table() {
		if rt.pattern != "/" && rt.method != "" && matches(rt.pattern, r.URL.Path) {
			allowed = append(allowed, rt.method)
		}
	}
	if len(allowed) == 0 {
		return errNotFound
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return errMethod
}

// matches reports whether path has the segments of pattern.
func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}
