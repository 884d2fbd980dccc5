package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// usersBucket is where users are kept in state.db, by folded name.
const usersBucket = "auth_users"

const (
	maxUsers   = 256
	maxCameras = 256 // in a user's set
)

// user is how a person is kept in state.db. A value is never changed in
// place: who changes something copies it first.
type user struct {
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	Cameras   []string  `json:"cameras"` // null or absent: all; []: none
	Hash      string    `json:"hash"`
	Created   time.Time `json:"created"`
	Disabled  bool      `json:"disabled,omitempty"`
	LastLogin time.Time `json:"last_login,omitzero"`
	// Sealed is the secret of the second factor. In memory it is nil unless
	// it could not be opened; then it stays on disk as it is.
	Sealed   []byte   `json:"totp,omitempty"`
	Step     int64    `json:"totp_step,omitempty"` // of the last code that was used
	Recovery []string `json:"recovery,omitempty"`  // hashes

	secret string // of the second factor, base32
}

func (u user) hasTOTP() bool { return u.secret != "" || u.Sealed != nil }

// active reports whether u can sign in.
func (u user) active() bool { return !u.Disabled && u.Role.Valid() }

// rules reports whether u can sign in and manage the others.
func (u user) rules() bool { return u.active() && u.Role == Admin }

// Person is what others may know of a user.
type Person struct {
	Name           string
	Role           Role
	Cameras        []string // nil = all
	Disabled, TOTP bool
	Created        time.Time
	LastLogin      time.Time // zero = never
	Sessions       int
}

func (u user) person(sessions int) Person {
	return Person{
		Name: u.Name, Role: u.Role, Cameras: slices.Clone(u.Cameras), Disabled: u.Disabled, TOTP: u.hasTOTP(),
		Created: u.Created, LastLogin: u.LastLogin, Sessions: sessions,
	}
}

// person describes the user of key. The caller holds mu or write.
func (s *Service) person(key string) Person { return s.users[key].person(len(s.sessionsOf(key))) }

// People returns the users by name.
func (s *Service) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, sessions := make([]Person, 0, len(s.users)), map[string]int{}
	for _, o := range s.sessions {
		sessions[o.user]++
	}
	for key, u := range s.users {
		list = append(list, u.person(sessions[key]))
	}
	slices.SortFunc(list, func(a, b Person) int { return cmp.Compare(fold(a.Name), fold(b.Name)) })
	return list
}

// owned reports whether the box has an owner: an admin. The caller holds mu
// or write.
func (s *Service) owned() bool {
	for _, u := range s.users {
		if u.Role == Admin {
			return true
		}
	}
	return false
}

// Claimed reports whether the box has an owner.
func (s *Service) Claimed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owned()
}

var (
	userName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)
	cameraID = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$`)
)

func checkName(name string) error {
	if !userName.MatchString(name) {
		return &FieldError{"username", "The user name must have 1 to 64 letters, digits, or any of . _ @ - and begin with a letter or digit."}
	}
	return nil
}

func checkRole(role Role) error {
	if !role.Valid() {
		return &FieldError{"role", "The role must be admin, manager, guard or viewer."}
	}
	return nil
}

// cameraSet returns cameras sorted and each once; nil, which is all of them,
// stays nil.
func cameraSet(cameras []string) ([]string, error) {
	if len(cameras) > maxCameras {
		return nil, &FieldError{"cameras", fmt.Sprintf("There may be at most %d cameras; all of them is no list at all.", maxCameras)}
	}
	for _, id := range cameras {
		if !cameraID.MatchString(id) {
			return nil, &FieldError{"cameras", "The cameras must be named by their ids."}
		}
	}
	set := slices.Clone(cameras)
	slices.Sort(set)
	return slices.Compact(set), nil
}

// AddUser adds a user who may see cameras, or all of them if that is nil. It
// returns a *FieldError for a value that will not do, ErrExists, ErrBusy, or
// ErrNoSession if the session of ctx's principal ended meanwhile; ctx need not
// have one. Password is kept as a hash alone. An admin ends the time in which the box
// can be claimed.
func (s *Service) AddUser(ctx context.Context, name string, role Role, password string, cameras []string) (Person, error) {
	set, err := cameraSet(cameras)
	if err = errors.Join(checkName(name), checkRole(role), err, checkPassword(name, password)); err != nil {
		return Person{}, first(err)
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return Person{}, err
	}
	by := From(ctx)
	p, owned, err := s.insert(by, user{Name: name, Role: role, Cameras: set, Hash: hash, Created: time.Now().UTC()})
	if err != nil {
		return Person{}, err
	}
	s.o.Notify(by.notice(Notice{What: "user_added", User: p.Name, Detail: string(role)}))
	if owned {
		s.tellWindow()
	}
	return p, nil
}

// insert stores a new user, and reports whether that made the box owned.
func (s *Service) insert(by *Principal, u user) (p Person, owned bool, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	if by.ended() {
		return Person{}, false, ErrNoSession
	}
	key := fold(u.Name)
	if _, taken := s.users[key]; taken {
		return Person{}, false, ErrExists
	}
	if len(s.users) >= maxUsers {
		return Person{}, false, &FieldError{"username", fmt.Sprintf("There are %d users already.", maxUsers)}
	}
	owned = !s.owned() && u.Role == Admin
	if err := s.commit(change{users: map[string]*user{key: &u}}); err != nil {
		return Person{}, false, fmt.Errorf("store user %s: %w", u.Name, err)
	}
	if owned {
		s.mu.Lock()
		s.setup = setup{}
		s.mu.Unlock()
	}
	return s.person(key), owned, nil
}

// first returns the first of joined errors.
func first(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()[0]
	}
	return err
}

// fold makes user names equal that a person would take for the same.
func fold(name string) string {
	if len(name) > 256 {
		name = name[:256]
	}
	return strings.ToLower(name)
}
