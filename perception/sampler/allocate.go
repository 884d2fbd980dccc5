package sampler

import (
	"cmp"
	"math"
	"slices"
)

// floorFPS is what every want gets before any gets more, pictures a second; less
// if it asked for less.
const floorFPS = 0.5

// stepFloor is the width in pixels that a step never goes below.
const stepFloor = 320

// Grant is the share of one want.
type Grant struct {
	Want            // as it counted: brought into bounds
	FPS     float64 // granted, pictures a second
	Width   int     // granted, pixels
	KeyOnly bool    // it got the least there is: key frames have to do
	// Exhausted says that it got nothing: FPS and Width are 0.
	Exhausted bool
}

// Cost returns what g takes of the budget: frames per second × megapixels of a
// picture of 16:9.
func (g Grant) Cost() float64 { return cost(g.FPS, g.Width) }

// same reports whether a decoder that serves g serves o as well.
func (g Grant) same(o Grant) bool {
	return g.FPS == o.FPS && g.Width == o.Width && g.KeyOnly == o.KeyOnly && g.Exhausted == o.Exhausted
}

func cost(fps float64, width int) float64 {
	w := float64(width)
	return fps * w * w * 9 / 16 / 1e6
}

// steps returns the widths that a want of width may get, in descending order:
// all of it, three quarters and half, none of the latter two below stepFloor.
func steps(width int) []int {
	all := []int{width}
	for _, w := range []int{width * 3 / 4, width / 2} {
		if w = w &^ 1; w >= stepFloor {
			all = append(all, w)
		}
	}
	return all
}

// Allocate shares budget, frames per second × megapixels, among wants and returns
// one grant for each camera and profile, the most important first. The costs of
// the grants together are never above budget.
//
// First every want gets its least: floorFPS at its smallest step of width. What
// is left makes the rates and widths whole in order of priority: a want whose
// whole width is too much goes down the steps before its rate is cut. A want that
// not even its least is left for is exhausted; smaller ones behind it may still
// get theirs.
func Allocate(budget float64, wants []Want) []Grant {
	grants := merge(wants)
	left := budget
	for i := range grants {
		g := &grants[i]
		widths := steps(g.Want.Width)
		g.FPS, g.Width = min(floorFPS, g.Want.FPS), widths[len(widths)-1]
		if c := g.Cost(); c <= left {
			left -= c
			continue
		}
		g.FPS, g.Width, g.Exhausted = 0, 0, true
	}
	for i := range grants {
		if g := &grants[i]; !g.Exhausted {
			left = g.grow(left)
		}
	}
	return grants
}

// grow gives g as much more as left allows and returns what is left then.
func (g *Grant) grow(left float64) float64 {
	left += g.Cost()
	for _, w := range steps(g.Want.Width) {
		if c := cost(g.Want.FPS, w); c <= left {
			g.FPS, g.Width = g.Want.FPS, w
			return left - c
		}
	}
	// Not even the smallest width at the whole rate: the rate gives way, in
	// tenths so that a small change elsewhere changes nothing here.
	fps := math.Floor(left/cost(1, g.Width)*10) / 10
	g.FPS = min(max(fps, g.FPS), g.Want.FPS)
	g.KeyOnly = g.FPS <= floorFPS // and it asked for more
	return max(left-g.Cost(), 0)
}

// merge returns the wants in order of service, one for each camera and profile.
func merge(wants []Want) []Grant {
	at := map[id]int{}
	var grants []Grant
	for _, w := range wants {
		if math.IsNaN(w.FPS) {
			w.FPS = MinFPS
		}
		w.FPS = min(max(w.FPS, MinFPS), MaxFPS)
		w.Width = min(max(w.Width, MinWidth), MaxWidth)
		key := id{w.Camera, w.Profile}
		i, known := at[key]
		if !known {
			at[key] = len(grants)
			grants = append(grants, Grant{Want: w})
			continue
		}
		g := &grants[i].Want
		g.FPS, g.Width, g.Priority = max(g.FPS, w.FPS), max(g.Width, w.Width), max(g.Priority, w.Priority)
	}
	slices.SortFunc(grants, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), compareID(id{a.Camera, a.Profile}, id{b.Camera, b.Profile}))
	})
	return grants
}
