package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func newVault(t testing.TB) *Vault {
	t.Helper()
	v, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustSeal(t testing.TB, v *Vault, table, id, field, plain string) []byte {
	t.Helper()
	sealed, err := v.Seal(table, id, field, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestWhatIsSealedOpensAndShowsNothing(t *testing.T) {
	v := newVault(t)
	for _, plain := range []string{"x", "rtsp-password-canary", strings.Repeat("long ", 20000), "\x00\xff"} {
		sealed := mustSeal(t, v, "cameras", "gate", "password", plain)
		if len(sealed) != len(plain)+Overhead {
			t.Errorf("%d bytes of %d; want %d more", len(sealed), len(plain), Overhead)
		}
		if len(plain) > 2 && bytes.Contains(sealed, []byte(plain[:3])) {
			t.Errorf("%.20q is there in plain", plain)
		}
		if again := mustSeal(t, v, "cameras", "gate", "password", plain); bytes.Equal(again, sealed) {
			t.Error("sealed twice it is the same: the nonce is not new")
		}
		if got, err := v.Open("cameras", "gate", "password", sealed); err != nil || string(got) != plain {
			t.Errorf("%.20q, %v; want %.20q", got, err, plain)
		}
	}
}

func TestNothingStaysNothing(t *testing.T) {
	v := newVault(t)
	for _, plain := range [][]byte{nil, {}} {
		if sealed, err := v.Seal("t", "i", "f", plain); len(sealed) != 0 || err != nil {
			t.Errorf("%x, %v", sealed, err)
		}
		if got, err := v.Open("t", "i", "f", plain); len(got) != 0 || err != nil {
			t.Errorf("%x, %v", got, err)
		}
	}
	if text, err := v.SealText("t", "i", "f", ""); text != "" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestASecretOpensInItsPlaceAlone(t *testing.T) {
	v := newVault(t)
	sealed := mustSeal(t, v, "cameras", "gate", "password", "secret")
	for _, at := range [][3]string{
		{"cameras", "yard", "password"},  // pasted into another record
		{"cameras", "gate", "url"},       // another field
		{"outbox", "gate", "password"},   // another table
		{"camerasg", "ate", "password"},  // the same letters, cut elsewhere
		{"cameras", "gatep", "assword"},  //
		{"cameras", "", "gatepassword"},  //
		{"", "", "camerasgatepassword"},  //
		{"Cameras", "gate", "password"},  //
		{"cameras", "gate\x00", "passw"}, //
	} {
		if got, err := v.Open(at[0], at[1], at[2], sealed); !errors.Is(err, ErrWrongKey) || got != nil {
			t.Errorf("%q: %q, %v; want ErrWrongKey", at, got, err)
		}
	}
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	v := newVault(t)
	sealed := mustSeal(t, v, "cameras", "gate", "password", "a secret")
	for i := range 8 * len(sealed) {
		bad := bytes.Clone(sealed)
		bad[i/8] ^= 1 << (i % 8)
		got, err := v.Open("cameras", "gate", "password", bad)
		want := ErrWrongKey
		if i < 8 {
			want = ErrFormat // the version
		}
		if !errors.Is(err, want) || got != nil {
			t.Errorf("bit %d: %q, %v; want %v", i, got, err, want)
		}
	}
	for n := 1; n < len(sealed); n++ {
		if _, err := v.Open("cameras", "gate", "password", sealed[:n]); err == nil {
			t.Errorf("the first %d bytes open", n)
		}
	}
}

func TestAnotherBoxOpensNothing(t *testing.T) {
	v, other := newVault(t), newVault(t)
	sealed := mustSeal(t, v, "cameras", "gate", "password", "a secret")
	if _, err := other.Open("cameras", "gate", "password", sealed); !errors.Is(err, ErrWrongKey) {
		t.Errorf("%v, want ErrWrongKey", err)
	}
	// The id of a key is no proof of it.
	copy(sealed[1:], other.keys.current.id[:])
	if _, err := other.Open("cameras", "gate", "password", sealed); !errors.Is(err, ErrWrongKey) {
		t.Errorf("under the other's id: %v, want ErrWrongKey", err)
	}
	if err := v.Verify(v.Proof()); err != nil {
		t.Error(err)
	}
	if err := other.Verify(v.Proof()); !errors.Is(err, ErrWrongKey) {
		t.Errorf("proof: %v, want ErrWrongKey", err)
	}
	for _, proof := range [][]byte{nil, {}, []byte("vedette"), mustSeal(t, v, "seal", "proof", "proof", "another text")} {
		if err := v.Verify(proof); !errors.Is(err, ErrFormat) {
			t.Errorf("proof %q: %v, want ErrFormat", proof, err)
		}
	}
}

func TestTextsFitIntoRecords(t *testing.T) {
	v := newVault(t)
	for _, plain := range []string{"pässwörd \"quoted\"", "sealed:v1:", "sealed:v1:AAAA"} {
		text, err := v.SealText("cameras", "gate", "password", plain)
		if err != nil || !IsSealed(text) || strings.ContainsAny(text, "\"\\\n ") || text == plain {
			t.Errorf("%q, %v", text, err)
		}
		if got, err := v.OpenText("cameras", "gate", "password", text); err != nil || got != plain {
			t.Errorf("%q, %v; want %q", got, err, plain)
		}
		if _, err := v.OpenText("cameras", "yard", "password", text); !errors.Is(err, ErrWrongKey) {
			t.Errorf("in another record: %v, want ErrWrongKey", err)
		}
	}
	for _, plain := range []string{"", "from before", "sealed:v2:AAAA", " sealed:v1:"} {
		if got, err := v.OpenText("t", "i", "f", plain); got != plain || err != nil || IsSealed(plain) {
			t.Errorf("%q, %v, sealed: %v; want %q as it is", got, err, IsSealed(plain), plain)
		}
	}
	for _, bad := range []string{"sealed:v1:", "sealed:v1:AA", "sealed:v1:%%%%", "sealed:v1:" + base64.StdEncoding.EncodeToString(make([]byte, 100))} {
		if got, err := v.OpenText("t", "i", "f", bad); !errors.Is(err, ErrFormat) || got != "" {
			t.Errorf("%q: %q, %v; want ErrFormat", bad, got, err)
		}
	}
}

// TestASealedTextHasOneForm: the last letter has bits that base64 leaves over.
func TestASealedTextHasOneForm(t *testing.T) {
	v := newVault(t)
	for _, plain := range []string{"a", "ab", "abc"} {
		text, err := v.SealText("t", "i", "f", plain)
		if err != nil {
			t.Fatal(err)
		}
		for c := range byte(128) {
			other := text[:len(text)-1] + string(rune(c))
			if got, err := v.OpenText("t", "i", "f", other); err == nil && other != text {
				t.Errorf("%q opens to %q, and so does %q", text, got, other)
			}
		}
	}
}

// TestTheFormatIsAsDocumented makes a key file and a sealed value by hand.
func TestTheFormatIsAsDocumented(t *testing.T) {
	raw, nonce, plain := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, 12), []byte("secret")
	dir := t.TempDir()
	file := summed(append([]byte("VEDKEY\x01\x01"), raw...))
	if err := os.WriteFile(filepath.Join(dir, "device.key"), file, 0o400); err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	id := sha256.Sum256(append([]byte("vedette device key id"), raw...))
	head := append([]byte{1}, id[:8]...)
	place := append(bytes.Clone(head), "\x00\x00\x00\x07cameras\x00\x00\x00\x04gate\x00\x00\x00\x08password"...)
	sealed := gcm.Seal(append(bytes.Clone(head), nonce...), nonce, plain, place)
	v, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.Open("cameras", "gate", "password", sealed); err != nil || string(got) != "secret" {
		t.Errorf("%q, %v", got, err)
	}
	text := "sealed:v1:" + base64.RawStdEncoding.EncodeToString(sealed)
	if got, err := v.OpenText("cameras", "gate", "password", text); err != nil || got != "secret" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNoErrorTellsASecret(t *testing.T) {
	dir := t.TempDir()
	v, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.OpenText("cameras", "gate", "password", "sealed:v1:canary!")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
	path := filepath.Join(dir, KeyFile)
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte("VEDKEY canary"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err = Open(dir, Options{}); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// FuzzOpen: whatever comes, there is no panic, and nothing opens but what was sealed.
func FuzzOpen(f *testing.F) {
	v := newVault(f)
	sealed := mustSeal(f, v, "t", "i", "f", "secret")
	f.Add([]byte{}, "")
	f.Add(sealed, "sealed:v1:")
	f.Add(sealed[:Overhead], "sealed:v1:AAAA")
	f.Add(bytes.Repeat([]byte{1}, Overhead+1), "sealed:v1:"+base64.RawStdEncoding.EncodeToString(sealed))
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		if got, err := v.Open("t", "i", "f", data); err == nil && len(data) > 0 && !bytes.Equal(data, sealed) {
			t.Errorf("%x opens to %q", data, got)
		}
		if err := v.Verify(data); err == nil {
			t.Errorf("%x is a proof", data)
		}
		got, err := v.OpenText("t", "i", "f", text)
		switch {
		case err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrWrongKey):
			t.Error(err)
		case err == nil && IsSealed(text) && got != "secret":
			t.Errorf("%q opens to %q", text, got)
		}
	})
}

// FuzzKeyFile: a key file that is read is written the same again.
func FuzzKeyFile(f *testing.F) {
	one := newKey()
	f.Add([]byte{})
	f.Add(ring{current: one}.encode())
	f.Add(ring{current: one, old: newKey()}.encode())
	f.Add(bytes.Repeat([]byte("VEDKEY\x01\x01"), 6))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := decode(data); err == nil && !bytes.Equal(r.encode(), data) {
			t.Errorf("%x is read as %x", data, r.encode())
		}
	})
}
