package sampler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/media"
)

func TestSnapshotsStandInForTheDecoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		photo := photo(t, 64, 48)
		var mu sync.Mutex
		var asked []time.Time
		answer, fail := photo, error(nil)
		st := perform(t, Options{FFmpeg: Off, Snapshot: func(ctx context.Context, camera string, profile media.StreamName) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			if camera != "door" || profile != media.Sub {
				t.Errorf("asked for %s %s", camera, profile)
			}
			asked = append(asked, time.Now())
			return answer, fail
		}}, "door")
		began := time.Now().UTC()
		st.Set([]Want{want("door", 2, 640, 0)})
		time.Sleep(2100 * time.Millisecond)
		synctest.Wait()
		got := st.is(t, "door", Sampling)
		f, err := st.Frame(t.Context(), "door", media.Sub, 0, 0)
		if err != nil || f.Width != 64 || f.Height != 48 || got.Frames != 5 || !f.Captured.Equal(began.Add(2*time.Second)) {
			t.Errorf("frame %+v, %v; state %+v", f, err, got)
		}
		for reason, set := range map[string]func(){
			"decoding is switched off, and the camera's snapshot: no password":                        func() { answer, fail = nil, errors.New("no password") },
			"decoding is switched off, and the camera's snapshot: what the camera answers is no JPEG": func() { answer, fail = []byte("<html>"), nil },
		} {
			mu.Lock()
			set()
			asked = nil
			mu.Unlock()
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := st.is(t, "door", Error); got.Reason != reason {
				t.Errorf("reason = %q, want %q", got.Reason, reason)
			}
			mu.Lock()
			if len(asked) > 8 {
				t.Errorf("a camera that fails was asked %d times in a minute", len(asked))
			}
			mu.Unlock()
		}
		mu.Lock()
		answer, fail = photo, nil
		mu.Unlock()
		time.Sleep(backoffMax + time.Second)
		synctest.Wait()
		st.is(t, "door", Sampling)
	})
}

func TestWithoutDecoderAndSnapshotsItSaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for program, reason := range map[string]string{
			Off:                   "decoding is switched off, and the camera offers no snapshots: install ffmpeg 5.1 or newer",
			"/nonexistent/ffmpeg": "ffmpeg is not installed, and the camera offers no snapshots: install ffmpeg 5.1 or newer",
		} {
			st := perform(t, Options{FFmpeg: program}, "door")
			st.Set([]Want{want("door", 5, 640, 0)})
			synctest.Wait()
			if got := st.is(t, "door", Error); got.Reason != reason {
				t.Errorf("reason = %q, want %q", got.Reason, reason)
			}
		}
	})
}
