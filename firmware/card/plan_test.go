package card

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// shape tells the partitions of a table from vedette-data on, in MiB.
func shape(t table) []string {
	var all []string
	for _, e := range t.used() {
		if e.name == Data || e.name == Spare {
			all = append(all, fmt.Sprintf("%d %s %d-%d", e.number, strings.TrimPrefix(e.name, "vedette-"), e.first*t.sector>>20, (e.last+1)*t.sector>>20))
		}
	}
	return all
}

func TestWhatVedetteDataGrowsTo(t *testing.T) {
	full := shipped()
	for i := range 122 {
		full = append([]piece{{fmt.Sprint("x", i), 10, 11}}, full...)
	}
	foreign := piece{"photos", 700, 800}
	tests := []struct {
		name          string
		image, disk   int64
		pieces        []piece
		want          []string // nil: untouched
		spare, reason string
	}{
		{"a card of 4 GiB", 700, 4096, shipped(), []string{"6 data 625-3836", "7 spare 3836-4092"}, "256", ""},
		{"just large enough for the spare", 700, 1141, shipped(), []string{"6 data 625-884", "7 spare 884-1140"}, "256", ""},
		{"a little too small for it", 700, 1136, shipped(), []string{"6 data 625-1132"}, "0", ""},
		{"64 MiB of slack", 700, 754, shipped(), []string{"6 data 625-752"}, "0", ""},
		{"less", 700, 753, shipped(), nil, "", ""},
		{"none", 700, 700, shipped(), nil, "", ""},
		{"a spare is there", 4096, 65536, shipped(piece{Spare, 689, 945}), nil, "", ""},
		{"a foreign partition behind", 900, 4096, shipped(foreign), nil, "", "partition 7"},
		{"over it", 900, 4096, shipped(piece{"x", 680, 800}), nil, "", "partition 7"},
		{"not the last by place", 900, 4096, []piece{{State, 80, 81}, {SlotA, 81, 337}, {Data, 337, 400}, {SlotB, 400, 656}}, nil, "", "partition 4"},
		{"the last by place alone", 900, 4096, []piece{{Data, 600, 700}, {State, 80, 81}, {SlotA, 81, 337}}, []string{"1 data 600-3836", "4 spare 3836-4092"}, "256", ""},
		{"none of that name", 700, 4096, shipped()[:5], nil, "", "0 partitions"},
		{"two of that name", 900, 4096, shipped(piece{Data, 700, 800}), nil, "", "2 partitions"},
		{"upside down", 700, 4096, []piece{{Data, 690, 600}}, nil, "", "at sectors"},
		{"a smaller disk than the image", 700, 600, shipped(), nil, "", ""},
		{"no entry is free", 700, 4096, full, []string{"128 data 625-4092"}, "0", ""},
	}
	for _, sector := range []int64{512, 4096} {
		for _, tt := range tests {
			old := made(sector, tt.image, tt.disk, tt.pieces)
			before := old.clone()
			got, g, err := plan(old, [16]byte{7})
			if !bytes.Equal(before.entries, old.entries) || !bytes.Equal(before.header, old.header) {
				t.Errorf("%s: the old table was changed", tt.name)
			}
			if tt.reason != "" && (err == nil || !strings.Contains(err.Error(), tt.reason)) || tt.reason == "" && err != nil {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.reason)
			}
			if tt.want == nil {
				if g != (growth{}) || !bytes.Equal(got.entries, old.entries) {
					t.Errorf("%s: %+v, %v", tt.name, g, shape(got))
				}
				continue
			}
			if !slices.Equal(shape(got), tt.want) || fmt.Sprint(g.spare>>20) != tt.spare {
				t.Errorf("%s, sectors of %d: %v, spare %d; want %v", tt.name, sector, shape(got), g.spare>>20, tt.want)
			}
			if err := got.room(); err != nil || got.u64(headerOther) != got.sectors-1 {
				t.Errorf("%s: %v, second copy at %d", tt.name, err, got.u64(headerOther))
			}
			if again, g, err := plan(got, [16]byte{8}); err != nil || g != (growth{}) || !bytes.Equal(again.entries, got.entries) {
				t.Errorf("%s: the second time %+v, %v", tt.name, g, err)
			}
		}
	}
}

func TestTheNamesChange(t *testing.T) {
	old, _, err := plan(made(512, 700, 4096, shipped()), [16]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	once := old.swapped()
	if got, want := shape(once), []string{"6 spare 625-3836", "7 data 3836-4092"}; !slices.Equal(got, want) {
		t.Errorf("once: %v, want %v", got, want)
	}
	if once.flags(6)&kept == 0 || once.flags(7) != 0 {
		t.Errorf("flags %x, %x", once.flags(6), once.flags(7))
	}
	twice := once.swapped()
	if !slices.Equal(shape(twice), shape(old)) || twice.flags(6) != 0 || twice.flags(7)&kept == 0 {
		t.Errorf("twice: %v, flags %x, %x", shape(twice), twice.flags(6), twice.flags(7))
	}
	if e := twice.emptied(); !bytes.Equal(e.entries, old.entries) {
		t.Error("emptied it is not the first")
	}
}

func TestASuperblockTellsTheSize(t *testing.T) {
	b := make([]byte, 1024)
	little.PutUint16(b[0x38:], 0xef53)
	little.PutUint32(b[0x18:], 2)
	little.PutUint32(b[4:], 100)
	little.PutUint32(b[0x150:], 1) // of no meaning without the feature
	if n, err := parseExt4(b); n != 409600 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	little.PutUint32(b[0x60:], 0x80)
	if n, err := parseExt4(b); n != 409600+4096<<32 || err != nil {
		t.Errorf("64 bit: %d, %v", n, err)
	}
	for name, change := range map[string]func(){
		"too many blocks": func() { little.PutUint32(b[0x150:], 1<<31) },
		"huge blocks":     func() { little.PutUint32(b[0x18:], 60) },
		"no magic":        func() { b[0x38] = 0 },
	} {
		change()
		if n, err := parseExt4(b); err == nil {
			t.Errorf("%s: %d", name, n)
		}
	}
}
