package proof

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func openDB(t testing.TB, path string) *storm.DB {
	t.Helper()
	db, err := storm.Open(path, storm.BoltOptions(0o600, &bolt.Options{Timeout: time.Second, NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newKey(t testing.TB) *Key {
	t.Helper()
	k, err := OpenKey(openDB(t, filepath.Join(t.TempDir(), "state.db")), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func clip(name, text string) Clip {
	return Clip{
		File: File{Name: name, Camera: "door", CameraName: "Front door", From: noon, To: noon.Add(time.Minute), Bytes: 1, SHA256: "not looked at"},
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
}

// export makes one of two clips.
func export(t testing.TB, k *Key) ([]byte, Result) {
	t.Helper()
	var out bytes.Buffer
	res, err := k.Write(&out, Manifest{Made: noon, By: "owner", Box: Box{ID: "b1", Version: "v1"}, From: noon, To: noon.Add(time.Minute)}, []Clip{clip("door.mp4", "first"), clip("yard.mp4", "the second one")})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), res
}

func verify(b []byte, key string) (Report, error) {
	return Verify(bytes.NewReader(b), int64(len(b)), key)
}

func TestAnExportProvesItself(t *testing.T) {
	k := newKey(t)
	b, res := export(t, k)
	if res.Bytes != int64(len(b)) {
		t.Errorf("said to have %d bytes, has %d", res.Bytes, len(b))
	}
	for _, key := range []string{"", k.ID(), base64.StdEncoding.EncodeToString(k.Public())} {
		r, err := verify(b, key)
		if err != nil || !r.OK() || r.Known != (key != "") || r.KeyID != k.ID() || len(r.Files) != 2 {
			t.Errorf("by %q: %+v, %v", key, r, err)
		}
		if f := r.Manifest.Files[1]; f.Name != "yard.mp4" || f.Bytes != 14 || f.Camera != "door" || r.Manifest.By != "owner" {
			t.Errorf("the manifest says %+v", r.Manifest)
		}
	}
	if _, err := verify(b, newKey(t).ID()); !errors.Is(err, ErrOtherKey) {
		t.Errorf("by another box's key: %v, want ErrOtherKey", err)
	}
}

// repack makes an export anew with its files changed by change, which may leave one
// out by returning nil. It packs with method.
func repack(t testing.TB, b []byte, method uint16, change func(name string, text []byte) []byte, more ...string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	put := func(name string, text []byte) {
		to, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = to.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range z.File {
		from, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if text = change(f.Name, text); text != nil {
			put(f.Name, text)
		}
	}
	for _, name := range more {
		put(name, []byte("more"))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWhatWasChangedShows(t *testing.T) {
	k := newKey(t)
	b, _ := export(t, k)
	other, _ := export(t, newKey(t))
	same := func(_ string, text []byte) []byte { return text }
	edit := func(which, old, now string) func(string, []byte) []byte {
		return func(name string, text []byte) []byte {
			if name == which {
				return bytes.ReplaceAll(text, []byte(old), []byte(now))
			}
			return text
		}
	}
	without := func(which string) func(string, []byte) []byte {
		return func(name string, text []byte) []byte {
			if name == which {
				return nil
			}
			return text
		}
	}
	tests := []struct {
		name string
		b    []byte
		want error  // of Verify
		says string // of a clip
	}{
		{"nothing was", repack(t, b, zip.Store, same), nil, ""},
		{"a byte of a clip", repack(t, b, zip.Store, edit("door.mp4", "first", "First")), nil, "was changed"},
		{"a clip is longer", repack(t, b, zip.Store, edit("door.mp4", "first", "first one")), nil, "has not the 5 bytes"},
		{"a clip is shorter", repack(t, b, zip.Store, edit("door.mp4", "first", "fir")), nil, "has not the 5 bytes"},
		{"a clip is missing", repack(t, b, zip.Store, without("yard.mp4")), nil, "is missing"},
		{"a clip was added", repack(t, b, zip.Store, same, "more.mp4"), nil, "does not name it"},
		{"the manifest", repack(t, b, zip.Store, edit(ManifestFile, "owner", "nobody")), ErrSignature, ""},
		{"no manifest", repack(t, b, zip.Store, without(ManifestFile)), ErrNotExport, ""},
		{"no signature", repack(t, b, zip.Store, without(SignatureFile)), ErrNotExport, ""},
		{"the signature", repack(t, b, zip.Store, edit(SignatureFile, `"signature": "`, `"signature": "AAAA`)), ErrSignature, ""},
		{"another way to sign", repack(t, b, zip.Store, edit(SignatureFile, "ed25519", "none")), ErrNotExport, ""},
		{"signed by somebody else", other, ErrOtherKey, ""},
		{"a name that leads elsewhere", repack(t, b, zip.Store, same, "../../etc/passwd"), ErrNotExport, ""},
		{"a name that leads elsewhere, as a clip", repack(t, b, zip.Store, same, "../x.mp4"), ErrNotExport, ""},
		{"two of a name", repack(t, b, zip.Store, same, "door.mp4"), ErrNotExport, ""},
		{"a bomb", repack(t, b, zip.Deflate, same), ErrNotExport, ""},
		{"a manifest without end", repack(t, b, zip.Store, edit(ManifestFile, "owner", strings.Repeat("x", mostManifest))), ErrNotExport, ""},
		{"cut in half", b[:len(b)/2], ErrNotExport, ""},
		{"nothing at all", nil, ErrNotExport, ""},
	}
	for _, tt := range tests {
		r, err := verify(tt.b, k.ID())
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			continue
		}
		said := ""
		for _, f := range r.Files {
			said += f.Problem
		}
		if err == nil && (r.OK() != (tt.says == "") || !strings.Contains(said, tt.says)) {
			t.Errorf("%s: the files are %+v, want %q", tt.name, r.Files, tt.says)
		}
	}
}

// TestOpenSSLAgrees checks a signature with a program that is not ours, as
// docs/format/export.md tells people to.
func TestOpenSSLAgrees(t *testing.T) {
	b, _ := export(t, newKey(t))
	dir := t.TempDir()
	var s Signature
	_ = repack(t, b, zip.Store, func(name string, text []byte) []byte {
		switch name {
		case ManifestFile:
			write(t, filepath.Join(dir, "manifest.json"), text)
		case SignatureFile:
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
		}
		return text
	})
	// The head of a public key in X.509 (RFC 8410), then the key itself.
	head := []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}
	write(t, filepath.Join(dir, "key.der"), append(head, s.PublicKey...))
	write(t, filepath.Join(dir, "sig"), s.Signature)
	run := func() (string, error) {
		cmd := exec.Command("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", "manifest.json", "-sigfile", "sig")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	write(t, filepath.Join(dir, "manifest.json"), []byte("another"))
	if out, err := run(); err == nil {
		t.Errorf("another manifest is taken too: %s", out)
	}
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestClipsAreRefusedByName(t *testing.T) {
	k := newKey(t)
	for _, names := range [][]string{{"../x.mp4"}, {"a/b.mp4"}, {"x.txt"}, {""}, {"x.mp4", "x.mp4"}, {"manifest.json"}, {strings.Repeat("x", 200) + ".mp4"}} {
		var clips []Clip
		for _, n := range names {
			clips = append(clips, clip(n, "x"))
		}
		if _, err := k.Write(io.Discard, Manifest{}, clips); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want ErrName", names, err)
		}
	}
}

func TestAClipThatCannotBeReadEndsTheExport(t *testing.T) {
	sick := errors.New("sick")
	c := clip("door.mp4", "")
	c.Open = func() (io.ReadCloser, error) { return nil, sick }
	if _, err := newKey(t).Write(io.Discard, Manifest{}, []Clip{c}); !errors.Is(err, sick) {
		t.Errorf("cannot be opened: %v", err)
	}
	c.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("some"), brokenReader{sick})), nil
	}
	if _, err := newKey(t).Write(io.Discard, Manifest{}, []Clip{c}); !errors.Is(err, sick) {
		t.Errorf("breaks in the middle: %v", err)
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

// pad is a Sealer that shows what it sealed for where.
type pad string

func (p pad) SealText(table, id, field, plain string) (string, error) {
	return string(p) + table + id + field + plain, nil
}

func (p pad) OpenText(table, id, field, text string) (string, error) {
	plain, ok := strings.CutPrefix(text, string(p)+table+id+field)
	if !ok {
		return "", errors.New("sealed by another")
	}
	return plain, nil
}

func TestTheKeyStaysAndIsSealed(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "state.db"))
	if n, err := reseal(db, pad("one"), pad("two")); n != 0 || err != nil {
		t.Errorf("resealed %d without a key, %v", n, err)
	}
	k, err := OpenKey(db, pad("one"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := OpenKey(db, pad("one")); err != nil || again.ID() != k.ID() {
		t.Errorf("opened again it is another: %v", err)
	}
	if _, err := OpenKey(db, pad("two")); err == nil {
		t.Error("another device key opens it, or makes another in its place")
	}
	if n, err := reseal(db, pad("one"), pad("two")); n != 1 || err != nil {
		t.Fatalf("resealed %d, %v", n, err)
	}
	if again, err := OpenKey(db, pad("two")); err != nil || again.ID() != k.ID() {
		t.Errorf("after a change of the device key: %v", err)
	}
}

func reseal(db *storm.DB, from, to pad) (n int, err error) {
	err = db.Bolt.Update(func(tx *bolt.Tx) error {
		n, err = Reseal(db, tx, func(table, id, field, stored string) (string, error) {
			plain, err := from.OpenText(table, id, field, stored)
			if err != nil {
				return "", err
			}
			return to.SealText(table, id, field, plain)
		})
		return err
	})
	return n, err
}

func FuzzVerify(f *testing.F) {
	k := newKey(f)
	b, _ := export(f, k)
	f.Add(b)
	f.Add(b[:len(b)-30])
	f.Add(repack(f, b, zip.Deflate, func(_ string, text []byte) []byte { return text }))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := verify(b, "")
		if err == nil && r.KeyID == "" {
			t.Error("verified without a key")
		}
	})
}
