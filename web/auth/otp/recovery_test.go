package otp

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryRecoveryCodeIsGoodOnce(t *testing.T) {
	plain, hashed := NewRecovery()
	if len(plain) != 10 || len(hashed) != 10 {
		t.Fatalf("%d codes, %d hashes, want 10", len(plain), len(hashed))
	}
	before, left := slices.Clone(hashed), hashed
	for i, code := range plain {
		rest, ok := UseRecovery(left, code)
		if !ok || len(rest) != 9-i {
			t.Fatalf("code %d: %v, %d left, want %d", i, ok, len(rest), 9-i)
		}
		if again, ok := UseRecovery(rest, code); ok || !slices.Equal(again, rest) {
			t.Errorf("code %d is good twice", i)
		}
		left = rest
	}
	if !slices.Equal(hashed, before) {
		t.Error("the caller's hashes were changed")
	}
}

func TestRecoveryCodesMayBeTypedAsPeopleDo(t *testing.T) {
	const code = "7K2M-9QXD-R401-1WHE"
	hashed := []string{hashRecovery("0000-0000-0000-0000"), hashRecovery(code), hashRecovery("1111-1111-1111-1111")}
	tests := []struct {
		name, typed string
		want        bool
	}{
		{"as shown", code, true},
		{"in lower case", strings.ToLower(code), true},
		{"without hyphens", "7K2M9QXDR4011WHE", true},
		{"with spaces", " 7K2M 9QXD R401 1WHE ", true},
		{"with letters for digits", "7k2m-9qxd-r4oi-lwhe", true},
		{"with a wrong letter", "7K2M-9QXD-R401-1WHF", false},
		{"cut short", "7K2M-9QXD-R401-1WH", false},
		{"with one too many", code + "0", false},
		{"with more hyphens than anybody types", code + strings.Repeat("-", 100), false},
		{"its hash", hashRecovery(code), false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rest, ok := UseRecovery(hashed, tt.typed)
			want := hashed
			if tt.want {
				want = []string{hashed[0], hashed[2]}
			}
			if ok != tt.want || !slices.Equal(rest, want) {
				t.Errorf("UseRecovery(%q) = %v, %d left; want %v", tt.typed, ok, len(rest), tt.want)
			}
		})
	}
}

// TestRecoveryCodesCannotBeGuessed: their form, no two alike, and every letter
// comes as often as any other (chi-squared, 31 degrees of freedom).
func TestRecoveryCodesCannotBeGuessed(t *testing.T) {
	form := regexp.MustCompile(`^(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`)
	seen, count, letters := map[string]bool{}, map[rune]int{}, 0
	for range 200 {
		plain, hashed := NewRecovery()
		for i, code := range plain {
			if !form.MatchString(code) || seen[code] {
				t.Fatalf("code %s is malformed, or there twice", code)
			}
			if len(hashed[i]) != 64 || strings.Contains(hashed[i], code) {
				t.Fatalf("hash %s of %s", hashed[i], code)
			}
			seen[code] = true
			for _, r := range strings.ReplaceAll(code, "-", "") {
				count[r]++
				letters++
			}
		}
	}
	per := letters / 2000
	if bits := new(big.Int).Exp(big.NewInt(int64(len(count))), big.NewInt(int64(per)), nil).BitLen() - 1; bits < 80 {
		t.Errorf("a code has %d bits, want 80", bits)
	}
	expect, chi := float64(letters)/32, 0.0
	for _, n := range count {
		chi += (float64(n) - expect) * (float64(n) - expect) / expect
	}
	if chi > 90 { // chance: below 10^-7
		t.Errorf("chi-squared of the letters is %.0f", chi)
	}
}

func FuzzUseRecovery(f *testing.F) {
	plain, hashed := NewRecovery()
	for _, code := range plain[:3] {
		f.Add(code)
		f.Add(strings.ToLower(code[1:]))
	}
	f.Add("")
	f.Add("----")
	f.Add(hashed[0])
	f.Add(strings.Repeat("ı", 40))
	f.Fuzz(func(t *testing.T, code string) {
		rest, ok := UseRecovery(hashed, code)
		if !ok {
			if !slices.Equal(rest, hashed) {
				t.Fatalf("%q is refused, and yet %d are left", code, len(rest))
			}
			return
		}
		at := slices.Index(hashed, hashRecovery(code))
		if at < 0 || len(rest) != 9 || slices.Contains(rest, hashed[at]) {
			t.Fatalf("%q is good for %d, %d left", code, at, len(rest))
		}
		if _, ok := UseRecovery(rest, code); ok {
			t.Fatalf("%q is good twice", code)
		}
	})
}
