package card

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// lived makes what a box leaves in vedette-data, and returns where.
func lived(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	fill(t, data)
	return data
}

func fill(t *testing.T, data string) {
	t.Helper()
	for _, name := range []string{
		"vedette/state.db", "vedette/vedette.toml", "vedette/secrets/key", "vedette/secrets/deep/er",
		"vedette/footage-volume/volume.json", "vedette/footage-volume/footage/cam/day/1.mp4",
		"vedette/more/volumes/left/volume.json", "vedette/more/volumes/left/segments.db", "vedette/more/volumes/notes",
		"vedette/looks-like/volume.json/x",
		"system/hostname", "system/wpa_supplicant.conf", "update/bundle.raucb", "lost+found/x", "other/file",
	} {
		if err := os.MkdirAll(filepath.Join(data, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// files returns the paths of all files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// keptFiles are those that a reset that keeps footage leaves of what lived makes.
func keptFiles() []string {
	return []string{
		"lost+found/x", "other/file", "vedette/footage-volume/footage/cam/day/1.mp4", "vedette/footage-volume/volume.json",
		"vedette/more/volumes/left/segments.db", "vedette/more/volumes/left/volume.json",
	}
}

func goneFiles() []string { return []string{"lost+found/x", "other/file", "vedette/erase-footage"} }

// still is a machine of which a reset needs nothing.
type still struct{ machine }

func (still) Trim(string) (int64, error) { return 0, errors.ErrUnsupported }

func resetting(data string) *preparation {
	return &preparation{Card: &Card{table: made(512, 700, 700, shipped())}, m: still{}, data: data}
}

func TestAResetWipesWhatTheBoxKnows(t *testing.T) {
	for _, keep := range []bool{true, false} {
		data := lived(t)
		outside := filepath.Join(t.TempDir(), "outside")
		if err := os.WriteFile(outside, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Dir(outside), filepath.Join(data, "vedette", "link")); err != nil {
			t.Fatal(err)
		}
		if err := RequestReset(data, !keep); err != nil { // the second counts
			t.Fatal(err)
		}
		if err := RequestReset(data, keep); err != nil {
			t.Fatal(err)
		}
		p := resetting(data)
		if err := p.reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := goneFiles()
		if keep {
			want = keptFiles()
		}
		if got := files(t, data); !slices.Equal(got, want) {
			t.Errorf("footage kept %v: left is\n%q, want\n%q", keep, got, want)
		}
		if _, err := os.Stat(outside); err != nil {
			t.Errorf("a link was followed: %v", err)
		}
		if r := p.r.Reset; r == nil || !r.Done || r.Footage == keep || p.r.Steps[0].Error != "" {
			t.Errorf("%+v, %+v", r, p.r.Steps)
		}
		again := resetting(data)
		if err := again.reset(t.Context()); err != nil || again.r.Reset != nil || len(again.r.Steps) > 0 {
			t.Errorf("at the next start: %+v, %v", again.r, err)
		}
	}
}

// countdown ends after it was asked a number of times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestAnInterruptedResetIsFinished(t *testing.T) {
	for _, keep := range []bool{true, false} {
		cuts := 0
		for n := range 100 {
			data := lived(t)
			if err := RequestReset(data, keep); err != nil {
				t.Fatal(err)
			}
			_ = resetting(data).reset(&countdown{t.Context(), n})
			_, err := os.Stat(filepath.Join(data, resetName))
			if err != nil {
				break // this one was not interrupted
			}
			cuts++
			if err := resetting(data).reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := goneFiles()
			if keep {
				want = keptFiles()
			}
			if got := files(t, data); !slices.Equal(got, want) {
				t.Errorf("cut %d, footage kept %v: left is %q", n, keep, got)
			}
		}
		if cuts < 5 || cuts == 100 {
			t.Errorf("it was interrupted %d times", cuts)
		}
	}
}

// failing is a machine whose trim fails.
type failing struct{ machine }

func (failing) Trim(string) (int64, error) { return 0, errors.New("the card is sick") }

func TestAResetThatFailsIsTriedAgain(t *testing.T) {
	data := lived(t)
	if err := RequestReset(data, true); err != nil {
		t.Fatal(err)
	}
	p := resetting(data)
	p.m = failing{}
	if err := p.reset(t.Context()); err != nil || p.r.Reset == nil || p.r.Reset.Done || !strings.Contains(p.r.Steps[0].Error, "sick") {
		t.Errorf("%v, %+v", err, p.r)
	}
	p = resetting(data)
	if err := p.reset(t.Context()); err != nil || p.r.Reset == nil || !p.r.Reset.Done {
		t.Errorf("%v, %+v", err, p.r)
	}
}

func TestWhatIsNoRequestWipesNothing(t *testing.T) {
	for _, content := range []string{"", "{}", "null", `{"footage":1}`, `{"footage":true`, "\x00\x00\x00", strings.Repeat(" ", maxRequest) + `{"footage":true}`} {
		data := lived(t)
		before := files(t, data)
		if err := os.WriteFile(filepath.Join(data, resetName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		p := resetting(data)
		if err := p.reset(t.Context()); err != nil || p.r.Reset != nil || p.r.Steps[0].Error == "" {
			t.Errorf("%.20q: %v, %+v", content, err, p.r)
		}
		if got := files(t, data); !slices.Equal(got, before) {
			t.Errorf("%.20q: left is %q", content, got)
		}
	}
}
