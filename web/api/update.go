package api

import (
	"context"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vedette/web/auth"
)

// maxBundle bounds an uploaded bundle, in bytes: two slots' worth.
const maxBundle = 512 << 20

// refusedTime is how long the rest of a body that is refused is waited for.
const refusedTime = 5 * time.Second

// updateBody is the body of POST …/update that is no bundle itself.
type updateBody struct {
	URL        string `json:"url"`
	AllowOlder bool   `json:"allow_older"`
	Restart    bool   `json:"restart"`
}

func (s *server) getAppliance(w http.ResponseWriter, r *http.Request) error {
	info, err := s.Options.Appliance.Appliance(r.Context())
	if err != nil {
		return err
	}
	if info.Setup != nil {
		shown := *info.Setup // what we were given may be shared
		shown.Errors = notNil(shown.Errors)
		info.Setup = &shown
	}
	writeJSON(w, http.StatusOK, info)
	return nil
}

// update takes a bundle, or where to find one.
func (s *server) update(w http.ResponseWriter, r *http.Request) error {
	body := &received{body: r.Body, w: w.(*writer)}
	// The server still reads a little of a body that is refused, before it answers.
	_ = body.w.rc.SetReadDeadline(time.Now().Add(refusedTime))
	take := s.fetchUpdate
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && ct == "application/octet-stream" {
		take = func(w http.ResponseWriter, r *http.Request) error { return s.receiveUpdate(r, body) }
	}
	if err := take(w, r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *server) fetchUpdate(w http.ResponseWriter, r *http.Request) error {
	var in updateBody
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("url", in.URL); err != nil {
		return err
	}
	u, err := url.Parse(in.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(in.URL) > 2048 {
		return badField("url", "The field url must be an address that begins with http:// or https://.")
	}
	if u.User != nil { // it would be shown, and logged
		return badField("url", "The field url must not hold a user name or a password.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), quick.timeout())
	defer cancel()
	return s.Options.Appliance.FetchUpdate(ctx, in.URL, UpdateOptions{in.AllowOlder, in.Restart, auth.From(r.Context()).Name})
}

func (s *server) receiveUpdate(r *http.Request, body *received) error {
	older, err := queryBool(r, "allow_older")
	if err != nil {
		return err
	}
	restart, err := queryBool(r, "restart")
	switch {
	case err != nil:
		return err
	case r.ContentLength < 0:
		return &failure{status: http.StatusLengthRequired, code: "length_required", message: "The length of the bundle must be said before it is sent."}
	case r.ContentLength == 0:
		return &failure{status: http.StatusBadRequest, code: "bad_body", message: "The bundle is empty."}
	case r.ContentLength > maxBundle:
		return &failure{status: http.StatusRequestEntityTooLarge, code: "too_large", message: "A bundle must not be longer than 512 MiB."}
	}
	err = s.Options.Appliance.ReceiveUpdate(r.Context(), body, r.ContentLength, UpdateOptions{older, restart, auth.From(r.Context()).Name})
	if err != nil && body.err != nil { // whatever was made of half a bundle
		return &failure{status: http.StatusBadRequest, code: "bad_body", message: "The bundle did not come to its end."}
	}
	return err
}

const (
	defaultLines = 200
	maxLines     = 20000
)

var levels = map[string]slog.Level{"": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// readLog answers with lines of the log as they are.
func (s *server) readLog(w http.ResponseWriter, r *http.Request) error {
	if s.Journal == nil {
		return errNotSupported
	}
	n, err := queryInt(r, "lines", defaultLines, 1, maxLines)
	if err != nil {
		return err
	}
	least, ok := levels[r.URL.Query().Get("level")]
	if !ok {
		return badField("level", "The level must be debug, info, warn or error.")
	}
	previous, err := queryBool(r, "previous")
	if err != nil {
		return err
	}
	var lines []string
	if previous {
		lines, err = s.Journal.Previous(n, least)
	} else {
		lines = s.Journal.Lines(n, least)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, line := range lines {
		if _, err := w.Write([]byte(strings.ToValidUTF8(line, "\uFFFD") + "\n")); err != nil {
			return nil // the client is gone
		}
	}
	return nil
}
