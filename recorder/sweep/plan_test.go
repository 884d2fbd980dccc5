package sweep

import (
	"slices"
	"testing"
	"testing/quick"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

func seg(seq uint32, mb int64) Candidate {
	return Candidate{Row: index.Row{Camera: "a", Seq: seq, Start: int64(seq) * 60_000, Duration: 60_000, Bytes: mb * mib}}
}

func held(c Candidate) Candidate { c.Held = true; return c }
func busy(c Candidate) Candidate { c.Busy = true; return c }

func TestPlan(t *testing.T) {
	tests := []struct {
		name     string
		free     int64 // MiB; floor 100, high 150, disk 1000
		floor    int64 // MiB, if not 100
		segs     []Candidate
		complete bool
		want     []uint32
		stop     Stop
	}{
		{name: "above the floor deletes nothing", free: 101, segs: []Candidate{seg(1, 50)}, stop: AboveFloor},
		{name: "exactly at the floor deletes nothing", free: 100, segs: []Candidate{seg(1, 50)}, stop: AboveFloor},
		{name: "one below the floor deletes up to the high mark", free: 99, segs: []Candidate{seg(1, 30), seg(2, 21), seg(3, 9)}, want: []uint32{1, 2}, stop: Reached},
		{name: "exactly enough is enough", free: 99, segs: []Candidate{seg(1, 51), seg(2, 9)}, want: []uint32{1}, stop: Reached},
		{name: "one short takes one more", free: 99, segs: []Candidate{seg(1, 50), seg(2, 9), seg(3, 9)}, want: []uint32{1, 2}, stop: Reached},
		{name: "held segments are skipped", free: 99, segs: []Candidate{held(seg(1, 60)), seg(2, 60)}, want: []uint32{2}, stop: Reached},
		{name: "busy segments are skipped", free: 99, segs: []Candidate{busy(seg(1, 60)), seg(2, 60)}, want: []uint32{2}, stop: Reached},
		{name: "a batch that does not suffice asks for more", free: 0, segs: []Candidate{seg(1, 60), seg(2, 60)}, want: []uint32{1, 2}, stop: MoreNeeded},
		{name: "all there is, and it does not suffice", free: 0, segs: []Candidate{seg(1, 60), held(seg(2, 600))}, complete: true, want: []uint32{1}, stop: NothingLeft},
		{name: "nothing but evidence", free: 0, segs: []Candidate{held(seg(1, 600))}, complete: true, stop: NothingLeft},
		{name: "no candidates", free: 0, complete: true, stop: NothingLeft},
		{name: "all there is, and it just suffices", free: 99, segs: []Candidate{seg(1, 51)}, complete: true, want: []uint32{1}, stop: Reached},
		{name: "a floor as large as the disk deletes nothing", free: 99, floor: 1000, segs: []Candidate{seg(1, 60)}, stop: Unsatisfiable},
		{name: "a floor just below the disk deletes", free: 99, floor: 999, segs: []Candidate{seg(1, 60)}, want: []uint32{1}, stop: MoreNeeded},
		{name: "segments of no size are no help and go in order", free: 99, segs: []Candidate{seg(1, 0), seg(2, 60)}, want: []uint32{1, 2}, stop: Reached},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			floor := int64(100)
			if tt.floor != 0 {
				floor = tt.floor
			}
			r := Reading{Total: 1000 * mib, Free: tt.free * mib, Limits: Limits{Floor: floor * mib, High: max(floor, 100)*mib + 50*mib}}
			d := Plan(r, tt.segs, tt.complete)
			var got []uint32
			var bytes int64
			for _, row := range d.Rows {
				got = append(got, row.Seq)
				bytes += row.Bytes
			}
			if !slices.Equal(got, tt.want) || d.Stop != tt.stop || d.Bytes != bytes {
				t.Errorf("chose %v (%d bytes), %v; want %v, %v", got, d.Bytes, d.Stop, tt.want, tt.stop)
			}
		})
	}
}

// TestPlanKeepsItsPromises holds for any input.
func TestPlanKeepsItsPromises(t *testing.T) {
	property := func(total, free, floor, more uint32, sizes []uint16, flags []byte, complete bool) bool {
		r := Reading{Total: int64(total), Free: int64(free), Limits: Limits{Floor: int64(floor), High: int64(floor) + int64(more)}}
		var cs []Candidate
		for i, n := range sizes {
			c := Candidate{Row: index.Row{Seq: uint32(i), Start: int64(i), Bytes: int64(n) << 12}}
			if i < len(flags) {
				c.Held, c.Busy = flags[i]&1 != 0, flags[i]&2 != 0
			}
			cs = append(cs, c)
		}
		d := Plan(r, cs, complete)
		if again := Plan(r, cs, complete); !slices.Equal(again.Rows, d.Rows) || again.Stop != d.Stop {
			return false // equal inputs, equal plans
		}
		for i, row := range d.Rows {
			c := cs[row.Seq]
			if c.Held || c.Busy || i > 0 && row.Seq <= d.Rows[i-1].Seq {
				return false // only what may go, oldest first
			}
		}
		if n := len(d.Rows); n > 0 && r.Free+d.Bytes-d.Rows[n-1].Bytes >= r.High {
			return false // not one more than needed
		}
		lower := r
		lower.Floor, lower.High = r.Floor/2, r.High/2
		if len(Plan(lower, cs, complete).Rows) > len(d.Rows) && d.Stop != Unsatisfiable {
			return false // a lower floor never costs more
		}
		return d.Stop != Reached || r.Free+d.Bytes >= r.High
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 3000}); err != nil {
		t.Error(err)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(int64(1000), int64(10), int64(100), int64(150), int64(60), int64(-1), true)
	f.Fuzz(func(t *testing.T, total, free, floor, high, a, b int64, complete bool) {
		r := Reading{Total: total, Free: free, Limits: Limits{Floor: floor, High: high}}
		d := Plan(r, []Candidate{{Row: index.Row{Bytes: a}}, {Row: index.Row{Bytes: b}}}, complete)
		if free >= floor && len(d.Rows) > 0 {
			t.Errorf("%+v: chose %v above the floor", r, d.Rows)
		}
	})
}

func TestDefaults(t *testing.T) {
	tests := []struct {
		name string
		f    Figures
		want Limits
	}{
		{"1 TiB SSD: 5 percent", Figures{Total: 1000 * gib, Medium: volume.SSD}, Limits{50 * gib, 50*gib + 16*mib, 5 * gib}},
		{"the same as SD card: 10 percent", Figures{Total: 1000 * gib, Medium: volume.SD}, Limits{100 * gib, 100*gib + 16*mib, 5 * gib}},
		{"the same as eMMC: 10 percent", Figures{Total: 1000 * gib, Medium: volume.EMMC}, Limits{100 * gib, 100*gib + 16*mib, 5 * gib}},
		{"32 GiB: 2 GiB", Figures{Total: 32 * gib}, Limits{2 * gib, 2*gib + 16*mib, 32 * gib / 200}},
		{"16 GiB: just 2 GiB", Figures{Total: 16 * gib}, Limits{2 * gib, 2*gib + 16*mib, 16 * gib / 200}},
		{"4 GiB: an eighth", Figures{Total: 4 * gib}, Limits{512 * mib, 528 * mib, 64 * mib}},
		{"1 GiB: an eighth, half the reserve", Figures{Total: gib}, Limits{128 * mib, 144 * mib, 32 * mib}},
		{"128 MiB: margin of a sixteenth", Figures{Total: 128 * mib}, Limits{16 * mib, 24 * mib, 4 * mib}},
		{"16 cameras of 4 Mb/s on 100 GiB: 15 minutes", Figures{Total: 100 * gib, Rate: 8e6},
			Limits{7_200_000_000, 7_200_000_000 + 960_000_000, 100 * gib / 200}},
		{"the same on 8 GiB: a quarter", Figures{Total: 8 * gib, Rate: 8e6}, Limits{2 * gib, 2*gib + 512*mib, 64 * mib}},
		{"large erase blocks", Figures{Total: 32 * gib, EraseBlock: 16 * mib}, Limits{2 * gib, 2*gib + 64*mib, 32 * gib / 200}},
		{"a rate that is none", Figures{Total: 32 * gib, Rate: -1}, Limits{2 * gib, 2*gib + 16*mib, 32 * gib / 200}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Defaults(tt.f); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestDefaultsAreInOrderOnEveryDisk(t *testing.T) {
	for total := int64(1024); total < 1<<60; total = total*3 + 7 {
		for _, rate := range []int64{0, 1 << 10, 1 << 23, 1 << 40, 1 << 62} {
			for _, medium := range []string{volume.SSD, volume.SD} {
				l := Defaults(Figures{Total: total, Medium: medium, Rate: rate})
				if l.Reserve <= 0 || l.Reserve >= l.Floor || l.Floor >= l.High || l.High > total/3 {
					t.Fatalf("disk %d, rate %d, %s: %+v", total, rate, medium, l)
				}
			}
		}
	}
}

func TestEffectiveKeepsTheMarksInOrder(t *testing.T) {
	f := Figures{Total: 100 * gib}
	tests := []struct {
		name string
		set  Limits
		want Limits
	}{
		{"nothing set", Limits{}, Defaults(f)},
		{"a floor brings its high mark along", Limits{Floor: 10 * gib}, Limits{10 * gib, 10*gib + 16*mib, gib / 2}},
		{"a high mark at the floor moves up", Limits{Floor: 10 * gib, High: 10 * gib}, Limits{10 * gib, 10*gib + 16*mib, gib / 2}},
		{"a high mark above it stays", Limits{Floor: 10 * gib, High: 12 * gib}, Limits{10 * gib, 12 * gib, gib / 2}},
		{"a high mark beyond the disk does not cost everything", Limits{Floor: 10 * gib, High: 200 * gib}, Limits{10 * gib, 55 * gib, gib / 2}},
		{"a reserve above the floor comes down", Limits{Floor: gib, Reserve: 2 * gib}, Limits{gib, gib + 16*mib, gib}},
		{"a floor as large as the disk stays, to be refused", Limits{Floor: 100 * gib}, Limits{100 * gib, 100*gib + 16*mib, gib / 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := effective(tt.set, f); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}
