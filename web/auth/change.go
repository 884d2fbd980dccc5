package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Change is what to change of a user; nil is to leave it.
type Change struct {
	Role       *Role
	Cameras    *[]string // pointer to nil: all
	Disabled   *bool
	Password   *string
	RemoveTOTP bool
}

// ChangeUser changes the user name for by, which may be nil for whoever is at
// the box itself. If role, cameras or password change, or the user is
// disabled, all sessions of the user end. It returns ErrNoUser, ErrLastAdmin,
// a *FieldError, ErrBusy, or ErrNoSession if by's session ended meanwhile.
func (s *Service) ChangeUser(ctx context.Context, by *Principal, name string, c Change) (Person, error) {
	if c.Role != nil {
		if err := checkRole(*c.Role); err != nil {
			return Person{}, err
		}
	}
	if c.Cameras != nil {
		set, err := cameraSet(*c.Cameras)
		if err != nil {
			return Person{}, err
		}
		c.Cameras = &set
	}
	hash := ""
	if c.Password != nil {
		if err := checkPassword(name, *c.Password); err != nil {
			return Person{}, err
		}
		var err error
		if hash, err = s.hasher.hash(ctx, *c.Password); err != nil {
			return Person{}, err
		}
	}
	p, fields, err := s.apply(by, name, c, hash)
	if err != nil {
		return Person{}, err
	}
	s.o.Notify(by.notice(Notice{What: "user_changed", User: p.Name, Detail: strings.Join(fields, ", ")}))
	return p, nil
}

// apply is ChangeUser with all values checked. It returns the fields that
// have changed.
func (s *Service) apply(by *Principal, name string, c Change, hash string) (Person, []string, error) {
	s.write.Lock()
	defer s.write.Unlock()
	key := fold(name)
	old, ok := s.users[key]
	if !ok {
		return Person{}, nil, ErrNoUser
	}
	u, fields, end := c.to(old, hash)
	if old.rules() && !u.rules() && !s.rulesWithout(key) {
		return Person{}, nil, ErrLastAdmin
	}
	if by.ended() {
		return Person{}, nil, ErrNoSession // by was removed a moment ago, or disabled
	}
	if len(fields) == 0 {
		return s.person(key), nil, nil
	}
	t := change{users: map[string]*user{key: &u}}
	if end {
		t.ended = s.sessionsOf(key)
	}
	if err := s.commit(t); err != nil {
		return Person{}, nil, fmt.Errorf("change user %s: %w", old.Name, err)
	}
	return s.person(key), fields, nil
}

// to returns u as c makes it, the fields that differ, and whether u's sessions
// end with it.
func (c Change) to(u user, hash string) (_ user, fields []string, end bool) {
	changed := func(field string, ends bool) {
		fields = append(fields, field)
		end = end || ends
	}
	if c.Role != nil && u.Role != *c.Role {
		u.Role = *c.Role
		changed("role", true)
	}
	if c.Cameras != nil && ((u.Cameras == nil) != (*c.Cameras == nil) || !slices.Equal(u.Cameras, *c.Cameras)) {
		u.Cameras = *c.Cameras
		changed("cameras", true)
	}
	if c.Disabled != nil && u.Disabled != *c.Disabled {
		u.Disabled = *c.Disabled
		changed("disabled", true)
	}
	if hash != "" {
		u.Hash = hash
		changed("password", true)
	}
	if c.RemoveTOTP && u.hasTOTP() {
		u = u.withoutTOTP()
		changed("totp", false)
	}
	return u, fields, end
}

// rulesWithout reports whether somebody but the user of key could still
// manage the box. The caller holds mu or write.
func (s *Service) rulesWithout(key string) bool {
	for k, u := range s.users {
		if k != key && u.rules() {
			return true
		}
	}
	return false
}

// RemoveUser removes the user name and ends all sessions of the user. By may
// be nil, as for ChangeUser. It returns ErrNoUser, ErrLastAdmin, ErrSelf, or
// ErrNoSession if by's session ended meanwhile.
func (s *Service) RemoveUser(by *Principal, name string) error {
	old, err := s.discard(by, fold(name))
	if err != nil {
		return err
	}
	s.o.Notify(by.notice(Notice{What: "user_removed", User: old.Name}))
	return nil
}

func (s *Service) discard(by *Principal, key string) (user, error) {
	s.write.Lock()
	defer s.write.Unlock()
	old, ok := s.users[key]
	switch {
	case !ok:
		return user{}, ErrNoUser
	case old.rules() && !s.rulesWithout(key):
		return user{}, ErrLastAdmin
	case by.ended():
		return user{}, ErrNoSession
	case by != nil && fold(by.Name) == key:
		return user{}, ErrSelf
	}
	if err := s.commit(change{users: map[string]*user{key: nil}, ended: s.sessionsOf(key)}); err != nil {
		return user{}, fmt.Errorf("remove user %s: %w", old.Name, err)
	}
	return old, nil
}

// ChangePassword gives p's user another password, if current is the one so
// far. Every session of the user ends; the token is of a new one. It returns
// a *FieldError, ErrCredentials, a *ThrottledError, ErrBusy, or ErrNoSession
// if p has no session or it ended meanwhile.
func (s *Service) ChangePassword(ctx context.Context, p *Principal, address, current, password string) (token string, err error) {
	if p == nil || p.session == nil {
		return "", ErrNoSession
	}
	if err := checkPassword(p.Name, password); err != nil {
		return "", err
	}
	u, err := s.confirm(ctx, p, address, current)
	if err != nil {
		return "", err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return "", err
	}
	var via string
	err = s.own(p, func(key string, u user) (change, error) {
		u.Hash = hash
		c := change{users: map[string]*user{key: &u}, ended: s.sessionsOf(key)}
		token, c.begun = newToken(key, Caller{address, p.session.agent})
		via = c.begun.id
		return c, nil
	})
	if err != nil {
		return "", err
	}
	s.o.Notify(Notice{What: "password_changed", User: u.Name, Role: u.Role, Address: address, Via: via})
	return token, nil
}

// notice completes n with who did it.
func (p *Principal) notice(n Notice) Notice {
	if p == nil {
		return n
	}
	n.Via = p.Via()
	if p.Name != n.User {
		n.By = p.Name
	}
	if p.session != nil {
		n.Address = p.session.address
	}
	return n
}
