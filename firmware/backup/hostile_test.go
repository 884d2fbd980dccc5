package backup

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// member is a file of a tar that need not be an archive of ours.
type member struct {
	h    tar.Header
	text string
}

func file(name, text string) member {
	return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o600}, text}
}

func link(kind byte, name, to string) member {
	return member{tar.Header{Typeflag: kind, Name: name, Linkname: to}, ""}
}

// tarred writes what it is told, as far as that can be written.
func tarred(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		if err := w.WriteHeader(&m.h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Close() // what is short is meant to be
	return out.Bytes()
}

const (
	stateSum = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" // of "x"
	hugeSize = 10 << 30
)

func entry(name string) Entry { return Entry{name, 1, stateSum} }

// empty is a file that a link can be taken for.
func empty(name string) Entry {
	return Entry{name, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
}

// listed is a manifest with those entries besides the two that have to be there.
func listed(change func(*Manifest), entries ...Entry) member {
	m := Manifest{Format: format, Files: append([]Entry{entry(StateFile), entry(KeyFile)}, entries...)}
	if change != nil {
		change(&m)
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return file(manifestFile, string(text))
}

// TestAHostileArchiveIsRefused: somebody who knows the passphrase, or made a person restore
// an archive with another one, gets nothing written outside of the directory.
func TestAHostileArchiveIsRefused(t *testing.T) {
	state, key := file(StateFile, "x"), file(KeyFile, "x")
	huge := entry(StateFile)
	huge.Size = hugeSize
	claims := state
	claims.h.Size = hugeSize
	many := make([]Entry, mostFiles)
	for i := range many {
		many[i] = entry(fmt.Sprintf("tls/%d", i))
	}
	cut := tarred(t, listed(nil), state, key)
	tests := []struct {
		name string
		tar  []byte
		want error
	}{
		{"nothing", nil, ErrDamaged},
		{"no tar", []byte(strings.Repeat("no tar ", 1000)), ErrDamaged},
		{"no manifest", tarred(t, state, key), ErrDamaged},
		{"a manifest that is a link", tarred(t, link(tar.TypeSymlink, manifestFile, "/etc/passwd"), state, key), ErrDamaged},
		{"a manifest that is no JSON", tarred(t, file(manifestFile, "{"), state, key), ErrDamaged},
		{"a manifest of a huge size", tarred(t, file(manifestFile, strings.Repeat(" ", mostManifest+1))), ErrTooLarge},
		{"a later format", tarred(t, file(manifestFile, `{"format": 2, "files": "elsewhere"}`)), ErrVersion},
		{"no format", tarred(t, file(manifestFile, `{"files": []}`)), ErrDamaged},
		{"format 0", tarred(t, listed(func(m *Manifest) { m.Format = 0 }), state, key), ErrDamaged},
		{"a negative format", tarred(t, listed(func(m *Manifest) { m.Format = -1 }), state, key), ErrDamaged},
		{"no state", tarred(t, listed(func(m *Manifest) { m.Files = m.Files[1:] }), key), ErrDamaged},
		{"no key", tarred(t, listed(func(m *Manifest) { m.Files = m.Files[:1] }), state), ErrDamaged},
		{"a file less", tarred(t, listed(nil, entry("tls/a")), state, key), ErrDamaged},
		{"a file more", tarred(t, listed(nil), state, key, file("tls/a", "x")), ErrDamaged},
		{"a directory more", tarred(t, listed(nil), state, key, link(tar.TypeDir, "tls/", "")), ErrDamaged},
		{"another order", tarred(t, listed(nil), key, state), ErrDamaged},
		{"a file twice", tarred(t, listed(nil, entry(StateFile)), state, key, state), ErrDamaged},
		{"a file twice in the tar", tarred(t, listed(nil), state, state, key), ErrDamaged},
		{"other bytes", tarred(t, listed(nil), file(StateFile, "y"), key), ErrDamaged},
		{"no bytes", tarred(t, listed(func(m *Manifest) { m.Files[0] = empty(StateFile) }), state, key), ErrDamaged},
		{"more than listed", tarred(t, listed(nil), file(StateFile, strings.Repeat("x", 8<<20)), key), ErrDamaged},
		{"another size", tarred(t, listed(nil), file(StateFile, "xx"), key), ErrDamaged},
		{"10 GB listed", tarred(t, listed(func(m *Manifest) { m.Files[0] = huge }), claims), ErrTooLarge},
		{"10 GB claimed", tarred(t, listed(nil), claims), ErrDamaged},
		{"sizes that overflow", tarred(t, listed(nil, Entry{"tls/a", 1 << 62, stateSum}, Entry{"tls/b", 1 << 62, stateSum}, Entry{"tls/c", 1 << 62, stateSum})), ErrTooLarge},
		{"a negative size", tarred(t, listed(nil, Entry{"tls/a", -1, stateSum}), state, key, file("tls/a", "")), ErrDamaged},
		{"too many files", tarred(t, listed(nil, many...), state, key), ErrTooLarge},
		{"a symbolic link", tarred(t, listed(nil, empty("tls/a")), state, key, link(tar.TypeSymlink, "tls/a", "../../outside")), ErrDamaged},
		{"a hard link", tarred(t, listed(nil, empty("tls/a")), state, key, link(tar.TypeLink, "tls/a", "state.db")), ErrDamaged},
		{"a device", tarred(t, listed(nil, empty("tls/a")), state, key, link(tar.TypeChar, "tls/a", "")), ErrDamaged},
		{"a pipe", tarred(t, listed(nil, empty("tls/a")), state, key, link(tar.TypeFifo, "tls/a", "")), ErrDamaged},
		{"a file below a file", tarred(t, listed(nil, entry("tls/a"), entry("tls/a/b")), state, key, file("tls/a", "x"), file("tls/a/b", "x")), ErrDamaged},
		{"something after the end", append(tarred(t, listed(nil), state, key), 0), ErrDamaged},
		{"cut in the last file", cut[:len(cut)-1024-512], ErrDamaged},
	}
	for _, name := range []string{
		"../outside", "/etc/outside", "tls/../../outside", "tls/..", "tls/", "tls", ".", "", "tls//a", "./state.db",
		"other.db", "state.db/x", "tls/.hidden", "tls/a\x00b", "tls/a\nb", "tls/a b", "tls\\a", "manifest.json", "vedette.toml",
		"tls/" + strings.Repeat("x", 101), "tls/" + strings.Repeat("a/", 8) + "b", "TLS/a", "tls/\u00e4",
	} {
		bad := file(name, "x")
		var text []byte
		if name == "" || strings.ContainsRune(name, 0) || strings.HasSuffix(name, "/") { // no tar can hold it
			text = tarred(t, listed(nil, entry(name)), state, key)
		} else {
			text = tarred(t, listed(nil, entry(name)), state, key, bad)
		}
		tests = append(tests, struct {
			name string
			tar  []byte
			want error
		}{fmt.Sprintf("the name %.40q", name), text, ErrDamaged})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			above := t.TempDir()
			dir := filepath.Join(above, "in", "here")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			fill(t, above, map[string]string{"outside": "as it was", "in/outside": "as it was"})
			_, err := Read(t.Context(), bytes.NewReader(encrypted(t, test.tar, 2)), passphrase, dir)
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			got := files(t, above)
			if n := len(got["in/here/"+StateFile]); n > 1<<20 {
				t.Errorf("%d bytes were written that nobody had listed", n)
			}
			maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasPrefix(name, "in/here/") })
			if !maps.Equal(got, map[string]string{"outside": "as it was", "in/outside": "as it was"}) {
				t.Errorf("outside there is %v", got)
			}
		})
	}
	// The same, when nothing is wrong.
	good := tarred(t, listed(nil, entry("tls/a")), state, key, file("tls/a", "x"))
	if _, got, err := readAll(t, encrypted(t, good, 2), passphrase); err != nil || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestTheListIsRefusedBeforeAFileIsRead: room is not made by files of less than no size.
func TestTheListIsRefusedBeforeAFileIsRead(t *testing.T) {
	for name, test := range map[string]struct {
		more []Entry
		want error
	}{
		"as much as there may be":    {[]Entry{{"tls/a", mostBytes - 2, stateSum}}, nil},
		"a byte more":                {[]Entry{{"tls/a", mostBytes - 1, stateSum}}, ErrTooLarge},
		"less than nothing":          {[]Entry{{"tls/a", -1, stateSum}}, ErrDamaged},
		"less than nothing and more": {[]Entry{{"tls/a", -mostBytes, stateSum}, {"tls/b", mostBytes, stateSum}}, ErrDamaged},
		"what overflows":             {[]Entry{{"tls/a", 1<<63 - 1, stateSum}, {"tls/b", 1<<63 - 1, stateSum}}, ErrTooLarge},
	} {
		m := Manifest{Format: format, Files: append([]Entry{entry(StateFile), entry(KeyFile)}, test.more...)}
		if err := m.check(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// FuzzUnpack: whatever is below the encryption, nothing panics, nothing is outside of the
// directory, and what is accepted is what it says.
func FuzzUnpack(f *testing.F) {
	state, key := file(StateFile, "x"), file(KeyFile, "x")
	f.Add([]byte{})
	f.Add(packed(f, newSet))
	f.Add(tarred(f, listed(nil), state, key))
	f.Add(tarred(f, listed(nil, entry("tls/a")), state, key, link(tar.TypeSymlink, "tls/a", "../../outside")))
	f.Add(tarred(f, listed(nil, entry("tls/a/b")), state, key, file("tls/a/b", "x")))
	f.Add(tarred(f, file(manifestFile, `{"format": 2}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		above := t.TempDir()
		dir := filepath.Join(above, "here")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := openTree(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		m, err := unpack(bytes.NewReader(data), root, ".")
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrTooLarge) {
				t.Error(err)
			}
		} else if got := files(t, dir); len(got) != len(m.Files) || m.check() != nil {
			t.Errorf("%d files, and it lists %v", len(got), m.Files)
		}
		if all, err := os.ReadDir(above); err != nil || len(all) != 1 {
			t.Errorf("outside: %v, %v", all, err)
		}
	})
}
