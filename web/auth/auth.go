// Package auth owns who may come in: people and their passwords, second
// factors and sessions, the API keys of machines, the setup window in which a
// box is claimed or its admin restored, and the throttle in front of all of
// them. It knows nothing of routes, and trusts nothing a request says about
// itself except its cookie, its key, and the address its connection comes
// from.
package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/web/auth/keys"
)

// What a caller may branch on. A wrong password, an unknown user and a
// disabled one are the same error.
var (
	ErrCredentials  = errors.New("user name or password is wrong")
	ErrSecondFactor = errors.New("the second factor is missing or wrong")
	ErrCode         = errors.New("claim code is wrong")
	ErrClaimed      = errors.New("the box has an owner already")
	ErrClosed       = errors.New("the setup window is closed")
	ErrExists       = errors.New("there is a user with this name already")
	ErrNoSession    = errors.New("no valid session")
	ErrNoUser       = errors.New("there is no such user")
	ErrNoKey        = errors.New("there is no such API key")
	ErrLastAdmin    = errors.New("this is the last admin who can sign in")
	ErrSelf         = errors.New("nobody can remove themselves")
	ErrTOTP         = errors.New("a second factor is in force already")
	ErrNoTOTP       = errors.New("no second factor is in force or being set up")
)

// errNoFactor is the ErrSecondFactor of who gave none.
var errNoFactor = fmt.Errorf("none was given: %w", ErrSecondFactor)

// ThrottledError says that an attempt was not looked at.
type ThrottledError struct{ RetryAfter time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts; wait %v", e.RetryAfter.Round(time.Second))
}

// Caller is where a request comes from: the address of its connection and
// what its browser calls itself. Neither proves anything.
type Caller struct{ Address, Agent string }

// Notice is something that happened at the door. It holds no secrets.
type Notice struct {
	// What is one of claimed, recovered, login, login_failed,
	// login_throttled, second_factor_failed, logout, user_added,
	// user_changed, user_removed, password_changed, session_ended, key_added,
	// key_removed, totp_added, totp_removed, setup_opened.
	What string
	// User is whose account it is about. For a login_failed it is empty if
	// there is no such user: people type passwords into the wrong field.
	User    string
	Role    Role   // of the account, if it is known
	By      string // who did it, if not User
	Address string // of the connection, or where the session of By began; "" if there was none
	Via     string // Principal.Via of who did it, or "box" for a button
	Target  string // the session or API key concerned
	Detail  string // a few words, for people
}

// Sealer keeps secrets of the database unreadable without the device key. A
// value opens only under the table, id and field that it was sealed for.
type Sealer interface {
	Seal(table, id, field string, plain []byte) ([]byte, error)
	Open(table, id, field string, sealed []byte) ([]byte, error)
}

// Options sets the limits. Every zero value means the default.
type Options struct {
	Idle time.Duration // a session ends after this time without activity; default 24 h
	// AdminIdle is the same for who may operate the box. The default is Idle:
	// a panel on a wall is an admin's as often as not.
	AdminIdle time.Duration
	Absolute  time.Duration // and after this time in any case; default 30 days
	// HashMemoryKiB is the memory one password check takes; default 19 MiB.
	// Lower it in tests alone.
	HashMemoryKiB uint32
	// Code is the claim code of a box without an owner, if somebody chose one
	// beforehand. Empty: a new one for every window.
	Code string
	// SetupWindow is how long a setup window is open; default 15 min.
	SetupWindow time.Duration
	// Window is told of the setup window at every change of it. Calls come
	// one at a time, the last one with what is in force. It must not block,
	// and may call nothing of Service but Setup. How the window stands after
	// Open it is not told.
	Window func(Window)
	// Seal keeps the secrets of second factors. Nil keeps them as they are,
	// which is for tests.
	Seal Sealer
	// Notify is told what happened. It must not block.
	Notify func(Notice)
	// Ended is told by Run of every session that has ended and every key that
	// has, by the name that Principal.Via gave. It is for what outlives
	// requests and does not watch Principal.Context itself.
	Ended func(via string)
	Log   *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Idle = positive(o.Idle, 24*time.Hour)
	o.AdminIdle = positive(o.AdminIdle, o.Idle)
	o.Absolute = positive(o.Absolute, 30*24*time.Hour)
	o.SetupWindow = positive(o.SetupWindow, 15*time.Minute)
	if o.Notify == nil {
		o.Notify = func(Notice) {}
	}
	if o.Ended == nil {
		o.Ended = func(string) {}
	}
	if o.Window == nil {
		o.Window = func(Window) {}
	}
	if o.Seal == nil {
		o.Seal = unsealed{}
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

func positive(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Service is the floor everybody passes. All methods may be called
// concurrently.
type Service struct {
	o        Options
	db       *storm.DB
	hasher   *hasher
	keys     *keys.Store
	throttle *throttle // of people
	badKeys  *throttle // of API keys that open nothing

	// write is held while something is decided and written; mu while memory
	// is read or changed, and never across a write to disk: requests do not
	// wait for the disk, and neither does Reseal, whose caller holds the
	// database. Who locks both takes write first. users and sessions change
	// under both, so that either is enough to read them.
	write sync.Mutex

	mu       sync.Mutex
	users    map[string]user // by folded name
	sessions map[string]*session
	pending  map[string]enrolment // second factors not confirmed yet, by folded name
	setup    setup
	watched  map[string]bool // API keys whose end Ended will be told of
	gone     []string        // what Ended is to be told of
	wake     chan struct{}

	telling sync.Mutex // held while Options.Window is told
}

// Open reads users, sessions and keys from db, which stays the caller's to
// close. While nobody owns the box it opens a setup window.
func Open(db *storm.DB, o Options) (*Service, error) {
	o = o.withDefaults()
	s := &Service{
		o: o, db: db, hasher: newHasher(o.HashMemoryKiB), throttle: newThrottle(), badKeys: newThrottle(),
		users: map[string]user{}, sessions: map[string]*session{}, pending: map[string]enrolment{},
		watched: map[string]bool{}, wake: make(chan struct{}, 1),
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open users: %w", err)
	}
	var err error
	if s.keys, err = keys.Open(db, keys.Options{Log: o.Log}); err != nil {
		return nil, fmt.Errorf("open API keys: %w", err)
	}
	if !s.owned() {
		s.openWindow(time.Now())
	}
	return s, nil
}

// Run ends sessions and keys that reach their limits, within a second, closes
// the setup window, and now and then stores when sessions were last active,
// until ctx is done; then it stores that once more and returns ctx's error.
func (s *Service) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.keys.Run(ctx) }()
	err := s.run(ctx)
	kerr := <-done
	switch cause := context.Cause(ctx); {
	case errors.Is(err, cause):
		return kerr
	case errors.Is(kerr, cause):
		return err
	}
	return errors.Join(err, kerr)
}

func (s *Service) run(ctx context.Context) error {
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
			s.closeWindow()
		case <-flush.C:
			if err := s.flush(seenEvery); err != nil {
				s.o.Log.Error("store session times", "err", err)
			}
		}
	}
}

// tell passes on what has ended.
func (s *Service) tell() {
	s.mu.Lock()
	gone := s.gone
	s.gone = nil
	s.mu.Unlock()
	for _, via := range gone {
		s.o.Ended(via)
	}
}

// over remembers for tell that via has ended. The caller holds mu.
func (s *Service) over(via string) {
	s.gone = append(s.gone, via)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
