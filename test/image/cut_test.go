package image_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vedette/firmware/slots"
	"vedette/test/power/blocklog"
)

const (
	stateAt  = 80 << 20 // of vedette-state, in bytes
	cardSize = 1536 << 20
)

// cutsFromEnvironment is at how many points the power is cut: 50, or CUTS.
func cutsFromEnvironment(t *testing.T) int {
	t.Helper()
	s := os.Getenv("CUTS")
	if s == "" {
		return 50
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("CUTS=%q: want a number from 1", s)
	}
	return n
}

// TestAPowerCutLeavesASlotThatWorks logs every write to a card while an update is
// installed, tried and confirmed, and looks at the cards that a power cut
// at any moment could have left: U-Boot's choice must be a whole system of either
// version. Some of them are booted.
func TestAPowerCutLeavesASlotThatWorks(t *testing.T) {
	prepared(t)
	t.Parallel()
	dir := t.TempDir()
	card, log := filepath.Join(dir, "card.img"), filepath.Join(dir, "writes.log")
	code := flash(t, card)
	if err := os.Truncate(card, cardSize); err != nil {
		t.Fatal(err)
	}
	base := read(t, card)
	if err := os.WriteFile(log, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	m := start(t, "cut", setup{card: card, cardLog: log})
	c := visit(t, m)
	c.answering(2 * time.Minute)
	c.claim(code)
	begin := size(t, log)
	c.installed(bundle(newer))
	c.answering(2 * time.Minute)
	c.on(2*time.Minute, "B", newer)
	c.event(10*time.Second, "update_confirmed")
	m.cut()

	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries, err := blocklog.Read(f, size(t, log), cardSize)
	if err != nil {
		t.Fatal(err)
	}
	first := 0
	for first < len(entries) && entries[first].Data < begin {
		first++
	}
	j := newJudge(t)
	found := j.controls(t, f, entries, base)
	t.Logf("%d writes and flushes while it was installed, tried and confirmed; controls: %s", len(entries)-first, found)

	rng := rand.New(rand.NewPCG(1, 2))
	disk := blocklog.NewDisk(f, entries, base)
	image := filepath.Join(dir, "cut.img")
	cuts := cutsFromEnvironment(t)
	seen := map[string]int{}
	for i := range cuts {
		// The last flush before the moment, and any of what came after it.
		at := first + (len(entries)-first)*(i+1)/cuts
		flushed := at
		for flushed > 0 && !entries[flushed-1].Flush {
			flushed--
		}
		if err := disk.Advance(flushed); err != nil {
			t.Fatal(err)
		}
		left(t, image, disk, at, rng)
		what, err := j.look(image)
		if err != nil {
			t.Errorf("power cut at entry %d of %d: %v", at, len(entries), err)
		}
		seen[what]++
		if i%max(cuts/3, 1) == cuts/6 {
			boots(t, fmt.Sprintf("cut-%d", i), image)
		}
	}
	t.Logf("%d power cuts: %v", cuts, seen)
	if len(seen) < 3 {
		t.Errorf("the cuts were all alike: %v", seen)
	}
}

// left writes a card as a power cut could leave it.
func left(t *testing.T, image string, disk *blocklog.Disk, at int, rng *rand.Rand) {
	t.Helper()
	out, err := os.OpenFile(image, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	_, _, err = disk.Scatter(out, 0, 0, blocklog.Chance{}, rng)
	err = errors.Join(err, disk.WriteTo(out), out.Truncate(cardSize))
	if err == nil {
		_, _, err = disk.Scatter(out, at, cardSize, blocklog.Chance{Keep: 0.5, Tear: 0.3}, rng)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// boots has a card booted and asks it.
func boots(t *testing.T, name, image string) {
	t.Helper()
	m := start(t, name, setup{card: image})
	c := visit(t, m)
	c.answering(2 * time.Minute)
	c.login()
	var s status
	c.must("GET", "/api/v1/system/update", nil, &s)
	if s.Version != older && s.Version != newer {
		t.Errorf("%s: it runs %+v", name, s)
	}
	m.cut()
}

// judge knows the whole systems there can be.
type judge struct{ images map[string][]byte }

func newJudge(t *testing.T) judge {
	t.Helper()
	return judge{map[string][]byte{
		older: read(t, filepath.Join(lab, "slots", older+".img")),
		newer: read(t, filepath.Join(lab, "slots", newer+".img")),
	}}
}

// look says which slot and version U-Boot would choose, and as what; an error if that is no
// whole system.
func (j judge) look(image string) (string, error) {
	f, err := os.Open(image)
	if err != nil {
		return "", err
	}
	defer f.Close()
	store := slots.NewStore(sectionDevice{io.NewSectionReader(f, stateAt, 1<<20)})
	s, err := store.Load()
	if err != nil {
		return "", fmt.Errorf("the state of the slots: %w", err)
	}
	at := [2]int64{slotA, slotB}
	var holds [2]bool
	for i := range at {
		_, err := slots.ReadHeader(io.NewSectionReader(f, at[i], slotSize))
		holds[i] = err == nil
	}
	b, ok := slots.Next(s, holds)
	if !ok {
		return "", fmt.Errorf("no slot is left in %+v", s)
	}
	for version, whole := range j.images {
		got := make([]byte, len(whole))
		if _, err := f.ReadAt(got, at[b.Slot]); err == nil && bytes.Equal(got, whole) {
			if err := checkData(image); err != nil {
				return "", err
			}
			kind := "good"
			if !s.Good[b.Slot] {
				kind = "on trial"
			}
			return fmt.Sprintf("%s in slot %s, %s", version, b.Slot, kind), nil
		}
	}
	return "", fmt.Errorf("slot %s would boot (%+v), and is no whole system", b.Slot, s)
}

// controls shows that the judge would see a slot that is activated too early, and a
// state that is lost: it returns what it said of them.
func (j judge) controls(t *testing.T, log io.ReaderAt, entries []blocklog.Entry, base []byte) string {
	t.Helper()
	disk := blocklog.NewDisk(log, entries, bytes.Clone(base))
	if err := disk.Advance(len(entries)); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(t.TempDir(), "control.img")
	left(t, image, disk, len(entries), rand.New(rand.NewPCG(1, 1)))
	if what, err := j.look(image); err != nil {
		t.Fatalf("the card as it is at the end: %v, %v", what, err)
	}
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 4096), slotB+(20<<20)); err != nil {
		t.Fatal(err)
	}
	_, err = j.look(image)
	if err == nil {
		t.Fatal("a slot with a hole in it is taken for a whole one")
	}
	return err.Error()
}

// dataAt is where vedette-data begins on the card, in bytes.
const dataAt = slotB + slotSize + (32 << 20)

// checkData has the settings' file system repaired as at a start.
func checkData(card string) error {
	loop, err := exec.Command("losetup", "--find", "--show", "--offset", strconv.Itoa(dataAt), card).Output()
	if err != nil {
		return fmt.Errorf("losetup: %w", err)
	}
	device := strings.TrimSpace(string(loop))
	defer func() { _ = exec.Command("losetup", "--detach", device).Run() }() // a device that is left says so elsewhere
	said, err := exec.Command("e2fsck", "-p", device).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil // repaired
	}
	if err != nil {
		return fmt.Errorf("the settings: %w: %s", err, said)
	}
	return nil
}

func size(t *testing.T, name string) int64 {
	t.Helper()
	i, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return i.Size()
}

// sectionDevice is a device that is only read.
type sectionDevice struct{ *io.SectionReader }

func (sectionDevice) WriteAt([]byte, int64) (int, error) {
	return 0, errors.New("it is only looked at")
}
func (sectionDevice) Sync() error { return nil }
