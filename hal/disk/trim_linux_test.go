package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/testkit"
)

// TestTrimGivesBackWhatIsFree makes holes in the file below a loop device: ext4
// says what is free, the loop driver punches it out.
func TestTrimGivesBackWhatIsFree(t *testing.T) {
	_, mount := testkit.Ext4(t, 64<<20, "-O", "^has_journal", "-E", "nodiscard")
	big := filepath.Join(mount, "footage")
	if err := os.WriteFile(big, make([]byte, 32<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Command(t, "sync", "-f", mount)
	if err := os.Remove(big); err != nil {
		t.Fatal(err)
	}
	testkit.Command(t, "sync", "-f", mount)
	f, err := os.Open(mount)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	half, err := Trim(f, 0, 24<<20, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := Trim(f, 24<<20, 1<<40, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if half == 0 || half > 24<<20 || half+rest < 32<<20 || half+rest > 64<<20 {
		t.Errorf("trimmed %d of the first 24 MiB and %d of the rest", half, rest)
	}
	null, err := os.Open("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, err := Trim(null, 0, 1<<40, 0); !errors.Is(err, ErrNoTrim) {
		t.Errorf("of no disk: %v", err)
	}
}
