package firstboot

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// taken is the marker: a file is taken up that was not wiped yet. Where it cannot
// be wiped the marker keeps it from being taken up at every start.
type taken struct {
	At     time.Time `json:"at"`
	Keys   []string  `json:"keys"`
	Length int       `json:"length"` // bytes
	Rounds int       `json:"rounds"` // of Sum
	Salt   []byte    `json:"salt"`
	Sum    []byte    `json:"sum"` // of the text, slow to guess from, which holds passwords
}

// sumRounds makes guessing from Sum as slow as from the key of a Wi-Fi.
const sumRounds = pskRounds

func newTaken(text []byte, at time.Time, keys []string, rounds int) taken {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return taken{at, keys, len(text), rounds, salt, sum(text, salt, rounds)}
}

func sum(text, salt []byte, rounds int) []byte {
	key, err := pbkdf2.Key(sha256.New, string(text), salt, rounds, sha256.Size)
	if err != nil {
		return nil // a system that allows no such salt: nothing is known again
	}
	return key
}

// is reports whether the text is what was taken up.
func (t taken) is(text []byte) bool {
	return len(t.Sum) > 0 && t.Length == len(text) && t.Rounds <= sumRounds && bytes.Equal(t.Sum, sum(text, t.Salt, t.Rounds))
}

// zeroed reports whether the text is what was taken up, begun to be wiped.
func (t taken) zeroed(text []byte) bool {
	return len(t.Sum) > 0 && t.Length == len(text) && bytes.IndexByte(text, 0) >= 0
}

func (t taken) write(to tree) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return replace(to, marker, append(text, '\n'))
}

func readTaken(from tree) (t taken, err error) {
	text, err := from.Read(marker, 64<<10)
	if err != nil {
		return taken{}, err
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return taken{}, fmt.Errorf("%s: %w", marker, err)
	}
	return t, nil
}
