package main

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"sync"
	"time"

	"vedette/perception/proof"
	"vedette/web/api"
)

// signed implements api.Exports.
type signed struct {
	p *process
	r apiRecorder
}

// Export opens every clip before it sends a byte: what cannot be had is said while
// that can still be done.
func (s signed) Export(ctx context.Context, w io.Writer, x api.Export) (err error) {
	var clips []proof.Clip
	defer func() {
		for _, c := range clips { // those whose turn did not come
			from, cerr := c.Open()
			if cerr == nil {
				cerr = from.Close()
			}
			err = errors.Join(err, cerr)
		}
	}()
	for _, camera := range x.Cameras {
		c, err := s.clip(ctx, camera, x)
		if errors.Is(err, api.ErrNotFound) {
			continue // the others may have something
		}
		if err != nil {
			return err
		}
		clips = append(clips, c)
	}
	if len(clips) == 0 {
		return api.ErrNotFound
	}
	m := proof.Manifest{
		Made: s.p.clock.Now().UTC().Truncate(time.Millisecond), By: x.By, Incident: x.Incident, From: x.From, To: x.To,
		Box: proof.Box{ID: s.p.perception.BoxID(), Name: s.p.perception.BoxName(), Version: version},
	}
	res, err := s.p.signing.Write(w, m, clips)
	if err != nil {
		return err
	}
	return s.p.perception.Exported(x, m.Made, res.ManifestSHA256, res.Bytes)
}

// clip opens what there is of a camera. It is read once, or closed.
func (s signed) clip(ctx context.Context, camera string, x api.Export) (proof.Clip, error) {
	media, err := s.r.Clip(ctx, camera, x.From, x.To)
	if err != nil {
		return proof.Clip{}, err
	}
	f := proof.File{
		Name: camera + "_" + media.Start.UTC().Format("20060102T150405Z") + ".mp4", Camera: camera, CameraName: camera,
		From: media.Start, To: x.To,
	}
	if status, err := s.p.recorder.Camera(camera); err == nil { // one that was removed has its id
		f.CameraName = status.Name
	}
	for _, g := range media.Gaps {
		f.Gaps = append(f.Gaps, proof.Gap{Start: time.Time(g.Start), End: time.Time(g.End), Reason: g.Reason})
	}
	read := onceClosed{media.Content, sync.OnceValue(media.Closer.Close)}
	return proof.Clip{File: f, Open: func() (io.ReadCloser, error) { return read, nil }}, nil
}

// onceClosed may be closed as often as one likes.
type onceClosed struct {
	io.Reader
	end func() error
}

// Close implements io.Closer.
func (o onceClosed) Close() error { return o.end() }

func (s signed) SigningKey(context.Context) (api.SigningKey, error) {
	return api.SigningKey{ID: s.p.signing.ID(), Public: base64.StdEncoding.EncodeToString(s.p.signing.Public())}, nil
}
