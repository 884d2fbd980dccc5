package ingest

import (
	"testing"

	"vedette/recorder/media"
)

func TestDecodeClockAlwaysIncreases(t *testing.T) {
	tests := []struct {
		name string
		pts  []int64
		want []int64
	}{
		{"in order it is the time of presentation", []int64{0, 3600, 7200}, []int64{0, 3600, 7200}},
		{"a repeated time is moved by a tick", []int64{0, 0, 0, 3600}, []int64{0, 1, 2, 3600}},
		{"backwards is moved after the last", []int64{9000, 3600, 10}, []int64{9000, 9001, 9002}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Heads that no extractor understands: the fallback.
			d := decodeClock{codec: media.H264}
			for i, pts := range tt.pts {
				if got := d.next(pts, i == 0, nil, [][]byte{{0x65}}); got != tt.want[i] {
					t.Errorf("picture %d is decoded at %d, want %d", i, got, tt.want[i])
				}
			}
		})
	}
}

func TestDecodeClockKeepsTheKnownDelayAfterLoss(t *testing.T) {
	d := decodeClock{codec: media.H264, delay: 7200}
	for i, want := range []int64{-7200, -3600, 0} {
		if got := d.next(int64(i)*3600, false, nil, nil); got != want {
			t.Errorf("picture %d is decoded at %d, want %d", i, got, want)
		}
	}
}
