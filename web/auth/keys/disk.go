package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// bucket is the bucket of state.db that belongs to this package. Its keys are
// hex SHA-256 sums of secrets.
const bucket = "auth_keys"

// record is how a key is kept in state.db.
type record struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Cameras   []string  `json:"cameras"` // null = all, [] = none
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
	Expires   time.Time `json:"expires,omitzero"`
	LastUsed  time.Time `json:"last_used,omitzero"`
	Expired   bool      `json:"expired,omitempty"`
}

// load reads all keys.
func (s *Store) load() error {
	return s.db.Bolt.View(func(tx *bolt.Tx) error {
		b := s.db.GetBucket(tx, bucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(name, v []byte) error {
			if v == nil {
				return nil // storm's metadata
			}
			hash, rec, err := decode(name, v)
			if err == nil && s.byID[rec.ID] != nil {
				err = errors.New("its id is there twice")
			}
			if err != nil {
				s.o.Log.Error("API key cannot be read and opens nothing", "err", err)
				return nil
			}
			e := newEntry(hash, Key(rec))
			s.byHash[hash], s.byID[rec.ID] = e, e
			return nil
		})
	})
}

// decode reads a row. It takes no row that Add could not have written, lest
// damage make more of a key than it was.
func decode(name, v []byte) (hash [sha256.Size]byte, rec record, err error) {
	if len(name) != hex.EncodedLen(len(hash)) {
		return hash, rec, fmt.Errorf("name of %d bytes", len(name))
	}
	if _, err := hex.Decode(hash[:], name); err != nil {
		return hash, rec, fmt.Errorf("name: %w", err)
	}
	if err := json.Unmarshal(v, &rec); err != nil {
		return hash, rec, err
	}
	n := New{Name: rec.Name, Role: rec.Role, Cameras: rec.Cameras}
	if err := n.check(time.Time{}); err != nil {
		return hash, rec, err
	}
	if len(rec.ID) != idLen || strings.Trim(rec.ID, alphabet) != "" {
		return hash, rec, fmt.Errorf("id %q", rec.ID)
	}
	return hash, rec, nil
}

// put stores a key. The caller holds disk.
func (s *Store) put(hash [sha256.Size]byte, k Key) error {
	return s.db.Set(bucket, hex.EncodeToString(hash[:]), record(k))
}

// drop removes a key's row; one that is gone is no error. The caller holds
// disk.
func (s *Store) drop(hash [sha256.Size]byte) error {
	err := s.db.Delete(bucket, hex.EncodeToString(hash[:]))
	if errors.Is(err, storm.ErrNotFound) {
		return nil
	}
	return err
}

// expire ends what runs under keys that have expired, and stores that they
// have: after a step of the wall clock, or a start in 1970, they stay expired.
func (s *Store) expire() error {
	now := time.Now()
	return s.save(func(e *entry) bool {
		e.over(now)
		fresh := e.key.Expired && !e.onDisk.Expired && !e.noted
		e.noted = e.key.Expired // a card that cannot be written is not asked every second
		return fresh
	})
}

// flush stores what has changed since it was stored.
func (s *Store) flush() error {
	return s.save(func(e *entry) bool {
		return e.key.Expired != e.onDisk.Expired || !e.key.LastUsed.Equal(e.onDisk.LastUsed)
	})
}

// save stores, in one transaction, the keys that late picks; if it picks none,
// nothing is written. It is called under mu.
func (s *Store) save(late func(*entry) bool) error {
	s.disk.Lock()
	defer s.disk.Unlock()
	changed := map[*entry]Key{}
	s.mu.Lock()
	for _, e := range s.byID {
		if late(e) {
			changed[e] = e.key
		}
	}
	s.mu.Unlock()
	if len(changed) == 0 {
		return nil
	}
	err := s.db.Bolt.Update(func(tx *bolt.Tx) error {
		n := s.db.WithTransaction(tx)
		for e, k := range changed {
			if err := n.Set(bucket, hex.EncodeToString(e.hash[:]), record(k)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store %d API keys: %w", len(changed), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for e, k := range changed {
		e.onDisk = k
	}
	return nil
}
