package playback

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

func TestASnapshotIsTheKeyFrameBefore(t *testing.T) {
	s := newShelf(t)
	run, units := s.record(t, fmp4test.Options{Audio: media.AAC, BFrames: 2, Seconds: 12}, segment.None)
	all := hashes(t, whole(t, run, units))
	tests := []struct {
		name    string
		at      int64 // ms from the beginning
		picture int   // -1: none
	}{
		{"the very beginning", 0, 0},
		{"before everything", -1, -1},
		{"inside the first GOP", 1999, 0},
		{"exactly at a key frame", 2000, 50},
		{"in the second segment", 5999, 100},
		{"shortly after the end", 12_100 + snapshotReach - 200, 250},
		{"long after the end", 12_100 + snapshotReach, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(s).Snapshot(t.Context(), "door", start+tt.at)
			if tt.picture < 0 {
				if !errors.Is(err, ErrNoFootage) {
					t.Errorf("Snapshot = %v, want ErrNoFootage", err)
				}
				s.idle(t)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(c)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			file := save(t, data)
			if said := fmp4test.Warnings(t, file); said != "" {
				t.Errorf("players complain:\n%s", said)
			}
			if got := hashes(t, file); !slices.Equal(got, all[tt.picture:tt.picture+1]) {
				t.Errorf("shows %d pictures, the first number %d; want number %d", len(got), slices.Index(all, got[0]), tt.picture)
			}
			if want := start + int64(tt.picture)*40; c.Start != want {
				t.Errorf("is of %d, want %d", c.Start, want)
			}
			s.idle(t)
		})
	}
}

func TestASnapshotOfDamagedFootageIsAnOlderOne(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Seconds: 8}, segment.None)
	name := s.path(s.rows[1])
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.Repeat([]byte{7}, len(raw)), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(s).Snapshot(t.Context(), "door", start+7000)
	if err != nil {
		t.Fatal(err)
	}
	if c.Start != start+2000 {
		t.Errorf("is of %d, want the last key frame before the damage", c.Start-start)
	}
	_ = c.Close()
	s.idle(t)
}
