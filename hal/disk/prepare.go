package disk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors of Prepare, Mount, Unmount and Eject that a caller may test for.
var (
	ErrConfirm = errors.New("the disk is not confirmed")
	ErrBusy    = errors.New("the disk is in use")
	ErrSmall   = errors.New("the disk is too small")
	ErrChanged = errors.New("another disk is there by now")
	ErrMounted = fmt.Errorf("something is mounted there: %w", fs.ErrExist)
)

// PrepareOptions says how a disk is made ready for footage.
type PrepareOptions struct {
	Confirm string // the disk's Phrase, as somebody typed it
	Label   string // of the file system: at most 16 bytes, may be empty
	UUID    string // of the file system, as 8-4-4-4-12 digits; "" = a random one
}

// leastDisk is the least size of a disk that is prepared, in bytes.
const leastDisk = 1e9

// labelBytes is the most that ext4 keeps.
const labelBytes = 16

// Phrase returns what somebody has to type so that Prepare erases this disk and no
// other: its serial number, or its kernel name where it has none. The name may be
// another disk's after a plug was pulled.
func (d *Device) Phrase() string {
	if d.Info.Serial != "" {
		return d.Info.Serial
	}
	return d.Info.Name
}

// check returns what is wrong with the options, whatever the disk.
func (o PrepareOptions) check() error {
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(o.Label) > labelBytes || !utf8.ValidString(o.Label) || strings.ContainsFunc(o.Label, odd) {
		return fmt.Errorf("label %q: not up to %d bytes of printable text", o.Label, labelBytes)
	}
	if o.UUID != "" && !isUUID(o.UUID) { // mkfs takes words as well
		return fmt.Errorf("uuid %q: not in the form 8-4-4-4-12", o.UUID)
	}
	return nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return true
}

// random returns a random UUID (RFC 9562, version 4) in the order of its text.
func random() [16]byte {
	var u [16]byte
	rand.Read(u[:]) // it does not fail
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return u
}

// randomUUID returns a random one as text.
func randomUUID() string {
	u := random()
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// randomGUID returns a random one as a GPT has it: the version is in byte 7.
func randomGUID() guid {
	u := random()
	u[6], u[7] = u[7], u[6]
	return u
}
