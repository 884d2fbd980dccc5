package auth

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestASecondFactorIsInForceOnceACodeWasSeen(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	if _, err := b.ConfirmTOTP(t.Context(), owner, "123456"); !errors.Is(err, ErrNoTOTP) {
		t.Errorf("confirm before anything: %v, want ErrNoTOTP", err)
	}
	if _, _, err := b.BeginTOTP(t.Context(), owner, "10.0.0.1:1", "wrong"); !errors.Is(err, ErrCredentials) {
		t.Errorf("begin with a wrong password: %v, want ErrCredentials", err)
	}
	first, _, err := b.BeginTOTP(t.Context(), owner, "10.0.0.1:1", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	secret, uri, err := b.BeginTOTP(t.Context(), owner, "10.0.0.1:1", goodPassword)
	if err != nil || secret == first || !strings.HasPrefix(uri, "otpauth://totp/Vedette:owner?") || !strings.Contains(uri, secret) {
		t.Fatalf("begin: %q, %v", uri, err)
	}
	b.login(t, "owner", "") // not in force yet
	for name, code := range map[string]string{"none": "", "words": "abcdef", "of the first try": codeAt(t, first, time.Now())} {
		if _, err := b.ConfirmTOTP(t.Context(), owner, code); !errors.Is(err, ErrSecondFactor) {
			t.Errorf("confirm with a code that is wrong (%s): %v, want ErrSecondFactor", name, err)
		}
	}
	b.throttle.forgive()
	b.told()
	recovery, err := b.ConfirmTOTP(t.Context(), owner, codeAt(t, secret, time.Now()))
	if err != nil || len(recovery) != 10 {
		t.Fatalf("confirm: %v, %d recovery codes", err, len(recovery))
	}
	if got := b.told(); !slices.Equal(got, []string{"totp_added owner"}) {
		t.Errorf("notices %q", got)
	}
	if !b.People()[0].TOTP || alive(owner) != 1 {
		t.Error("not in force, or the session ended with it")
	}
	if _, _, err := b.BeginTOTP(t.Context(), owner, "10.0.0.1:1", goodPassword); !errors.Is(err, ErrTOTP) {
		t.Errorf("begin again: %v, want ErrTOTP", err)
	}
	if _, err := b.ConfirmTOTP(t.Context(), owner, codeAt(t, secret, time.Now())); !errors.Is(err, ErrTOTP) {
		t.Errorf("confirm again: %v, want ErrTOTP", err)
	}
	ann := b.person(t, "ann", Viewer)
	if err := b.EndSession("ann", ann.Session()); err != nil {
		t.Fatal(err)
	}
	for what, p := range map[string]*Principal{"nobody": nil, "a machine": {Name: "ann", Role: Worker, Key: "abc"}, "a session that has ended": ann} {
		_, _, begin := b.BeginTOTP(t.Context(), p, "10.0.0.1:1", goodPassword)
		_, confirm := b.ConfirmTOTP(t.Context(), p, "123456")
		if !errors.Is(begin, ErrNoSession) || !errors.Is(confirm, ErrNoSession) {
			t.Errorf("%s: begin %v, confirm %v; want ErrNoSession", what, begin, confirm)
		}
	}
}

func TestAnEnrolmentEndsWithItsTimeAndItsSession(t *testing.T) {
	tests := []struct {
		name string
		do   func(b *box, other string)
		who  int // which of two sessions confirms; the first one began
		want error
	}{
		{"just before its end", func(*box, string) { time.Sleep(15*time.Minute - time.Second) }, 0, nil},
		{"at its end", func(*box, string) { time.Sleep(15 * time.Minute) }, 0, ErrNoTOTP},
		{"by another session", func(*box, string) {}, 1, ErrNoTOTP},
		{"by a session that has ended", func(b *box, _ string) { _ = b.EndSession("", b.Sessions("")[1].ID) }, 0, ErrNoSession},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, Options{})
				owner := b.principal(t, b.claimed(t))
				time.Sleep(time.Second)
				other := b.login(t, "owner", "")
				secret, _, err := b.BeginTOTP(t.Context(), owner, "10.0.0.1:1", goodPassword)
				if err != nil {
					t.Fatal(err)
				}
				tt.do(b, other)
				p := []*Principal{owner, b.principal(t, other)}[tt.who]
				if _, err := b.ConfirmTOTP(t.Context(), p, codeAt(t, secret, time.Now())); !errors.Is(err, tt.want) {
					t.Errorf("confirm: %v, want %v", err, tt.want)
				}
				if b.expire(); (len(b.pending) != 0) != (tt.who == 1) {
					t.Errorf("%d enrolments kept", len(b.pending))
				}
			})
		})
	}
}

// TestEveryCodeIsGoodOnce, whatever happens in between.
func TestEveryCodeIsGoodOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Seal: fakeSealer("device")}
		b := newBox(t, o)
		owner := b.principal(t, b.claimed(t))
		secret, recovery := b.enrolled(t, owner)
		n := 0
		try := func(what, code string, want error) {
			t.Helper()
			n++
			if _, err := b.Login(t.Context(), from(fmt.Sprintf("10.7.0.%d:1", n)), "owner", goodPassword, code); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}
		try("no code", "", ErrSecondFactor)
		try("the code that confirmed it", codeAt(t, secret, time.Now()), ErrSecondFactor)
		time.Sleep(time.Minute)
		now := time.Now()
		try("the code of the last half minute", codeAt(t, secret, now.Add(-30*time.Second)), nil)
		try("the code of now, as apps show it", codeAt(t, secret, now)[:3]+" "+codeAt(t, secret, now)[3:], nil)
		try("the code of now again", codeAt(t, secret, now), ErrSecondFactor)
		try("the code of the last half minute again", codeAt(t, secret, now.Add(-30*time.Second)), ErrSecondFactor)
		try("the code of the next half minute", codeAt(t, secret, now.Add(30*time.Second)), nil)
		b.reopen(t, o)
		try("that again after a restart", codeAt(t, secret, now.Add(30*time.Second)), ErrSecondFactor)
		try("a code of an hour ago", codeAt(t, secret, now.Add(-time.Hour)), ErrSecondFactor)
		try("a recovery code", strings.ToLower(recovery[3]), nil)
		try("it again", recovery[3], ErrSecondFactor)
		b.reopen(t, o)
		try("it again after a restart", recovery[3], ErrSecondFactor)
		try("another", strings.ReplaceAll(recovery[4], "-", ""), nil)
		try("its hash", b.users["owner"].Recovery[0], ErrSecondFactor)
		try("a kilobyte", strings.Repeat("1", 1024), ErrSecondFactor)
		time.Sleep(time.Minute)
		try("a code later on", codeAt(t, secret, time.Now()), nil)
		for range 3 * freePerUser {
			time.Sleep(30 * time.Second)
			b.login(t, "owner", codeAt(t, secret, time.Now())) // right codes are not counted
		}
		if got := len(b.users["owner"].Recovery); got != 8 {
			t.Errorf("%d recovery codes left, want 8", got)
		}
	})
}

func TestOfManyLoginsWithOneCodeOneSucceeds(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	_, recovery := b.enrolled(t, owner)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 8 {
		wg.Go(func() {
			_, err := b.Login(t.Context(), from(fmt.Sprintf("10.6.0.%d:1", i)), "owner", goodPassword, recovery[0])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, ErrSecondFactor) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d logins with one code, want 1", won)
	}
}

func TestTheSecondFactorIsAskedForAfterTheRightPasswordOnly(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	_, recovery := b.enrolled(t, owner)
	b.told()
	if _, err := b.Login(t.Context(), from("10.0.5.1:1"), "owner", "wrong", recovery[0]); !errors.Is(err, ErrCredentials) {
		t.Errorf("a wrong password with the right code: %v, want ErrCredentials", err)
	}
	b.login(t, "owner", recovery[0]) // so it was not used up
	if got, want := b.told(), []string{"login_failed owner", "login owner recovery code, 9 left"}; !slices.Equal(got, want) {
		t.Errorf("notices %q, want %q", got, want)
	}
	b.person(t, "ann", Viewer)
	b.login(t, "ann", "123456") // who has none is not asked
}

func TestWrongSecondFactorsAreSlowedLikePasswords(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	b.enrolled(t, owner)
	for range 50 { // every login begins without a code
		if _, err := b.Login(t.Context(), from("10.0.0.1:1"), "owner", goodPassword, ""); !errors.Is(err, ErrSecondFactor) {
			t.Fatalf("no code: %v, want ErrSecondFactor", err)
		}
	}
	b.told()
	looked := 0
	for range 20 {
		if _, err := b.Login(t.Context(), from("10.0.0.1:1"), "owner", goodPassword, "wrong-code"); errors.Is(err, ErrSecondFactor) {
			looked++
		}
	}
	if looked != freePerAddress+1 {
		t.Errorf("%d wrong codes looked at, want %d", looked, freePerAddress+1)
	}
	got := b.told()
	if want := append(slices.Repeat([]string{"second_factor_failed owner"}, looked), "login_throttled"); !slices.Equal(got, want) {
		t.Errorf("notices %q, want %q", got, want)
	}
	b.throttle.forgive()
	looked = 0
	for range 20 {
		if err := b.RemoveTOTP(t.Context(), owner, "10.0.0.5:1", goodPassword, "wrong-code"); errors.Is(err, ErrSecondFactor) {
			looked++
		}
	}
	if looked != freePerAddress+1 {
		t.Errorf("%d wrong codes looked at to take it away, want %d", looked, freePerAddress+1)
	}
}

// TestWhoKnowsThePasswordCannotTryAllCodes from as many addresses as it takes,
// and cannot keep the owner out by it.
func TestWhoKnowsThePasswordCannotTryAllCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{})
		owner := b.principal(t, b.claimed(t))
		secret, recovery := b.enrolled(t, owner)
		code := codeAt(t, secret, time.Now().Add(24*time.Hour)) // never right in between, or hardly ever
		looked := 0
		for i := range 720 {
			_, err := b.Login(t.Context(), from(fmt.Sprintf("[2001:db8:%x::1]:1", i)), "owner", goodPassword, code)
			var te *ThrottledError
			if !errors.As(err, &te) {
				looked++
			} else if te.RetryAfter > maxDelay {
				t.Fatalf("told to wait %v", te.RetryAfter)
			}
			time.Sleep(5 * time.Second)
		}
		if looked > 80 {
			t.Errorf("%d codes looked at in an hour, want at most 80", looked)
		}
		if !slices.Contains(b.told(), "login_throttled") {
			t.Error("nobody is told")
		}
		b.login(t, "owner", recovery[0])
		time.Sleep(time.Minute)
		b.login(t, "owner", codeAt(t, secret, time.Now()))
	})
}

func TestTakingTheSecondFactorAway(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	if err := b.RemoveTOTP(t.Context(), owner, "10.0.0.1:1", goodPassword, "123456"); !errors.Is(err, ErrNoTOTP) {
		t.Errorf("with none in force: %v, want ErrNoTOTP", err)
	}
	if _, err := b.NewRecoveryCodes(t.Context(), owner, "10.0.0.1:1", goodPassword); !errors.Is(err, ErrNoTOTP) {
		t.Errorf("recovery codes of none: %v, want ErrNoTOTP", err)
	}
	_, recovery := b.enrolled(t, owner)
	if _, err := b.NewRecoveryCodes(t.Context(), owner, "10.0.0.1:1", "wrong"); !errors.Is(err, ErrCredentials) {
		t.Errorf("recovery codes with a wrong password: %v, want ErrCredentials", err)
	}
	fresh, err := b.NewRecoveryCodes(t.Context(), owner, "10.0.0.1:1", goodPassword)
	if err != nil || len(fresh) != 10 || slices.Contains(fresh, recovery[0]) {
		t.Fatalf("new recovery codes: %v, %v", fresh, err)
	}
	for name, try := range map[string]struct {
		password, code string
		want           error
	}{
		"a wrong password":     {"wrong", fresh[0], ErrCredentials},
		"no code":              {goodPassword, "", ErrSecondFactor},
		"an old recovery code": {goodPassword, recovery[0], ErrSecondFactor},
	} {
		if err := b.RemoveTOTP(t.Context(), owner, "10.0.0.1:1", try.password, try.code); !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", name, err, try.want)
		}
	}
	b.told()
	if err := b.RemoveTOTP(t.Context(), owner, "10.0.0.1:1", goodPassword, fresh[0]); err != nil {
		t.Fatal(err)
	}
	if got := b.told(); !slices.Equal(got, []string{"totp_removed owner"}) || alive(owner) != 1 {
		t.Errorf("notices %q", got)
	}
	b.reopen(t, Options{})
	b.login(t, "owner", "")
}

// TestASecretThatDoesNotOpenKeepsCodesOut and nobody else: the database came
// from another box, or the device key was lost.
func TestASecretThatDoesNotOpenKeepsCodesOut(t *testing.T) {
	b := newBox(t, Options{Seal: fakeSealer("device")})
	owner := b.principal(t, b.claimed(t))
	second := b.person(t, "second", Admin)
	secret, recovery := b.enrolled(t, owner)
	secret2, _ := b.enrolled(t, second)
	sealed := func() (raw string) {
		row, err := b.db.GetBytes(usersBucket, "owner")
		if err != nil {
			t.Fatal(err)
		}
		_, raw, _ = strings.Cut(string(row), `"totp":"`)
		raw, _, _ = strings.Cut(raw, `"`)
		return raw
	}
	before := sealed()
	b.reopen(t, Options{Seal: fakeSealer("another")})
	later := codeAt(t, secret, time.Now().Add(30*time.Second))
	for _, code := range []string{"", later} {
		if _, err := b.Login(t.Context(), from("10.0.0.1:1"), "owner", goodPassword, code); !errors.Is(err, ErrSecondFactor) {
			t.Errorf("code %q: %v, want ErrSecondFactor", code, err)
		}
	}
	token := b.login(t, "owner", recovery[0])
	if !strings.Contains(b.log.String(), "second factor cannot be opened") {
		t.Error("the log does not say so")
	}
	n := 0
	err := b.db.Bolt.Update(func(tx *bolt.Tx) (err error) {
		n, err = b.Reseal(tx, fakeSealer("another").Open, fakeSealer("third").Seal)
		return err
	})
	if err != nil || n != 0 || sealed() != before {
		t.Errorf("resealed %d, %v; want the rows left as they are", n, err)
	}
	if _, err := b.ChangeUser(t.Context(), b.principal(t, token), "second", Change{RemoveTOTP: true}); err != nil {
		t.Fatal(err)
	}
	b.login(t, "second", "")
	b.reopen(t, Options{Seal: fakeSealer("device")}) // it is there again
	b.login(t, "owner", later)
	_ = secret2
}

// TestResealingNeitherWaitsForLoginsNorLosesASecret: it runs within a
// transaction that every login waits for.
func TestResealingNeitherWaitsForLoginsNorLosesASecret(t *testing.T) {
	key := &rotating{key: "old"}
	b := newBox(t, Options{Seal: key})
	owner := b.principal(t, b.claimed(t))
	secret, recovery := b.enrolled(t, owner)
	b.person(t, "ann", Viewer)
	var wg sync.WaitGroup
	err := b.db.Bolt.Update(func(tx *bolt.Tx) error {
		key.set("new") // seals from before the transaction on, and opens both
		wg.Go(func() { b.login(t, "owner", recovery[0]) })
		waitFor(t, func() bool { // the login holds write and waits for the database
			if b.write.TryLock() {
				b.write.Unlock()
				return false
			}
			return true
		})
		if p, err := b.Authenticate("nothing"); p != nil || !errors.Is(err, ErrNoSession) {
			t.Error(err)
		}
		n, err := b.Reseal(tx, fakeSealer("old").Open, fakeSealer("new").Seal)
		if n != 1 {
			t.Errorf("resealed %d secrets, want 1", n)
		}
		return err
	})
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	b.reopen(t, Options{Seal: fakeSealer("new")})
	if b.users["owner"].secret != secret || len(b.users["owner"].Recovery) != 9 {
		t.Error("the secret is lost, or the recovery code unused")
	}
	err = b.db.Bolt.Update(func(tx *bolt.Tx) error {
		_, err := b.Reseal(tx, fakeSealer("old").Open, fakeSealer("newer").Seal)
		return err
	})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("resealed with the wrong key: %v, want an error without the secret", err)
	}
}

type rotating struct {
	mu  sync.Mutex
	key fakeSealer
}

func (r *rotating) set(k fakeSealer) { r.mu.Lock(); r.key = k; r.mu.Unlock() }
func (r *rotating) now() fakeSealer  { r.mu.Lock(); defer r.mu.Unlock(); return r.key }
func (r *rotating) Seal(table, id, field string, plain []byte) ([]byte, error) {
	return r.now().Seal(table, id, field, plain)
}
func (r *rotating) Open(table, id, field string, sealed []byte) ([]byte, error) {
	return r.now().Open(table, id, field, sealed)
}

// waitFor waits until something that is certain to happen has.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatal("waited for too long")
		}
	}
}

// TestASealedSecretIsOfOneUser: pasted into another's row it opens nothing.
func TestASealedSecretIsOfOneUser(t *testing.T) {
	o := Options{Seal: fakeSealer("device")}
	b := newBox(t, o)
	owner := b.principal(t, b.claimed(t))
	b.person(t, "ann", Viewer)
	secret, _ := b.enrolled(t, owner)
	row, err := b.db.GetBytes(usersBucket, "owner")
	if err != nil {
		t.Fatal(err)
	}
	pasted := strings.ReplaceAll(string(row), `"name":"owner"`, `"name":"ann"`)
	if err := b.db.SetBytes(usersBucket, "ann", []byte(pasted)); err != nil {
		t.Fatal(err)
	}
	b.reopen(t, o)
	if b.users["ann"].secret != "" || b.users["owner"].secret != secret {
		t.Error("the secret opened in another's row, or not in its own")
	}
	disk, err := os.ReadFile(b.path)
	if err != nil || strings.Contains(string(disk), secret) {
		t.Errorf("the secret lies open on disk, or %v", err)
	}
}
