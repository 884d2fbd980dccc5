package firstboot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"vedette/firmware/config"
)

// Pending is what of a setup the recorder itself has to take up.
type Pending struct {
	ClaimCode string               `json:"claim_code,omitempty"` // a secret
	Cameras   []config.SetupCamera `json:"cameras,omitempty"`    // their passwords are secrets
}

const (
	pendingFile = "pending.json"
	pendingMost = 1 << 20 // bytes; a setup of 64 KiB makes at most 384 KiB of it
)

// TakePending returns what waits in the directory of the system's settings; false
// if nothing does. It stays until Done: after a power cut it is there again, so what was
// done of it is to be done no second time.
func TakePending(system string) (Pending, bool, error) { return takePending(dir(system)) }

func takePending(t tree) (p Pending, ok bool, err error) {
	text, err := t.Read(pendingFile, pendingMost)
	if errors.Is(err, fs.ErrNotExist) {
		return Pending{}, false, nil
	}
	if err != nil {
		return Pending{}, false, fmt.Errorf("read what provisioning left to do: %w", err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return Pending{}, false, fmt.Errorf("%s: %w", pendingFile, err)
	}
	return p, true, nil
}

// Done removes what TakePending returned, durably. Doing so twice is not an error.
func Done(system string) error {
	t := dir(system)
	err := t.Remove(pendingFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = t.Sync()
	}
	if err != nil {
		return fmt.Errorf("remove what provisioning left to do: %w", err)
	}
	return nil
}

// addPending leaves more to do. What waits already and is not named stays.
func addPending(t tree, more Pending) error {
	if more.ClaimCode == "" && len(more.Cameras) == 0 {
		return nil
	}
	p, _, err := takePending(t)
	if err != nil {
		p = Pending{} // nobody could have taken it up either
	}
	if more.ClaimCode != "" {
		p.ClaimCode = more.ClaimCode
	}
	if len(more.Cameras) > 0 {
		p.Cameras = more.Cameras
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := replace(t, pendingFile, append(text, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", pendingFile, err)
	}
	return nil
}
