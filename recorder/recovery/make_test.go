package recovery

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"vedette/recorder/fmp4"
	"vedette/recorder/index"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

var (
	testSPS = []byte{0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xf0, 0x3c, 0x60, 0xc6, 0x58}
	testPPS = []byte{0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0}
)

var quiet = slog.New(slog.DiscardHandler)

// t0 is the start of the first segment, UTC ms.
const t0 int64 = 1795398400_123

// footage makes the bytes of a segment of parts of one second, and the
// offsets at which its header and parts end.
func footage(t testing.TB, n volume.Name, gap byte, parts int) (data []byte, ends []int) {
	t.Helper()
	return segmentOf(t, n, &fmp4.Header{Trusted: true, Gap: gap}, parts)
}

// bootID is that of the boot of untrusted segments.
var bootID = [16]byte{7}

// untrusted makes a segment of two parts, of a clock that counted from boot
// and was not trusted if wrong.
func untrusted(t testing.TB, n volume.Name, wrong bool) (data []byte, ends []int) {
	t.Helper()
	return segmentOf(t, n, &fmp4.Header{Trusted: !wrong, BootID: bootID, Mono: n.Start * 1000}, 2)
}

// segmentOf makes a segment whose header says of n what h does not.
func segmentOf(t testing.TB, n volume.Name, h *fmp4.Header, parts int) (data []byte, ends []int) {
	t.Helper()
	tracks := []media.Track{{Codec: media.H264, ClockRate: 90000, Width: 1920, Height: 1080, SPS: testSPS, PPS: testPPS}}
	run := &media.Run{ID: 1, Camera: n.Camera, Tracks: tracks}
	h.Camera, h.Stream, h.Run, h.Seq, h.Start, h.Tracks = n.Camera, media.Main, 1, n.Seq, n.Start*1000, tracks
	data, err := fmp4.AppendInit(nil, h)
	if err != nil {
		t.Fatal(err)
	}
	ends = append(ends, len(data))
	b := fmp4.NewBuilder(tracks, 0)
	for p := range parts {
		for f := range 5 {
			dts := int64(p*5+f) * 18000
			nal := []byte{0x41, byte(p), byte(f), 1, 2, 3, 4, 5}
			if f == 0 {
				nal[0] = 0x65
			}
			b.Add(&media.AccessUnit{Run: run, DTS: dts, PTS: dts, Wall: n.Start*1000 + dts*1000/90, Random: f == 0, Payloads: [][]byte{nal}, Size: len(nal) + 4})
		}
		part := b.Finish(uint32(p), int64(p+1)*90000)
		for _, buf := range part.Bufs {
			data = append(data, buf...)
		}
		part.Release()
		ends = append(ends, len(data))
	}
	return data, ends
}

// disk is a volume in a temporary directory.
type disk struct {
	volume.FS
	dir string
}

func newDisk(t testing.TB) *disk {
	t.Helper()
	dir := t.TempDir()
	v, err := volume.Open(dir, volume.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return &disk{v.FS(), dir}
}

func (d *disk) put(t testing.TB, path string, data []byte) {
	t.Helper()
	p := filepath.Join(d.dir, path)
	if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, data, 0o640); err != nil {
		t.Fatal(err)
	}
}

// closed puts a segment of parts seconds.
func (d *disk) closed(t testing.TB, camera string, start int64, seq uint32, parts int) volume.Name {
	t.Helper()
	n := volume.Name{Camera: camera, Start: start, Seq: seq, Duration: int64(parts) * 1000}
	data, _ := footage(t, n, 5, parts)
	n.Bytes = int64(len(data))
	d.put(t, n.Path(), data)
	return n
}

func (d *disk) recover(t testing.TB) (rows []index.Row, held int, r Report) {
	t.Helper()
	x, r, err := Recover(d.FS, d.index(), index.Options{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	rows = contents(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return rows, held, r
}

func (d *disk) index() string { return filepath.Join(d.dir, IndexName) }

func contents(t testing.TB, x *index.Index) (rows []index.Row) {
	t.Helper()
	if err := x.Range("", 0, 1<<60, func(r index.Row, _ bool) bool { rows = append(rows, r); return true }); err != nil {
		t.Fatal(err)
	}
	return rows
}

// files lists the volume without the index.
func (d *disk) files(t testing.TB) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(d.dir, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != IndexName && e.Name() != "volume.json" {
			rel, _ := filepath.Rel(d.dir, p)
			paths = append(paths, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return paths
}
