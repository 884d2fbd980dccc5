package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

func TestWhoMayOperateTheBoxHasAnIdleLimitOfTheirOwn(t *testing.T) {
	tests := []struct {
		name string
		o    Options
		role Role
		want time.Duration
	}{
		{"an admin", Options{AdminIdle: 30 * time.Minute}, Admin, 30 * time.Minute},
		{"a manager", Options{AdminIdle: 30 * time.Minute}, Manager, 24 * time.Hour},
		{"an admin by default", Options{}, Admin, 24 * time.Hour},
		{"an admin where the other was set", Options{Idle: time.Hour}, Admin, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, tt.o)
				b.claimed(t)
				b.person(t, "ann", tt.role)
				token := b.login(t, "ann", "")
				time.Sleep(tt.want - time.Second)
				if _, err := b.Authenticate(token); err != nil {
					t.Errorf("a second before %v: %v", tt.want, err)
				}
				time.Sleep(tt.want)
				if _, err := b.Authenticate(token); !errors.Is(err, ErrNoSession) {
					t.Errorf("after %v: %v, want ErrNoSession", tt.want, err)
				}
				if n := len(b.Sessions("ann")); n != 0 {
					t.Errorf("%d sessions listed that are over", n)
				}
			})
		})
	}
}

func TestSessionsAreListedTheNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{})
		b.claimed(t)
		b.person(t, "Ann", Viewer)
		time.Sleep(time.Hour)
		token, err := b.Login(t.Context(), Caller{"[2001:db8:1:2:3::4]:99", "Mozilla/5.0"}, "ann", goodPassword, "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		p := b.principal(t, token)
		for range 2 { // before and after a restart
			var got []string
			for _, o := range b.Sessions("ANN") {
				got = append(got, fmt.Sprintf("%s from %s by %s, created %v ago", o.User, o.Address, o.Agent, time.Since(o.Created)))
			}
			want := []string{"Ann from 2001:db8:1:2::/64 by Mozilla/5.0, created 1m0s ago", "Ann from 10.0.0.2 by a test, created 1h1m0s ago"}
			if !slices.Equal(got, want) {
				t.Errorf("sessions\n%q, want\n%q", got, want)
			}
			if all := b.Sessions(""); len(all) != 3 || all[0].ID != p.Session() {
				t.Errorf("all sessions: %+v", all)
			}
			if err := b.flush(0); err != nil {
				t.Fatal(err)
			}
			b.reopen(t, Options{})
		}
		if got := b.Sessions("ann")[0].Seen; !got.Equal(time.Now()) {
			t.Errorf("last seen %v, want now", got)
		}
		b.told()
		b.Logout(token)
		if err := b.EndSession("ann", b.Sessions("ann")[0].ID); err != nil {
			t.Fatal(err)
		}
		if got := b.told(); got[0] != "logout Ann" || !strings.HasPrefix(got[1], "session_ended Ann ") {
			t.Errorf("notices %q", got)
		}
	})
}

// TestRequestsDoNotWaitForTheDisk while somebody logs out of a slow card.
func TestRequestsDoNotWaitForTheDisk(t *testing.T) {
	b := newBox(t, Options{})
	token := b.claimed(t)
	b.person(t, "ann", Viewer)
	other := b.login(t, "ann", "")
	loggedOut, answered := make(chan bool), make(chan error, 1)
	err := b.db.Bolt.Update(func(*bolt.Tx) error {
		go func() { b.Logout(other); close(loggedOut) }()
		waitFor(t, func() bool {
			if b.write.TryLock() {
				b.write.Unlock()
				return false
			}
			return true
		})
		go func() {
			_, err := b.Authenticate(token)
			b.People()
			b.Sessions("")
			b.Setup()
			answered <- err
		}()
		select {
		case err := <-answered:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("it waits")
		}
	})
	if err != nil {
		t.Error(err)
	}
	<-loggedOut
}

func TestABrowserCannotCallItselfAnything(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"a browser", "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)"},
		{"line breaks", "a\r\nSet-Cookie: b\x00\x1b[31m", "aSet-Cookie: b[31m"},
		{"what turns text around", "a\u202eb", "ab"},
		{"no text", "a\xff\xfeb", "ab"},
		{"too much", strings.Repeat("ä", 500), strings.Repeat("ä", 120)},
		{"a megabyte", strings.Repeat("x", 1<<20), strings.Repeat("x", 120)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := printable(tt.in); got != tt.want {
				t.Errorf("printable = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("Mozilla/5.0")
	f.Add("\xff\u202e\r\n")
	f.Fuzz(func(t *testing.T, agent string) {
		got := printable(agent)
		bad := func(r rune) bool { return !unicode.IsPrint(r) }
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxAgent || strings.ContainsFunc(got, bad) {
			t.Errorf("%q became %q", agent, got)
		}
	})
}

// FuzzRequests: no header that is not a secret of the box opens it.
func FuzzRequests(f *testing.F) {
	b := newBox(f, Options{})
	b.claimed(f)
	f.Add("vdt_x", "Bearer vdt_y", "vedette_session=z")
	f.Add("", "Bearer", "vedette_session")
	f.Add("constructor", "bearer  ", ";;;=")
	f.Fuzz(func(t *testing.T, key, authorization, cookie string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{KeyHeader: {key}, "Authorization": {authorization}, "Cookie": {cookie}}
		if p, err := b.AuthenticateRequest(r); p != nil || err == nil {
			t.Errorf("let in as %+v", p)
		}
		r.Header.Del(KeyHeader)
		if p, err := b.AuthenticateRequest(r); p != nil || err == nil {
			t.Errorf("let in as %+v", p)
		}
	})
}

// FuzzDecodeUser: a damaged row is an error, or a user who can at most what
// it says.
func FuzzDecodeUser(f *testing.F) {
	b := newBox(f, Options{Seal: fakeSealer("device")})
	f.Add([]byte(`{"name":"ann","role":"viewer","cameras":[],"hash":"$argon2id$","totp":"AAAA","recovery":["x"]}`))
	f.Add([]byte(`{"name":"ann","cameras":{}}`))
	f.Add([]byte(`{"role":"admin"}`))
	f.Fuzz(func(t *testing.T, row []byte) {
		u, err := b.decodeUser("ann", row)
		if err == nil && u.Name == "" || err != nil && (u.Name != "" || u.Role != "") {
			t.Errorf("%q: %+v, %v", row, u, err)
		}
		if err == nil && !u.Role.Valid() && u.active() {
			t.Errorf("%q can sign in", u.Role)
		}
	})
}
