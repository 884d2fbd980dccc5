package recovery

import (
	"slices"
	"strings"
	"testing"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// TestHoldsAndSecondNamesAreCheckedAndMended: a held row without its second
// name, a second name without a held row, one that is another file, and notes
// that a start left.
func TestHoldsAndSecondNamesAreCheckedAndMended(t *testing.T) {
	d := newDisk(t)
	a, b, c := d.closed(t, "door", t0, 0, 2), d.closed(t, "door", t0+2000, 1, 2), d.closed(t, "door", t0+4000, 2, 2)
	x, err := index.Open(d.index(), index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.AddAll([]index.Row{rowOf(a), rowOf(b), rowOf(c)}, func(r index.Row) bool { return r.Seq != 1 }); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := volume.LinkEvidence(d.FS, []volume.Name{b}); err != nil {
		t.Fatal(err)
	}
	d.put(t, c.EvidencePath(), []byte("another file"))
	d.put(t, unfinishedName, nil)
	find := func() (found []string) {
		if err := Check(d.FS, d.index(), func(f Finding) { found = append(found, f.String()) }); err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := find()
	for _, want := range []string{a.Path() + `": held`, b.EvidencePath() + `": evidence that the index does not hold`, c.EvidencePath() + `": evidence of 12 bytes`, unfinishedName} {
		if !slices.ContainsFunc(before, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("nothing of %q among %v", want, before)
		}
	}
	for range 2 {
		if _, err := Repair(d.FS, d.index(), index.Options{}, quiet, func(Finding) {}); err != nil {
			t.Fatal(err)
		}
		if after := find(); len(after) != 1 || !strings.Contains(after[0], "12 bytes") {
			t.Errorf("after a repair: %v; want what nobody can decide alone", after)
		}
	}
}
