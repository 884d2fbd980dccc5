package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vedette/internal/faultfs"
)

var (
	oldSet = map[string]string{"state.db": strings.Repeat("old state ", 900), "device.key": "old key", "tls/ca.pem": "old ca", "tls/acme/account.key": "old account"}
	newSet = map[string]string{"state.db": strings.Repeat("new state ", 1200), "device.key": "new key", "tls/ca.pem": "new ca", "tls/leaf.pem": "new leaf"}
	others = map[string]string{"vedette.toml": "config", "state.before-restore/state.db": "of the restore before", "state.restore.new/state.db": "what a power cut left"}
)

// newDisk is a data directory with the old set and what else there may be.
func newDisk(t testing.TB) disk { return diskOf(t, oldSet) }

func diskOf(t testing.TB, set map[string]string) disk {
	d := disk{faultfs.New(faultfs.Options{})}
	d.put(t, set)
	d.put(t, others)
	return d
}

// inUse returns the set in the data directory.
func (d disk) inUse(t testing.TB) map[string]string {
	all := d.below(t, "")
	maps.DeleteFunc(all, func(name, _ string) bool {
		return strings.HasPrefix(name, "state.") && name != StateFile || name == "vedette.toml"
	})
	return all
}

// with returns a map of the files of set with a prefix.
func with(prefix string, set map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range set {
		out[prefix+name] = text
	}
	return out
}

// seeds are what of that which is not certain survives.
func seeds(at int) []uint64 {
	s := uint64(at) * 10
	return []uint64{faultfs.Nothing, faultfs.Everything, faultfs.NamesOnly, faultfs.BytesOnly, 100 + s, 101 + s, 102 + s, 103 + s}
}

// TestApplySurvivesPowerLossAtEveryStep cuts the power before each operation in turn, and
// in what the next start does again. Invariant: the next Apply that comes to its end leaves
// the whole new set, and the whole old one aside; before the first one began there is the
// old set, and nothing is ever mixed.
func TestApplySurvivesPowerLossAtEveryStep(t *testing.T) {
	for name, old := range map[string]map[string]string{
		"a box with all there is":      oldSet,
		"a box without certificates":   {StateFile: "old state", KeyFile: "old key"},
		"a box that was never started": {},
	} {
		t.Run(name, func(t *testing.T) { cutApply(t, old) })
	}
}

func cutApply(t *testing.T, old map[string]string) {
	start := func() disk {
		d := diskOf(t, old)
		d.put(t, with(waiting+"/", newSet))
		d.put(t, map[string]string{waiting + "/manifest.json": "{}"})
		return d
	}
	dry := start()
	before := dry.Ops()
	if err := apply(dry); err != nil {
		t.Fatal(err)
	}
	if dry.Ops()-before < 30 {
		t.Fatalf("only %d operations", dry.Ops()-before)
	}
	for at := before + 1; at <= dry.Ops()+1; at++ {
		for _, seed := range seeds(at) {
			d := start()
			d.CutAt(at)
			err := apply(d)
			if (err == nil) != (at > dry.Ops()) {
				t.Fatalf("cut at %d: %v", at, err)
			}
			d = disk{d.Reboot(seed)}
			what := fmt.Sprintf("cut at %d, seed %d", at, seed)
			checkPending(t, what, d)
			second := 1 + (at+int(seed))%17 // the power goes again
			again := disk{d.Reboot(faultfs.Everything)}
			again.CutAt(second)
			_ = apply(again)
			checkApplied(t, fmt.Sprintf("%s, and at %d", what, second), disk{again.Reboot(seed + 7)}, old)
			checkApplied(t, what, d, old)
		}
	}
}

// checkPending wants the whole new set in use, if nothing waits.
func checkPending(t *testing.T, what string, d disk) {
	t.Helper()
	if yes, err := pending(d); err != nil {
		t.Fatal(err)
	} else if !yes && !maps.Equal(d.inUse(t), newSet) {
		t.Errorf("%s: nothing waits, and in use is %v", what, d.inUse(t))
	}
}

// checkApplied wants that Apply ends well.
func checkApplied(t *testing.T, what string, d disk, old map[string]string) {
	t.Helper()
	if err := apply(d); err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	d = disk{d.Reboot(faultfs.Nothing)}
	want := with(Before+"/", old)
	maps.Copy(want, newSet)
	want["vedette.toml"], want[receiving+"/state.db"] = others["vedette.toml"], others[receiving+"/state.db"]
	if got := d.below(t, ""); !maps.Equal(got, want) {
		t.Errorf("%s: there is %v", what, got)
	}
	// Names that a failing disk brought back after all do no harm.
	if err := apply(d); err != nil || !maps.Equal(d.below(t, ""), want) {
		t.Errorf("%s: once more: %v, %v", what, err, d.below(t, ""))
	}
}

// TestAnApplyThatFailsGoesOnAtTheNextStart fails each operation in turn, and keeps failing.
func TestAnApplyThatFailsGoesOnAtTheNextStart(t *testing.T) {
	for at := 1; ; at++ {
		d := newDisk(t)
		d.put(t, with(waiting+"/", newSet))
		d.Inject(faultfs.Fault{At: d.Ops() + at, Err: syscall.EIO, Sticky: true})
		err := apply(d)
		if err == nil {
			if at < 30 {
				t.Fatalf("only %d operations", at)
			}
			return
		}
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("operation %d: %v", at, err)
		}
		d.Heal()
		checkPending(t, fmt.Sprint("operation ", at), d)
		checkApplied(t, fmt.Sprint("operation ", at), d, oldSet)
	}
}

// TestAProgramThatKnowsNoRestoreStartsInBetween: an older one would make an empty state.
func TestAProgramThatKnowsNoRestoreStartsInBetween(t *testing.T) {
	for at := 1; at < 60; at++ {
		d := newDisk(t)
		d.put(t, with(waiting+"/", newSet))
		d.CutAt(d.Ops() + at)
		if apply(d) == nil {
			return
		}
		d = disk{d.Reboot(faultfs.Everything)}
		for name := range oldSet {
			if yes, _ := d.exists(name); !yes && name != "tls/acme/account.key" {
				d.put(t, map[string]string{name: "made in between"})
			}
		}
		if yes, _ := pending(d); yes { // else it was over
			checkApplied(t, fmt.Sprint("cut at ", at), d, oldSet)
		}
	}
}

func TestAFreshBoxTakesARestoredSet(t *testing.T) {
	d := disk{faultfs.New(faultfs.Options{})}
	d.put(t, with(waiting+"/", newSet))
	if err := apply(d); err != nil || !maps.Equal(d.below(t, ""), newSet) {
		t.Errorf("%v, %v", err, d.below(t, ""))
	}
}

// TestReceiveSurvivesPowerLossAtEveryStep: the old set is in use, and what waits, if
// something does, is the whole new set, as prepare left it.
func TestReceiveSurvivesPowerLossAtEveryStep(t *testing.T) {
	plain := packed(t, newSet)
	live := func(d disk) error {
		// The encryption has no part in this, and would take long.
		_, err := receive(d, func(dir string) (Manifest, error) { return unpack(bytes.NewReader(plain), d, dir) }, func(path string) error {
			h, err := d.Modify(path)
			if err != nil {
				return err
			}
			_, err = h.WriteVAt([][]byte{[]byte("NEW")}, 0)
			return errors.Join(err, h.Close()) // not synced
		})
		return err
	}
	want := maps.Clone(newSet)
	want[StateFile] = "NEW" + want[StateFile][3:]
	dry := newDisk(t)
	before := dry.Ops()
	if err := live(dry); err != nil {
		t.Fatal(err)
	}
	waited := 0
	for at := before + 1; at <= dry.Ops()+1; at++ {
		for _, seed := range seeds(at) {
			d := newDisk(t)
			d.CutAt(at)
			err := live(d)
			d = disk{d.Reboot(seed)}
			what := fmt.Sprintf("cut at %d, seed %d", at, seed)
			if !maps.Equal(d.inUse(t), oldSet) {
				t.Errorf("%s: in use is %v", what, d.inUse(t))
			}
			yes, perr := pending(d)
			if perr != nil || err == nil && !yes {
				t.Errorf("%s: received, but waiting: %v, %v", what, yes, perr)
			}
			if yes {
				waited++
				if got := d.below(t, waiting+"/"); !maps.Equal(got, want) {
					t.Errorf("%s: what waits is %v", what, got)
				}
			} else if err := live(d); err != nil {
				t.Errorf("%s: once more: %v", what, err)
			}
		}
	}
	if waited == 0 {
		t.Error("nothing ever waited")
	}
}

// TestAfterAFailedReceiveNothingWaits fails each operation in turn, alone or for good. A
// disk that does not take anything back may keep what was received, but no part of it.
func TestAfterAFailedReceiveNothingWaits(t *testing.T) {
	plain := packed(t, newSet)
	for _, sticky := range []bool{false, true} {
		for at := 1; ; at++ {
			d := newDisk(t)
			d.Inject(faultfs.Fault{At: d.Ops() + at, Err: syscall.EIO, Sticky: sticky})
			_, err := receive(d, func(dir string) (Manifest, error) { return unpack(bytes.NewReader(plain), d, dir) }, nil)
			if err == nil {
				if at < 15 {
					t.Fatalf("only %d operations", at)
				}
				break
			}
			d.Heal()
			if !errors.Is(err, syscall.EIO) || errors.Is(err, ErrDamaged) || !maps.Equal(d.inUse(t), oldSet) {
				t.Errorf("operation %d: %v, in use: %v", at, err, d.inUse(t))
			}
			for seed := range uint64(60) {
				d := disk{d.Reboot(seed)}
				yes, err := pending(d)
				if err != nil || yes && !sticky || yes && !maps.Equal(d.below(t, waiting+"/"), newSet) {
					t.Errorf("operation %d, seed %d: after a power cut there waits %v, %v", at, seed, d.below(t, waiting+"/"), err)
				}
			}
		}
	}
}

// TestABoxIsRestored goes all the way on a real disk.
func TestABoxIsRestored(t *testing.T) {
	var archive bytes.Buffer
	if err := write(t.Context(), &archive, passphrase, source(t, newSet), 4); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fill(t, dir, oldSet)
	fill(t, dir, others)
	take := func(pass string, prepare func(string) error) error {
		_, err := Receive(t.Context(), bytes.NewReader(archive.Bytes()), pass, dir, prepare)
		return err
	}
	if err := take("another passphrase", nil); !errors.Is(err, ErrPassphrase) {
		t.Errorf("%v, want ErrPassphrase", err)
	}
	if err := take(passphrase, func(string) error { return context.DeadlineExceeded }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want what prepare said", err)
	}
	if yes, err := Pending(dir); yes || err != nil {
		t.Errorf("waiting: %v, %v", yes, err)
	}
	if err := Apply(dir); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); got[StateFile] != oldSet[StateFile] || got[receiving+"/state.db"] != "" {
		t.Errorf("%v", got)
	}
	if err := take(passphrase, func(path string) error { return os.WriteFile(path, []byte("prepared"), 0o600) }); err != nil {
		t.Fatal(err)
	}
	if yes, err := Pending(dir); !yes || err != nil {
		t.Errorf("waiting: %v, %v", yes, err)
	}
	if err := take(passphrase, nil); !errors.Is(err, ErrPending) {
		t.Errorf("%v, want ErrPending", err)
	}
	if err := Apply(dir); err != nil {
		t.Fatal(err)
	}
	want := with(Before+"/", oldSet)
	maps.Copy(want, newSet)
	want["vedette.toml"], want[StateFile] = "config", "prepared"
	if got := files(t, dir); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for _, name := range []string{"state.db", "device.key", "tls/ca.pem"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "tls")); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("tls: %v, %v", st.Mode(), err)
	}
}
