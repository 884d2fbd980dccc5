package disk

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

func TestWhereThePartitionLies(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		name                  string
		bytes, sector, erase  int64
		first, last, lastFree int64 // sectors
		ok                    bool
	}{
		{"a disk", 1000 * mib, 512, 0, 8192, 2039807, 2047966, true},
		{"sectors of 4096 bytes", 1000 * mib, 4096, 0, 1024, 254975, 255994, true},
		{"a card with erase blocks of 12 MiB", 1000 * mib, 512, 12 * mib, 24576, 2039807, 2047966, true},
		{"erase blocks of 1.5 MiB", 100 * mib, 512, 3 * mib / 2, 9216, 202751, 204766, true},
		{"erase blocks of a sector", 100 * mib, 512, 512, 8192, 196607, 204766, true},
		{"an erase block that is none", 100 * mib, 512, 1000, 8192, 196607, 204766, true},
		{"an erase block past belief", 100 * mib, 512, 128 * mib, 8192, 196607, 204766, true},
		{"the least", 12 * mib, 512, 0, 8192, 16383, 24542, true},
		{"one sector less than one block and the other table", 8*mib + 32*512, 512, 0, 0, 0, 0, false},
		{"one block and the other table", 8*mib + 33*512, 512, 0, 8192, 16383, 16383, true},
		{"nothing", 0, 512, 0, 0, 0, 0, false},
		{"odd sectors", 1000 * mib, 520, 0, 0, 0, 0, false},
		{"no sectors", 1000 * mib, 0, 0, 0, 0, 0, false},
	}
	for _, tt := range tests {
		align := int64(leastAlign)
		if tt.sector > 0 {
			align = alignment(tt.erase, tt.sector)
		}
		got, err := newTable(tt.bytes, tt.sector, align, guid{}, guid{})
		if (err == nil) != tt.ok || got.first != tt.first || got.last != tt.last || tt.ok && got.lastUsable() != tt.lastFree {
			t.Errorf("%s: sectors %d to %d, %v; want %d to %d", tt.name, got.first, got.last, err, tt.first, tt.last)
		}
	}
}

// TestTheTableIsWhole checks both copies against the specification's numbers.
func TestTheTableIsWhole(t *testing.T) {
	for _, sector := range []int64{512, 4096} {
		tab, err := newTable(100<<20, sector, leastAlign, guid{1}, guid{2})
		if err != nil {
			t.Fatal(err)
		}
		head := tab.head()
		tail, at := tab.tail()
		if int64(len(head)) != tab.firstUsable()*sector || at+int64(len(tail)) != 100<<20 {
			t.Errorf("%d bytes before, %d from %d", len(head), len(tail), at)
		}
		entries := head[2*sector : 2*sector+16384]
		if !bytes.Equal(entries, tail[:16384]) {
			t.Error("the entries differ")
		}
		end := 100<<20/sector - 1
		entrySectors := 16384 / sector
		for i, h := range [][]byte{head[sector : sector+92], tail[int64(len(tail))-sector:][:92]} {
			for at, want := range map[int]int64{
				24: []int64{1, end}[i], 32: []int64{end, 1}[i], 72: []int64{2, end - entrySectors}[i], // itself, the other, its entries
				40: 2 + entrySectors, 48: end - entrySectors - 1, // usable sectors
			} {
				if got := binary.LittleEndian.Uint64(h[at:]); got != uint64(want) {
					t.Errorf("sectors of %d, header %d, byte %d: %d, want %d", sector, i, at, got, want)
				}
			}
			sum := binary.LittleEndian.Uint32(h[16:])
			plain := bytes.Clone(h)
			copy(plain[16:20], make([]byte, 4))
			if crc32.ChecksumIEEE(plain) != sum || crc32.ChecksumIEEE(entries) != binary.LittleEndian.Uint32(h[88:]) {
				t.Errorf("sectors of %d: a sum is wrong", sector)
			}
		}
		if head[510] != 0x55 || head[511] != 0xaa || head[450] != 0xee || binary.LittleEndian.Uint32(head[458:]) != uint32(100<<20/sector-1) {
			t.Errorf("the protective MBR is % x", head[446:512])
		}
	}
	big, err := newTable(4<<40, 512, leastAlign, guid{}, guid{})
	if n := binary.LittleEndian.Uint32(big.head()[458:]); err != nil || n != 0xffffffff {
		t.Errorf("of 4 TiB the MBR protects %d sectors, %v", n, err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	tests := []struct {
		o  PrepareOptions
		ok bool
	}{
		{PrepareOptions{}, true},
		{PrepareOptions{Label: "footage 1 über!", UUID: "0b8fc2d5-3c1d-4b8a-9d5e-5b6f2f1f0a11"}, true},
		{PrepareOptions{Label: "0123456789abcdef"}, true},
		{PrepareOptions{Label: "0123456789abcdefg"}, false},
		{PrepareOptions{Label: "a\nb"}, false},
		{PrepareOptions{Label: "a\xff"}, false},
		{PrepareOptions{UUID: "random"}, false},
		{PrepareOptions{UUID: "0b8fc2d5-3c1d-4b8a-9d5e-5b6f2f1f0a1g"}, false},
		{PrepareOptions{UUID: "0b8fc2d5a3c1d-4b8a-9d5e-5b6f2f1f0a11"}, false},
	}
	for _, tt := range tests {
		if err := tt.o.check(); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.o, err)
		}
	}
	if u, v := randomUUID(), randomUUID(); !isUUID(u) || u[14] != '4' || u == v {
		t.Errorf("random: %s, %s", u, v)
	}
	if g := randomGUID(); g[7]>>4 != 4 || g[8]>>6 != 2 {
		t.Errorf("random: % x", g)
	}
}

func TestThePhraseIsTheSerialNumber(t *testing.T) {
	for want, i := range map[string]Info{"S1": {Name: "sda", Serial: "S1"}, "sdb": {Name: "sdb"}} {
		if got := (&Device{Info: i}).Phrase(); got != want {
			t.Errorf("phrase %q, want %q", got, want)
		}
	}
}
