package box

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

func mp4Box(typ string, bodies ...[]byte) []byte {
	b := append(make([]byte, 4, 64), typ...)
	for _, body := range bodies {
		b = append(b, body...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

func words(w ...uint32) (b []byte) {
	for _, x := range w {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

// trackBox is a track with the id, of a handler.
func trackBox(id uint32, handler string) []byte {
	return mp4Box("trak",
		mp4Box("tkhd", words(0, 0, 0, id, 0)),
		mp4Box("mdia", mp4Box("hdlr", words(0, 0), []byte(handler), words(0))))
}

// fragmentBoxes has two pictures of 100 and 50 bytes with durations, and three
// sounds of 10 bytes each that only tfhd tells the size of; rest more bytes are in mdat.
func fragmentBoxes(rest int) []byte {
	moof := mp4Box("moof", mp4Box("mfhd", words(0, 1)),
		mp4Box("traf",
			mp4Box("tfhd", words(0x20008, 1, 3600)),
			mp4Box("trun", words(0x1|0x4|0x100|0x200|0x800, 2, 0, 0, 3600, 100, 0, 3600, 50, 0))),
		mp4Box("traf",
			mp4Box("tfhd", words(0x20018, 2, 1024, 10)),
			mp4Box("trun", words(0x1, 3, 0))))
	return append(moof, mp4Box("mdat", make([]byte, 180+rest))...)
}

func TestCounterTellsMediaFromWhatIsAroundIt(t *testing.T) {
	head := append(mp4Box("ftyp", words(0)), mp4Box("moov", trackBox(1, "vide"), trackBox(2, "soun"))...)
	part := fragmentBoxes(0)
	whole := append(append([]byte{}, head...), part...)
	tests := []struct {
		name string
		file []byte
		want Footage
	}{
		{"a header alone", head, Footage{Container: int64(len(head))}},
		{"one part", whole, Footage{Media: 180, Pictures: 2, Container: int64(len(whole) - 180)}},
		{"half a part does not count its media", whole[:len(whole)-1], Footage{Container: int64(len(whole) - 188)}},
		{"bytes that no sample refers to are padding", append(append([]byte{}, head...), fragmentBoxes(20)...),
			Footage{Media: 180, Pictures: 2, Padding: 20, Container: int64(len(whole) - 180)}},
		{"free boxes are padding", append(append([]byte{}, whole...), mp4Box("free", make([]byte, 92))...),
			Footage{Media: 180, Pictures: 2, Padding: 100, Container: int64(len(whole) - 180)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "a.mp4"), tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := NewCounter(dir).Count(); got != tt.want || err != nil {
				t.Errorf("Count = %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestCounterGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.part")
	head := mp4Box("moov", trackBox(1, "vide"))
	part := fragmentBoxes(0)
	all := append(append(append([]byte{}, head...), part...), part...)
	c := NewCounter(dir)
	for n := range all {
		// In place, as a recorder would: the same inode.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(all[n : n+1]); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if _, err := c.Count(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(path, filepath.Join(dir, "b.mp4")); err != nil {
		t.Fatal(err)
	}
	want := Footage{Media: 360, Pictures: 4, Container: int64(len(all) - 360)}
	if got, err := c.Count(); got != want || err != nil {
		t.Errorf("Count = %+v, %v, want %+v", got, err, want)
	}
}
