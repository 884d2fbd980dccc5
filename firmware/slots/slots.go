// Package slots owns what is known of the two slots that a card boots from: the
// block of state that it shares with the boot loader, the rules by which that
// changes, and how it is written so that no power cut loses it. The format is
// docs/format/card.md. It must never write anything but that state: not a slot.
package slots

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

// Slot is one of the two places for a system.
type Slot uint8

// The slots.
const (
	A Slot = iota
	B
)

// String returns the name that boot loader, kernel command line and RAUC have for
// the slot.
func (s Slot) String() string {
	switch s {
	case A:
		return "A"
	case B:
		return "B"
	}
	return fmt.Sprintf("slot %d", uint8(s))
}

// Other returns the slot that this one is not.
func (s Slot) Other() Slot { return 1 - s&1 }

// ParseSlot returns the slot of that name, which is A or B.
func ParseSlot(name string) (Slot, error) {
	switch name {
	case "A":
		return A, nil
	case "B":
		return B, nil
	}
	return 0, fmt.Errorf("slot %q: want A or B", name)
}

// MaxTries is how often a slot is tried that has not proved itself.
const MaxTries = 3

// State is which slot boots. Good and Left are indexed by Slot.
type State struct {
	First Slot    // it is tried before the other one
	Good  [2]bool // it has proved itself, and is booted without counting
	Left  [2]int  // tries left of one that has not, 0 to MaxTries
	// Unknown are the variables that mean nothing here, as name=value. They are
	// kept as they are.
	Unknown []string
}

// Default is the state of a card that has none.
func Default() State { return State{First: A, Left: [2]int{MaxTries, MaxTries}} }

// Order returns the slots in the order in which they are tried.
func (s State) Order() [2]Slot { return [2]Slot{s.First, s.First.Other()} }

// Equal says whether two states are the same, unknown variables included.
func (s State) Equal(o State) bool {
	return s.First == o.First && s.Good == o.Good && s.Left == o.Left && slices.Equal(s.Unknown, o.Unknown)
}

// BlockBytes is the size of a block of state, and of the header of a slot image.
const BlockBytes = 512

// Errors a caller may test for.
var (
	// ErrBlock is a block that is no environment, or lacks what must be in it.
	ErrBlock = errors.New("not a valid block")
	// ErrFull are variables that do not fit into a block.
	ErrFull = errors.New("variables do not fit into a block")
)

// variables returns the strings of a block, in their order.
func variables(block []byte) ([]string, error) {
	if len(block) != BlockBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrBlock, len(block))
	}
	if crc32.ChecksumIEEE(block[4:]) != binary.LittleEndian.Uint32(block) {
		return nil, fmt.Errorf("%w: wrong checksum", ErrBlock)
	}
	var vars []string
	for rest := string(block[4:]); rest != "" && rest[0] != 0; {
		v, after, ended := strings.Cut(rest, "\x00")
		if !ended {
			return nil, fmt.Errorf("%w: the last variable has no end", ErrBlock)
		}
		vars, rest = append(vars, v), after
	}
	return vars, nil
}

// Block makes an environment block of name=value strings, which must be neither
// empty nor hold a zero byte. Errors: ErrFull, ErrBlock.
func Block(vars ...string) ([]byte, error) {
	block := make([]byte, 4, BlockBytes)
	for _, v := range vars {
		if v == "" || strings.Contains(v, "\x00") {
			return nil, fmt.Errorf("%w: variable %q", ErrBlock, v)
		}
		block = append(append(block, v...), 0)
	}
	if len(block) > BlockBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrFull, len(block))
	}
	block = block[:BlockBytes]
	binary.LittleEndian.PutUint32(block, crc32.ChecksumIEEE(block[4:]))
	return block, nil
}

// once returns the value of each variable named, which must be there once, and the
// strings of all others.
func once(vars []string, names ...string) (values map[string]string, others []string, err error) {
	values = map[string]string{}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		if !slices.Contains(names, name) {
			others = append(others, v)
			continue
		}
		if _, again := values[name]; again {
			return nil, nil, fmt.Errorf("%w: %s is there twice", ErrBlock, name)
		}
		values[name] = value
	}
	for _, name := range names {
		if _, there := values[name]; !there {
			return nil, nil, fmt.Errorf("%w: no %s", ErrBlock, name)
		}
	}
	return values, others, nil
}

// Parse reads a block of state. The error is ErrBlock unless the checksum is right
// and each variable is there, once, and valid.
func Parse(block []byte) (State, error) {
	var s State
	vars, err := variables(block)
	if err != nil {
		return s, err
	}
	values, unknown, err := once(vars, "slot_order", "a_good", "b_good", "a_left", "b_left")
	if err != nil {
		return s, err
	}
	invalid := func(name string) (State, error) {
		return State{}, fmt.Errorf("%w: %s is %q", ErrBlock, name, values[name])
	}
	switch values["slot_order"] {
	case "A B":
		s.First = A
	case "B A":
		s.First = B
	default:
		return invalid("slot_order")
	}
	for slot, letter := range []string{"a", "b"} {
		good, left := values[letter+"_good"], values[letter+"_left"]
		if good != "0" && good != "1" {
			return invalid(letter + "_good")
		}
		if len(left) != 1 || left[0] < '0' || left[0] > '0'+MaxTries {
			return invalid(letter + "_left")
		}
		s.Good[slot], s.Left[slot] = good == "1", int(left[0]-'0')
	}
	s.Unknown = unknown
	return s, nil
}

// Bytes returns the block of the state. Errors: ErrFull, ErrBlock for a count of
// tries out of range.
func (s State) Bytes() ([]byte, error) {
	var vars []string
	for slot, letter := range []string{"a", "b"} {
		if s.Left[slot] < 0 || s.Left[slot] > MaxTries {
			return nil, fmt.Errorf("%w: %s_left is %d", ErrBlock, letter, s.Left[slot])
		}
		good := 0
		if s.Good[slot] {
			good = 1
		}
		vars = append(vars, fmt.Sprintf("%s_good=%d", letter, good), fmt.Sprintf("%s_left=%d", letter, s.Left[slot]))
	}
	o := s.Order()
	vars = append(vars, fmt.Sprintf("slot_order=%s %s", o[0], o[1]))
	return Block(append(vars, s.Unknown...)...)
}
