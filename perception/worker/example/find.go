package example

import (
	"math"
	"slices"
)

// What counts as a moving block.
const (
	history   = 15   // frames, of which the median is what stands still
	enough    = 5    // frames before anything is known
	contrast  = 24   // of a cell against that, of 255
	solid     = 0.6  // least part of its box that a block fills
	near      = 0.03 // how far from where it is expected, in widths of the picture
	far       = 0.3  // the same for its second sighting, when nothing is expected
	sightings = 5    // before it is believed
	moved     = 0.08 // in all, before it is believed, in widths of the picture
	patience  = 2    // frames in which it may be missing
)

// blob is a connected patch that stands out: its box in cells.
type blob struct {
	x, y, w, h int
	fill       float64
}

// centre returns the middle of b, in widths of the picture.
func (b blob) centre(g *grid) (x, y float64) {
	return (float64(b.x) + float64(b.w)/2) / float64(g.cols), (float64(b.y) + float64(b.h)/2) / float64(g.cols)
}

// part returns the box of b as parts of the picture.
func (b blob) part(g *grid) *[4]float64 {
	x, y := float64(b.x*8)/float64(g.width), float64(b.y*8)/float64(g.height)
	return &[4]float64{x, y, min(float64(b.w*8)/float64(g.width), 1-x), min(float64(b.h*8)/float64(g.height), 1-y)}
}

// like reports whether two blobs may be one thing: half hidden at the edge of
// the picture it is narrower.
func (b blob) like(o blob) bool {
	return max(b.w, o.w) <= 2*min(b.w, o.w) && max(b.h, o.h) <= min(b.h, o.h)+1
}

// track is a blob over time. It goes straight on at its own speed.
type track struct {
	id           int
	last         blob
	x, y, vx, vy float64 // in widths of the picture, and those per frame
	x0, y0       float64 // where it was first seen
	seen, misses int
	claimed      bool // seen in this frame
	believed     bool
}

// finder is the state of one stream.
type finder struct {
	cols, rows int
	past       [][]int
	tracks     []*track
	ids        int
}

// find returns the blocks that move in g.
func (f *finder) find(g *grid) (out []*track) {
	if g.cols != f.cols || g.rows != f.rows {
		*f = finder{cols: g.cols, rows: g.rows, ids: f.ids} // another size: nothing fits any more
	}
	f.past = append(f.past, g.cells)
	if len(f.past) > history {
		f.past = f.past[1:]
	}
	if len(f.past) < enough {
		return nil
	}
	f.follow(g, blobs(g, f.foreground(g)))
	for _, t := range f.tracks {
		if t.misses == 0 && t.believed {
			out = append(out, t)
		}
	}
	return out
}

// foreground says of each cell whether it stands out.
func (f *finder) foreground(g *grid) []bool {
	out := make([]bool, len(g.cells))
	values := make([]int, len(f.past))
	for i, v := range g.cells {
		for j := range f.past {
			values[j] = f.past[j][i]
		}
		slices.Sort(values)
		if d := v - values[len(values)/2]; d > contrast || d < -contrast {
			out[i] = true
		}
	}
	return out
}

// blobs returns the solid, roughly square patches of g, from top to bottom.
func blobs(g *grid, fore []bool) (out []blob) {
	for i := range fore {
		if !fore[i] {
			continue
		}
		fore[i] = false
		todo := []int{i}
		x0, y0, x1, y1, n := g.cols, g.rows, 0, 0, 0
		for len(todo) > 0 {
			c := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			x, y := c%g.cols, c/g.cols
			x0, y0, x1, y1, n = min(x0, x), min(y0, y), max(x1, x), max(y1, y), n+1
			for _, next := range [][2]int{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				at := next[1]*g.cols + next[0]
				if next[0] >= 0 && next[0] < g.cols && next[1] >= 0 && next[1] < g.rows && fore[at] {
					fore[at] = false
					todo = append(todo, at)
				}
			}
		}
		b := blob{x: x0, y: y0, w: x1 - x0 + 1, h: y1 - y0 + 1}
		b.fill = float64(n) / float64(b.w*b.h)
		if min(b.w, b.h) >= 2 && max(b.w, b.h) <= 3*min(b.w, b.h) && b.fill >= solid {
			out = append(out, b)
		}
	}
	return out
}

// follow gives each blob to the track that expects it, or to a new one.
func (f *finder) follow(g *grid, seen []blob) {
	for _, t := range f.tracks {
		t.claimed = false
	}
	known := len(f.tracks)
	for _, b := range seen {
		x, y := b.centre(g)
		var best *track
		least := math.Inf(1)
		for _, t := range f.tracks[:known] {
			steps := float64(t.misses + 1)
			d := math.Hypot(t.x+t.vx*steps-x, t.y+t.vy*steps-y)
			reach := near
			if t.seen == 1 {
				reach = far
			}
			if !t.claimed && b.like(t.last) && d <= reach && d < least {
				best, least = t, d
			}
		}
		if best == nil {
			f.ids++
			best = &track{id: f.ids, x: x, y: y, x0: x, y0: y, misses: -1}
			f.tracks = append(f.tracks, best)
		}
		best.sight(b, x, y)
	}
	f.tracks = slices.DeleteFunc(f.tracks, func(t *track) bool {
		if !t.claimed {
			t.misses++
		}
		return t.misses > patience
	})
}

// sight moves t to where it was seen.
func (t *track) sight(b blob, x, y float64) {
	steps := float64(t.misses + 1)
	if t.seen > 0 {
		t.vx, t.vy = (x-t.x)/steps, (y-t.y)/steps
	}
	t.last, t.x, t.y, t.seen, t.misses, t.claimed = b, x, y, t.seen+1, 0, true
	if t.seen >= sightings && math.Hypot(x-t.x0, y-t.y0) >= moved {
		t.believed = true
	}
}
