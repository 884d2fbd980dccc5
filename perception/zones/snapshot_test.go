package zones

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"encoding/binary"
)

// TestARestartAnywhereChangesNothing replaces the engine by one that was
// restored, at random moments.
func TestARestartAnywhereChangesNothing(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := scripted(r, 150)
		e := NewEngine()
		e.SetZones(s.zones)
		var got []Event
		for _, b := range s.batches {
			got = append(got, e.Apply(b)...)
			if r.IntN(3) == 0 {
				kept := e.Snapshot()
				e = NewEngine()
				e.SetZones(s.zones)
				if err := e.Restore(kept); err != nil {
					t.Fatal(err)
				}
				if again := e.Snapshot(); !bytes.Equal(kept, again) {
					t.Fatalf("seed %d: the restored engine's snapshot is another", seed)
				}
			}
		}
		got = append(got, e.Advance(s.end)...)
		lines := tellAll(got)
		slices.Sort(lines)
		compare(t, fmt.Sprintf("seed %d", seed), lines, s.expected())
	}
}

func TestWhoWasInsideAtARestartExitsWhenTimeIsUp(t *testing.T) {
	yard := square("z", "yard")
	w := newWorld(yard)
	w.frame(at("a", .5, .5))
	w.frame(at("a", .5, .5))
	kept, entered := w.Snapshot(), w.time
	after := newWorld(yard)
	if err := after.Restore(kept); err != nil {
		t.Fatal(err)
	}
	if n := after.Occupancy("yard")[0].Total; n != 1 {
		t.Errorf("%d inside after the restart, want 1", n)
	}
	if got := after.Advance(entered.Add(9999 * time.Millisecond)); len(got) != 0 {
		t.Errorf("%v before its time", tellAll(got))
	}
	got := after.Advance(entered.Add(time.Hour))
	if len(got) != 1 || got[0].By != Lost || !got[0].Time.Equal(entered.Add(10*time.Second)) || got[0].Seconds != 10 || *got[0].Confidence != .9 || got[0].Label != "person" {
		t.Errorf("got %v, want an exit ten seconds after the last sight", tellAll(got))
	}
}

func TestStateOfZonesThatChangedMeanwhileIsLeftOut(t *testing.T) {
	yard, gate := square("z1", "yard"), square("z2", "gate")
	w := newWorld(yard, gate, square("z3", "yard"))
	for range 2 {
		w.frame(at("a", .5, .5))
		w.Apply(Batch{Received: w.time, Camera: "gate", Detections: []Detection{at("b", .5, .5)}})
	}
	after := newWorld(fence("z1", "yard"), square("z3", "yard"), square("z4", "yard"))
	if err := after.Restore(w.Snapshot()); err != nil {
		t.Fatal(err)
	}
	got := after.wait(time.Hour)
	if len(got) != 1 || got[0].Zone != "z3" {
		t.Errorf("got %v, want one exit from z3", tellAll(got))
	}
}

func TestDamagedStatesAreRefusedAndChangeNothing(t *testing.T) {
	good := crowd(2, 3).Snapshot()
	e := crowd(1, 1)
	before := e.Snapshot()
	refused := func(name string, data []byte) {
		t.Helper()
		if err := e.Restore(data); err == nil {
			t.Errorf("%s is taken", name)
		}
		if !bytes.Equal(before, e.Snapshot()) {
			t.Fatalf("%s changed the engine", name)
		}
	}
	for i := range good {
		refused(fmt.Sprintf("cut at %d", i), good[:i])
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		refused(fmt.Sprintf("changed at %d", i), bad)
	}
	refused("longer", sealed(append(bytes.Clone(good[:len(good)-4]), 0)))
	refused("another version", sealed(append([]byte{9}, good[1:len(good)-4]...)))
	refused("nothing", nil)
	future := crowd(1, 1)
	future.now -= 1000
	visitor := future.cameras["c0"].order[0]
	visitor.states[0].since = future.now
	refused("a track that was seen in the future", future.Snapshot())
	visitor.seen, visitor.states[0].since = future.now, future.now+1
	refused("a stay that begins in the future", future.Snapshot())
	if err := e.Restore(good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// sealed gives data the checksum that it needs.
func sealed(data []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(data), crc32.Checksum(data, castagnoli))
}

// FuzzRestore gives the engine any bytes with a good checksum. What it takes it
// can go on with.
func FuzzRestore(f *testing.F) {
	lines := newWorld(fence("z0", "c0"))
	lines.Apply(Batch{Received: epoch, Camera: "c0", Detections: []Detection{at("a", .4, .5)}})
	for _, data := range [][]byte{crowd(2, 3).Snapshot(), lines.Snapshot(), NewEngine().Snapshot()} {
		f.Add(data[:len(data)-4])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := NewEngine()
		e.SetZones([]Zone{square("z0", "c0"), fence("l0", "c0")})
		if e.Restore(sealed(data)) != nil {
			return
		}
		now := e.Now()
		for i := range 3 {
			now = now.Add(time.Second)
			e.Apply(Batch{Received: now, Camera: "c0", Detections: []Detection{at("a", .3*float32(i), .5)}})
		}
		if err := e.Restore(e.Snapshot()); err != nil {
			t.Errorf("its own snapshot: %v", err)
		}
		for _, ev := range e.Advance(now.Add(24 * time.Hour)) {
			if ev.Seconds < 0 {
				t.Errorf("a stay of %v s", ev.Seconds)
			}
		}
		if n := e.Occupancy("c0")[0].Total; n != 0 {
			t.Errorf("%d are inside for ever", n)
		}
	})
}

func TestACheckpointComesBack(t *testing.T) {
	for _, cp := range []Checkpoint{
		{},
		{Number: 1 << 60, Store: "abc", Seq: 1 << 63, Skew: -56 * 365 * 24 * time.Hour, State: []byte("state")},
		{Skew: 1500 * time.Millisecond, State: bytes.Repeat([]byte{7}, 100_000)},
	} {
		data := cp.Encode()
		got, err := DecodeCheckpoint(data)
		if err != nil || got.Number != cp.Number || got.Store != cp.Store || got.Seq != cp.Seq || got.Skew != cp.Skew || !bytes.Equal(got.State, cp.State) {
			t.Errorf("%.60v became %.60v, %v", cp, got, err)
		}
		if _, err := DecodeCheckpoint(data[:len(data)-1]); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("torn: %v, want ErrCheckpoint", err)
		}
	}
	if _, err := DecodeCheckpoint(sealed([]byte{checkpointVersion + 1, 0, 0, 0, 0, 0})); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a later version: %v, want ErrCheckpoint", err)
	}
}

func FuzzCheckpoint(f *testing.F) {
	cp := Checkpoint{Number: 3, Store: "s", Seq: 9, Skew: time.Second, State: []byte{1, 2}}
	f.Add(cp.Encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range [][]byte{data, sealed(data)} {
			cp, err := DecodeCheckpoint(d)
			if err != nil {
				continue
			}
			if again, err := DecodeCheckpoint(cp.Encode()); err != nil || again.Seq != cp.Seq || again.Skew != cp.Skew {
				t.Errorf("%+v became %+v, %v", cp, again, err)
			}
		}
	})
}
