package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
)

const passphrase = "correct horse battery staple"

// fill writes files below dir.
func fill(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// files returns what is below dir.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// source is a box with that set of files.
func source(t testing.TB, set map[string]string) Source {
	t.Helper()
	rest := maps.Clone(set)
	delete(rest, StateFile)
	dir := t.TempDir()
	fill(t, dir, rest)
	return Source{
		Dir:   dir,
		State: func(w io.Writer) (int64, error) { n, err := io.WriteString(w, set[StateFile]); return int64(n), err },
		Files: []string{KeyFile, "tls"}, Version: "v1.2.3", Board: "sim", Host: "box",
		Created: time.Date(2026, 5, 4, 3, 2, 1, 999, time.UTC),
	}
}

// written returns an archive of set.
func written(t testing.TB, set map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(t.Context(), &out, passphrase, source(t, set), 4); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func readAll(t testing.TB, archive []byte, pass string) (Manifest, map[string]string, error) {
	t.Helper()
	dir := t.TempDir()
	m, err := Read(t.Context(), bytes.NewReader(archive), pass, dir)
	return m, files(t, dir), err
}

// encrypted encrypts what may be no archive, quickly.
func encrypted(t testing.TB, plain []byte, work int) []byte {
	t.Helper()
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(work)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	big := maps.Clone(newSet)
	big[StateFile] = string(bytes.Repeat([]byte("0123456789abcdef"), 3<<16)) // 3 MiB
	big["tls/acme/certificates/acme-v02.api.letsencrypt.org-directory/cameras.office.example.com/cameras.office.example.com.crt"] = "a name for PAX"
	big["tls/empty"] = ""
	for name, set := range map[string]map[string]string{
		"all there is":    big,
		"no certificates": {StateFile: "state", KeyFile: "key"},
		"an empty state":  {StateFile: "", KeyFile: "key"},
	} {
		t.Run(name, func(t *testing.T) {
			archive := written(t, set)
			for name, text := range set {
				if len(text) > 5 && (bytes.Contains(archive, []byte(text[:6])) || bytes.Contains(archive, []byte(name))) {
					t.Errorf("%s is there in plain", name)
				}
			}
			m, got, err := readAll(t, archive, passphrase)
			if err != nil || !maps.Equal(got, set) {
				t.Fatalf("%v; %d files, want %d", err, len(got), len(set))
			}
			if m.Version != "v1.2.3" || m.Board != "sim" || m.Host != "box" || m.Format != 1 || !m.Created.Equal(time.Date(2026, 5, 4, 3, 2, 1, 999, time.UTC)) || len(m.Files) != len(set) {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestThePassphraseHasToFit(t *testing.T) {
	archive := encrypted(t, packed(t, newSet), 4)
	for _, pass := range []string{"", "correct horse battery stapl", "Correct horse battery staple", strings.Repeat("x", 1<<20), "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"} {
		if _, got, err := readAll(t, archive, pass); !errors.Is(err, ErrPassphrase) || len(got) > 0 {
			t.Errorf("%.30q: %v, %d files; want ErrPassphrase", pass, err, len(got))
		}
	}
	for pass, ok := range map[string]bool{
		"":                       false,
		"1234567":                false,
		"12345678":               true,
		"äöüßäöü":                false, // 7 characters, more bytes
		"äöüßäöüß":               true,
		strings.Repeat("ß", 128): true,
		strings.Repeat("x", 129): false,
		"12345678\xff":           false,
	} {
		var out bytes.Buffer
		err := write(t.Context(), &out, pass, source(t, newSet), 4)
		var field interface{ Field() string }
		switch {
		case ok && err != nil:
			t.Errorf("%q: %v", pass, err)
		case ok:
			if _, _, err := readAll(t, out.Bytes(), pass); err != nil {
				t.Errorf("%q: %v", pass, err)
			}
		case !errors.As(err, &field) || field.Field() != "passphrase" || out.Len() > 0 || len(pass) > 6 && strings.Contains(err.Error(), pass):
			t.Errorf("%q: %v, %d bytes; want a field error", pass, err, out.Len())
		}
	}
}

// TestATruncatedArchiveIsDamaged cuts it at many places, and adds to it.
func TestATruncatedArchiveIsDamaged(t *testing.T) {
	set := maps.Clone(newSet)
	set[StateFile] = strings.Repeat("state of more than two chunks ", 6000)
	archive := encrypted(t, packed(t, set), 4)
	if _, got, err := readAll(t, archive, passphrase); err != nil || !maps.Equal(got, set) {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	cuts := []int{0, 1, 10, 21, 22, 100, 150, 200, len(archive) - 1, len(archive) - 16, len(archive) - 17, len(archive) - 513}
	for i := range 3 { // where chunks end
		cuts = append(cuts, len(archive)-i*(64<<10+16), 184+i*(64<<10+16))
	}
	for range 60 {
		cuts = append(cuts, rng.IntN(len(archive)))
	}
	for _, n := range cuts {
		if n >= len(archive) {
			continue
		}
		if m, _, err := readAll(t, archive[:n], passphrase); !errors.Is(err, ErrDamaged) || m.Files != nil {
			t.Errorf("the first %d of %d bytes: %v, want ErrDamaged", n, len(archive), err)
		}
	}
	for _, more := range []string{"\x00", "x", strings.Repeat("\x00", 70000)} {
		if _, _, err := readAll(t, append(bytes.Clone(archive), more...), passphrase); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes more: %v, want ErrDamaged", len(more), err)
		}
	}
}

// TestAFlippedBitIsNoticed: one in what wraps the key cannot be told from a wrong
// passphrase.
func TestAFlippedBitIsNoticed(t *testing.T) {
	archive := encrypted(t, packed(t, newSet), 4)
	header := bytes.Index(archive, []byte("\n---")) + 50
	rng := rand.New(rand.NewPCG(3, 4))
	flips := make([]int, 0, 600)
	for i := range header * 8 {
		if i%3 == 0 {
			flips = append(flips, i)
		}
	}
	for range 200 {
		flips = append(flips, rng.IntN(len(archive)*8))
	}
	for _, i := range flips {
		bad := bytes.Clone(archive)
		bad[i/8] ^= 1 << (i % 8)
		_, _, err := readAll(t, bad, passphrase)
		if !errors.Is(err, ErrDamaged) && !(i/8 < header && errors.Is(err, ErrPassphrase)) {
			t.Errorf("bit %d: %v", i, err)
		}
	}
}

func TestWhatTakesTooMuchMemoryIsNotTried(t *testing.T) {
	plain := packed(t, newSet)
	if _, _, err := readAll(t, encrypted(t, plain, mostWorkFactor), passphrase); err != nil {
		t.Error(err)
	}
	costly := bytes.Replace(encrypted(t, plain, 4), []byte(" 4\n"), fmt.Appendf(nil, " %d\n", mostWorkFactor+1), 1)
	if _, _, err := readAll(t, costly, passphrase); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "work factor") {
		t.Errorf("%v, want ErrDamaged", err)
	}
	var archive bytes.Buffer
	if err := Write(t.Context(), &archive, passphrase, source(t, newSet)); err != nil {
		t.Fatal(err)
	}
	if head := archive.Next(200); !bytes.Contains(head, []byte(" 15\n")) {
		t.Errorf("the header is %q, want a work factor of 15", head)
	}
}

// watch reads and writes a file, and looks every 8 MiB at how much memory is in use.
type watch struct {
	*os.File
	n    int
	most uint64
}

func (w *watch) count(n int) {
	if w.n += n; w.n >= 8<<20 {
		w.n, w.most = 0, max(w.most, inUse())
	}
}

func (w *watch) Read(p []byte) (int, error) {
	n, err := w.File.Read(p)
	w.count(n)
	return n, err
}

func (w *watch) Write(p []byte) (int, error) {
	n, err := w.File.Write(p)
	w.count(n)
	return n, err
}

// inUse returns the bytes of the heap that are in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAStateIsNeverInMemory: only scrypt takes some, and that is over before the first byte.
func TestAStateIsNeverInMemory(t *testing.T) {
	s := source(t, newSet)
	s.State = func(w io.Writer) (int64, error) {
		block := bytes.Repeat([]byte("x"), 1<<20)
		for range 50 {
			if _, err := w.Write(block); err != nil {
				return 0, err
			}
		}
		return 50 << 20, nil
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "archive"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir, before := t.TempDir(), inUse()
	out, in := &watch{File: f}, &watch{File: f}
	if err := write(t.Context(), out, passphrase, s, 4); err != nil {
		t.Fatal(err)
	}
	if st, err := f.Stat(); err != nil || st.Size() < 50<<20 || st.Size() > 64<<20 {
		t.Errorf("%v, %v", st, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), in, passphrase, dir); err != nil {
		t.Fatal(err)
	}
	if out.most == 0 || in.most == 0 || out.most > before+2<<20 || in.most > before+2<<20 {
		t.Errorf("in use were %d bytes, then %d while it was written and %d while it was read", before, out.most, in.most)
	}
}

// TestAnArchiveForAKeyIsNotOurs: only passphrases are asked for.
func TestAnArchiveForAKeyIsNotOurs(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packed(t, newSet)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readAll(t, out.Bytes(), passphrase); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrPassphrase) {
		t.Errorf("%v, want ErrDamaged", err)
	}
}

func TestWhatGoesWrongElsewhereIsNoDamage(t *testing.T) {
	archive := written(t, newSet)
	broken := io.MultiReader(bytes.NewReader(archive[:len(archive)/2]), errorReader{syscall.ECONNRESET})
	if _, err := Read(t.Context(), broken, passphrase, t.TempDir()); !errors.Is(err, syscall.ECONNRESET) || errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want ECONNRESET", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, bytes.NewReader(archive), passphrase, t.TempDir()); !errors.Is(err, context.Canceled) || errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if err := write(ctx, io.Discard, passphrase, source(t, newSet), 4); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	if err := write(ctx, cancelingWriter{cancel}, passphrase, source(t, newSet), 4); !errors.Is(err, context.Canceled) {
		t.Errorf("write, cancelled meanwhile: %v, want context.Canceled", err)
	}
	dir := t.TempDir()
	fill(t, dir, map[string]string{KeyFile: "there already"})
	if _, err := Read(t.Context(), bytes.NewReader(archive), passphrase, dir); !errors.Is(err, fs.ErrExist) || errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want that a file exists", err)
	}
	if _, err := Read(t.Context(), bytes.NewReader(archive), passphrase, filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that the directory is not there", err)
	}
}

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }

// cancelingWriter is a receiver that goes away.
type cancelingWriter struct{ cancel func() }

func (c cancelingWriter) Write(p []byte) (int, error) { c.cancel(); return len(p), nil }

// packed returns the archive of set below the encryption.
func packed(t testing.TB, set map[string]string) []byte {
	t.Helper()
	m := Manifest{Format: format, Version: "v1.2.3", Created: time.Unix(1e9, 0).UTC()}
	var content []byte
	for _, name := range slices.Sorted(maps.Keys(set)) {
		sum := sha256.Sum256([]byte(set[name]))
		m.Files = append(m.Files, Entry{name, int64(len(set[name])), hex.EncodeToString(sum[:])})
		content = append(content, set[name]...)
	}
	var out bytes.Buffer
	if err := pack(&out, m, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
