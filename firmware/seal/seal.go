// Package seal owns the device key, and what is kept under it: secrets that have to be
// used again as they are, such as the passwords of cameras, and so cannot be hashed. A
// secret is sealed for one place, a field of a record of a table, and opens nowhere else.
//
// The key lies in a file beside the database: who takes the whole medium has both. What it
// protects is the database without the file: copies, exports, support bundles, logs. The
// package must never write a secret anywhere in plain, put one into an error, or replace a
// key file that it cannot read. The formats are described in docs/format/sealed.md.
package seal

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// What a caller may branch on.
var (
	// ErrWrongKey says that this box did not seal it for this place: it came with another
	// box's database, belongs to another record, or was changed since.
	ErrWrongKey = errors.New("not sealed by this box for this place")
	// ErrFormat says that it is nothing that Seal returned.
	ErrFormat = errors.New("no sealed value")
	// ErrKeyFile says that the key file is there and cannot be used. It is never replaced.
	ErrKeyFile = errors.New("device key cannot be used")
)

// KeyFile is the name of the key file in the directory that Open is given.
const KeyFile = "device.key"

// Overhead is how many bytes longer than the plain ones sealed bytes are.
const Overhead = headBytes + nonceBytes + tagBytes

const (
	version    = 1
	headBytes  = 1 + idBytes // version, id of the key
	nonceBytes = 12
	tagBytes   = 16
)

// textPrefix begins a sealed text.
const textPrefix = "sealed:v1:"

// Options of a vault. The zero value will do.
type Options struct {
	// Log is told when the key file was readable by others and is no longer.
	Log *slog.Logger
}

// Vault seals and opens. All methods may be called concurrently.
type Vault struct {
	files files

	rotating sync.Mutex // held by who changes the keys

	mu   sync.RWMutex
	keys ring
}

// Open reads the key file in dir, which has to be there, and makes one if there is none. It
// returns ErrKeyFile if there is one that cannot be used. One process at a time may have a
// vault of dir.
func Open(dir string, o Options) (*Vault, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return open(&directory{path: dir, log: o.Log})
}

func open(f files) (*Vault, error) {
	keys, err := load(f)
	if err != nil {
		return nil, fmt.Errorf("open device key: %w", err)
	}
	return &Vault{files: f, keys: keys}, nil
}

// Seal encrypts plain for the field of the record id of table. Nothing stays nothing. It
// keeps no reference to plain. The error is always nil: the randomness of the system does
// not fail.
//
// It has to be called within the write transaction that stores what it returns, or, for
// files, under a lock that Reseal waits for: a rotation that came between would forget the
// key before the secret is there to be sealed anew.
func (v *Vault) Seal(table, id, field string, plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return nil, nil
	}
	v.mu.RLock()
	k := v.keys.current
	v.mu.RUnlock()
	out := make([]byte, headBytes, Overhead+len(plain))
	out[0] = version
	copy(out[1:], k.id[:])
	return k.aead.Seal(out, nil, plain, place(out, table, id, field)), nil
}

// Open returns what was sealed for the field of the record id of table, and nothing for
// nothing. It returns ErrWrongKey or ErrFormat.
func (v *Vault) Open(table, id, field string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := v.open(table, id, field, sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s of %s %q: %w", field, table, id, err)
	}
	return plain, nil
}

func (v *Vault) open(table, id, field string, sealed []byte) ([]byte, error) {
	if len(sealed) <= Overhead || sealed[0] != version {
		return nil, ErrFormat
	}
	head := sealed[:headBytes]
	v.mu.RLock()
	k := v.keys.find([idBytes]byte(head[1:]))
	v.mu.RUnlock()
	if k == nil {
		return nil, ErrWrongKey
	}
	plain, err := k.aead.Open(nil, nil, sealed[headBytes:], place(head, table, id, field))
	if err != nil {
		return nil, ErrWrongKey // that is all there is to know of it
	}
	return plain, nil
}

// place is what is authenticated beside the secret. Lengths make sure that no two places
// have the same.
func place(head []byte, table, id, field string) []byte {
	out := make([]byte, 0, len(head)+3*4+len(table)+len(id)+len(field))
	out = append(out, head...)
	for _, s := range []string{table, id, field} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return out
}

// SealText is Seal for a text field of a JSON record. The result is text that IsSealed.
func (v *Vault) SealText(table, id, field, plain string) (string, error) {
	sealed, err := v.Seal(table, id, field, []byte(plain))
	if err != nil || len(sealed) == 0 {
		return "", err
	}
	return textPrefix + base64.RawStdEncoding.EncodeToString(sealed), nil
}

// OpenText is Open for what SealText returned. Text that is not IsSealed is a plain one
// from before there was a key, and comes back as it is.
func (v *Vault) OpenText(table, id, field, text string) (string, error) {
	coded, ok := strings.CutPrefix(text, textPrefix)
	if !ok {
		return text, nil
	}
	sealed, err := base64.RawStdEncoding.Strict().DecodeString(coded)
	if err != nil || len(sealed) == 0 {
		return "", fmt.Errorf("open %s of %s %q: %w", field, table, id, ErrFormat)
	}
	plain, err := v.Open(table, id, field, sealed)
	return string(plain), err
}

// IsSealed reports whether text is one that SealText returned.
func IsSealed(text string) bool { return strings.HasPrefix(text, textPrefix) }

// proofText is what a proof holds.
const proofText = "vedette"

// Proof returns what Verify knows the key by. The caller keeps it in the database, and
// writes a new one with every rotation.
func (v *Vault) Proof() []byte {
	sealed, _ := v.Seal("seal", "proof", "proof", []byte(proofText)) // never fails
	return sealed
}

// Verify returns ErrWrongKey if another box's vault returned proof, or one before a
// rotation: the secrets beside it cannot be opened. ErrFormat is for what is no proof.
func (v *Vault) Verify(proof []byte) error {
	plain, err := v.open("seal", "proof", "proof", proof)
	if err == nil && string(plain) != proofText {
		err = ErrFormat
	}
	if err != nil {
		return fmt.Errorf("match device key and database: %w", err)
	}
	return nil
}
