package slots

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var errCut = errors.New("the power is gone")

// card is a device whose power can be cut. What was written and not flushed is there
// afterwards, or is not, or is ruined: real cards do that to the block they are at.
type card struct {
	durable [20 * BlockBytes]byte
	pending map[int64][]byte
	ops     int
	cut     int // before this operation, 0 = never
	rnd     *rand.Rand
}

func newCard(seed uint64) *card {
	return &card{pending: map[int64][]byte{}, rnd: rand.New(rand.NewPCG(seed, 1))}
}

func (c *card) op() error {
	if c.ops++; c.cut > 0 && c.ops >= c.cut {
		return errCut
	}
	return nil
}

func (c *card) ReadAt(b []byte, at int64) (int, error) {
	if p, ok := c.pending[at]; ok {
		return copy(b, p), nil
	}
	return copy(b, c.durable[at:]), nil
}

func (c *card) WriteAt(b []byte, at int64) (int, error) {
	if at%BlockBytes != 0 || len(b) != BlockBytes {
		return 0, fmt.Errorf("%d bytes at %d are no block", len(b), at)
	}
	if err := c.op(); err != nil {
		return 0, err
	}
	c.pending[at] = bytes.Clone(b)
	return len(b), nil
}

func (c *card) Sync() error {
	if err := c.op(); err != nil {
		return err
	}
	for at, b := range c.pending {
		copy(c.durable[at:], b)
	}
	clear(c.pending)
	return nil
}

// reboot is the card as the next start finds it.
func (c *card) reboot() *card {
	for at, b := range c.pending {
		switch c.rnd.IntN(3) {
		case 0:
			copy(c.durable[at:], b)
		case 1:
			copy(c.durable[at:], "ruin")
		}
	}
	return &card{durable: c.durable, pending: map[int64][]byte{}, rnd: c.rnd}
}

func load(t *testing.T, dev Device) State {
	t.Helper()
	s, err := NewStore(dev).Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEveryPowerCutLeavesTheStateBeforeOrAfter cuts the power before each operation,
// has the next start write a state too and cuts that as well.
func TestEveryPowerCutLeavesTheStateBeforeOrAfter(t *testing.T) {
	states := []State{
		{First: A, Good: [2]bool{true, false}, Unknown: []string{"n=0"}},
		{First: B, Good: [2]bool{true, false}, Left: [2]int{0, 3}, Unknown: []string{"n=1"}},
		{First: B, Good: [2]bool{true, true}, Unknown: []string{"n=2"}},
	}
	cuts := 0
	for seed := range uint64(200) {
		for first := 1; first <= 5; first++ {
			for second := 1; second <= 7; second++ {
				c := newCard(seed)
				if err := NewStore(c).Save(states[0]); err != nil {
					t.Fatal(err)
				}
				before := states[0]
				for i, cut := range []int{first, second} {
					c.ops, c.cut = 0, cut
					err := NewStore(c).Save(states[i+1])
					c = c.reboot()
					got := load(t, c)
					if !got.Equal(states[i+1]) && (err == nil || !got.Equal(before)) {
						t.Fatalf("seed %d, cuts %d and %d, save %d: %v, and then the state is %+v", seed, first, second, i, err, got)
					}
					if err != nil {
						cuts++
					}
					before = got
				}
			}
		}
	}
	if cuts < 200*5*7 {
		t.Errorf("only %d cuts", cuts)
	}
}

// TestEachCutOfAnActivationLeavesASlotThatWorks does so with the state to fall back
// to, which must be there whenever the new slot may be booted.
func TestEachCutOfAnActivationLeavesASlotThatWorks(t *testing.T) {
	for seed := range uint64(100) {
		for cut := 1; cut <= 7; cut++ {
			c := newCard(seed)
			s := NewStore(c)
			if err := s.Save(State{First: A, Good: [2]bool{true, false}}); err != nil {
				t.Fatal(err)
			}
			c.ops, c.cut = 0, cut
			err := ActivateIn(s, B, A)
			if (err == nil) != (cut == 7) {
				t.Fatalf("cut %d: %v", cut, err)
			}
			c = c.reboot()
			b, ok := Next(load(t, c), both)
			if !ok || b.LastResort || b.Slot == A && b.Trial {
				t.Fatalf("seed %d, cut %d: %+v", seed, cut, b)
			}
			if b.Slot == B {
				if f, err := NewStore(c).Fallback(); err != nil || !f.Good[A] || f.First != A || f.Bootable(B) {
					t.Fatalf("seed %d, cut %d: B is tried, and the state to fall back to is %+v, %v", seed, cut, f, err)
				}
			}
		}
	}
}

func TestACopyThatIsDamagedIsReadFromTheOtherOne(t *testing.T) {
	want := State{First: B, Good: [2]bool{false, true}, Left: [2]int{1, 3}}
	for _, tt := range []struct {
		name     string
		at, last int64 // damaged blocks
		want     State
	}{
		{"the first", offsetFirst, offsetFirst, want},
		{"the second", offsetSecond, offsetSecond, want},
		{"both", offsetFirst, offsetSecond, Default()},
	} {
		c := newCard(1)
		s := NewStore(c)
		if err := s.Save(want); err != nil {
			t.Fatal(err)
		}
		c.durable[tt.at+50] ^= 1
		if tt.last != tt.at {
			c.durable[tt.last+50] ^= 1
		}
		if got := load(t, c); !got.Equal(tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		if err := s.Save(tt.want); err != nil {
			t.Fatal(err)
		}
		for _, at := range []int64{offsetFirst, offsetSecond} {
			if got, err := s.block(at); err != nil || !got.Equal(tt.want) {
				t.Errorf("%s: after a write the copy at %d is %+v, %v", tt.name, at, got, err)
			}
		}
	}
}

func TestWhatHasNotChangedIsNotWritten(t *testing.T) {
	c := newCard(1)
	s := NewStore(c)
	if err := s.Save(Default()); err != nil {
		t.Fatal(err)
	}
	c.ops = 0
	no := errors.New("no")
	if err := s.Update(func(s State) (State, error) { return s.MarkGood(A), no }); !errors.Is(err, no) || c.ops != 0 {
		t.Errorf("%v, %d operations", err, c.ops)
	}
	if err := s.Save(Default()); err != nil || c.ops != 0 {
		t.Errorf("%v, %d operations", err, c.ops)
	}
}

// sick is a device that cannot be read, from one byte on.
type sick struct {
	*card
	from int64
}

func (s sick) ReadAt(b []byte, at int64) (int, error) {
	if at >= s.from {
		return 0, errors.New("input/output error")
	}
	return s.card.ReadAt(b, at)
}

func TestADeviceThatCannotBeReadIsAnError(t *testing.T) {
	c := newCard(1)
	if err := NewStore(c).Save(State{First: B}); err != nil {
		t.Fatal(err)
	}
	if s, err := NewStore(sick{c, offsetSecond}).Load(); err != nil || s.First != B {
		t.Errorf("with the first copy: %+v, %v", s, err)
	}
	if _, err := NewStore(sick{c, 0}).Load(); err == nil {
		t.Error("with none: no error")
	}
}

func TestTwoStoresOnOneFileDoNotLoseEachOthersChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	const each = 20
	var wg sync.WaitGroup
	for range 2 {
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		wg.Go(func() {
			for range each {
				err := s.Update(func(s State) (State, error) {
					n := ""
					if len(s.Unknown) > 0 {
						n = s.Unknown[0]
					}
					s.Unknown = []string{n + "x"}
					return s, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Load(); err != nil || got.Unknown[0] != strings.Repeat("x", 2*each) {
		t.Errorf("%v, %v, want %d changes", got.Unknown, err, 2*each)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestTheBackendAnswersRAUC(t *testing.T) {
	s := NewStore(newCard(1))
	if err := s.Save(State{First: A, Good: [2]bool{true, false}}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		call string
		out  string
		err  error // nil = none; errAny = any
	}{
		{"get-current", "A\n", nil},
		{"get-primary", "A\n", nil},
		{"get-state A", "good\n", nil},
		{"get-state B", "bad\n", nil},
		{"set-state A bad", "", ErrLast},
		{"set-state B good", "", ErrUnproved},
		{"set-state B bad", "", nil},
		{"set-state B well", "", ErrUsage},
		{"set-primary B", "", nil},
		{"get-primary", "B\n", nil},
		{"get-state B", "good\n", nil},
		{"set-primary A", "", nil},
		{"get-primary", "A\n", nil},
		{"set-state B bad", "", nil},
		{"set-state A good", "", nil},
		{"get-state B", "bad\n", nil},
		{"get-state C", "", errAny},
		{"get-state", "", ErrUsage},
		{"get-state A B", "", ErrUsage},
		{"set-state A", "", ErrUsage},
		{"set-primary", "", ErrUsage},
		{"get-primary A", "", ErrUsage},
		{"reboot", "", ErrUsage},
		{"", "", ErrUsage},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		err := Backend(strings.Fields(tt.call), &out, s, A)
		if out.String() != tt.out || !errors.Is(err, tt.err) && (tt.err != errAny || err == nil) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.call, out.String(), err, tt.out, tt.err)
		}
	}
	if f, err := s.Fallback(); err != nil || !f.Good[A] || f.Bootable(B) {
		t.Errorf("set-primary left no state to fall back to: %+v, %v", f, err)
	}
}

var errAny = errors.New("any")

var _ io.ReaderAt = (*card)(nil)
