package zones

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func circle(n int) []Point {
	var out []Point
	for k := range n {
		a := 2 * math.Pi * float64(k) / float64(n)
		out = append(out, Point{.5 + .4*math.Cos(a), .5 + .4*math.Sin(a)})
	}
	return out
}

func zigzag(n int) []Point {
	var out []Point
	for k := range n {
		out = append(out, Point{float64(k) / float64(n), float64(k % 2)})
	}
	return out
}

func TestWhatIsWrongWithAZoneIsNamed(t *testing.T) {
	poly := func(points ...Point) func(*Zone) { return func(z *Zone) { z.Points = points } }
	line := func(points ...Point) func(*Zone) { return func(z *Zone) { z.Kind, z.Points = Line, points } }
	tests := []struct {
		name   string
		change func(*Zone)
		field  string // "" = nothing is wrong
		says   string
	}{
		{"a square", func(*Zone) {}, "", ""},
		{"the whole picture", poly(Point{0, 0}, Point{1, 0}, Point{1, 1}, Point{0, 1}), "", ""},
		{"clockwise or not", poly(Point{0, 0}, Point{0, 1}, Point{1, 1}, Point{1, 0}), "", ""},
		{"a corner on a straight side", poly(Point{0, 0}, Point{.5, 0}, Point{1, 0}, Point{1, 1}), "", ""},
		{"512 corners", poly(circle(512)...), "", ""},
		{"513 corners", poly(circle(513)...), "points", "513"},
		{"two corners", poly(Point{0, 0}, Point{1, 1}), "points", "3 to 512"},
		{"no corners", poly(), "points", "3 to 512"},
		{"not a number", poly(Point{0, 0}, Point{nan(), 0}, Point{1, 1}), "points", "Point 2"},
		{"infinite", poly(Point{0, 0}, Point{1, 0}, Point{1, math.Inf(1)}), "points", "Point 3"},
		{"left of the picture", poly(Point{-1e-9, 0}, Point{1, 0}, Point{1, 1}), "points", "Point 1"},
		{"below the picture", poly(Point{0, 0}, Point{1, 0}, Point{1, 1.000001}), "points", "Point 3"},
		{"a bow tie", poly(Point{0, 0}, Point{1, 1}, Point{1, 0}, Point{0, 1}), "points", "crosses itself"},
		{"a corner that touches a side", poly(Point{0, 0}, Point{1, 0}, Point{.5, .5}, Point{1, 1}, Point{0, 1}, Point{.5, .5000001}), "points", "same"},
		{"a corner on another side", poly(Point{0, 0}, Point{1, 0}, Point{1, 1}, Point{.5, 0}, Point{0, 1}), "points", "crosses itself"},
		{"sides on each other", poly(Point{0, 0}, Point{.8, 0}, Point{.8, .5}, Point{.9, .5}, Point{.9, 0}, Point{.7, 0}, Point{.5, 1}), "points", "crosses itself"},
		{"a spike", poly(Point{0, 0}, Point{1, 0}, Point{.5, 0}, Point{.5, .5}), "points", "turns back"},
		{"a spike at the first point", poly(Point{0, 0}, Point{.5, .5}, Point{.5, 0}, Point{.2, 0}, Point{.6, 0}), "points", ""},
		{"a corner twice in a row", poly(Point{0, 0}, Point{1, 0}, Point{1, 0}, Point{1, 1}), "points", "Points 2 and 3"},
		{"the first corner again at the end", poly(Point{0, 0}, Point{1, 0}, Point{1, 1}, Point{0, 0}), "points", "Points 1 and 4"},
		{"no area", poly(Point{0, 0}, Point{.5, .5}, Point{1, 1}), "points", ""},
		{"hardly any area", poly(Point{.1, .1}, Point{.1001, .1}, Point{.1, .1001}), "points", "no area"},
		{"a line", line(Point{0, 0}, Point{1, 1}), "", ""},
		{"a line of 64", line(zigzag(64)...), "", ""},
		{"a line of 65", line(zigzag(65)...), "points", "2 to 64"},
		{"a line of one", line(Point{0, 0}), "points", "2 to 64"},
		{"a line of no length", line(Point{.5, .5}, Point{.5, .5}), "points", "same"},
		{"a line that is no number", line(Point{.5, .5}, Point{.5, nan()}), "points", "Point 2"},
		{"a line one way", func(z *Zone) { line(Point{0, 0}, Point{1, 1})(z); z.Direction = BToA }, "", ""},
		{"a line in no way", func(z *Zone) { line(Point{0, 0}, Point{1, 1})(z); z.Direction = "up" }, "direction", ""},
		{"a polygon one way", func(z *Zone) { z.Direction = AToB }, "direction", ""},
		{"another kind", func(z *Zone) { z.Kind = "circle" }, "kind", ""},
		{"no camera", func(z *Zone) { z.Camera = "" }, "camera_id", ""},
		{"no name", func(z *Zone) { z.Name = "" }, "name", ""},
		{"a name of blanks", func(z *Zone) { z.Name = "  " }, "name", ""},
		{"a name with a line end", func(z *Zone) { z.Name = "a\nb" }, "name", ""},
		{"a name that is no text", func(z *Zone) { z.Name = "a\xff" }, "name", ""},
		{"64 characters", func(z *Zone) { z.Name = strings.Repeat("é", 64) }, "", ""},
		{"65 characters", func(z *Zone) { z.Name = strings.Repeat("é", 65) }, "name", ""},
		{"an empty label", func(z *Zone) { z.Labels = []string{"a", ""} }, "labels", ""},
		{"a label twice", func(z *Zone) { z.Labels = []string{"a", "b", "a"} }, "labels", "twice"},
		{"65 labels", func(z *Zone) { z.Labels = strings.Split(strings.Repeat("a", 65), "") }, "labels", "64"},
		{"a long label", func(z *Zone) { z.Labels = []string{strings.Repeat("a", 65)} }, "labels", ""},
		{"confidence at the ends", func(z *Zone) { z.MinConfidence = 1 }, "", ""},
		{"confidence 0", func(z *Zone) { z.MinConfidence = 0 }, "", ""},
		{"confidence above", func(z *Zone) { z.MinConfidence = 1.01 }, "min_confidence", ""},
		{"confidence that is no number", func(z *Zone) { z.MinConfidence = nan() }, "min_confidence", ""},
		{"no frames", func(z *Zone) { z.ConfirmFrames = 0 }, "confirm_frames", ""},
		{"10 frames", func(z *Zone) { z.ConfirmFrames = 10 }, "", ""},
		{"11 frames", func(z *Zone) { z.ConfirmFrames = 11 }, "confirm_frames", ""},
		{"a day", func(z *Zone) { z.DwellSeconds = 86400 }, "", ""},
		{"more than a day", func(z *Zone) { z.DwellSeconds = 86401 }, "dwell_seconds", ""},
		{"less than nothing", func(z *Zone) { z.DwellSeconds = -1 }, "dwell_seconds", ""},
		{"never lost", func(z *Zone) { z.LostSeconds = 0 }, "lost_seconds", ""},
		{"lost after ten minutes", func(z *Zone) { z.LostSeconds = 600 }, "", ""},
		{"lost later", func(z *Zone) { z.LostSeconds = 601 }, "lost_seconds", ""},
		{"no severity", func(z *Zone) { z.Severity = "" }, "severity", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			z := with(square("z", "yard"), tt.change)
			err := z.Validate()
			var wrong *FieldError
			if (err != nil) != (tt.field != "") || err != nil && (!errors.As(err, &wrong) || wrong.Field() != tt.field || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("got %v, want field %q and %q", err, tt.field, tt.says)
			}
		})
	}
}

func TestAMillionPointsAreRefusedAtOnce(t *testing.T) {
	many := make([]Point, 1_000_000)
	for _, kind := range []Kind{Polygon, Line} {
		z := with(square("z", "yard"), func(z *Zone) { z.Kind, z.Points = kind, many })
		start := time.Now()
		if err := z.Validate(); err == nil {
			t.Errorf("a %s of a million points is taken", kind)
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("a %s of a million points took %v", kind, took)
		}
	}
}

func TestAPointIsTwoNumbers(t *testing.T) {
	for text, fine := range map[string]bool{
		`[0.1,0.2]`: true, `[0,1]`: true, `[0.1]`: false, `[0.1,0.2,0.3]`: false, `{}`: false, `["a","b"]`: false, `0.1`: false, `[]`: false, `null`: false,
	} {
		var p Point
		if err := json.Unmarshal([]byte(text), &p); (err == nil) != fine {
			t.Errorf("%s: %v %v", text, p, err)
		}
	}
}

// FuzzValidate: no zone, however odd, makes it panic, and what it takes can be
// evaluated everywhere.
func FuzzValidate(f *testing.F) {
	f.Add([]byte(`{"name":"a","points":[[0,0],[1,0],[1,1]]}`))
	f.Add([]byte(`{"name":"a","kind":"line","points":[[0,0],[1,0.5]],"direction":"ab"}`))
	f.Add([]byte(`{"name":"a","points":[[0,0],[1,1],[1,0],[0,1]]}`))
	f.Add([]byte(`{"name":"a","points":[[1e-300,0],[1,1e-300],[1e-320,1]],"min_confidence":1e400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		z := Default()
		if json.Unmarshal(data, &z) != nil {
			return
		}
		z.Camera = "yard"
		if z.Validate() != nil {
			return
		}
		z.ID, z.Enabled = "z", true
		e := NewEngine()
		e.SetZones([]Zone{z})
		inside := 0
		s := shapeOf(z.Points)
		for x := range 11 {
			for y := range 11 {
				e.Apply(Batch{Received: epoch, Camera: "yard", Detections: []Detection{at("a", float32(x)/10, float32(y)/10)}})
				if z.Kind == Polygon && s.contains(Point{float64(x) / 10, float64(y) / 10}) {
					inside++
				}
			}
		}
		if z.Kind == Polygon && inside < 121 && area(z.Points) > .999 {
			t.Errorf("a polygon of area %v holds %d of 121 points", area(z.Points), inside)
		}
		if err := e.Restore(e.Snapshot()); err != nil {
			t.Error(err)
		}
	})
}
