package zones

import (
	"math"
	"math/rand/v2"
	"testing"
)

func nan() float64 { return math.NaN() }

func TestContainsAgreesWithTheAngles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	inside := 0
	for range 300 {
		n := 3 + r.IntN(40)
		var points []Point
		for k := range n {
			angle, far := 2*math.Pi*(float64(k)+r.Float64()*.9)/float64(n), .05+.45*r.Float64()
			points = append(points, Point{.5 + far*math.Cos(angle), .5 + far*math.Sin(angle)})
		}
		s := shapeOf(points)
		for range 200 {
			p := Point{r.Float64(), r.Float64()}
			if got, want := s.contains(p), winding(points, p); got != want {
				t.Fatalf("contains(%v) = %v, want %v, of %v", p, got, want, points)
			} else if got {
				inside++
			}
		}
		for i, a := range points { // the outline belongs to it
			b := points[(i+1)%n]
			for _, part := range []float64{0, .3, 1} {
				if p := (Point{a[0] + part*(b[0]-a[0]), a[1] + part*(b[1]-a[1])}); !s.contains(p) {
					t.Fatalf("%v on the outline is not in %v", p, points)
				}
			}
		}
	}
	if inside < 1000 {
		t.Errorf("only %d points were inside", inside)
	}
}

func TestHorizontalSidesAndCornersAreCountedOnce(t *testing.T) {
	s := shapeOf([]Point{{.2, .2}, {.8, .2}, {.8, .8}, {.6, .8}, {.6, .5}, {.4, .5}, {.4, .8}, {.2, .8}}) // an upside-down U
	for _, tt := range []struct {
		name string
		p    Point
		want bool
	}{
		{"between the legs", Point{.5, .7}, false},
		{"in a leg", Point{.3, .7}, true},
		{"in the other leg", Point{.7, .7}, true},
		{"level with the bridge's lower side, outside", Point{.1, .5}, false},
		{"level with the bridge's lower side, inside", Point{.3, .5}, true},
		{"level with the upper side, outside", Point{.1, .2}, false},
		{"below the feet", Point{.3, .81}, false},
		{"just outside", Point{.2 - 3*onEdge, .5}, false},
		{"as good as on the side", Point{.2 - onEdge/2, .5}, true},
	} {
		if got := s.contains(tt.p); got != tt.want {
			t.Errorf("%s: contains = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestWaysThroughThePointsOfALineCrossOnce: neither twice nor not at all.
func TestWaysThroughThePointsOfALineCrossOnce(t *testing.T) {
	s := shapeOf([]Point{{.5, 0}, {.4, .5}, {.5, 1}})
	for _, tt := range []struct {
		name string
		p, q Point
		want int
	}{
		{"through the bend", Point{.6, .5}, Point{.2, .5}, 1},
		{"through the bend and back", Point{.2, .5}, Point{.6, .5}, -1},
		{"askew through the bend", Point{.5, .4}, Point{.3, .6}, 1},
		{"through a part", Point{.6, .25}, Point{.2, .25}, 1},
		{"twice, so not", Point{.45, .05}, Point{.45, .95}, 0},
		{"behind its end", Point{.6, -.1}, Point{.2, -.1}, 0},
		{"not as far", Point{.9, .5}, Point{.6, .5}, 0},
		{"standing on it", Point{.4, .5}, Point{.4, .5}, 0},
	} {
		if got := s.crossings(tt.p, tt.q); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestTheSidesOfALineAreLeftAndRightOfWhoWalksIt(t *testing.T) {
	down := shapeOf([]Point{{.5, .1}, {.5, .9}})
	// Who walks down the picture has its right half at the left hand.
	if got := down.crossings(Point{.8, .5}, Point{.2, .5}); got != 1 {
		t.Errorf("from right to left over a line drawn downwards is %d, want ab", got)
	}
	right := shapeOf([]Point{{.1, .5}, {.9, .5}})
	if got := right.crossings(Point{.5, .2}, Point{.5, .8}); got != 1 {
		t.Errorf("from top to bottom over a line drawn to the right is %d, want ab", got)
	}
}
