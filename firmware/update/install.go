package update

import (
	"context"
	"fmt"
	"time"

	"vedette/firmware/slots"
)

// install does all that lies between a bundle that was received and the restart, in
// this order, so that a power cut at any moment leaves a slot that works:
//
//  1. the bundle is checked; up to here nothing has changed
//  2. the slot to be written is marked bad, as its system ends now
//  3. RAUC writes it
//  4. it is read back and compared with the signed manifest; its header must be ours
//  5. pending.json is written, then the state to fall back to, and the slot is activated
//
// The bundle is removed in any case.
func (u *Updater) install(ctx context.Context, allowOlder bool) (err error) {
	to := u.o.Running.Other()
	var b Bundle
	defer func() {
		u.discard()
		if err != nil {
			u.failed(ctx, b.Version, err)
		}
		u.look()
	}()
	if b, err = u.check(ctx, allowOlder); err != nil {
		return err
	}
	if b.Note != "" {
		u.o.Log.Warn("update accepted", "version", b.Version, "note", b.Note)
	}
	if err := u.empty(to); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			u.giveUpSlot(to)
		}
	}()
	u.show(Installing, 0, "")
	if err := u.writeSlot(ctx, func(percent int, message string) { u.show(Installing, percent, message) }); err != nil {
		return err
	}
	u.show(Verifying, 0, "")
	if err := u.verify(ctx, b, to); err != nil {
		return err
	}
	return u.activate(b, to)
}

// empty marks the slot that is to be written bad. Nothing is left of an update that was
// installed before and has not been started yet.
func (u *Updater) empty(to slots.Slot) error {
	err := u.o.Store.Update(func(s slots.State) (slots.State, error) {
		if !s.Good[u.o.Running] {
			return s, ErrTrial
		}
		return s.MarkBad(to), nil
	})
	if err != nil {
		return err
	}
	u.setLoaded(false)
	u.removePending()
	return nil
}

// giveUpSlot marks a slot bad that holds nothing good. Nobody should have marked it
// otherwise, but RAUC would, were it not configured to leave that to us.
func (u *Updater) giveUpSlot(to slots.Slot) {
	err := u.o.Store.Update(func(s slots.State) (slots.State, error) { return s.MarkBad(to), nil })
	if err != nil {
		u.o.Log.Error("slot not marked bad", "slot", to.String(), "err", err)
	}
}

// verify compares what the device has with the manifest.
func (u *Updater) verify(ctx context.Context, b Bundle, to slots.Slot) error {
	sum, err := readBack(ctx, u.o.Devices[to], b.Bytes, func(percent int) { u.show(Verifying, percent, "") })
	if err != nil {
		return err
	}
	if sum != b.SHA256 {
		return fmt.Errorf("%w: slot %s has SHA-256 %s, and %s was written", ErrReadBack, to, sum, b.SHA256)
	}
	h, err := u.header(to)
	switch {
	case err != nil:
		return fmt.Errorf("%w: slot %s: %w", ErrReadBack, to, err)
	case h.Board != u.o.Board:
		return fmt.Errorf("%w: the system in slot %s is for the board %q, and this is %q", ErrReadBack, to, h.Board, u.o.Board)
	case h.Bytes > b.Bytes:
		return fmt.Errorf("%w: its header tells of %d bytes, and it has %d", ErrReadBack, h.Bytes, b.Bytes)
	}
	return nil
}

// activate has the slot booted from now on. It tells of it first: it is the lesser
// evil if an update is told of that a power cut undid.
func (u *Updater) activate(b Bundle, to slots.Slot) error {
	p := pending{
		From: u.o.Version, To: b.Version, FromSlot: u.o.Running.String(), ToSlot: to.String(),
		InstalledAt: time.Now().UTC(), CamerasRecording: u.o.Health().Cameras, BootID: u.o.BootID,
	}
	if err := u.writePending(p); err != nil {
		return err
	}
	if err := slots.ActivateIn(u.o.Store, to, u.o.Running); err != nil {
		u.removePending()
		return err
	}
	u.setLoaded(true)
	u.o.Log.Info("update installed", "from", p.From, "to", p.To, "slot", p.ToSlot)
	payload := map[string]any{"from": p.From, "to": p.To, "slot": p.ToSlot}
	if b.Note != "" {
		payload["note"] = b.Note
	}
	u.o.Emit("update_installed", "info", payload)
	return nil
}

func (u *Updater) setLoaded(loaded bool) {
	u.mu.Lock()
	u.loaded = loaded
	u.mu.Unlock()
}

// look notes the other slot.
func (u *Updater) look() {
	s, err := u.o.Store.Load()
	if err != nil {
		u.o.Log.Error("state of the slots not read", "err", err)
		return
	}
	u.note(s)
}
