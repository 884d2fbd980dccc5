package card

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// mib returns how many sectors n MiB are.
func mib(n, sector int64) int64 { return n << 20 / sector }

// piece is a partition of a table that a test makes, in MiB.
type piece struct {
	name     string
	from, to int64
}

// shipped is the image of the document.
func shipped(more ...piece) []piece {
	return append([]piece{{Boot, 16, 80}, {State, 80, 81}, {SlotA, 81, 337}, {SlotB, 337, 593}, {Setup, 593, 625}, {Data, 625, 689}}, more...)
}

// made returns the table of an image of that many MiB on a disk of diskMiB.
func made(sector, imageMiB, diskMiB int64, pieces []piece) table {
	n := 128 * leastEntry / sector
	t := table{sector: sector, sectors: mib(diskMiB, sector), header: make([]byte, leastHeader), entries: make([]byte, 128*leastEntry), sound: true}
	copy(t.header, gptSignature)
	little.PutUint32(t.header[8:], 0x00010000)
	little.PutUint32(t.header[headerSize:], leastHeader)
	t.put(headerAt, 1)
	t.put(headerOther, mib(imageMiB, sector)-1)
	t.put(headerFirst, 2+n)
	t.put(headerLast, mib(imageMiB, sector)-2-n)
	t.put(headerEntries, 2)
	little.PutUint32(t.header[headerCount:], 128)
	little.PutUint32(t.header[headerEntrySize:], leastEntry)
	for i, p := range pieces {
		t.add(i+1, [16]byte{byte(i + 1)}, p.name, mib(p.from, sector), mib(p.to, sector)-1)
	}
	little.PutUint32(t.header[headerEntryCRC:], crc32.ChecksumIEEE(t.entries))
	return t
}

// flash is a disk that holds sectors, and remembers what was written since the last
// sync.
type flash struct {
	sector  int64
	sectors int64
	stable  map[int64][]byte
	pending []written
	syncs   int
}

type written struct {
	at   int64
	data []byte
}

func newFlash(t table) *flash {
	return &flash{sector: t.sector, sectors: t.sectors, stable: map[int64][]byte{}}
}

func (f *flash) WriteAt(b []byte, at int64) (int, error) {
	if at%f.sector != 0 || int64(len(b))%f.sector != 0 || at+int64(len(b)) > f.sectors*f.sector {
		return 0, fmt.Errorf("%d bytes at %d", len(b), at)
	}
	for i := int64(0); i < int64(len(b)); i += f.sector {
		f.pending = append(f.pending, written{(at + i) / f.sector, bytes.Clone(b[i : i+f.sector])})
	}
	return len(b), nil
}

func (f *flash) Sync() error {
	for _, w := range f.pending {
		f.stable[w.at] = w.data
	}
	f.pending = nil
	f.syncs++
	return nil
}

func (f *flash) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > f.sectors*f.sector {
		return 0, io.EOF
	}
	clear(b)
	for done := int64(0); done < int64(len(b)); done += f.sector { // reads begin on sectors
		copy(b[done:], f.stable[(at+done)/f.sector])
	}
	return len(b), nil
}

var errCut = errors.New("power cut")

// cutFlash interrupts a sync: some of the pending sectors get there.
type cutFlash struct {
	*flash
	at    int // sync
	keeps func(i int) bool
}

func (c *cutFlash) Sync() error {
	if c.syncs != c.at {
		return c.flash.Sync()
	}
	for i, w := range c.pending {
		if c.keeps(i) {
			c.stable[w.at] = w.data
		}
	}
	c.pending = nil
	return errCut
}

// TestATableIsTheOldOrTheNewWheneverThePowerIsCut cuts each of the two flushes
// after any number of sectors, and after any set of them.
func TestATableIsTheOldOrTheNewWheneverThePowerIsCut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, sector := range []int64{512, 4096} {
		old := made(sector, 700, 4096, shipped())
		grown, _, err := plan(old, [16]byte{7})
		if err != nil {
			t.Fatal(err)
		}
		changes := []struct{ from, to table }{{old, grown}, {grown, grown.swapped()}, {grown.swapped(), grown.swapped().emptied()}}
		for n, change := range changes {
			states := 0
			for try := range 400 {
				f := newFlash(change.from)
				if err := change.from.write(f); err != nil {
					t.Fatal(err)
				}
				length, chance := try/2%100, random.Float64()
				keeps := func(i int) bool { return i < length }
				if try >= 200 {
					keeps = func(int) bool { return random.Float64() < chance }
				}
				c := &cutFlash{f, 2 + try%2, keeps}
				if err := change.to.write(c); !errors.Is(err, errCut) {
					t.Fatalf("change %d: %v", n, err)
				}
				got, err := readTable(f, f.sectors, sector)
				if err != nil {
					t.Fatalf("change %d, sectors of %d, cut %d: %v", n, sector, try, err)
				}
				if !bytes.Equal(got.entries, change.from.entries) && !bytes.Equal(got.entries, change.to.entries) {
					t.Fatalf("change %d, sectors of %d, cut %d: neither the old nor the new", n, sector, try)
				}
				if !got.sound {
					states++
				}
				if err := got.write(f); err != nil {
					t.Fatalf("change %d, cut %d: written again: %v", n, try, err)
				}
				if again, err := readTable(f, f.sectors, sector); err != nil || !again.sound || !bytes.Equal(again.entries, got.entries) {
					t.Fatalf("change %d, cut %d: written again it is %v, %v", n, try, again.sound, err)
				}
			}
			if states < 20 {
				t.Errorf("change %d: only %d cuts left copies that differ: the test cuts nothing", n, states)
			}
		}
	}
}

func TestTheSecondCopyWillDo(t *testing.T) {
	for _, first := range []int64{1, 2} { // header, entries
		old := made(512, 700, 700, shipped())
		f := newFlash(old)
		if err := old.write(f); err != nil {
			t.Fatal(err)
		}
		f.stable[first] = make([]byte, 512)
		got, err := readTable(f, f.sectors, 512)
		if err != nil || got.sound || len(got.named(Data)) != 1 {
			t.Fatalf("without sector %d: %v, %v", first, got.named(Data), err)
		}
		if err := got.write(f); err != nil {
			t.Fatal(err)
		}
		if again, err := readTable(f, f.sectors, 512); err != nil || !again.sound {
			t.Errorf("put in order: %v, %v", again.sound, err)
		}
	}
}

func TestATableThatCannotBeWrittenIsNot(t *testing.T) {
	tests := []struct {
		name   string
		change func(*table)
	}{
		{"second copy behind the disk", func(t *table) { t.put(headerOther, t.sectors) }},
		{"second copy among partitions", func(t *table) { t.put(headerOther, mib(650, 512)) }},
		{"entries among partitions", func(t *table) { t.put(headerEntries, 10) }},
		{"a partition over the second copy", func(t *table) { little.PutUint64(t.raw(6)[entryLast:], uint64(mib(700, 512)-5)) }},
		{"a partition over the first", func(t *table) { little.PutUint64(t.raw(1)[entryFirst:], 3) }},
		{"a partition that ends before it begins", func(t *table) { little.PutUint64(t.raw(2)[entryLast:], 50) }},
		{"huge numbers", func(t *table) { little.PutUint64(t.raw(2)[entryLast:], 1<<63) }},
		{"the first header is lost, with its entries elsewhere", func(t *table) { t.lost = true; t.put(headerFirst, 2048) }},
	}
	for _, tt := range tests {
		x := made(512, 700, 4096, shipped())
		tt.change(&x)
		f := newFlash(x)
		if err := x.write(f); err == nil || len(f.pending)+len(f.stable) > 0 {
			t.Errorf("%s: %v, %d sectors written", tt.name, err, len(f.pending)+len(f.stable))
		}
	}
}

func FuzzReadTable(f *testing.F) {
	good := made(512, 700, 700, shipped())
	little.PutUint32(good.header[headerCRC:], headerSum(good.header))
	f.Add(good.header, good.entries)
	f.Add(good.header, []byte{})
	f.Fuzz(func(t *testing.T, header, entries []byte) {
		disk := make([]byte, 256<<10)
		copy(disk[512:], header)
		copy(disk[1024:], entries)
		if len(header) >= headerEntryCRC+4 { // let it through, so that what follows is tried
			if n := int64(little.Uint32(disk[512+headerCount:])) * int64(little.Uint32(disk[512+headerEntrySize:])); n > 0 && n < 200<<10 {
				little.PutUint32(disk[512+headerEntryCRC:], crc32.ChecksumIEEE(disk[1024:1024+n]))
			}
			if size := little.Uint32(disk[512+headerSize:]); size >= leastHeader && size <= 512 {
				little.PutUint32(disk[512+headerCRC:], headerSum(disk[512:512+size]))
			}
		}
		got, err := readTable(bytes.NewReader(disk), int64(len(disk)/512), 512)
		if err != nil {
			return
		}
		grown, _, _ := plan(got, [16]byte{1})
		_ = grown.write(newFlash(got))
		if slices.ContainsFunc(got.used(), func(e entry) bool { return e.number < 1 }) {
			t.Error("a partition without a number")
		}
	})
}
