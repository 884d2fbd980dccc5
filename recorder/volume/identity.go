package volume

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// FormatVersion is the version of the layout of a volume that this package
// writes and reads.
const FormatVersion = 1

// Errors of Open. Their texts say what to do about them.
var (
	ErrNotVolume      = errors.New("not a Vedette volume: the directory holds other files; choose an empty directory, or mount the right disk")
	ErrNoDirectory    = errors.New("there is no such directory: create it, or mount the disk first")
	ErrReadOnly       = errors.New("the file system is read-only: remount it writable, and check the disk if it became so by itself")
	ErrPermission     = errors.New("no permission to write: give the directory to the user that Vedette runs as")
	ErrUnknownFormat  = errors.New("the volume was written by another version of Vedette: update, or use another disk")
	ErrDamagedVolume  = errors.New("volume.json cannot be read: restore it from a backup, or move the files away and start with an empty directory")
	ErrNoSpaceToBegin = errors.New("the disk is full: free some space so that a volume can be created")
	ErrOtherVolume    = errors.New("not the volume that was expected: mount the right disk, or say that this one is to be used from now on")
	ErrInUse          = errors.New("another process uses this volume: stop it first")
)

// Identity is what volume.json says.
type Identity struct {
	ID      string    `json:"id"`     // 16 random bytes in hex
	Format  int       `json:"format"` // FormatVersion
	Created time.Time `json:"created"`
}

// maxIdentity is far more than any volume.json takes, in bytes.
const maxIdentity = 4096

// ParseIdentity reads the content of volume.json. It returns ErrUnknownFormat
// or ErrDamagedVolume. Unknown keys are allowed in a known format.
func ParseIdentity(data []byte) (Identity, error) {
	var id Identity
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&id); err != nil {
		return Identity{}, ErrDamagedVolume
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) || id.Format <= 0 {
		return Identity{}, ErrDamagedVolume
	}
	if id.Format != FormatVersion {
		return Identity{}, fmt.Errorf("format %d: %w", id.Format, ErrUnknownFormat)
	}
	if raw, err := hex.DecodeString(id.ID); err != nil || len(raw) != 16 || hex.EncodeToString(raw) != id.ID {
		return Identity{}, ErrDamagedVolume
	}
	return id, nil
}

// ReadIdentity returns the identity of a volume, or fs.ErrNotExist, ErrUnknownFormat or
// ErrDamagedVolume.
func ReadIdentity(fsys FS) (Identity, error) {
	data, err := ReadFile(fsys, identityName, maxIdentity)
	if err != nil {
		return Identity{}, fmt.Errorf("read %s: %w", identityName, err)
	}
	id, err := ParseIdentity(data)
	if err != nil {
		return Identity{}, fmt.Errorf("read %s: %w", identityName, err)
	}
	return id, nil
}

// expect returns ErrOtherVolume unless id, which was read with err, is the
// expected one. An identity that cannot be read has its own error.
func expect(expected string, id Identity, err error) error {
	switch {
	case expected == "":
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrNotVolume):
		return fmt.Errorf("expected %s, found no volume: %w", expected, ErrOtherVolume)
	case err == nil && id.ID != expected:
		return fmt.Errorf("expected %s, found %s: %w", expected, id.ID, ErrOtherVolume)
	}
	return err
}

// identify reads the identity of a volume, or gives one to an empty
// directory. It returns ErrNotVolume and touches nothing if the directory
// holds anything else.
func identify(fsys FS, now time.Time) (Identity, error) {
	id, err := ReadIdentity(fsys)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	entries, err := fsys.ReadDir(".")
	if err != nil {
		return Identity{}, fmt.Errorf("list the volume: %w", err)
	}
	for _, e := range entries {
		if n := e.Name(); n != "lost+found" && n != identityTemp {
			return Identity{}, fmt.Errorf("found %q: %w", n, ErrNotVolume)
		}
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	id = Identity{ID: hex.EncodeToString(raw[:]), Format: FormatVersion, Created: now.UTC().Truncate(time.Second)}
	data, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return Identity{}, fmt.Errorf("encode the identity: %w", err)
	}
	if err := WriteFile(fsys, ".", identityTemp, identityName, append(data, '\n')); err != nil {
		return Identity{}, fmt.Errorf("create %s: %w", identityName, advise(err))
	}
	return id, nil
}

// layout makes the directories of a volume that are missing. A full disk is
// no reason to refuse a volume that exists: the sweeper will make room.
func layout(fsys FS) error {
	made := false
	for _, dir := range []string{FootageDir, EvidenceDir, QuarantineDir} {
		err := fsys.Mkdir(dir)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("create %s: %w", dir, advise(err))
		}
		made = true
	}
	if !made {
		return nil
	}
	if err := fsys.SyncDir("."); err != nil {
		return fmt.Errorf("sync the volume's directory: %w", err)
	}
	return nil
}

// advise puts the error that says what to do in front of err.
func advise(err error) error {
	for _, a := range []struct{ is, say error }{
		{syscall.EROFS, ErrReadOnly},
		{fs.ErrPermission, ErrPermission},
		{syscall.ENOSPC, ErrNoSpaceToBegin},
		{syscall.EDQUOT, ErrNoSpaceToBegin},
	} {
		if errors.Is(err, a.is) {
			return fmt.Errorf("%w (%w)", a.say, err)
		}
	}
	return err
}
