package sampler

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vedette/recorder/media"
)

func want(camera string, fps float64, width, priority int) Want {
	return Want{Camera: camera, Profile: media.Sub, FPS: fps, Width: width, Priority: priority}
}

func TestAllocate(t *testing.T) {
	whole := cost(5, 640)        // 5 a second at 640: 1.152
	least := cost(floorFPS, 320) // the least of a want of 640
	tests := []struct {
		name   string
		budget float64
		wants  []Want
		grants string
	}{
		{"nobody wants anything", 10, nil, ""},
		{"enough for all is all for all", 10, []Want{want("a", 5, 640, 0), want("b", 2, 1280, 0)}, "a 5@640, b 2@1280"},
		{"exactly enough is enough", 2 * whole, []Want{want("a", 5, 640, 0), want("b", 5, 640, 0)}, "a 5@640, b 5@640"},
		{"the leader is whole before the next gets more than its least", whole + least + 0.001,
			[]Want{want("a", 5, 640, 1), want("b", 5, 640, 2)}, "b 5@640, a 0.5@320 keys"},
		{"one that does not fit whole gets narrower before it gets slower", 2*whole - 0.001,
			[]Want{want("a", 5, 640, 1), want("b", 5, 640, 0)}, "a 5@640, b 5@480"},
		{"then half as wide", whole + cost(5, 480) - 0.001,
			[]Want{want("a", 5, 640, 1), want("b", 5, 640, 0)}, "a 5@640, b 5@320"},
		{"then slower", whole + cost(5, 320) - 0.001,
			[]Want{want("a", 5, 640, 1), want("b", 5, 640, 0)}, "a 5@640, b 4.9@320"},
		{"the least of the last comes before the whole of the first", 3 * least,
			[]Want{want("a", 5, 640, 2), want("b", 5, 640, 1), want("c", 5, 640, 0)}, "a 0.5@320 keys, b 0.5@320 keys, c 0.5@320 keys"},
		{"where not all can have their least, the last goes without", 3*least - 0.001,
			[]Want{want("a", 5, 640, 2), want("b", 5, 640, 1), want("c", 5, 640, 0)}, "a 0.9@320, b 0.5@320 keys, c exhausted"},
		{"a small one may fit where a large one before it does not", least,
			[]Want{want("a", 5, 3840, 2), want("b", 5, 640, 1)}, "a exhausted, b 0.5@320 keys"},
		{"no step goes below 320 pixels", 0.02, []Want{want("a", 5, 400, 0)}, "a exhausted"},
		{"a narrow want has no steps", cost(5, 160), []Want{want("a", 5, 160, 0)}, "a 5@160"},
		{"a want of less than the least rate is whole with it", cost(0.2, 640), []Want{want("a", 0.2, 640, 0)}, "a 0.2@640"},
		{"equals go by name", least, []Want{want("b", 1, 640, 0), want("a", 1, 640, 0)}, "a 0.5@320 keys, b exhausted"},
		{"two wants of a stream are one that asks for the most", 10,
			[]Want{want("a", 5, 320, 0), want("a", 2, 640, 3)}, "a 5@640"},
		{"what is out of bounds is brought into them", 1000,
			[]Want{want("a", 99, 9999, 0), want("b", 0, 0, 0), want("c", math.NaN(), 640, 0)}, "a 30@3840, b 0.1@160, c 0.1@640"},
		{"no budget, no pictures", 0, []Want{want("a", 5, 640, 0)}, "a exhausted"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			var got string
			for i, g := range Allocate(c.budget, c.wants) {
				if i > 0 {
					got += ", "
				}
				switch {
				case g.Exhausted:
					got += g.Camera + " exhausted"
				default:
					got += fmt.Sprintf("%s %v@%d", g.Camera, g.FPS, g.Width)
				}
				if g.KeyOnly {
					got += " keys"
				}
			}
			if got != c.grants {
				t.Errorf("got  %s\nwant %s", got, c.grants)
			}
		})
	}
}

func TestAllocateKeepsItsPromises(t *testing.T) {
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var wants []Want
		for i := range r.IntN(12) {
			wants = append(wants, want(string(rune('a'+i)), MinFPS+r.Float64()*20, 160+r.IntN(2000), r.IntN(3)))
		}
		budget := r.Float64() * 10
		before := slices.Clone(wants)
		grants := Allocate(budget, wants)
		if !slices.Equal(before, wants) {
			t.Fatalf("seed %d: the wants were changed", seed)
		}
		if len(grants) != len(wants) {
			t.Fatalf("seed %d: %d grants for %d wants", seed, len(grants), len(wants))
		}
		var total float64
		for i, g := range grants {
			total += g.Cost()
			ladder := steps(g.Want.Width)
			least := cost(min(floorFPS, g.Want.FPS), ladder[len(ladder)-1])
			if i > 0 && grants[i-1].Priority < g.Priority {
				t.Errorf("seed %d: grant %d stands before a more important one", seed, i-1)
			}
			switch {
			case g.Exhausted && g.FPS == 0 && g.Width == 0:
			case g.FPS > g.Want.FPS || g.FPS < min(floorFPS, g.Want.FPS) || !slices.Contains(ladder, g.Width):
				t.Errorf("seed %d: %+v is not what may be granted", seed, g)
			case g.FPS < g.Want.FPS && g.Width != ladder[len(ladder)-1]:
				t.Errorf("seed %d: %+v is slower, and could be narrower", seed, g)
			}
			// Who goes without does so because all before hold at least their
			// least, and together leave too little.
			if g.Exhausted {
				var before float64
				for _, p := range grants[:i] {
					l := steps(p.Want.Width)
					if !p.Exhausted {
						before += cost(min(floorFPS, p.Want.FPS), l[len(l)-1])
					}
				}
				if before+least <= budget-1e-9 {
					t.Errorf("seed %d: %+v goes without, and its least was there", seed, g)
				}
			}
		}
		if total > budget+1e-9 {
			t.Errorf("seed %d: %v granted of %v", seed, total, budget)
		}
		// The leader of those served gets all it can: nobody behind it is whole
		// at its expense.
		for i, g := range grants {
			if g.Exhausted || g.FPS == g.Want.FPS && g.Width == g.Want.Width {
				continue
			}
			var others float64
			for j, o := range grants {
				if l := steps(o.Want.Width); j < i {
					others += o.Cost()
				} else if j > i && !o.Exhausted {
					others += cost(min(floorFPS, o.Want.FPS), l[len(l)-1])
				}
			}
			if others+cost(g.Want.FPS, g.Want.Width) <= budget-1e-9 {
				t.Errorf("seed %d: %+v could be whole", seed, g)
			}
		}
	}
}
