package slots

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrNoSlot is that the kernel was not told of a slot: this is no card of ours.
var ErrNoSlot = errors.New("the kernel command line has no rauc.slot")

// maxTrial bounds what is believed of a command line.
const maxTrial = 24 * time.Hour

// Running returns the slot that a kernel command line (/proc/cmdline) names, and how
// long that has to prove itself, counted from the start of the system: 0 if it is not
// on trial. The last of several counts, as it does for the kernel. Errors: ErrNoSlot,
// and values out of range, the trial's with the slot.
func Running(cmdline string) (slot Slot, trial time.Duration, err error) {
	found := false
	for _, word := range strings.Fields(cmdline) {
		if name, ok := strings.CutPrefix(word, "rauc.slot="); ok {
			if slot, err = ParseSlot(name); err != nil {
				return 0, 0, fmt.Errorf("kernel command line: rauc.slot: %w", err)
			}
			found = true
		}
	}
	if !found {
		return 0, 0, ErrNoSlot
	}
	for _, word := range strings.Fields(cmdline) {
		text, ok := strings.CutPrefix(word, "vedette.trial=")
		if !ok {
			continue
		}
		seconds, err := strconv.ParseUint(text, 10, 32)
		trial = time.Duration(seconds) * time.Second
		if err != nil || trial == 0 || trial > maxTrial {
			return slot, 0, fmt.Errorf("kernel command line: vedette.trial is %q: want 1 to %.0f seconds", text, maxTrial.Seconds())
		}
	}
	return slot, trial, nil
}
