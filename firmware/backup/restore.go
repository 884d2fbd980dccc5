package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
)

// Names in the data directory.
const (
	receiving = "state.restore.new"    // an archive that is being taken in
	waiting   = "state.restore"        // the whole set of files of one, for the next start
	moving    = "state.restoring"      // the same, once nothing is left of the old set
	aside     = "state.aside"          // the old set, meanwhile
	Before    = "state.before-restore" // the set that the last restored one took the place of
)

// set is what is in the data directory that an archive takes the place of.
func set() []string { return []string{StateFile, KeyFile, certificates} }

// Receive takes an archive in: it is decrypted and checked, prepare is called with the path
// of its state database, and then it waits for Apply at the next start. prepare may look at
// that database and change it; nil does neither. Beside it lie the other files of the
// archive. Nothing of the set in use is touched.
//
// It returns what Read does, what prepare does, or ErrPending. After any error nothing
// waits, unless the disk fails to take it back. Calls must not be made at once.
//
// The order is: all files, their syncs and those of their directories, prepare, the sync of
// the database, the name under which it waits, the sync of the data directory.
func Receive(ctx context.Context, r io.Reader, passphrase, dataDir string, prepare func(path string) error) (Manifest, error) {
	t, err := openTree(dataDir)
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	defer t.Close() // a directory
	take := func(dir string) (Manifest, error) { return read(ctx, r, passphrase, t, dir) }
	return receive(t, take, prepare)
}

func receive(t tree, take func(dir string) (Manifest, error), prepare func(path string) error) (Manifest, error) {
	switch yes, err := pending(t); {
	case err != nil:
		return Manifest{}, fmt.Errorf("restore: %w", err)
	case yes:
		return Manifest{}, fmt.Errorf("restore: %w", ErrPending)
	}
	err := discard(t)
	if err == nil {
		err = t.mkdir(receiving)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	m, err := take(receiving)
	state := path.Join(receiving, StateFile)
	if err == nil && prepare != nil {
		err = prepare(t.path(state))
	}
	if err == nil {
		err = t.sync(state)
	}
	if err == nil {
		if err = settle(t); err == nil {
			return m, nil
		}
	}
	return Manifest{}, errors.Join(fmt.Errorf("restore: %w", err), discard(t)) // or the next one does
}

// discard removes what was received. Its name has to be durable first: under the other one,
// which settle may have taken back, a part of it would be taken for the whole.
func discard(t tree) error {
	if err := t.sync("."); err != nil {
		return err
	}
	return t.removeAll(receiving)
}

// settle has what was received wait for the next start.
func settle(t tree) error {
	if err := t.rename(receiving, waiting); err != nil {
		return err
	}
	err := t.sync(".")
	if err == nil {
		return nil
	}
	// The person is told that it failed, and so must not find it done later.
	return errors.Join(err, t.rename(waiting, receiving)) // discard makes that durable
}

// Pending reports whether a received archive waits for Apply, or an Apply for its end.
func Pending(dataDir string) (bool, error) {
	t, err := openTree(dataDir)
	if err != nil {
		return false, fmt.Errorf("look for a restored backup: %w", err)
	}
	defer t.Close() // a directory
	return pending(t)
}

func pending(t tree) (bool, error) {
	for _, name := range []string{waiting, moving} {
		if yes, err := t.exists(name); yes || err != nil {
			return yes, err
		}
	}
	return false, nil
}

// Apply puts a received archive in the place of the state database, the device key and the
// certificates, and these aside into Before, where they stay until the next Apply of another
// archive. Without one it does nothing. It has to be called before any of these files is
// opened; after an error they must not be, for a part of them may be missing: it has to be
// called again.
//
// The order is, each step durable before the next one: the last Before is removed; the old
// set moves into state.aside; state.restore becomes state.restoring; the new set moves out
// of it, and state.aside becomes Before; state.restoring is removed. A power cut before the
// third step leaves the whole new set in state.restore, one after it in state.restoring and
// its place: the next Apply goes on from there.
func Apply(dataDir string) error {
	t, err := openTree(dataDir)
	if err != nil {
		return fmt.Errorf("apply restored backup: %w", err)
	}
	defer t.Close() // a directory
	if err := apply(t); err != nil {
		return fmt.Errorf("apply restored backup: %w", err)
	}
	return nil
}

func apply(t tree) error {
	begun, err := t.exists(moving)
	if err != nil {
		return err
	}
	if !begun {
		if yes, err := t.exists(waiting); !yes {
			return err
		}
		if err := moveOut(t); err != nil {
			return fmt.Errorf("move the old files aside: %w", err)
		}
	}
	if err := moveIn(t); err != nil {
		return fmt.Errorf("move the restored files in: %w", err)
	}
	return nil
}

// moveOut puts the old set aside.
func moveOut(t tree) error {
	if err := t.removeAll(Before); err != nil {
		return err
	}
	there, err := t.exists(aside)
	if err == nil && !there {
		err = t.mkdir(aside)
	}
	if err == nil {
		err = t.sync(".") // before anything is in it
	}
	if err != nil {
		return err
	}
	for _, name := range set() {
		if err := move(t, name, path.Join(aside, name)); err != nil {
			return err
		}
	}
	if err := errors.Join(t.sync(aside), t.sync(".")); err != nil {
		return err
	}
	if err := t.rename(waiting, moving); err != nil {
		return err
	}
	return t.sync(".")
}

// move renames from, if it is there and to is not: then to is what was there first.
func move(t tree, from, to string) error {
	if yes, err := t.exists(from); !yes || err != nil {
		return err
	}
	if yes, err := t.exists(to); yes || err != nil {
		return err
	}
	return t.rename(from, to)
}

// moveIn puts the new set into its place, and ends.
func moveIn(t tree) error {
	names, err := t.names(moving)
	if err != nil {
		return err
	}
	for _, name := range set() {
		if !slices.Contains(names, name) {
			continue
		}
		// Something there was made after the old set went aside, by a program that knew
		// nothing of this.
		if err := t.removeAll(name); err != nil {
			return err
		}
		if err := t.rename(path.Join(moving, name), name); err != nil {
			return err
		}
	}
	if err := move(t, aside, Before); err != nil {
		return err
	}
	if err := t.sync("."); err != nil {
		return err
	}
	if err := t.removeAll(moving); err != nil {
		return err
	}
	return t.sync(".")
}
