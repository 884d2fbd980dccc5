package slots

import (
	"errors"
	"testing"
)

var both = [2]bool{true, true}

func TestWhichSlotBoots(t *testing.T) {
	tests := []struct {
		name  string
		s     State
		holds [2]bool
		want  Boot // without State
		left  [2]int
		none  bool
	}{
		{"a card that was just flashed tries A", Default(), [2]bool{true, false}, Boot{Slot: A, Trial: true}, [2]int{2, 3}, false},
		{"a good slot is not counted", State{First: A, Good: [2]bool{true, false}}, both, Boot{Slot: A}, [2]int{0, 0}, false},
		{"a new slot is tried before a good one", State{First: B, Good: [2]bool{true, false}, Left: [2]int{3, 1}}, both, Boot{Slot: B, Trial: true}, [2]int{3, 0}, false},
		{"without tries left the good one boots", State{First: B, Good: [2]bool{true, false}}, both, Boot{Slot: A}, [2]int{0, 0}, false},
		{"an empty slot is passed over, and keeps its tries", State{First: B, Good: [2]bool{true, false}, Left: [2]int{0, 3}}, [2]bool{true, false}, Boot{Slot: A}, [2]int{0, 3}, false},
		{"a second slot on trial", State{First: A, Left: [2]int{0, 2}}, both, Boot{Slot: B, Trial: true}, [2]int{0, 1}, false},
		{"with none left the first is tried without counting", State{First: B}, both, Boot{Slot: B, LastResort: true}, [2]int{0, 0}, false},
		{"with none left the one with an image is", State{First: B}, [2]bool{true, false}, Boot{Slot: A, LastResort: true}, [2]int{0, 0}, false},
		{"an empty card boots nothing", Default(), [2]bool{}, Boot{}, [2]int{}, true},
	}
	for _, tt := range tests {
		got, ok := Next(tt.s, tt.holds)
		if ok == tt.none || got.Slot != tt.want.Slot || got.Trial != tt.want.Trial || got.LastResort != tt.want.LastResort {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, ok, tt.want)
		}
		if got.State.Left != tt.left {
			t.Errorf("%s: left %v, want %v", tt.name, got.State.Left, tt.left)
		}
	}
}

func TestASlotIsActivatedWhenThereIsOneToFallBackTo(t *testing.T) {
	s := State{First: A, Good: [2]bool{true, true}, Unknown: []string{"x=y", "fell_back=B"}}
	got, err := s.Activate(B, A)
	if want := (State{First: B, Good: [2]bool{true, false}, Left: [2]int{0, 3}, Unknown: []string{"x=y"}}); err != nil || !got.Equal(want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if len(s.Unknown) != 2 || s.Unknown[1] != "fell_back=B" {
		t.Errorf("the state it was made of has changed: %v", s.Unknown)
	}
	if _, err := s.Activate(A, A); !errors.Is(err, ErrRunning) {
		t.Errorf("the running slot: %v, want ErrRunning", err)
	}
	if _, err := Default().Activate(B, A); !errors.Is(err, ErrUnproved) {
		t.Errorf("from a slot on trial: %v, want ErrUnproved", err)
	}
}

func TestTheStateToFallBackToBootsWhatRan(t *testing.T) {
	s := State{First: A, Good: [2]bool{true, true}, Left: [2]int{0, 2}, Unknown: []string{"x=y"}}
	f := s.Fallback(A)
	if b, ok := Next(f, both); !ok || b.Slot != A || b.Trial {
		t.Errorf("%+v", b)
	}
	if f.Bootable(B) {
		t.Error("the new slot may be booted")
	}
	if from, ok := f.FellBack(); !ok || from != B {
		t.Errorf("fell back from %v, %v", from, ok)
	}
	for _, after := range []State{s, f.MarkBad(B), f.MarkGood(A)} {
		if _, ok := after.FellBack(); ok || after.Unknown[0] != "x=y" {
			t.Errorf("%v", after.Unknown)
		}
	}
	// As often as one likes, it grows no longer.
	if twice := f.Fallback(A); len(twice.Unknown) != 2 {
		t.Errorf("%v", twice.Unknown)
	}
}

func TestABadSlotComesLast(t *testing.T) {
	s := State{First: B, Good: [2]bool{true, true}, Left: [2]int{1, 2}}.MarkBad(B)
	if s.First != A || s.Bootable(B) || !s.Good[A] {
		t.Errorf("%+v", s)
	}
	if s = s.MarkGood(B); !s.Good[B] || s.First != A {
		t.Errorf("%+v", s)
	}
}
