package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/web/auth/keys"
)

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
			token, err := b.Login(t.Context(), from("10.0.1."+string(rune('1'+i))+":5"), tt.user, tt.password, "")
			if !errors.Is(err, tt.want) || (token != "") != (tt.want == nil) {
				t.Errorf("Login = %q, %v; want %v", token, err, tt.want)
			}
		})
	}
}

// TestSecretsAreNeitherStoredNorLogged plants one of every kind and searches
// everything that is left behind.
func TestSecretsAreNeitherStoredNorLogged(t *testing.T) {
	b := newBox(t, Options{Seal: fakeSealer("device")})
	code := b.ClaimCode()
	token := b.claimed(t)
	owner := b.principal(t, token)
	wrong := "wrong canary 12345"
	_, _ = b.Login(t.Context(), from("10.0.0.9:1"), "owner", wrong, "")
	_, _ = b.Login(t.Context(), from("10.0.0.9:1"), wrong, "x", "") // typed into the wrong field
	b.Logout(token + "x")
	secret, recovery := b.enrolled(t, owner)
	_, _ = b.Login(t.Context(), from("10.0.0.9:1"), "owner", goodPassword, "wrong-code")
	b.login(t, "owner", recovery[0])
	_, key, err := b.AddKey(owner, keys.New{Name: "bot", Role: "worker"})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = b.AuthenticateRequest(withKey(key))
	_, _ = b.AuthenticateRequest(withKey(key + "x"))
	b.db.Close()
	disk, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"disk": string(disk), "log": b.log.String(), "notices": fmt.Sprintf("%+v", b.notices)}
	for where, text := range places {
		for _, secret := range append(recovery, goodPassword, wrong, token, code, secret, "wrong-code", key) {
			if strings.Contains(text, secret) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(secret))) {
				t.Errorf("%q found in %s", secret, where)
			}
		}
	}
	if !strings.Contains(places["disk"], "$argon2id$") || !strings.Contains(places["disk"], `"totp":"`) || len(b.notices) < 8 {
		t.Error("the search looked in the wrong place")
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

func TestWhoFindsTheBoxBusyHasNotFailed(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	for range maxConcurrent + maxWaiting {
		b.hasher.queue <- struct{}{}
	}
	for range 3 * freePerUser {
		if _, err := b.Login(t.Context(), from("10.0.0.1:1"), "owner", goodPassword, ""); !errors.Is(err, ErrBusy) {
			t.Fatalf("%v, want ErrBusy and not to be held off", err)
		}
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
