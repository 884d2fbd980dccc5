package index

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// The tests of this file pin what storm and bbolt do, as far as the index
// relies on it. If one fails after an upgrade, the layout must be thought
// over again, not the test.

func storms(t *testing.T) *storm.DB {
	t.Helper()
	db, err := openStorm(filepath.Join(t.TempDir(), "segments.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func update(t *testing.T, db *storm.DB, f func(node storm.Node, tx *bolt.Tx) error) {
	t.Helper()
	if err := db.Bolt.Update(func(tx *bolt.Tx) error { return f(db.WithTransaction(tx), tx) }); err != nil {
		t.Fatal(err)
	}
}

// Storm's Save keeps an index of the ID and walks all of it. Its key-value
// calls must keep none: one bucket inside, which names the codec.
func TestKeyValueCallsKeepNoIndex(t *testing.T) {
	db := storms(t)
	update(t, db, func(node storm.Node, tx *bolt.Tx) error {
		for i := range uint64(100) {
			if err := node.SetBytes(rowsBucket, keyBytes(i), []byte("v")); err != nil {
				return err
			}
		}
		return nil
	})
	if err := db.Bolt.View(func(tx *bolt.Tx) error {
		return db.GetBucket(tx, rowsBucket).ForEachBucket(func(k []byte) error {
			if string(k) != stormMetadata {
				t.Errorf("storm keeps a bucket %q", k)
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
}

// The price of one row must not grow with the rows there are.
func TestWritingARowTouchesAHandfulOfPagesHoweverManyThereAre(t *testing.T) {
	for _, n := range []uint64{1_000, 60_000} {
		db := storms(t)
		db.Bolt.NoSync = true
		fill := func(from, to uint64) {
			update(t, db, func(node storm.Node, tx *bolt.Tx) error {
				node.GetBucket(tx, rowsBucket).FillPercent = fillPercent
				for i := from; i < to; i++ {
					if err := node.SetBytes(rowsBucket, keyBytes(i), encodeRow(i, Row{})); err != nil {
						return err
					}
				}
				return nil
			})
		}
		fill(0, n)
		before := db.Bolt.Stats()
		fill(n, n+1)
		after := db.Bolt.Stats()
		written := after.Sub(&before).TxStats
		if pages := written.GetPageAlloc() / pageSize; pages > 6 {
			t.Errorf("one row among %d allocated %d pages, want 6 at most", n, pages)
		}
		if visited := written.GetCursorCount(); visited > 16 {
			t.Errorf("one row among %d opened %d cursors", n, visited)
		}
	}
}

// Byte slices go in as they are; any other key type would pass through
// storm's own encoding.
func TestByteKeysAreStoredAsTheyAre(t *testing.T) {
	db := storms(t)
	update(t, db, func(node storm.Node, tx *bolt.Tx) error {
		if err := node.SetBytes(rowsBucket, keyBytes(0x0102030405060708), []byte("v")); err != nil {
			return err
		}
		if v := node.GetBucket(tx, rowsBucket).Get([]byte{1, 2, 3, 4, 5, 6, 7, 8}); string(v) != "v" {
			t.Errorf("under the plain key is %q", v)
		}
		return nil
	})
}

// Storm's own bucket lies among ours, and a cursor meets it with a nil value.
func TestACursorMeetsStormsBucketAsANilValue(t *testing.T) {
	db := storms(t)
	high := uint64(0xE600_0000_0000_0000) // a start that sorts behind storm's name
	update(t, db, func(node storm.Node, tx *bolt.Tx) error {
		return errors.Join(node.SetBytes(rowsBucket, keyBytes(1), []byte("v")), node.SetBytes(rowsBucket, keyBytes(high), []byte("v")))
	})
	if err := db.Bolt.View(func(tx *bolt.Tx) error {
		nils, seen := 0, 0
		c := db.GetBucket(tx, rowsBucket).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if v == nil {
				nils++
			}
		}
		for range values(db.GetBucket(tx, rowsBucket), nil) {
			seen++
		}
		if nils != 1 || seen != 2 {
			t.Errorf("%d nil values, %d rows; want 1 and 2", nils, seen)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// "Nothing there" is an error for storm and nil for bolt: reads of the index
// go through bolt, so that no row is never an error.
func TestNoRowsIsNoError(t *testing.T) {
	x := fresh(t)
	if _, err := x.db.GetBytes(rowsBucket, keyBytes(1)); !errors.Is(err, storm.ErrNotFound) {
		t.Errorf("storm says %v for a missing key", err)
	}
	rows, err := x.Oldest(20, nil)
	if err != nil || len(rows) != 0 {
		t.Errorf("Oldest of nothing = %v, %v", rows, err)
	}
	if err := x.Range("nobody", 0, 1<<40, func(Row, bool) bool { return false }); err != nil {
		t.Errorf("Range of nothing = %v", err)
	}
	if g, err := x.Garbage(); err != nil || len(g) != 0 {
		t.Errorf("Garbage of nothing = %v, %v", g, err)
	}
}

// A bucket remembers the codec that filled it and refuses another: the name
// that Verify expects is the one storm writes.
func TestTheCodecNameIsPinned(t *testing.T) {
	db := storms(t)
	update(t, db, func(node storm.Node, tx *bolt.Tx) error {
		if err := node.SetBytes(rowsBucket, keyBytes(1), []byte("v")); err != nil {
			return err
		}
		m := node.GetBucket(tx, rowsBucket, stormMetadata)
		if got := string(m.Get([]byte(stormCodecKey))); got != stormCodecName {
			t.Errorf("codec %q, want %q", got, stormCodecName)
		}
		if err := m.Put([]byte(stormCodecKey), []byte("gob")); err != nil {
			return err
		}
		if err := node.SetBytes(rowsBucket, keyBytes(2), nil); !errors.Is(err, storm.ErrDifferentCodec) {
			t.Errorf("another codec: %v", err)
		}
		return nil
	})
}

// From on a shared node can hand out another's bucket; the index names its
// buckets from the root and uses From nowhere.
func TestBucketsAreNamedFromTheRoot(t *testing.T) {
	x := fresh(t)
	if b := x.db.Bucket(); len(b) != 0 {
		t.Errorf("the node stands in %v", b)
	}
	if err := x.db.Bolt.View(func(tx *bolt.Tx) error {
		for _, name := range []string{rowsBucket, heldBucket, garbageBucket, auditBucket, cameraBucket} {
			if tx.Bucket([]byte(name)) == nil {
				t.Errorf("no bucket %s at the root", name)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// The fill set on a bucket must reach storm's writes in that transaction.
func TestFillPercentReachesStormsWrites(t *testing.T) {
	leaves := func(fill float64) int {
		db := storms(t)
		db.Bolt.NoSync = true
		for batch := range uint64(40) {
			update(t, db, func(node storm.Node, tx *bolt.Tx) error {
				node.GetBucket(tx, rowsBucket).FillPercent = fill
				for i := range uint64(100) {
					if err := node.SetBytes(rowsBucket, keyBytes(batch*100+i), encodeRow(0, Row{})); err != nil {
						return err
					}
				}
				return nil
			})
		}
		n := 0
		_ = db.Bolt.View(func(tx *bolt.Tx) error { n = db.GetBucket(tx, rowsBucket).Stats().LeafPageN; return nil })
		return n
	}
	if half, most := leaves(0.5), leaves(fillPercent); most*3 > half*2 {
		t.Errorf("%d leaves at 0.5, %d at %v: the setting has no effect", half, most, fillPercent)
	}
}

// bbolt takes the page size of the kernel unless told; ours must not depend
// on it.
func TestThePageSizeIsOurs(t *testing.T) {
	db := storms(t)
	if got := db.Bolt.Info().PageSize; got != pageSize {
		t.Errorf("page size %d", got)
	}
}

// A new file must not take bbolt's 16 MiB.
func TestANewFileIsSmall(t *testing.T) {
	x := fresh(t)
	add(t, x, row("a", 0))
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(x.path)
	if err != nil || info.Size() > 2*growBytes {
		t.Errorf("%d bytes, %v; want 2 MiB at most", info.Size(), err)
	}
}

// The free list is not written: with many free pages every commit would
// rewrite all of it.
func TestTheFreeListIsNotWritten(t *testing.T) {
	x := fresh(t)
	x.db.Bolt.NoSync = true
	for i := range 30_000 {
		add(t, x, row("a", i))
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	old, err := x.Oldest(25_000, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Drop(old); err != nil {
		t.Fatal(err)
	}
	before := x.db.Bolt.Stats()
	add(t, x, row("a", 40_000))
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	after := x.db.Bolt.Stats()
	if pages := after.TxStats.GetPageAlloc() - before.TxStats.GetPageAlloc(); pages > 6*pageSize || after.FreePageN < 200 {
		t.Errorf("a commit beside %d free pages allocated %d bytes", after.FreePageN, pages)
	}
}

// An open read transaction makes the file grow. The index holds none between
// its calls, so a file whose rows come and go stays as large as it is.
func TestTheFileStaysFlatWhenRowsComeAndGo(t *testing.T) {
	x := fresh(t)
	x.db.Bolt.NoSync = true
	size := func() int64 {
		info, err := os.Stat(x.path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var early int64
	for min := range 1500 {
		for c := range 16 {
			add(t, x, row(fmt.Sprint("cam", c), min))
		}
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
		if min%16 == 15 && min > 400 {
			old, err := x.Oldest(256, nil)
			if err != nil {
				t.Fatal(err)
			}
			g, err := x.Condemn(old, "free_floor")
			if err := errors.Join(err, x.Forget(g, Audit{Reason: "free_floor", Count: 256})); err != nil {
				t.Fatal(err)
			}
		}
		if min == 600 {
			early = size()
		}
	}
	if late := size(); late > early+growBytes {
		t.Errorf("the file grew from %d to %d bytes with as many rows in it", early, late)
	}
}
