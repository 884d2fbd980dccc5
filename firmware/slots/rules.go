package slots

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors of the rules, which a caller may test for.
var (
	// ErrRunning is that something was asked which the running slot must not have
	// done to it.
	ErrRunning = errors.New("it is the slot that runs")
	// ErrUnproved is that the running slot could not be fallen back to.
	ErrUnproved = errors.New("the slot that runs has not proved itself yet")
	// ErrLast is that no slot would be left to boot.
	ErrLast = errors.New("no other slot could be booted")
)

// Boot is what the boot loader does.
type Boot struct {
	Slot Slot
	// Trial says that the slot has not proved itself: it has lost a try, and its
	// kernel is told how long it has to do so.
	Trial bool
	// LastResort says that no slot qualified: this one is tried without counting.
	LastResort bool
	State      State // as it is saved before the kernel is started
}

// Next is what the boot loader's script does with a state, given which slots hold an
// image. ok is false if none does.
func Next(s State, holds [2]bool) (b Boot, ok bool) {
	for _, slot := range s.Order() {
		switch {
		case !holds[slot]:
		case s.Good[slot]:
			return Boot{Slot: slot, State: s}, true
		case s.Left[slot] > 0:
			s.Left[slot]--
			return Boot{Slot: slot, Trial: true, State: s}, true
		}
	}
	for _, slot := range s.Order() {
		if holds[slot] {
			return Boot{Slot: slot, LastResort: true, State: s}, true
		}
	}
	return Boot{}, false
}

// Bootable says whether the boot loader would take the slot, if it holds an image.
func (s State) Bootable(slot Slot) bool { return s.Good[slot] || s.Left[slot] > 0 }

// MarkGood returns the state after a slot has proved itself.
func (s State) MarkGood(slot Slot) State {
	s.Good[slot], s.Left[slot] = true, MaxTries
	return s.withoutFellBack()
}

// MarkBad returns the state in which a slot is not booted: not good, without tries,
// behind the other one.
func (s State) MarkBad(slot Slot) State {
	s.Good[slot], s.Left[slot] = false, 0
	s.First = slot.Other()
	return s.withoutFellBack()
}

// Activate returns the state in which a slot with a new system is tried first.
// Errors: ErrRunning, and ErrUnproved while there would be nothing to fall back to.
func (s State) Activate(slot, running Slot) (State, error) {
	if slot == running {
		return s, fmt.Errorf("activate slot %s: %w", slot, ErrRunning)
	}
	if !s.Good[running] {
		return s, fmt.Errorf("activate slot %s: %w", slot, ErrUnproved)
	}
	s.First, s.Good[slot], s.Left[slot] = slot, false, MaxTries
	return s.withoutFellBack(), nil
}

// fellBack is the variable that tells that a state is the one to fall back to, and
// from which slot.
const fellBack = "fell_back="

// Fallback returns the state to fall back to should the other slot not prove itself:
// the running one first and good, the other one without tries. It carries a variable
// that FellBack finds.
func (s State) Fallback(running Slot) State {
	s = s.MarkBad(running.Other()).MarkGood(running)
	s.Unknown = append(slices.Clone(s.Unknown), fellBack+running.Other().String())
	return s
}

// FellBack says whether the state is one of Fallback that somebody has put in place,
// and the slot that did not prove itself.
func (s State) FellBack() (slot Slot, ok bool) {
	for _, v := range s.Unknown {
		if name, found := strings.CutPrefix(v, fellBack); found {
			slot, err := ParseSlot(name)
			return slot, err == nil
		}
	}
	return 0, false
}

func (s State) withoutFellBack() State {
	s.Unknown = slices.DeleteFunc(slices.Clone(s.Unknown), func(v string) bool { return strings.HasPrefix(v, fellBack) })
	return s
}
