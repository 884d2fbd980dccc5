package firstboot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheCodeOfABoxThatNobodyOwnsIsOnItsCard(t *testing.T) {
	setup, system := t.TempDir(), filepath.Join(t.TempDir(), "system")
	if err := ShowCode(setup, "KX7QM-3TPWZ"); err != nil {
		t.Fatal(err)
	}
	if err := KeepCode(system, "KX7QM-3TPWZ"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(setup, ClaimFile))
	if err != nil || !strings.Contains(string(text), "claim code: KX7QM-3TPWZ\r\n") {
		t.Fatalf("%s says %q, %v", ClaimFile, text, err)
	}
	if p, ok, err := TakePending(system); err != nil || !ok || p.ClaimCode != "KX7QM-3TPWZ" {
		t.Errorf("the next start takes up %+v, %v, %v", p, ok, err)
	}
	before, _ := os.Stat(filepath.Join(setup, ClaimFile))
	if err := ShowCode(setup, "KX7QM-3TPWZ"); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(filepath.Join(setup, ClaimFile)); err != nil || !os.SameFile(before, after) {
		t.Errorf("the same code was written again, %v", err)
	}
	if err := ShowCode(setup, "AAAAA-BBBBB"); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(filepath.Join(setup, ClaimFile)); !strings.Contains(string(text), "AAAAA-BBBBB") || strings.Contains(string(text), "KX7QM") {
		t.Errorf("with another code it says %q", text)
	}
}

// TestAHiddenCodeLeavesNothing looks at the bytes of the file, which stay where
// they were on a card when the name goes.
func TestAHiddenCodeLeavesNothing(t *testing.T) {
	m := newMachine()
	d := newMemory(m)
	if err := showCode(d, "KX7QM-3TPWZ"); err != nil {
		t.Fatal(err)
	}
	node := d.seen[ClaimFile]
	if err := hideCode(d); err != nil {
		t.Fatal(err)
	}
	if len(d.names()) != 0 || strings.Trim(string(node.seen), "\x00") != "" {
		t.Errorf("left: names %v, bytes %q", d.names(), node.seen)
	}
	if err := hideCode(d); err != nil {
		t.Errorf("hidden again: %v", err)
	}
}
