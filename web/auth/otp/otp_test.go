package otp

import (
	"encoding/base32"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"
)

// rfcSecret is the secret of the test vectors in RFC 6238, appendix B.
const rfcSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func TestCodesAreThoseOfTheRFC(t *testing.T) {
	vectors := []struct {
		unix int64
		code string // the last six of eight digits
	}{
		{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"},
		{1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"},
	}
	for _, v := range vectors {
		step, ok := Verify(rfcSecret, v.code, time.Unix(v.unix, 0), 0)
		if !ok || step != v.unix/30 {
			t.Errorf("at %d: %s is good %v, step %d, want step %d", v.unix, v.code, ok, step, v.unix/30)
		}
	}
}

func TestACodeIsGoodNearItsTimeAndOnce(t *testing.T) {
	const code, its = "005924", 1234567890 / 30
	begin := time.Unix(its*30, 0)
	tests := []struct {
		name   string
		code   string
		secret string
		at     time.Duration // from the beginning of its 30 s
		last   int64
		want   bool
	}{
		{"at its beginning", code, rfcSecret, 0, 0, true},
		{"30 s early", code, rfcSecret, -30 * time.Second, 0, true},
		{"31 s early", code, rfcSecret, -31 * time.Second, 0, false},
		{"just below 60 s late", code, rfcSecret, 60*time.Second - time.Nanosecond, 0, true},
		{"60 s late", code, rfcSecret, 60 * time.Second, 0, false},
		{"after the code before it was used", code, rfcSecret, 0, its - 1, true},
		{"a second time", code, rfcSecret, 0, its, false},
		{"a second time, 30 s later", code, rfcSecret, 30 * time.Second, its, false},
		{"after a later code was used", code, rfcSecret, 30 * time.Second, its + 1, false},
		{"as apps show it", "005 924", rfcSecret, 0, 0, true},
		{"with a secret in lower case", code, strings.ToLower(rfcSecret), 0, 0, true},
		{"without its zeros", "5924", rfcSecret, 0, 0, false},
		{"with a digit too many", "0059240", rfcSecret, 0, 0, false},
		{"with a wrong digit", "005925", rfcSecret, 0, 0, false},
		{"in other digits", "٠٠٥٩٢٤", rfcSecret, 0, 0, false},
		{"empty", "", rfcSecret, 0, 0, false},
		{"with another secret", code, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJA", 0, 0, false},
		{"with a secret that is none", code, "018", 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			step, ok := Verify(tt.secret, tt.code, begin.Add(tt.at), tt.last)
			if ok != tt.want || ok && step != its || !ok && step != 0 {
				t.Errorf("Verify = %d, %v, want %v and step %d", step, ok, tt.want, int64(its))
			}
		})
	}
}

// TestNoCodeIsGoodOnAClockBefore1970: negative steps would count as huge ones.
func TestNoCodeIsGoodOnAClockBefore1970(t *testing.T) {
	for _, unix := range []int64{-1, -31, -3000} {
		for s := unix/30 - 1; s <= unix/30+1; s++ {
			code, err := hotp.GenerateCode(rfcSecret, uint64(s))
			if err != nil {
				t.Fatal(err)
			}
			if step, ok := Verify(rfcSecret, code, time.Unix(unix, 0), 0); ok && step < 1 {
				t.Errorf("at %d: the code of step %d is good", unix, step)
			}
		}
	}
}

// TestTwoStepsWithOneCodeUseBothUp: one in a million neighbours have the same.
func TestTwoStepsWithOneCodeUseBothUp(t *testing.T) {
	const earlier, later = 910737, 910738
	now := time.Unix(earlier*30, 0)
	step, ok := Verify(rfcSecret, "911617", now, 0)
	if !ok || step != later {
		t.Fatalf("Verify = %d, %v, want step %d", step, ok, int64(later))
	}
	if _, ok := Verify(rfcSecret, "911617", now.Add(30*time.Second), step); ok {
		t.Error("the code was good twice")
	}
}

// TestAnAppUnderstandsTheAddress reads it as apps do and makes a code of it.
func TestAnAppUnderstandsTheAddress(t *testing.T) {
	tests := []struct{ name, issuer, account, label string }{
		{"plain names", "Vedette", "owner", "Vedette:owner"},
		{"a space and an address", "Vedette gate", "a.b@example.org", "Vedette gate:a.b@example.org"},
		{"what means something in an address", "A&B #1/2?", "x+y%41", "A&B #1/2?:x+y%41"},
		{"colons, which part issuer and account", "Vedette: gate", "a:b", "Vedette  gate:a b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			secret, uri, err := NewSecret(tt.issuer, tt.account)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(uri)
			if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/"+tt.label {
				t.Errorf("address %s (%v), want otpauth://totp/ and %q", uri, err, tt.label)
			}
			q := u.Query()
			issuer, _, _ := strings.Cut(tt.label, ":")
			for k, want := range map[string]string{"secret": secret, "issuer": issuer, "algorithm": "SHA1", "digits": "6", "period": "30"} {
				if q.Get(k) != want {
					t.Errorf("%s is %q, want %q", k, q.Get(k), want)
				}
			}
			if strings.Contains(u.RawQuery, "+") {
				t.Errorf("query %s: apps show a plus, not a space", u.RawQuery)
			}
			raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
			if err != nil || len(raw) != 20 {
				t.Errorf("secret of %d bytes (%v), want 160 bits", len(raw), err)
			}
			now := time.Now()
			code, err := hotp.GenerateCode(q.Get("secret"), uint64(now.Unix()/30))
			if _, ok := Verify(secret, code, now, 0); err != nil || !ok {
				t.Errorf("the app's code is refused (%v)", err)
			}
		})
	}
	for _, pair := range [][2]string{{"", "owner"}, {"Vedette", ""}} {
		if _, _, err := NewSecret(pair[0], pair[1]); err == nil {
			t.Errorf("NewSecret(%q, %q) = nil error", pair[0], pair[1])
		}
	}
}

func TestSecretsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		secret, _, err := NewSecret("Vedette", "owner")
		if err != nil || seen[secret] {
			t.Fatalf("secret made twice, or %v", err)
		}
		seen[secret] = true
	}
}
