package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// shortSegments makes rotation come within a test's patience.
const shortSegments = "[recording]\nsegment = \"5s\"\n"

// TestFootageOfARealCameraIsWhole records a camera server that is not our own
// stack and asks independent tools about every file: no warning from ffprobe,
// every frame decodes, the frames of consecutive files follow each other
// without a hole, and clip and HLS play.
func TestFootageOfARealCameraIsWhole(t *testing.T) {
	tests := []struct {
		name  string
		path  string
		video string
		audio string // "" = none expected
	}{
		{"H.264 with AAC", "h264-aac", "h264", "aac"},
		{"H.265", "h265", "hevc", ""},
		{"H.264 with G.711", "h264-pcmu", "h264", "pcm_mulaw"},
		{"H.264 with B-frames", "h264-bframes", "h264", ""},
	}
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	b := newBox(t, shortSegments)
	b.start()
	b.claim()
	for i, tt := range tests {
		b.call("POST", "/api/v1/cameras", map[string]any{"name": fmt.Sprintf("cam %d", i), "main_url": cam.URL(tt.path), "record": true, "audio": true}, http.StatusCreated, nil)
	}
	for i := range tests {
		b.waitState(fmt.Sprintf("cam-%d", i), "recording", 20*time.Second)
	}
	began := time.Now()
	b.eventually(60*time.Second, "rotated thrice", func() error {
		for i := range tests {
			if closed, _ := b.files(fmt.Sprintf("cam-%d", i)); len(closed) < 3 {
				return fmt.Errorf("cam-%d has %d closed files", i, len(closed))
			}
		}
		return nil
	})
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := fmt.Sprintf("cam-%d", i)
			closed, _ := b.files(id)
			checkFiles(t, closed, tt.video, tt.audio)
			checkPlayback(t, b, id, tt.video, began)
		})
	}
	if code := b.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("a clean stop exits with %d; log:\n%s", code, tail(b.log.String(), 30))
	}
	for i, tt := range tests {
		id := fmt.Sprintf("cam-%d", i)
		closed, open := b.files(id)
		if len(open) != 0 {
			t.Errorf("a clean stop left open files: %v", open)
		}
		checkFiles(t, closed, tt.video, tt.audio)
	}
	out := output(t, binary(t), "fsck", "--volume", filepath.Join(b.data, "footage-volume"))
	if !strings.Contains(out, "clean") {
		t.Errorf("fsck after a clean stop says %q", out)
	}
}

// probe is what ffprobe says of a file.
type probe struct {
	Streams []struct {
		CodecName string `json:"codec_name"`
		CodecType string `json:"codec_type"`
		NBRead    string `json:"nb_read_frames"`
	} `json:"streams"`
	Packets []struct {
		CodecType string `json:"codec_type"`
		PTS       string `json:"pts_time"`
		DTS       string `json:"dts_time"`
		Duration  string `json:"duration_time"`
	} `json:"packets"`
}

// checkFiles asks ffprobe about every file and holds the names against the
// contents: a file's packets last as long as its name says, and the next
// file's name begins where it ends.
func checkFiles(t *testing.T, files []string, video, audio string) {
	t.Helper()
	prevEnd := int64(0)
	for i, f := range files {
		// ffmpeg decodes every frame; -v warning and -xerror make any doubt an error.
		output(t, "ffmpeg", "-v", "warning", "-xerror", "-i", f, "-map", "0", "-f", "null", "-")
		var p probe
		raw := output(t, "ffprobe", "-v", "warning", "-show_streams", "-count_frames", "-show_packets", "-of", "json", f)
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		start, duration, bytes := nameFacts(t, f)
		checkStreams(t, f, p, video, audio, duration)
		if st, err := os.Stat(f); err != nil || st.Size() != bytes {
			t.Errorf("%s has %d bytes, %v", f, st.Size(), err)
		}
		if n := videoFrames(p); i < len(files)-1 && (n*frameMillis < duration-60 || n*frameMillis > duration+60) {
			t.Errorf("%s holds %d frames in %d ms: the camera sent one each %d ms", f, n, duration, frameMillis)
		}
		if got := videoSpan(p); i < len(files)-1 && (got < duration-60 || got > duration+60) {
			t.Errorf("%s holds %d ms of video, its name says %d", f, got, duration)
		}
		if i > 0 && start != prevEnd {
			t.Errorf("%s begins at %d, the file before ends at %d", f, start, prevEnd)
		}
		prevEnd = start + duration
	}
}

// checkStreams wants frames of every track; the last file of a stop may be too
// short for sound.
func checkStreams(t *testing.T, f string, p probe, video, audio string, duration int64) {
	t.Helper()
	found := map[string]string{}
	for _, s := range p.Streams {
		found[s.CodecType] = s.CodecName
		if n, _ := strconv.Atoi(s.NBRead); n == 0 && (s.CodecType == "video" || duration > 500) {
			t.Errorf("%s: no %s frame decodes", f, s.CodecType)
		}
	}
	if found["video"] != video || found["audio"] != audio {
		t.Errorf("%s holds %v, want %s and %q", f, found, video, audio)
	}
}

// frameMillis is the distance of the pictures that the camera server sends.
const frameMillis = 40

func videoFrames(p probe) (n int64) {
	for _, k := range p.Packets {
		if k.CodecType == "video" {
			n++
		}
	}
	return n
}

// videoSpan returns the milliseconds from the first video packet to the end
// of the last, and 0 if timestamps run backwards.
func videoSpan(p probe) int64 {
	first, end := -1.0, 0.0
	last := -1.0
	for _, k := range p.Packets {
		if k.CodecType != "video" {
			continue
		}
		dts, _ := strconv.ParseFloat(k.DTS, 64)
		dur, _ := strconv.ParseFloat(k.Duration, 64)
		if first < 0 {
			first = dts
		}
		if dts <= last {
			return 0
		}
		last, end = dts, dts+dur
	}
	return int64((end - first) * 1000)
}

// nameFacts parses <start>_<duration>_<bytes>_<seq>.mp4.
func nameFacts(t *testing.T, f string) (start, duration, bytes int64) {
	t.Helper()
	parts := strings.Split(strings.TrimSuffix(filepath.Base(f), ".mp4"), "_")
	if len(parts) != 4 {
		t.Fatalf("%s is not a segment name", f)
	}
	at, err := time.Parse("20060102T150405.000Z", parts[0])
	if err != nil {
		t.Fatalf("%s: %v", f, err)
	}
	duration, _ = strconv.ParseInt(parts[1], 10, 64)
	bytes, _ = strconv.ParseInt(parts[2], 10, 64)
	return at.UnixMilli(), duration, bytes
}

// checkPlayback asks for the last seconds back: timeline, clip, HLS, the key
// frame.
func checkPlayback(t *testing.T, b *box, id, video string, began time.Time) {
	t.Helper()
	tl := b.timeline(id, began.Add(-time.Minute), time.Now())
	if len(tl.Ranges) != 1 || len(tl.Gaps) != 0 {
		t.Fatalf("timeline %+v, want one range without gaps", tl)
	}
	from := tl.Ranges[0].Start.Add(3 * time.Second)
	to := from.Add(8 * time.Second) // crosses at least one file border
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	covered := b.download(fmt.Sprintf("/api/v1/cameras/%s/clip.mp4?from=%d&to=%d", id, from.UnixMilli(), to.UnixMilli()), clip).Get("X-Covered-Seconds")
	if s, err := strconv.ParseFloat(covered, 64); err != nil || s < 7.9 || s > 8.1 {
		t.Errorf("X-Covered-Seconds is %q, want 8", covered)
	}
	output(t, "ffmpeg", "-v", "warning", "-xerror", "-i", clip, "-f", "null", "-")
	length, _ := strconv.ParseFloat(strings.TrimSpace(output(t, "ffprobe", "-v", "warning", "-show_entries", "format=duration", "-of", "csv=p=0", clip)), 64)
	if length < 7.8 || length > 8.3 {
		t.Errorf("an 8 s clip lasts %.3f s", length)
	}
	hls := fmt.Sprintf("http://%s/api/v1/cameras/%s/hls/index.m3u8?from=%d&to=%d", b.addr, id, from.UnixMilli(), to.UnixMilli())
	frames := output(t, "ffprobe", "-v", "error", "-headers", "Cookie: "+b.cookies()+"\r\n", "-select_streams", "v",
		"-count_frames", "-show_entries", "stream=codec_name,nb_read_frames", "-of", "csv=p=0", hls)
	if name, n, _ := strings.Cut(strings.TrimSpace(firstLine(frames)), ","); name != video || len(n) < 2 {
		t.Errorf("HLS gives %q, want %s and dozens of frames", frames, video)
	}
	still := filepath.Join(t.TempDir(), "still.mp4")
	b.download(fmt.Sprintf("/api/v1/cameras/%s/snapshot.mp4?at=%d", id, from.UnixMilli()), still)
	if n := strings.TrimSpace(output(t, "ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", still)); n != "1" {
		t.Errorf("the snapshot holds %s frames, want 1", n)
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// download saves a GET to a file and returns the answer's header.
func (b *box) download(path, file string) http.Header {
	b.t.Helper()
	resp, err := b.client.Get("http://" + b.addr + path)
	if err != nil {
		b.t.Fatalf("GET %s: %v", path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s: %s, %v: %.300s", path, resp.Status, err, raw)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		b.t.Fatal(err)
	}
	return resp.Header
}
