package sampler

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"testing"
	"testing/iotest"
)

// photo returns a JPEG of some noise.
func photo(t testing.TB, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		img.Set(i%width, i/width, color.RGBA{uint8(i * 7), uint8(i * 131), uint8(i >> 3), 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPicturesAreTakenApart(t *testing.T) {
	a, b := photo(t, 64, 48), photo(t, 320, 180)
	for _, one := range []bool{false, true} {
		r := io.Reader(bytes.NewReader(bytes.Join([][]byte{a, b, a}, nil)))
		if one {
			r = iotest.OneByteReader(r)
		}
		p := newPictures(r)
		var first []byte
		for i, w := range [][]byte{a, b, a} {
			data, width, height, err := p.next()
			if err != nil || !bytes.Equal(data, w) {
				t.Fatalf("picture %d: %d bytes, want %d; %v", i, len(data), len(w), err)
			}
			if first == nil {
				first = data
			} else if !bytes.Equal(first, a) {
				t.Fatal("a picture changed when the next was read")
			}
			if cfg, _ := jpeg.DecodeConfig(bytes.NewReader(w)); cfg.Width != width || cfg.Height != height {
				t.Errorf("picture %d is %d×%d, want %d×%d", i, width, height, cfg.Width, cfg.Height)
			}
		}
		if _, _, _, err := p.next(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v, want io.EOF", err)
		}
	}
}

func TestMarkersInsideCodedDataDoNotEndAPicture(t *testing.T) {
	one := []byte{0xff, 0xd8, 0xff, 0xc0, 0, 8, 8, 0, 3, 0, 5, 1, // 5×3
		0xff, 0xda, 0, 2, 1, 0xff, 0, 2, 0xff, 0xd0, 3, 0xff, 0xd7, 4, 0xff, 0xff, 0xd9}
	p := newPictures(bytes.NewReader(append(bytes.Clone(one), one...)))
	for range 2 {
		if data, width, height, err := p.next(); !bytes.Equal(data, one) || width != 5 || height != 3 {
			t.Errorf("%x, %d×%d, %v", data, width, height, err)
		}
	}
}

func TestPicturesRefuseWhatIsNone(t *testing.T) {
	good := photo(t, 64, 48)
	long := append([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, make([]byte, maxPicture)...)
	comments := []byte{0xff, 0xd8}
	for len(comments) <= maxPicture {
		comments = append(append(comments, 0xff, 0xfe, 0xff, 0xff), make([]byte, 0xfffd)...)
	}
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"zeros", make([]byte, 100), errNotJPEG},
		{"text", []byte("frame= 1 fps=0.0"), errNotJPEG},
		{"a picture that ends too early", good[:len(good)-1], io.ErrUnexpectedEOF},
		{"half a beginning", []byte{0xff}, io.ErrUnexpectedEOF},
		{"nothing but a beginning and an end", []byte{0xff, 0xd8, 0xff, 0xd9}, errNotJPEG},
		{"a second beginning inside", []byte{0xff, 0xd8, 0xff, 0xd8}, errNotJPEG},
		{"a segment shorter than its length", []byte{0xff, 0xd8, 0xff, 0xfe, 0, 1}, errNotJPEG},
		{"a frame header that is too short", []byte{0xff, 0xd8, 0xff, 0xc0, 0, 4, 8, 0}, errNotJPEG},
		{"garbage between segments", []byte{0xff, 0xd8, 1, 2}, errNotJPEG},
		{"no coded data", []byte{0xff, 0xd8, 0xff, 0xc0, 0, 8, 8, 0, 3, 0, 5, 1, 0xff, 0xd9}, errNotJPEG},
		{"no frame header", []byte{0xff, 0xd8, 0xff, 0xda, 0, 2, 1, 0xff, 0xd9}, errNotJPEG},
		{"coded data without an end", long, errTooLong},
		{"comments without an end", comments, errTooLong},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			data, _, _, err := newPictures(bytes.NewReader(c.data)).next()
			if !errors.Is(err, c.want) || data != nil {
				t.Errorf("got %d bytes, %v; want %v", len(data), err, c.want)
			}
		})
	}
}

func FuzzPictures(f *testing.F) {
	good := photo(f, 16, 16)
	f.Add(good)
	f.Add(append(bytes.Clone(good), good...))
	f.Add(good[:len(good)/2])
	f.Add([]byte{0xff, 0xd8, 0xff, 0xff, 0xff, 0xc0, 0, 8, 8, 0, 1, 0, 1, 1, 0xff, 0xda, 0, 2, 0xff, 0, 0xff, 0xd0, 0xff, 0xd9})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, at := newPictures(bytes.NewReader(b)), 0
		for {
			data, width, height, err := p.next()
			if err != nil {
				return
			}
			if width <= 0 || height <= 0 || !bytes.Equal(data, b[at:at+len(data)]) {
				t.Fatalf("%d×%d, %d bytes at %d are not what was there", width, height, len(data), at)
			}
			if w, h, err := measure(data); err != nil || w != width || h != height {
				t.Fatalf("measured alone it is %d×%d, %v", w, h, err)
			}
			at += len(data)
		}
	})
}
