package slots

import (
	"errors"
	"fmt"
	"io"
)

// ErrUsage is a call that RAUC does not make.
var ErrUsage = errors.New("usage: get-primary | set-primary SLOT | get-state SLOT | set-state SLOT good|bad | get-current")

// Backend answers one call of RAUC, as its documentation says for a custom bootloader
// backend (Integration, "Custom bootloader backend interface"; the same in 1.8 and
// 1.15, but that get-current came after 1.8): args are what RAUC gives the program,
// an answer is one word on out, and after an error the program must exit with another
// code than 0.
//
// A slot that does not run can be marked bad and made the primary one, which then is
// on trial; only the running one can be marked good. Errors: ErrUsage, ErrRunning,
// ErrUnproved, ErrLast, those of the store.
func Backend(args []string, out io.Writer, store *Store, running Slot) error {
	if len(args) == 0 {
		return ErrUsage
	}
	verb, rest := args[0], args[1:]
	switch {
	case verb == "get-current" && len(rest) == 0:
		return answer(out, running.String())
	case verb == "get-primary" && len(rest) == 0:
		s, err := store.Load()
		if err != nil {
			return err
		}
		b, _ := Next(s, [2]bool{true, true})
		return answer(out, b.Slot.String())
	case len(rest) == 0:
		return ErrUsage
	}
	slot, err := ParseSlot(rest[0])
	if err != nil {
		return err
	}
	switch {
	case verb == "get-state" && len(rest) == 1:
		s, err := store.Load()
		if err != nil {
			return err
		}
		return answer(out, map[bool]string{true: "good", false: "bad"}[s.Bootable(slot)])
	case verb == "set-primary" && len(rest) == 1:
		return setPrimary(store, slot, running)
	case verb == "set-state" && len(rest) == 2:
		return setState(store, slot, running, rest[1])
	}
	return ErrUsage
}

func answer(out io.Writer, word string) error {
	_, err := fmt.Fprintln(out, word)
	return err
}

func setPrimary(store *Store, slot, running Slot) error {
	if slot == running {
		return store.Update(func(s State) (State, error) {
			s.First = running
			return s, nil
		})
	}
	return ActivateIn(store, slot, running)
}

// ActivateIn activates a slot, as State.Activate does, after the state to fall back
// to has been made durable.
func ActivateIn(store *Store, slot, running Slot) error {
	s, err := store.Load()
	if err != nil {
		return err
	}
	if _, err := s.Activate(slot, running); err != nil {
		return err
	}
	if err := store.SetFallback(s.Fallback(running)); err != nil {
		return err
	}
	return store.Update(func(s State) (State, error) { return s.Activate(slot, running) })
}

func setState(store *Store, slot, running Slot, state string) error {
	return store.Update(func(s State) (State, error) {
		switch {
		case state == "bad" && !s.Bootable(slot.Other()):
			return s, fmt.Errorf("mark slot %s bad: %w", slot, ErrLast)
		case state == "bad":
			return s.MarkBad(slot), nil
		case state != "good":
			return s, ErrUsage
		case slot != running:
			return s, fmt.Errorf("mark slot %s good: %w", slot, ErrUnproved)
		}
		return s.MarkGood(slot), nil
	})
}
