package index

import (
	"bytes"
	"encoding/binary"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestPagesThatLieAreFlagged does damage that no checksum sees: every value
// is whole, and only the tree is wrong.
func TestPagesThatLieAreFlagged(t *testing.T) {
	data := sample(t, 600)
	le := binary.LittleEndian
	// leafOfRows is a page in use with rows on it.
	leafOfRows := func(d []byte) []byte {
		for at := 2 * pageSize; at < inUse(d); at += pageSize {
			p := d[at : at+pageSize]
			if le.Uint16(p[8:]) == leafFlag && le.Uint16(p[10:]) > 50 && le.Uint32(p[pageHeader+8:]) == keySize {
				c := bytes.Clone(d)
				clear(c[at+8 : at+10])
				if verify(bytes.NewReader(c), int64(len(c))) != nil { // it is not free
					return p
				}
			}
		}
		t.Fatal("no leaf of rows")
		return nil
	}
	root := func(d []byte, bucket string) []byte {
		m0, _ := readMeta(d)
		if m1, ok := readMeta(d[pageSize:]); ok && m1.txid > m0.txid {
			m0 = m1
		}
		page := d[m0.root*pageSize : (m0.root+1)*pageSize]
		at := bytes.Index(page, []byte(bucket+"\x00"))
		if at < 0 {
			at = bytes.Index(page, []byte(bucket))
		}
		return page[at+len(bucket):]
	}
	for name, spoil := range map[string]func(d []byte){
		"two rows in the wrong order": func(d []byte) {
			e := leafOfRows(d)[pageHeader:]
			first, second := bytes.Clone(e[:elementSize]), bytes.Clone(e[elementSize:2*elementSize])
			le.PutUint32(first[4:], le.Uint32(first[4:])-elementSize)
			le.PutUint32(second[4:], le.Uint32(second[4:])+elementSize)
			copy(e, second)
			copy(e[elementSize:], first)
		},
		"a row twice": func(d []byte) {
			e := leafOfRows(d)[pageHeader:]
			copy(e[elementSize:2*elementSize], e[:elementSize])
			le.PutUint32(e[elementSize+4:], le.Uint32(e[4:])-elementSize)
		},
		"two buckets with one root":   func(d []byte) { copy(root(d, heldBucket)[:8], root(d, rowsBucket)[:8]) },
		"a bucket that is its parent": func(d []byte) { m, _ := readMeta(d); le.PutUint64(root(d, heldBucket), m.root) },
	} {
		d := bytes.Clone(data)
		spoil(d)
		if bytes.Equal(d, data) {
			t.Errorf("%s: nothing was spoilt", name)
		}
		if err := verify(bytes.NewReader(d), int64(len(d))); err == nil {
			t.Errorf("%s: passed", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

func TestRowsThatComeInOrderFillTheirPages(t *testing.T) {
	x := fresh(t)
	x.db.Bolt.NoSync = true
	const n = 16_000
	for i := range n {
		add(t, x, row("a", i))
		if i%16 == 15 {
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := x.db.Bolt.View(func(tx *bolt.Tx) error {
		pages := x.db.GetBucket(tx, rowsBucket).Stats().LeafPageN
		if perRow := pages * pageSize / n; perRow > 60 {
			t.Errorf("%d bytes a row, want 60 at most", perRow)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
