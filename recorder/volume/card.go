package volume

import (
	"cmp"
	"slices"
)

// A card, and the eMMC of a board, keeps a handful of allocation units open and
// slows down many times over when more are written in turns. So on these media
// parts wait for the sync cycle, each file is written in one go, and few files
// are written back in the same moment.

// growing is how many files a card writes back at once.
const growing = 4

// card reports whether the medium is one of those.
func (g Geometry) card() bool { return g.Medium == SD || g.Medium == EMMC }

// collects reports whether what waits may wait for the cycle: on a card, as
// long as it is less than a third of what the queue takes: one camera alone may
// fill little more.
func (v *Volume) collects() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.geometry.card() && v.queued < v.limit/3 && !v.urgent
}

// Busy reports whether somebody who could hand over a lot for a camera, and may
// wait with it, should: the queue is for footage that cannot wait. What waits
// is then written soon, on a card too.
func (v *Volume) Busy(camera string) bool {
	v.mu.Lock()
	busy := v.queued > v.limit/4 || v.cameras[camera] > v.limit/16
	v.urgent = v.urgent || busy
	v.mu.Unlock()
	if busy {
		v.signal()
	}
	return busy
}

// byFile puts the ops of each file side by side, files in the order in which
// they first occur.
func byFile(ops []op) {
	rank := make(map[*File]int, 16)
	for _, o := range ops {
		if _, known := rank[o.f]; !known {
			rank[o.f] = len(rank)
		}
	}
	slices.SortStableFunc(ops, func(a, b op) int { return cmp.Compare(rank[a.f], rank[b.f]) })
}

// batches returns the files that are written back at once, in turn.
func (v *Volume) batches(dirty []*File) [][]*File {
	if !v.geometry.card() || len(dirty) == 0 {
		return [][]*File{dirty}
	}
	return slices.Collect(slices.Chunk(dirty, growing))
}
