package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestClaimMakesTheFirstAdminOnce(t *testing.T) {
	b := newBox(t, Options{})
	code := b.ClaimCode()
	if !regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$`).MatchString(code) {
		t.Fatalf("code = %q, want three groups of four", code)
	}
	if _, err := b.Claim(t.Context(), from("10.0.0.1:1"), "0000-0000-0000", "owner", goodPassword); !errors.Is(err, ErrCode) {
		t.Errorf("a wrong code: %v, want ErrCode", err)
	}
	var fe *FieldError
	if _, err := b.Claim(t.Context(), from("10.0.0.1:1"), code, "owner", "short"); !errors.As(err, &fe) || fe.Name != "password" {
		t.Errorf("a short password: %v, want a FieldError", err)
	}
	token, err := b.Claim(t.Context(), from("10.0.0.1:1"), strings.ToLower(strings.ReplaceAll(code, "-", " ")), "Owner", goodPassword)
	if err != nil {
		t.Fatalf("the right code in another spelling: %v", err)
	}
	p, err := b.Authenticate(token)
	if err != nil || p.Role != Admin || p.Name != "Owner" {
		t.Errorf("principal = %+v, %v; want the admin", p, err)
	}
	if _, err := b.Claim(t.Context(), from("10.0.0.1:1"), code, "second", goodPassword); !errors.Is(err, ErrClaimed) || b.ClaimCode() != "" {
		t.Errorf("a second claim: %v, code %q; want ErrClaimed and none", err, b.ClaimCode())
	}
	b.reopen(t, Options{})
	if !b.Claimed() {
		t.Error("unclaimed after a restart")
	}
	if _, err := b.Authenticate(token); err != nil {
		t.Errorf("session after a restart: %v", err)
	}
}

// TestAClaimCodeThatWasChosenBeforehand stands until there is a user, and no longer.
func TestAClaimCodeThatWasChosenBeforehand(t *testing.T) {
	o := Options{Code: "KX7QM-3TPWZ"}
	b := newBox(t, o)
	b.reopen(t, o)
	if got := b.ClaimCode(); got != o.Code {
		t.Fatalf("code %q, want %q", got, o.Code)
	}
	if _, err := b.Claim(t.Context(), from("10.0.0.1:1"), "kx7qm3tpwz", "owner", goodPassword); err != nil {
		t.Fatal(err)
	}
	b.reopen(t, o)
	if b.ClaimCode() != "" {
		t.Error("the code is back after a restart")
	}
}

func TestOfManyClaimsAtOnceOneSucceeds(t *testing.T) {
	b := newBox(t, Options{})
	code := b.ClaimCode()
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 8 {
		wg.Go(func() {
			_, err := b.Claim(t.Context(), from("10.0.0.1:1"), code, string(rune('a'+i)), goodPassword)
			var slow *ThrottledError // of one address so many are looked at at once
			if err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, ErrClaimed) && !errors.As(err, &slow) {
				t.Errorf("loser got %v, want ErrClaimed", err)
			}
		})
	}
	wg.Wait()
	if won != 1 || len(b.users) != 1 {
		t.Errorf("%d won and %d users, want 1 and 1", won, len(b.users))
	}
}

func TestCodesDifferAndSurviveHandwriting(t *testing.T) {
	if a, b := newCode(), newCode(); a == b {
		t.Error("two codes are equal")
	}
	if !sameCode("0123-ABCD-1J0K", " o1 23 abcd IjOk") || sameCode("0123-ABCD-1J0K", "0123-ABCD-1J0") || sameCode("", "") {
		t.Error("sameCode accepts or refuses the wrong thing")
	}
}

// claim is a claim from an address of its own, which no throttle holds up.
func (b *box) claim(t testing.TB, n int, code, name string) error {
	t.Helper()
	_, err := b.Claim(t.Context(), from(fmt.Sprintf("10.9.%d.%d:1", n>>8, n&255)), code, name, goodPassword)
	return err
}

func TestTheWindowClosesByItself(t *testing.T) {
	tests := []struct {
		name   string
		window time.Duration // 0: the default
		after  time.Duration
		want   error
	}{
		{"just before its end", 0, 15*time.Minute - time.Second, nil},
		{"at its end", 0, 15 * time.Minute, ErrClosed},
		{"at the end of one that was set", time.Minute, time.Minute, ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, Options{SetupWindow: tt.window})
				code := b.ClaimCode()
				if w := b.Setup(); !w.Open || w.Claimed || w.Code != code || !w.Until.After(time.Now()) {
					t.Fatalf("window of a fresh box: %+v", w)
				}
				time.Sleep(tt.after)
				w := b.Setup()
				if w.Open != (tt.want == nil) || w.Open != (w.Code != "") || w.Claimed {
					t.Errorf("window %+v", w)
				}
				if err := b.claim(t, 1, code, "owner"); !errors.Is(err, tt.want) {
					t.Errorf("claim: %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestARestartAndTheButtonOpenTheWindowAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{})
		first := b.ClaimCode()
		time.Sleep(time.Hour)
		b.reopen(t, Options{})
		second := b.ClaimCode()
		time.Sleep(10 * time.Minute)
		b.OpenSetup()
		third := b.ClaimCode()
		time.Sleep(10 * time.Minute)
		if second == "" || third == "" || first == second || second == third || b.ClaimCode() != third {
			t.Fatalf("codes %q, %q, %q, then %q", first, second, third, b.ClaimCode())
		}
		for i, old := range []string{first, second} {
			if err := b.claim(t, i, old, "owner"); !errors.Is(err, ErrCode) {
				t.Errorf("an old code: %v, want ErrCode", err)
			}
		}
		if err := b.claim(t, 3, third, "owner"); err != nil {
			t.Error(err)
		}
	})
}

func TestTenWrongCodesMakeTheCodeVoid(t *testing.T) {
	for _, chosen := range []string{"", "KX7QM-3TPWZ"} {
		t.Run("chosen "+chosen, func(t *testing.T) {
			b := newBox(t, Options{Code: chosen})
			code := b.ClaimCode()
			for i := range maxGuesses {
				if i == maxGuesses-1 && (b.ClaimCode() != code || len(b.windows) != 0) {
					t.Fatalf("void after %d wrong codes", i)
				}
				if err := b.claim(t, i, "0000-0000-0000", "owner"); !errors.Is(err, ErrCode) {
					t.Fatal(err)
				}
			}
			if chosen != "" {
				if b.ClaimCode() != chosen {
					t.Errorf("the chosen code became %q", b.ClaimCode())
				}
				return
			}
			now := b.Setup()
			if !now.Open || now.Code == code || len(b.windows) != 1 || b.windows[0].Code != now.Code {
				t.Errorf("window %+v, told of %+v", now, b.windows)
			}
			if err := b.claim(t, 50, code, "owner"); !errors.Is(err, ErrCode) {
				t.Errorf("the void code: %v, want ErrCode", err)
			}
			if err := b.claim(t, 51, now.Code, "owner"); err != nil {
				t.Errorf("the new code: %v", err)
			}
		})
	}
}

func TestTheWindowIsToldOfEveryChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		time.Sleep(15*time.Minute + 2*time.Second)
		b.OpenSetup()
		if err := b.claim(t, 1, b.ClaimCode(), "owner"); err != nil {
			t.Fatal(err)
		}
		b.OpenSetup()
		time.Sleep(15*time.Minute + 2*time.Second)
		cancel()
		<-done
		var got []string
		for _, w := range b.windows {
			got = append(got, fmt.Sprintf("open=%v code=%v claimed=%v", w.Open, w.Code != "", w.Claimed))
		}
		want := []string{
			"open=false code=false claimed=false", // its time was up
			"open=true code=true claimed=false",   // the button
			"open=false code=false claimed=true",  // claimed
			"open=true code=true claimed=true",    // the button
			"open=false code=false claimed=true",  // its time was up
		}
		if !slices.Equal(got, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		notices := b.told()
		if want := []string{"setup_opened", "claimed owner", "setup_opened"}; !slices.Equal(notices, want) {
			t.Errorf("notices %q, want %q", notices, want)
		}
	})
}

func TestOnceClaimedOnlyTheButtonOpensAWindow(t *testing.T) {
	o := Options{Code: "KX7QM-3TPWZ"}
	b := newBox(t, o)
	b.claimed(t)
	b.reopen(t, o)
	if w := b.Setup(); w.Open || !w.Claimed || w.Code != "" {
		t.Fatalf("window after a restart: %+v", w)
	}
	if err := b.claim(t, 1, o.Code, "second"); !errors.Is(err, ErrClaimed) {
		t.Errorf("claim without a window: %v, want ErrClaimed", err)
	}
	b.OpenSetup()
	if b.ClaimCode() == o.Code {
		t.Error("the code that was chosen for the first owner opens a box that has one")
	}
	code := b.ClaimCode()
	if err := b.claim(t, 2, code, "second"); err != nil {
		t.Fatal(err)
	}
	if len(b.users) != 2 || b.users["second"].Role != Admin {
		t.Errorf("users %+v, want another admin", b.users)
	}
	if err := b.claim(t, 3, code, "third"); !errors.Is(err, ErrClaimed) {
		t.Errorf("the code again: %v, want ErrClaimed", err)
	}
}

// TestTheButtonRestoresAnAdmin who has lost the password and the phone.
func TestTheButtonRestoresAnAdmin(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	second := b.person(t, "second", Admin)
	b.person(t, "ann", Manager)
	secret, recovery := b.enrolled(t, owner)
	off, none := true, []string{}
	if _, err := b.ChangeUser(t.Context(), second, "owner", Change{Disabled: &off, Cameras: &none}); err != nil {
		t.Fatal(err)
	}
	b.OpenSetup()
	code := b.ClaimCode()
	b.told()
	if err := b.claim(t, 1, code, "Ann"); !errors.Is(err, ErrExists) {
		t.Errorf("the name of a manager: %v, want ErrExists", err)
	}
	if b.users["ann"].Role != Manager || b.ClaimCode() != code {
		t.Error("a manager was changed, or the code used up")
	}
	token, err := b.Claim(t.Context(), from("10.9.0.2:1"), code, "OWNER", "another password of 2")
	if err != nil {
		t.Fatal(err)
	}
	if p := b.principal(t, token); p.Name != "owner" || p.Role != Admin {
		t.Errorf("principal %+v", p)
	}
	for range 2 {
		if u := b.users["owner"]; u.Disabled || u.hasTOTP() || u.Recovery != nil || u.Step != 0 || len(b.Sessions("owner")) != 1 {
			t.Errorf("restored as %+v with %d sessions", u, len(b.Sessions("owner")))
		}
		b.reopen(t, Options{})
	}
	if owner.Context().Err() == nil || second.Context().Err() != nil {
		t.Error("the sessions of the restored one live on, or those of another ended")
	}
	for _, old := range []string{"", recovery[0], codeAt(t, secret, time.Now())} {
		if _, err := b.Login(t.Context(), from("10.9.0.3:1"), "owner", goodPassword, old); !errors.Is(err, ErrCredentials) {
			t.Errorf("the old password: %v, want ErrCredentials", err)
		}
	}
	if got := b.told(); got[0] != "recovered owner" {
		t.Errorf("notices %q, want recovered first", got)
	}
	before := b.principal(t, b.login(t, "second", ""))
	b.OpenSetup()
	if err := b.claim(t, 9, b.ClaimCode(), "second"); err != nil || alive(before) != 0 {
		t.Errorf("restored while signed in: %v, alive %d; want that session over", err, alive(before))
	}
}

func TestAnAdminMadeOtherwiseEndsTheFirstWindow(t *testing.T) {
	b := newBox(t, Options{})
	code := b.ClaimCode()
	if _, err := b.AddUser(t.Context(), "ann", Viewer, goodPassword, nil); err != nil {
		t.Fatal(err)
	}
	if b.Claimed() || b.ClaimCode() != code {
		t.Error("a viewer owns the box")
	}
	if _, err := b.AddUser(t.Context(), "owner", Admin, goodPassword, nil); err != nil {
		t.Fatal(err)
	}
	if w := b.Setup(); !w.Claimed || w.Open || len(b.windows) != 1 || !b.windows[0].Claimed {
		t.Errorf("window %+v, told of %+v", w, b.windows)
	}
	if err := b.claim(t, 1, code, "thief"); !errors.Is(err, ErrClaimed) {
		t.Errorf("claim: %v, want ErrClaimed", err)
	}
}

// TestACodeThatBecomesVoidMeanwhileClaimsNothing: the password takes its time
// to be hashed.
func TestACodeThatBecomesVoidMeanwhileClaimsNothing(t *testing.T) {
	b := newBox(t, Options{})
	code := b.ClaimCode()
	b.OpenSetup()
	if _, _, err := b.take(from("10.0.0.1:1"), code, "owner", "hash"); !errors.Is(err, ErrCode) || b.Claimed() {
		t.Errorf("take = %v, claimed %v; want ErrCode", err, b.Claimed())
	}
}

func TestTheButtonForgivesFailedAttempts(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	for range 20 {
		_, _ = b.Login(t.Context(), from("10.0.0.1:1"), "owner", "guess", "")
		_, _ = b.AuthenticateRequest(withKey("vdt_guess"))
	}
	var te *ThrottledError
	if _, err := b.Login(t.Context(), from("10.0.0.1:1"), "owner", goodPassword, ""); !errors.As(err, &te) {
		t.Fatalf("before: %v, want to be held off", err)
	}
	b.OpenSetup()
	if _, err := b.Login(t.Context(), from("10.0.0.1:1"), "owner", goodPassword, ""); err != nil {
		t.Errorf("login: %v", err)
	}
	if _, err := b.AuthenticateRequest(withKey("vdt_guess")); !errors.Is(err, ErrNoSession) {
		t.Errorf("a wrong key: %v, want it looked at", err)
	}
}
