package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vedette/web/auth/otp"
)

const (
	issuer      = "Vedette"
	enrolWithin = 15 * time.Minute
	codeDigits  = 6
)

// enrolment is a second factor that nobody has shown a code of yet. It lives
// in memory alone.
type enrolment struct {
	secret  string
	session *session // that began it
	until   time.Time
}

func (e enrolment) over(now time.Time) bool {
	return e.session.ctx.Err() != nil || !now.Before(e.until)
}

func (u user) withoutTOTP() user {
	u.secret, u.Sealed, u.Step, u.Recovery = "", nil, 0, nil
	return u
}

// useFactor checks code against u's second factor, if u has one, and returns
// u with the code used up, and in a word what it was. Codes of six digits
// have a throttle of their own, per user and without exempt addresses: a
// million of them is not many. Recovery codes, which cannot be guessed, get
// in past it, so that nobody can lock the owner out by wrong codes.
func (s *Service) useFactor(key string, u user, code string) (_ user, how string, err error) {
	switch {
	case !u.hasTOTP():
		return u, "", nil
	case code == "":
		return u, "", errNoFactor
	case !isCode(code):
		rest, ok := otp.UseRecovery(u.Recovery, code)
		if !ok {
			return u, "", ErrSecondFactor
		}
		u.Recovery = rest
		return u, fmt.Sprintf("recovery code, %d left", len(rest)), nil
	}
	forgive, wait := s.throttle.admitOne("2:"+key, freePerUser)
	if wait > 0 {
		return u, "", &ThrottledError{wait}
	}
	step, ok := otp.Verify(u.secret, code, time.Now(), u.Step)
	if !ok {
		return u, "", ErrSecondFactor
	}
	forgive()
	u.Step = step
	return u, "second factor", nil
}

func isCode(code string) bool {
	code = strings.ReplaceAll(code, " ", "")
	return len(code) == codeDigits && strings.Trim(code, "0123456789") == ""
}

// BeginTOTP makes a second factor for p's user, and returns its secret and
// the address that makes an app know it. It is in force once ConfirmTOTP has
// seen a code of it, within 15 minutes and the same session. It returns
// ErrTOTP if there is one already, or the errors of ChangePassword.
func (s *Service) BeginTOTP(ctx context.Context, p *Principal, address, password string) (secret, uri string, err error) {
	u, err := s.confirm(ctx, p, address, password)
	if err != nil {
		return "", "", err
	}
	if u.hasTOTP() {
		return "", "", ErrTOTP
	}
	if secret, uri, err = otp.NewSecret(issuer, u.Name); err != nil {
		return "", "", fmt.Errorf("begin second factor of %s: %w", u.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[fold(u.Name)] = enrolment{secret, p.session, time.Now().Add(enrolWithin)}
	return secret, uri, nil
}

// ConfirmTOTP puts the second factor that BeginTOTP made in force, and
// returns its recovery codes, of which hashes alone are kept. It returns
// ErrNoTOTP if none was begun, ErrTOTP, ErrSecondFactor for a wrong code, a
// *ThrottledError, or ErrNoSession.
func (s *Service) ConfirmTOTP(_ context.Context, p *Principal, code string) (recovery []string, err error) {
	if p == nil || p.session == nil {
		return nil, ErrNoSession
	}
	forgive, wait := s.throttle.admit(p.session.address, "user "+p.session.user)
	if wait > 0 {
		return nil, s.heldOff(p.session.address, wait)
	}
	plain, hashed := otp.NewRecovery()
	err = s.own(p, func(key string, u user) (change, error) {
		s.mu.Lock()
		e, ok := s.pending[key]
		s.mu.Unlock()
		switch {
		case u.hasTOTP():
			return change{}, ErrTOTP
		case !ok || e.session != p.session || e.over(time.Now()):
			return change{}, ErrNoTOTP
		}
		if u.Step, ok = otp.Verify(e.secret, code, time.Now(), 0); !ok {
			return change{}, ErrSecondFactor
		}
		u.secret, u.Recovery = e.secret, hashed
		return change{users: map[string]*user{key: &u}}, nil
	})
	n := p.notice(Notice{What: "totp_added", User: p.Name})
	if err := s.settle(n, forgive, err); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, p.session.user)
	return plain, nil
}

// RemoveTOTP takes the second factor of p's user away; code is one of it, or
// a recovery code. It returns ErrNoTOTP if there is none, ErrSecondFactor, or
// the errors of ChangePassword.
func (s *Service) RemoveTOTP(ctx context.Context, p *Principal, address, password, code string) error {
	u, forgive, err := s.identify(ctx, p, address, password)
	if err != nil {
		return err
	}
	err = s.own(p, func(key string, u user) (change, error) {
		if !u.hasTOTP() {
			return change{}, ErrNoTOTP
		}
		u, _, err := s.useFactor(key, u, code)
		if err != nil {
			return change{}, err
		}
		u = u.withoutTOTP()
		return change{users: map[string]*user{key: &u}}, nil
	})
	n := p.notice(Notice{What: "totp_removed", User: u.Name})
	n.Address = address
	return s.settle(n, forgive, err)
}

// NewRecoveryCodes replaces the recovery codes of p's user. It returns
// ErrNoTOTP if there is no second factor, or the errors of ChangePassword.
func (s *Service) NewRecoveryCodes(ctx context.Context, p *Principal, address, password string) ([]string, error) {
	u, err := s.confirm(ctx, p, address, password)
	if err != nil {
		return nil, err
	}
	plain, hashed := otp.NewRecovery()
	err = s.own(p, func(key string, u user) (change, error) {
		if !u.hasTOTP() {
			return change{}, ErrNoTOTP
		}
		u.Recovery = hashed
		return change{users: map[string]*user{key: &u}}, nil
	})
	if err != nil {
		return nil, err
	}
	s.o.Notify(Notice{What: "user_changed", User: u.Name, Address: address, Via: p.Via(), Detail: "recovery codes"})
	return plain, nil
}
