package blocklog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

const diskSize = 16 * Sector

// builder makes a log as QEMU does.
type builder struct{ bytes.Buffer }

func newBuilder() *builder {
	b := &builder{}
	super := make([]byte, Sector)
	binary.LittleEndian.PutUint64(super, superMagic)
	binary.LittleEndian.PutUint64(super[8:], superVersion)
	binary.LittleEndian.PutUint64(super[16:], 1) // stale, as after a kill
	binary.LittleEndian.PutUint32(super[24:], Sector)
	b.Buffer.Write(super)
	return b
}

func (b *builder) entry(sector, count, flags uint64, data []byte) {
	head := make([]byte, Sector)
	binary.LittleEndian.PutUint64(head, sector)
	binary.LittleEndian.PutUint64(head[8:], count)
	binary.LittleEndian.PutUint64(head[16:], flags)
	b.Buffer.Write(head)
	b.Buffer.Write(data)
}

func fill(v byte, sectors int) []byte { return bytes.Repeat([]byte{v}, sectors*Sector) }

// sample is two writes, a flush, and two writes that nothing flushed.
func sample() *builder {
	b := newBuilder()
	b.entry(1, 2, 0, fill('a', 2))
	b.entry(2, 1, 0, fill('b', 1))
	b.entry(0, 0, flagFlush, nil)
	b.entry(8, 2, flagDiscard, nil)
	b.entry(4, 3, 0, fill('c', 3))
	b.entry(4, 1, 0, fill('d', 1))
	return b
}

func TestALogIsWalkedToItsEnd(t *testing.T) {
	log := sample().Bytes()
	entries, err := Read(bytes.NewReader(log), int64(len(log)), diskSize)
	if err != nil || len(entries) != 6 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if !entries[2].Flush || entries[2].Write() || !entries[3].Discard || entries[3].Write() {
		t.Errorf("flush %+v, discard %+v", entries[2], entries[3])
	}
	if e := entries[4]; e.Offset != 4*Sector || e.Length != 3*Sector || log[e.Data] != 'c' {
		t.Errorf("a write: %+v", e)
	}
}

func TestALogThatWasCutShort(t *testing.T) {
	log := sample().Bytes()
	tests := []struct {
		name string
		log  []byte
		want int
	}{
		{"in the data of the last entry", log[:len(log)-1], 5},
		{"in the head of the last entry", log[:len(log)-2*Sector+8], 5},
		{"zeros behind it", append(slices.Clone(log), make([]byte, 3*Sector)...), 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries, err := Read(bytes.NewReader(tt.log), int64(len(tt.log)), diskSize)
			if err != nil || len(entries) != tt.want {
				t.Errorf("%d entries, %v; want %d", len(entries), err, tt.want)
			}
		})
	}
}

func TestWhatIsNoLogIsRefused(t *testing.T) {
	tests := []struct {
		name string
		do   func(b []byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"another magic", func(b []byte) []byte { b[0]++; return b }},
		{"another version", func(b []byte) []byte { b[8]++; return b }},
		{"sectors of no size", func(b []byte) []byte { clear(b[24:28]); return b }},
		{"flags nobody knows", func(b []byte) []byte { b[Sector+18] = 1; return b }},
		{"a write beyond the disk", func(b []byte) []byte { b[Sector] = 15; return b }},
		{"a write that wraps around", func(b []byte) []byte { copy(b[Sector:], bytes.Repeat([]byte{0xff}, 16)); return b }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := tt.do(sample().Bytes())
			if _, err := Read(bytes.NewReader(log), int64(len(log)), diskSize); !errors.Is(err, ErrFormat) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// memory is a file in memory.
type memory []byte

func (m memory) WriteAt(p []byte, off int64) (int, error) { return copy(m[off:], p), nil }

func TestAPrefixHoldsEverythingBeforeTheFlush(t *testing.T) {
	log := sample().Bytes()
	entries, err := Read(bytes.NewReader(log), int64(len(log)), diskSize)
	if err != nil {
		t.Fatal(err)
	}
	image := make([]byte, diskSize)
	image[15*Sector] = 'z'
	d := NewDisk(bytes.NewReader(log), entries, image)
	got := make(memory, diskSize)
	if err := errors.Join(d.Advance(3), d.WriteTo(got)); err != nil {
		t.Fatal(err)
	}
	want := make([]byte, diskSize)
	copy(want[Sector:], fill('a', 1))
	copy(want[2*Sector:], fill('b', 1))
	want[15*Sector] = 'z'
	if !bytes.Equal(got, want) {
		t.Error("the disk at the flush is not what was written before it")
	}
}

// TestScatterKeepsWhatWasFlushed draws many disks after the flush: the sectors
// before it never change, those after it take each value they may.
func TestScatterKeepsWhatWasFlushed(t *testing.T) {
	log := sample().Bytes()
	entries, err := Read(bytes.NewReader(log), int64(len(log)), diskSize)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDisk(bytes.NewReader(log), entries, make([]byte, diskSize))
	if err := d.Advance(3); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	first, second := map[byte]bool{}, map[[2]byte]bool{}
	for range 500 {
		got := make(memory, diskSize)
		if err := d.WriteTo(got); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Scatter(got, len(entries), diskSize, Chance{Keep: 0.5, Tear: 0.5}, rng); err != nil {
			t.Fatal(err)
		}
		if got[Sector] != 'a' || got[2*Sector] != 'b' {
			t.Fatal("a flushed sector changed")
		}
		first[got[4*Sector]] = true
		second[[2]byte{got[5*Sector], got[6*Sector]}] = true
	}
	if len(first) != 3 {
		t.Errorf("the sector that was written twice took %d values, want 3: nothing, the first, the second", len(first))
	}
	if len(second) != 4 {
		t.Errorf("two sectors of one write took %d combinations, want all 4: it was never torn between them", len(second))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample().Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := Read(bytes.NewReader(b), int64(len(b)), diskSize)
		if err != nil {
			return
		}
		d := NewDisk(bytes.NewReader(b), entries, make([]byte, diskSize))
		if err := d.Advance(len(entries)); err != nil {
			t.Fatalf("entries that were read cannot be applied: %v", err)
		}
	})
}
