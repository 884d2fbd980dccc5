package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"vedette/web/auth"
)

// scoper is the way to the recorder: through who asks.
type scoper struct{ all Recorder }

// of returns the recorder as the sender of r may see it.
func (s scoper) of(r *http.Request) scoped { return scoped{s.all, auth.From(r.Context())} }

// scoped is the recorder as one caller sees it: it has no other cameras than
// theirs. What it refuses is refused before anybody looks whether it exists,
// so that no answer tells. It is the only Recorder that handlers have, and no
// method is left out: one that was would be reached unchecked.
type scoped struct {
	all Recorder
	who *auth.Principal
}

var _ Recorder = scoped{}

func (s scoped) camera(id string) error {
	if !s.who.Sees(id) {
		return errForbidden
	}
	return nil
}

// whole refuses those who see some cameras alone what concerns all of them.
func (s scoped) whole() error {
	if s.who == nil || s.who.Cameras != nil {
		return errForbidden
	}
	return nil
}

// of asks a question about one camera.
func of[T any](s scoped, id string, ask func() (T, error)) (answer T, err error) {
	if err := s.camera(id); err != nil {
		return answer, err
	}
	return ask()
}

func (s scoped) Cameras(ctx context.Context) ([]Camera, error) {
	all, err := s.all.Cameras(ctx)
	return slices.DeleteFunc(slices.Clone(all), func(c Camera) bool { return !s.who.Sees(c.ID) }), err
}

func (s scoped) Camera(ctx context.Context, id string) (Camera, error) {
	return of(s, id, func() (Camera, error) { return s.all.Camera(ctx, id) })
}

// AddCamera is for those who see all cameras: others could not see what they
// added.
func (s scoped) AddCamera(ctx context.Context, in CameraInput) (Camera, error) {
	if err := s.whole(); err != nil {
		return Camera{}, err
	}
	return s.all.AddCamera(ctx, in)
}

func (s scoped) UpdateCamera(ctx context.Context, id string, in CameraInput) (Camera, error) {
	return of(s, id, func() (Camera, error) { return s.all.UpdateCamera(ctx, id, in) })
}

func (s scoped) RemoveCamera(ctx context.Context, id string) error {
	if err := s.camera(id); err != nil {
		return err
	}
	return s.all.RemoveCamera(ctx, id)
}

func (s scoped) TestCamera(ctx context.Context, id string) (TestResult, error) {
	return of(s, id, func() (TestResult, error) { return s.all.TestCamera(ctx, id) })
}

func (s scoped) AdoptVolume(ctx context.Context, name, id string) error {
	if err := s.whole(); err != nil {
		return err
	}
	return s.all.AdoptVolume(ctx, name, id)
}

func (s scoped) Retention(ctx context.Context) (Retention, map[string]RetentionInForce, error) {
	if err := s.whole(); err != nil {
		return Retention{}, nil, err
	}
	return s.all.Retention(ctx)
}

func (s scoped) SetRetention(ctx context.Context, set Retention, by string) error {
	if err := s.whole(); err != nil {
		return err
	}
	return s.all.SetRetention(ctx, set, by)
}

func (s scoped) PreviewRetention(ctx context.Context, set Retention) ([]RetentionPlan, error) {
	if err := s.whole(); err != nil {
		return nil, err
	}
	return s.all.PreviewRetention(ctx, set)
}

// PlaceHold holds the caller's cameras where all are meant.
func (s scoped) PlaceHold(ctx context.Context, h Hold) (Hold, int, error) {
	for _, id := range h.Cameras {
		if err := s.camera(id); err != nil {
			return Hold{}, 0, err
		}
	}
	if len(h.Cameras) == 0 && s.who.Cameras != nil {
		if h.Cameras = slices.Clone(s.who.Cameras); len(h.Cameras) == 0 {
			return Hold{}, 0, errForbidden
		}
	}
	return s.all.PlaceHold(ctx, h)
}

// Holds returns those whose cameras the caller sees all of.
func (s scoped) Holds(ctx context.Context) ([]Hold, error) {
	all, err := s.all.Holds(ctx)
	return slices.DeleteFunc(slices.Clone(all), func(h Hold) bool { return !s.sees(h) }), err
}

func (s scoped) sees(h Hold) bool {
	if len(h.Cameras) == 0 { // of all cameras
		return s.whole() == nil
	}
	return !slices.ContainsFunc(h.Cameras, func(id string) bool { return !s.who.Sees(id) })
}

// ReleaseHold says of another's hold what it says of one that is not there.
func (s scoped) ReleaseHold(ctx context.Context, id, by string) error {
	mine, err := s.Holds(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(mine, func(h Hold) bool { return h.ID == id }) {
		return ErrNotFound
	}
	return s.all.ReleaseHold(ctx, id, by)
}

func (s scoped) Segments(ctx context.Context, id string, from, to time.Time, limit int) ([]Segment, error) {
	return of(s, id, func() ([]Segment, error) { return s.all.Segments(ctx, id, from, to, limit) })
}

func (s scoped) Timeline(ctx context.Context, id string, from, to time.Time) (Timeline, error) {
	return of(s, id, func() (Timeline, error) { return s.all.Timeline(ctx, id, from, to) })
}

func (s scoped) GOPs(ctx context.Context, id string, from, to time.Time) (GOPIndex, error) {
	return of(s, id, func() (GOPIndex, error) { return s.all.GOPs(ctx, id, from, to) })
}

func (s scoped) HLS(ctx context.Context, id string, from, to time.Time) ([]byte, error) {
	return of(s, id, func() ([]byte, error) { return s.all.HLS(ctx, id, from, to) })
}

func (s scoped) Clip(ctx context.Context, id string, from, to time.Time) (*Media, error) {
	return of(s, id, func() (*Media, error) { return s.all.Clip(ctx, id, from, to) })
}

func (s scoped) SegmentMedia(ctx context.Context, id, segment string) (*Media, error) {
	return of(s, id, func() (*Media, error) { return s.all.SegmentMedia(ctx, id, segment) })
}

func (s scoped) Snapshot(ctx context.Context, id string, at time.Time) (*Media, error) {
	return of(s, id, func() (*Media, error) { return s.all.Snapshot(ctx, id, at) })
}
