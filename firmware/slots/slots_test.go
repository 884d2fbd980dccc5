package slots

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/testkit"
)

var whole = []string{"slot_order=B A", "a_good=1", "b_good=0", "a_left=3", "b_left=2"}

func block(t testing.TB, vars ...string) []byte {
	t.Helper()
	b, err := Block(vars...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func with(change ...string) []string {
	vars := append([]string{}, whole...)
	for _, c := range change {
		name, _, _ := strings.Cut(c, "=")
		for i, v := range vars {
			if strings.HasPrefix(v, name+"=") {
				vars[i] = c
			}
		}
	}
	return vars
}

func TestABlockIsReadAsItWasWritten(t *testing.T) {
	s, err := Parse(block(t, append([]string{"ethaddr=02:00:00:00:00:01", "odd"}, whole...)...))
	want := State{First: B, Good: [2]bool{true, false}, Left: [2]int{3, 2}, Unknown: []string{"ethaddr=02:00:00:00:00:01", "odd"}}
	if err != nil || !s.Equal(want) {
		t.Fatalf("%+v, %v, want %+v", s, err, want)
	}
	b, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(b); err != nil || !again.Equal(want) {
		t.Errorf("%+v, %v, want %+v", again, err, want)
	}
	if got, want := binary.LittleEndian.Uint32(b), crc32.ChecksumIEEE(b[4:]); len(b) != 512 || got != want {
		t.Errorf("%d bytes, checksum %08x, want %08x", len(b), got, want)
	}
}

func TestWhatIsNotAStateIsRefused(t *testing.T) {
	good := block(t, whole...)
	flipped := bytes.Clone(good)
	flipped[100] ^= 1
	full := make([]byte, BlockBytes)
	for i := range full {
		full[i] = 'x'
	}
	binary.LittleEndian.PutUint32(full, crc32.ChecksumIEEE(full[4:]))
	tests := []struct {
		name  string
		block []byte
	}{
		{"nothing", nil},
		{"a byte short", good[:511]},
		{"zeros", make([]byte, 512)},
		{"a flipped bit", flipped},
		{"no end", full},
		{"no variables", block(t)},
		{"one missing", block(t, whole[1:]...)},
		{"one twice", block(t, append(with(), "a_good=1")...)},
		{"order of one", block(t, with("slot_order=A")...)},
		{"order of the same", block(t, with("slot_order=A A")...)},
		{"good is 2", block(t, with("a_good=2")...)},
		{"good is empty", block(t, with("b_good=")...)},
		{"four left", block(t, with("b_left=4")...)},
		{"minus one left", block(t, with("b_left=-1")...)},
		{"hexadecimal", block(t, with("b_left=0x2")...)},
	}
	for _, tt := range tests {
		if s, err := Parse(tt.block); !errors.Is(err, ErrBlock) {
			t.Errorf("%s: %+v, %v, want ErrBlock", tt.name, s, err)
		}
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	room := 508 - len(strings.Join(whole, "\x00")) - 1
	s := Default()
	s.Unknown = []string{strings.Repeat("x", room-1)}
	if _, err := s.Bytes(); err != nil {
		t.Errorf("a block that is just full: %v", err)
	}
	s.Unknown[0] += "x"
	if _, err := s.Bytes(); !errors.Is(err, ErrFull) {
		t.Errorf("one byte more: %v, want ErrFull", err)
	}
	for _, bad := range []State{{Left: [2]int{4, 0}}, {Left: [2]int{0, -1}}, {Unknown: []string{""}}, {Unknown: []string{"a\x00b"}}} {
		if _, err := bad.Bytes(); !errors.Is(err, ErrBlock) {
			t.Errorf("%+v: %v, want ErrBlock", bad, err)
		}
	}
}

// TestUBootsOwnToolsAgree compares with what the boot loader's authors write and
// read.
func TestUBootsOwnToolsAgree(t *testing.T) {
	mkenvimage, err := exec.LookPath("mkenvimage")
	if err != nil {
		testkit.Lacking(t, "mkenvimage of u-boot-tools is missing")
	}
	dir := t.TempDir()
	text, image := filepath.Join(dir, "text"), filepath.Join(dir, "image")
	if err := os.WriteFile(text, []byte(strings.Join(append(whole, "more=1"), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Command(t, mkenvimage, "-s", "512", "-p", "0", "-o", image, text)
	theirs, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Parse(theirs); err != nil || s.First != B || s.Left[B] != 2 || len(s.Unknown) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if ours := block(t, append(with(), "more=1")...); !bytes.Equal(ours, theirs) {
		t.Errorf("ours\n%q\ntheirs\n%q", ours, theirs)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(block(f, whole...))
	f.Add(block(f, append([]string{"x=y"}, whole...)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == BlockBytes { // a checksum is not found by chance
			binary.LittleEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
		}
		s, err := Parse(b)
		if err != nil {
			return
		}
		again, err := s.Bytes()
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		if got, err := Parse(again); err != nil || !got.Equal(s) {
			t.Errorf("%+v, %v, want %+v", got, err, s)
		}
	})
}

func TestTheCommandLineTellsWhatRuns(t *testing.T) {
	tests := []struct {
		line  string
		slot  Slot
		trial float64
		ok    bool
	}{
		{"console=ttyS0 root=/dev/vda3 rauc.slot=A\n", A, 0, true},
		{"rauc.slot=B vedette.trial=300", B, 300, true},
		{"rauc.slot=A rauc.slot=B vedette.trial=1 vedette.trial=2", B, 2, true},
		{"rauc.slot=A vedette.trial=86400", A, 86400, true},
		{"rauc.slot=A vedette.trial=86401", A, 0, false},
		{"rauc.slot=A vedette.trial=0", A, 0, false},
		{"rauc.slot=A vedette.trial=-5", A, 0, false},
		{"rauc.slot=A vedette.trial=", A, 0, false},
		{"rauc.slot=C", A, 0, false},
		{"rauc.slot=a", A, 0, false},
		{"xrauc.slot=A", A, 0, false},
		{"", A, 0, false},
	}
	for _, tt := range tests {
		slot, trial, err := Running(tt.line)
		if slot != tt.slot || trial.Seconds() != tt.trial || (err == nil) != tt.ok {
			t.Errorf("%q: slot %v, trial %v, %v", tt.line, slot, trial, err)
		}
	}
	if _, _, err := Running("quiet"); !errors.Is(err, ErrNoSlot) {
		t.Errorf("%v, want ErrNoSlot", err)
	}
}

func FuzzRunning(f *testing.F) {
	f.Add("rauc.slot=B vedette.trial=300")
	f.Fuzz(func(t *testing.T, line string) {
		if slot, trial, err := Running(line); slot > B || trial < 0 || trial > maxTrial || err != nil && trial != 0 {
			t.Errorf("slot %v, trial %v, %v", slot, trial, err)
		}
	})
}
