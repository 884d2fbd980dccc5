package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"vedette/recorder"
	"vedette/recorder/media"
	"vedette/web/auth"
	"vedette/web/live"
	"vedette/web/panel"
)

// liveSource lets live view read the recorder's streams.
type liveSource struct{ r *recorder.Recorder }

func (s liveSource) HasStream(camera string, stream media.StreamName) bool {
	return s.r.HasStream(camera, stream)
}

func (s liveSource) Run(ctx context.Context, camera string, stream media.StreamName) (*media.Run, error) {
	return s.r.LiveRun(ctx, camera, stream)
}

func (s liveSource) Subscribe(camera string, stream media.StreamName) (live.Reader, error) {
	return s.r.Subscribe(camera, stream)
}

// whep routes the three methods of WHEP to their handlers.
func whep(s *live.Server) http.Handler {
	create, trickle, remove := s.Create(), s.Trickle(), s.Delete()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			create.ServeHTTP(w, r)
		case http.MethodPatch:
			trickle.ServeHTTP(w, r)
		default:
			remove.ServeHTTP(w, r)
		}
	})
}

// whepOwner names the session or key of whoever asks, so that one viewer cannot
// change another's.
func whepOwner(r *http.Request) string {
	if p := auth.From(r.Context()); p != nil {
		return p.Via()
	}
	return ""
}

// signaller answers the offers that come over the panel's websocket.
type signaller struct{ s *live.Server }

func (g signaller) Offer(ctx context.Context, o panel.Offer) (panel.Session, error) {
	x, answer, err := g.s.Offer(ctx, live.Request{Camera: o.Camera, Stream: media.StreamName(o.Stream), Owner: o.Owner, SDP: o.SDP})
	if err != nil {
		if e, ok := errors.AsType[*live.Error](err); ok {
			return nil, &panel.Error{Code: string(e.Code), Message: e.Message}
		}
		return nil, err
	}
	return liveSession{x, answer}, nil
}

// liveSession is a live view that the panel's socket owns.
type liveSession struct {
	x      *live.Session
	answer string
}

func (s liveSession) Answer() (sdp, stream string) { return s.answer, string(s.x.Info().Stream) }

func (s liveSession) Candidate(raw json.RawMessage) error {
	var c live.Candidate
	if json.Unmarshal(raw, &c.Candidate) != nil { // an object, not a bare string
		if err := json.Unmarshal(raw, &c); err != nil {
			return fmt.Errorf("candidate: %w", err)
		}
	}
	return s.x.AddCandidate(c)
}

func (s liveSession) Done() <-chan struct{} { return s.x.Done() }
func (s liveSession) Close()                { s.x.Close() }
