package example

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os/exec"
	"testing"

	"vedette/internal/testkit"
)

// scene draws the picture of the simulated camera at half its size, without
// its words: a quiet gradient, a square that crosses at 3.5 pixels a picture,
// and a row of blocks at the bottom that flicker.
func scene(n int) image.Image {
	img := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	x0, x1 := square(n)
	for y := range 180 {
		for x := range 320 {
			v := 50 + x/8 + y/5
			switch {
			case y >= 160 && n>>(x/20)&1 == 1:
				v = 235
			case y >= 160:
				v = 16
			case y >= 120 && y < 150 && x >= x0 && x < x1:
				v = 200
			}
			img.Y[y*img.YStride+x] = uint8(v)
		}
	}
	return img
}

// square returns where the square of picture n begins and ends, in pixels from
// the left; part of it may be outside.
func square(n int) (from, to int) {
	from = n*7%700/2 - 30
	return from, from + 30
}

func encoded(t testing.TB, img image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noise is a grey picture of every brightness, of an odd size.
func noise(w, h int) image.Image {
	r := rand.New(rand.NewPCG(1, uint64(w)))
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetGray(x, y, color.Gray{Y: uint8(60 + 100*x/w + r.IntN(60))})
		}
	}
	return img
}

// tool returns the path of a program that a test needs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testkit.Lacking(t, "this test needs "+name)
	}
	return path
}
