package live

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"vedette/recorder/media"
)

const (
	sdpType     = "application/sdp"
	sdpFragType = "application/trickle-ice-sdpfrag"
)

// Create returns the handler of WHEP's POST: an SDP offer in, 201 with the
// answer and the session's Location out. The route names the camera {id};
// ?stream=sub asks for the smaller stream.
func (s *Server) Create() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream := media.StreamName(r.URL.Query().Get("stream"))
		if stream != "" && stream != media.Main && stream != media.Sub {
			fail(w, http.StatusBadRequest, "bad_request", "stream is main or sub")
			return
		}
		offer, ok := body(w, r, sdpType)
		if !ok {
			return
		}
		x, answer, err := s.Offer(r.Context(), Request{Camera: r.PathValue("id"), Stream: stream, Owner: s.owner(r), SDP: offer})
		if err != nil {
			failWith(w, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", sdpType)
		h.Set("Location", strings.TrimSuffix(r.URL.EscapedPath(), "/")+"/"+url.PathEscape(x.ID()))
		h.Set("Accept-Patch", sdpFragType)
		h.Set("ETag", x.etag)
		h.Set("Cache-Control", "no-store")
		h.Set("Access-Control-Expose-Headers", "Location, Accept-Patch, ETag")
		w.WriteHeader(http.StatusCreated)
		// A viewer that went away is noticed by its silence.
		_, _ = io.WriteString(w, answer)
	})
}

// Trickle returns the handler of WHEP's PATCH: candidates in, 204 out. A
// change of ICE credentials (an ICE restart) is refused with 422: the viewer
// makes a new session, which shows a picture as fast.
func (s *Server) Trickle() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := s.addressed(w, r)
		if x == nil {
			return
		}
		text, ok := body(w, r, sdpFragType)
		if !ok {
			return
		}
		if tag := r.Header.Get("If-Match"); tag != "" && tag != "*" && tag != x.etag {
			fail(w, http.StatusPreconditionFailed, "precondition_failed", "the session has another ETag")
			return
		}
		f := parseFragment(text)
		if f.ufrag != "" && f.ufrag != x.ufrag {
			fail(w, http.StatusUnprocessableEntity, "ice_restart_unsupported", "ICE cannot be restarted; make a new session")
			return
		}
		for _, c := range f.candidates {
			if err := x.AddCandidate(c); err != nil {
				failWith(w, err)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// Delete returns the handler of WHEP's DELETE: the session has ended when it
// answers 200.
func (s *Server) Delete() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x := s.addressed(w, r); x != nil {
			x.Close()
			w.WriteHeader(http.StatusOK)
		}
	})
}

func (s *Server) owner(r *http.Request) string {
	if s.o.Owner == nil {
		return ""
	}
	return s.o.Owner(r)
}

// addressed returns the session that the request names, or answers 404.
func (s *Server) addressed(w http.ResponseWriter, r *http.Request) *Session {
	x := s.session(r.PathValue("session"))
	if x == nil || x.info.Camera != r.PathValue("id") || x.info.Owner != s.owner(r) {
		fail(w, http.StatusNotFound, "session_unknown", "there is no such session")
		return nil
	}
	return x
}

// body reads a request body of the wanted type, or answers why not.
func body(w http.ResponseWriter, r *http.Request, want string) (string, bool) {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != want {
		fail(w, http.StatusUnsupportedMediaType, "unsupported_media_type", "the body must be "+want)
		return "", false
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSDP))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		fail(w, http.StatusRequestEntityTooLarge, "too_large", "the body is larger than 64 KiB")
		return "", false
	case err != nil:
		fail(w, http.StatusBadRequest, "bad_request", "the body could not be read")
		return "", false
	}
	return string(b), true
}

func failWith(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		fail(w, http.StatusInternalServerError, "internal", "live view failed")
		return
	}
	status := http.StatusServiceUnavailable
	switch e.Code {
	case CameraUnknown:
		status = http.StatusNotFound
	case CodecUnsupported:
		status = http.StatusNotAcceptable
	case BadOffer:
		status = http.StatusBadRequest
	default:
		w.Header().Set("Retry-After", "5")
	}
	fail(w, status, string(e.Code), e.Message)
}

func fail(w http.ResponseWriter, status int, code, message string) {
	var answer struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	answer.Error.Code, answer.Error.Message = code, message
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Who went away needs no answer.
	_ = json.NewEncoder(w).Encode(answer)
}

// fragment is a parsed trickle-ice-sdpfrag (RFC 8840).
type fragment struct {
	ufrag      string
	candidates []Candidate
}

// parseFragment reads what it knows and passes over the rest.
func parseFragment(text string) fragment {
	var f fragment
	var mid *string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if v, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && f.ufrag == "" {
			f.ufrag = strings.TrimSpace(v)
		} else if v, ok := strings.CutPrefix(line, "a=mid:"); ok {
			v = strings.TrimSpace(v)
			mid = &v
		} else if v, ok := strings.CutPrefix(line, "a=candidate:"); ok {
			f.candidates = append(f.candidates, Candidate{Candidate: "candidate:" + strings.TrimSpace(v), SDPMid: mid})
		}
	}
	return f
}
