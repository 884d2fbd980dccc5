package recorder

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// holds remembers holds that reach into segments which are still open: they
// take effect when those close, and are kept in the state database until
// then, so that neither a stop nor a power cut loses the footage of the moment
// that mattered. The zero value is ready.
type holds struct {
	mu      sync.Mutex
	pending []interval
	changed bool        // pending differs from what the state database has
	due     []index.Row // closed since, to be held
}

// interval is a stretch of one camera's time, UTC ms.
type interval struct {
	Camera   string
	From, To int64
}

// wait adds holds that segments not yet closed may fall into.
func (h *holds) wait(v ...interval) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending = append(h.pending, v...)
	h.changed = true
}

// unsaved returns what the state database should have, and whether it is to be
// written.
func (h *holds) unsaved() ([]interval, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := h.changed
	h.changed = false
	return slices.Clone(h.pending), changed
}

// again puts rows back that could not be held, to be tried again.
func (h *holds) again(rows ...index.Row) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.due = append(h.due, rows...)
}

// closed looks whether a hold waits for the segment of r.
func (h *holds) closed(r index.Row) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.pending[:0]
	for _, v := range h.pending {
		if v.Camera == r.Camera && r.Start < v.To && r.End() > v.From {
			h.due = append(h.due, r)
		}
		if v.Camera != r.Camera || r.Start < v.To { // later segments of the camera lie behind it
			kept = append(kept, v)
		}
	}
	h.changed = h.changed || len(kept) != len(h.pending)
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
	var open []interval
	for _, c := range r.all() {
		open = append(open, interval{c.config().ID, from.UnixMilli(), to.UnixMilli()})
	}
	r.holds.wait(open...)
	rows, err := r.holdRange(interval{"", from.UnixMilli(), to.UnixMilli()})
	err = errors.Join(r.saveHolds(), err)
	payload := map[string]any{"from": from.UTC(), "to": to.UTC(), "segments": len(rows)}
	if err != nil {
		payload["error"] = err.Error()
		r.emit("evidence_hold_failed", Critical, "", payload)
	} else {
		r.emit("evidence_hold", Info, "", payload)
	}
	r.changes.notify()
	return len(rows), err
}

// saveHolds writes the holds that still wait into the state database, if they
// changed.
func (r *Recorder) saveHolds() error {
	pending, changed := r.holds.unsaved()
	if !changed {
		return nil
	}
	if err := r.store.saveHolds(pending); err != nil {
		r.holds.wait() // nothing new, but still to be written
		return err
	}
	return nil
}

// resumeHolds takes up the holds that the last run did not finish: what was
// open then has been closed or salvaged since.
func (r *Recorder) resumeHolds() error {
	pending, err := r.store.holds()
	if err != nil {
		return err
	}
	for _, v := range pending {
		if _, err := r.holdRange(v); err != nil {
			return fmt.Errorf("take up the hold of %s: %w", v.Camera, err)
		}
	}
	return r.store.saveHolds(nil)
}

// holdDue holds the segments that closed into a hold. What fails is tried
// again, and told of once.
func (r *Recorder) holdDue() {
	for _, row := range r.holds.take() {
		_, err := r.holdRange(interval{row.Camera, row.Start, row.End()})
		if err != nil {
			r.holds.again(row)
			if !r.holdFailed {
				r.emit("evidence_hold_failed", Critical, row.Camera, map[string]any{"error": err.Error(), "start": time.UnixMilli(row.Start).UTC()})
			}
		}
		r.holdFailed = err != nil
	}
	if err := r.saveHolds(); err != nil {
		r.o.Log.Error("holds not saved", "err", err)
	}
}

// holdRange holds the closed segments that v touches, of every camera if it
// names none, and gives them their second names: first the row, then the link.
// It returns the rows that were not held before.
func (r *Recorder) holdRange(v interval) ([]index.Row, error) {
	rows, err := r.index.Hold(v.Camera, v.From, v.To)
	if err != nil {
		return nil, err
	}
	names := make([]volume.Name, len(rows))
	for i, row := range rows {
		names[i] = row.File()
	}
	return rows, volume.LinkEvidence(r.volume.FS(), names)
}
