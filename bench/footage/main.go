// Command footage fills a data directory with recorded footage, so that
// playback can be measured without recording it first: a clip of one minute
// (bench/clip.sh) as one segment after another, with a hole. Start-up recovery
// indexes the files. Picture n of the clip is recorded at n × 40 ms after the
// full minute, so a played picture tells whether it is the one asked for.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"vedette/recorder/fmp4"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

func main() {
	var o options
	flag.StringVar(&o.clip, "clip", "", "MP4 of one minute of H.264 and AAC")
	flag.StringVar(&o.volume, "volume", "", "directory of the footage volume to create")
	flag.StringVar(&o.camera, "camera", "yard", "whose footage it is")
	flag.IntVar(&o.minutes, "minutes", 30, "minutes of footage")
	flag.IntVar(&o.hole, "hole", 5, "minutes without footage, after the first half")
	flag.Parse()
	start, err := write(o)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(start) // Unix ms, for the script that reads this
}

type options struct {
	clip, volume, camera string
	minutes, hole        int
}

// partLength is how long a part of a recording is.
const partLength = time.Second

// write makes the volume and returns when its footage begins, in Unix ms.
func write(o options) (start int64, err error) {
	c, err := load(o.clip)
	if err != nil {
		return 0, fmt.Errorf("load %s: %w", o.clip, err)
	}
	if err := identify(o.volume); err != nil {
		return 0, err
	}
	length := time.Duration(o.minutes+o.hole+5) * time.Minute
	first := time.Now().Add(-length).Truncate(time.Minute)
	at := first
	for i := range o.minutes {
		if i == o.minutes/2 {
			at = at.Add(time.Duration(o.hole) * time.Minute)
			c.newRun(at)
		}
		if i == 0 {
			c.newRun(at)
		}
		if err := c.segment(o, at); err != nil {
			return 0, fmt.Errorf("write the segment of %s: %w", at.Format(time.TimeOnly), err)
		}
		at = at.Add(time.Minute)
	}
	return first.UnixMilli(), nil
}

// identify lets the volume package make an empty volume.
func identify(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	v, err := volume.Open(dir, volume.Options{})
	if err != nil {
		return err
	}
	return v.Close()
}

// clip is the pictures and the sound that repeat.
type clip struct {
	tracks []media.Track
	units  [][]*media.AccessUnit // per track, with times from 0
	length []int64               // of each track, in its ticks
	run    *media.Run
	began  time.Time
	seq    uint32
}

func load(path string) (*clip, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var p pmp4.Presentation
	if err := p.Unmarshal(bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	c := &clip{}
	for _, t := range p.Tracks {
		switch codec := t.Codec.(type) {
		case *codecs.H264:
			c.tracks = append(c.tracks, media.Track{Codec: media.H264, ClockRate: t.TimeScale, Width: 1920, Height: 1080, FrameRate: 25, SPS: codec.SPS, PPS: codec.PPS})
		case *codecs.MPEG4Audio:
			config, err := codec.Config.Marshal()
			if err != nil {
				return nil, err
			}
			c.tracks = append(c.tracks, media.Track{Codec: media.AAC, ClockRate: t.TimeScale, SampleRate: codec.Config.SampleRate, Channels: int(codec.Config.ChannelConfig), Config: config})
		default:
			return nil, fmt.Errorf("track %d is neither H.264 nor AAC", t.ID)
		}
		units, length, err := unitsOf(t, len(c.tracks)-1)
		if err != nil {
			return nil, err
		}
		c.units, c.length = append(c.units, units), append(c.length, length)
	}
	if len(c.tracks) != 2 || c.tracks[0].Codec != media.H264 {
		return nil, errors.New("want one H.264 track, then one AAC track")
	}
	return c, nil
}

// unitsOf reads the samples of a track. A whole NAL unit is a valid RTP
// payload, so pictures need no packetizing.
func unitsOf(t *pmp4.Track, index int) (units []*media.AccessUnit, length int64, err error) {
	for i, s := range t.Samples {
		sample, err := s.GetPayload()
		if err != nil {
			return nil, 0, fmt.Errorf("sample %d: %w", i, err)
		}
		u := &media.AccessUnit{Track: index, DTS: length, PTS: length, Random: !s.IsNonSyncSample, Size: len(sample)}
		if _, video := t.Codec.(*codecs.H264); !video {
			u.Payloads = [][]byte{sample}
		} else {
			media.SplitSample(sample, func(nal []byte) bool {
				u.Payloads = append(u.Payloads, nal)
				return true
			})
		}
		units = append(units, u)
		length += int64(s.Duration)
	}
	return units, length, nil
}

// newRun begins an uninterrupted stretch of footage.
func (c *clip) newRun(at time.Time) {
	c.run = &media.Run{ID: uint64(at.UnixMicro()), Stream: media.Main, Tracks: c.tracks, Trusted: true}
	c.began, c.seq = at, 0
}

// segment writes the minute that begins at start.
func (c *clip) segment(o options, start time.Time) (err error) {
	video := c.tracks[0]
	firstDTS := video.Ticks(start.Sub(c.began))
	h := &fmp4.Header{
		Version: fmp4.Version, Camera: o.camera, Stream: media.Main, Run: c.run.ID, Seq: c.seq,
		Start: start.UnixMicro(), Trusted: true, FirstDTS: firstDTS, Tracks: c.tracks,
	}
	out, err := fmp4.AppendInit(nil, h)
	if err != nil {
		return err
	}
	out = c.parts(out, start, firstDTS)
	n := volume.Name{Camera: o.camera, Start: start.UnixMilli(), Duration: time.Minute.Milliseconds(), Bytes: int64(len(out)), Seq: c.seq}
	c.seq++
	path := filepath.Join(o.volume, filepath.FromSlash(n.Path()))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, out, 0o644)
}

// parts appends the minute's parts, each of partLength.
func (c *clip) parts(out []byte, start time.Time, firstDTS int64) []byte {
	b := fmp4.NewBuilder(c.tracks, firstDTS)
	var sound, parts int
	var seq uint32
	audio := c.tracks[1]
	for _, v := range c.units[0] {
		if !b.Empty() && c.tracks[0].Duration(v.DTS) >= time.Duration(parts)*partLength {
			out = appendPart(out, b.Finish(seq, firstDTS+v.DTS))
			seq++
		}
		if b.Empty() {
			parts++
		}
		b.Add(c.at(v, start, firstDTS))
		until := c.tracks[0].Duration(v.DTS)
		for ; sound < len(c.units[1]) && audio.Duration(c.units[1][sound].DTS) <= until; sound++ {
			b.Add(c.at(c.units[1][sound], start, audio.Ticks(start.Sub(c.began))))
		}
	}
	return appendPart(out, b.Finish(seq, firstDTS+c.length[0]))
}

// at returns u as it is in the minute that begins at start.
func (c *clip) at(u *media.AccessUnit, start time.Time, origin int64) *media.AccessUnit {
	v := *u
	v.Run = c.run
	v.Wall = start.Add(c.tracks[u.Track].Duration(u.DTS)).UnixMicro()
	v.DTS, v.PTS = origin+u.DTS, origin+u.PTS
	return &v
}

func appendPart(out []byte, p *fmp4.Part) []byte {
	for _, b := range p.Bufs {
		out = append(out, b...)
	}
	p.Release()
	return out
}
