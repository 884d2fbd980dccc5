package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func ptr[T any](v T) *T { return &v }

const otherPassword = "entirely different 8"

// TestWhatEndsSessions does each thing to ann, who has two sessions, while
// bob has one.
func TestWhatEndsSessions(t *testing.T) {
	change := func(c Change) func(*testing.T, *box, *Principal, *Principal) {
		return func(t *testing.T, b *box, owner, _ *Principal) {
			if _, err := b.ChangeUser(t.Context(), owner, "Ann", c); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name string
		do   func(t *testing.T, b *box, owner, ann *Principal)
		left int // of ann's two sessions
	}{
		{"another role", change(Change{Role: ptr(Guard)}), 0},
		{"the role it was", change(Change{Role: ptr(Manager)}), 2},
		{"other cameras", change(Change{Cameras: ptr([]string{"gate"})}), 0},
		{"no cameras", change(Change{Cameras: ptr([]string{})}), 0},
		{"the cameras they were", change(Change{Cameras: ptr([]string(nil))}), 2},
		{"disabling", change(Change{Disabled: ptr(true)}), 0},
		{"enabling who is enabled", change(Change{Disabled: ptr(false)}), 2},
		{"a password from an admin", change(Change{Password: ptr(otherPassword)}), 0},
		{"the second factor taken away", change(Change{RemoveTOTP: true}), 2},
		{"nothing", change(Change{}), 2},
		{"removal", func(t *testing.T, b *box, owner, _ *Principal) {
			if err := b.RemoveUser(owner, "ANN"); err != nil {
				t.Fatal(err)
			}
		}, 0},
		{"the own password", func(t *testing.T, b *box, _, ann *Principal) {
			token, err := b.ChangePassword(t.Context(), ann, "10.0.0.3:1", goodPassword, otherPassword)
			if err != nil {
				t.Fatal(err)
			}
			b.Logout(token)
		}, 0},
		{"one of the sessions ended", func(t *testing.T, b *box, _, ann *Principal) {
			if err := b.EndSession("ANN", ann.Session()); err != nil {
				t.Fatal(err)
			}
		}, 1},
		{"one ended by an admin", func(t *testing.T, b *box, _, ann *Principal) {
			if err := b.EndSession("", ann.Session()); err != nil {
				t.Fatal(err)
			}
		}, 1},
		{"another's attempt to end it", func(t *testing.T, b *box, _, ann *Principal) {
			if err := b.EndSession("bob", ann.Session()); !errors.Is(err, ErrNoSession) {
				t.Errorf("EndSession = %v, want ErrNoSession", err)
			}
		}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, Options{})
				owner := b.principal(t, b.claimed(t))
				ann := b.person(t, "ann", Manager)
				b.enrolled(t, ann)
				bob := b.person(t, "bob", Manager)
				time.Sleep(time.Minute) // for another code
				again := b.principal(t, b.login(t, "ann", codeAt(t, b.users["ann"].secret, time.Now())))
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- b.Run(ctx) }()

				tt.do(t, b, owner, ann)
				if got := alive(ann, again); got != tt.left {
					t.Errorf("%d of ann's contexts alive at once, want %d", got, tt.left)
				}
				if got := len(b.Sessions("ann")); got != tt.left {
					t.Errorf("%d of ann's sessions listed, want %d", got, tt.left)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				for _, p := range []*Principal{ann, again} {
					b.mu.Lock()
					told := slices.Contains(b.ended, p.Via())
					b.mu.Unlock()
					if told != (p.Context().Err() != nil) {
						t.Errorf("told of the end: %v, ended: %v", told, p.Context().Err())
					}
				}
				cancel()
				<-done
				b.reopen(t, Options{})
				if got := len(b.Sessions("ann")); got != tt.left {
					t.Errorf("%d of ann's sessions after a restart, want %d", got, tt.left)
				}
				if alive(bob, owner) != 2 || len(b.Sessions("")) != tt.left+2 {
					t.Error("somebody else's session ended")
				}
			})
		})
	}
}

func alive(ps ...*Principal) (n int) {
	for _, p := range ps {
		if p.Context().Err() == nil {
			n++
		}
	}
	return n
}

func TestSomebodyWhoCanManageTheBoxIsAlwaysLeft(t *testing.T) {
	demote, off, none := Change{Role: ptr(Viewer)}, Change{Disabled: ptr(true)}, Change{Cameras: ptr([]string{})}
	tests := []struct {
		name  string
		other Change // of the second admin, beforehand
		do    func(b *box) error
		want  error
	}{
		{"the last one is not removed", off, func(b *box) error { return b.RemoveUser(nil, "owner") }, ErrLastAdmin},
		{"the last one is not demoted", demote, changeOwner(demote), ErrLastAdmin},
		{"the last one is not disabled", off, changeOwner(off), ErrLastAdmin},
		{"the last one may be changed otherwise", off, changeOwner(none), nil},
		{"one of two is removed", Change{}, func(b *box) error { return b.RemoveUser(nil, "owner") }, nil},
		{"one of two is demoted", Change{}, changeOwner(demote), nil},
		{"one of two is disabled", Change{}, changeOwner(off), nil},
		{"a disabled admin is removed", off, func(b *box) error { return b.RemoveUser(nil, "second") }, nil},
		{"nobody is removed", off, func(b *box) error { return b.RemoveUser(nil, "nobody") }, ErrNoUser},
		{"nobody is changed", off, func(b *box) error { _, err := b.ChangeUser(context.Background(), nil, "nobody", demote); return err }, ErrNoUser},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, Options{})
			b.claimed(t)
			b.person(t, "second", Admin)
			if _, err := b.ChangeUser(t.Context(), nil, "second", tt.other); err != nil {
				t.Fatal(err)
			}
			before := len(b.users)
			if err := tt.do(b); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			b.reopen(t, Options{})
			if !slices.ContainsFunc(b.People(), func(p Person) bool { return p.Role == Admin && !p.Disabled }) {
				t.Error("nobody can manage the box any more")
			}
			if tt.want != nil && (len(b.users) != before || !b.users["owner"].rules()) {
				t.Error("refused, and done all the same")
			}
		})
	}
}

func changeOwner(c Change) func(*box) error {
	return func(b *box) error { _, err := b.ChangeUser(context.Background(), nil, "owner", c); return err }
}

func TestOfTwoAdminsWhoRemoveEachOtherOneIsLeft(t *testing.T) {
	ways := map[string]func(b *box, by *Principal, name string) error{
		"removing": func(b *box, by *Principal, name string) error { return b.RemoveUser(by, name) },
		"disabling": func(b *box, by *Principal, name string) error {
			_, err := b.ChangeUser(context.Background(), by, name, Change{Disabled: ptr(true)})
			return err
		},
		"demoting": func(b *box, by *Principal, name string) error {
			_, err := b.ChangeUser(context.Background(), by, name, Change{Role: ptr(Guard)})
			return err
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				b := newBox(t, Options{})
				pair := []*Principal{b.principal(t, b.claimed(t)), b.person(t, "second", Admin)}
				var wg sync.WaitGroup
				errs := make([]error, 2)
				start := make(chan bool)
				for i := range pair {
					wg.Go(func() { <-start; errs[i] = way(b, pair[i], pair[1-i].Name) })
				}
				close(start)
				wg.Wait()
				if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), ErrLastAdmin) {
					t.Fatalf("%v, want one ErrLastAdmin", errs)
				}
				b.reopen(t, Options{})
				if n := len(slices.DeleteFunc(b.People(), func(p Person) bool { return p.Role != Admin || p.Disabled })); n != 1 {
					t.Fatalf("%d admins left, want 1", n)
				}
			}
		})
	}
}

// TestWhoWasRemovedAMomentAgoChangesNothing: the request had passed the floor.
func TestWhoWasRemovedAMomentAgoChangesNothing(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	fired := b.person(t, "fired", Admin)
	b.person(t, "ann", Viewer)
	if err := b.RemoveUser(owner, "fired"); err != nil {
		t.Fatal(err)
	}
	ctx := WithPrincipal(t.Context(), fired)
	_, change := b.ChangeUser(ctx, fired, "ann", Change{Role: ptr(Admin)})
	_, add := b.AddUser(ctx, "back-door", Admin, goodPassword, nil)
	for what, err := range map[string]error{"change": change, "add": add, "remove": b.RemoveUser(fired, "ann")} {
		if !errors.Is(err, ErrNoSession) {
			t.Errorf("%s: %v, want ErrNoSession", what, err)
		}
	}
	if len(b.users) != 2 || b.users["ann"].Role != Viewer {
		t.Error("changed all the same")
	}
}

func TestNobodyRemovesThemselves(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	second := b.person(t, "Second", Admin)
	if err := b.RemoveUser(second, "SECOND"); !errors.Is(err, ErrSelf) || len(b.users) != 2 {
		t.Errorf("%v, want ErrSelf", err)
	}
}

func TestADisabledUserCannotLogIn(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	ann := b.person(t, "ann", Viewer)
	b.enrolled(t, ann)
	if _, err := b.ChangeUser(t.Context(), owner, "ann", Change{Disabled: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	for range freePerAddress {
		if _, err := b.Login(t.Context(), from("10.0.0.8:1"), "ann", goodPassword, "123456"); !errors.Is(err, ErrCredentials) {
			t.Errorf("login: %v, want ErrCredentials and nothing of a second factor", err)
		}
	}
	if _, wait := b.throttle.admit("10.0.0.8:1", "x"); wait != 0 {
		t.Error("held off too early")
	}
	if _, wait := b.throttle.admit("10.0.0.8:1", "x"); wait == 0 {
		t.Error("the right password of a disabled user is not counted as a failure: it can be told from a wrong one")
	}
	if _, err := b.ChangeUser(t.Context(), owner, "ann", Change{Disabled: ptr(false), RemoveTOTP: true}); err != nil {
		t.Fatal(err)
	}
	b.login(t, "ann", "")
}

func TestChangingTheOwnPassword(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	for name, pair := range map[string][2]string{"a wrong current one": {"not mine", otherPassword}, "none": {"", otherPassword}} {
		if _, err := b.ChangePassword(t.Context(), owner, "10.0.0.1:1", pair[0], pair[1]); !errors.Is(err, ErrCredentials) {
			t.Errorf("%s: %v, want ErrCredentials", name, err)
		}
	}
	var fe *FieldError
	if _, err := b.ChangePassword(t.Context(), owner, "10.0.0.1:1", goodPassword, "short"); !errors.As(err, &fe) || fe.Name != "password" {
		t.Errorf("a short one: %v, want a FieldError", err)
	}
	if owner.Context().Err() != nil {
		t.Fatal("the session ended without a change")
	}
	b.told()
	token, err := b.ChangePassword(t.Context(), owner, "10.0.0.1:1", goodPassword, otherPassword)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.told(); !slices.Equal(got, []string{"password_changed owner"}) {
		t.Errorf("notices %q", got)
	}
	fresh := b.principal(t, token)
	if owner.Context().Err() == nil || fresh.Session() == owner.Session() || b.Sessions("owner")[0].Agent != "a test" {
		t.Errorf("the session goes on, or the new one is not like it: %+v", b.Sessions("owner"))
	}
	if _, err := b.Login(t.Context(), from("10.0.0.4:1"), "owner", goodPassword, ""); !errors.Is(err, ErrCredentials) {
		t.Errorf("the old password: %v, want ErrCredentials", err)
	}
	if _, err := b.Login(t.Context(), from("10.0.0.4:1"), "owner", otherPassword, ""); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if _, err := b.ChangePassword(t.Context(), owner, "10.0.0.1:1", otherPassword, goodPassword); !errors.Is(err, ErrNoSession) {
		t.Errorf("with a session that has ended: %v, want ErrNoSession", err)
	}
	for _, p := range []*Principal{nil, {Name: "owner", Role: Worker, Key: "abc"}} {
		if _, err := b.ChangePassword(t.Context(), p, "10.0.0.1:1", otherPassword, goodPassword); !errors.Is(err, ErrNoSession) {
			t.Errorf("without a session: %v, want ErrNoSession", err)
		}
	}
}

func TestGuessingTheCurrentPasswordIsSlowed(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	for range 3 * freePerUser { // the right one is not counted
		if _, _, err := b.BeginTOTP(t.Context(), owner, "10.0.0.7:1", goodPassword); err != nil {
			t.Fatal(err)
		}
	}
	looked := 0
	for range 20 {
		if _, err := b.ChangePassword(t.Context(), owner, "10.0.0.7:1", "guess", otherPassword); errors.Is(err, ErrCredentials) {
			looked++
		}
	}
	if looked != freePerAddress+1 {
		t.Errorf("%d guesses looked at, want %d", looked, freePerAddress+1)
	}
}

// TestAPasswordCheckedBeforeItsChangeOpensNothing: a check takes its time.
func TestAPasswordCheckedBeforeItsChangeOpensNothing(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	ann := b.person(t, "ann", Viewer)
	tests := []struct {
		name   string
		change Change
	}{
		{"another password", Change{Password: ptr(otherPassword)}},
		{"disabled", Change{Disabled: ptr(true)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			verified := b.users["ann"]
			if _, err := b.ChangeUser(t.Context(), nil, "ann", tt.change); err != nil {
				t.Fatal(err)
			}
			if _, _, err := b.enter(from("10.0.0.1:1"), "ann", verified, ""); !errors.Is(err, ErrCredentials) {
				t.Errorf("login: %v, want ErrCredentials", err)
			}
			err := b.own(ann, func(string, user) (change, error) { t.Error("changed"); return change{}, nil })
			if !errors.Is(err, ErrNoSession) {
				t.Errorf("change of the own account: %v, want ErrNoSession", err)
			}
		})
	}
}

// TestWhatCannotBeWrittenIsNotSo: memory and disk stay the same.
func TestWhatCannotBeWrittenIsNotSo(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	ann := b.person(t, "ann", Viewer)
	b.db.Close()
	b.told()
	_, change := b.ChangeUser(t.Context(), owner, "ann", Change{Role: ptr(Admin)})
	_, add := b.AddUser(t.Context(), "eve", Admin, goodPassword, nil)
	_, login := b.Login(t.Context(), from("10.0.0.1:1"), "ann", goodPassword, "")
	for what, err := range map[string]error{"change": change, "add": add, "remove": b.RemoveUser(owner, "ann"), "login": login} {
		if err == nil || strings.Contains(err.Error(), goodPassword) {
			t.Errorf("%s: %v, want an error without the password", what, err)
		}
	}
	if b.users["ann"].Role != Viewer || len(b.users) != 2 || alive(ann) != 1 || len(b.told()) != 0 {
		t.Error("it is so all the same, or somebody was told")
	}
	if err := b.EndSession("ann", ann.Session()); err == nil || alive(ann) != 0 {
		t.Errorf("end of a session: %v, alive %d; want it over and an error", err, alive(ann))
	}
}
