package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"vedette/web/auth"
)

// Errors that Recorder, Events and System may return, wrapped or not; any
// other is answered as an internal error, and logged.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("conflict")
	ErrUnavailable = errors.New("not available at the moment")
)

// FieldError says which field of a request is wrong, and why. The API takes
// any error that has a method Field() string for one.
type FieldError struct{ Name, Message string }

func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the field, as in the API.
func (e *FieldError) Field() string { return e.Name }

// failure is an answer that is not a success.
type failure struct {
	status     int
	code       string
	message    string
	field      string
	retryAfter time.Duration
}

func (f *failure) Error() string { return f.code + ": " + f.message }

var (
	errSignIn       = &failure{status: http.StatusUnauthorized, code: "unauthorized", message: "Sign in first."}
	errForbidden    = &failure{status: http.StatusForbidden, code: "forbidden", message: "You may not do this."}
	errNotFound     = &failure{status: http.StatusNotFound, code: "not_found", message: "There is nothing here."}
	errInternal     = &failure{status: http.StatusInternalServerError, code: "internal", message: "Something went wrong; the log of the box says what."}
	errCrossOrigin  = &failure{status: http.StatusForbidden, code: "cross_origin", message: "This request was sent by another site's page."}
	errHost         = &failure{status: http.StatusMisdirectedRequest, code: "unknown_host", message: "This box is not known by that host name; add it to its configuration."}
	errMethod       = &failure{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "This cannot be done here; the Allow header says what can."}
	errNotThere     = &failure{status: http.StatusNotImplemented, code: "not_implemented", message: "This box does not offer that."}
	errNotSupported = &failure{status: http.StatusNotImplemented, code: "not_supported", message: "This can be done on machines alone that run the image of this recorder."}
	errUpdateBusy   = &failure{status: http.StatusConflict, code: "update_busy", message: "An update is going on; wait until it is done."}
	errBusy         = &failure{status: http.StatusServiceUnavailable, code: "busy", message: "Too many of these at once; try again in a moment.", retryAfter: 5 * time.Second}
)

func badField(field, format string, a ...any) error {
	return &failure{status: http.StatusBadRequest, code: "invalid", message: fmt.Sprintf(format, a...), field: field}
}

// fail answers with err. After the answer has begun there is nothing left to
// say, and the connection is broken off so that the client sees it.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := s.translate(r, err)
	if sent, ok := w.(*writer); ok && sent.code != 0 {
		if f.status >= 500 {
			sent.abort()
		}
		return
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
	}
	for _, name := range []string{"Content-Length", "Content-Disposition", "ETag", "Last-Modified", "Accept-Ranges"} {
		w.Header().Del(name)
	}
	type body struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Field   string `json:"field,omitempty"`
	}
	writeJSON(w, f.status, struct {
		Error body `json:"error"`
	}{body{f.code, f.message, f.field}})
}

// translate finds the answer that err stands for.
func (s *server) translate(r *http.Request, err error) *failure {
	var f *failure
	var field interface {
		error
		Field() string
	}
	var slow *auth.ThrottledError
	var refused *UpdateRefusedError
	var restore *RestoreError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &field):
		return &failure{status: http.StatusBadRequest, code: "invalid", field: field.Field(), message: sentence(field.Field(), field.Error())}
	case errors.As(err, &slow):
		return &failure{status: http.StatusTooManyRequests, code: "too_many_attempts", message: "Too many attempts; wait a little.", retryAfter: slow.RetryAfter}
	case errors.As(err, &restore):
		return &failure{status: http.StatusUnprocessableEntity, code: restore.Code, message: sentence("", restore.Reason)}
	case errors.As(err, &refused):
		return &failure{status: http.StatusUnprocessableEntity, code: refused.Code, message: sentence("", refused.Reason)}
	case errors.Is(err, ErrUpdateBusy):
		return errUpdateBusy
	case errors.Is(err, ErrNotFound):
		return errNotFound
	case errors.Is(err, ErrConflict):
		return &failure{status: http.StatusConflict, code: "conflict", message: sentence("", conflict(err))}
	case errors.Is(err, ErrUnavailable):
		return &failure{status: http.StatusServiceUnavailable, code: "unavailable", message: "Not available at the moment; try again.", retryAfter: 5 * time.Second}
	case errors.Is(err, auth.ErrBusy):
		return errBusy
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{status: http.StatusServiceUnavailable, code: "timeout", message: "This took too long.", retryAfter: 5 * time.Second}
	case errors.Is(err, context.Canceled):
		// The client left, or its session ended; nobody reads this.
		return &failure{status: http.StatusServiceUnavailable, code: "canceled", message: "The request was broken off."}
	}
	for _, k := range accountErrors {
		if errors.Is(err, k.is) {
			return k.failure
		}
	}
	s.log.Error("request failed", "route", r.Pattern, "err", err)
	return errInternal
}

// conflict returns why err is one, without the word, however the two were put together.
func conflict(err error) string {
	word := ErrConflict.Error()
	text := strings.TrimSuffix(strings.TrimPrefix(err.Error(), word+"\n"), "\n"+word)
	return strings.TrimSuffix(text, ": "+word)
}

// sentence makes one of an error text: "name: must be short" becomes "name
// must be short."
func sentence(field, text string) string {
	msg := []rune(strings.TrimPrefix(text, field+": "))
	switch {
	case len(msg) == 0:
		return "This is not valid."
	case field != "" && unicode.IsLower(msg[0]):
		msg = []rune(field + " " + string(msg))
	default:
		msg[0] = unicode.ToUpper(msg[0])
	}
	return strings.TrimSuffix(string(msg), ".") + "."
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil { // a NaN or a channel in an answer: a mistake of ours
		status, data = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"The answer could not be written."}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may be gone; there is nobody to tell.
	_, _ = w.Write(append(data, '\n'))
}
