package proof

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// Sealer makes secrets unreadable to whoever has the state database alone.
// What is sealed for one place opens for no other.
type Sealer interface {
	SealText(table, id, field, plain string) (string, error)
	OpenText(table, id, field, stored string) (string, error)
}

// Where the key lies in the state database, and what it is sealed for.
const (
	bucket   = "proof"
	keyName  = "signing"
	keyField = "seed"
)

// Key signs the exports of a box. It may be used concurrently.
type Key struct{ private ed25519.PrivateKey }

// OpenKey returns the key that is kept in db, and makes it if there is none. A nil
// seal keeps it as it is. One that cannot be opened is an error, and stays: another
// key would make strangers of all exports there are.
func OpenKey(db storm.Node, seal Sealer) (*Key, error) {
	if seal == nil {
		seal = unsealed{}
	}
	stored, err := db.GetBytes(bucket, keyName)
	if errors.Is(err, storm.ErrNotFound) {
		return makeKey(db, seal)
	}
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	text, err := seal.OpenText(bucket, keyName, keyField, string(stored))
	if err != nil {
		return nil, fmt.Errorf("open the signing key: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("the signing key is damaged")
	}
	return &Key{ed25519.NewKeyFromSeed(seed)}, nil
}

// makeKey seals the new key inside of the transaction that writes it, so that a
// change of the device key comes before or after it.
func makeKey(db storm.Node, seal Sealer) (*Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // it never fails
	tx, err := db.Begin(true)
	if err != nil {
		return nil, fmt.Errorf("make the signing key: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	text, err := seal.SealText(bucket, keyName, keyField, base64.StdEncoding.EncodeToString(seed))
	if err == nil {
		err = tx.SetBytes(bucket, keyName, []byte(text))
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return nil, fmt.Errorf("make the signing key: %w", err)
	}
	return &Key{ed25519.NewKeyFromSeed(seed)}, nil
}

// Reseal changes how the key lies on disk, inside of tx, and returns 1; 0 if there
// is none.
func Reseal(db *storm.DB, tx *bolt.Tx, change func(table, id, field, stored string) (string, error)) (int, error) {
	node := db.WithTransaction(tx)
	stored, err := node.GetBytes(bucket, keyName)
	if errors.Is(err, storm.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the signing key: %w", err)
	}
	text, err := change(bucket, keyName, keyField, string(stored))
	if err != nil {
		return 0, fmt.Errorf("signing key: %w", err)
	}
	return 1, node.SetBytes(bucket, keyName, []byte(text))
}

// Public returns the key that signatures are checked with: 32 bytes of RFC 8032.
func (k *Key) Public() []byte { return k.private.Public().(ed25519.PublicKey) }

// ID returns the name of the key for people: 16 digits.
func (k *Key) ID() string { return KeyID(k.Public()) }

// KeyID returns the name of a public key: the beginning of its SHA-256.
func KeyID(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

func (k *Key) sign(text []byte) Signature {
	return Signature{Algorithm: algorithm, KeyID: k.ID(), PublicKey: k.Public(), Signature: ed25519.Sign(k.private, text)}
}

type unsealed struct{}

func (unsealed) SealText(_, _, _, plain string) (string, error)  { return plain, nil }
func (unsealed) OpenText(_, _, _, stored string) (string, error) { return stored, nil }
