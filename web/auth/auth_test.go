package auth

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestClaimMakesTheFirstAdminOnce(t *testing.T) {
	b := newBox(t, Options{})
	code := b.ClaimCode()
	if !regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$`).MatchString(code) {
		t.Fatalf("code = %q, want three groups of four", code)
	}
	if _, err := b.Claim(t.Context(), "10.0.0.1:1", "0000-0000-0000", "owner", goodPassword); !errors.Is(err, ErrCode) {
		t.Errorf("a wrong code: %v, want ErrCode", err)
	}
	var fe *FieldError
	if _, err := b.Claim(t.Context(), "10.0.0.1:1", code, "owner", "short"); !errors.As(err, &fe) || fe.Name != "password" {
		t.Errorf("a short password: %v, want a FieldError", err)
	}
	token, err := b.Claim(t.Context(), "10.0.0.1:1", strings.ToLower(strings.ReplaceAll(code, "-", " ")), "Owner", goodPassword)
	if err != nil {
		t.Fatalf("the right code in another spelling: %v", err)
	}
	p, err := b.Authenticate(token)
	if err != nil || p.Role != Admin || p.Name != "Owner" {
		t.Errorf("principal = %+v, %v; want the admin", p, err)
	}
	if _, err := b.Claim(t.Context(), "10.0.0.1:1", code, "second", goodPassword); !errors.Is(err, ErrClaimed) || b.ClaimCode() != "" {
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
	if _, err := b.Claim(t.Context(), "10.0.0.1:1", "kx7qm3tpwz", "owner", goodPassword); err != nil {
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
			_, err := b.Claim(t.Context(), "10.0.0.1:1", code, string(rune('a'+i)), goodPassword)
			if err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, ErrClaimed) {
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

func TestLogin(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	tests := []struct {
		name, user, password string
		want                 error
	}{
		{"the right password", "owner", goodPassword, nil},
		{"the name in capitals", "OWNER", goodPassword, nil},
		{"a wrong password", "owner", goodPassword + "x", ErrCredentials},
		{"no password", "owner", "", ErrCredentials},
		{"an unknown user", "nobody", goodPassword, ErrCredentials},
		{"no user", "", "", ErrCredentials},
		{"the stored hash in place of the password", "owner", b.users["owner"].Hash, ErrCredentials},
		{"a name that is a property of every object", "constructor", goodPassword, ErrCredentials},
		{"a megabyte of password", "owner", strings.Repeat("x", 1<<20), ErrCredentials},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := b.Login(t.Context(), "10.0.1."+string(rune('1'+i))+":5", tt.user, tt.password)
			if !errors.Is(err, tt.want) || (token != "") != (tt.want == nil) {
				t.Errorf("Login = %q, %v; want %v", token, err, tt.want)
			}
		})
	}
}

func TestAddUserRefusesWhatWillNotDo(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	tests := []struct {
		name, user string
		role       Role
		password   string
		field      string
	}{
		{"an empty name", "", Admin, goodPassword, "username"},
		{"a name with a slash", "../x", Admin, goodPassword, "username"},
		{"a name with a line break", "a\nb", Admin, goodPassword, "username"},
		{"a name of 65 letters", strings.Repeat("a", 65), Admin, goodPassword, "username"},
		{"an unknown role", "ann", "god", goodPassword, "role"},
		{"no role", "ann", "", goodPassword, "role"},
		{"seven characters", "ann", Admin, "abcdef7", "password"},
		{"seven characters of two bytes", "ann", Admin, "äöüßéèñ", "password"},
		{"129 characters", "ann", Admin, strings.Repeat("ab", 64) + "c", "password"},
		{"one character repeated", "ann", Admin, "zzzzzzzzzz", "password"},
		{"a common password", "ann", Admin, "QWERTZUIOP", "password"},
		{"a product word with a number", "ann", Admin, "Vedette2026!", "password"},
		{"the user name", "annemarie", Admin, "AnneMarie1", "password"},
		{"not text", "ann", Admin, "\xff\xfe12345678", "password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var fe *FieldError
			err := b.AddUser(t.Context(), tt.user, tt.role, tt.password)
			if !errors.As(err, &fe) || fe.Name != tt.field {
				t.Fatalf("AddUser = %v, want an error in %s", err, tt.field)
			}
			if tt.field == "password" && strings.Contains(err.Error(), tt.password) {
				t.Error("the error shows the password")
			}
		})
	}
	for _, pw := range []string{"eight ch", strings.Repeat("ab", 64), "пароль-длинный", "'; drop table --", "12 zwölf\x00\x01"} {
		if err := b.AddUser(t.Context(), "u"+newCode(), Viewer, pw); err != nil {
			t.Errorf("password %q: %v, want it accepted", pw, err)
		}
	}
	if err := b.AddUser(t.Context(), "OWNER", Viewer, goodPassword); !errors.Is(err, ErrExists) {
		t.Errorf("a name taken in another case: %v, want ErrExists", err)
	}
}

// TestSecretsAreNeitherStoredNorLogged plants a password and a token and
// searches everything that is left behind.
func TestSecretsAreNeitherStoredNorLogged(t *testing.T) {
	b := newBox(t, Options{})
	code := b.ClaimCode()
	token := b.claimed(t)
	wrong := "wrong canary 12345"
	_, _ = b.Login(t.Context(), "10.0.0.9:1", "owner", wrong)
	_, _ = b.Login(t.Context(), "10.0.0.9:1", wrong, "x") // typed into the wrong field
	_, _ = b.Authenticate(token)
	b.Logout(token + "x")
	b.db.Close()
	disk, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"disk": string(disk), "log": b.log.String(), "events": strings.Join(b.events, "\n")}
	for where, text := range places {
		for _, secret := range []string{goodPassword, wrong, token, code} {
			if strings.Contains(text, secret) {
				t.Errorf("%q found in %s", secret, where)
			}
		}
	}
	if !strings.Contains(places["disk"], "$argon2id$") || len(b.events) < 3 {
		t.Error("the search looked in the wrong place")
	}
}

func TestADamagedUserIsAnErrorNotAFreshBox(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	if err := b.db.SetBytes(usersBucket, "owner", []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(b.db, Options{}); err == nil {
		t.Error("Open succeeded; the box could be claimed by anybody")
	}
}

func TestAtMostTwoPasswordsAreCheckedAtATimeAndFewWait(t *testing.T) {
	h := newHasher(8)
	r1, err1 := h.acquire(t.Context())
	r2, err2 := h.acquire(t.Context())
	if errors.Join(err1, err2) != nil {
		t.Fatal(err1, err2)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third at a time: %v, want it to wait", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	busy := make(chan error, 100)
	for range maxWaiting + 5 {
		wg.Go(func() { _, err := h.acquire(ctx); busy <- err })
	}
	for range 5 {
		if err := <-busy; !errors.Is(err, ErrBusy) {
			t.Errorf("more than %d waiting: %v, want ErrBusy", maxWaiting, err)
		}
	}
	stop()
	wg.Wait()
	r1()
	r2()
	if r, err := h.acquire(t.Context()); err != nil {
		t.Errorf("after all: %v", err)
	} else {
		r()
	}
}

func TestRolesCanWhatTheyAreFor(t *testing.T) {
	all := []Permission{Nobody, Public, Self, View, Export, Manage, Operate, 99}
	tests := []struct {
		role Role
		want []bool
	}{
		{Admin, []bool{false, true, true, true, true, true, true, false}},
		{Manager, []bool{false, true, true, true, true, true, false, false}},
		{Guard, []bool{false, true, true, true, true, false, false, false}},
		{Viewer, []bool{false, true, true, true, false, false, false, false}},
		{"", []bool{false, true, false, false, false, false, false, false}},
		{"root", []bool{false, true, false, false, false, false, false, false}},
	}
	for _, tt := range tests {
		for i, p := range all {
			if got := tt.role.Can(p); got != tt.want[i] {
				t.Errorf("%q.Can(%d) = %v, want %v", tt.role, p, got, tt.want[i])
			}
		}
	}
	var none *Principal
	if none.Can(View) || none.Sees("yard") {
		t.Error("no principal may do something")
	}
	some := &Principal{Role: Viewer, Cameras: []string{"yard"}}
	if !some.Sees("yard") || some.Sees("gate") || (&Principal{Cameras: []string{}}).Sees("yard") {
		t.Error("the limit to cameras does not hold")
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(newHasher(8).dummy)
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parse(s); err == nil && (p.memory > 64<<10 || p.passes > 8 || p.passes == 0) {
			t.Errorf("%q: cost %+v accepted", s, p)
		}
	})
}
