package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestSessionsEndByTheirLimits(t *testing.T) {
	o := Options{Idle: 2 * time.Hour, Absolute: 5 * time.Hour}
	tests := []struct {
		name  string
		steps []time.Duration // use, wait, use, wait, …
		alive bool
	}{
		{"used within the idle limit", []time.Duration{119 * time.Minute, 119 * time.Minute}, true},
		{"one second below the idle limit", []time.Duration{2*time.Hour - time.Second}, true},
		{"at the idle limit", []time.Duration{2 * time.Hour}, false},
		{"used all the time, at the absolute limit", []time.Duration{time.Hour, time.Hour, time.Hour, time.Hour, time.Hour}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, o)
				token := b.claimed(t)
				var err error
				for _, d := range tt.steps {
					time.Sleep(d)
					_, err = b.Authenticate(token)
				}
				if (err == nil) != tt.alive {
					t.Errorf("Authenticate = %v, want alive %v", err, tt.alive)
				}
			})
		})
	}
}

func TestRunEndsSessionsWithinASecondAndTellsTheirHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{Idle: time.Hour})
		token := b.claimed(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		p, err := b.Authenticate(token)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Minute)
		p.Touch()
		time.Sleep(59 * time.Minute)
		if p.Context().Err() != nil {
			t.Error("ended although it was touched")
		}
		time.Sleep(time.Minute + 2*time.Second)
		synctest.Wait()
		if p.Context().Err() == nil || len(b.sessions) != 0 {
			t.Error("not ended within two seconds of its limit")
		}
		b.mu.Lock()
		if len(b.ended) != 1 || b.ended[0] != p.Session() {
			t.Errorf("told of %v, want %s", b.ended, p.Session())
		}
		b.mu.Unlock()
		p.Touch()
		if _, err := b.Authenticate(token); !errors.Is(err, ErrNoSession) {
			t.Errorf("a touch brought it back: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
}

func TestRequestsWriteNothingToDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{})
		token := b.claimed(t)
		writes := func() int64 { s := b.db.Bolt.Stats(); return s.TxStats.GetWrite() }
		before := writes()
		for range 1000 {
			time.Sleep(10 * time.Second)
			if _, err := b.Authenticate(token); err != nil {
				t.Fatal(err)
			}
			if err := b.flush(seenEvery); err != nil {
				t.Fatal(err)
			}
		}
		if n := writes() - before; n != 0 {
			t.Errorf("%d pages written by 1000 requests in 3 hours, want 0", n)
		}
		if err := b.flush(time.Minute); err != nil {
			t.Fatal(err)
		}
		before = writes()
		if err := b.flush(time.Minute); err != nil || writes() != before {
			t.Errorf("stored twice, or %v", err)
		}
		b.reopen(t, Options{})
		if p, err := b.Authenticate(token); err != nil || p.Name != "owner" {
			t.Errorf("after a restart: %v", err)
		}
	})
}

func TestLogoutEndsTheSessionForGood(t *testing.T) {
	b := newBox(t, Options{})
	token := b.claimed(t)
	other, err := b.Login(t.Context(), from("10.0.0.2:1"), "owner", goodPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	p, _ := b.Authenticate(token)
	b.Logout(token)
	b.Logout(token)
	if _, err := b.Authenticate(token); !errors.Is(err, ErrNoSession) || p.Context().Err() == nil {
		t.Errorf("after logout: %v, context %v", err, p.Context().Err())
	}
	b.reopen(t, Options{})
	if _, err := b.Authenticate(token); !errors.Is(err, ErrNoSession) {
		t.Errorf("after logout and restart: %v", err)
	}
	if _, err := b.Authenticate(other); err != nil {
		t.Errorf("the other session: %v, want it alive", err)
	}
}

func TestTokensThatOpenNothing(t *testing.T) {
	b := newBox(t, Options{})
	token := b.claimed(t)
	for _, bad := range []string{"", "x", token + "x", token[:len(token)-1], hashToken(token), "__proto__", "constructor", string(make([]byte, 1<<16))} {
		if _, err := b.Authenticate(bad); !errors.Is(err, ErrNoSession) {
			t.Errorf("token %.20q: %v, want ErrNoSession", bad, err)
		}
	}
}

func TestAUserHasABoundedNumberOfSessions(t *testing.T) {
	b := newBox(t, Options{})
	first := b.claimed(t)
	var last string
	for range maxSessions {
		last = b.login(t, "owner", "")
	}
	if len(b.sessions) != maxSessions {
		t.Errorf("%d sessions, want %d", len(b.sessions), maxSessions)
	}
	if _, err := b.Authenticate(first); !errors.Is(err, ErrNoSession) {
		t.Errorf("the oldest: %v, want it to have given way", err)
	}
	if _, err := b.Authenticate(last); err != nil {
		t.Errorf("the newest: %v", err)
	}
}

func TestCookieAttributes(t *testing.T) {
	b := newBox(t, Options{})
	tests := []struct {
		name, want string
		tls        bool
	}{
		{"plain", "vedette_session=tok; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict", false},
		{"over TLS", "__Host-vedette_session=tok; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			w := httptest.NewRecorder()
			b.SetCookie(w, r, "tok")
			if got := w.Header().Get("Set-Cookie"); got != tt.want {
				t.Errorf("Set-Cookie = %q, want %q", got, tt.want)
			}
			r.Header.Set("Cookie", w.Header().Get("Set-Cookie"))
			if got := Token(r); got != "tok" {
				t.Errorf("Token = %q, want it back", got)
			}
			w = httptest.NewRecorder()
			ClearCookie(w, r)
			if c := w.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 || c[0].Value != "" {
				t.Errorf("cleared = %+v", c)
			}
		})
	}
	r := httptest.NewRequest(http.MethodGet, "/?vedette_session=tok", nil)
	r.Header.Set("Authorization", "Bearer tok")
	if got := Token(r); got != "" {
		t.Errorf("Token = %q from somewhere else than the cookie", got)
	}
	r.TLS = &tls.ConnectionState{}
	r.Header.Set("Cookie", "vedette_session=tok")
	if got := Token(r); got != "" {
		t.Errorf("Token = %q: a cookie set over plain HTTP counts over TLS", got)
	}
}

func TestWhatIsToldOfPeopleSaysWhatTheyAre(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	b.person(t, "ann", Guard)
	_, _ = b.Login(t.Context(), from("10.0.0.3:1"), "ann", "not the password", "")
	if _, err := b.ChangePassword(t.Context(), owner, "10.0.0.1:1", goodPassword, goodPassword+" more"); err != nil {
		t.Fatal(err)
	}
	b.Logout(b.login(t, "ann", ""))
	want := map[string]Role{"claimed": Admin, "login": Guard, "login_failed": Guard, "password_changed": Admin, "logout": Guard}
	for _, n := range b.notices {
		if role, asked := want[n.What]; asked && n.Role != role {
			t.Errorf("%s says %q, want %s", n.What, n.Role, role)
		}
		delete(want, n.What)
	}
	if len(want) > 0 {
		t.Errorf("not told: %v", want)
	}
}
