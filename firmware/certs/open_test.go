package certs

import (
	"bytes"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// full returns a directory that holds every file, and the manager that wrote it.
func full(t *testing.T, seal Sealer) (string, *Manager, *box) {
	t.Helper()
	b := &box{called: []string{"vedette.local"}}
	dir := t.TempDir()
	m := b.open(t, Options{Dir: dir, Seal: seal})
	ca, key := newAuthority(t, nil), ecKey(t)
	if err := m.Set(t.Context(), Settings{Mode: ModeGiven, Certificate: ca.certify(t, key, nil), Key: keyPEM(t, key)}); err != nil {
		t.Fatal(err)
	}
	acme := Settings{Mode: ModeACME, ACME: ACME{Domain: "nvr.example.org", Challenge: DNS01, DNS: DNS{Server: "192.168.1.2", KeyName: "box", KeySecret: canary}}}
	if err := m.Set(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.prepareOrder()
	if err != nil {
		t.Fatal(err)
	}
	p, err := newLeaf(m.ca, o.key, []string{"nvr.example.org"}, time.Now(), time.Now().Add(day))
	if err != nil {
		t.Fatal(err)
	}
	p.directory = LetsEncrypt
	if err := m.deliver(p); err != nil {
		t.Fatal(err)
	}
	return dir, m, b
}

const canary = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnk=" // a secret of a DNS key

func TestADamagedAuthorityIsNeverReplaced(t *testing.T) {
	seal := newSeal(t, 1)
	dir, _, b := full(t, seal)
	files := map[string][]byte{}
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if len(files) != 6 {
		t.Fatalf("%d files", len(files))
	}
	plain := (&box{}).open(t, Options{}).store // another authority's files, not sealed
	other := func(name string) []byte {
		data, err := os.ReadFile(plain.path(name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	cut := func(name string, n int) []byte { return files[name][:n] }
	certificate := func(name string) []byte {
		block, _ := pem.Decode(files[name])
		return pem.EncodeToMemory(block)
	}
	flip := func(name string) []byte {
		block, rest := pem.Decode(files[name])
		key, _ := pem.Decode(rest)
		key.Bytes[len(key.Bytes)/2] ^= 1
		return append(pem.EncodeToMemory(block), pem.EncodeToMemory(key)...)
	}
	for _, tt := range []struct {
		name string
		file string
		data []byte // nil = removed
		seal Sealer
		want error // nil = it starts
	}{
		{"as it was", fileCA, files[fileCA], seal, nil},
		{"the authority is gone", fileCA, nil, seal, ErrDamaged},
		{"the authority is empty", fileCA, []byte{}, seal, ErrDamaged},
		{"the authority is cut in its key", fileCA, cut(fileCA, len(files[fileCA])-40), seal, ErrDamaged},
		{"the authority is cut in its certificate", fileCA, cut(fileCA, 200), seal, ErrDamaged},
		{"the authority has lost its key", fileCA, certificate(fileCA), seal, ErrDamaged},
		{"one bit of the authority's key", fileCA, flip(fileCA), seal, ErrSealed},
		{"the authority is of no use as one", fileCA, other(fileOwn), seal, ErrDamaged},
		{"garbage for the authority", fileCA, bytes.Repeat([]byte{0xa5}, 4096), seal, ErrDamaged},
		{"endless garbage for the authority", fileCA, bytes.Repeat([]byte("-----BEGIN "), fileBytes/10), seal, ErrDamaged},
		{"another's key for the own certificate", fileOwn, append(certificate(fileOwn), keyPEM(t, ecKey(t))...), seal, ErrDamaged},
		{"the own certificate is cut", fileOwn, cut(fileOwn, 100), seal, ErrDamaged},
		{"the sealed key of another file", fileOwn, append(certificate(fileOwn), files[fileCA][len(certificate(fileCA)):]...), seal, ErrSealed},
		{"another box's seal", fileCA, files[fileCA], newSeal(t, 2), ErrSealed},
		{"no seal any more", fileCA, files[fileCA], nil, ErrSealed},
		{"the settings are cut", fileSettings, cut(fileSettings, 20), seal, ErrDamaged},
		{"the settings have an unknown mode", fileSettings, []byte(`{"mode":"x"}`), seal, ErrDamaged},
		{"the settings hold another box's secret", fileSettings, []byte(`{"mode":"acme","sealed_key_secret":"AAAA"}`), seal, ErrSealed},
		{"the own certificate is gone", fileOwn, nil, seal, nil},
		{"the given certificate is cut", fileGiven, cut(fileGiven, 100), seal, nil},
		{"the fetched certificate is cut", fileFetched, cut(fileFetched, 100), seal, nil},
		{"the account is cut", fileAccount, cut(fileAccount, 10), seal, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range files {
				if name == tt.file {
					data = tt.data
				}
				if data == nil {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			m, err := Open(Options{Dir: dir, Seal: tt.seal, Names: b.names})
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if err != nil {
				if !strings.Contains(err.Error(), tt.file) && tt.file != fileOwn || strings.Contains(err.Error(), "\xa5") {
					t.Errorf("the error does not name the file, or tells too much: %v", err)
				}
				if got, _ := os.ReadFile(filepath.Join(dir, tt.file)); !bytes.Equal(got, tt.data) {
					t.Error("the file was changed")
				}
				return
			}
			if !bytes.Contains(files[fileCA], m.CA()) {
				t.Error("another authority")
			}
		})
	}
}

func TestWhatTheBoxCanDoWithoutIsTold(t *testing.T) {
	dir, m, b := full(t, nil)
	if got := m.Info(); got.Problem != "" || got.Names[0] != "nvr.example.org" || got.ACME.State != StateIssued {
		t.Fatalf("%+v", got)
	}
	if err := os.WriteFile(m.store.path(fileFetched), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := b.open(t, Options{Dir: dir})
	if got := again.Info(); !strings.Contains(got.Problem, fileFetched) || got.Names[0] != "vedette.local" || got.ACME.State != StatePending {
		t.Errorf("%+v", got)
	}
	if err := again.Set(t.Context(), Settings{Mode: ModeGiven}); err != nil {
		t.Fatal(err)
	}
	if got := again.Info(); got.Problem != "" || got.Names[0] != "nvr.example.org" || got.ACME != nil {
		t.Errorf("the given one from before: %+v", got)
	}
}

func TestKeysLieSealedAndForTheirOwnerAlone(t *testing.T) {
	dir, m, b := full(t, newSeal(t, 1))
	check := func() {
		t.Helper()
		all, err := os.ReadDir(dir)
		if err != nil || len(all) != 6 {
			t.Fatalf("%v, %v", all, err)
		}
		for _, e := range all {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if st, _ := e.Info(); st.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode %v", e.Name(), st.Mode())
			}
			if bytes.Contains(data, []byte("BEGIN PRIVATE KEY")) || bytes.Contains(data, []byte(canary)) {
				t.Errorf("%s holds a secret", e.Name())
			}
		}
	}
	check()
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", st.Mode(), err)
	}
	before := m.Info()
	old, fresh := newSeal(t, 1), newSeal(t, 9)
	either := func(table, id, field string, data []byte) ([]byte, error) {
		if plain, err := fresh.Open(table, id, field, data); err == nil {
			return plain, nil
		}
		return old.Open(table, id, field, data)
	}
	for range 2 { // cut short, it is done again
		if n, err := m.Reseal(either, fresh.Seal); err != nil || n != 6 {
			t.Errorf("%d sealed again, %v", n, err)
		}
	}
	check()
	if _, err := Open(Options{Dir: dir, Seal: old}); !errors.Is(err, ErrSealed) {
		t.Errorf("the old key: %v", err)
	}
	again := b.open(t, Options{Dir: dir, Seal: fresh})
	if got := again.Info(); got.Fingerprint != before.Fingerprint || got.CAFingerprint != before.CAFingerprint || again.settings.Secret != canary {
		t.Errorf("%+v", got)
	}
	// a damaged file that the box does without must not stand against a rotation
	if err := os.WriteFile(m.store.path(fileGiven), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := again.Reseal(either, fresh.Seal); err != nil || n != 5 {
		t.Errorf("%d sealed again, %v", n, err)
	}
}

// TestAPowerCutLeavesAnAuthorityOrNone: the first start is cut after each file.
func TestAPowerCutLeavesAnAuthorityOrNone(t *testing.T) {
	b := &box{called: []string{"vedette.local"}}
	dir := t.TempDir()
	m := b.open(t, Options{Dir: dir})
	ca := m.CA()
	if err := os.Remove(m.store.path(fileOwn)); err != nil { // cut between the two
		t.Fatal(err)
	}
	if got := b.open(t, Options{Dir: dir}); !bytes.Equal(got.CA(), ca) {
		t.Error("another authority")
	}
	if err := os.Rename(m.store.path(fileCA), m.store.path(fileCA)+".new"); err != nil { // cut before the first
		t.Fatal(err)
	}
	if err := os.Remove(m.store.path(fileOwn)); err != nil {
		t.Fatal(err)
	}
	b.open(t, Options{Dir: dir})
}

func TestTheKeyStaysUnderAnotherAuthority(t *testing.T) {
	b := &box{called: []string{"vedette.local"}}
	one, two := b.open(t, Options{}), b.open(t, Options{})
	data, err := os.ReadFile(two.store.path(fileOwn))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(one.store.path(fileOwn), data, 0o600); err != nil {
		t.Fatal(err)
	}
	m := b.open(t, Options{Dir: one.o.Dir})
	if _, err := shake(t, m, "vedette.local", pool(one.CA()), time.Now()); err != nil {
		t.Errorf("the certificate is another authority's: %v", err)
	}
	if m.Info().Fingerprint != two.Info().Fingerprint {
		t.Error("another key")
	}
	if err := os.WriteFile(one.store.path(fileCA), make([]byte, fileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: one.o.Dir}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a file without end: %v", err)
	}
}

func TestAPlainKeyIsSealedWhenItIsKeptAgain(t *testing.T) {
	dir, m, b := full(t, nil)
	seal := newSeal(t, 1)
	again := b.open(t, Options{Dir: dir, Seal: seal})
	if got, want := again.Info(), m.Info(); got.Fingerprint != want.Fingerprint || again.settings.Secret != canary {
		t.Errorf("%+v", got)
	}
	if n, err := again.Reseal(seal.Open, seal.Seal); err != nil || n != 6 {
		t.Errorf("%d, %v", n, err)
	}
	if data, _ := os.ReadFile(m.store.path(fileCA)); bytes.Contains(data, []byte("BEGIN PRIVATE KEY")) {
		t.Error("still plain")
	}
	if data, _ := os.ReadFile(m.store.path(fileSettings)); bytes.Contains(data, []byte(canary)) {
		t.Error("the secret of the DNS key is still plain")
	}
}
