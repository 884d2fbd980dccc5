package audit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

func TestTheChainProvesItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := open(t, path)
	l := newLog(t, db)
	if r := verify(t, l); !r.OK || r.Entries != 0 {
		t.Errorf("an empty one: %+v", r)
	}
	some(t, l, 20)
	db.Close()
	l = newLog(t, open(t, path))
	some(t, l, 5)
	if r := verify(t, l); !r.OK || r.Entries != 25 || r.First != 1 || r.Last != 25 {
		t.Errorf("after a restart: %+v", r)
	}
}

func TestWhatWasChangedFromOutsideShows(t *testing.T) {
	put := func(seq uint64, change func([]byte) []byte) func(b, links *bolt.Bucket) error {
		return func(b, _ *bolt.Bucket) error { return b.Put(seqKey(seq), change(slices.Clone(b.Get(seqKey(seq))))) }
	}
	flip := func(at int) func([]byte) []byte {
		return func(v []byte) []byte { v[at] ^= 1; return v }
	}
	tests := []struct {
		name string
		do   func(b, links *bolt.Bucket) error
		at   uint64
		told string // at the start, if it is not at alone
	}{
		{"a letter", put(5, func(v []byte) []byte { return bytes.Replace(v, []byte("user4"), []byte("user0"), 1) }), 5, ""},
		{"a bit of a hash", put(5, flip(3)), 5, "5 6"},
		{"the newest", put(10, flip(3)), 10, ""},
		{"one removed", func(b, _ *bolt.Bucket) error { return b.Delete(seqKey(4)) }, 4, ""},
		{"the oldest removed", func(b, _ *bolt.Bucket) error { return b.Delete(seqKey(1)) }, 1, ""},
		{"the newest removed", func(b, _ *bolt.Bucket) error { return b.Delete(seqKey(10)) }, 10, ""},
		{"two exchanged", func(b, _ *bolt.Bucket) error {
			three, four := slices.Clone(b.Get(seqKey(3))), slices.Clone(b.Get(seqKey(4)))
			return errors.Join(b.Put(seqKey(3), four), b.Put(seqKey(4), three))
		}, 3, "3 4 5"},
		{"one added", func(b, _ *bolt.Bucket) error { return b.Put(seqKey(11), slices.Clone(b.Get(seqKey(10)))) }, 11, ""},
		{"one added that fits", func(b, _ *bolt.Bucket) error {
			last, data := b.Get(seqKey(10)), []byte(`{"t":0,"a":"x","x":"y","s":"ok"}`)
			sum := chain([32]byte(last[:32]), 11, data)
			return b.Put(seqKey(11), append(sum[:], data...))
		}, 11, ""},
		{"the newest written anew", func(b, _ *bolt.Bucket) error {
			before, data := b.Get(seqKey(9)), []byte(`{"t":0,"a":"x","x":"y","s":"ok"}`)
			sum := chain([32]byte(before[:32]), 10, data)
			return b.Put(seqKey(10), append(sum[:], data...))
		}, 10, ""},
		{"one that is no entry", put(6, func([]byte) []byte { return []byte("x") }), 6, ""},
		{"all of them", func(b, _ *bolt.Bucket) error {
			for seq := range uint64(10) {
				_ = b.Delete(seqKey(seq + 1))
			}
			return nil
		}, 1, ""},
		{"one put before the oldest", func(b, _ *bolt.Bucket) error { return b.Put(seqKey(0), slices.Clone(b.Get(seqKey(1)))) }, 0, "0 1"},
		{"one put between", func(b, _ *bolt.Bucket) error { return b.Put(append(seqKey(4), 0), slices.Clone(b.Get(seqKey(4)))) }, 5, ""},
		{"many put between", func(b, _ *bolt.Bucket) error {
			for i := range 3 * chunkRows {
				_ = b.Put(binary.BigEndian.AppendUint16(seqKey(4), uint16(i)), []byte("x"))
			}
			return nil
		}, 5, "1"},
		{"a number nobody counts to", func(b, _ *bolt.Bucket) error { return b.Put(seqKey(1<<63), slices.Clone(b.Get(seqKey(10)))) }, maxSeq, ""},
		{"the anchor", func(_, links *bolt.Bucket) error { return links.Put(anchorKey, []byte("x")) }, 0, ""},
		{"the anchor moved", func(_, links *bolt.Bucket) error { return links.Put(anchorKey, link{Seq: 2}.encode()) }, 1, "1 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t, filepath.Join(t.TempDir(), "state.db"))
			l := newLog(t, db)
			some(t, l, 10)
			if err := db.Bolt.Update(func(tx *bolt.Tx) error { return tt.do(tx.Bucket(rowsBucket), tx.Bucket(chainBucket)) }); err != nil {
				t.Fatal(err)
			}
			if r := verify(t, l); r.OK || r.BrokenAt != tt.at || r.Reason == "" {
				t.Errorf("%+v, want it broken at %d", r, tt.at)
			}
			goesOn(t, db, tt.at, cmp.Or(tt.told, fmt.Sprint(tt.at)))
		})
	}
}

// goesOn opens a log that was changed at a place: it tells once, and what comes
// afterwards is kept, is found, and does not hide the place.
func goesOn(t *testing.T, db *storm.DB, at uint64, places string) {
	t.Helper()
	told := []string{}
	again := func() *Log {
		l, err := Open(db, Options{Broken: func(seq uint64, _ string) { told = append(told, fmt.Sprint(seq)) }})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := again()
	if first, _, _ := strings.Cut(places, " "); len(told) != 1 || told[0] != first {
		t.Fatalf("told %v at the start, want %s", told, first)
	}
	some(t, l, 3)
	got, _, err := l.List(Query{Action: actionBroken})
	if err != nil || len(got) != 1 || got[0].Detail["at"] != places || got[0].Seq < 10 || got[0].Seq > 12 {
		t.Fatalf("entries that say so: %+v, %v", got, err)
	}
	if got, _, err = l.List(Query{Action: "camera.update", Limit: 3}); err != nil || len(got) != 3 || got[0].Target != "2" {
		t.Fatalf("afterwards: %+v, %v", got, err)
	}
	if r := verify(t, l); r.OK || r.BrokenAt != at {
		t.Errorf("afterwards: %+v, want it broken at %d", r, at)
	}
	if again(); len(told) != 1 {
		t.Errorf("told %v at the second start", told)
	}
}

// TestTheFormatStaysAsItIs holds an entry against docs/format/audit.md.
func TestTheFormatStaysAsItIs(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	l := newLog(t, db)
	if err := l.Append(Entry{
		Time: time.Date(2026, 11, 23, 20, 1, 0, 0, time.UTC), Actor: "owner", Role: "admin", Via: "5f1c", Address: "192.168.1.23:5000",
		Action: "camera.update", Camera: "yard", Detail: map[string]string{"fields": "name"}, Sync: true,
	}); err != nil {
		t.Fatal(err)
	}
	const (
		data = `{"t":1795464060000,"a":"owner","r":"admin","v":"5f1c","h":"192.168.1.23","x":"camera.update","c":"yard","s":"ok","d":{"fields":"name"}}`
		hash = "a1aecb6625d5352fbb74bec64e3176751f353cc8977ed5b6d1786d9d644869c1"
	)
	_ = db.Bolt.View(func(tx *bolt.Tx) error {
		v := tx.Bucket([]byte("audit")).Get([]byte{0, 0, 0, 0, 0, 0, 0, 1})
		if got := hex.EncodeToString(v[:32]); got != hash || string(v[32:]) != data {
			t.Errorf("%s %s", got, v[32:])
		}
		if got := hex.EncodeToString(tx.Bucket([]byte("audit_chain")).Get([]byte("head"))); got != "0000000000000001"+hash {
			t.Errorf("the head is %s", got)
		}
		return nil
	})
}

func TestAHeadThatCannotBeReadIsFoundAgain(t *testing.T) {
	for _, bad := range [][]byte{[]byte("x"), link{Seq: 1 << 60}.encode()} {
		db := open(t, filepath.Join(t.TempDir(), "state.db"))
		l := newLog(t, db)
		some(t, l, 10)
		if err := db.Bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(chainBucket).Put(headKey, bad) }); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, l); r.OK || r.BrokenAt != 11 {
			t.Errorf("%+v, want it broken at 11", r)
		}
		told := 0
		l, err := Open(db, Options{Broken: func(uint64, string) { told++ }})
		if err != nil || told != 1 {
			t.Fatalf("told %d times, %v", told, err)
		}
		if r := verify(t, l); r.OK || r.BrokenAt != 11 || r.Entries != 11 {
			t.Errorf("afterwards: %+v", r)
		}
	}
}

func TestEveryByteCounts(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	l := newLog(t, db)
	some(t, l, 4)
	for _, seq := range []uint64{2, 4} {
		var good []byte
		_ = db.Bolt.View(func(tx *bolt.Tx) error {
			good = slices.Clone(tx.Bucket(rowsBucket).Get(seqKey(seq)))
			return nil
		})
		put := func(v []byte) {
			if err := db.Bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(rowsBucket).Put(seqKey(seq), v) }); err != nil {
				t.Fatal(err)
			}
		}
		for i := range good {
			bad := slices.Clone(good)
			bad[i] ^= 0x20
			put(bad)
			if r := verify(t, l); r.OK || r.BrokenAt != seq {
				t.Errorf("byte %d of %d: %+v", i, seq, r)
			}
		}
		put(good)
		if r := verify(t, l); !r.OK {
			t.Fatalf("mended: %+v", r)
		}
	}
}

func TestABreakDeepDownIsLeftToVerify(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	some(t, newLog(t, db), 1000)
	for seq, want := range map[uint64]int{1000 - tailRows - 1: 0, 1000 - tailRows + 1: 1} {
		if err := db.Bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(rowsBucket).Delete(seqKey(seq)) }); err != nil {
			t.Fatal(err)
		}
		told := 0
		l, err := Open(db, Options{Broken: func(uint64, string) { told++ }})
		if err != nil || told != want {
			t.Errorf("%d removed: told %d times, %v", seq, told, err)
		}
		if r := verify(t, l); r.OK || r.BrokenAt > seq {
			t.Errorf("%d removed: %+v", seq, r)
		}
	}
}

// TestTheChainIsWholeAtEveryCommit copies the file after each commit, as a power
// cut would leave it, and makes sure that each of ours is one.
func TestTheChainIsWholeAtEveryCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	db := open(t, path)
	l, err := Open(db, Options{MaxCount: 300})
	if err != nil {
		t.Fatal(err)
	}
	commits := func() (n int) {
		_ = db.Bolt.View(func(tx *bolt.Tx) error { n = tx.ID(); return nil })
		return n
	}
	for i := range 12 {
		before := commits()
		some(t, l, 100)
		if i%4 == 3 {
			if _, err := l.PruneBefore(t.Context(), time.Now().Add(time.Hour), 50); err != nil {
				t.Fatal(err)
			}
			before++
		}
		if n := commits() - before; n != 1 {
			t.Errorf("%d commits for one", n)
		}
		// These are gone with the power.
		if err := l.Append(Entry{Actor: "a", Action: "lost", Target: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cut := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(cut, data, 0o600); err != nil {
			t.Fatal(err)
		}
		after, err := Open(open(t, cut), Options{Broken: func(seq uint64, reason string) { t.Errorf("cut %d: broken at %d: %s", i, seq, reason) }})
		if err != nil {
			t.Fatal(err)
		}
		some(t, after, 1)
		want := l.head.Seq // the lost one's place is taken
		if r := verify(t, after); !r.OK || r.Last != want || r.Entries > 301 {
			t.Errorf("cut %d: %+v, want the last %d", i, r, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(seqKey(1), append(make([]byte, 32), `{"t":1,"a":"x","x":"y","s":"ok"}`...))
	f.Add([]byte{}, []byte{})
	f.Add(seqKey(1<<63), append(make([]byte, 32), `{"t":-9223372036854775808,"d":{"a":1}}`...))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, e, err := decode(key, value)
		if err == nil && (r.Seq != e.Seq || len(r.data) != len(value)-32) {
			t.Errorf("%+v %+v", r, e)
		}
		var c checker // takes whatever there is
		c.next(r, err)
		c.end(link{}, nil)
		if e.Time.IsZero() && err == nil {
			t.Errorf("no time: %+v", e)
		}
	})
}
