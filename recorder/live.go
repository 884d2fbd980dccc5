package recorder

import (
	"context"
	"fmt"

	"vedette/recorder/hub"
	"vedette/recorder/media"
)

// HasStream reports whether the camera exists and has the stream.
func (r *Recorder) HasStream(id string, stream media.StreamName) bool {
	c, err := r.get(id)
	if err != nil {
		return false
	}
	cfg := c.config()
	main, sub := cfg.URLs()
	return stream == media.Main && main != "" || stream == media.Sub && sub != ""
}

// LiveRun returns the run under way on a stream, waiting for one until ctx is
// done.
func (r *Recorder) LiveRun(ctx context.Context, id string, stream media.StreamName) (*media.Run, error) {
	h, err := r.hub(id, stream)
	if err != nil {
		return nil, err
	}
	return h.WaitRun(ctx)
}

// LiveReader is a bounded view of a stream as it comes.
type LiveReader struct{ reader *hub.Reader }

// Next waits for one unit; nil without an error is the end of a run. gap says
// that units are missing before it.
func (l LiveReader) Next(ctx context.Context) (u *media.AccessUnit, gap bool, err error) {
	it, err := l.reader.Next(ctx)
	return it.Unit, it.Gap, err
}

// Close releases the reader.
func (l LiveReader) Close() { l.reader.Close() }

// Subscribe adds a reader that begins with the units since the last key frame
// and skips to the newest one when it is too slow.
func (r *Recorder) Subscribe(id string, stream media.StreamName) (LiveReader, error) {
	h, err := r.hub(id, stream)
	if err != nil {
		return LiveReader{}, err
	}
	return LiveReader{h.Subscribe(hub.ReaderOptions{Overflow: hub.SkipToNewest, Primed: true})}, nil
}

func (r *Recorder) hub(id string, stream media.StreamName) (*hub.Hub, error) {
	c, err := r.get(id)
	if err != nil {
		return nil, err
	}
	h, found := c.hubs[stream]
	if !found {
		return nil, fmt.Errorf("camera %s has no stream %q: %w", id, stream, ErrNoCamera)
	}
	return h, nil
}
