package ingest

// Bounds of how sound follows the pictures when the two clocks of a camera
// differ.
const (
	lipsBucket  = 500_000 // µs between two looks
	lipsFrames  = 5       // of each track, least in a look
	lipsQuiet   = 8_000   // µs of difference that nobody sees and jitter makes
	lipsMost    = 60_000  // µs: a difference beyond is no drift
	lipsLate    = 100_000 // µs by which a look may find pictures later than of late
	lipsBend    = 0.05    // most that sound is bent, as a share of its time
	lipsHistory = 12      // looks that are remembered
)

// lips keeps sound with the pictures for as long as a session lasts. Both
// tracks come over the same network, so the least lateness (arrival − media
// time) of each, over the same short time, tells how their clocks drift apart.
// The further apart they are, the more the sound's time line is bent, by at
// most 5 %: less than the time from one frame to the next, so sound never runs
// backwards and no frame is lost. The pictures' time line is never touched.
//
// Sound that was aligned by the camera's word, not by arrival, keeps the
// distance of arrival that it had then. Sender reports renew that distance.
//
// The zero lips is ready. It is pure: the caller brings the clock.
type lips struct {
	begun     bool
	since     int64    // monotonic µs: the look under way began
	least     [2]int64 // lateness, µs
	frames    [2]int
	past      [lipsHistory]int64 // least lateness of pictures in the looks before
	looks     int
	based     bool
	base      int64   // distance of arrival at which lips are in step, µs
	fresh     bool    // a report came in this look
	reported  int64   // µs that it would have sound later than it is placed
	rate      float64 // share by which sound is made to run slower
	remainder float64 // of a tick
}

// restart forgets what was seen. known says that the next look tells the
// distance in step; otherwise it is nought.
func (l *lips) restart(known bool) {
	*l = lips{rate: l.rate, based: !known}
}

// note takes the lateness of one frame of a track, in µs, at the monotonic
// time now, and looks when it is time.
func (l *lips) note(track int, late, now int64) {
	if !l.begun {
		l.begun, l.since = true, now
	}
	if l.frames[track] == 0 || late < l.least[track] {
		l.least[track] = late
	}
	l.frames[track]++
	if now-l.since >= lipsBucket && l.frames[0] >= lipsFrames && l.frames[1] >= lipsFrames {
		l.look(float64(now-l.since) / 1e6)
		l.since, l.frames, l.fresh = now, [2]int{}, false
	}
}

// report says that sound placed now should be later by d µs.
func (l *lips) report(d int64) { l.fresh, l.reported = true, d }

// look draws its conclusions from dt seconds.
func (l *lips) look(dt float64) {
	off := l.least[1] - l.least[0]
	usual := l.least[0]
	for _, p := range l.past[:min(l.looks, lipsHistory)] {
		usual = min(usual, p)
	}
	l.past[l.looks%lipsHistory] = l.least[0]
	l.looks++
	if l.least[0]-usual > lipsLate {
		return // the network is held up; what comes in a burst tells nothing
	}
	switch {
	case !l.based:
		l.based, l.base = true, off
	case l.fresh:
		if d := off - l.reported - l.base; d > lipsMost || d < -lipsMost {
			l.base += d
		} else {
			l.base += d / 4
		}
	}
	l.rate = 0
	if e := off - l.base; e <= -lipsQuiet || e >= lipsQuiet {
		l.rate = max(-lipsBend, min(min(0.8, 0.4/dt)*float64(e)/1e6, lipsBend))
	}
}

// bend returns by how many ticks sound is to be later, step ticks after the
// frame before. It is less than step.
func (l *lips) bend(step int64) int64 {
	if step <= 0 || l.rate == 0 {
		return 0
	}
	b := float64(step)*l.rate + l.remainder
	whole := int64(b)
	l.remainder = b - float64(whole)
	return whole
}
