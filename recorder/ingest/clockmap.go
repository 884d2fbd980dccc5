package ingest

// Bounds of the mapping from media time to wall time. All are microseconds
// unless they say otherwise.
const (
	slewPPM     = 500 // most that the mapping bends: 0.5 ms a second
	mapBuckets  = 6
	mapBucket   = 10_000_000 // length of a bucket of observations, in wall time: a camera's may stand still
	astrayLimit = 2_000_000  // beyond this a new run is better than bending
)

// clockMap maps the media time of a run to wall time. A frame cannot arrive
// before it was taken, so the least (receive − media) seen of late is the best
// estimate of the distance between the two clocks. The mapping takes it once,
// at the start, and then bends towards it by at most 500 ppm; it never steps.
//
// The zero clockMap is empty. It is pure: the caller brings both clocks.
type clockMap struct {
	started bool
	offset  int64 // wall − media
	last    int64 // media time up to which the mapping was bent
	carry   int64 // rest of the last bend, in millionths of a microsecond

	current int64 // wall time at which the newest bucket began
	least   [mapBuckets]int64
	used    int // buckets in use; the newest is least[used-1]
}

// observe notes that media arrived at wall, and bends a started mapping.
// Media time must not run backwards by more than reordering does.
func (m *clockMap) observe(media, wall int64) {
	d := wall - media
	switch {
	case m.used == 0:
		m.current, m.used = wall, 1
		m.least[0] = d
	case wall-m.current >= mapBucket:
		if m.used == mapBuckets {
			copy(m.least[:], m.least[1:])
			m.used--
		}
		m.current = wall
		m.least[m.used] = d
		m.used++
	default:
		m.least[m.used-1] = min(m.least[m.used-1], d)
	}
	if m.started {
		m.bend(media)
	}
}

// target returns the best estimate of wall − media.
func (m *clockMap) target() int64 {
	t := m.least[0]
	for _, d := range m.least[1:max(1, m.used)] {
		t = min(t, d)
	}
	return t
}

// start fixes the mapping from what was observed so far; media is where it
// begins to bend.
func (m *clockMap) start(media int64) {
	m.started, m.offset, m.last, m.carry = true, m.target(), media, 0
}

func (m *clockMap) bend(media int64) {
	if media <= m.last {
		return
	}
	allowed := (media-m.last)*slewPPM + m.carry
	m.last = media
	step := allowed / 1_000_000
	m.carry = allowed % 1_000_000
	m.offset += max(-step, min(step, m.target()-m.offset))
}

// wall returns the wall time of media.
func (m *clockMap) wall(media int64) int64 { return media + m.offset }

// astray reports that bending cannot catch up with the camera's clock.
func (m *clockMap) astray() bool {
	off := m.target() - m.offset
	return m.used == mapBuckets && (off > astrayLimit || off < -astrayLimit)
}
