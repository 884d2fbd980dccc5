package volume

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestLargestFindsWhatElseFillsADisk(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "srv", "nvr")
	for name, mb := range map[string]int{
		"srv/nvr/footage/a/x.mp4": 9, "srv/nvr/evidence/a/x.mp4": 9, "srv/nvr/core": 4, "backup/old.tar": 3, "backup/2024/a": 2, "backup/2024/b": 2, "tiny": 0,
	} {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, make([]byte, mb<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(root, "backup/old.tar"), filepath.Join(root, "backup/again.tar")); err != nil {
		t.Fatal(err)
	}
	here, err := deviceOf(root)
	if err != nil {
		t.Fatal(err)
	}
	found, complete := largestBelow(t.Context(), root, dir, here.dev)
	var got []string
	for _, u := range found {
		rel, err := filepath.Rel(root, u.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %d", rel, (u.Bytes+1<<19)>>20))
	}
	sort := got[:min(2, len(got))]
	slices.Sort(sort) // of one size, but for the directory itself
	linked := len(got) == 3 && (got[2] == "backup/old.tar 3" || got[2] == "backup/again.tar 3")
	if !complete || !slices.Equal(sort, []string{"backup/2024 4", "srv/nvr 4"}) || !linked {
		t.Errorf("found %q, complete %v", got, complete)
	}
	if found, _ := Largest(t.Context(), dir); len(found) > mostTold {
		t.Errorf("told of %d", len(found))
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if got, complete := Largest(done, dir); complete || len(got) != 0 {
		t.Errorf("after its end: %v, complete %v", got, complete)
	}
	if got, complete := Largest(t.Context(), filepath.Join(dir, "gone")); complete || got != nil {
		t.Errorf("of nothing: %v, complete %v", got, complete)
	}
}

func TestTopOfTellsTwoLevelsApart(t *testing.T) {
	for p, want := range map[string]string{"/m": "/m", "/m/a": "/m/a", "/m/a/b": "/m/a/b", "/m/a/b/c/d": "/m/a/b"} {
		if got := topOf("/m", p); got != want {
			t.Errorf("%s counts for %s, want %s", p, got, want)
		}
	}
}
