package auth

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Logout ends the session that token opens; a token that opens none is not
// an error.
func (s *Service) Logout(token string) {
	s.write.Lock()
	o := s.sessions[hashToken(token)]
	if o == nil {
		s.write.Unlock()
		return
	}
	u := s.users[o.user]
	err := s.finish([]*session{o})
	s.write.Unlock()
	if err != nil {
		s.o.Log.Error("log out", "session", o.id, "err", err)
	}
	s.o.Notify(Notice{What: "logout", User: u.Name, Role: u.Role, Address: o.address, Via: o.id})
}

// SessionInfo describes a session. ID names it and does not open it.
type SessionInfo struct {
	ID, User      string
	Created, Seen time.Time
	Address       string // where it began: an IPv4 address, or an IPv6 /64
	Agent         string // what the browser calls itself
}

// Sessions returns the sessions of user, or all for "", the newest first.
func (s *Service) Sessions(user string) []SessionInfo {
	now, list := time.Now(), []SessionInfo{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.sessions {
		if (user == "" || o.user == fold(user)) && !s.expired(o, now) {
			list = append(list, SessionInfo{o.id, s.users[o.user].Name, o.created, o.seen, o.address, o.agent})
		}
	}
	slices.SortFunc(list, func(a, b SessionInfo) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// EndSession ends the session id of user, or of anybody for "". It returns
// ErrNoSession. After any other error it is over all the same, and would come
// back with a restart.
func (s *Service) EndSession(user, id string) error {
	name, err := s.endSession(user, id)
	if name != "" {
		s.o.Notify(Notice{What: "session_ended", User: name, Target: id})
	}
	return err
}

func (s *Service) endSession(user, id string) (name string, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	for _, o := range s.sessions {
		if o.id == id && (user == "" || o.user == fold(user)) {
			return s.users[o.user].Name, s.finish([]*session{o})
		}
	}
	return "", ErrNoSession
}

// expire ends what has reached its limits.
func (s *Service) expire() {
	now := time.Now()
	s.write.Lock()
	defer s.write.Unlock()
	var ended []*session
	s.mu.Lock()
	for _, o := range s.sessions {
		if s.expired(o, now) {
			ended = append(ended, o)
		}
	}
	for key, e := range s.pending {
		if e.over(now) {
			delete(s.pending, key)
		}
	}
	s.mu.Unlock()
	if len(ended) == 0 {
		return
	}
	if err := s.finish(ended); err != nil {
		s.o.Log.Error("end sessions", "err", err)
	}
}

// flush stores, in one transaction, the sessions whose time of last activity
// on disk lags by more than lag.
func (s *Service) flush(lag time.Duration) error {
	s.write.Lock()
	defer s.write.Unlock()
	late := map[*session]sessionRecord{}
	s.mu.Lock()
	for _, o := range s.sessions {
		if o.seen.Sub(o.stored) > lag {
			late[o] = o.record()
		}
	}
	s.mu.Unlock()
	if len(late) == 0 {
		return nil
	}
	err := s.db.Bolt.Update(func(tx *bolt.Tx) error {
		n := s.db.WithTransaction(tx)
		for o, rec := range late {
			if err := n.Set(sessionsBucket, o.key, rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store %d sessions: %w", len(late), err)
	}
	for o, rec := range late {
		o.stored = rec.Seen
	}
	return nil
}
