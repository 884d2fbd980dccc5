package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// The buckets of state.db that belong to this package. Keys are folded user
// names, and hex SHA-256 sums of tokens.
const (
	usersBucket    = "auth_users"
	sessionsBucket = "auth_sessions"
)

const (
	tokenBytes  = 32
	maxSessions = 32            // of one user; the one that was idle longest gives way
	seenEvery   = 6 * time.Hour // how far the time of last activity on disk may lag behind
	checkEvery  = time.Second   // how often Run looks for sessions that have ended
	flushEvery  = 5 * time.Minute
)

// sessionRecord is how a session is kept in state.db.
type sessionRecord struct {
	User    string    `json:"user"` // folded
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Address string    `json:"address"`
}

// session is a session in memory. Its fields change under Service.mu.
type session struct {
	id     string // the beginning of the hash: names it, does not open it
	key    string // the hash of the token
	rec    sessionRecord
	stored time.Time // Seen as on disk
	ctx    context.Context
	end    context.CancelFunc
}

func newSession(key string, rec sessionRecord) *session {
	ctx, end := context.WithCancel(context.Background())
	return &session{id: key[:16], key: key, rec: rec, stored: rec.Seen, ctx: ctx, end: end}
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// load reads users and sessions. Rows that cannot be read are an error for
// users, so that a damaged owner never means a box without one; sessions are
// simply forgotten.
func (s *Service) load() error {
	return s.db.Bolt.View(func(tx *bolt.Tx) error {
		if b := s.db.GetBucket(tx, usersBucket); b != nil {
			err := b.ForEach(func(k, v []byte) error {
				if v == nil {
					return nil // storm's metadata
				}
				var u user
				if err := json.Unmarshal(v, &u); err != nil || u.Name == "" {
					return fmt.Errorf("user %q cannot be read: %w", k, errors.Join(err))
				}
				s.users[string(k)] = u
				return nil
			})
			if err != nil {
				return err
			}
		}
		if b := s.db.GetBucket(tx, sessionsBucket); b != nil {
			return b.ForEach(func(k, v []byte) error {
				var rec sessionRecord
				if len(k) == 2*sha256.Size && v != nil && json.Unmarshal(v, &rec) == nil {
					s.sessions[string(k)] = newSession(string(k), rec)
				}
				return nil
			})
		}
		return nil
	})
}

// begin makes a session for the user and returns its token.
func (s *Service) begin(name, address string) (string, error) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw) // never fails
	token := base64.RawURLEncoding.EncodeToString(raw)
	now := time.Now()
	rec := sessionRecord{User: fold(name), Created: now, Seen: now, Address: network(address)}
	key := hashToken(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.users[rec.User]; !ok {
		return "", ErrCredentials // removed meanwhile
	}
	s.makeRoom(rec.User)
	if err := s.db.Set(sessionsBucket, key, rec); err != nil {
		return "", fmt.Errorf("store session: %w", err)
	}
	s.sessions[key] = newSession(key, rec)
	return token, nil
}

// makeRoom ends the user's longest idle session if there are too many.
func (s *Service) makeRoom(name string) {
	var oldest *session
	n := 0
	for _, o := range s.sessions {
		if o.rec.User != name {
			continue
		}
		n++
		if oldest == nil || o.rec.Seen.Before(oldest.rec.Seen) {
			oldest = o
		}
	}
	if n >= maxSessions {
		s.remove(oldest)
	}
}

// remove ends a session. The caller holds mu.
func (s *Service) remove(o *session) {
	delete(s.sessions, o.key)
	o.end()
	s.gone = append(s.gone, o.id)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	if err := s.db.Delete(sessionsBucket, o.key); err != nil && !errors.Is(err, storm.ErrNotFound) {
		// It is over for this process. After a restart it would come back,
		// so the log must say that it could not be removed.
		s.o.Log.Error("remove session", "session", o.id, "err", err)
	}
}

// over reports whether o has reached one of its limits. Times from before
// the process started have no monotonic reading; should the wall clock step
// back, such a session looks younger, and lives at most Idle longer.
func (s *Service) over(o *session, now time.Time) bool {
	return now.Sub(o.rec.Seen) >= s.o.Idle || now.Sub(o.rec.Created) >= s.o.Absolute
}

// Authenticate returns who holds token, or ErrNoSession. It counts as
// activity and writes nothing.
func (s *Service) Authenticate(token string) (*Principal, error) {
	if token == "" || len(token) > 2*tokenBytes {
		return nil, ErrNoSession
	}
	key, now := hashToken(token), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.sessions[key]
	if o == nil {
		return nil, ErrNoSession
	}
	u, ok := s.users[o.rec.User]
	if !ok || s.over(o, now) {
		s.remove(o)
		return nil, ErrNoSession
	}
	o.rec.Seen = now
	return &Principal{Name: u.Name, Role: u.Role, Cameras: u.Cameras, session: o, touch: func() { s.touch(o) }}, nil
}

func (s *Service) touch(o *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); !s.over(o, now) {
		o.rec.Seen = now
	}
}

// Logout ends the session that token opens; a token that opens none is not
// an error.
func (s *Service) Logout(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.sessions[hashToken(token)]; o != nil {
		s.remove(o)
		s.o.Notify("logout", s.users[o.rec.User].Name, o.rec.Address)
	}
}

// Run ends sessions that reach their limits, within a second, and now and
// then stores when they were last active, until ctx is done; then it stores
// that once more and returns ctx's error.
func (s *Service) Run(ctx context.Context) error {
	check, flush := time.NewTicker(checkEvery), time.NewTicker(flushEvery)
	defer check.Stop()
	defer flush.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := s.flush(time.Minute); err != nil {
				return err
			}
			return context.Cause(ctx)
		case <-s.wake:
			s.tell()
		case <-check.C:
			s.expire()
		case <-flush.C:
			if err := s.flush(seenEvery); err != nil {
				s.o.Log.Error("store session times", "err", err)
			}
		}
	}
}

// tell passes on which sessions have ended.
func (s *Service) tell() {
	s.mu.Lock()
	gone := s.gone
	s.gone = nil
	s.mu.Unlock()
	for _, id := range gone {
		s.o.Ended(id)
	}
}

func (s *Service) expire() {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.sessions {
		if s.over(o, now) {
			s.remove(o)
		}
	}
}

// flush stores, in one transaction, the sessions whose time of last activity
// on disk lags by more than lag.
func (s *Service) flush(lag time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var late []*session
	for _, o := range s.sessions {
		if o.rec.Seen.Sub(o.stored) > lag {
			late = append(late, o)
		}
	}
	if len(late) == 0 {
		return nil
	}
	err := s.db.Bolt.Update(func(tx *bolt.Tx) error {
		n := s.db.WithTransaction(tx)
		for _, o := range late {
			if err := n.Set(sessionsBucket, o.key, o.rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store %d sessions: %w", len(late), err)
	}
	for _, o := range late {
		o.stored = o.rec.Seen
	}
	return nil
}
