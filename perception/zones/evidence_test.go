package zones

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// jpeg is what counts as one here.
func jpeg(text string) []byte { return []byte("\xff\xd8" + text + "\xff\xd9") }

// attach attaches dir until the end of the test, or until the returned function
// is called.
func attach(t *testing.T, v *Evidence, dir string) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Attach(ctx, dir) }()
	for {
		if _, err := v.attached(); err == nil {
			break
		}
		select {
		case err := <-done:
			t.Fatal(err)
		default:
		}
	}
	detach := func() {
		if cancel(); done != nil {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Attach = %v, want context.Canceled", err)
			}
			done = nil
		}
	}
	t.Cleanup(detach)
	return detach
}

func put(t *testing.T, v *Evidence, camera string, at time.Time, text string) string {
	t.Helper()
	name, err := v.Put(camera, at, jpeg(text))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// files returns what lies in dir, without directories.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAPictureIsReadByItsCameraAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "perception", "evidence")
	v := NewEvidence(EvidenceOptions{})
	if _, err := v.Put("yard", epoch, jpeg("x")); !errors.Is(err, ErrAway) {
		t.Errorf("without a volume: %v, want ErrAway", err)
	}
	detach := attach(t, v, dir)
	name := put(t, v, "yard", epoch, "one")
	if got, err := v.Read("yard", name); err != nil || !bytes.Equal(got, jpeg("one")) {
		t.Errorf("%q, %v", got, err)
	}
	if got := files(t, dir); len(got) != 1 || got[0] != "2026-11-28/"+name+".jpg" {
		t.Errorf("on disk: %v", got)
	}
	other := put(t, v, "yard", epoch, "two")
	os.WriteFile(filepath.Join(dir, "secret.jpg"), jpeg("secret"), 0o600)
	for what, n := range map[string]string{
		"nothing": "", "a path": "../" + name, "a file that is none": "secret", "with its suffix": name + ".jpg",
		"another's mark": name[:len(name)-8] + other[len(other)-8:], "one that never was": strings.Replace(name, "20261128", "20261127", 1),
		"upper case": strings.ToUpper(name), "a line end": name + "\n", "a path in the middle": name[:8] + "/../" + name[8:],
	} {
		if _, err := v.Read("yard", n); !errors.Is(err, ErrNoPicture) {
			t.Errorf("%s %q: %v, want ErrNoPicture", what, n, err)
		}
	}
	if _, err := v.Read("gate", name); !errors.Is(err, ErrNoPicture) {
		t.Errorf("read by another camera: %v, want ErrNoPicture", err)
	}
	detach()
	if _, err := v.Read("yard", name); !errors.Is(err, ErrAway) {
		t.Errorf("after the volume went: %v, want ErrAway", err)
	}
	attach(t, v, dir)
	if _, err := v.Read("yard", name); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func TestALinkIsNoPicture(t *testing.T) {
	dir := t.TempDir()
	v := NewEvidence(EvidenceOptions{})
	attach(t, v, dir)
	day, name := newName("yard", epoch)
	os.Mkdir(filepath.Join(dir, day), 0o700)
	os.WriteFile(filepath.Join(dir, "inside"), jpeg("x"), 0o600)
	for _, target := range []string{"/etc/passwd", "../inside"} {
		path := filepath.Join(dir, day, name+".jpg")
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if data, err := v.Read("yard", name); !errors.Is(err, ErrNoPicture) {
			t.Errorf("a link to %s: %q, %v", target, data, err)
		}
		os.Remove(path)
	}
}

func TestWhatIsNoPictureIsRefusedAndATornOneIsNone(t *testing.T) {
	dir := t.TempDir()
	v := NewEvidence(EvidenceOptions{})
	attach(t, v, dir)
	for what, data := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "a beginning": []byte("\xff\xd8abc"), "too much": jpeg(strings.Repeat("x", mostPicture)),
	} {
		if _, err := v.Put("yard", epoch, data); err == nil {
			t.Errorf("%s is kept", what)
		}
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	name := put(t, v, "yard", epoch, "whole")
	for _, size := range []int64{0, 3, 6} {
		if err := os.Truncate(filepath.Join(dir, "2026-11-28", name+".jpg"), size); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Read("yard", name); !errors.Is(err, ErrNoPicture) {
			t.Errorf("cut to %d bytes: %v, want ErrNoPicture", size, err)
		}
	}
}

func TestOldPicturesGoByDaysInBatches(t *testing.T) {
	dir := t.TempDir()
	v := NewEvidence(EvidenceOptions{})
	attach(t, v, dir)
	for day := range 4 {
		for i := range 5 {
			put(t, v, "yard", epoch.AddDate(0, 0, -day), fmt.Sprint(i))
		}
	}
	put(t, v, "yard", time.Unix(0, 0), "by a clock that was not set")
	os.WriteFile(filepath.Join(dir, "2026-11-25", "notes.txt"), []byte("not ours"), 0o600)
	prune := func(before time.Time, limit, want int) {
		t.Helper()
		if n, err := v.PruneBefore(t.Context(), before, limit); err != nil || n != want {
			t.Errorf("removed %d, %v; want %d", n, err, want)
		}
	}
	prune(epoch.AddDate(0, 0, -3), 100, 0) // that day has not ended by then
	prune(epoch.AddDate(0, 0, -1), 7, 7)   // days 25 and 26, in two batches
	prune(epoch.AddDate(0, 0, -1), 7, 3)
	prune(epoch.AddDate(0, 0, -1), 7, 0)
	if got := files(t, dir); len(got) != 12 { // two days, 1970, and what is not ours
		t.Errorf("left: %v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "2026-11-26")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty day is still there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := v.PruneBefore(ctx, epoch.AddDate(0, 0, 9), 100); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("removed %d, %v after its time; want none", n, err)
	}
}

func TestTheOldestGoWhenThereAreTooMany(t *testing.T) {
	dir := t.TempDir()
	size := int64(len(jpeg("0000")))
	v := NewEvidence(EvidenceOptions{MaxBytes: 10 * size})
	detach := attach(t, v, dir)
	var names []string
	n := 0
	more := func(at time.Time) {
		names = append(names, put(t, v, "yard", at.Add(time.Duration(n)*time.Millisecond), fmt.Sprintf("%04d", n)))
		n++
	}
	check := func(what string) {
		t.Helper()
		if got := files(t, dir); len(got) != 10 {
			t.Errorf("%s: %d pictures, want 10", what, len(got))
		}
		for i, name := range names {
			if _, err := v.Read("yard", name); (err == nil) != (i >= len(names)-10) {
				t.Errorf("%s: picture %d of %d: %v", what, i, len(names), err)
			}
		}
	}
	for range 6 {
		more(epoch.AddDate(0, 0, -2))
	}
	for range 6 {
		more(epoch.AddDate(0, 0, -1))
	}
	check("over two days")
	detach()
	attach(t, v, dir)
	for range 30 {
		more(epoch)
	}
	check("within one day, after a restart")
	if got, _ := os.ReadDir(dir); len(got) != 1 {
		t.Errorf("days left: %v", got)
	}
}

func TestWhatAPowerCutLeftIsRemovedAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	day, name := newName("yard", epoch)
	os.Mkdir(filepath.Join(dir, day), 0o700)
	left := filepath.Join(dir, day, name+".new")
	foreign := filepath.Join(dir, day, "holiday.new")
	for _, path := range []string{left, foreign} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	attach(t, NewEvidence(EvidenceOptions{}), dir)
	if got := files(t, dir); len(got) != 1 || got[0] != day+"/holiday.new" {
		t.Errorf("left: %v, want what is not ours alone", got)
	}
}
