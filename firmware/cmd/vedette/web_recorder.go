package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vedette/recorder"
	"vedette/web/api"
	"vedette/web/auth"
	"vedette/web/panel"
)

// apiRecorder shows the recorder to the API: same things, the API's words.
type apiRecorder struct {
	r       *recorder.Recorder
	exports *exports
}

// apiError maps the recorder's errors to the API's.
func apiError(err error) error {
	switch {
	case errors.Is(err, recorder.ErrNoCamera), errors.Is(err, recorder.ErrNoFootage), errors.Is(err, recorder.ErrNoVolume),
		errors.Is(err, recorder.ErrNoHold):
		return api.ErrNotFound
	case errors.Is(err, recorder.ErrCameraExists):
		return fmt.Errorf("a camera with this id exists already: %w", api.ErrConflict)
	case errors.Is(err, recorder.ErrHeld):
		return fmt.Errorf("the camera holds evidence; release it first: %w", api.ErrConflict)
	}
	return err
}

func cameraView(s recorder.CameraStatus) api.Camera {
	c := api.Camera{
		ID: s.ID, Name: s.Name, State: s.State, StateReason: s.Reason, StateSince: stamp(s.Since),
		Vendor: s.Vendor, Address: s.Address, MainURL: s.MainURL, SubURL: s.SubURL, Username: s.Username,
		HasPassword: s.HasPassword, Record: s.Record, Audio: s.Audio,
		Volume: s.Volume, Mirror: s.Mirror, Preroll: s.Preroll, Postroll: s.Postroll, RecordMode: s.RecordMode, Schedule: make([]api.Window, len(s.Schedule)), Priority: s.Priority,
		Now:      api.Recording{Active: s.RecordingNow.Active, Why: s.RecordingNow.Why, Until: stamp(s.RecordingNow.Until)},
		VolumeOn: s.On, MirrorOn: s.MirrorOn,
		LastWritten: stamp(s.LastWritten), BitrateBPS: s.BitsPerSecond, Drops: s.Drops,
	}
	for i, w := range s.Schedule {
		c.Schedule[i] = api.Window(w)
	}
	if s.Run == nil {
		return c
	}
	if v := s.Run.Video(); v >= 0 {
		t := s.Run.Tracks[v]
		c.Codec, c.Width, c.Height, c.FPS = t.Codec.String(), t.Width, t.Height, t.FrameRate
	}
	if a := s.Run.Audio(); a >= 0 {
		c.AudioCodec = s.Run.Tracks[a].Codec.String()
	}
	return c
}

// cameraInput is a change as the recorder takes it.
func cameraInput(in api.CameraInput) recorder.CameraInput {
	out := recorder.CameraInput{
		ID: in.ID, Name: in.Name, Vendor: in.Vendor, Address: in.Address, MainURL: in.MainURL, SubURL: in.SubURL, Username: in.Username,
		Password: in.Password, Record: in.Record, Audio: in.Audio, Volume: in.Volume, Mirror: in.Mirror, RecordMode: in.RecordMode,
		Preroll: in.Preroll, Postroll: in.Postroll, Priority: in.Priority,
	}
	if in.Schedule != nil {
		windows := make([]recorder.Window, len(*in.Schedule))
		for i, w := range *in.Schedule {
			windows[i] = recorder.Window(w)
		}
		out.Schedule = &windows
	}
	return out
}

// Trigger has a camera recorded because somebody asks for it.
func (a apiRecorder) Trigger(ctx context.Context, camera string, t api.Trigger) (time.Time, error) {
	why := "manual"
	if auth.From(ctx).Machine() {
		why = "event"
	}
	until, err := a.r.Trigger(camera, recorder.TriggerOptions{Why: why, For: t.For, Reason: t.Reason})
	return until, apiError(err)
}

func stamp(t time.Time) *api.Timestamp {
	if t.IsZero() {
		return nil
	}
	s := api.Timestamp(t)
	return &s
}

func (a apiRecorder) Cameras(context.Context) ([]api.Camera, error) {
	all := a.r.Cameras()
	out := make([]api.Camera, len(all))
	for i, s := range all {
		out[i] = cameraView(s)
	}
	return out, nil
}

func (a apiRecorder) Camera(_ context.Context, id string) (api.Camera, error) {
	return viewed(a.r.Camera(id))
}

func viewed(s recorder.CameraStatus, err error) (api.Camera, error) {
	if err != nil {
		return api.Camera{}, apiError(err)
	}
	return cameraView(s), nil
}

func (a apiRecorder) AddCamera(ctx context.Context, in api.CameraInput) (api.Camera, error) {
	return viewed(a.r.AddCamera(ctx, cameraInput(in)))
}

func (a apiRecorder) UpdateCamera(ctx context.Context, id string, in api.CameraInput) (api.Camera, error) {
	return viewed(a.r.UpdateCamera(ctx, id, cameraInput(in)))
}

func (a apiRecorder) RemoveCamera(ctx context.Context, id string) error {
	return apiError(a.r.RemoveCamera(ctx, id))
}

func (a apiRecorder) TestCamera(ctx context.Context, id string) (api.TestResult, error) {
	began := time.Now()
	p, err := a.r.TestCamera(ctx, id)
	out := api.TestResult{Millis: time.Since(began).Milliseconds()}
	if errors.Is(err, recorder.ErrNoCamera) {
		return out, api.ErrNotFound
	}
	if err != nil {
		out.Reason = err.Error()
		return out, nil
	}
	out.OK, out.Codec, out.Width, out.Height, out.FPS = true, p.Codec.String(), p.Width, p.Height, p.FPS
	if p.Audio != 0 {
		out.Audio = p.Audio.String()
	}
	return out, nil
}

func (a apiRecorder) AdoptVolume(_ context.Context, name, id string) error {
	return apiError(a.r.AdoptVolume(name, id))
}

// panelCameras shows the cameras to the panel.
type panelCameras struct{ r *recorder.Recorder }

func (p panelCameras) Snapshot() []panel.Camera {
	all := p.r.Cameras()
	out := make([]panel.Camera, len(all))
	for i, s := range all {
		out[i] = panel.Camera{ID: s.ID, Data: cameraView(s)}
	}
	return out
}

func (p panelCameras) Changes() <-chan struct{} { return p.r.Changed() }
