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
	changed bool     // pending differs from what the state database has
	due     []dueRow // closed since, to be held
}

// dueRow is a row to be held on the volume that has it.
type dueRow struct {
	on    *present
	row   index.Row
	tries int
}

// interval is a stretch of time, UTC ms, to be held: of one camera, or of all
// if it names none. With a volume it waits for that one to be there, else for
// open segments to close.
type interval struct {
	Camera   string
	From, To int64
	Volume   string `json:",omitempty"` // name of the bay
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
func (h *holds) again(rows ...dueRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.due = append(h.due, rows...)
}

// left is called when the volume of a bay goes: what waits for open segments
// waits for that volume too from now on, because some of them may lie there.
func (h *holds) left(bay string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.pending {
		if v.Volume == "" {
			v.Volume = bay
			h.pending, h.changed = append(h.pending, v), true
		}
	}
}

// closed looks whether a hold waits for the segment of r, which p has.
func (h *holds) closed(p *present, r index.Row) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.pending[:0]
	for _, v := range h.pending {
		mine := v.Volume == "" && v.Camera == r.Camera
		if mine && r.Start < v.To && r.End() > v.From {
			h.due = append(h.due, dueRow{on: p, row: r})
		}
		if !mine || r.Start < v.To { // later segments of the camera lie behind it
			kept = append(kept, v)
		}
	}
	h.changed = h.changed || len(kept) != len(h.pending)
	h.pending = kept
}

// take returns the segments that are to be held now.
func (h *holds) take() []dueRow {
	h.mu.Lock()
	defer h.mu.Unlock()
	due := h.due
	h.due = nil
	return due
}

// Hold locks the footage of every camera between from and to as evidence,
// whole segments each, and returns how many are locked at once; segments that
// are still being written follow when they close, those on a volume that is
// not there when it comes back. Held footage is never deleted, and has a second
// name below evidence/ so that it survives the loss of the index. Held twice is
// held.
func (r *Recorder) Hold(from, to time.Time) (int, error) {
	_, n, err := r.PlaceHold(Evidence{From: from, To: to, Reason: "button", By: "the box"})
	return n, err
}

// hold locks the footage that e asks for. evidenceMu is held.
func (r *Recorder) hold(e Evidence) (int, error) {
	from, to := e.From.UnixMilli(), e.To.UnixMilli()
	var waiting []interval
	for _, name := range append([]string{""}, r.bays.unordered()...) {
		for _, id := range e.Cameras {
			waiting = append(waiting, interval{id, from, to, name})
		}
	}
	r.holds.wait(waiting...)
	held := 0
	errs := []error{r.saveHolds()} // first: a power cut from here on forgets nothing
	for _, p := range r.bays.present() {
		for _, id := range e.Cameras {
			rows, _, err := p.holdRange(interval{Camera: id, From: from, To: to})
			held += len(rows)
			if err != nil && p.departed() { // it goes this moment: it has to wait for its return
				r.holds.wait(interval{id, from, to, p.bay.o.Name})
				continue
			}
			errs = append(errs, err)
		}
	}
	err := errors.Join(append(errs, r.saveHolds())...)
	payload := map[string]any{"hold": e.ID, "from": e.From, "to": e.To, "segments": held, "by": e.By}
	if e.Reason != "" {
		payload["why"] = e.Reason
	}
	if err != nil {
		payload["error"] = err.Error()
		r.emit("evidence_hold_failed", Critical, "", payload)
	} else {
		r.emit("evidence_hold", Info, "", payload)
	}
	r.changes.notify()
	return held, err
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

// loadHolds takes up the holds that the last run did not finish. What was open
// then may lie on any volume, and counts once that is in order.
func (r *Recorder) loadHolds() error {
	pending, err := r.store.holds()
	if err != nil {
		return err
	}
	var all []interval
	for _, v := range pending {
		if v.Volume != "" {
			all = append(all, v)
			continue
		}
		for _, b := range r.bays.all {
			v.Volume = b.o.Name
			all = append(all, v)
		}
	}
	r.holds.wait(all...)
	return nil
}

// resume holds what waited for the volume, as far as the index knows it: before
// anything is deleted, and again, for good, when the volume is in order.
func (p *present) resume(inOrder bool) error {
	r := p.bay.r
	for _, v := range r.holds.of(p.bay.o.Name) {
		if _, _, err := p.holdRange(v); err != nil {
			return fmt.Errorf("take up a hold of %s: %w", v.Camera, err)
		}
		if inOrder {
			r.holds.done(v)
		}
	}
	return r.saveHolds()
}

// of returns the holds that wait for the volume of a bay.
func (h *holds) of(bay string) (out []interval) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.pending {
		if v.Volume == bay {
			out = append(out, v)
		}
	}
	return out
}

// drop forgets what gone answers true for.
func (h *holds) drop(gone func(interval) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.pending)
	h.pending = slices.DeleteFunc(h.pending, gone)
	h.changed = h.changed || len(h.pending) != before
}

// done takes a hold off the list, once.
func (h *holds) done(v interval) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.pending, v); i >= 0 {
		h.pending, h.changed = slices.Delete(h.pending, i, i+1), true
	}
}

// holdDue holds the segments that closed into a hold. What fails is tried
// again, and told of once; what lies on a volume that went waits for it.
func (r *Recorder) holdDue() {
	r.holding.Lock()
	defer r.holding.Unlock()
	for _, d := range r.holds.take() {
		v := interval{Camera: d.row.Camera, From: d.row.Start, To: d.row.End()}
		_, held, err := d.on.holdRange(v)
		if err == nil && !slices.Contains(held, d.row.File()) {
			err = errNotIndexed
		}
		switch {
		case err != nil && d.on.departed():
			v.Volume = d.on.bay.o.Name
			r.holds.wait(v)
		case err != nil && (d.tries < maxHoldTries || !errors.Is(err, errNotIndexed)):
			d.tries++
			r.holds.again(d)
		}
		if err != nil && !r.holdFailed && d.tries > 1 {
			r.emit("evidence_hold_failed", Critical, d.row.Camera, map[string]any{"error": err.Error(), "start": time.UnixMilli(d.row.Start).UTC()})
		}
		r.holdFailed = err != nil && d.tries > 1
	}
	if err := r.saveHolds(); err != nil {
		r.o.Log.Error("holds not saved", "err", err)
	}
}

// errNotIndexed is why a segment that closed cannot be held yet: its row comes
// a moment after it is told, or never if the index refused it.
var errNotIndexed = errors.New("the segment is not in the index")

// maxHoldTries is how often a row is waited for, a second apart.
const maxHoldTries = 60

// holdRange holds the closed segments on p that v touches, of every camera if
// it names none, and gives them their second names: first the row, then the
// link. It returns the rows that were not held before, and all files that are
// held now.
func (p *present) holdRange(v interval) (rows []index.Row, held []volume.Name, err error) {
	p.naming.Lock()
	defer p.naming.Unlock()
	if rows, err = p.index.Hold(v.Camera, v.From, v.To); err != nil {
		return nil, nil, err
	}
	// Those held before are linked too: it may have failed then.
	err = p.index.Range(v.Camera, v.From, v.To, func(row index.Row, locked bool) bool {
		if locked {
			held = append(held, row.File())
		}
		return true
	})
	return rows, held, errors.Join(err, volume.LinkEvidence(p.volume.FS(), held))
}
