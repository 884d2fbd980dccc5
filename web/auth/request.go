package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"vedette/web/auth/keys"
)

// KeyHeader is the header of an API key; Authorization: Bearer is the other.
const KeyHeader = "X-API-Key"

// AuthenticateRequest returns who sent r: the holder of the session in its
// cookie, or of the API key in its headers. A request with both, or with two
// keys, is ambiguous and has neither; a key that opens nothing never falls
// back to the cookie. It returns ErrNoSession, or a *ThrottledError for a key
// that asks too often, or an address with too many wrong ones. A right key is
// not held up by the wrong ones of its address: 256 bits are not guessed.
func (s *Service) AuthenticateRequest(r *http.Request) (*Principal, error) {
	secrets := presented(r.Header)
	token := Token(r)
	switch {
	case len(secrets) == 0:
		return s.Authenticate(token)
	case token != "":
		return nil, ErrNoSession
	}
	for _, other := range secrets[1:] {
		if other != secrets[0] {
			return nil, ErrNoSession
		}
	}
	k, ctx, ok := s.keys.Check(secrets[0])
	if !ok || !Role(k.Role).Machine() {
		return nil, s.badKey(r.RemoteAddr)
	}
	if wait := s.keys.Admit(k.ID); wait > 0 {
		return nil, &ThrottledError{wait}
	}
	s.watch(k.ID, ctx)
	return &Principal{Name: k.Name, Role: Role(k.Role), Cameras: k.Cameras, Key: k.ID, ctx: ctx}, nil
}

// presented returns every API key in h, empty ones too. Another scheme than
// Bearer is not ours: it may be a proxy's.
func presented(h http.Header) []string {
	secrets := append([]string(nil), h.Values(KeyHeader)...)
	for _, v := range h.Values("Authorization") {
		scheme, rest, _ := strings.Cut(v, " ")
		if strings.EqualFold(scheme, "Bearer") {
			secrets = append(secrets, strings.TrimSpace(rest))
		}
	}
	return secrets
}

// badKey counts a key that opened nothing.
func (s *Service) badKey(address string) error {
	if _, wait := s.badKeys.admitOne(addressLane(address), freePerAddress); wait > 0 {
		if s.badKeys.firstRefusal(address) {
			s.o.Notify(Notice{What: "login_throttled", Address: address, Detail: "API key"})
		}
		return &ThrottledError{wait}
	}
	s.o.Notify(Notice{What: "login_failed", Address: address, Detail: "API key"})
	return ErrNoSession
}

// watch has Ended told when the key does, once however often it is used.
func (s *Service) watch(id string, ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watched[id] {
		return
	}
	s.watched[id] = true
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watched, id)
		s.over(viaKey(id))
	})
}

// Keys returns the API keys, the oldest first, without what opens them.
func (s *Service) Keys() []keys.Key { return s.keys.List() }

// AddKey makes an API key for by. The secret is in its answer and nowhere
// else. It returns a *keys.FieldError, keys.ErrFull, or ErrNoSession if
// by's session ended meanwhile.
func (s *Service) AddKey(by *Principal, n keys.New) (k keys.Key, secret string, err error) {
	if by != nil {
		n.CreatedBy = by.Name
	}
	s.write.Lock() // by cannot end while it is written
	if by.ended() {
		err = ErrNoSession
	} else {
		k, secret, err = s.keys.Add(n)
	}
	s.write.Unlock()
	if err != nil {
		return keys.Key{}, "", err
	}
	s.o.Notify(by.notice(Notice{What: "key_added", User: n.CreatedBy, Target: k.ID, Detail: k.Role + " " + k.Name}))
	return k, secret, nil
}

// RemoveKey ends an API key and whatever runs under it. It returns ErrNoKey.
func (s *Service) RemoveKey(by *Principal, id string) error {
	err := s.keys.Remove(id)
	if errors.Is(err, keys.ErrNotFound) {
		return ErrNoKey
	}
	n := Notice{What: "key_removed", Target: id}
	if by != nil {
		n.User = by.Name
	}
	s.o.Notify(by.notice(n))
	return err
}
