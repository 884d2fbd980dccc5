package ingest

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"vedette/internal/testkit"
	"vedette/recorder/media"
)

func TestIndependentCameraIsReceived(t *testing.T) {
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	tests := []struct {
		path         string
		video, audio media.Codec
		reorders     bool
	}{
		{"h264-aac", media.H264, media.AAC, false},
		{"h264-latm", media.H264, 0, false}, // announced wrongly: see latmSource
		{"h264-pcmu", media.H264, media.PCMU, false},
		{"h264-pcma", media.H264, media.PCMA, false},
		{"h264-opus", media.H264, media.Opus, false},
		{"h264-bframes", media.H264, 0, true},
		{"h264-interlaced", media.H264, 0, false},
		{"h264-slices", media.H264, 0, false},
		{"h265", media.H265, 0, false},
		{"h265-aac", media.H265, media.AAC, false},
	}
	var all sync.WaitGroup // most of it is waiting
	defer all.Wait()
	for _, tt := range tests {
		all.Go(func() {
			t.Run(tt.path, func(t *testing.T) {
				rec := record(t, Options{URL: cam.URL(tt.path), Audio: true})
				us := rec.units(t, 40*time.Second, pictures(75))
				wellFormed(t, us)
				run := us[0].Run
				v := run.Tracks[0]
				if v.Codec != tt.video || v.Width != 640 || v.Height != 360 {
					t.Errorf("video track %+v", v)
				}
				if tt.audio == 0 && len(run.Tracks) != 1 {
					t.Errorf("tracks %+v, want video alone", run.Tracks)
				}
				if tt.audio != 0 {
					if i := run.Audio(); i < 0 || run.Tracks[i].Codec != tt.audio || count(us, i) < 12 {
						t.Errorf("tracks %+v with %d sounds", run.Tracks, count(us, 1))
					}
				}
				reordered := false
				for _, u := range us {
					if late := u.Received.UnixMicro() - u.Wall; late < -100_000 || late > 1_000_000 {
						t.Errorf("track %d: received %d µs after its wall time", u.Track, late)
					}
					if u.Lossy || u.Run != run {
						t.Fatal("a unit is lossy or of another run")
					}
					if u.Track == 0 {
						reordered = reordered || u.PTS != u.DTS
						if u.PTS < u.DTS {
							t.Errorf("shown at %d, decoded at %d", u.PTS, u.DTS)
						}
					}
				}
				if reordered != tt.reorders {
					t.Errorf("pictures reordered: %v, want %v", reordered, tt.reorders)
				}
				if tt.path == "h264-interlaced" {
					var sps h264.SPS
					if err := sps.Unmarshal(v.SPS); err != nil || sps.FrameMbsOnlyFlag {
						t.Errorf("the camera is not interlaced: %v", err)
					}
				}
				if n := decodable(t, us); n != count(us, 0) {
					t.Errorf("ffmpeg decodes %d of %d pictures", n, count(us, 0))
				}
			})
		})
	}
}

// decodable writes the video of us as an elementary stream and returns how
// many pictures ffprobe decodes from it; any complaint fails the test.
func decodable(t *testing.T, us []*media.AccessUnit) int {
	t.Helper()
	v := us[0].Run.Tracks[0]
	var b bytes.Buffer
	start := []byte{0, 0, 0, 1}
	for _, u := range us {
		if u.Track != 0 {
			continue
		}
		if u.Random {
			for _, set := range [][]byte{v.VPS, v.SPS, v.PPS} {
				if len(set) > 0 {
					b.Write(start)
					b.Write(set)
				}
			}
		}
		media.SplitSample(u.AppendSample(nil), func(nal []byte) bool {
			b.Write(start)
			b.Write(nal)
			return true
		})
	}
	file := filepath.Join(t.TempDir(), "out."+v.Codec.String())
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	format := map[media.Codec]string{media.H264: "h264", media.H265: "hevc"}[v.Codec]
	cmd := exec.Command("ffprobe", "-v", "warning", "-f", format, "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", file)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("ffprobe: %v\n%s", err, complaints.String())
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatalf("ffprobe says %q", out)
	}
	return n
}

func TestIndependentCameraWithDigest(t *testing.T) {
	t.Parallel()
	const canary = "kanarienvogel:/?#@"
	cam := testkit.StartCamera(t, testkit.CameraOptions{User: "admin", Password: canary})

	t.Run("the right password streams", func(t *testing.T) {
		rec := record(t, Options{URL: cam.URL("h264"), Username: "admin", Password: canary})
		rec.units(t, 15*time.Second, pictures(5))
	})
	t.Run("a wrong one is refused", func(t *testing.T) {
		var log bytes.Buffer
		o := Options{URL: cam.URL("h264"), Username: "admin", Password: canary + "x",
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		_, err := Probe(t.Context(), o)
		var f *Failure
		if !errors.As(err, &f) || f.Code != CodeUnauthorized {
			t.Errorf("Probe = %v", err)
		}
		if strings.Contains(log.String()+f.Detail+f.Reason, "kanarienvogel") {
			t.Error("the password is in the log or the failure")
		}
	})
}

func TestIndependentCameraWithoutRecordableVideo(t *testing.T) {
	t.Parallel()
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	tests := []struct {
		path   string
		code   Code
		reason string
	}{
		{"mjpeg", CodeUnsupported, "the camera sends MJPEG, which Vedette does not record: choose H.264 or H.265 in the camera"},
		{"audio", CodeNoVideo, "the camera offers no video on this stream"},
		{"nothing", CodeNotFound, "the camera has no stream at this path"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			_, err := Probe(t.Context(), Options{URL: cam.URL(tt.path), Audio: true})
			var f *Failure
			if !errors.As(err, &f) || f.Code != tt.code || f.Reason != tt.reason {
				t.Errorf("Probe = %#v", err)
			}
		})
	}
}

func TestCameraThatGoesAndComesBack(t *testing.T) {
	t.Parallel()
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	rec := record(t, Options{URL: cam.URL("h264")})
	first := rec.units(t, 15*time.Second, pictures(5))[0].Run
	cam.Stop()
	rec.waitState(t, 15*time.Second, func(s State) bool { return s.Phase == Offline })
	testkit.StartCamera(t, testkit.CameraOptions{Port: cam.Port()})
	st := rec.waitState(t, 20*time.Second, func(s State) bool { return s.Phase == Streaming && s.Run != first })
	if st.Run.ID <= first.ID {
		t.Errorf("run %d follows run %d", st.Run.ID, first.ID)
	}
}
