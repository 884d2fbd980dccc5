package crash

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/media"
)

var (
	testSPS = []byte{0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xf0, 0x3c, 0x60, 0xc6, 0x58}
	testPPS = []byte{0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0}
)

// fps is low so that a file has few frames and a run many files.
const fps = 5

// camera makes pictures that say which they are.
type camera struct {
	name  string
	n     byte
	hub   *hub.Hub
	audio bool
	size  int // bytes of a picture, about

	run    *media.Run
	origin int64 // UTC µs of DTS 0 of the run
	frame  int64 // in the run
	sound  int64 // audio frames in the run
}

// begin starts another run at now, UTC µs.
func (c *camera) begin(now int64) {
	tracks := []media.Track{{Codec: media.H264, ClockRate: 90000, Width: 1920, Height: 1080, FrameRate: fps, SPS: testSPS, PPS: testPPS}}
	if c.audio {
		tracks = append(tracks, media.Track{Codec: media.AAC, ClockRate: 8000, SampleRate: 8000, Channels: 1, Config: []byte{0x15, 0x88}})
	}
	c.run = &media.Run{ID: uint64(now), Camera: c.name, Stream: media.Main, Tracks: tracks, Trusted: true}
	c.origin, c.frame, c.sound = now, 0, 0
}

// picture returns what picture number id of camera n looks like.
func picture(n byte, id uint32, key bool, size int) []byte {
	nal := make([]byte, 16, 16+size)
	nal[0] = 0x41
	if key {
		nal[0] = 0x65
	}
	nal[1] = n
	binary.BigEndian.PutUint32(nal[2:], id)
	rng := rand.New(rand.NewPCG(uint64(n), uint64(id)))
	binary.BigEndian.PutUint32(nal[6:], uint32(size))
	for len(nal) < 16+size {
		nal = binary.LittleEndian.AppendUint64(nal, rng.Uint64())
	}
	return nal[:16+size]
}

// publish sends the next picture, which is number id, and the sound up to it.
func (c *camera) publish(id uint32) (wall int64) {
	dts := c.frame * 90000 / fps
	for c.audio && c.sound*1024*90000/8000 <= dts {
		at := c.sound * 1024
		c.sound++
		c.hub.Publish(&media.AccessUnit{Run: c.run, Track: 1, DTS: at, PTS: at, Wall: c.origin + at*1000/8, Random: true, Payloads: [][]byte{make([]byte, 40)}, Size: 40})
	}
	key := c.frame%(2*fps) == 0
	size := c.size
	if key {
		size *= 4
	}
	nal := picture(c.n, id, key, size)
	wall = c.origin + dts*1000/90
	c.frame++
	c.hub.Publish(&media.AccessUnit{Run: c.run, DTS: dts, PTS: dts, Wall: wall, Random: key, Payloads: [][]byte{nal}, Size: len(nal) + 4})
	return wall
}

// interval is the time between two pictures.
const interval = time.Second / fps
