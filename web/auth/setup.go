package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// maxGuesses is how many wrong codes a window survives with the same code.
const maxGuesses = 10

// setup is the setup window; the zero one is closed.
type setup struct {
	code  string
	until time.Time // with a monotonic reading: steps of the clock do not matter
	wrong int
}

func (w setup) open(now time.Time) bool { return w.code != "" && now.Before(w.until) }

// Window describes the setup window: while it is open, the code makes an
// admin.
type Window struct {
	Open    bool
	Until   time.Time // when it closes, if it is open
	Claimed bool      // the box has an owner
	// Code is for whoever stands at the box and nobody else; "" if the window
	// is closed.
	Code string
}

// Setup returns how the setup window stands.
func (s *Service) Setup() Window {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, now := Window{Claimed: s.owned()}, time.Now()
	if s.setup.open(now) {
		// By the wall clock as it is now, which may have been set meanwhile.
		left := s.setup.until.Sub(now)
		w.Open, w.Until, w.Code = true, now.Round(0).Add(left), s.setup.code
	}
	return w
}

// ClaimCode returns the code while the setup window is open, or "". It is
// shown to whoever is at the box and to nobody else.
func (s *Service) ClaimCode() string { return s.Setup().Code }

// OpenSetup opens the setup window, or opens it anew with another code, and
// forgives all failed attempts. It is for a button on the box.
func (s *Service) OpenSetup() {
	s.mu.Lock()
	s.openWindow(time.Now())
	s.mu.Unlock()
	s.throttle.forgive()
	s.badKeys.forgive()
	s.o.Notify(Notice{What: "setup_opened", Via: "box"})
	s.tellWindow()
}

// openWindow opens the window. The caller holds mu.
func (s *Service) openWindow(now time.Time) {
	s.setup = setup{code: s.freshCode(), until: now.Add(s.o.SetupWindow)}
}

// freshCode returns the code for a window: the one that was chosen
// beforehand, as long as nobody owns the box. The caller holds mu.
func (s *Service) freshCode() string {
	if s.owned() {
		return newCode()
	}
	return cmp.Or(s.o.Code, newCode())
}

// closeWindow forgets a window whose time is up.
func (s *Service) closeWindow() {
	s.mu.Lock()
	late := s.setup.code != "" && !s.setup.open(time.Now())
	if late {
		s.setup = setup{}
	}
	s.mu.Unlock()
	if late {
		s.tellWindow()
	}
}

// tellWindow tells Options.Window how the window stands.
func (s *Service) tellWindow() {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.o.Window(s.Setup())
}

// Claim makes an admin of whoever knows the code of the setup window, and
// returns the token of a new session. On a box with an owner it also restores
// an admin: with the new password, enabled, without a second factor, and with
// all other sessions ended. A success closes the window.
//
// It returns ErrClaimed or ErrClosed if no window is open, on a box with and
// without an owner, ErrCode, ErrExists if the name is that of somebody who is
// no admin, a *FieldError, a *ThrottledError or ErrBusy. Of any number of
// claims at once exactly one can succeed.
func (s *Service) Claim(ctx context.Context, c Caller, code, name, password string) (token string, err error) {
	s.mu.Lock()
	err = s.closed()
	s.mu.Unlock()
	if err != nil {
		return "", err
	}
	forgive, wait := s.throttle.admit(c.Address, "setup code")
	if wait > 0 {
		return "", s.heldOff(c.Address, wait)
	}
	err = s.tryCode(code)
	if errors.Is(err, ErrCode) {
		s.o.Notify(Notice{What: "login_failed", Address: c.Address, Detail: "setup code"})
		return "", err
	}
	forgive()
	if err != nil {
		return "", err
	}
	if err := checkName(name); err != nil {
		return "", err
	}
	if err := checkPassword(name, password); err != nil {
		return "", err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return "", err
	}
	n, token, err := s.take(c, code, name, hash)
	if err != nil {
		return "", err
	}
	s.o.Notify(n)
	s.tellWindow()
	return token, nil
}

// closed returns why there is nothing to claim, or nil. The caller holds mu.
func (s *Service) closed() error {
	switch {
	case s.setup.open(time.Now()):
		return nil
	case s.owned():
		return ErrClaimed
	}
	return ErrClosed
}

// wrong returns why typed is not the code, or nil. The caller holds mu.
func (s *Service) wrong(typed string) error {
	if err := s.closed(); err != nil {
		return err
	}
	if !sameCode(s.setup.code, typed) {
		return ErrCode
	}
	return nil
}

// tryCode is wrong, and counts. After ten wrong codes the code is void and
// there is another; one that was chosen beforehand stays, for whoever chose it
// may have no other way to learn the new one.
func (s *Service) tryCode(typed string) error {
	s.mu.Lock()
	err := s.wrong(typed)
	if errors.Is(err, ErrCode) {
		s.setup.wrong++
	}
	renew := s.setup.wrong >= maxGuesses
	if renew {
		s.setup.code, s.setup.wrong = s.freshCode(), 0
	}
	s.mu.Unlock()
	if renew {
		s.tellWindow()
	}
	return err
}

// take is Claim with the code checked once and all else ready.
func (s *Service) take(c Caller, code, name, hash string) (n Notice, token string, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	err = s.wrong(code) // by now: somebody may have been faster
	s.mu.Unlock()
	if err != nil {
		return n, "", err
	}
	key := fold(name)
	n = Notice{What: "claimed", User: name, Role: Admin, Address: c.Address}
	u, known := s.users[key]
	switch {
	case known && u.Role != Admin:
		return n, "", ErrExists
	case known:
		n.What, n.User = "recovered", u.Name
		u = u.withoutTOTP()
		u.Hash, u.Disabled = hash, false
	default:
		u = user{Name: name, Role: Admin, Hash: hash, Created: time.Now().UTC()}
	}
	token, o := newToken(key, c)
	u.LastLogin, n.Via = o.created.UTC(), o.id
	if err := s.commit(change{users: map[string]*user{key: &u}, begun: o, ended: s.sessionsOf(key)}); err != nil {
		return n, "", fmt.Errorf("store admin %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setup = setup{}
	return n, token, nil
}
