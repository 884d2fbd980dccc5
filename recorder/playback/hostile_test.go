package playback

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// TestNoDamageStopsTheRest breaks files at random. Whatever comes of it, no
// call may panic, hang, or keep a file; what is left of the footage stays
// readable.
func TestNoDamageStopsTheRest(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Audio: media.AAC, Seconds: 12}, segment.None)
	good := make([][]byte, len(s.rows))
	for i, r := range s.rows {
		var err error
		if good[i], err = os.ReadFile(s.path(r)); err != nil {
			t.Fatal(err)
		}
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	for round := range 300 {
		for i, r := range s.rows {
			if err := os.WriteFile(s.path(r), spoil(rnd, good[i]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.rows[rnd.IntN(len(s.rows))].Bytes = rnd.Int64N(1 << 20)
		useAll(t, New(s))
		s.idle(t)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		for i := range s.rows {
			s.rows[i].Bytes = int64(len(good[i]))
		}
	}
}

// spoil returns a copy of a file with a few bytes of its tables changed, or
// cut.
func spoil(rnd *rand.Rand, file []byte) []byte {
	out := append([]byte(nil), file...)
	if rnd.IntN(4) == 0 {
		return out[:rnd.IntN(len(out))]
	}
	for range rnd.IntN(4) {
		at := rnd.IntN(len(out))
		if rnd.IntN(2) == 0 { // near the beginning: header and first moof
			at = rnd.IntN(4000)
		}
		out[at] ^= byte(1 + rnd.IntN(255))
	}
	return out
}

// useAll calls everything the library offers.
func useAll(t *testing.T, l *Library) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	from, to := start, start+12_000
	if _, err := l.Timeline(ctx, "door", from, to); err != nil {
		t.Error(err)
	}
	if _, _, err := l.Segments(ctx, "door", from, to, 0); err != nil {
		t.Error(err)
	}
	x, err := l.GOPs(ctx, "door", from, to)
	if err != nil {
		t.Error(err)
	}
	for _, seg := range x.Segments {
		for _, g := range seg.GOPs {
			if g.Offset < seg.InitSize || g.Size <= 0 || g.Offset+g.Size > seg.Bytes || g.Duration < 0 {
				t.Errorf("GOP %+v of a segment of %d bytes", g, seg.Bytes)
			}
		}
	}
	// Nothing to hand out is a fine answer to damage.
	_, _ = l.HLS(ctx, "door", from, to, func(Row) string { return "x" })
	if c, err := l.Clip(ctx, "door", from, to); err == nil {
		n, err := io.Copy(io.Discard, struct{ io.Reader }{c})
		if err != nil || n != c.Size() {
			t.Errorf("a clip of %d bytes ends after %d: %v", c.Size(), n, err)
		}
		_ = c.Close()
	}
	if c, err := l.Snapshot(ctx, "door", from+7000); err == nil {
		if _, err := io.Copy(io.Discard, struct{ io.Reader }{c}); err != nil {
			t.Error(err)
		}
		_ = c.Close()
	}
}
