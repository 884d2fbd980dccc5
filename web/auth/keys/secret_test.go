package keys

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// form is what the documentation gives to secret scanners.
var form = regexp.MustCompile(`^vdt_[a-z2-7]{12}_[a-z2-7]{58}$`)

func TestASecretIsKnownByItsFormAndNoTwoAreAlike(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id, secret := newSecret()
		body := secret[len(Prefix)+idLen+1:]
		first, last := body[:25], body[25:51]
		if !form.MatchString(secret) || !WellFormed(secret) || !strings.HasPrefix(secret, Prefix+id+"_") {
			t.Fatalf("secret %s with id %s", secret, id)
		}
		if seen[id] || seen[first] || seen[last] {
			t.Fatalf("a part of %s was made twice", secret)
		}
		seen[id], seen[first], seen[last] = true, true, true
	}
}

// TestATypoIsNoGuess changes, drops, doubles and swaps every character.
func TestATypoIsNoGuess(t *testing.T) {
	_, secret := newSecret()
	n := 0
	try := func(s string) {
		n++
		if s != secret && WellFormed(s) {
			t.Errorf("%s passes for %s", s, secret)
		}
	}
	for i := range secret {
		for _, c := range "abcdefghijklmnopqrstuvwxyz234567A0189_-= \n" {
			try(secret[:i] + string(c) + secret[i+1:])
		}
		try(secret[:i])
		try(secret[:i] + secret[i+1:])
		try(secret[:i] + secret[i:i+1] + secret[i:])
		if i > 0 {
			try(secret[:i-1] + secret[i:i+1] + secret[i-1:i] + secret[i+1:])
		}
	}
	try(strings.ToUpper(secret))
	try(secret + "\n")
	if n < 3000 {
		t.Errorf("only %d tried", n)
	}
}

func FuzzCheck(f *testing.F) {
	b := newBox(f)
	_, secret := b.add(f, worker())
	gone, goneSecret := b.add(f, worker())
	if err := b.Remove(gone.ID); err != nil {
		f.Fatal(err)
	}
	_, foreign := newSecret()
	for _, s := range []string{secret, goneSecret, foreign, "", Prefix, secret[:16], strings.ToUpper(secret), secret + "\n", secret[:20] + "\n" + secret[21:], "constructor"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, ctx, ok := b.Check(s)
		if ok != (s == secret) || ok != (ctx.Err() == nil) || ok != (k.ID != "") {
			t.Fatalf("Check(%q) = %+v, %v, %v", s, k, ctx.Err(), ok)
		}
		if WellFormed(s) && !form.MatchString(s) {
			t.Fatalf("%q is well formed", s)
		}
	})
}

// FuzzRow: state.db may come out of somebody's backup.
func FuzzRow(f *testing.F) {
	hash := strings.Repeat("ab", 32)
	f.Add(hash, `{"id":"aaaaaaaaaaaa","name":"shed","role":"worker","cameras":["door"],"created":"2026-01-02T03:04:05Z","created_by":"owner","expires":"2027-01-02T03:04:05Z"}`)
	f.Add(hash, `{"id":"aaaaaaaaaaaa","name":"shed","role":"metrics","cameras":null,"expired":true}`)
	f.Add(hash, `{"id":"aaaaaaaaaaaa","name":"shed","role":"admin"}`)
	f.Add("x", `[]`)
	f.Fuzz(func(t *testing.T, name, value string) {
		_, rec, err := decode([]byte(name), []byte(value))
		if err != nil {
			return
		}
		again, err := json.Marshal(rec)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", value, err)
		}
		_, back, err := decode([]byte(name), again)
		if err != nil || back.ID != rec.ID || back.Role != rec.Role || (back.Cameras == nil) != (rec.Cameras == nil) || len(back.Cameras) != len(rec.Cameras) {
			t.Fatalf("%q became %s: %v", value, again, err)
		}
	})
}
