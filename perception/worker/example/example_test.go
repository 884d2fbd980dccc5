package example

import (
	"encoding/json"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vedette/perception/worker"
)

func look(t *testing.T, d *Detector, task string, frame []byte) []worker.Detection {
	t.Helper()
	got, event, err := d.Handle(t.Context(), worker.Frame{Task: worker.Task{ID: task}, JPEG: frame})
	if err != nil || event != nil {
		t.Fatalf("Handle = %v, %v", event, err)
	}
	return got
}

func TestTheSquareIsFoundWhereItIs(t *testing.T) {
	d := New()
	found, others, tracks := 0, 0, []string{}
	for n := 0; n < 500; n += 5 { // five times across
		from, to := square(n)
		for _, one := range look(t, d, "t", encoded(t, scene(n), 80)) {
			b := *one.Box
			if math.Abs(b[1]-120./180) > 0.01 || math.Abs(b[3]-30./180) > 0.03 {
				others++
				continue
			}
			found++
			if x0, x1 := float64(max(from, 0))/320, float64(min(to, 320))/320; math.Abs(b[0]-x0) > 8./320 || math.Abs(b[0]+b[2]-x1) > 8./320 {
				t.Errorf("picture %d: from %.3f to %.3f, want %.3f to %.3f", n, b[0], b[0]+b[2], x0, x1)
			}
			if one.Label != "block" || *one.Confidence < 0.5 || *one.Confidence > 1 {
				t.Errorf("picture %d: %s, %v", n, one.Label, *one.Confidence)
			}
			if !slices.Contains(tracks, one.Track) {
				tracks = append(tracks, one.Track)
			}
		}
	}
	if found < 60 || others > 5 {
		t.Errorf("found %d times in 100 pictures, and %d other things", found, others)
	}
	if len(tracks) != 5 {
		t.Errorf("five times across are the tracks %v", tracks)
	}
}

func TestADarkSquareIsOneToo(t *testing.T) {
	d, found := New(), 0
	for n := 0; n < 100; n += 5 {
		img := scene(n).(*image.YCbCr)
		for i, v := range img.Y {
			img.Y[i] = 255 - v
		}
		for _, one := range look(t, d, "t", encoded(t, img, 80)) {
			if math.Abs(one.Box[1]-120./180) < 0.01 {
				found++
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d times in 20 pictures", found)
	}
}

func TestWhatStandsStillOrFlickersIsNothing(t *testing.T) {
	d := New()
	for range 30 {
		if got := look(t, d, "still", encoded(t, scene(300), 80)); len(got) != 0 {
			t.Fatalf("in a still picture there is %+v", got)
		}
	}
	for n := range 30 {
		if got := look(t, d, "flicker", encoded(t, scene(300+700*(n%2)), 80)); len(got) != 0 {
			t.Fatalf("in a picture that flickers there is %+v", got)
		}
	}
}

func TestTasksDoNotMeet(t *testing.T) {
	d, alone := New(), New()
	for n := 0; n < 100; n += 5 {
		frame := encoded(t, scene(n), 80)
		want := look(t, alone, "t", frame)
		got := look(t, d, "t", frame)
		look(t, d, "other", encoded(t, scene(n*3), 80))
		if g, w := toJSON(t, got), toJSON(t, want); g != w {
			t.Fatalf("picture %d: %s, want %s", n, g, w)
		}
	}
}

func TestAPictureOfAnotherSizeBeginsAnew(t *testing.T) {
	d := New()
	for n := 0; n < 60; n += 5 {
		look(t, d, "t", encoded(t, scene(n), 80))
	}
	for range 6 {
		if got := look(t, d, "t", encoded(t, noise(400, 180), 80)); len(got) != 0 {
			t.Fatalf("there is %+v", got)
		}
	}
}

func TestTheLabelComesFromTheConfig(t *testing.T) {
	for config, want := range map[string]string{`{"label":"person"}`: "person", `{}`: "block", `{"label":7}`: "block", ``: "block"} {
		d := New()
		last := []worker.Detection{}
		for n := 20; n < 70; n += 5 {
			got, _, err := d.Handle(t.Context(), worker.Frame{Task: worker.Task{ID: "t", Config: json.RawMessage(config)}, JPEG: encoded(t, scene(n), 80)})
			if err != nil {
				t.Fatal(err)
			}
			last = got
		}
		if len(last) != 1 || last[0].Label != want {
			t.Errorf("with %q: %+v, want a %s", config, last, want)
		}
	}
}

func TestWhatIsNoPictureIsAnError(t *testing.T) {
	good := encoded(t, scene(0), 80)
	// A header that says 65,500 by 65,500 pixels, in a few bytes.
	i := strings.Index(string(good), "\xff\xc0")
	huge := slices.Clone(good)
	copy(huge[i+5:], []byte{0xff, 0xdc, 0xff, 0xdc})
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "half": good[:len(good)/2], "huge": huge} {
		got, _, err := New().Handle(t.Context(), worker.Frame{JPEG: data})
		if err == nil || got != nil || name == "huge" != strings.Contains(err.Error(), "too many") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// pythonSays has the worker in Python look at pictures, one after the other. It
// returns the cells of each and what was seen, or the error.
func pythonSays(t *testing.T, pictures [][]byte) (out []struct {
	Cells []int
	Seen  []worker.Detection
	Error string
}) {
	t.Helper()
	python, dir := tool(t, "python3"), t.TempDir()
	for i, p := range pictures {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i/26/26%26))+string(rune('a'+i/26%26))+string(rune('a'+i%26))), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	home, err := filepath.Abs("../../../examples/worker-python")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-B", "-c", `
import json, os, sys
sys.path.insert(0, sys.argv[1])
import worker
d, out = worker.Detector(), []
for name in sorted(os.listdir(sys.argv[2])):
    data = open(os.path.join(sys.argv[2], name), "rb").read()
    try:
        seen = d.handle(worker.Frame({"id": "t"}, data, 1, "", None))
        out.append({"cells": worker.JPEG(data).cells, "seen": seen})
    except worker.JPEGError as e:
        out.append({"error": str(e)})
json.dump(out, sys.stdout)
`, home, dir)
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil {
		t.Fatalf("python: %v", err)
	}
	if err := json.Unmarshal(data, &out); err != nil || len(out) != len(pictures) {
		t.Fatalf("python said %d things of %d pictures: %v", len(out), len(pictures), err)
	}
	return out
}

// agree compares both detectors over the same pictures.
func agree(t *testing.T, pictures [][]byte) (seen int) {
	t.Helper()
	d := New()
	for i, p := range pythonSays(t, pictures) {
		g, err := read(pictures[i])
		if err != nil || p.Error != "" {
			t.Fatalf("picture %d: %v, %s", i, err, p.Error)
		}
		if len(p.Cells) != len(g.cells) {
			t.Fatalf("picture %d: %d cells, want %d", i, len(p.Cells), len(g.cells))
		}
		for j, v := range p.Cells {
			// At the edge the coder made up what is outside; and a picture
			// clips what a coefficient does not.
			inside := (j%g.cols+1)*8 <= g.width && (j/g.cols+1)*8 <= g.height
			if diff := v - g.cells[j]; inside && (diff < -8 || diff > 8) {
				t.Fatalf("picture %d, cell %d: %d, want %d", i, j, v, g.cells[j])
			}
		}
		want := look(t, d, "t", pictures[i])
		if len(want) != len(p.Seen) {
			t.Fatalf("picture %d: python sees %s, Go %s", i, toJSON(t, p.Seen), toJSON(t, want))
		}
		for k, w := range want {
			seen++
			got := p.Seen[k]
			for c := range w.Box {
				if math.Abs(got.Box[c]-w.Box[c]) > 8.5/180 {
					t.Errorf("picture %d: python sees %s, Go %s", i, toJSON(t, got), toJSON(t, w))
				}
			}
			if got.Track != w.Track || got.Label != w.Label {
				t.Errorf("picture %d: python says %s, Go %s", i, toJSON(t, got), toJSON(t, w))
			}
		}
	}
	return seen
}

func TestThePythonWorkerSeesTheSame(t *testing.T) {
	var pictures [][]byte
	for n := 0; n < 200; n += 5 {
		pictures = append(pictures, encoded(t, scene(n), 80))
	}
	if seen := agree(t, pictures); seen < 20 {
		t.Errorf("both see only %d blocks", seen)
	}
}

// TestBothReadWhatTheSamplerMakes takes ffmpeg's own pictures of the simulated
// camera, in the forms that its coder has.
func TestBothReadWhatTheSamplerMakes(t *testing.T) {
	ffmpeg := tool(t, "ffmpeg")
	for name, args := range map[string][]string{
		"as it comes":         {"-vf", "fps=5", "-q:v", "5"},
		"narrower, and 4:4:4": {"-vf", "fps=5,scale=322:-2", "-pix_fmt", "yuvj444p", "-q:v", "3"},
		"4:2:2, poor":         {"-vf", "fps=5,scale=320:-2", "-pix_fmt", "yuvj422p", "-q:v", "20"},
		"fixed tables":        {"-vf", "fps=5,scale=320:-2", "-huffman", "default", "-q:v", "2"},
		"in slices":           {"-vf", "fps=5,scale=320:-2", "-threads", "2", "-slices", "4", "-q:v", "5"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := slices.Concat([]string{"-v", "error", "-i", "../../../internal/simcam/clip/clip.h264", "-t", "5"}, args, []string{"-c:v", "mjpeg", filepath.Join(dir, "%03d.jpg")})
			if out, err := exec.CommandContext(t.Context(), ffmpeg, args...).CombinedOutput(); err != nil {
				t.Fatalf("ffmpeg: %v\n%s", err, out)
			}
			names, _ := filepath.Glob(filepath.Join(dir, "*.jpg"))
			slices.Sort(names)
			var pictures [][]byte
			for _, n := range names {
				p, err := os.ReadFile(n)
				if err != nil {
					t.Fatal(err)
				}
				pictures = append(pictures, p)
			}
			if len(pictures) < 24 {
				t.Fatalf("ffmpeg made %d pictures", len(pictures))
			}
			if seen := agree(t, pictures); seen < 8 {
				t.Errorf("in %d pictures both see only %d blocks", len(pictures), seen)
			}
		})
	}
}

// TestThePythonWorkerSurvivesAnyBytes damages pictures: each is read or
// refused, and nothing else happens.
func TestThePythonWorkerSurvivesAnyBytes(t *testing.T) {
	good := encoded(t, noise(61, 43), 90)
	pictures := [][]byte{{}, []byte("hello"), encoded(t, noise(8, 8), 50), encoded(t, noise(9, 7), 50)}
	sound := len(pictures)
	for i := 0; i < len(good); i += 7 {
		pictures = append(pictures, good[:i])
		bad := slices.Clone(good)
		bad[i] ^= byte(1 << (i % 8))
		pictures = append(pictures, bad)
		bad = slices.Clone(good)
		bad[i] = 0xff
		pictures = append(pictures, bad)
	}
	refused := 0
	for i, p := range pythonSays(t, pictures) {
		if p.Error != "" {
			refused++
		}
		if i >= 2 && i < sound && p.Error != "" {
			t.Errorf("picture %d is sound: %s", i, p.Error)
		}
	}
	if refused < len(pictures)/3 {
		t.Errorf("of %d damaged pictures %d are refused", len(pictures), refused)
	}
}

func BenchmarkHandle(b *testing.B) {
	d := New()
	var frames [][]byte
	for n := range 20 {
		frames = append(frames, encoded(b, scene(n*5), 80))
	}
	i := 0
	for b.Loop() {
		i++
		if _, _, err := d.Handle(b.Context(), worker.Frame{JPEG: frames[i%len(frames)]}); err != nil {
			b.Fatal(err)
		}
	}
}
