// Package backup owns the archive of everything but footage: the state database, the device
// key and the certificates, encrypted with a passphrase. It writes one, takes one in, and
// has the files of one take the place of those of the box at the next start.
//
// Nothing of an archive is used before all of it has been decrypted and checked, and
// nothing of it is written anywhere but into the one directory. The package must never
// write an archive that it could not read, keep a passphrase, or delete the files that
// others take the place of. The format is described in docs/format/backup.md.
package backup

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// What a caller may branch on.
var (
	// ErrPassphrase says that the passphrase does not open the archive.
	ErrPassphrase = errors.New("the passphrase does not open the backup")
	// ErrDamaged says that it is no archive, or not as it was written.
	ErrDamaged = errors.New("it is no backup, or a damaged one")
	// ErrVersion says that a later version of the program wrote the archive.
	ErrVersion = errors.New("the backup is of a later version")
	// ErrTooLarge says that there is more than an archive may hold.
	ErrTooLarge = errors.New("too large for a backup")
	// ErrPending says that a restored archive waits for the next start already.
	ErrPending = errors.New("a restored backup waits for the next start")
)

// FieldError says what is wrong with a passphrase.
type FieldError struct{ Name, Message string }

func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the field, as in the API.
func (e *FieldError) Field() string { return e.Name }

// The names of an archive that are always there.
const (
	StateFile = "state.db"
	KeyFile   = "device.key"
)

// certificates is the directory of an archive that may be there.
const certificates = "tls"

const manifestFile = "manifest.json"

// Bounds of what an archive holds, in bytes and in files. The archive itself is less than
// 6 MiB longer, and so never longer than 64 MiB.
const (
	mostBytes    = 58 << 20
	mostFiles    = 2000
	mostManifest = 1 << 20
)

// The work factors of scrypt, the one that archives are written with and the largest one
// that is read. Memory is 1 KiB << factor: 32 MiB, and 64 MiB in the worst case. age's own
// default of 18 takes 256 MiB, which a board of 512 MB does not have beside its cameras.
const (
	workFactor     = 15
	mostWorkFactor = 16
)

// The length of passphrases, in characters.
const (
	shortest = 8
	longest  = 128
)

// Manifest says what an archive holds.
type Manifest struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of the program that wrote it
	Created time.Time `json:"created"`
	Board   string    `json:"board"`
	Host    string    `json:"host"`
	Files   []Entry   `json:"files"` // in their order
}

// Entry is a file of an archive.
type Entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// format is the version of the archive's format.
const format = 1

// check returns ErrVersion, ErrTooLarge or ErrDamaged if no archive may say that.
func (m *Manifest) check() error {
	if m.Format > format {
		return fmt.Errorf("%w: format %d, and this program knows %d", ErrVersion, m.Format, format)
	}
	if m.Format < 1 {
		return damaged("its format is %d", m.Format)
	}
	if len(m.Files) > mostFiles {
		return fmt.Errorf("%w: %d files", ErrTooLarge, len(m.Files))
	}
	there, left := map[string]bool{}, int64(mostBytes)
	for _, e := range m.Files {
		if !known(e.Name) || e.Size < 0 || there[e.Name] {
			return damaged("it holds %.100q", e.Name)
		}
		if left -= e.Size; left < 0 {
			return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, int64(mostBytes))
		}
		there[e.Name] = true
	}
	for _, e := range m.Files {
		for dir := path.Dir(e.Name); dir != "."; dir = path.Dir(dir) {
			if there[dir] {
				return damaged("%.100q is a file and a directory", dir)
			}
		}
	}
	for _, name := range []string{StateFile, KeyFile} {
		if !there[name] {
			return damaged("it lacks %s", name)
		}
	}
	return nil
}

// element is what a name below the certificates is made of.
var element = regexp.MustCompile(`^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,99}$`)

// known reports whether an archive may hold a file of that name.
func known(name string) bool {
	if name == StateFile || name == KeyFile {
		return true
	}
	parts := strings.Split(name, "/")
	if len(parts) < 2 || len(parts) > 8 || parts[0] != certificates || len(name) > 400 {
		return false
	}
	for _, p := range parts {
		if !element.MatchString(p) {
			return false
		}
	}
	return true
}

// fits reports whether a passphrase is one that an archive can have.
func fits(passphrase string) bool {
	n := utf8.RuneCountInString(passphrase)
	return n >= shortest && n <= longest && utf8.ValidString(passphrase)
}

func damaged(text string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(text, a...))
}
