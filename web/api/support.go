package api

import (
	"io"
	"net/http"
)

// readSupport answers with the report on the machine as text.
func (s *server) readSupport(w http.ResponseWriter, _ *http.Request) error {
	if s.Support == nil {
		return errNotSupported
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="vedette-support.txt"`)
	_ = s.Support(w) // the client is gone
	return nil
}

// SupportWriter writes a report on the machine as text, without secrets. The error is
// that of w.
type SupportWriter func(w io.Writer) error
