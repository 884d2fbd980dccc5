package playback

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

func TestPlayersPlayThePlaylist(t *testing.T) {
	tests := []struct {
		name string
		fill func(t *testing.T, s *shelf)
		want int // pictures
	}{
		{"one run", func(t *testing.T, s *shelf) {
			s.record(t, fmp4test.Options{Audio: media.AAC, Seconds: 12}, segment.None)
		}, 300},
		{"with a gap", func(t *testing.T, s *shelf) {
			s.record(t, fmp4test.Options{Audio: media.AAC}, segment.None)
			s.record(t, fmp4test.Options{Audio: media.AAC, RunStart: fmp4test.Start + 9_000_000}, segment.Camera)
		}, 200},
		{"with a change of size", func(t *testing.T, s *shelf) {
			s.record(t, fmp4test.Options{}, segment.None)
			s.record(t, fmp4test.Options{Width: 640, Height: 360, RunStart: fmp4test.Start + 4_000_000}, segment.None)
		}, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf(t)
			tt.fill(t, s)
			list, err := New(s).HLS(t.Context(), "door", start, start+20_000, func(r Row) string { return "file://" + s.path(r) })
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(list), "#EXT-X-DISCONTINUITY\n"); n != len(s.rows)-1 {
				t.Errorf("%d discontinuities between %d files", n, len(s.rows))
			}
			got := 0
			for _, part := range eachFile(string(list)) {
				got += played(t, part)
			}
			if got != tt.want {
				t.Errorf("%d pictures, want %d\n%s", got, tt.want, list)
			}
			// ffmpeg goes through a discontinuity of fragmented MP4, but hides
			// the part that follows it: 20 pictures here.
			if got := played(t, string(list)); got < tt.want-20*(len(s.rows)-1) {
				t.Errorf("%d pictures of the whole playlist, want %d\n%s", got, tt.want, list)
			}
		})
	}
}

// eachFile returns a playlist for each stretch between discontinuities.
func eachFile(list string) (out []string) {
	head, rest, _ := strings.Cut(list, "#EXT-X-MAP")
	rest = strings.TrimSuffix("#EXT-X-MAP"+rest, "#EXT-X-ENDLIST\n")
	for _, stretch := range strings.Split(rest, "#EXT-X-DISCONTINUITY\n") {
		out = append(out, head+stretch+"#EXT-X-ENDLIST\n")
	}
	return out
}

// played returns how many pictures ffprobe decodes of a playlist.
func played(t *testing.T, list string) int {
	t.Helper()
	name := filepath.Join(t.TempDir(), "index.m3u8")
	if err := os.WriteFile(name, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	out := fmp4test.Command(t, "ffprobe", "-v", "error", "-protocol_whitelist", "file,crypto,data", "-allowed_extensions", "ALL",
		"-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", name)
	first, _, _ := strings.Cut(out, "\n") // ffprobe says it for the program and for the stream
	return fmp4test.Number(t, first)
}

func TestAPlaylistHoldsTheRangeFromKeyFrameToKeyFrame(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Seconds: 12, GOP: 20}, segment.None) // key frames fall on parts' beginnings
	list, err := New(s).HLS(t.Context(), "door", start+4500, start+7000, func(r Row) string { return "../segments/" + r.ID + "/media.mp4" })
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(list), "\n")
	want := []string{
		"#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD",
		"#EXT-X-INDEPENDENT-SEGMENTS",
		`#EXT-X-MAP:URI="../segments/1795464004000-test/media.mp4",BYTERANGE="`,
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:00:04.000Z", "#EXTINF:4.000,", "#EXT-X-BYTERANGE:",
		"../segments/1795464004000-test/media.mp4", "#EXT-X-ENDLIST", "",
	}
	if len(lines) != len(want) {
		t.Fatalf("playlist has %d lines, want %d:\n%s", len(lines), len(want), list)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want[i])
		}
	}
	if _, err := New(s).HLS(t.Context(), "door", start+50_000, start+60_000, nil); !errors.Is(err, ErrNoFootage) {
		t.Errorf("HLS of nothing = %v, want ErrNoFootage", err)
	}
}
