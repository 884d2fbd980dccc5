package recorder

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// Evidence is footage that somebody wants kept: nothing deletes it until the
// hold is released.
type Evidence struct {
	ID       string
	From, To time.Time // UTC, milliseconds
	Cameras  []string  // sorted; all that had footage or were there, if nobody named any
	Reason   string    // what for; may be empty
	Incident string    // what it belongs to elsewhere; may be empty
	By       string    // who asked for it
	Created  time.Time
	Until    time.Time // released by itself then; zero: when somebody does it
}

// ErrNoHold is returned for an id that no hold has.
var ErrNoHold = errors.New("no such hold")

// evidenceBook is what the state database keeps of holds: the holds, and what
// is still to be released on which volume.
type evidenceBook struct {
	Holds    []Evidence
	Releases []interval
}

// maxHolds bounds the holds of a box.
const maxHolds = 10_000

// PlaceHold locks the footage that e asks for as Hold does, and remembers who
// wanted it and why. ID, By of a machine and Created are given here. It returns
// the hold with the number of segments that are locked at once, or a
// *FieldError. With another error the hold is placed all the same, and what
// failed is tried again.
func (r *Recorder) PlaceHold(e Evidence) (Evidence, int, error) {
	if err := r.checkHold(&e); err != nil {
		return Evidence{}, 0, err
	}
	r.evidenceMu.Lock()
	defer r.evidenceMu.Unlock()
	if len(r.evidence.Holds) >= maxHolds {
		return Evidence{}, 0, field("from", "there are %d holds already: release some first", maxHolds)
	}
	var id [6]byte
	_, _ = rand.Read(id[:]) // it never fails
	e.ID, e.Created = hex.EncodeToString(id[:]), r.o.Clock.Now().UTC().Truncate(time.Millisecond)
	book := evidenceBook{append(slices.Clone(r.evidence.Holds), e), r.evidence.Releases}
	if err := r.saveEvidence(book); err != nil {
		return Evidence{}, 0, err
	}
	n, err := r.hold(e)
	return e, n, err
}

// ExtendHold makes a hold longer: it begins at from and ends at to, where these lie
// outside of what it covers, and lasts until then if that is later; a zero until
// changes nothing, and neither does one for a hold without an end. It returns
// ErrNoHold, or a *FieldError. Another error means that it is extended all the same,
// and what failed is tried again.
func (r *Recorder) ExtendHold(id string, from, to, until time.Time) error {
	r.evidenceMu.Lock()
	defer r.evidenceMu.Unlock()
	i := slices.IndexFunc(r.evidence.Holds, func(e Evidence) bool { return e.ID == id })
	if i < 0 {
		return fmt.Errorf("%q: %w", id, ErrNoHold)
	}
	e := r.evidence.Holds[i]
	if from.Before(e.From) {
		e.From = from
	}
	if to.After(e.To) {
		e.To = to
	}
	if !e.Until.IsZero() && until.After(e.Until) {
		e.Until = until
	}
	if err := r.checkHold(&e); err != nil {
		return err
	}
	book := evidenceBook{slices.Clone(r.evidence.Holds), r.evidence.Releases}
	book.Holds[i] = e
	if err := r.saveEvidence(book); err != nil {
		return err
	}
	_, err := r.hold(e)
	return err
}

func (r *Recorder) checkHold(e *Evidence) error {
	e.From, e.To, e.Until = e.From.UTC().Truncate(time.Millisecond), e.To.UTC().Truncate(time.Millisecond), e.Until.UTC().Truncate(time.Millisecond)
	switch {
	case !e.From.Before(e.To):
		return field("to", "must be after from")
	case e.From.UnixMilli() < 0 || e.To.Year() > 9998:
		return field("from", "must be a time since 1970")
	case !e.Until.IsZero() && e.Until.Before(r.o.Clock.Now()):
		return field("until", "must be in the future")
	case len(e.Reason) > 500:
		return field("reason", "must not be longer than 500 bytes")
	case len(e.Incident) > 100:
		return field("incident", "must not be longer than 100 bytes")
	}
	totals := r.totals()
	if len(e.Cameras) == 0 {
		for _, c := range r.all() {
			e.Cameras = append(e.Cameras, c.config().ID)
		}
		for id := range totals { // of cameras that were removed
			e.Cameras = append(e.Cameras, id)
		}
	}
	if len(e.Cameras) == 0 {
		return field("cameras", "there is no camera, and no footage of one")
	}
	slices.Sort(e.Cameras)
	e.Cameras = slices.Compact(e.Cameras)
	for _, id := range e.Cameras {
		if !r.heardOf(id, totals) {
			return field("cameras", "there is no camera %q, and no footage of one", id)
		}
	}
	return nil
}

// saveEvidence makes book last and puts it in force. evidenceMu is held.
func (r *Recorder) saveEvidence(book evidenceBook) error {
	if err := r.store.saveEvidence(book); err != nil {
		return err
	}
	r.evidence = book
	return nil
}

// Holds returns the holds, in the order in which they were placed.
func (r *Recorder) Holds() []Evidence {
	r.evidenceMu.Lock()
	defer r.evidenceMu.Unlock()
	return slices.Clone(r.evidence.Holds)
}

// ReleaseHold ends a hold: what no other one covers is ordinary footage again,
// at once on the volumes that are there, on others when they return. It returns
// ErrNoHold. An error later on means that the rest is released later.
func (r *Recorder) ReleaseHold(id, by string) error {
	r.evidenceMu.Lock()
	defer r.evidenceMu.Unlock()
	i := slices.IndexFunc(r.evidence.Holds, func(e Evidence) bool { return e.ID == id })
	if i < 0 {
		return fmt.Errorf("%q: %w", id, ErrNoHold)
	}
	e := r.evidence.Holds[i]
	book := evidenceBook{slices.Delete(slices.Clone(r.evidence.Holds), i, i+1), slices.Clone(r.evidence.Releases)}
	for _, b := range r.bays.all {
		for _, camera := range e.Cameras {
			book.Releases = append(book.Releases, interval{camera, e.From.UnixMilli(), e.To.UnixMilli(), b.o.Name})
		}
	}
	// That it is to be released lasts before anything is: a power cut from here on
	// is finished by the next start.
	if err := r.saveEvidence(book); err != nil {
		return err
	}
	r.holds.drop(func(v interval) bool { return r.waitsFor(e, v) })
	errs := []error{r.saveHolds()}
	for _, p := range r.bays.present() {
		if _, done := p.reported(); done {
			errs = append(errs, r.releaseOn(p))
		}
	}
	r.emit("evidence_released", Info, "", map[string]any{"hold": e.ID, "from": e.From, "to": e.To, "cameras": e.Cameras, "by": by})
	r.changes.notify()
	return errors.Join(errs...)
}

// waitsFor reports whether v waits because of e, which is released, alone: it
// would be held again when its volume returns. evidenceMu is held.
func (r *Recorder) waitsFor(e Evidence, v interval) bool {
	from, to := e.From.UnixMilli(), e.To.UnixMilli()
	if !slices.Contains(e.Cameras, v.Camera) || v.From < from || v.To > to {
		return false
	}
	if v.From != from || v.To != to { // what is left of it
		return !r.covered(v.Camera, v.From, v.To)
	}
	return !slices.ContainsFunc(r.evidence.Holds, func(o Evidence) bool {
		return o.From.Equal(e.From) && o.To.Equal(e.To) && slices.Contains(o.Cameras, v.Camera)
	})
}

// covered reports whether a hold touches [from, to) of a camera. evidenceMu is
// held.
func (r *Recorder) covered(camera string, from, to int64) bool {
	return slices.ContainsFunc(r.evidence.Holds, func(e Evidence) bool {
		return e.From.UnixMilli() < to && e.To.UnixMilli() > from && slices.Contains(e.Cameras, camera)
	})
}

// releaseOn does what is to be released on p: row first, second name last. A
// second name that is left has recovery hold the row again, and this release it
// again. evidenceMu is held.
func (r *Recorder) releaseOn(p *present) error {
	book := evidenceBook{r.evidence.Holds, nil}
	var errs []error
	for _, v := range r.evidence.Releases {
		if v.Volume != p.bay.o.Name {
			book.Releases = append(book.Releases, v)
			continue
		}
		if err := p.release(v); err != nil {
			errs = append(errs, fmt.Errorf("release footage of %s: %w", v.Camera, err))
			book.Releases = append(book.Releases, v)
		}
	}
	if len(book.Releases) < len(r.evidence.Releases) {
		errs = append(errs, r.saveEvidence(book))
	}
	return errors.Join(errs...)
}

// release makes the held segments that v touches ordinary ones, but for those
// that another hold covers.
func (p *present) release(v interval) error {
	p.naming.Lock()
	defer p.naming.Unlock()
	var rows []index.Row
	var names []volume.Name
	err := p.index.Range(v.Camera, v.From, v.To, func(row index.Row, held bool) bool {
		if !p.bay.r.covered(row.Camera, row.Start, row.End()) {
			if held {
				rows = append(rows, row)
			}
			names = append(names, row.File())
		}
		return true
	})
	if err != nil {
		return err
	}
	if _, err := p.index.Release(rows); err != nil {
		return err
	}
	return volume.UnlinkEvidence(p.volume.FS(), names)
}

// releaseDue takes up what waits to be released on a volume that is in order.
func (r *Recorder) releaseDue(p *present) error {
	r.evidenceMu.Lock()
	defer r.evidenceMu.Unlock()
	return r.releaseOn(p)
}

// expireHolds releases the holds whose time is over. A clock that nobody
// vouches for ends none.
func (r *Recorder) expireHolds() {
	if !r.o.Clock.Trusted() {
		return
	}
	now := r.o.Clock.Now()
	var over []string
	r.evidenceMu.Lock()
	for i := range r.evidence.Holds {
		if e := &r.evidence.Holds[i]; !e.Until.IsZero() && !now.Before(e.Until) {
			over = append(over, e.ID)
		}
	}
	r.evidenceMu.Unlock()
	for _, id := range over {
		if err := r.ReleaseHold(id, "its time was over"); err != nil && !errors.Is(err, ErrNoHold) {
			r.o.Log.Error("hold not released", "hold", id, "err", err)
		}
	}
}
