package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vedette/web/auth/keys"
)

func withKey(key string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set(KeyHeader, key)
	return r
}

func TestARequestIsOfAPersonOrOfAMachineAndNeverOfBoth(t *testing.T) {
	b := newBox(t, Options{})
	token := b.claimed(t)
	owner := b.principal(t, token)
	k, key, err := b.AddKey(owner, keys.New{Name: "bot", Role: "integration", Cameras: []string{"gate"}})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := b.AddKey(owner, keys.New{Name: "other", Role: "metrics"})
	if err != nil {
		t.Fatal(err)
	}
	cookie := "vedette_session=" + token
	tests := []struct {
		name    string
		headers []string // name, value, …
		want    string   // Via, or "" for ErrNoSession
	}{
		{"a cookie", []string{"Cookie", cookie}, owner.Session()},
		{"a key", []string{"X-API-Key", key}, "key:" + k.ID},
		{"a key as bearer", []string{"Authorization", "Bearer " + key}, "key:" + k.ID},
		{"a key as bearer in other letters", []string{"authorization", "bEARER  " + key + " "}, "key:" + k.ID},
		{"the same key twice", []string{"X-API-Key", key, "Authorization", "Bearer " + key}, "key:" + k.ID},
		{"a cookie and a proxy's own scheme", []string{"Cookie", cookie, "Authorization", "Basic eDp5"}, owner.Session()},
		{"nothing", nil, ""},
		{"a cookie and a key", []string{"Cookie", cookie, "X-API-Key", key}, ""},
		{"a cookie and a wrong key", []string{"Cookie", cookie, "X-API-Key", "vdt_wrong"}, ""},
		{"a cookie and an empty key", []string{"Cookie", cookie, "X-API-Key", ""}, ""},
		{"a cookie and an empty bearer", []string{"Cookie", cookie, "Authorization", "Bearer"}, ""},
		{"two keys", []string{"X-API-Key", key, "X-API-Key", other}, ""},
		{"two keys in two headers", []string{"X-API-Key", key, "Authorization", "Bearer " + other}, ""},
		{"a right and a wrong key", []string{"X-API-Key", key, "Authorization", "Bearer x"}, ""},
		{"a key as another scheme", []string{"Authorization", "Basic " + key}, ""},
		{"a key in the cookie", []string{"Cookie", "vedette_session=" + key}, ""},
		{"a token as a key", []string{"X-API-Key", token}, ""},
		{"a key's id", []string{"X-API-Key", k.ID}, ""},
		{"a name that is a property of every object", []string{"X-API-Key", "constructor"}, ""},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/?api_key="+key+"&token="+token, nil)
			r.RemoteAddr = "10.0.3." + string(rune('1'+i%9)) + string(rune('0'+i/9)) + ":1"
			for j := 0; j < len(tt.headers); j += 2 {
				r.Header.Add(tt.headers[j], tt.headers[j+1])
			}
			p, err := b.AuthenticateRequest(r)
			if tt.want == "" {
				if p != nil || !errors.Is(err, ErrNoSession) {
					t.Errorf("AuthenticateRequest = %+v, %v; want ErrNoSession", p, err)
				}
				return
			}
			if err != nil || p.Via() != tt.want {
				t.Fatalf("AuthenticateRequest = %+v, %v; want %s", p, err, tt.want)
			}
		})
	}
	p, err := b.AuthenticateRequest(withKey(key))
	if err != nil || !p.Machine() || p.Name != "bot" || p.Role != Integration || !p.Sees("gate") || p.Sees("yard") || p.Can(Account) || !p.Can(View) {
		t.Errorf("the key's principal: %+v, %v", p, err)
	}
}

func TestARevokedKeyEndsWhatRunsUnderIt(t *testing.T) {
	tests := []struct {
		name string
		end  func(b *box, id string)
		want []string
	}{
		{"revoked", func(b *box, id string) {
			if err := b.RemoveKey(nil, id); err != nil {
				b.Write([]byte(err.Error()))
			}
		}, nil},
		{"expired", func(*box, string) { time.Sleep(time.Hour) }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, Options{})
				owner := b.principal(t, b.claimed(t))
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- b.Run(ctx) }()
				k, key, err := b.AddKey(owner, keys.New{Name: "bot", Role: "worker", Expires: time.Now().Add(time.Hour)})
				if err != nil {
					t.Fatal(err)
				}
				var p *Principal
				for range 3 { // used often, it ends once
					if p, err = b.AuthenticateRequest(withKey(key)); err != nil {
						t.Fatal(err)
					}
				}
				if p.Context().Err() != nil {
					t.Fatal("ended while in force")
				}
				tt.end(b, k.ID)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if p.Context().Err() == nil {
					t.Error("its context lives on for two seconds")
				}
				if _, err := b.AuthenticateRequest(withKey(key)); !errors.Is(err, ErrNoSession) {
					t.Errorf("used again: %v, want ErrNoSession", err)
				}
				b.mu.Lock()
				if !slices.Equal(b.ended, []string{"key:" + k.ID}) {
					t.Errorf("told of %q, want the key once", b.ended)
				}
				b.mu.Unlock()
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("Run = %v, want context.Canceled", err)
				}
				b.reopen(t, Options{})
				if _, err := b.AuthenticateRequest(withKey(key)); !errors.Is(err, ErrNoSession) {
					t.Errorf("after a restart: %v, want ErrNoSession", err)
				}
			})
		})
	}
}

func TestKeysAreMadeAndRemovedByAdminsWhoAreStillThere(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	b.told()
	k, _, err := b.AddKey(owner, keys.New{Name: "bot", Role: "worker", CreatedBy: "somebody else"})
	if err != nil || k.CreatedBy != "owner" || len(b.Keys()) != 1 {
		t.Fatalf("key %+v, %v", k, err)
	}
	if err := b.RemoveKey(owner, "abc"); !errors.Is(err, ErrNoKey) {
		t.Errorf("a key that is not there: %v, want ErrNoKey", err)
	}
	if err := b.RemoveKey(owner, k.ID); err != nil || len(b.Keys()) != 0 {
		t.Errorf("remove: %v, %d left", err, len(b.Keys()))
	}
	want := []string{"key_added owner " + k.ID + " worker bot", "key_removed owner " + k.ID}
	if got := b.told(); !slices.Equal(got, want) {
		t.Errorf("notices %q, want %q", got, want)
	}
	for _, role := range []string{"admin", "viewer", ""} {
		if _, _, err := b.AddKey(owner, keys.New{Name: "bot", Role: role}); err == nil {
			t.Errorf("a key with the role %q was made", role)
		}
	}
	if err := b.EndSession("owner", owner.Session()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.AddKey(owner, keys.New{Name: "bot", Role: "worker"}); !errors.Is(err, ErrNoSession) || len(b.Keys()) != 0 {
		t.Errorf("a key made after the session ended: %v, want ErrNoSession", err)
	}
}

func TestWrongKeysAreSlowedAndDoNotHoldUpRightOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{})
		owner := b.principal(t, b.claimed(t))
		_, key, err := b.AddKey(owner, keys.New{Name: "bot", Role: "worker"})
		if err != nil {
			t.Fatal(err)
		}
		b.told()
		looked := 0
		for range 3600 {
			_, err := b.AuthenticateRequest(withKey("vdt_guess"))
			var te *ThrottledError
			if !errors.As(err, &te) {
				looked++
			}
			time.Sleep(time.Second)
		}
		if looked > 80 {
			t.Errorf("%d of 3600 wrong keys in an hour looked at, want at most 80", looked)
		}
		if told := b.told(); len(told) > 2*looked {
			t.Errorf("%d notices of %d attempts", len(told), looked)
		}
		if _, err := b.AuthenticateRequest(withKey(key)); err != nil {
			t.Errorf("the right key from the same address: %v", err)
		}
		if _, err := b.Login(t.Context(), from("192.0.2.1:1"), "owner", goodPassword, ""); err != nil {
			t.Errorf("a login from the same address: %v, want it unaffected", err)
		}
	})
}

func TestAKeyHasItsShareOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{})
		owner := b.principal(t, b.claimed(t))
		_, key, err := b.AddKey(owner, keys.New{Name: "bot", Role: "relay"})
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for range 1000 {
			var te *ThrottledError
			if _, err := b.AuthenticateRequest(withKey(key)); errors.As(err, &te) {
				refused++
			}
		}
		if refused < 700 {
			t.Errorf("%d of 1000 at once refused, want at least 700", refused)
		}
		time.Sleep(2 * time.Second)
		if _, err := b.AuthenticateRequest(withKey(key)); err != nil {
			t.Errorf("a while later: %v", err)
		}
	})
}
