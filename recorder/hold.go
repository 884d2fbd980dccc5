package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// holds remembers holds that reach into segments which are still open: they
// take effect when those close. The zero value is ready.
type holds struct {
	mu      sync.Mutex
	pending []interval
	due     []index.Row // closed since, to be held
}

// interval is a stretch of one camera's time, UTC ms.
type interval struct {
	camera   string
	from, to int64
}

// wait adds a hold that segments not yet closed may fall into.
func (h *holds) wait(v interval) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending = append(h.pending, v)
}

// closed looks whether a hold waits for the segment of r.
func (h *holds) closed(r index.Row) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.pending[:0]
	for _, v := range h.pending {
		if v.camera == r.Camera && r.Start < v.to && r.End() > v.from {
			h.due = append(h.due, r)
		}
		if v.camera != r.Camera || r.Start < v.to { // later segments of the camera lie behind it
			kept = append(kept, v)
		}
	}
	h.pending = kept
}

// take returns the segments that are to be held now.
func (h *holds) take() []index.Row {
	h.mu.Lock()
	defer h.mu.Unlock()
	due := h.due
	h.due = nil
	return due
}

// Hold locks the footage of every camera between from and to as evidence,
// whole segments each, and returns how many are locked at once; segments that
// are still being written follow when they close. Held footage is never
// deleted, and has a second name below evidence/ so that it survives the loss
// of the index. Held twice is held.
func (r *Recorder) Hold(from, to time.Time) (int, error) {
	n := 0
	var errs []error
	for _, c := range r.all() {
		v := interval{c.config().ID, from.UnixMilli(), to.UnixMilli()}
		r.holds.wait(v)
		rows, err := r.index.Hold(v.camera, v.from, v.to)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		n += len(rows)
		errs = append(errs, r.linkEvidence(rows))
	}
	err := errors.Join(errs...)
	payload := map[string]any{"from": from.UTC(), "to": to.UTC(), "segments": n}
	if err != nil {
		payload["error"] = err.Error()
		r.emit("evidence_hold_failed", Critical, "", payload)
	} else {
		r.emit("evidence_hold", Info, "", payload)
	}
	r.changes.notify()
	return n, err
}

// holdDue holds the segments that closed into a hold.
func (r *Recorder) holdDue() {
	for _, row := range r.holds.take() {
		rows, err := r.index.Hold(row.Camera, row.Start, row.End())
		if err == nil {
			err = r.linkEvidence(rows)
		}
		if err != nil {
			r.emit("evidence_hold_failed", Critical, row.Camera, map[string]any{"error": err.Error(), "start": time.UnixMilli(row.Start).UTC()})
		}
	}
}

// linkEvidence gives every segment its second name: link, then directory.
func (r *Recorder) linkEvidence(rows []index.Row) error {
	fsys := r.volume.FS()
	touched := map[string]bool{}
	for _, row := range rows {
		name := nameOf(row)
		dir := volume.EvidenceDir + "/" + row.Camera
		if !touched[dir] {
			if err := fsys.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("hold evidence: %w", err)
			}
			touched[dir], touched[volume.EvidenceDir] = true, true
		}
		if err := fsys.Link(name.Path(), dir+"/"+path.Base(name.Path())); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("hold evidence: %w", err)
		}
	}
	for dir := range touched {
		if err := fsys.SyncDir(dir); err != nil {
			return fmt.Errorf("hold evidence: %w", err)
		}
	}
	return nil
}

// nameOf returns the name of a row's file.
func nameOf(r index.Row) volume.Name {
	return volume.Name{Camera: r.Camera, Start: r.Start, Duration: int64(r.Duration), Bytes: r.Bytes, Seq: r.Seq}
}
