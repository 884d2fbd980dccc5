package zones

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// square is a zone in the middle of the picture.
func square(id, camera string) Zone {
	z := Default()
	z.ID, z.Camera, z.Name = id, camera, "Yard"
	z.Points = []Point{{.25, .25}, {.75, .25}, {.75, .75}, {.25, .75}}
	return z
}

// fence is a line from the top to the bottom: side A is the right half of the
// picture, as one who walks down has it at the left hand.
func fence(id, camera string) Zone {
	z := square(id, camera)
	z.Kind, z.Points = Line, []Point{{.5, 0}, {.5, 1}}
	return z
}

// at is a detection whose feet are at x, y.
func at(track string, x, y float32) Detection {
	sure := float32(.9)
	return Detection{Track: track, Label: "person", Confidence: &sure, Box: &[4]float32{x - .01, y - .1, .02, .1}}
}

// world applies frames to an engine, one every 200 ms.
type world struct {
	*Engine
	seq  uint64
	time time.Time
	log  []string
}

func newWorld(zones ...Zone) *world {
	w := &world{Engine: NewEngine(), time: epoch}
	w.SetZones(zones)
	return w
}

func (w *world) note(events []Event) []Event {
	for _, e := range events {
		s := strings.TrimPrefix(string(e.Type), "zone_") + " " + e.Track
		for _, more := range []string{string(e.Direction), e.By} {
			if more != "" {
				s += " " + more
			}
		}
		w.log = append(w.log, s)
	}
	return events
}

func (w *world) frame(seen ...Detection) []Event {
	w.seq++
	w.time = w.time.Add(200 * time.Millisecond)
	return w.note(w.Apply(Batch{Seq: w.seq, Received: w.time, Camera: "yard", Task: "detection", Detections: seen}))
}

func (w *world) wait(d time.Duration) []Event {
	w.time = w.time.Add(d)
	return w.note(w.Advance(w.time))
}

func with(z Zone, change func(*Zone)) Zone {
	change(&z)
	return z
}

// TestWhatHappensInAPolygon walks one track "a" over frames: i = inside, o =
// outside, - = not in the picture, digits = seconds without a frame.
func TestWhatHappensInAPolygon(t *testing.T) {
	confirm := func(n int) Zone { return with(square("z", "yard"), func(z *Zone) { z.ConfirmFrames = n }) }
	dwell := func(n int) Zone { return with(confirm(1), func(z *Zone) { z.DwellSeconds = n }) }
	tests := []struct {
		name   string
		zone   Zone
		frames string
		want   string
	}{
		{"one frame inside is not enough for two", confirm(2), "oiooi", ""},
		{"the second in a row is", confirm(2), "oii", "enter a"},
		{"one frame is, if one is asked", confirm(1), "oi", "enter a"},
		{"one frame outside is not the end", confirm(2), "iioiioi", "enter a"},
		{"two are", confirm(2), "iioo", "enter a, exit a"},
		{"ten must be in a row", confirm(10), "iiiiiiiiioiiiiiiiii", ""},
		{"the tenth in a row is", confirm(10), "iiiiiiiiii", "enter a"},
		{"an empty frame is an observation", confirm(2), "ii--", "enter a, exit a"},
		{"absent and outside count together", confirm(2), "ii-o", "enter a, exit a"},
		{"an empty frame interrupts an entry", confirm(2), "i-i-i-i", ""},
		{"seen again in time stays inside", confirm(2), "ii-ii-ii9ii", "enter a"},
		{"unseen for as long as lost_seconds has left", confirm(2), "ii91", "enter a, exit a lost"},
		{"what was lost enters anew", confirm(2), "ii91ii", "enter a, exit a lost, enter a"},
		{"dwelling is told once", dwell(1), "i11i91", "enter a, dwell a, exit a lost"},
		{"and once in the next stay", dwell(1), "i1io1i1i", "enter a, dwell a, exit a, enter a, dwell a"},
		{"who leaves before dwells not", dwell(1), "iiiio", "enter a, exit a"},
		{"exactly as long is dwelling", dwell(1), "iiiiii", "enter a, dwell a"},
		{"dwelling waits for nobody who is lost first", dwell(30), "i99999", "enter a, exit a lost"},
		{"it comes before the loss at the same moment", dwell(10), "i91", "enter a, dwell a, exit a lost"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(tt.zone)
			for _, f := range tt.frames {
				switch f {
				case 'i':
					w.frame(at("a", .5, .5))
				case 'o':
					w.frame(at("a", .9, .9))
				case '-':
					w.frame()
				default:
					w.wait(time.Duration(f-'0') * time.Second)
				}
			}
			if got := strings.Join(w.log, ", "); got != tt.want {
				t.Errorf("%s gave %q, want %q", tt.frames, got, tt.want)
			}
		})
	}
}

// TestWhatHappensAtALine walks one track over frames: A and B are sides, = is on
// the line, - not in the picture.
func TestWhatHappensAtALine(t *testing.T) {
	fence := func(n int, d Direction) Zone {
		return with(fence("z", "yard"), func(z *Zone) { z.ConfirmFrames, z.Direction = n, d })
	}
	tests := []struct {
		name   string
		zone   Zone
		frames string
		want   string
	}{
		{"a crossing is told at once", fence(3, Any), "AB", "line_cross a ab"},
		{"and the other way", fence(3, Any), "BA", "line_cross a ba"},
		{"staying is none", fence(1, Any), "AAAA", ""},
		{"who wobbles crosses once", fence(3, Any), "AAABABABABBBB", "line_cross a ab"},
		{"and back only after so many frames", fence(3, Any), "AAABAA", "line_cross a ab"},
		{"which then is told", fence(3, Any), "AAABAAA", "line_cross a ab, line_cross a ba"},
		{"who has settled crosses back at once", fence(3, Any), "AABBBA", "line_cross a ab, line_cross a ba"},
		{"who has not, does not", fence(3, Any), "AABBA", "line_cross a ab"},
		{"one frame settles, if one is asked", fence(1, Any), "ABAB", "line_cross a ab, line_cross a ba, line_cross a ab"},
		{"another direction is not told", fence(1, AToB), "BABA", "line_cross a ab"},
		{"but counts: there and back is twice", fence(1, BToA), "ABAB", "line_cross a ba"},
		{"frames without the track do not matter", fence(2, Any), "A-B", "line_cross a ab"},
		{"but confirm nothing", fence(3, Any), "AABA-A-A", "line_cross a ab"},
		{"stopping on the line and going on crosses once", fence(2, Any), "AA==BB", "line_cross a ab"},
		{"stopping on it and turning back does not", fence(2, Any), "AA==AA", ""},
		{"from the other side, too, it is once", fence(2, Any), "BB==AA", "line_cross a ba"},
		{"who was lost begins anew", fence(2, Any), "A91BB", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(tt.zone)
			for _, f := range tt.frames {
				switch f {
				case 'A':
					w.frame(at("a", .6, .5))
				case 'B':
					w.frame(at("a", .4, .5))
				case '=':
					d := at("a", .5, .5)
					d.Box = &[4]float32{.5, .4, 0, .1} // exactly
					w.frame(d)
				case '-':
					w.frame()
				default:
					w.wait(time.Duration(f-'0') * time.Second)
				}
			}
			if got := strings.Join(w.log, ", "); got != tt.want {
				t.Errorf("%s gave %q, want %q", tt.frames, got, tt.want)
			}
		})
	}
}

// TestWhoWalksAroundTheEndOfALineCrossesItAgain: and how often it did so while it
// was not settled does not count twice.
func TestWhoWalksAroundTheEndOfALineCrossesItAgain(t *testing.T) {
	short := with(fence("z", "yard"), func(z *Zone) { z.Points = []Point{{.5, .3}, {.5, .9}} })
	around := []Detection{at("a", .4, .1), at("a", .6, .1)} // from B to A above its end
	a, b := at("a", .6, .6), at("a", .4, .6)
	for _, tt := range []struct {
		name    string
		confirm int
		frames  []Detection
		want    string
	}{
		{"twice the same way", 1, append([]Detection{a, b}, append(around, a, b)...), "line_cross a ab, line_cross a ab"},
		{"twice back while it was not settled, and once there", 6,
			[]Detection{a, b, a, around[1], around[0], b, a, b, b, b, b, b, b, b, b}, "line_cross a ab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(with(short, func(z *Zone) { z.ConfirmFrames = tt.confirm }))
			for _, d := range tt.frames {
				w.frame(d)
			}
			if got := strings.Join(w.log, ", "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOnlyWhatCountsIsSeen(t *testing.T) {
	low, high, odd := float32(.49), float32(.5), float32(nan())
	d := func(change func(*Detection)) Detection { d := at("a", .5, .5); change(&d); return d }
	yard := with(square("z", "yard"), func(z *Zone) { z.ConfirmFrames, z.Labels = 1, []string{"person", "car"} })
	tests := []struct {
		name string
		seen []Detection
		want string
	}{
		{"a person", []Detection{at("a", .5, .5)}, "enter a"},
		{"without a track", []Detection{d(func(d *Detection) { d.Track = "" })}, ""},
		{"without a box", []Detection{d(func(d *Detection) { d.Box = nil })}, ""},
		{"with a box of no place", []Detection{d(func(d *Detection) { d.Box = &[4]float32{odd, 0, .1, .1} })}, ""},
		{"with a confidence that is no number", []Detection{d(func(d *Detection) { d.Confidence = &odd })}, ""},
		{"below the least confidence", []Detection{d(func(d *Detection) { d.Confidence = &low })}, ""},
		{"at the least confidence", []Detection{d(func(d *Detection) { d.Confidence = &high })}, "enter a"},
		{"without a confidence", []Detection{d(func(d *Detection) { d.Confidence = nil })}, "enter a"},
		{"with another label", []Detection{d(func(d *Detection) { d.Label = "dog" })}, ""},
		{"twice: the more certain counts, inside", []Detection{d(func(d *Detection) { d.Box, d.Confidence = &[4]float32{0, 0, .1, .1}, &high }), at("a", .5, .5)}, "enter a"},
		{"twice: the more certain counts, outside", []Detection{at("a", .9, .9), d(func(d *Detection) { d.Confidence = &high })}, ""},
		{"twice: who says how certain it is counts", []Detection{d(func(d *Detection) { d.Confidence = nil }), at("a", .9, .9)}, ""},
		{"the feet count, not the middle", []Detection{d(func(d *Detection) { d.Box = &[4]float32{.4, .5, .2, .4} })}, ""},
		{"feet at the lower edge", []Detection{d(func(d *Detection) { d.Box = &[4]float32{.4, .65, .2, .1} })}, "enter a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(yard)
			w.frame(tt.seen...)
			if got := strings.Join(w.log, ", "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestAZoneReachesTheEdgeOfThePicture: boxes end at 1, or by rounding a little
// behind it.
func TestAZoneReachesTheEdgeOfThePicture(t *testing.T) {
	z := with(square("z", "yard"), func(z *Zone) {
		z.ConfirmFrames, z.Points = 1, []Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
	})
	for i, box := range [][4]float32{{.4, .9, .1, .1}, {.4, .9000001, .1, .1}, {1, 1, 0, 0}, {0, 0, 0, 0}, {.95, .3, .1, .7}} {
		w := newWorld(z)
		d := at("a", 0, 0)
		d.Box = &box
		if w.frame(d); len(w.log) != 1 {
			t.Errorf("box %d %v is not in the whole picture", i, box)
		}
	}
}

func TestEventsSayWhatHappened(t *testing.T) {
	w := newWorld(with(square("z", "yard"), func(z *Zone) { z.DwellSeconds, z.Severity = 3, "warning" }))
	w.frame(at("a", .5, .5))
	taken := epoch.Add(-time.Second)
	w.time = w.time.Add(200 * time.Millisecond)
	enter := w.Apply(Batch{Seq: 7, Received: w.time, Time: taken, Camera: "yard", Task: "detection", Profile: "sub", Frame: 99, Detections: []Detection{at("a", .5, .6)}})
	if len(enter) != 1 {
		t.Fatalf("%d events, want one", len(enter))
	}
	e := enter[0]
	if e.Type != Enter || !e.Time.Equal(w.time) || !e.Captured.Equal(taken) || e.Severity != "warning" || !e.Record || e.Camera != "yard" ||
		e.Zone != "z" || e.Name != "Yard" || e.Task != "detection" || e.Track != "a" || e.Label != "person" || *e.Confidence != .9 ||
		e.Box != [4]float32{.49, .5, .02, .1} || e.Seq != 7 || e.Profile != "sub" || e.Frame != 99 {
		t.Errorf("enter = %+v", e)
	}
	dwell := w.wait(3 * time.Second)
	if len(dwell) != 1 || dwell[0].Seconds != 3 || dwell[0].Frame != 99 || dwell[0].Seq != 0 || !dwell[0].Captured.IsZero() {
		t.Errorf("dwell = %+v, want 3 s and the frame it was seen in", dwell)
	}
	w.wait(4 * time.Second)
	w.frame()
	exit := w.frame()
	if len(exit) != 1 || exit[0].Seconds != 7.4 || exit[0].By != "" || exit[0].Frame != 0 {
		t.Errorf("exit = %+v, want 7.4 s, observed", exit)
	}
	p := dwell[0].Payload()
	for _, name := range []string{"zone_id", "zone_name", "track_id", "label", "confidence", "bbox", "seconds"} {
		if p[name] == nil {
			t.Errorf("payload has no %s: %v", name, p)
		}
	}
	for _, name := range []string{"direction", "by", "evidence", "batch_seq", "captured_at"} {
		if p[name] != nil {
			t.Errorf("payload of a dwelling has %s: %v", name, p)
		}
	}
}

// TestTwoCamerasThatFallSilentExitOnTheirOwn: nothing is reported any more.
func TestTwoCamerasThatFallSilentExitOnTheirOwn(t *testing.T) {
	w := newWorld(square("z1", "yard"), with(square("z2", "gate"), func(z *Zone) { z.LostSeconds = 5 }))
	for range 2 {
		w.frame(at("a", .5, .5))
		w.Apply(Batch{Received: w.time, Camera: "gate", Task: "detection", Detections: []Detection{at("b", .5, .5)}})
	}
	if next := w.Next(); !next.Equal(w.time.Add(5 * time.Second)) {
		t.Errorf("Next = %v, want 5 s after the last sight", next.Sub(w.time))
	}
	seen := w.time
	got := w.wait(time.Hour)
	if len(got) != 2 || got[0].Camera != "gate" || got[0].Track != "b" || !got[0].Time.Equal(seen.Add(5*time.Second)) ||
		got[1].Camera != "yard" || got[1].Track != "a" || !got[1].Time.Equal(seen.Add(10*time.Second)) {
		t.Errorf("got %v", tellAll(got))
	}
	if next := w.Next(); !next.IsZero() {
		t.Errorf("Next = %v with nobody there, want none", next)
	}
}

func TestATaskSaysNothingOfAnothersTracks(t *testing.T) {
	w := newWorld(square("z", "yard"))
	w.frame(at("a", .5, .5))
	w.frame(at("a", .5, .5))
	for range 5 {
		w.time = w.time.Add(100 * time.Millisecond)
		w.note(w.Apply(Batch{Received: w.time, Camera: "yard", Task: "anpr"}))
		w.note(w.Apply(Batch{Received: w.time, Camera: "gate", Task: "detection"}))
		w.note(w.Apply(Batch{Received: w.time, Camera: "yard", Task: "anpr", Detections: []Detection{at("a", .9, .9)}}))
	}
	if got := strings.Join(w.log, ", "); got != "enter a" {
		t.Errorf("got %q, want the entry alone", got)
	}
}

func TestTimeNeverFalls(t *testing.T) {
	w := newWorld(square("z", "yard"))
	w.frame(at("a", .5, .5))
	now := w.time
	w.time = w.time.Add(-time.Hour)
	got := w.frame(at("a", .5, .5))
	if len(got) != 1 || !got[0].Time.Equal(now) {
		t.Errorf("a batch of an hour ago gave %v, want an entry now", tellAll(got))
	}
	if w.Advance(epoch.Add(-time.Hour)); !w.Now().Equal(now) {
		t.Errorf("Now = %v after going back, want %v", w.Now(), now)
	}
}

func TestACrowdIsBoundedAndWhoWasUnseenLongestLeaves(t *testing.T) {
	w := newWorld(with(square("z", "yard"), func(z *Zone) { z.ConfirmFrames, z.LostSeconds = 3, 600 }))
	crowd := func(from, n int) []Detection {
		var out []Detection
		for i := range n {
			out = append(out, at(fmt.Sprint(from+i), .5, .5))
		}
		return out
	}
	for range 3 {
		w.frame(append(crowd(0, 1000), at("first", .5, .5))...)
	}
	// 999 more fit; they are two contrary observations away from pushing anyone.
	w.log = nil
	w.frame(append(crowd(1000, 999), at("first", .5, .5))...)
	if len(w.log) != 0 || len(w.cameras["yard"].order) != MostTracks {
		t.Fatalf("%d tracks and %v, want %d and nothing told", len(w.cameras["yard"].order), w.log, MostTracks)
	}
	w.frame(append(crowd(5000, 2), at("first", .5, .5))...)
	if !slices.Equal(w.log, []string{"exit 0 crowd", "exit 1 crowd"}) {
		t.Errorf("two too many gave %v, want those to leave that were unseen longest", w.log)
	}
	// Whoever is in the frame does not leave for one that is listed before it.
	w.frame(crowd(0, MostTracks)...)
	w.frame(crowd(0, MostTracks)...)
	w.frame(crowd(0, MostTracks)...)
	w.log = nil
	w.frame(append(append(crowd(8000, 1), crowd(0, 5)...), crowd(6, MostTracks-6)...)...)
	if !slices.Equal(w.log, []string{"exit 5 crowd"}) {
		t.Errorf("one too many gave %v, want the one to leave that is not in the frame", w.log)
	}
	w.frame(crowd(9000, 3*MostTracks)...)
	if n, m := len(w.cameras["yard"].order), len(w.cameras["yard"].tracks); n != MostTracks || m != n {
		t.Errorf("%d tracks, %d by name; want %d", n, m, MostTracks)
	}
}

func TestLongNamesAreBoundedAndStayDifferent(t *testing.T) {
	long := strings.Repeat("é", 5000)
	if a, b := bounded(long+"a"), bounded(long+"b"); a == b || len(a) > mostStoredID || bounded("short") != "short" {
		t.Errorf("%q and %q", a, b)
	}
	w := newWorld(square("z", "yard"))
	w.Apply(Batch{Received: epoch, Camera: "yard", Task: long, Profile: long, Detections: []Detection{
		{Track: long, Label: long, Box: &[4]float32{.4, .4, .1, .1}},
	}})
	if err := w.Restore(w.Snapshot()); err != nil {
		t.Errorf("a state with long names: %v", err)
	}
	if got := clip(long); len(got) > mostLabel || !strings.HasPrefix(long, got) {
		t.Errorf("label %q", got)
	}
}

func TestChangedZonesKeepWhatTheyKnow(t *testing.T) {
	yard, other := square("z", "yard"), square("y", "yard")
	inside := func() *world {
		w := newWorld(yard, other)
		w.frame(at("a", .5, .5))
		w.frame(at("a", .5, .5))
		w.log = nil
		return w
	}
	t.Run("another one goes", func(t *testing.T) {
		w := inside()
		w.SetZones([]Zone{yard})
		w.frame()
		if w.frame(); !slices.Equal(w.log, []string{"exit a"}) {
			t.Errorf("got %v, want one exit", w.log)
		}
	})
	t.Run("it moves away", func(t *testing.T) {
		w := inside()
		moved := with(yard, func(z *Zone) { z.Points = []Point{{0, 0}, {.1, 0}, {0, .1}} })
		w.SetZones([]Zone{moved})
		w.frame(at("a", .5, .5))
		if w.frame(at("a", .5, .5)); !slices.Equal(w.log, []string{"exit a"}) {
			t.Errorf("got %v, want the exit to be observed", w.log)
		}
	})
	t.Run("it is disabled and enabled", func(t *testing.T) {
		w := inside()
		w.SetZones([]Zone{with(yard, func(z *Zone) { z.Enabled = false })})
		if w.Occupancy("yard") != nil {
			t.Errorf("a disabled zone is occupied")
		}
		w.SetZones([]Zone{yard})
		w.frame(at("a", .5, .5))
		if w.frame(at("a", .5, .5)); !slices.Equal(w.log, []string{"enter a"}) {
			t.Errorf("got %v, want a new entry", w.log)
		}
	})
	t.Run("it becomes a line", func(t *testing.T) {
		w := inside()
		w.SetZones([]Zone{fence("z", "yard")})
		w.frame(at("a", .4, .5))
		if w.frame(at("a", .6, .5)); !slices.Equal(w.log, []string{"line_cross a ba"}) {
			t.Errorf("got %v, want one crossing", w.log)
		}
	})
	t.Run("dwelling is asked for when it is over", func(t *testing.T) {
		w := inside()
		w.wait(5 * time.Second)
		w.SetZones([]Zone{with(yard, func(z *Zone) { z.DwellSeconds = 2 })})
		now := w.time
		if got := w.wait(time.Millisecond); len(got) != 1 || got[0].Type != Dwell || got[0].Time.Before(now) || got[0].Seconds != 5 {
			t.Errorf("got %v, want 5 s of dwelling, told now", tellAll(got))
		}
	})
}

func TestOccupancyCounts(t *testing.T) {
	w := newWorld(square("z", "yard"), fence("l", "yard"), with(square("e", "yard"), func(z *Zone) { z.Labels = []string{"boat"} }))
	car := at("c", .3, .3)
	car.Label = "car"
	w.frame(at("a", .5, .5), at("b", .6, .6), car)
	w.frame(at("a", .5, .5), at("b", .6, .6), car, at("d", .5, .5))
	got := w.Occupancy("yard")
	if len(got) != 2 || got[0].Zone != "e" || got[0].Total != 0 || got[1].Total != 3 || got[1].Labels["person"] != 2 || got[1].Labels["car"] != 1 ||
		len(got[1].Tracks) != 3 || got[1].Tracks[0] != (Occupant{"a", "person", w.time}) {
		t.Errorf("occupancy = %+v", got)
	}
	if w.Occupancy("gate") != nil {
		t.Error("a camera without zones is occupied")
	}
}
