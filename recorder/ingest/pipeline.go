package ingest

import (
	"bytes"
	"log/slog"
	"time"

	"github.com/pion/rtp"

	"vedette/recorder/media"
)

// Settling: how much of the beginning of a session is looked at before the
// clock mapping is fixed, so that a burst at the start does not set it late.
const (
	settleTime  = 300 * time.Millisecond
	settleUnits = 256
	settleBytes = 4 << 20 // of memory
)

// pipeline turns the RTP packets of one session into access units: grouping,
// time lines, runs. It does no I/O and starts nothing; calls must not overlap.
type pipeline struct {
	camera  string
	stream  media.StreamName
	clock   Clock
	runs    *RunIDs
	log     *slog.Logger
	publish func(*media.AccessUnit)
	onRun   func(*media.Run)

	video, audio *lane // audio may be nil
	group        grouper
	hint         [2]hint // RTP-Info of the PLAY response: video, audio

	settling []rawUnit
	waiting  int // bytes in settling
	settled  bool
	first    time.Time // of the first unit

	run     *media.Run
	lips    lips // sound against pictures
	lossy   bool
	renew   bool          // begin a new run at the next key frame
	why     string        // for the log
	params  [3][]byte     // newest parameter sets seen: VPS, SPS, PPS
	mapping clockMap      // of the run
	next    clockMap      // of the run to come, while renew
	slip    int64         // wall − monotonic of the last unit, µs
	slipped bool          // slip is known
	maxLast [2]int64      // per track: last DTS published
	began   [2]bool       // per track: something was published
	stats   pipelineStats // counted since the start
}

type pipelineStats struct {
	Units, Pictures, Bytes, Dropped, Lossy, Runs uint64
}

// hint is one entry of an RTP-Info header.
type hint struct {
	ok  bool
	rtp uint32
}

// lane is one track on its way through the pipeline.
type lane struct {
	index int
	track media.Track
	clock trackClock
	dts   decodeClock
	audio unpacker
	seq   uint16
	begun bool
	loss  bool
}

func newPipeline(o *Options, video, audio *source) *pipeline {
	p := &pipeline{
		camera: o.Camera, stream: o.Stream, clock: o.Clock, runs: o.Runs, log: o.Log,
		publish: func(*media.AccessUnit) {}, onRun: func(*media.Run) {},
	}
	p.video = &lane{track: video.track, clock: trackClock{rate: int64(video.track.ClockRate), aligned: true}}
	p.video.dts.codec = video.track.Codec
	p.params = [3][]byte{video.track.VPS, video.track.SPS, video.track.PPS}
	if audio != nil {
		p.audio = &lane{index: 1, track: audio.track, audio: audio.audio, clock: trackClock{rate: int64(audio.track.ClockRate)}}
	}
	p.group = grouper{codec: video.track.Codec, emit: p.grouped}
	return p
}

// pushVideo takes one packet of the video track.
func (p *pipeline) pushVideo(pkt *rtp.Packet) {
	p.group.push(pkt.SequenceNumber, pkt.Timestamp, pkt.Marker, pkt.Payload)
}

func (p *pipeline) grouped(u rawUnit) {
	u.received, u.wall, u.mono = p.read()
	p.accept(u)
}

// The wall clocks that a recording can be named by: from 1970 to the end of
// 9999, in UTC µs, with a day left for the length of a run.
const (
	earliestWall = 0
	latestWall   = 253402300800_000_000 - 86400_000_000
)

// read returns the time by all clocks. A wall clock that no recording can be
// named by is replaced with one that counts from boot.
func (p *pipeline) read() (received time.Time, wall, mono int64) {
	received, mono = p.clock.Now(), p.clock.Mono()
	if wall = received.UnixMicro(); !nameable(wall) {
		wall = max(mono, 0)
	}
	return received, wall, mono
}

func nameable(wall int64) bool { return wall >= earliestWall && wall < latestWall }

// pushAudio takes one packet of the audio track.
func (p *pipeline) pushAudio(pkt *rtp.Packet) {
	l := p.audio
	if l.begun && pkt.SequenceNumber != l.seq {
		l.loss = true
	}
	l.begun, l.seq = true, pkt.SequenceNumber+1
	frames, ticks := l.audio(pkt)
	if len(frames) == 0 {
		return
	}
	now, wall, mono := p.read()
	for i, f := range frames {
		p.accept(rawUnit{track: 1, rtp: pkt.Timestamp + uint32(int64(i)*ticks), payloads: [][]byte{f},
			bytes: len(f) + media.PayloadOverhead, received: now, wall: wall, mono: mono, lossBefore: l.loss})
		l.loss = false
	}
}

// pushReport takes a sender report of track.
func (p *pipeline) pushReport(track int, rtp uint32, ntp time.Time) {
	l := p.video
	if track == 1 {
		l = p.audio
	}
	if l == nil || !l.clock.begun {
		return
	}
	l.clock.report = senderReport{ok: true, rtp: l.clock.unwrap(rtp), ntp: ntp}
	if p.settled && p.audio != nil && track == 1 {
		if late, ok := p.audio.clock.lateByReports(&p.video.clock); ok {
			p.reportLate(late)
		}
	}
}

// reportLate follows the camera's word on how much later sound should be. The
// first one of an alignment may say that arrival misled by much: it is obeyed
// at once. What follows is drift, and sound is bent towards it.
func (p *pipeline) reportLate(late time.Duration) {
	c := &p.audio.clock
	first := !c.reported
	c.reported = true
	if d := late.Microseconds(); !first || d <= lipsMost && d >= -lipsMost {
		p.lips.report(d)
		return
	}
	c.origin -= c.ticks(late)
	p.lips.restart(true)
}

// accept holds units back until the mapping can be fixed.
func (p *pipeline) accept(u rawUnit) {
	if p.settled {
		p.unit(u)
		return
	}
	if len(p.settling) == 0 {
		p.first = u.received
	}
	p.settling = append(p.settling, u)
	p.waiting += u.bytes + media.UnitOverhead
	if u.received.Sub(p.first) < settleTime && len(p.settling) < settleUnits && p.waiting < settleBytes {
		return
	}
	p.settle()
}

// settle observes what waits, fixes the mapping and lets the units go.
func (p *pipeline) settle() {
	p.settled = true
	probe := trackClock{rate: p.video.clock.rate}
	for _, u := range p.settling {
		if u.track != 0 {
			continue
		}
		if !probe.begun {
			p.video.clock.origin = int64(u.rtp)
			probe.origin = int64(u.rtp)
		}
		if probe.advance(u.rtp, u.received) {
			break
		}
		p.mapping.observe(probe.micros(probe.media()), u.wall)
	}
	if !probe.begun { // no picture yet: go on waiting
		p.settled, p.settling, p.waiting = false, nil, 0
		return
	}
	waiting := p.settling
	p.settling = nil
	p.mapping.start(0)
	p.mapping.offset = max(p.mapping.offset, earliestWall) // a burst in the first second of 1970
	p.mapping.used = 0                                     // the units observe again on their way
	for _, u := range waiting {
		p.unit(u)
	}
}

func (p *pipeline) unit(u rawUnit) {
	if u.track == 0 {
		p.videoUnit(u)
	} else {
		p.audioUnit(u)
	}
}

// videoUnit places one video unit on the time line and publishes it.
func (p *pipeline) videoUnit(u rawUnit) {
	l := p.video
	if l.clock.advance(u.rtp, u.received) {
		p.hint = [2]hint{}
		p.lips.restart(true)
		why := "the camera's timestamps jumped"
		if l.clock.pace.absurd {
			why = "the camera's timestamps mean nothing: the time of arrival is used instead"
		}
		p.restart(why)
	}
	pts := l.clock.media()
	if p.audio != nil {
		p.lips.note(0, u.mono-l.clock.micros(pts), u.mono)
	}
	p.watchWallClock(l.clock.micros(pts), u)

	ct := inspect(l.track.Codec, u.payloads)
	for i, set := range [][]byte{ct.vps, ct.sps, ct.pps} {
		if set != nil {
			p.params[i] = bytes.Clone(set) // it must not keep its packet
		}
	}
	random := ct.random && !u.damaged
	if u.lossBefore || u.damaged {
		p.lossy = true
		l.dts.reset()
	}
	if random {
		p.lossy = false
	}
	if !ct.picture {
		return // parameter sets alone, or nothing whole
	}
	if random && !p.prepareRun(u) || p.run == nil {
		p.stats.Dropped++
		return
	}
	dts := l.dts.next(pts, random, p.params[:], ct.heads)
	size := media.VideoSampleSize(l.track.Codec, u.payloads)
	if size == 0 {
		p.stats.Dropped++
		return
	}
	p.send(l, &media.AccessUnit{Track: 0, PTS: pts, DTS: dts, Received: u.received,
		Random: random, Lossy: p.lossy, Payloads: u.payloads, Size: size, Memory: u.bytes + media.UnitOverhead})
}

// watchWallClock feeds the mapping, and asks for a new run when the wall clock
// stepped or the camera's clock cannot be followed. The old run keeps its
// mapping until the key frame that begins the new one.
func (p *pipeline) watchWallClock(media int64, u rawUnit) {
	slip := u.wall - u.mono
	if d := slip - p.slip; p.slipped && (d > clockStep || d < -clockStep) {
		p.restart("the wall clock stepped")
	}
	p.slip, p.slipped = slip, true
	if p.renew {
		p.next.observe(media, u.wall)
		return
	}
	p.mapping.observe(media, u.wall)
	if p.mapping.astray() {
		p.restart("the camera's clock runs too fast or too slow")
		p.next.observe(media, u.wall)
	}
}

// restart asks for a new run with a new mapping at the next key frame.
func (p *pipeline) restart(why string) {
	p.renew, p.why, p.next = true, why, clockMap{}
}

// prepareRun begins a new run at this key frame where one is due. It reports
// false if there can be none, because parameter sets are missing.
func (p *pipeline) prepareRun(u rawUnit) bool {
	l := p.video
	changed := p.params[0] != nil && string(p.params[0]) != string(l.track.VPS) && l.track.Codec == media.H265 ||
		string(p.params[1]) != string(l.track.SPS) || string(p.params[2]) != string(l.track.PPS)
	trusted := p.clock.Trusted() && nameable(u.received.UnixMicro())
	if p.run != nil && !changed && !p.renew {
		if p.run.Trusted == trusted {
			return true
		}
		p.why = "the wall clock is trusted now"
	}
	if changed || !complete(l.track) {
		t := videoTrack(l.track.Codec, p.params[0], p.params[1], p.params[2])
		if !complete(t) {
			return false
		}
		l.track = t
		if p.run != nil && p.why == "" {
			p.why = "the camera changed its parameters"
		}
	}
	if p.renew && p.next.used > 0 {
		p.mapping = p.next
		p.mapping.start(l.clock.micros(l.clock.media()))
	}
	p.beginRun(u, trusted)
	return true
}

func (p *pipeline) beginRun(u rawUnit, trusted bool) {
	tracks := []media.Track{p.video.track}
	if p.audio != nil {
		tracks = append(tracks, p.audio.track)
	}
	p.run = &media.Run{
		ID: p.runs.Next(u.wall), Camera: p.camera, Stream: p.stream, Tracks: tracks,
		Trusted: trusted, BootID: p.clock.BootID, Mono: u.mono, Wall: u.wall,
	}
	if p.why != "" {
		p.log.Info("new run", "camera", p.camera, "run", p.run.ID, "reason", p.why)
	}
	p.renew, p.why, p.next = false, "", clockMap{}
	p.stats.Runs++
	p.onRun(p.run)
}

// audioUnit places one audio frame. Sound before the first picture is left
// out.
func (p *pipeline) audioUnit(u rawUnit) {
	l := p.audio
	before := l.clock.count
	jumped := l.clock.advance(u.rtp, u.received)
	if !p.video.clock.begun {
		return
	}
	if jumped {
		p.hint = [2]hint{}
	}
	if jumped || !l.clock.aligned {
		p.lips.restart(l.clock.align(&p.video.clock, p.playHint))
	} else {
		l.clock.origin -= p.lips.bend(l.clock.count - before)
	}
	p.lips.note(1, u.mono-l.clock.micros(l.clock.media()), u.mono)
	if p.run == nil {
		return
	}
	t := l.clock.media()
	p.send(l, &media.AccessUnit{Track: 1, PTS: t, DTS: t, Received: u.received,
		Random: true, Lossy: u.lossBefore, Payloads: u.payloads, Size: len(u.payloads[0]), Memory: u.bytes + media.UnitOverhead})
}

// playHint returns the origin of the audio track that the PLAY response asks
// for: its two timestamps are of the same instant.
func (p *pipeline) playHint() (int64, bool) {
	if !p.hint[0].ok || !p.hint[1].ok {
		return 0, false
	}
	v, a := &p.video.clock, &p.audio.clock
	back := v.duration(v.unwrap(p.hint[0].rtp) - v.origin)
	return a.unwrap(p.hint[1].rtp) - a.ticks(back), true
}

// send publishes u unless its track would run backwards.
func (p *pipeline) send(l *lane, u *media.AccessUnit) {
	if p.began[l.index] && u.DTS <= p.maxLast[l.index] {
		p.stats.Dropped++
		return
	}
	p.began[l.index], p.maxLast[l.index] = true, u.DTS
	u.Run = p.run
	u.Wall = p.mapping.wall(l.clock.micros(u.DTS))
	p.stats.Units++
	if l.index == 0 {
		p.stats.Pictures++
	}
	p.stats.Bytes += uint64(u.Size)
	if u.Lossy {
		p.stats.Lossy++
	}
	p.publish(u)
}
