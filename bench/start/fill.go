package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"vedette/recorder/fmp4"
	"vedette/recorder/index"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

// filled is what fill made and found.
type filled struct {
	closed, dirs int // made
	open         int // left by the kill
	rowless      int // files whose row had not been committed yet
}

// tornTail is what the power cut takes off each open segment, in bytes: its
// last part is not whole any more.
const tornTail = 1000

// fill puts o.segments segments before what a killed product left in volumeDir,
// and an index that has a row for all of them but the last minute's.
func fill(ctx context.Context, o options, volumeDir string) (n filled, err error) {
	sample, err := tear(volumeDir, &n)
	if err != nil {
		return n, err
	}
	h, err := header(sample)
	if err != nil {
		return n, err
	}
	perCamera := (o.segments + o.cameras - 1) / o.cameras
	first := time.Now().Add(-time.Hour).Truncate(time.Minute).Add(-time.Duration(perCamera) * time.Minute)
	dirs := map[string]bool{}
	rows := func(yield func(index.Row, error) bool) {
		for i := range perCamera {
			at := first.Add(time.Duration(i) * time.Minute)
			for c := range o.cameras {
				r, err := segment(o, volumeDir, h, fmt.Sprintf("cam%d", c), at, uint32(i), dirs)
				if err == nil {
					err = context.Cause(ctx)
				}
				n.closed++
				if err == nil && i == perCamera-1 {
					n.rowless++
					continue
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
	// The rows that the killed product had committed are not in it; recovery
	// has to find those files too.
	path := filepath.Join(volumeDir, "segments.db")
	if err := index.Rebuild(path, rows, index.Options{}); err != nil {
		return n, err
	}
	n.dirs = len(dirs)
	return n, nil
}

// tear cuts the open segments that a kill left, as a power cut would, and
// returns the path of one.
func tear(volumeDir string, n *filled) (sample string, err error) {
	err = filepath.WalkDir(filepath.Join(volumeDir, volume.FootageDir), func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".part" {
			return err
		}
		info, err := e.Info()
		if err != nil || info.Size() < 2*tornTail {
			return err
		}
		sample = path
		n.open++
		return os.Truncate(path, info.Size()-tornTail)
	})
	if err == nil && sample == "" {
		err = errors.New("the killed product left no open segment")
	}
	return sample, err
}

func header(path string) (*fmp4.Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	h, _, err := fmp4.ReadHeader(f, info.Size())
	return h, err
}

// segment makes one file, and its row.
func segment(o options, volumeDir string, like *fmp4.Header, camera string, at time.Time, seq uint32, dirs map[string]bool) (r index.Row, err error) {
	h := *like
	h.Camera, h.Start, h.Seq, h.FirstDTS, h.Gap = camera, at.UnixMicro(), seq, int64(seq)*60*90000, 0
	head, err := fmp4.AppendInit(nil, &h)
	if err != nil {
		return r, err
	}
	r = index.Row{
		Start: at.UnixMilli(), Duration: uint32(time.Minute.Milliseconds()), Bytes: o.bytes, Seq: seq, Camera: camera,
		Codec: media.H264, Width: 1920, Height: 1080, Flags: index.Trusted | index.Audio,
	}
	name := r.File()
	dir := filepath.Join(volumeDir, filepath.FromSlash(name.Dir()))
	if !dirs[dir] {
		dirs[dir] = true
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return r, err
		}
	}
	f, err := os.Create(filepath.Join(volumeDir, filepath.FromSlash(name.Path())))
	if err != nil {
		return r, err
	}
	_, err = f.Write(head)
	if err == nil {
		err = unix.Fallocate(int(f.Fd()), 0, 0, o.bytes)
	}
	return r, errors.Join(err, f.Close())
}
