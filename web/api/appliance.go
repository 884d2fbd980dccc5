package api

import (
	"context"
	"errors"
	"io"
	"net/http"

	"vedette/web/auth"
)

// Appliance is what the API needs of a machine that runs our image: updates of it,
// its power, and wiping it. Methods return ErrUpdateBusy while an update is going on
// that stands against them, and ErrConflict, with the reason, where something else
// does. by is who asks. Every method may be called concurrently.
type Appliance interface {
	// Appliance returns the present state; it is called often and must be quick.
	Appliance(ctx context.Context) (ApplianceInfo, error)
	// ReceiveUpdate reads a bundle of size bytes from r, checks it, begins to install
	// it and returns; the installing outlasts ctx. A bundle that will not do is an
	// UpdateRefusedError, and nothing is installed; so it is when r or ctx ends early.
	ReceiveUpdate(ctx context.Context, r io.Reader, size int64, o UpdateOptions) error
	// FetchUpdate begins to fetch a bundle, to check and to install it, and returns.
	// How that ends is in ApplianceInfo.
	FetchUpdate(ctx context.Context, url string, o UpdateOptions) error
	// Restart, PowerOff and Reset begin a clean stop and return; what they are for
	// follows, once the answer is sent.
	Restart(ctx context.Context, by string) error
	PowerOff(ctx context.Context, by string) error
	// Reset wipes accounts and settings, and footage if asked.
	Reset(ctx context.Context, footage bool, by string) error
}

// UpdateOptions say how a bundle is to be installed.
type UpdateOptions struct {
	AllowOlder bool   // even if it is older than what runs
	Restart    bool   // into it, as soon as it is installed
	By         string // who asks
}

// ErrUpdateBusy is returned while an update is being received or installed.
var ErrUpdateBusy = errors.New("an update is going on")

// Codes of an UpdateRefusedError.
const (
	RefusedSignature = "signature" // not signed, or not by whom it must be
	RefusedBoard     = "board"     // made for another board
	RefusedOlder     = "older"     // than what runs, and that was not allowed
	RefusedDamaged   = "damaged"   // not whole, or no bundle at all
)

// UpdateRefusedError says why a bundle is not installed.
type UpdateRefusedError struct {
	Code   string // one of the codes above
	Reason string // for people; in lower case, without secrets
}

func (e *UpdateRefusedError) Error() string { return "update refused (" + e.Code + "): " + e.Reason }

// ApplianceInfo is which system runs, and what is going on with another one.
type ApplianceInfo struct {
	Slot    string `json:"slot"` // A or B
	Version string `json:"version"`
	Board   string `json:"board"`
	// Supported is false where updates cannot be installed, whatever else is there.
	Supported bool         `json:"supported"`
	Other     *SlotInfo    `json:"other,omitempty"` // nil = not known
	Trial     *TrialInfo   `json:"trial,omitempty"` // nil = the running system has proved itself
	Busy      bool         `json:"busy"`            // an update is being received or installed
	Percent   int          `json:"percent"`         // of that, 0 to 100
	Message   string       `json:"message"`         // what is going on, one sentence; empty: nothing
	Error     *UpdateFault `json:"error,omitempty"` // how the last update ended, if badly
	// ResetPhrase is what has to be typed to wipe the machine; empty: it cannot be.
	ResetPhrase string     `json:"reset_phrase,omitempty"`
	Setup       *SetupInfo `json:"setup,omitempty"` // nil = nothing was provisioned
}

// SlotInfo is what the slot holds that does not run.
type SlotInfo struct {
	Slot    string `json:"slot"`
	Version string `json:"version,omitempty"`
	// State is empty, good (has proved itself), ready (is tried at the next start)
	// or failed (did not prove itself).
	State string `json:"state"`
}

// TrialInfo is the trial of a system that has not proved itself yet.
type TrialInfo struct {
	Until      Timestamp `json:"until"`       // the machine goes back then
	WaitingFor string    `json:"waiting_for"` // what is not in order, for people
}

// UpdateFault is why an update was not installed.
type UpdateFault struct {
	Code   string `json:"code"` // of UpdateRefusedError, or failed
	Reason string `json:"reason"`
}

// SetupInfo is what came of the provisioning file.
type SetupInfo struct {
	AppliedAt *Timestamp     `json:"applied_at,omitempty"` // nil = it was not
	Errors    []SetupMistake `json:"errors"`
}

// SetupMistake is a line of it that was not taken.
type SetupMistake struct {
	Line   int    `json:"line"` // from 1; 0 = of the whole file
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// noAppliance answers for a machine that does not run our image.
type noAppliance struct{}

func (noAppliance) Appliance(context.Context) (ApplianceInfo, error) {
	return ApplianceInfo{}, errNotSupported
}
func (noAppliance) ReceiveUpdate(context.Context, io.Reader, int64, UpdateOptions) error {
	return errNotSupported
}
func (noAppliance) FetchUpdate(context.Context, string, UpdateOptions) error { return errNotSupported }
func (noAppliance) Restart(context.Context, string) error                    { return errNotSupported }
func (noAppliance) PowerOff(context.Context, string) error                   { return errNotSupported }
func (noAppliance) Reset(context.Context, bool, string) error                { return errNotSupported }

type resetBody struct {
	Confirm string `json:"confirm"`
	Footage bool   `json:"footage"`
}

func (s *server) restart(w http.ResponseWriter, r *http.Request) error {
	return s.stop(w, r, s.Options.Appliance.Restart)
}

func (s *server) powerOff(w http.ResponseWriter, r *http.Request) error {
	return s.stop(w, r, s.Options.Appliance.PowerOff)
}

func (s *server) stop(w http.ResponseWriter, r *http.Request, how func(ctx context.Context, by string) error) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	if err := how(r.Context(), auth.From(r.Context()).Name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// reset wipes the machine once its phrase was typed.
func (s *server) reset(w http.ResponseWriter, r *http.Request) error {
	var in resetBody
	if err := decode(w, r, &in); err != nil {
		return err
	}
	info, err := s.Options.Appliance.Appliance(r.Context())
	if err != nil {
		return err
	}
	if info.ResetPhrase == "" {
		return errNotSupported
	}
	if in.Confirm != info.ResetPhrase {
		return badField("confirm", "The field confirm must be the phrase that this machine asks for.")
	}
	if err := s.Options.Appliance.Reset(r.Context(), in.Footage, auth.From(r.Context()).Name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
