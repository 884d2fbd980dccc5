package recovery

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vedette/recorder/fmp4"
	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// follower makes the segment that goes on two seconds after t0.
func follower(t *testing.T) (n volume.Name, data []byte, header int) {
	t.Helper()
	n = volume.Name{Camera: "door", Start: t0 + 2000, Seq: 1, Duration: 3000}
	data, ends := segmentOf(t, n, &fmp4.Header{Trusted: true, FirstDTS: 180_000, Mono: 2_000_000}, 3)
	n.Bytes = int64(len(data))
	return n, data, ends[0]
}

// TestALostHeaderIsToldFromTheSegmentBefore: wherever it is damaged, the file
// is afterwards what it was, byte for byte, open or closed.
func TestALostHeaderIsToldFromTheSegmentBefore(t *testing.T) {
	n, data, header := follower(t)
	for at := 0; at < header; at += 3 {
		harmed := bytes.Clone(data)
		harmed[at] ^= 0x10
		if at%2 == 0 { // a whole sector of it
			clear(harmed[at/512*512 : min(header, at/512*512+512)])
		}
		d := newDisk(t)
		d.closed(t, "door", t0, 0, 2)
		open := n
		open.Open, open.Duration, open.Bytes = true, 0, 0
		d.put(t, open.Path(), harmed)
		rows, _, r := d.recover(t)
		if len(rows) != 2 || r.Headers != 1 || r.Quarantined != 0 {
			t.Errorf("open, damaged at %d: %v, %d rows", at, &r, len(rows))
		}
		if got, err := os.ReadFile(filepath.Join(d.dir, n.Path())); err != nil || !bytes.Equal(got, data) {
			t.Errorf("open, damaged at %d: it holds something else: %v", at, err)
		}
		// As a closed one it is found by a check.
		d.put(t, n.Path(), harmed)
		if lines := d.check(t); len(lines) != 1 || !strings.Contains(lines[0], "tells what it was") {
			t.Errorf("closed, damaged at %d: %q", at, lines)
		}
		if got, _ := os.ReadFile(filepath.Join(d.dir, n.Path())); !bytes.Equal(got, harmed) {
			t.Errorf("closed, damaged at %d: a check changed it", at)
		}
		r, err := Repair(d.FS, d.index(), index.Options{}, quiet, func(Finding) {})
		if err != nil || r.Headers != 1 {
			t.Errorf("closed, damaged at %d: %v, %v", at, &r, err)
		}
		if got, err := os.ReadFile(filepath.Join(d.dir, n.Path())); err != nil || !bytes.Equal(got, data) {
			t.Errorf("closed, damaged at %d: it holds something else: %v", at, err)
		}
		if t.Failed() {
			return
		}
	}
}

// TestAHeaderIsNotMadeUp: without proof the file goes to quarantine as it is,
// with the reason.
func TestAHeaderIsNotMadeUp(t *testing.T) {
	n, data, header := follower(t)
	n.Open, n.Duration, n.Bytes = true, 0, 0
	data = bytes.Clone(data)
	clear(data[:40])
	before := volume.Name{Camera: "door", Start: t0, Seq: 0, Duration: 2000}
	put := func(t *testing.T, d *disk, n volume.Name, h *fmp4.Header, parts int) {
		h.Trusted = true
		data, _ := segmentOf(t, n, h, parts)
		n.Bytes = int64(len(data))
		d.put(t, n.Path(), data)
	}
	tests := []struct {
		name string
		put  func(t *testing.T, d *disk)
		data []byte
		why  string
	}{
		{"nothing is before it", func(*testing.T, *disk) {}, data, "no segment before it"},
		{"another run is before it", func(t *testing.T, d *disk) {
			n := before
			n.Seq = 5
			put(t, d, n, &fmp4.Header{}, 2)
		}, data, "no segment before it"},
		{"what is before it ended long ago", func(t *testing.T, d *disk) {
			n := before
			n.Start -= 10_000
			put(t, d, n, &fmp4.Header{}, 2)
		}, data, "no segment before it"},
		{"the name of what is before it lies", func(t *testing.T, d *disk) {
			put(t, d, before, &fmp4.Header{}, 9)
		}, data, "not where the segment before it ends"},
		{"its first part is damaged too", func(t *testing.T, d *disk) { put(t, d, before, &fmp4.Header{}, 2) }, func() []byte {
			d := bytes.Clone(data)
			d[header+90] ^= 1
			return d
		}(), "no whole part lies where the header would end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk(t)
			tt.put(t, d)
			d.put(t, n.Path(), tt.data)
			if _, _, r := d.recover(t); r.Quarantined != 1 || r.Headers != 0 {
				t.Fatalf("%v", &r)
			}
			reason := ""
			for _, p := range d.files(t) {
				if !strings.HasPrefix(p, volume.QuarantineDir) {
					continue
				}
				got, err := os.ReadFile(filepath.Join(d.dir, p))
				switch {
				case err != nil:
					t.Fatal(err)
				case strings.Contains(string(got), "header"):
					reason = string(got)
				case !slices.Equal(got, tt.data):
					t.Errorf("%s was changed", p)
				}
			}
			if !strings.Contains(reason, tt.why) {
				t.Errorf("the reason is %q, want %q in it", reason, tt.why)
			}
		})
	}
}
