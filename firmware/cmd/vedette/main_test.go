package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call runs the command line args as main would.
func call(t *testing.T, stdin string, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	code = dispatch(t.Context(), args, streams{strings.NewReader(stdin), &o, &e})
	return code, o.String(), e.String()
}

func TestTheCommandLineSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name  string
		stdin string
		args  []string
		code  int
		want  string // in what is printed
	}{
		{"nothing", "", nil, 2, "vedette run"},
		{"an unknown command", "", []string{"fly"}, 2, `there is no command "fly"`},
		{"the version", "", []string{"version"}, 0, "vedette dev"},
		{"an unknown flag", "", []string{"run", "--fly"}, 2, "flag provided but not defined"},
		{"an argument too many", "", []string{"run", "now"}, 2, "run takes no arguments"},
		{"help", "", []string{"fsck", "--help"}, 0, "-volume"},
		{"fsck of nothing", "", []string{"fsck"}, 2, "usage: vedette fsck --volume"},
		{"fsck of a directory that is none", "", []string{"fsck", "--volume", filepath.Join(dir, "none")}, 2, "vedette: "},
		{"a configuration that is not there", "", []string{"run", "--config", filepath.Join(dir, "none.toml"), "--data", dir}, 2, "read configuration"},
		{"a user without a password", "", []string{"user", "add", "ann", "--data", dir}, 2, "--password-stdin"},
		{"a user without a name", "", []string{"user", "add", "--password-stdin", "--data", dir}, 2, "usage: vedette user add NAME"},
		{"a password too short", "short\n", []string{"user", "add", "ann", "--password-stdin", "--data", dir}, 1, "password"},
		{"a role that is none", "correct horse battery\n", []string{"user", "add", "ann", "--role", "king", "--password-stdin", "--data", dir}, 1, "role"},
		{"a good user, flags before and after", "correct horse battery\n", []string{"user", "--data", dir, "add", "ann", "--password-stdin"}, 0, "added ann as admin"},
		{"the same user again", "correct horse battery\n", []string{"user", "add", "Ann", "--password-stdin", "--data", dir}, 1, "already"},
		{"a simulated camera of a clip that is not there", "", []string{"simcam", "--clip", filepath.Join(dir, "none.mp4")}, 2, "none.mp4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, err := call(t, tt.stdin, tt.args...)
			if code != tt.code || !strings.Contains(strings.ToLower(out+err), strings.ToLower(tt.want)) {
				t.Errorf("exit code %d, want %d and %q in:\n%s%s", code, tt.code, tt.want, out, err)
			}
			if strings.Contains(out+err, "horse") {
				t.Errorf("a password was printed:\n%s%s", out, err)
			}
		})
	}
}

// TestASimulatedCameraStopsWhenTold ends at once with a dead context and says
// no error.
func TestASimulatedCameraStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var o, e bytes.Buffer
	if code := dispatch(ctx, []string{"simcam", "--listen", "127.0.0.1:0", "--path", "a", "--path", "b"}, streams{strings.NewReader(""), &o, &e}); code != 0 {
		t.Errorf("exit code %d: %s", code, e.String())
	}
	if got := strings.Count(o.String(), "rtsp://127.0.0.1:"); got != 2 {
		t.Errorf("it says %q, want two addresses", o.String())
	}
}

// TestADamagedStateIsNamedAndLeftAlone tears state.db at every page; nothing
// may panic, and what can still be opened opens.
func TestADamagedStateIsNamedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if code, _, err := call(t, "correct horse battery\n", "user", "add", "ann", "--password-stdin", "--data", dir); code != 0 {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "state.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for cut := 0; cut < len(whole); cut += 4096 {
		zeroed := bytes.Clone(whole)
		clear(zeroed[cut : cut+4096])
		for _, data := range [][]byte{whole[:cut], zeroed} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := openState(dir)
			if err == nil { // a page that nothing leads to
				if err := db.Close(); err != nil {
					t.Error(err)
				}
				continue
			}
			if named++; !strings.Contains(err.Error(), "state.db is damaged") {
				t.Errorf("cut at %d: %v", cut, err)
			}
			if left, _ := os.ReadFile(path); !bytes.Equal(left, data) {
				t.Errorf("cut at %d: a damaged file was changed", cut)
			}
		}
	}
	if named < 4 {
		t.Errorf("%d of %d damaged files were noticed", named, 2*len(whole)/4096)
	}
}

// TestAStateDatabaseIsCreatedWholeOrNotAtAll: what a power cut leaves of the
// first start is cleared away, and the name belongs to a database from the
// moment it is there.
func TestAStateDatabaseIsCreatedWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "state.db.new")
	if err := os.WriteFile(left, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := createState(filepath.Join(dir, "state.db")); err != nil {
		t.Fatal(err)
	}
	if err := checkState(filepath.Join(dir, "state.db")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
	db, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set("a", "b", "kept"), db.Close()); err != nil {
		t.Fatal(err)
	}
	db, err = openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	var kept string
	if err := errors.Join(db.Get("a", "b", &kept), db.Close()); err != nil || kept != "kept" {
		t.Errorf("opened again it holds %q, %v", kept, err)
	}
}
