package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestTheFirstStartMakesAKeyForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	v, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, v, "t", "i", "f", "secret")
	st, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || st.Mode().Perm() != 0o400 {
		t.Errorf("%v, %v; want mode 0400", st.Mode(), err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("%v, %v; want the key file alone", all, err)
	}
	again, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open("t", "i", "f", sealed); err != nil || string(got) != "secret" {
		t.Errorf("after the next start: %q, %v", got, err)
	}
	if _, err := again.Rotate(func(_, _ Func) (int, error) { return 0, nil }); err != nil {
		t.Error(err)
	}
	if st, err = os.Stat(filepath.Join(dir, KeyFile)); err != nil || st.Mode().Perm() != 0o400 {
		t.Errorf("after a rotation: %v, %v; want mode 0400", st.Mode(), err)
	}
	if _, err := Open(filepath.Join(dir, "nowhere"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// TestAllThatStartAtOnceHaveOneKey: none may replace what another one has used.
func TestAllThatStartAtOnceHaveOneKey(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		proofs := make([][]byte, 4)
		var wg sync.WaitGroup
		for i := range proofs {
			wg.Go(func() {
				v, err := Open(dir, Options{})
				if err != nil {
					t.Error(err)
					return
				}
				proofs[i] = v.Proof()
			})
		}
		wg.Wait()
		v, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, proof := range proofs {
			if proof != nil && v.Verify(proof) != nil {
				t.Error("one had another key")
			}
		}
	}
}

// summed ends the content of a key file as if it were right.
func summed(body []byte) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

func TestAKeyFileThatCannotBeUsedIsNamedAndLeftAlone(t *testing.T) {
	whole := ring{current: newKey()}.encode()
	body := whole[:len(whole)-4]
	later, other, none, three := bytes.Clone(body), bytes.Clone(body), bytes.Clone(body[:fileHead]), bytes.Clone(body)
	later[6], other[0], none[7], three[7] = 2, 'v', 0, 3
	three = append(three, make([]byte, 2*keyBytes)...)
	tests := map[string][]byte{
		"empty":             {},
		"something else":    []byte(strings.Repeat("x", len(whole))),
		"a later version":   summed(later),
		"another magic":     summed(other),
		"no keys":           summed(none),
		"three keys":        summed(three),
		"a byte more":       summed(append(bytes.Clone(body), 0)),
		"longer":            append(bytes.Clone(whole), 0),
		"very long":         bytes.Repeat(whole, 1000),
		"of no keys":        append(append([]byte("VEDKEY\x01\x00"), whole[8:40]...), whole[40:]...),
		"half of two keys":  ring{current: newKey(), old: newKey()}.encode()[:60],
		"two said, one had": append([]byte("VEDKEY\x01\x02"), whole[8:]...),
	}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 4
		tests[fmt.Sprint("flipped in byte ", i)] = flipped
		tests[fmt.Sprint("cut at byte ", i)] = whole[:i]
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, KeyFile)
			if err := os.WriteFile(path, data, 0o400); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir, Options{}); !errors.Is(err, ErrKeyFile) || name == "a later version" && !strings.Contains(err.Error(), "version 2") {
				t.Errorf("%v, want ErrKeyFile", err)
			}
			if _, err := decode(data); err == nil { // which Open may see less of
				t.Error("it can be decoded")
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("it was changed: %x, %v", got, err)
			}
		})
	}
}

func TestOnlyAFileIsAKeyFile(t *testing.T) {
	for name, place := range map[string]func(path string) error{
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":      func(path string) error { return syscall.Mkfifo(path, 0o400) },
		"a link": func(path string) error {
			return errors.Join(os.WriteFile(path+".else", ring{current: newKey()}.encode(), 0o400), os.Symlink(path+".else", path))
		},
		"a link to nowhere": func(path string) error { return os.Symlink("nowhere", path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := place(filepath.Join(dir, KeyFile)); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir, Options{}); !errors.Is(err, ErrKeyFile) {
				t.Errorf("%v, want ErrKeyFile", err)
			}
		})
	}
}

func TestAKeyFileThatOthersCouldReadIsClosedAndTold(t *testing.T) {
	for _, test := range []struct {
		name string
		mode os.FileMode
		uid  int
		told string
	}{
		{"as it should be", 0o400, os.Geteuid(), ""},
		{"writable for its owner", 0o600, os.Geteuid(), ""},
		{"readable for the group", 0o440, os.Geteuid(), "open to others"},
		{"readable for all", 0o644, os.Geteuid(), "open to others"},
		{"writable for all", 0o402, os.Geteuid(), "open to others"},
		{"another user's", 0o400, 4711, "another user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, KeyFile)
			if err := errors.Join(os.WriteFile(path, ring{current: newKey()}.encode(), 0o600), os.Chmod(path, test.mode)); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(path, test.uid, -1); err != nil {
				t.Skip("only root can give files away: ", err)
			}
			var log bytes.Buffer
			if _, err := Open(dir, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
				t.Fatal(err)
			}
			st, err := os.Stat(path)
			if err != nil || st.Mode().Perm() != 0o400 || int(st.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
				t.Errorf("%v, %v", st, err)
			}
			if (log.Len() > 0) != (test.told != "") || !strings.Contains(log.String(), test.told) {
				t.Errorf("told %q, want %q", log.String(), test.told)
			}
		})
	}
}

// TestAKeyFileThatCannotBeReadIsNotMadeAnew: the disk may do better next time.
func TestAKeyFileThatCannotBeReadIsNotMadeAnew(t *testing.T) {
	b := newBox()
	if _, err := open(b); err != nil {
		t.Fatal(err)
	}
	before := b.steps
	b.failAt = before + 1
	if _, err := open(b); !errors.Is(err, syscall.EIO) || b.steps != b.failAt {
		t.Errorf("%v after %d steps; want EIO at the first", err, b.steps-before)
	}
}
