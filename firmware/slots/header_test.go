package slots

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// image is the beginning of a slot image whose squashfs has size bytes.
func image(t testing.TB, size int64, vars ...string) []byte {
	t.Helper()
	at := (size + 4095) / 4096 * 4096
	b := make([]byte, at+512)
	copy(b, "hsqs")
	binary.LittleEndian.PutUint64(b[40:], uint64(size))
	copy(b[at:], block(t, vars...))
	return b
}

var header = []string{"fit_blocks=0x9", "version=v1.2.3-4-gabcdef0", "board=rock5b"}

func TestTheHeaderOfAnImageIsRead(t *testing.T) {
	tests := []struct{ size, fit int64 }{{96, 8192}, {4095, 8192}, {4096, 8192}, {4097, 12288}, {100_000, 106_496}}
	for _, tt := range tests {
		got, err := ReadHeader(bytes.NewReader(image(t, tt.size, append(header, "more=x")...)))
		want := Header{Version: "v1.2.3-4-gabcdef0", Board: "rock5b", FIT: tt.fit, FITBytes: 9 * 512, Bytes: tt.fit + 8192}
		if err != nil || got != want {
			t.Errorf("squashfs of %d bytes: %+v, %v, want %+v", tt.size, got, err, want)
		}
	}
}

func TestWhatIsNoImageIsRefused(t *testing.T) {
	change := func(at int, value byte) []byte {
		b := image(t, 5000, header...)
		b[at] = value
		return b
	}
	said := func(vars ...string) []byte { return image(t, 5000, vars...) }
	good := said(header...)
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint64(huge[40:], 1<<63|5000)
	tests := []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"zeros", make([]byte, 1<<16)},
		{"another magic", change(0, 's')},
		{"a squashfs smaller than its superblock", image(t, 95, header...)},
		{"a squashfs of eight exabytes", huge},
		{"cut in the superblock", good[:95]},
		{"cut before the header", good[:8192]},
		{"cut in the header", good[:8192+511]},
		{"a flipped bit in the header", change(8192+20, 0)},
		{"no blocks", said(header[1:]...)},
		{"no version", said(header[0], header[2])},
		{"no board", said(header[:2]...)},
		{"two boards", said(append(header, "board=rpi4")...)},
		{"an empty board", said(header[0], header[1], "board=")},
		{"a version with a control character", said(header[0], "version=\x1b[2J", header[2])},
		{"a version that is too long", said(header[0], "version="+strings.Repeat("v", 129), header[2])},
		{"no kernel", said("fit_blocks=0x0", header[1], header[2])},
		{"decimal blocks", said("fit_blocks=9", header[1], header[2])},
		{"negative blocks", said("fit_blocks=0x-9", header[1], header[2])},
		{"a kernel larger than the slot", said(fmt.Sprintf("fit_blocks=0x%x", 256<<20/512), header[1], header[2])},
		{"a kernel larger than anything", said("fit_blocks=0xffffffffffffffff", header[1], header[2])},
	}
	for _, tt := range tests {
		if h, err := ReadHeader(bytes.NewReader(tt.b)); !errors.Is(err, ErrImage) {
			t.Errorf("%s: %+v, %v, want ErrImage", tt.name, h, err)
		}
	}
	if _, err := ReadHeader(sick{newCard(1), 0}); err == nil || errors.Is(err, ErrImage) {
		t.Errorf("a slot that cannot be read: %v", err)
	}
}

func FuzzReadHeader(f *testing.F) {
	f.Add(image(f, 5000, header...))
	f.Add(image(f, 96, header...)[:200])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHeader(bytes.NewReader(b))
		if err == nil && (h.Bytes <= h.FIT || h.Bytes > MaxImageBytes || h.FITBytes <= 0 || h.Version == "" || h.Board == "") {
			t.Errorf("%+v", h)
		}
	})
}
