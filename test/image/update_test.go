package image_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// Where the slots lie on the card (docs/format/card.md), in bytes.
const (
	slotA    = 81 << 20
	slotB    = slotA + slotSize
	slotSize = 256 << 20
)

func bundle(name string) string {
	return filepath.Join(lab, "dist", "vedette-qemuvirt-"+name+".raucb")
}

// status is GET /api/v1/system/update.
type status struct {
	Slot    string `json:"slot"`
	Version string `json:"version"`
	Busy    bool   `json:"busy"`
	Percent int    `json:"percent"`
	Trial   *struct {
		WaitingFor string `json:"waiting_for"`
	} `json:"trial"`
}

// upload sends a bundle; the answer is an error if it is refused.
func (c *client) upload(name, query string) (int, error) {
	c.t.Helper()
	f, err := os.Open(name)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	return c.ask("POST", "/api/v1/system/update"+query, f, nil)
}

// installed uploads a bundle that is to be accepted, and returns when the
// machine boots again.
func (c *client) installed(name string) {
	c.t.Helper()
	from := c.m.at()
	if _, err := c.upload(name, "?restart=true"); err != nil {
		c.t.Fatal(err)
	}
	c.m.wait(3*time.Minute, "^U-Boot 20", from)
}

// on waits until the machine says that it runs a version in a slot, for good.
func (c *client) on(within time.Duration, slot, version string) {
	c.t.Helper()
	c.until(within, fmt.Sprintf("%s runs in slot %s for good", version, slot), func() error {
		var s status
		if _, err := c.ask("GET", "/api/v1/system/update", nil, &s); err != nil {
			return err
		}
		if s.Slot != slot || s.Version != version || s.Trial != nil {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
}

// recorder is a machine that records a camera, as first installed.
func recorder(t *testing.T, name string, s setup) *client {
	t.Helper()
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	s.disk = emptyDisk(t)
	code := flash(t, s.card)
	m := start(t, name, s)
	c := visit(t, m)
	c.answering(2 * time.Minute)
	c.claim(code)
	c.giveDisk()
	c.must("POST", "/api/v1/cameras", map[string]string{"name": "Door", "id": "door", "main_url": guestURL(t, cam.URL("h264"))}, nil)
	c.recording(time.Minute)
	return c
}

// TestUpdates takes one box through bundles that are refused, a good one, and one that
// is healthy itself and reaches no camera.
func TestUpdates(t *testing.T) {
	prepared(t)
	t.Parallel()
	card := filepath.Join(t.TempDir(), "card.img")
	c := recorder(t, "updates", setup{card: card})

	t.Run("refused", func(t *testing.T) {
		good, err := os.ReadFile(bundle(newer))
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []struct {
			name, code string
			make       func() []byte
		}{
			{"tampered", "signature", func() []byte { b := bytes.Clone(good); b[len(b)/3] ^= 1; return b }},
			{"truncated", "", func() []byte { return good[:len(good)/2] }},
			{"no bundle", "", func() []byte { return []byte("hello") }},
			{"older", "older", func() []byte { return read(t, bundle("v0.0.9")) }},
			{"another board's", "board", func() []byte { return read(t, bundle("v0.4.0-board")) }},
			{"another key's", "signature", func() []byte { return read(t, bundle("v0.4.0-key")) }},
		} {
			name := filepath.Join(t.TempDir(), "bad.raucb")
			if err := os.WriteFile(name, bad.make(), 0o644); err != nil {
				t.Fatal(err)
			}
			code, err := c.upload(name, "")
			if code != 422 || err == nil {
				t.Errorf("%s: %d, %v; want 422", bad.name, code, err)
			} else if bad.code != "" && !bytes.Contains([]byte(err.Error()), []byte(`"`+bad.code+`"`)) {
				t.Errorf("%s: %v; want %s", bad.name, err, bad.code)
			}
		}
		if b := part(t, card, slotB, 1<<20); !bytes.Equal(b, make([]byte, len(b))) {
			t.Error("a bundle that was refused has written to the slot")
		}
	})

	began := time.Now()
	c.installed(bundle(newer))
	c.answering(time.Minute)
	t.Logf("upload to the panel of the new system: %.0f s", time.Since(began).Seconds())
	c.on(2*time.Minute, "B", newer)
	c.event(10*time.Second, "update_confirmed")
	c.recording(time.Minute)

	c.givesUp("sick", "B", newer)
}

// TestUpdatesThatDoNothing: a recorder that ends at once, and one that is there and does not
// answer. Nothing of the new system helps; a guard goes back.
func TestUpdatesThatDoNothing(t *testing.T) {
	prepared(t)
	t.Parallel()
	c := recorder(t, "nothing", setup{card: filepath.Join(t.TempDir(), "card.img")})
	c.givesUp("crash", "A", older)
	c.givesUp("hang", "A", older)
}

// givesUp installs a system that must be given up, and returns when the one before runs again
// in its slot, records, and has told why.
func (c *client) givesUp(bad, slot, version string) {
	c.t.Helper()
	before := count(c.events(), "update_rolled_back")
	from := c.m.at()
	began := time.Now()
	c.installed(bundle("v0.3.0-" + bad))
	other := map[string]string{"A": "B", "B": "A"}[slot]
	_, next := c.m.wait(time.Minute, "^vedette: slot "+other, from)
	c.m.wait(5*time.Minute, "^vedette: slot "+slot, next)
	c.on(2*time.Minute, slot, version)
	c.recording(time.Minute)
	c.until(10*time.Second, "an event says why", func() error {
		if n := count(c.events(), "update_rolled_back"); n <= before {
			return errors.New("there is none")
		}
		return nil
	})
	all := c.events()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Type == "update_rolled_back" {
			c.t.Logf("%s: given up after %.0f s: %v", bad, time.Since(began).Seconds(), all[i].Payload)
			break
		}
	}
}

func count(all []event, kind string) (n int) {
	for _, e := range all {
		if e.Type == kind {
			n++
		}
	}
	return n
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// part returns bytes of a file.
func part(t testing.TB, name string, offset, length int64) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, length)
	if _, err := io.ReadFull(io.NewSectionReader(f, offset, length), b); err != nil {
		t.Fatal(err)
	}
	return b
}
