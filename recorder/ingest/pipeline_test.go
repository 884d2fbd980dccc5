package ingest

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/pion/rtp"

	"vedette/recorder/media"
)

// Parameter sets of x264: 640×360 without B-frames, and 320×180.
var (
	sps640 = decode("Z0LAHtoCgL/lwFqDAwNSgAAAAwCAAAAZR4sXUA==")
	pps640 = decode("aM48gA==")
)

func decode(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// bench drives a pipeline with clocks that it turns by hand.
type bench struct {
	p       *pipeline
	now     time.Time
	mono    int64
	trusted bool
	seq     [2]uint16
	units   []*media.AccessUnit
	runs    []*media.Run
}

func newBench(audio bool) *bench {
	b := &bench{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), mono: 5e6, trusted: true}
	o := withDefaults(Options{Camera: "cam", Clock: Clock{
		Now:     func() time.Time { return b.now },
		Mono:    func() int64 { return b.mono },
		Trusted: func() bool { return b.trusted },
	}})
	video := &source{track: videoTrack(media.H264, nil, sps640, pps640)}
	var sound *source
	if audio {
		sound = &source{track: media.Track{Codec: media.PCMU, ClockRate: 8000, SampleRate: 8000, Channels: 1}, audio: wholePacket}
	}
	b.p = newPipeline(&o, video, sound)
	b.p.publish = func(u *media.AccessUnit) { b.units = append(b.units, u) }
	b.p.onRun = func(r *media.Run) { b.runs = append(b.runs, r) }
	return b
}

// sleep lets both clocks go on.
func (b *bench) sleep(d time.Duration) {
	b.now = b.now.Add(d)
	b.mono += d.Microseconds()
}

func (b *bench) video(ts uint32, payloads ...[]byte) {
	for i, p := range payloads {
		b.p.pushVideo(&rtp.Packet{Header: rtp.Header{SequenceNumber: b.seq[0], Timestamp: ts, Marker: i == len(payloads)-1}, Payload: p})
		b.seq[0]++
	}
}

func (b *bench) audio(ts uint32) {
	b.p.pushAudio(&rtp.Packet{Header: rtp.Header{SequenceNumber: b.seq[1], Timestamp: ts, Marker: true}, Payload: make([]byte, 160)})
	b.seq[1]++
}

// footage sends n pictures from RTP time ts on, one each 40 ms, a key frame
// first and every 25, and returns the RTP time after them.
func (b *bench) footage(ts uint32, n int) uint32 {
	for i := range n {
		if i%25 == 0 {
			b.video(ts, sps640, pps640, idr)
		} else {
			b.video(ts, slice)
		}
		ts += 3600
		b.sleep(40 * time.Millisecond)
	}
	return ts
}

// check fails unless DTS and, within a run, wall time always increase.
func (b *bench) check(t *testing.T) {
	t.Helper()
	wellFormed(t, b.units)
	for i, r := range b.runs[1:] {
		if r.ID <= b.runs[i].ID {
			t.Errorf("run %d follows run %d", r.ID, b.runs[i].ID)
		}
	}
}

func TestPipelineTellsTheWallTimeOfPictures(t *testing.T) {
	b := newBench(false)
	start := b.now
	b.footage(1<<32-9000, 100) // wraps
	b.check(t)
	if len(b.units) != 100 || len(b.runs) != 1 {
		t.Fatalf("%d units in %d runs, want 100 in 1", len(b.units), len(b.runs))
	}
	for i, u := range b.units {
		if want := start.UnixMicro() + int64(i)*40_000; u.Wall != want || u.DTS != int64(i)*3600 || u.PTS != u.DTS {
			t.Fatalf("unit %d at %d with DTS %d, want %d and %d", i, u.Wall, u.DTS, want, i*3600)
		}
	}
}

func TestPipelineSeesThroughABurstAtTheStart(t *testing.T) {
	b := newBench(false)
	start := b.now
	ts := uint32(0)
	for i := range 50 { // two seconds arrive at once
		if i == 0 {
			b.video(ts, sps640, pps640, idr)
		} else {
			b.video(ts, slice)
		}
		ts += 3600
		b.sleep(time.Millisecond)
	}
	b.footage(ts, 50)
	b.check(t)
	// The last picture of the burst was taken when it came; the first 2 s before.
	want := start.Add(49 * time.Millisecond).Add(-49 * 40 * time.Millisecond).UnixMicro()
	if d := b.units[0].Wall - want; d < -50_000 || d > 50_000 {
		t.Errorf("the first picture is %d µs off", d)
	}
}

func TestPipelineWaitsForAKeyFrame(t *testing.T) {
	b := newBench(false)
	for i := range 20 {
		b.video(uint32(i)*3600, slice)
		b.sleep(40 * time.Millisecond)
	}
	if len(b.units) != 0 || len(b.runs) != 0 {
		t.Fatalf("%d units before the first key frame", len(b.units))
	}
	b.footage(20*3600, 10)
	b.check(t)
	if len(b.units) != 10 {
		t.Errorf("%d units, want 10", len(b.units))
	}
}

func TestPipelineBeginsRuns(t *testing.T) {
	other := append([]byte(nil), pps640...)
	other[1] ^= 0x10
	tests := []struct {
		name string
		// disturb acts in mid-GOP and returns the next RTP time.
		disturb func(b *bench, ts uint32) uint32
		runs    int
		// lost wall time allowed between the last unit before and the first after
		gap time.Duration
	}{
		{"not without reason", func(_ *bench, ts uint32) uint32 { return ts }, 1, 0},
		{"when the wall clock steps forward", func(b *bench, ts uint32) uint32 { b.now = b.now.Add(time.Hour); return ts }, 2, time.Hour},
		{"when it steps back 10 years", func(b *bench, ts uint32) uint32 { b.now = b.now.Add(-87600 * time.Hour); return ts }, 2, -87600 * time.Hour},
		{"but not for half a second", func(b *bench, ts uint32) uint32 { b.now = b.now.Add(500 * time.Millisecond); return ts }, 1, 0},
		{"when timestamps jump ahead", func(_ *bench, ts uint32) uint32 { return ts + 3600*90000 }, 2, 0},
		{"when timestamps jump back", func(_ *bench, ts uint32) uint32 { return ts - 3600*90000 }, 2, 0},
		{"but not when the camera pauses", func(b *bench, ts uint32) uint32 { b.sleep(8 * time.Second); return ts + 8*90000 }, 1, 8 * time.Second},
		{"when the clock becomes trusted", func(b *bench, ts uint32) uint32 { b.trusted = !b.trusted; return ts }, 2, 0},
		{"when parameters change", func(b *bench, ts uint32) uint32 {
			b.video(ts, sps640, other, idr)
			b.sleep(40 * time.Millisecond)
			return ts + 3600
		}, 3, 0}, // and back
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(false)
			ts := b.footage(1000, 60)
			n := len(b.units)
			ts = tt.disturb(b, ts)
			b.footage(ts, 60)
			b.check(t)
			if len(b.runs) != tt.runs {
				t.Errorf("%d runs, want %d", len(b.runs), tt.runs)
			}
			if want := 120; len(b.units) < want {
				t.Errorf("%d units, want %d: none may be lost", len(b.units), want)
			}
			last, first := b.units[n-1], b.units[len(b.units)-60]
			if first.Run != b.runs[len(b.runs)-1] || !first.Random {
				t.Error("the last run does not begin with its key frame")
			}
			if d := time.Duration(first.Wall-last.Wall)*time.Microsecond - tt.gap; d < 30*time.Millisecond || d > 90*time.Millisecond {
				t.Errorf("wall time goes on after %v more than %v, want about one picture", d, tt.gap)
			}
		})
	}
}

func TestPipelineKeepsTheOldMappingUntilTheNextKeyFrame(t *testing.T) {
	b := newBench(false)
	ts := b.footage(0, 30)
	b.now = b.now.Add(-time.Hour)
	for range 10 {
		b.video(ts, slice)
		ts += 3600
		b.sleep(40 * time.Millisecond)
	}
	b.check(t)
	if len(b.runs) != 1 || len(b.units) != 40 {
		t.Errorf("%d units in %d runs, want 40 in 1", len(b.units), len(b.runs))
	}
}

func TestPipelineMarksDamage(t *testing.T) {
	b := newBench(false)
	ts := b.footage(0, 30)
	b.seq[0]++ // lost
	for range 5 {
		b.video(ts, slice)
		ts += 3600
		b.sleep(40 * time.Millisecond)
	}
	b.seq[0]++
	b.video(ts, fuMiddle, fuEnd) // the beginning of a key frame is lost
	ts += 3600
	b.footage(ts, 3)
	b.check(t)
	if len(b.units) != 38 {
		t.Fatalf("%d units, want 38: what is whole is kept", len(b.units))
	}
	for i, u := range b.units {
		if want := i >= 30 && i < 35; u.Lossy != want {
			t.Errorf("unit %d lossy: %v, want %v", i, u.Lossy, want)
		}
	}
}

func TestPipelineAlignsSound(t *testing.T) {
	const videoStart, audioStart = 4_000_000_000, 77
	epoch := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		hint    bool
		reports bool
		late    time.Duration // by which sound arrives after the picture of its time
		want    time.Duration // error of alignment
	}{
		{"by arrival when there is nothing else", false, false, 0, 0},
		{"by arrival it is as late as it came", false, false, 300 * time.Millisecond, 300 * time.Millisecond},
		{"by the PLAY response", true, false, 300 * time.Millisecond, 0},
		{"by sender reports", false, true, 300 * time.Millisecond, 0},
		{"by sender reports that have sound earlier by much", false, true, 900 * time.Millisecond, 0},
		{"reports beyond belief are not followed", false, true, 5 * time.Second, 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(true)
			if tt.hint {
				b.p.hint = [2]hint{{true, videoStart - 9000}, {true, wrap(audioStart - 800)}}
			}
			lateFrames := int(tt.late / (20 * time.Millisecond))
			for i := range 500 { // 20 ms each
				if i%2 == 0 {
					ts := uint32(videoStart) + uint32(i/2*3600)
					if i%50 == 0 {
						b.video(ts, sps640, pps640, idr)
					} else {
						b.video(ts, slice)
					}
				}
				if j := i - lateFrames; j >= 0 {
					b.audio(uint32(audioStart + j*160))
				}
				if i == lateFrames+20 && tt.reports {
					b.p.pushReport(0, videoStart, epoch)
					b.p.pushReport(1, audioStart, epoch)
				}
				b.sleep(20 * time.Millisecond)
			}
			b.check(t)
			last := b.units[len(b.units)-1]
			if last.Track != 1 {
				t.Fatal("the last unit is no sound")
			}
			got := last.Run.Tracks[1].Duration(last.DTS)
			want := time.Duration(499-lateFrames)*20*time.Millisecond + tt.want
			if d := got - want; d > 2*time.Millisecond || d < -2*time.Millisecond {
				t.Errorf("sound of %v is placed at %v", want-tt.want, got)
			}
		})
	}
}

func wrap(v int64) uint32 { return uint32(v) }

// FuzzPipeline feeds packets made of the input: nothing may panic, and what
// comes out is well-formed.
func FuzzPipeline(f *testing.F) {
	f.Add([]byte{0, 0, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 1, 1, 0, 3, 0x65, 0x88, 1, 1, 0, 9, 3, 0x41, 0x9a, 1})
	f.Add([]byte{3, 0, 1, 3, 0x7c, 0x85, 1, 1, 0, 1, 3, 0x7c, 0x45, 1, 2, 200, 0, 2, 1, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		b := newBench(true)
		b.footage(0, 10)
		ts := uint32(36000)
		for len(in) >= 4 {
			flags, step, n := in[0], int32(int8(in[1]))<<in[2]%24, int(in[3])
			in = in[4:]
			n = min(n, len(in))
			payload := in[:n]
			in = in[n:]
			ts += uint32(step)
			b.sleep(time.Duration(flags>>4) * time.Millisecond)
			if flags&8 != 0 {
				b.seq[flags&1]++
			}
			if flags&4 != 0 {
				b.now = b.now.Add(time.Duration(step) * time.Second)
			}
			if flags&1 != 0 && n > 0 {
				b.p.pushAudio(&rtp.Packet{Header: rtp.Header{SequenceNumber: b.seq[1], Timestamp: ts}, Payload: payload})
				b.seq[1]++
				continue
			}
			b.p.pushVideo(&rtp.Packet{Header: rtp.Header{SequenceNumber: b.seq[0], Timestamp: ts, Marker: flags&2 != 0}, Payload: payload})
			b.seq[0]++
		}
		b.footage(ts, 30)
		if len(b.units) > 0 {
			wellFormed(t, b.units)
		}
	})
}
