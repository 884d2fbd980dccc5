package power

import (
	"testing"
	"time"

	"vedette/recorder/index"
	"vedette/test/power/marker"
)

func rowAt(start int64, ms uint32) index.Row {
	return index.Row{Camera: "c0", Start: start, Duration: ms}
}

func TestMissingFootageIsCounted(t *testing.T) {
	rows := []index.Row{rowAt(1000, 1000), {Camera: "c1", Start: 2000, Duration: 9000}, rowAt(2000, 1000), rowAt(5000, 1000)}
	tests := []struct {
		name     string
		from, to int64
		want     int64 // ms
	}{
		{"covered", 1000, 3000, 0},
		{"before the first", 400, 1500, 600},
		{"a hole in the middle", 1000, 6000, 2000},
		{"part of a hole", 3500, 4500, 1000},
		{"after the last", 5500, 7500, 1500},
		{"a hole and the end", 2500, 6500, 2500},
		{"no time at all", 3000, 3000, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := missing("c0", rows, tt.from, tt.to); got != time.Duration(tt.want)*time.Millisecond {
				t.Errorf("got %v, want %d ms", got, tt.want)
			}
		})
	}
}

// TestTheJudgeSeesWhatIsGone removes what was promised, one after the other.
func TestTheJudgeSeesWhatIsGone(t *testing.T) {
	say := func(n, poll uint64, wall int64, closed ...int64) placed {
		return placed{int(n) * 10, &marker.Marker{Number: n, Poll: poll, Wall: wall, Cameras: []marker.Camera{
			{ID: "c0", Windows: [][2]int64{{1000, 0}}, Closed: closed},
		}}}
	}
	life := []placed{
		say(1, 1, 12_000, 1000, 6000), say(2, 2, 12_050, 1000, 6000), say(3, 3, 12_100, 1000, 6000), say(4, 4, 22_000, 11_000, 16_000),
	}
	j := newJudge(life, "")
	tests := []struct {
		name   string
		end    int // of the log
		rows   []index.Row
		faults int
		loss   time.Duration
	}{
		{"all of it is there", 11, []index.Row{rowAt(1000, 5000), rowAt(6000, 5000), rowAt(11_000, 900)}, 0, 100 * time.Millisecond},
		{"the last two seconds are gone", 11, []index.Row{rowAt(1000, 5000), rowAt(6000, 4000)}, 0, 2 * time.Second},
		{"more than that is gone", 11, []index.Row{rowAt(1000, 5000), rowAt(6000, 3999)}, 1, 2001 * time.Millisecond},
		{"a closed segment and its footage are gone", 11, []index.Row{rowAt(6000, 6000)}, 2, 5 * time.Second},
		{"a closed segment may have been swept since", 21, []index.Row{rowAt(6000, 6000)}, 0, 50 * time.Millisecond},
		{"nothing is there", 11, nil, 3, 11 * time.Second},
		{"nothing was promised yet", 5, nil, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v verdict
			if m := j.promised(tt.end); m != nil {
				j.camera(m.Cameras[0], m, tt.rows, &v)
			}
			if len(v.findings) != tt.faults || v.loss != tt.loss {
				t.Errorf("%d findings and a loss of %v, want %d and %v: %q", len(v.findings), v.loss, tt.faults, tt.loss, v.findings)
			}
		})
	}
}
