package durable

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAFileIsReplacedWhole: nothing is left beside it, only its owner may read it, and
// one that cannot be replaced stays.
func TestAFileIsReplacedWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	for _, text := range []string{"a longer first content", "short"} {
		if err := os.WriteFile(path+".new", []byte("what a power cut left, and longer than the rest"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", st, err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("%v, %v; want the file alone", all, err)
	}
	if err := os.MkdirAll(path+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("x")); err == nil {
		t.Error("no error where the other name is taken")
	}
	if got, _ := os.ReadFile(path); string(got) != "short" {
		t.Errorf("%q is left; want what was there", got)
	}
}
