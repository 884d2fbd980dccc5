package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"vedette/firmware/durable"
	"vedette/firmware/slots"
)

// pending is an update whose trial has not ended, as pending.json in the directory of
// updates keeps it. Both systems read and write it.
type pending struct {
	From        string    `json:"from"` // versions
	To          string    `json:"to"`
	FromSlot    string    `json:"from_slot"`
	ToSlot      string    `json:"to_slot"`
	InstalledAt time.Time `json:"installed_at"`
	// CamerasRecording is how many cameras were recorded before.
	CamerasRecording int    `json:"cameras_recording"`
	BootID           string `json:"boot_id"` // of the start that installed it
	// NotConfirmed is what was not healthy when its trial ended.
	NotConfirmed string `json:"not_confirmed,omitempty"`
}

// here says that it was installed since the system started.
func (p *pending) here(bootID string) bool { return p.BootID == bootID && bootID != "" }

func (u *Updater) pendingPath() string { return filepath.Join(u.o.Dir, "pending.json") }

// readPending returns nil if there is none, or it cannot be read: the state of the slots
// alone decides what is done, this tells its story.
func (u *Updater) readPending() *pending {
	f, err := os.Open(u.pendingPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var p pending
	if err == nil {
		defer f.Close()
		err = json.NewDecoder(io.LimitReader(f, 64<<10)).Decode(&p)
	}
	if err == nil {
		_, err = slots.ParseSlot(p.FromSlot)
	}
	if err == nil {
		_, err = slots.ParseSlot(p.ToSlot)
	}
	if err == nil && p.FromSlot == p.ToSlot {
		err = errors.New("from_slot and to_slot are the same")
	}
	if err != nil {
		u.o.Log.Warn("what was installed last is not known", "err", err)
		u.removePending()
		return nil
	}
	return &p
}

// writePending makes p durable.
func (u *Updater) writePending(p pending) error {
	b, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return fmt.Errorf("note update: %w", err)
	}
	return durable.WriteFile(u.pendingPath(), append(b, '\n'))
}

func (u *Updater) removePending() {
	if err := os.Remove(u.pendingPath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		u.o.Log.Warn("note of the update not removed", "err", err)
	}
}
