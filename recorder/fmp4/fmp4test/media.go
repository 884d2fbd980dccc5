// Package fmp4test makes real media for the tests of packages that write and
// read segment files: ffmpeg encodes a moving pattern, and its packets come
// back as the access units that a camera would have delivered. It is for
// tests alone.
package fmp4test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vedette/recorder/media"
)

// Options describes the media to make. Zero values mean H.264 without
// B-frames and without audio, 320x180, 25 pictures a second, a key frame
// every 2 s, 4 s long.
type Options struct {
	Codec    media.Codec // H264 or H265
	Audio    media.Codec // AAC, PCMU, PCMA, Opus, or 0
	Width    int
	Height   int
	FPS      int
	GOP      int // pictures
	BFrames  int
	Seconds  int
	Bitrate  string // "4M"; empty leaves it to the encoder
	RunStart int64  // UTC µs of the first picture's DTS; 0 = 2026-11-23T20:00:00Z
	Origin   int64  // DTS of the first picture in 90 kHz ticks
}

// Start is the UTC µs at which media begin unless asked otherwise:
// 2026-11-23T20:00:00Z.
const Start = 1795464000_000_000

func (o *Options) defaults() {
	set := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	set(&o.Width, 320)
	set(&o.Height, 180)
	set(&o.FPS, 25)
	set(&o.GOP, 2*o.FPS)
	set(&o.Seconds, 4)
	if o.Codec == 0 {
		o.Codec = media.H264
	}
	if o.RunStart == 0 {
		o.RunStart = Start
	}
	if o.Origin == 0 {
		o.Origin = 900_000
	}
}

// Make encodes media and returns the run and its access units in the order
// of their DTS. It fails t if ffmpeg is missing.
func Make(t testing.TB, o Options) (*media.Run, []*media.AccessUnit) {
	t.Helper()
	o.defaults()
	file := filepath.Join(t.TempDir(), "media.mov")
	Command(t, "ffmpeg", o.arguments(file)...)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	run := &media.Run{ID: uint64(o.RunStart), Camera: "door", Stream: media.Main, Trusted: true, Mono: 5_000_000}
	run.Tracks = append(run.Tracks, videoTrack(t, &o, raw))
	if o.Audio != 0 {
		run.Tracks = append(run.Tracks, audioTrack(o.Audio))
	}
	return run, units(t, run, &o, raw, file)
}

func (o *Options) arguments(file string) []string {
	args := []string{"-v", "error", "-y", "-f", "lavfi", "-i",
		fmt.Sprintf("testsrc2=size=%dx%d:rate=%d:duration=%d", o.Width, o.Height, o.FPS, o.Seconds)}
	if o.Audio != 0 {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=440:sample_rate=48000:duration=%d", o.Seconds))
	}
	if o.Codec == media.H265 {
		args = append(args, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
			fmt.Sprintf("log-level=error:keyint=%d:min-keyint=%d:scenecut=0:open-gop=0:bframes=%d", o.GOP, o.GOP, o.BFrames))
	} else {
		args = append(args, "-c:v", "libx264", "-preset", "ultrafast", "-g", strconv.Itoa(o.GOP), "-keyint_min",
			strconv.Itoa(o.GOP), "-sc_threshold", "0", "-bf", strconv.Itoa(o.BFrames))
	}
	if o.Bitrate != "" {
		args = append(args, "-b:v", o.Bitrate)
	}
	args = append(args, "-pix_fmt", "yuv420p", "-video_track_timescale", "90000")
	switch o.Audio {
	case media.AAC:
		args = append(args, "-c:a", "aac", "-ac", "1", "-b:a", "64k")
	case media.PCMU:
		args = append(args, "-c:a", "pcm_mulaw", "-ac", "1", "-ar", "8000")
	case media.PCMA:
		args = append(args, "-c:a", "pcm_alaw", "-ac", "1", "-ar", "8000")
	case media.Opus:
		args = append(args, "-c:a", "libopus", "-ac", "2", "-f", "mp4")
	}
	return append(args, file)
}

// videoTrack takes the parameter sets from the decoder configuration box
// that ffmpeg wrote.
func videoTrack(t testing.TB, o *Options, raw []byte) media.Track {
	t.Helper()
	tr := media.Track{Codec: o.Codec, ClockRate: 90000, Width: o.Width, Height: o.Height, FrameRate: float64(o.FPS)}
	if o.Codec == media.H265 {
		i := bytes.Index(raw, []byte("hvcC"))
		if i < 0 {
			t.Fatal("ffmpeg wrote no hvcC")
		}
		p := raw[i+4+22:]
		arrays := int(p[0])
		p = p[1:]
		for range arrays {
			typ, n := p[0]&0x3f, int(binary.BigEndian.Uint16(p[1:]))
			p = p[3:]
			for range n {
				size := int(binary.BigEndian.Uint16(p))
				nal := slices.Clone(p[2 : 2+size])
				p = p[2+size:]
				switch typ {
				case 32:
					tr.VPS = nal
				case 33:
					tr.SPS = nal
				case 34:
					tr.PPS = nal
				}
			}
		}
		return tr
	}
	i := bytes.Index(raw, []byte("avcC"))
	if i < 0 {
		t.Fatal("ffmpeg wrote no avcC")
	}
	p := raw[i+4+6:]
	n := int(binary.BigEndian.Uint16(p))
	tr.SPS = slices.Clone(p[2 : 2+n])
	p = p[2+n+1:]
	n = int(binary.BigEndian.Uint16(p))
	tr.PPS = slices.Clone(p[2 : 2+n])
	return tr
}

func audioTrack(c media.Codec) media.Track {
	switch c {
	case media.AAC:
		return media.Track{Codec: c, ClockRate: 48000, SampleRate: 48000, Channels: 1, Config: []byte{0x11, 0x88}}
	case media.Opus:
		return media.Track{Codec: c, ClockRate: 48000, SampleRate: 48000, Channels: 2}
	}
	return media.Track{Codec: c, ClockRate: 8000, SampleRate: 8000, Channels: 1}
}

// units reads the packets that ffprobe finds in file.
func units(t testing.TB, run *media.Run, o *Options, raw []byte, file string) []*media.AccessUnit {
	t.Helper()
	out := Command(t, "ffprobe", "-v", "error", "-show_entries", "packet=stream_index,pts,dts,size,pos,flags", "-of", "csv=p=0", file)
	var list []*media.AccessUnit
	base := int64(0)
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if f[0] == "" { // side data
			continue
		}
		if len(f) < 6 {
			t.Fatalf("ffprobe said %q", line)
		}
		var n [5]int64
		for i := range n {
			v, err := strconv.ParseInt(f[i], 10, 64)
			if err != nil {
				t.Fatalf("ffprobe said %q", line)
			}
			n[i] = v
		}
		if len(list) == 0 && n[0] == 0 {
			base = n[2]
		}
		list = append(list, unit(run, o, int(n[0]), n[1], n[2], base, raw[n[4]:n[4]+n[3]], strings.HasPrefix(f[5], "K")))
	}
	slices.SortStableFunc(list, func(a, b *media.AccessUnit) int { return int(a.Wall - b.Wall) })
	return list
}

// unit puts one packet on the time line of the run: base, the first
// picture's DTS in the file, falls on o.Origin.
func unit(run *media.Run, o *Options, track int, pts, dts, base int64, sample []byte, key bool) *media.AccessUnit {
	rate := int64(run.Tracks[track].ClockRate)
	shift := (o.Origin - base) * rate / 90000
	u := &media.AccessUnit{Run: run, Track: track, PTS: pts + shift, DTS: dts + shift, Random: key, Size: len(sample)}
	u.Wall = o.RunStart + (u.DTS-o.Origin*rate/90000)*1_000_000/rate
	if track > 0 {
		u.Random, u.Payloads = true, [][]byte{sample}
		return u
	}
	c := run.Tracks[0].Codec
	media.SplitSample(sample, func(nal []byte) bool {
		u.Payloads = append(u.Payloads, Packets(c, nal, 1400)...)
		return true
	})
	u.Size = media.VideoSampleSize(c, u.Payloads)
	return u
}

// Packets returns nal as RTP payloads of at most limit bytes.
func Packets(c media.Codec, nal []byte, limit int) [][]byte {
	if len(nal) <= limit {
		return [][]byte{nal}
	}
	var out [][]byte
	head, body := []byte{nal[0]&0xe0 | 28, nal[0] & 0x1f}, nal[1:]
	if c == media.H265 {
		head, body = []byte{nal[0]&0x81 | 49<<1, nal[1], nal[0] >> 1 & 0x3f}, nal[2:]
	}
	for first := true; len(body) > 0; first = false {
		n := min(limit-len(head), len(body))
		p := append(slices.Clone(head), body[:n]...)
		body = body[n:]
		if first {
			p[len(head)-1] |= 0x80
		}
		if len(body) == 0 {
			p[len(head)-1] |= 0x40
		}
		out = append(out, p)
	}
	return out
}

// Command runs a program and returns its output; it fails t, with what the
// program said, if that fails.
func Command(t testing.TB, name string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}

// Warnings returns what ffprobe and ffmpeg have to say about a file at level
// warning while every frame of it is decoded; nothing, if it is clean.
func Warnings(t testing.TB, file string) string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "warning", "-show_format", "-show_streams", file).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	var said strings.Builder
	for _, args := range [][]string{
		{"-v", "warning", "-i", file},
		{"-v", "warning", "-i", file, "-map", "0", "-fps_mode", "passthrough", "-enc_time_base:v", "1:90000", "-f", "null", "-"},
	} {
		name := "ffmpeg"
		if len(args) == 4 {
			name = "ffprobe"
		}
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			fmt.Fprintf(&said, "%v: ", err)
		}
		said.Write(out)
	}
	return said.String()
}

// Frames returns how many pictures of file can be decoded.
func Frames(t testing.TB, file string) int {
	t.Helper()
	out := Command(t, "ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0",
		"-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", file)
	return Number(t, out)
}

// Number reads the one number that ffprobe said as csv.
func Number(t testing.TB, out string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(out), ","))
	if err != nil {
		t.Fatalf("ffprobe said %q", out)
	}
	return n
}
