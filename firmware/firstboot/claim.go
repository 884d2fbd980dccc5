package firstboot

import (
	"errors"
	"fmt"
	"io/fs"
)

// ClaimFile holds the claim code of a box that nobody owns yet, on its setup
// partition: for who has neither screen nor cable, and reads the card in a PC.
const ClaimFile = "claim.txt"

// KeepCode has the code wait like one that was asked for (Pending), so that it is
// the same after a start: the card must be taken out to be read.
func KeepCode(system, code string) error {
	if err := makeDir(system); err != nil {
		return fmt.Errorf("keep the claim code: %w", err)
	}
	return addPending(dir(system), Pending{ClaimCode: code})
}

// ShowCode writes ClaimFile on the setup partition. It writes nothing if the file
// says so already.
func ShowCode(setup, code string) error { return showCode(dir(setup), code) }

func showCode(t tree, code string) error {
	text := claimText(code)
	if there, err := t.Read(ClaimFile, claimMost); err == nil && string(there) == text {
		return nil
	}
	if err := replace(t, ClaimFile, []byte(text)); err != nil {
		return fmt.Errorf("write %s: %w", ClaimFile, err)
	}
	return nil
}

const claimMost = 4 << 10 // bytes

func claimText(code string) string {
	return "Vedette: whoever opens the panel and gives this code owns the box.\r\n\r\nclaim code: " + code +
		"\r\n\r\nIt counts for 15 minutes after each start. This file goes once the box has an owner.\r\n"
}

// HideCode overwrites ClaimFile with zeros and removes it. It does nothing where
// there is none.
func HideCode(setup string) error { return hideCode(dir(setup)) }

func hideCode(t tree) error {
	there, err := t.Read(ClaimFile, claimMost)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = t.Overwrite(ClaimFile, make([]byte, len(there)))
	}
	if err == nil {
		err = t.Remove(ClaimFile)
	}
	if err == nil {
		err = t.Sync()
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", ClaimFile, err)
	}
	return nil
}
