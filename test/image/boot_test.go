package image_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// What run.sh made, below the lab's directory.
var (
	lab    = os.Getenv("VEDETTE_LAB")
	kernel = os.Getenv("VEDETTE_KERNEL") // its directory
)

// prepared returns the lab; without it the test is left out, and says so.
func prepared(t testing.TB) string {
	t.Helper()
	if lab == "" {
		testkit.Lacking(t, "the lab is not built: run  make test-image")
	}
	return lab
}

const (
	older = "v0.1.0" // what is flashed
	newer = "v0.2.0"
)

// flashWith puts the image onto a card as people do, and returns what that said.
func flashWith(t testing.TB, card string, more ...string) []byte {
	t.Helper()
	image := filepath.Join(prepared(t), "dist", "vedette-qemuvirt-"+older+".img.xz")
	args := append([]string{"--image", image, "--device", card, "--size", strconv.FormatInt(2<<30, 10), "--yes"}, more...)
	out, err := exec.Command("../../flash.sh", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("flash.sh: %v\n%s", err, out)
	}
	return out
}

// flash makes a card for a box called lab, and returns the claim code.
func flash(t testing.TB, card string) (code string) {
	t.Helper()
	out := flashWith(t, card, "--hostname", "lab", "--claim")
	m := regexp.MustCompile(`\b[0-9A-Z]{5}-[0-9A-Z]{5}\b`).Find(out)
	if m == nil {
		t.Fatalf("flash.sh printed no claim code:\n%s", out)
	}
	return string(m)
}

// emptyDisk makes a disk for footage.
func emptyDisk(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 2<<30); err != nil {
		t.Fatal(err)
	}
	return name
}

// guestURL is where the machine finds what listens on this one.
func guestURL(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort("10.0.2.2", u.Port())
	return u.String()
}

// giveDisk has the one disk that is offered prepared for the footage.
func (c *client) giveDisk() {
	c.t.Helper()
	var list struct {
		Disks []struct{ Name, Serial, Phrase, Busy string }
	}
	c.must("GET", "/api/v1/system/disks", nil, &list)
	for _, d := range list.Disks {
		if d.Serial == "footage1" {
			c.must("POST", "/api/v1/system/disks/"+d.Name+"/prepare", map[string]string{"volume": "footage", "confirm": d.Phrase}, nil)
			c.event(time.Minute, "disk_prepared")
			return
		}
	}
	c.t.Fatalf("the disk is not offered: %+v", list)
}

// TestFlashBootRecord: from an image file to footage that plays, without a
// keyboard: flash, power on, claim, give it a disk, add a camera. Then the power
// goes, and comes back: it records again by itself.
func TestFlashBootRecord(t *testing.T) {
	prepared(t)
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	card, disk := filepath.Join(t.TempDir(), "card.img"), emptyDisk(t)
	code := flash(t, card)
	m := start(t, "first", setup{card: card, disk: disk})
	c := visit(t, m)
	c.answering(time.Minute)
	t.Logf("first start: the panel answers after %.1f s", time.Since(m.started).Seconds())
	c.claim(code)
	c.giveDisk()
	c.must("POST", "/api/v1/cameras", map[string]string{"name": "Door", "id": "door", "main_url": guestURL(t, cam.URL("h264"))}, nil)
	c.recording(30 * time.Second)
	checkSystem(t, c)
	if n := c.events(); !hasEvent(n, "card_grown") {
		t.Errorf("the card did not grow: %v", types(n))
	}
	time.Sleep(4 * time.Second) // some footage
	began := time.Now()
	plays(t, c, "door", began.Add(-3*time.Second), began)
	m.cut()

	m = start(t, "again", setup{card: card, disk: disk})
	c.m = m
	booted, _ := m.wait(time.Minute, "^vedette: slot A", 0)
	ours, _ := m.wait(time.Minute, "^vedette: preparing", 0)
	c.answering(time.Minute)
	answered := time.Since(m.started)
	c.recording(time.Minute)
	first := firstFrame(t, c, m)
	t.Logf("power on: U-Boot chose at %.1f s, our part began at %.1f s, the panel answered at %.1f s, the first frame that was recorded came at %.1f s: our part %.1f s",
		booted.at.Seconds(), ours.at.Seconds(), answered.Seconds(), first.Seconds(), (first - ours.at).Seconds())
	m.tell("system_powerdown") // the power button: a short press keeps what was
	c.event(20*time.Second, "evidence_hold")
}

// firstFrame returns when the first frame since the start was recorded, by the clock of
// the machine, which its log relates to ours.
func firstFrame(t *testing.T, c *client, m *machine) time.Duration {
	t.Helper()
	stamped := regexp.MustCompile(`^time=(\S+) level`)
	l, _ := m.wait(time.Second, stamped.String(), 0)
	there, err := time.Parse(time.RFC3339Nano, stamped.FindStringSubmatch(l.text)[1])
	if err != nil {
		t.Fatal(err)
	}
	on := there.Add(-l.at) // when it was switched on
	var rows struct{ Segments []struct{ Start time.Time } }
	c.must("GET", fmt.Sprintf("/api/v1/cameras/door/segments?from=%d&to=%d", on.UnixMilli(), on.Add(time.Hour).UnixMilli()), nil, &rows)
	for _, r := range rows.Segments {
		if r.Start.After(on) {
			return r.Start.Sub(on)
		}
	}
	t.Fatalf("nothing was recorded since %v: %+v", on, rows)
	return 0
}

// plays fetches what was recorded and has it decoded by somebody else.
func plays(t *testing.T, c *client, id string, from, to time.Time) {
	t.Helper()
	var clip []byte
	c.must("GET", fmt.Sprintf("/api/v1/cameras/%s/clip.mp4?from=%d&to=%d", id, from.UnixMilli(), to.UnixMilli()), nil, &clip)
	name := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(name, clip, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", name).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v: %s", err, out)
	}
	if n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(string(out)), ",")); err != nil || n < 25 {
		t.Errorf("%q pictures in the clip, want 25 or more", out)
	}
}

func hasEvent(all []event, kind string) bool {
	for _, e := range all {
		if e.Type == kind {
			return true
		}
	}
	return false
}

func types(all []event) (out []string) {
	for _, e := range all {
		out = append(out, e.Type)
	}
	return out
}

// TestBootsFromAnSDCard: the same card behind an SD controller. The emulator's U-Boot knows
// none, so the kernel is given.
func TestBootsFromAnSDCard(t *testing.T) {
	prepared(t)
	card := filepath.Join(t.TempDir(), "card.img")
	code := flash(t, card)
	m := start(t, "sd", setup{card: card, sd: true})
	c := visit(t, m)
	c.answering(time.Minute)
	c.claim(code)
	if n := c.events(); !hasEvent(n, "card_grown") {
		t.Errorf("the card did not grow: %v", types(n))
	}
}
