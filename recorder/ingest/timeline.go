package ingest

import (
	"time"
)

// Limits of what counts as one continuous time line.
const (
	jumpAhead = 10 * time.Second // media time gained over the time of arrival in one step
	jumpBack  = time.Second      // media time lost in one step; reordering is below
	syncTrust = 2 * time.Second  // how far the camera's reports may be off the times of arrival
	clockStep = 1_000_000        // µs by which the wall clock may slip against the monotonic one in one step

	paceLook  = 10 * time.Second // how often the pace of timestamps is looked at
	paceLooks = 3                // looks in a row after which they are not believed
	paceLeast = 0.7              // media time for each unit of time that may pass
	paceMost  = 1.4
)

// trackClock turns the RTP timestamps of one track into 64-bit media time in
// ticks of its clock, from the origin that all tracks of a session share.
type trackClock struct {
	rate int64

	begun    bool
	prev     uint32
	count    int64     // RTP time, unwrapped
	received time.Time // of prev

	aligned  bool
	origin   int64 // unwrapped RTP time of media time 0
	reported bool  // the sender reports were heard on the alignment

	report senderReport

	pace pace
}

// pace watches whether timestamps run at the speed of time, more or less. Some
// cameras count milliseconds, or pictures. A network that holds footage up for
// seconds, and then lets it go, is not taken for one.
type pace struct {
	since  time.Time // the look under way began
	count  int64     // RTP time then
	slow   int       // looks in a row
	fast   int
	absurd bool // timestamps mean nothing: the time of arrival stands in
}

// look judges the pace of c and reports whether that was news.
func (p *pace) look(c *trackClock) (news bool) {
	passed := c.received.Sub(p.since)
	if p.since.IsZero() || passed < 0 {
		p.since, p.count = c.received, c.count
		return false
	}
	if passed < paceLook || p.absurd {
		return false
	}
	ratio := float64(c.duration(c.count-p.count)) / float64(passed)
	p.since, p.count = c.received, c.count
	if p.slow++; ratio >= paceLeast {
		p.slow = 0
	}
	if p.fast++; ratio <= paceMost {
		p.fast = 0
	}
	p.absurd = p.slow >= paceLooks || p.fast >= paceLooks
	return p.absurd
}

// senderReport says that RTP time rtp (unwrapped) is ntp.
type senderReport struct {
	ok  bool
	rtp int64
	ntp time.Time
}

// advance unwraps rtp, received at now, and reports whether the timestamps
// jumped, or turned out to mean nothing. After a jump the media time goes on as
// the time of arrival did; when they mean nothing it always does.
func (c *trackClock) advance(rtp uint32, now time.Time) (jumped bool) {
	if !c.begun {
		c.begun, c.prev, c.count, c.received = true, rtp, int64(rtp), now
		return false
	}
	step := int64(int32(rtp - c.prev))
	arrival := c.ticks(now.Sub(c.received))
	c.prev, c.received = rtp, now
	c.count += step
	if c.pace.absurd {
		c.origin += step - max(arrival, 1)
		return false
	}
	if step-arrival > c.ticks(jumpAhead) || step < -c.ticks(jumpBack) {
		c.origin += step - max(arrival, 1)
		c.report, c.pace = senderReport{}, pace{}
		return true
	}
	if c.pace.look(c) {
		c.report = senderReport{}
		return true
	}
	return false
}

// media returns the media time of the newest timestamp.
func (c *trackClock) media() int64 { return c.count - c.origin }

// unwrap places another timestamp near the newest one.
func (c *trackClock) unwrap(rtp uint32) int64 { return c.count + int64(int32(rtp-c.prev)) }

// ticks and duration convert without overflow for any span that occurs.
func (c *trackClock) ticks(d time.Duration) int64 {
	return int64(d/time.Second)*c.rate + int64(d%time.Second)*c.rate/int64(time.Second)
}

func (c *trackClock) duration(ticks int64) time.Duration {
	return time.Duration(ticks/c.rate)*time.Second + time.Duration(ticks%c.rate)*time.Second/time.Duration(c.rate)
}

// micros converts ticks to µs.
func (c *trackClock) micros(ticks int64) int64 {
	return ticks/c.rate*1_000_000 + ticks%c.rate*1_000_000/c.rate
}

// byReports returns the origin of c that the sender reports of both tracks
// ask for.
func (c *trackClock) byReports(video *trackClock) (int64, bool) {
	if !c.report.ok || !video.report.ok {
		return 0, false
	}
	zero := video.report.ntp.Add(-video.duration(video.report.rtp - video.origin))
	return c.report.rtp + c.ticks(zero.Sub(c.report.ntp)), true
}

// byArrival returns the origin of c under which its newest timestamp and the
// newest one of video were taken as far apart as they arrived.
func (c *trackClock) byArrival(video *trackClock) int64 {
	at := video.duration(video.media()) + c.received.Sub(video.received)
	return c.count - c.ticks(at)
}

// align gives c the origin of video: by hint (the PLAY response) or by sender
// reports where the times of arrival do not contradict them, else by arrival.
// It reports whether the camera's word was taken.
func (c *trackClock) align(video *trackClock, hint func() (int64, bool)) bool {
	arrival := c.byArrival(video)
	c.aligned, c.reported, c.origin = true, false, arrival
	for _, method := range []func() (int64, bool){func() (int64, bool) { return c.byReports(video) }, hint} {
		if o, ok := method(); ok && c.sane(o-arrival) {
			c.origin = o
			return true
		}
	}
	return false
}

// lateByReports returns how much later sound should be placed by the sender
// reports of both tracks, where the times of arrival do not contradict them.
func (c *trackClock) lateByReports(video *trackClock) (time.Duration, bool) {
	o, ok := c.byReports(video)
	if !ok || !c.aligned || !c.sane(o-c.byArrival(video)) {
		return 0, false
	}
	return c.duration(c.origin - o), true
}

func (c *trackClock) sane(ticks int64) bool {
	d := c.duration(ticks)
	return d < syncTrust && d > -syncTrust
}
