// Package auth owns who may come in: users and their passwords, sessions,
// the one-time claim of a fresh box, and the throttle in front of both. It
// knows nothing of routes, and trusts nothing a request says about itself
// except its cookie and the address its connection comes from.
package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
)

// What a caller may branch on. A wrong password and an unknown user are the
// same error.
var (
	ErrCredentials = errors.New("user name or password is wrong")
	ErrCode        = errors.New("claim code is wrong")
	ErrClaimed     = errors.New("the box has an owner already")
	ErrExists      = errors.New("there is a user with this name already")
	ErrNoSession   = errors.New("no valid session")
)

// ThrottledError says that an attempt was not looked at.
type ThrottledError struct{ RetryAfter time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts; wait %v", e.RetryAfter.Round(time.Second))
}

// Options sets the limits. Every zero value means the default.
type Options struct {
	Idle     time.Duration // a session ends after this time without activity; default 24 h
	Absolute time.Duration // and after this time in any case; default 30 days
	// HashMemoryKiB is the memory one password check takes; default 19 MiB.
	// Lower it in tests alone.
	HashMemoryKiB uint32
	// Code is the claim code of a box without a user, if somebody chose one
	// beforehand. Empty: a new one at every start.
	Code string
	// Notify is told what happened: claimed, login, login_failed,
	// login_throttled, logout, user_added. It must not block, and gets no
	// secrets. For a login_failed, user is empty if there is no such user:
	// people type passwords into the wrong field.
	Notify func(what, user, address string)
	// Ended is told by Run of every session that has ended, by the name that
	// Principal.Session gave. It is for what outlives requests and does not
	// watch Principal.Context itself.
	Ended func(session string)
	Log   *slog.Logger
}

// Service is the floor everybody passes. All methods may be called
// concurrently.
type Service struct {
	o        Options
	db       *storm.DB
	hasher   *hasher
	throttle *throttle

	mu       sync.Mutex
	users    map[string]user // by folded name
	sessions map[string]*session
	code     string   // the claim code, empty once there is a user
	gone     []string // sessions that Ended is to be told of
	wake     chan struct{}
}

// user is how a person is kept in state.db.
type user struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Cameras []string  `json:"cameras,omitempty"` // nil = all
	Hash    string    `json:"hash"`
	Created time.Time `json:"created"`
}

// Open reads the users and sessions from db, which stays the caller's to
// close. If there is no user yet it makes a new claim code.
func Open(db *storm.DB, o Options) (*Service, error) {
	if o.Idle <= 0 {
		o.Idle = 24 * time.Hour
	}
	if o.Absolute <= 0 {
		o.Absolute = 30 * 24 * time.Hour
	}
	if o.Notify == nil {
		o.Notify = func(string, string, string) {}
	}
	if o.Ended == nil {
		o.Ended = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		o: o, db: db, hasher: newHasher(o.HashMemoryKiB), throttle: newThrottle(),
		users: map[string]user{}, sessions: map[string]*session{}, wake: make(chan struct{}, 1),
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open users: %w", err)
	}
	if len(s.users) == 0 {
		s.code = cmp.Or(o.Code, newCode())
	}
	return s, nil
}

// ClaimCode returns the code that makes the first admin, or "" if there is a
// user. It is shown to whoever is at the box and to nobody else.
func (s *Service) ClaimCode() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code
}

// Claimed reports whether the box has an owner.
func (s *Service) Claimed() bool { return s.ClaimCode() == "" }

// Claim makes the first admin and returns the token of a new session. It
// returns ErrClaimed, ErrCode, a *FieldError, a *ThrottledError or ErrBusy.
// Of any number of claims at once exactly one can succeed.
func (s *Service) Claim(ctx context.Context, address, code, name, password string) (string, error) {
	valid := s.ClaimCode()
	if valid == "" {
		return "", ErrClaimed
	}
	success, wait := s.throttle.admit(address, "claim code")
	if wait > 0 {
		s.o.Notify("login_throttled", "", address)
		return "", &ThrottledError{wait}
	}
	if !sameCode(valid, code) {
		s.o.Notify("login_failed", "", address)
		return "", ErrCode
	}
	success()
	if err := s.addUser(ctx, name, Admin, password, true); err != nil {
		return "", err
	}
	s.o.Notify("claimed", name, address)
	return s.begin(name, address)
}

// AddUser adds a user. It returns a *FieldError for a name, role or password
// that will not do, and ErrExists. Role may be any of the four; password is
// kept as a hash alone.
func (s *Service) AddUser(ctx context.Context, name string, role Role, password string) error {
	if err := s.addUser(ctx, name, role, password, false); err != nil {
		return err
	}
	s.o.Notify("user_added", name, "")
	return nil
}

var userName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

func (s *Service) addUser(ctx context.Context, name string, role Role, password string, first bool) error {
	if !userName.MatchString(name) {
		return &FieldError{"username", "The user name must have 1 to 64 letters, digits, or any of . _ @ - and begin with a letter or digit."}
	}
	if !role.Valid() {
		return &FieldError{"role", "The role must be admin, manager, guard or viewer."}
	}
	if err := checkPassword(name, password); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first && s.code == "" {
		return ErrClaimed
	}
	if _, taken := s.users[fold(name)]; taken {
		return ErrExists
	}
	u := user{Name: name, Role: role, Hash: hash, Created: time.Now().UTC()}
	if err := s.db.Set(usersBucket, fold(name), u); err != nil {
		return fmt.Errorf("store user %s: %w", name, err)
	}
	s.users[fold(name)] = u
	s.code = ""
	return nil
}

// Login returns the token of a new session. It returns ErrCredentials, a
// *ThrottledError or ErrBusy. An unknown user takes as long as a known one.
func (s *Service) Login(ctx context.Context, address, name, password string) (string, error) {
	success, wait := s.throttle.admit(address, fold(name))
	if wait > 0 {
		s.o.Notify("login_throttled", "", address)
		return "", &ThrottledError{wait}
	}
	s.mu.Lock()
	u := s.users[fold(name)]
	s.mu.Unlock()
	if len(password) > 4*maxPassword {
		password = "" // no stored password is that long; do not hash megabytes
	}
	ok, err := s.hasher.verify(ctx, u.Hash, password)
	if err != nil {
		success() // nothing was learnt
		return "", err
	}
	if !ok {
		s.o.Notify("login_failed", u.Name, address)
		return "", ErrCredentials
	}
	success()
	s.o.Notify("login", u.Name, address)
	return s.begin(u.Name, address)
}

// fold makes user names equal that a person would take for the same.
func fold(name string) string {
	if len(name) > 256 {
		name = name[:256]
	}
	return strings.ToLower(name)
}
