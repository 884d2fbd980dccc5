package auth

import (
	"context"
	"fmt"
	"time"
)

// Login returns the token of a new session. The second factor, a code or a
// recovery code, is asked for after the right password alone, from those who
// have one. It returns ErrCredentials, ErrSecondFactor, a *ThrottledError or
// ErrBusy. An unknown user and a disabled one take as long as any other.
func (s *Service) Login(ctx context.Context, c Caller, name, password, code string) (token string, err error) {
	key := fold(name)
	u, forgive, err := s.verify(ctx, c.Address, key, password)
	if err != nil {
		return "", err
	}
	n, token, err := s.enter(c, key, u, code)
	return token, s.settle(n, forgive, err)
}

// verify checks the password of the user of key. Forgive takes back that the
// attempt was counted as a failure; whoever calls verify does so once nothing
// else can fail that a guesser could try again.
func (s *Service) verify(ctx context.Context, address, key, password string) (u user, forgive func(), err error) {
	forgive, wait := s.throttle.admit(address, "user "+key)
	if wait > 0 {
		return user{}, nil, s.heldOff(address, wait)
	}
	s.mu.Lock()
	u = s.users[key]
	s.mu.Unlock()
	if len(password) > 4*maxPassword {
		password = "" // no stored password is that long; do not hash megabytes
	}
	ok, err := s.hasher.verify(ctx, u.Hash, password)
	if err != nil {
		forgive() // nothing was learnt
		return user{}, nil, err
	}
	if !ok || !u.active() {
		s.o.Notify(Notice{What: "login_failed", User: u.Name, Role: u.Role, Address: address})
		return user{}, nil, ErrCredentials
	}
	return u, forgive, nil
}

// heldOff is the error of an attempt that is not looked at.
func (s *Service) heldOff(address string, wait time.Duration) error {
	if s.throttle.firstRefusal(address) {
		s.o.Notify(Notice{What: "login_throttled", Address: address})
	}
	return &ThrottledError{wait}
}

// enter begins a session for the user that verify returned. N is what to tell
// of it, whether it succeeds or not.
func (s *Service) enter(c Caller, key string, verified user, code string) (n Notice, token string, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	u, ok := s.users[key]
	if !ok || u.Hash != verified.Hash || !u.active() {
		return Notice{}, "", ErrCredentials // changed while the password was checked
	}
	n = Notice{What: "login", User: u.Name, Role: u.Role, Address: c.Address}
	if u, n.Detail, err = s.useFactor(key, u, code); err != nil {
		return n, "", err
	}
	token, o := newToken(key, c)
	u.LastLogin, n.Via = o.created.UTC(), o.id
	if err := s.commit(change{users: map[string]*user{key: &u}, begun: o, ended: s.crowd(key)}); err != nil {
		return n, "", fmt.Errorf("store session of %s: %w", u.Name, err)
	}
	return n, token, nil
}
