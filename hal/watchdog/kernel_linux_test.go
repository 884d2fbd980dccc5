package watchdog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The rest is shown on a real kernel, in test/board.
func TestWhatIsNoWatchdogIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := Open(path); err == nil || k != nil {
		t.Errorf("a file is a watchdog: %+v", k)
	}
	if _, err := Open(path + ".gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
}
