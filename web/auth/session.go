package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// sessionsBucket is where sessions are kept in state.db, by the hex SHA-256
// sum of their tokens.
const sessionsBucket = "auth_sessions"

const (
	tokenBytes  = 32
	maxSessions = 32            // of one user; the one that was idle longest gives way
	maxAgent    = 120           // characters
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
	Agent   string    `json:"agent,omitempty"`
}

// session is a session in memory.
type session struct {
	id      string // the beginning of the hash: names it, does not open it
	key     string // the hash of the token
	user    string // folded
	created time.Time
	address string // as network has it
	agent   string
	ctx     context.Context
	end     context.CancelFunc

	seen   time.Time // changes under Service.mu
	stored time.Time // seen as on disk; changes under Service.write
}

func newSession(key string, rec sessionRecord) *session {
	ctx, end := context.WithCancel(context.Background())
	return &session{
		id: key[:16], key: key, user: rec.User, created: rec.Created, address: rec.Address, agent: rec.Agent,
		ctx: ctx, end: end, seen: rec.Seen, stored: rec.Seen,
	}
}

// newToken makes a session of the user of key, and the token that opens it.
func newToken(key string, c Caller) (token string, o *session) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw) // never fails
	token = base64.RawURLEncoding.EncodeToString(raw)
	now := time.Now()
	return token, newSession(hashToken(token), sessionRecord{
		User: key, Created: now, Seen: now, Address: network(c.Address), Agent: printable(c.Agent),
	})
}

// record is o as it goes to disk. The caller holds mu, or o is not shared yet.
func (o *session) record() sessionRecord {
	return sessionRecord{o.user, o.created, o.seen, o.address, o.agent}
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// printable returns what of agent can be shown, cut to a sensible length.
func printable(agent string) string {
	if len(agent) > 8*maxAgent {
		agent = agent[:8*maxAgent]
	}
	agent = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, agent)
	if r := []rune(agent); len(r) > maxAgent {
		agent = string(r[:maxAgent])
	}
	return agent
}

// sessionsOf returns the sessions of the user of key. The caller holds mu or
// write.
func (s *Service) sessionsOf(key string) []*session {
	var list []*session
	for _, o := range s.sessions {
		if o.user == key {
			list = append(list, o)
		}
	}
	return list
}

// crowd returns the session that gives way to a new one of the user of key,
// if there are too many. The caller holds write.
func (s *Service) crowd(key string) []*session {
	list := s.sessionsOf(key)
	if len(list) < maxSessions {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return []*session{slices.MinFunc(list, func(a, b *session) int { return a.seen.Compare(b.seen) })}
}

// forget ends sessions in memory. The caller holds mu.
func (s *Service) forget(ended []*session) {
	for _, o := range ended {
		if s.sessions[o.key] == o {
			delete(s.sessions, o.key)
			o.end()
			s.over(o.id)
		}
	}
}

// finish ends sessions now, and then on disk. After an error they are over
// for this process, and would come back with the next. The caller holds write.
func (s *Service) finish(ended []*session) error {
	s.mu.Lock()
	s.forget(ended)
	s.mu.Unlock()
	if err := s.commit(change{ended: ended}); err != nil {
		return fmt.Errorf("remove %d sessions: %w", len(ended), err)
	}
	return nil
}

// expired reports whether o has reached one of its limits. Times from before
// the process started have no monotonic reading; should the wall clock step
// back, such a session looks younger, and lives at most Idle longer. The
// caller holds mu.
func (s *Service) expired(o *session, now time.Time) bool {
	idle := s.o.Idle
	if s.users[o.user].Role.Can(Operate) {
		idle = s.o.AdminIdle
	}
	return now.Sub(o.seen) >= idle || now.Sub(o.created) >= s.o.Absolute
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
	if o == nil || s.expired(o, now) {
		return nil, ErrNoSession
	}
	u := s.users[o.user]
	if !u.active() {
		return nil, ErrNoSession
	}
	o.seen = now
	return &Principal{Name: u.Name, Role: u.Role, Cameras: u.Cameras, session: o, touch: func() { s.touch(o) }}, nil
}

func (s *Service) touch(o *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); !s.expired(o, now) {
		o.seen = now
	}
}
