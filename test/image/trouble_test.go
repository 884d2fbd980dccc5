package image_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// TestAResetAndARuinedCard: a factory reset keeps footage and forgets its owner; settings
// that cannot be read any more are kept aside, and the box begins anew and records.
func TestAResetAndARuinedCard(t *testing.T) {
	prepared(t)
	t.Parallel()
	card := filepath.Join(t.TempDir(), "card.img")
	c := recorder(t, "reset", setup{card: card})
	time.Sleep(3 * time.Second) // some footage

	if _, err := c.ask("POST", "/api/v1/system/reset", map[string]any{"confirm": "no"}, nil); err == nil {
		t.Fatal("a reset without its phrase was begun")
	}
	from := c.m.at()
	c.must("POST", "/api/v1/system/reset", map[string]any{"confirm": "lab", "footage": false}, nil)
	_, from = c.m.wait(time.Minute, "^vedette: slot A", from)
	code, _ := c.m.wait(time.Minute, "^claim code: ", from)
	c.answering(time.Minute)
	if _, err := c.ask("GET", "/api/v1/cameras", nil, nil); err == nil {
		t.Error("a session from before the reset is still good")
	}
	c.claim(strings.TrimPrefix(code.text, "claim code: "))
	var cameras []camera
	c.must("GET", "/api/v1/cameras", nil, &cameras)
	if len(cameras) != 0 {
		t.Errorf("cameras are left: %+v", cameras)
	}
	if all := c.events(); !hasEvent(all, "factory_reset") {
		t.Errorf("nothing tells of the reset: %v", types(all))
	}
	// Which disk is whose was forgotten too: it is given to the footage again, as it is.
	c.must("POST", "/api/v1/system/disks/vdb/use", map[string]string{"volume": "footage"}, nil)
	c.until(30*time.Second, "the footage of before is there", func() error {
		var s struct {
			Volumes []struct {
				State        string `json:"state"`
				FootageBytes int64  `json:"footage_bytes"`
			}
		}
		if _, err := c.ask("GET", "/api/v1/system", nil, &s); err != nil {
			return err
		}
		if len(s.Volumes) != 1 || s.Volumes[0].FootageBytes < 1000 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	c.m.cut()

	f, err := os.OpenFile(card, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	junk := []byte(strings.Repeat("what a worn card gives back ", 1<<20))
	_, err = f.WriteAt(junk, dataAt)
	for at := int64(128 << 20); err == nil && at < 1<<30; at += 128 << 20 { // copies of the superblock
		_, err = f.WriteAt(junk[:1<<20], dataAt+at)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	m := start(t, "ruined", setup{card: card})
	c.m = m
	code, _ = m.wait(3*time.Minute, "^claim code: ", 0)
	c.answering(time.Minute)
	c.claim(strings.TrimPrefix(code.text, "claim code: "))
	all := c.events()
	if !hasEvent(all, "data_replaced") && !hasEvent(all, "data_repaired") {
		t.Errorf("nothing tells of the ruined card: %v", types(all))
	}
	for _, e := range all {
		if strings.HasPrefix(e.Type, "data_") {
			t.Logf("%s: %v", e.Type, e.Payload)
		}
	}
}

// TestSettingsOnTheCard: mistakes are told with line and key, and the box starts all the
// same; corrected, its cameras are there and recorded once it has a disk.
func TestSettingsOnTheCard(t *testing.T) {
	prepared(t)
	t.Parallel()
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	card := filepath.Join(t.TempDir(), "card.img")
	settings := func(text string) string {
		t.Helper()
		name := filepath.Join(t.TempDir(), "settings.toml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	bad := settings("hostname = \"shop\"\n\n[network]\naddress = \"192.0.2.300/24\"\n")
	flashWith(t, card, "--setup", bad)
	m := start(t, "mistakes", setup{card: card})
	m.wait(time.Minute, `settings on the card: line 4, network.address`, 0)
	m.wait(time.Minute, `state changed.*system: settings on the card: line 4`, 0) // the lights go by that
	m.cut()

	good := settings(fmt.Sprintf("hostname = \"shop\"\nclaim_code = \"KX7QM-3TPWZ\"\ntime_zone = \"Europe/Berlin\"\n\n[[cameras]]\nname = \"Door\"\nurl = %q\n", guestURL(t, cam.URL("h264"))))
	flashWith(t, card, "--setup", good)
	own := settings("[server]\nlisten = \":443\"\nredirect = \":80\"\n\n[[volumes]]\nname = \"footage\"\npath = \"/footage/disk\"\nmount_point = true\n\n[live]\nudp_port = 7000\n")
	if out, err := exec.Command("mcopy", "-i", fmt.Sprintf("%s@@%d", card, int64(slotB+slotSize)), own, "::recorder.toml").CombinedOutput(); err != nil {
		t.Fatalf("mcopy: %v: %s", err, out)
	}
	m = start(t, "settings", setup{card: card, disk: emptyDisk(t)})
	c := visit(t, m)
	c.answering(time.Minute)
	c.claim("KX7QM-3TPWZ")
	c.giveDisk()
	c.recording(time.Minute)
	var s struct {
		Setup *struct {
			AppliedAt string `json:"applied_at"`
			Errors    []any
		}
		ResetPhrase string `json:"reset_phrase"`
	}
	c.must("GET", "/api/v1/system/update", nil, &s)
	if s.Setup == nil || s.Setup.AppliedAt == "" || len(s.Setup.Errors) > 0 || s.ResetPhrase != "shop" {
		t.Errorf("%+v; want settings that were applied, and the name shop", s)
	}
	m.wait(time.Second, `the name of the box is answered for" name=shop.local`, 0)
	var support []byte
	c.must("GET", "/api/v1/system/support", nil, &support)
	if !strings.Contains(string(support), "udp [::]:7000\n") {
		t.Error("recorder.toml is not what the recorder goes by")
	}
	m.cut()
	if left := part(t, card, slotB+slotSize, 32<<20); strings.Contains(string(left), "KX7QM") {
		t.Error("the claim code is still on the setup partition")
	}
}
