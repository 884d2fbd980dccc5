package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// sample returns the bytes of an index with something in every bucket, with
// branch pages, free pages and inline buckets.
func sample(t testing.TB, rows int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "segments.db")
	x, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		add(t, x, row([]string{"front", "yard", "gate"}[i%3], i))
		if i%500 == 0 {
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err = x.Hold("yard", t0+100*minute, t0+300*minute)
	old, err2 := x.Oldest(40, nil)
	g, err3 := x.Condemn(old, "free_floor")
	err4 := x.Forget(g[:30], Audit{Reason: "free_floor", Count: 30, Cameras: []string{"front", "gate"}})
	if err := errors.Join(err, err2, err3, err4, x.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// inUse returns how many bytes of a file lie below its high water mark.
func inUse(data []byte) int {
	m0, ok0 := readMeta(data)
	m1, ok1 := readMeta(data[pageSize:])
	if !ok0 || ok1 && m1.txid > m0.txid {
		m0 = m1
	}
	return int(m0.hwm) * pageSize
}

// use does with an index what a recorder does.
func use(t testing.TB, path string) (rows int) {
	t.Helper()
	x, err := Open(path, Options{})
	if err != nil {
		t.Fatalf("Verify passed, Open: %v", err)
	}
	x.db.Bolt.NoSync, x.db.Bolt.NoGrowSync = true, true // nobody cuts the power here
	err = x.Range("", math.MinInt64, math.MaxInt64, func(Row, bool) bool { rows++; return true })
	if err != nil {
		t.Fatalf("Verify passed, Range: %v", err)
	}
	add(t, x, row("front", 90_000), row("new", 1))
	_, e1 := x.Hold("front", t0, t0+50*minute)
	old, e2 := x.Oldest(10, nil)
	g, e3 := x.Condemn(old, "test")
	_, e4 := x.Garbage()
	if err := errors.Join(e1, e2, e3, e4, x.Forget(g, Audit{}), x.Close()); err != nil {
		t.Fatalf("Verify passed, use: %v", err)
	}
	return rows
}

// damage returns a spoilt copy of data. Most of it hits pages in use.
func damage(rng *rand.Rand, data []byte) (spoilt []byte, how string) {
	d := bytes.Clone(data)
	live := inUse(d)
	at, page := rng.IntN(live), rng.IntN(live/pageSize)*pageSize
	switch rng.IntN(8) {
	case 0:
		return d[:rng.IntN(len(d))], "truncated"
	case 1:
		clear(d[page : page+pageSize])
		return d, "zero page"
	case 2:
		half := page + rng.IntN(2)*pageSize/2
		clear(d[half : half+pageSize/2])
		return d, "half a page zero"
	case 3:
		d[at] ^= 1 << rng.IntN(8)
		return d, "bit flip"
	case 4:
		d[page+rng.IntN(64)] ^= byte(1 + rng.IntN(255))
		return d, "page header"
	case 5:
		for i := range d[at:min(at+512, len(d))] {
			d[at+i] = byte(rng.Uint32())
		}
		return d, "random sector"
	case 6:
		other := rng.IntN(live/pageSize) * pageSize
		tmp := bytes.Clone(d[page : page+pageSize])
		copy(d[page:], d[other:other+pageSize])
		copy(d[other:], tmp)
		return d, "pages swapped"
	default:
		// A page written by one commit, the rest by another.
		other := rng.IntN(live/pageSize) * pageSize
		copy(d[page:page+pageSize], d[other:other+pageSize])
		binary.LittleEndian.PutUint64(d[page:], uint64(page/pageSize))
		return d, "another page's content"
	}
}

// TestDamagedFilesAreFlaggedOrUsable would end with a dead process if a file
// that Verify passes were able to harm bbolt.
func TestDamagedFilesAreFlaggedOrUsable(t *testing.T) {
	const variants = 1200
	data := sample(t, 2500)
	data = data[:inUse(data)+4*pageSize] // a little of what is not in use, too
	path := filepath.Join(t.TempDir(), "segments.db")
	rng := rand.New(rand.NewPCG(20, 26))
	flagged, passed := 0, map[string]int{}
	for range variants {
		spoilt, how := damage(rng, data)
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Verify(path); err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s: %v is not ErrDamaged", how, err)
			}
			flagged++
			continue
		}
		passed[how]++
		use(t, path)
	}
	t.Logf("%d flagged, passed and used: %v", flagged, passed)
	if flagged < variants/2 {
		t.Errorf("only %d of %d damaged files were flagged", flagged, variants)
	}
}

func TestEveryTornTailIsFlagged(t *testing.T) {
	data := sample(t, 600)
	path := filepath.Join(t.TempDir(), "segments.db")
	for n := 0; n < inUse(data); n += 1000 {
		if err := os.WriteFile(path, data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Verify(path); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v, want ErrDamaged", n, err)
		}
	}
}

func TestEveryBitOfARowIsCovered(t *testing.T) {
	data := sample(t, 300)
	data = data[:inUse(data)]
	value := encodeRow(row("gate", 299).key(2), row("gate", 299))
	at := bytes.Index(data, value)
	if at < 0 {
		t.Fatal("the last row is not in the file")
	}
	path := filepath.Join(t.TempDir(), "segments.db")
	for bit := range 8 * len(value) {
		d := bytes.Clone(data)
		for i := 0; i+len(value) < len(d); i++ { // whichever copy is live
			if j := bytes.Index(d[i:], value); j >= 0 {
				i += j
				d[i+bit/8] ^= 1 << (bit % 8)
			} else {
				break
			}
		}
		if err := os.WriteFile(path, d, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Verify(path); !errors.Is(err, ErrDamaged) {
			t.Fatalf("bit %d of a row flipped: %v, want ErrDamaged", bit, err)
		}
	}
}

func TestOneTornMetaPageFallsBackByOneCommit(t *testing.T) {
	for page := range 2 {
		data := sample(t, 600)
		data[page*pageSize+20] ^= 0xff
		path := filepath.Join(t.TempDir(), "segments.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Verify(path); err != nil {
			t.Fatalf("meta page %d torn: %v", page, err)
		}
		if n := use(t, path); n != 560 {
			t.Errorf("meta page %d torn: %d rows, want all 560", page, n)
		}
	}
}

// reseal writes the checksum of a meta page anew: damage that knows the format.
func reseal(d []byte) {
	for p := range 2 {
		b := d[p*pageSize+pageHeader:]
		h := fnv.New64a()
		_, _ = h.Write(b[:56])
		binary.LittleEndian.PutUint64(b[56:], h.Sum64())
	}
}

func TestMetaPagesThatLieAreFlagged(t *testing.T) {
	data := sample(t, 600)
	for name, spoil := range map[string]func(b []byte){
		"another page size":           func(b []byte) { binary.LittleEndian.PutUint32(b[8:], 16384) },
		"a root beyond the end":       func(b []byte) { binary.LittleEndian.PutUint64(b[16:], 1<<40) },
		"a meta page as root":         func(b []byte) { binary.LittleEndian.PutUint64(b[16:], 1) },
		"more pages than the file":    func(b []byte) { binary.LittleEndian.PutUint64(b[40:], 1<<50) },
		"no pages":                    func(b []byte) { binary.LittleEndian.PutUint64(b[40:], 0) },
		"a free list that is none":    func(b []byte) { binary.LittleEndian.PutUint64(b[32:], 3) },
		"a free list beyond the end":  func(b []byte) { binary.LittleEndian.PutUint64(b[32:], 1<<40) },
		"another version":             func(b []byte) { binary.LittleEndian.PutUint32(b[4:], 3) },
		"a high water mark too small": func(b []byte) { binary.LittleEndian.PutUint64(b[40:], 4) },
	} {
		d := bytes.Clone(data)
		for p := range 2 {
			spoil(d[p*pageSize+pageHeader:])
		}
		reseal(d)
		if err := verify(bytes.NewReader(d), int64(len(d))); err == nil {
			t.Errorf("%s: passed", name)
		}
	}
}

// TestAFreshFileWithItsFirstFreeListPasses: the first commits of a file still
// have one, and a fall-back to them must work.
func TestAFreshFileWithItsFirstFreeListPasses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	b, err := bolt.Open(path, 0o600, boltOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Verify(path); err != nil {
		t.Fatal(err)
	}
	if n := use(t, path); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// TestForeignFilesAreFlagged: values without our checksum, and buckets that
// storm did not make.
func TestForeignFilesAreFlagged(t *testing.T) {
	for name, fill := range map[string]func(tx *bolt.Tx) error{
		"a row that is none": func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(rowsBucket)).Put(keyBytes(5), []byte("hello"))
		},
		"a key that is none": func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(rowsBucket)).Put([]byte("k"), encodeRow(5, Row{}))
		},
		"a row of a camera without a name": func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(rowsBucket)).Put(keyBytes(9), encodeRow(9, Row{}))
		},
		"a hole in the cameras": func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(cameraBucket)).Put(ordinalBytes(7), encodeCamera(7, "x"))
		},
		"another codec": func(tx *bolt.Tx) error {
			m, err := tx.Bucket([]byte(rowsBucket)).CreateBucketIfNotExists([]byte(stormMetadata))
			if err != nil {
				return err
			}
			return m.Put([]byte(stormCodecKey), []byte("gob"))
		},
		"a bucket of somebody else": func(tx *bolt.Tx) error {
			_, err := tx.Bucket([]byte(rowsBucket)).CreateBucket([]byte("other"))
			return err
		},
	} {
		path := filepath.Join(t.TempDir(), "segments.db")
		x, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(x.db.Bolt.Update(fill), x.Close()); err != nil {
			t.Fatal(err)
		}
		if err := Verify(path); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}

// FuzzVerify spoils a small index by a list of (offset, value) edits and
// reseals the meta pages, so that the damage gets past them.
func FuzzVerify(f *testing.F) {
	data := sample(f, 200)
	data = data[:inUse(data)]
	f.Add([]byte{0, 0, 1})
	f.Add([]byte{0x20, 0x0a, 0xff, 0x30, 0x10, 0x07})
	f.Fuzz(func(t *testing.T, edits []byte) {
		d := bytes.Clone(data)
		for ; len(edits) >= 3; edits = edits[3:] {
			d[int(binary.BigEndian.Uint16(edits))%len(d)] = edits[2]
		}
		reseal(d)
		if verify(bytes.NewReader(d), int64(len(d))) != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "segments.db")
		if err := os.WriteFile(path, d, 0o600); err != nil {
			t.Fatal(err)
		}
		use(t, path)
	})
}
