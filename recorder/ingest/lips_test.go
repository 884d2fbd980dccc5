package ingest

import (
	"container/heap"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// packetAt is a packet on its way: what it is and when it comes, in µs.
type packetAt struct {
	at     int64
	track  int // 0 and 1; 2 and 3 are their sender reports
	number int
}

type onTheWay []packetAt

func (q onTheWay) Len() int           { return len(q) }
func (q onTheWay) Less(i, j int) bool { return q[i].at < q[j].at }
func (q onTheWay) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *onTheWay) Push(v any)        { *q = append(*q, v.(packetAt)) }
func (q *onTheWay) Pop() any {
	o := *q
	v := o[len(o)-1]
	*q = o[:len(o)-1]
	return v
}

// TestSoundStaysWithThePicturesForADay simulates cameras whose clocks differ:
// at no moment after the first 0.8 s may sound be more than 40 ms off the
// pictures, no frame may be lost, and pictures keep to the wall clock.
func TestSoundStaysWithThePicturesForADay(t *testing.T) {
	tests := []struct {
		name         string
		video, sound float64 // ppm by which the clock is fast
		reports      bool
		jitter       int64 // µs
		day          bool  // 24 hours; the others take 2 unless VEDETTE_WHOLE_DAY is set
	}{
		{"exact clocks", 0, 0, false, 5_000, false},
		{"a fast picture clock", 100, 0, false, 20_000, false},
		{"a slow picture clock", -100, 0, true, 20_000, false},
		{"a fast sound clock", 0, 100, false, 20_000, false},
		{"both off, apart", 100, -100, true, 20_000, true},
		{"sound 2 % fast", 0, 20_000, false, 5_000, true},
		{"sound 2 % slow", 0, -20_000, false, 5_000, false},
		{"sound 2 % fast, with reports", 0, 20_000, true, 5_000, false},
		{"sound 2 % slow, with reports", 50, -20_000, true, 5_000, false},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, uint64(i)))
			hours := 2
			switch {
			case raceEnabled || testing.Short():
				hours = 1
			case tt.day || os.Getenv("VEDETTE_WHOLE_DAY") != "":
				hours = 24
			}
			soundDay(t, r, int64(hours)*3600e6, tt.video, tt.sound, tt.reports, tt.jitter)
		})
	}
}

// Lengths of one picture and of one frame of sound, in µs.
const (
	dayPicture = 40_000
	daySound   = 20_000
)

func soundDay(t *testing.T, r *rand.Rand, length int64, video, sound float64, reports bool, jitter int64) {
	b := newBench(true)
	begin := b.now
	q := &onTheWay{}
	every := [4]int64{dayPicture, daySound, 5_000_000, 5_000_000}
	last := [4]int64{}
	send := func(track, n int) {
		// One connection: packets of a track keep their order.
		at := max(int64(n)*every[track]+r.Int64N(jitter), last[track]+1)
		last[track] = at
		heap.Push(q, packetAt{at, track, n})
	}
	send(0, 0)
	send(1, 0)
	if reports {
		send(2, 1)
		send(3, 1)
	}
	rtpAt := func(track int, us int64) uint32 {
		if track == 0 {
			return wrap(int64(float64(us)*(1+video/1e6)*0.09) + 4_000_000_000)
		}
		return wrap(int64(float64(us)*(1+sound/1e6)*0.008) + 77)
	}
	var worst, worstMap int64
	sent, got := [2]int{}, [2]int{}
	for q.Len() > 0 {
		p := heap.Pop(q).(packetAt)
		b.now = begin.Add(time.Duration(p.at) * time.Microsecond)
		b.mono = 5e6 + p.at
		taken := int64(p.number) * every[p.track]
		switch {
		case p.track >= 2:
			b.p.pushReport(p.track-2, rtpAt(p.track-2, taken), begin.Add(time.Duration(taken)*time.Microsecond-time.Hour))
		case p.track == 0 && p.number%50 == 0:
			b.video(rtpAt(0, taken), sps640, pps640, idr)
			sent[0]++
		case p.track == 0:
			b.video(rtpAt(0, taken), slice)
			sent[0]++
		default:
			b.audio(rtpAt(1, taken))
			sent[1]++
		}
		for _, u := range b.units {
			n := int64(got[u.Track])
			got[u.Track]++
			if u.Track == 0 {
				worstMap = max(worstMap, abs(u.Wall-begin.UnixMicro()-n*dayPicture))
			} else if sent[1] >= 40 { // while settling, frames come in a bunch
				us := u.Run.Tracks[1].Duration(u.DTS).Microseconds()
				truth := int64(float64(int64(sent[1]-1)*daySound) * (1 + video/1e6))
				worst = max(worst, abs(us-truth))
			}
		}
		b.units = b.units[:0]
		if next := int64(p.number+1) * every[p.track]; next < length {
			send(p.track, p.number+1)
		}
	}
	if worst > 40_000 {
		t.Errorf("sound was up to %d µs off the pictures", worst)
	}
	if worstMap > jitter+40_000 {
		t.Errorf("pictures are up to %d µs off the wall clock", worstMap)
	}
	if got[0] != sent[0] || got[1] < sent[1]-2 || len(b.runs) != 1 {
		t.Errorf("%d of %d pictures and %d of %d frames of sound in %d runs", got[0], sent[0], got[1], sent[1], len(b.runs))
	}
	t.Logf("worst: sound %d µs, wall %d µs", worst, worstMap)
}

func abs(v int64) int64 { return max(v, -v) }

func TestAWallClockNoNameCanTellIsReplaced(t *testing.T) {
	for _, year := range []int{1901, 1969, 10000, 11000} {
		b := newBench(false)
		ts := b.footage(0, 60)
		b.now = time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)
		ts = b.footage(ts, 60)
		b.now = time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)
		b.footage(ts, 60)
		b.check(t)
		if len(b.units) != 180 || len(b.runs) != 3 {
			t.Fatalf("year %d: %d units in %d runs, want 180 in 3", year, len(b.units), len(b.runs))
		}
		if b.runs[1].Trusted || !b.runs[2].Trusted {
			t.Errorf("year %d: trusted %v and %v, want false and true", year, b.runs[1].Trusted, b.runs[2].Trusted)
		}
		for _, u := range b.units {
			if !nameable(u.Wall) {
				t.Fatalf("year %d: a unit at %d", year, u.Wall)
			}
		}
	}
}
