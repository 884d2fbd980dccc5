package auth

import (
	"context"
	"errors"
	"fmt"
)

// identify checks the password of p's own account, throttled like a login.
// It returns the errors of verify, and ErrNoSession.
func (s *Service) identify(ctx context.Context, p *Principal, address, password string) (user, func(), error) {
	if p == nil || p.session == nil || p.ended() {
		return user{}, nil, ErrNoSession
	}
	return s.verify(ctx, address, p.session.user, password)
}

// confirm is identify where the password is all that can be guessed.
func (s *Service) confirm(ctx context.Context, p *Principal, address, password string) (user, error) {
	u, forgive, err := s.identify(ctx, p, address, password)
	if err == nil {
		forgive()
	}
	return u, err
}

// own makes a change of p's own account. What decide returns is written if it
// returns no error; it is called with write held. Own returns ErrNoSession if
// p's session has ended, as it has if the password was changed meanwhile.
func (s *Service) own(p *Principal, decide func(key string, u user) (change, error)) error {
	s.write.Lock()
	defer s.write.Unlock()
	key := p.session.user
	u, ok := s.users[key]
	if !ok || p.ended() {
		return ErrNoSession
	}
	c, err := decide(key, u)
	if err != nil {
		return err
	}
	if err := s.commit(c); err != nil {
		return fmt.Errorf("change account of %s: %w", u.Name, err)
	}
	return nil
}

// settle tells what became of an attempt with a second factor, and takes it
// back as a failure unless something was guessed wrong. It returns err.
func (s *Service) settle(n Notice, forgive func(), err error) error {
	var slow *ThrottledError
	switch {
	case errors.Is(err, errNoFactor): // nothing was guessed
	case errors.Is(err, ErrSecondFactor):
		n.What, n.Detail = "second_factor_failed", ""
		s.o.Notify(n)
		return err
	case errors.As(err, &slow):
		_ = s.heldOff(n.Address, slow.RetryAfter) // for the notice
	case err == nil:
		s.o.Notify(n)
	}
	forgive()
	return err
}
