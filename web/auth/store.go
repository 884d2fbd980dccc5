package auth

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// load reads users and sessions. Rows that cannot be read are an error for
// users, so that a damaged owner never means a box without one; sessions that
// cannot, and those whose user is gone, are removed: they must not come back
// with a user of the same name.
func (s *Service) load() error {
	var stale []string
	err := s.db.Bolt.View(func(tx *bolt.Tx) error {
		if b := s.db.GetBucket(tx, usersBucket); b != nil {
			err := b.ForEach(func(k, v []byte) error {
				if v == nil {
					return nil // storm's metadata
				}
				u, err := s.decodeUser(string(k), v)
				s.users[string(k)] = u
				return err
			})
			if err != nil {
				return err
			}
		}
		b := s.db.GetBucket(tx, sessionsBucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			var rec sessionRecord
			if v == nil {
				return nil
			}
			bad := len(k) != 2*sha256.Size || json.Unmarshal(v, &rec) != nil
			if bad || !s.users[rec.User].active() {
				stale = append(stale, string(k))
				return nil
			}
			s.sessions[string(k)] = newSession(string(k), rec)
			return nil
		})
	})
	if err != nil || len(stale) == 0 {
		return err
	}
	return s.db.Bolt.Update(func(tx *bolt.Tx) error {
		for _, key := range stale {
			if err := remove(s.db.WithTransaction(tx), sessionsBucket, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// change is what happens to users and sessions at once.
type change struct {
	users map[string]*user // by folded name; nil: removed
	begun *session
	ended []*session
}

// commit writes c in one transaction and then makes it so for this process.
// After an error nothing has changed. The caller holds write.
func (s *Service) commit(c change) error {
	err := s.db.Bolt.Update(func(tx *bolt.Tx) error {
		n := s.db.WithTransaction(tx)
		for key, u := range c.users {
			var err error
			if u == nil {
				err = remove(n, usersBucket, key)
			} else {
				err = s.putUser(n, key, *u)
			}
			if err != nil {
				return err
			}
		}
		for _, o := range c.ended {
			if err := remove(n, sessionsBucket, o.key); err != nil {
				return err
			}
		}
		if c.begun != nil {
			return n.Set(sessionsBucket, c.begun.key, c.begun.record())
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, u := range c.users {
		if u == nil {
			delete(s.users, key)
		} else {
			s.users[key] = *u
		}
	}
	s.forget(c.ended)
	if c.begun != nil {
		s.sessions[c.begun.key] = c.begun
	}
	return nil
}

// remove is a deletion for which it is no error that there is nothing.
func remove(n storm.Node, bucket, key string) error {
	if err := n.Delete(bucket, key); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return err
	}
	return nil
}

// unsealed is a Sealer that seals nothing.
type unsealed struct{}

func (unsealed) Seal(_, _, _ string, plain []byte) ([]byte, error)  { return plain, nil }
func (unsealed) Open(_, _, _ string, sealed []byte) ([]byte, error) { return sealed, nil }

const totpField = "totp"

// decodeUser reads a row of users. A second factor whose secret does not open
// stays in force: its codes are refused, its recovery codes are not, and an
// admin or the button take it away.
func (s *Service) decodeUser(key string, row []byte) (user, error) {
	var u user
	if err := json.Unmarshal(row, &u); err != nil {
		return user{}, fmt.Errorf("user %q cannot be read: %w", key, err)
	}
	if u.Name == "" {
		return user{}, fmt.Errorf("user %q cannot be read: no name", key)
	}
	if len(u.Sealed) == 0 {
		u.Sealed = nil
		return u, nil
	}
	plain, err := s.o.Seal.Open(usersBucket, key, totpField, u.Sealed)
	if err != nil || len(plain) == 0 {
		s.o.Log.Error("second factor cannot be opened", "user", u.Name, "err", err)
		return u, nil
	}
	u.secret, u.Sealed = string(plain), nil
	return u, nil
}

// putUser writes a row. Sealing happens here, in the transaction, so that no
// row is sealed by a key that was replaced meanwhile.
func (s *Service) putUser(n storm.Node, key string, u user) error {
	if u.secret != "" {
		var err error
		if u.Sealed, err = s.o.Seal.Seal(usersBucket, key, totpField, []byte(u.secret)); err != nil {
			return fmt.Errorf("seal second factor: %w", err)
		}
	}
	return n.Set(usersBucket, key, u)
}

// Reseal writes every secret of this package anew in tx, as open and seal
// make it, and returns how many there are; one that did not open at the start
// stays as it is. It is for changing the device key, and may be called while
// everything else goes on, when Options.Seal seals as seal does. Memory holds
// the secrets as they are, so nobody has to be told of the commit.
func (s *Service) Reseal(tx *bolt.Tx, open, seal func(table, id, field string, data []byte) ([]byte, error)) (n int, err error) {
	b := s.db.GetBucket(tx, usersBucket)
	if b == nil {
		return 0, nil
	}
	rows := map[string]user{}
	err = b.ForEach(func(k, v []byte) error {
		var u user
		if v == nil || json.Unmarshal(v, &u) != nil || len(u.Sealed) == 0 || s.unreadable(string(k)) {
			return nil
		}
		rows[string(k)] = u
		return nil
	})
	node := s.db.WithTransaction(tx)
	for key, u := range rows {
		plain, oerr := open(usersBucket, key, totpField, u.Sealed)
		if oerr != nil {
			return n, fmt.Errorf("open second factor of %s: %w", u.Name, oerr)
		}
		if u.Sealed, err = seal(usersBucket, key, totpField, plain); err != nil {
			return n, fmt.Errorf("seal second factor of %s: %w", u.Name, err)
		}
		if err = node.Set(usersBucket, key, u); err != nil {
			return n, fmt.Errorf("store user %s: %w", u.Name, err)
		}
		n++
	}
	return n, err
}

// unreadable reports whether the user's second factor did not open.
func (s *Service) unreadable(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[key].Sealed != nil
}
