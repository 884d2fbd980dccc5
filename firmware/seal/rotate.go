package seal

import "fmt"

// Func is Vault.Seal or Vault.Open.
type Func func(table, id, field string, data []byte) ([]byte, error)

// Reseal opens and seals anew everything that is sealed, of every class, and a new Proof: in
// one transaction of the database, and in files, all of it durable when it returns. It
// returns how many secrets that were. What it did before an error may stay. It may be called
// twice in a row. A class that it leaves out can never be opened again.
type Reseal func(open, seal Func) (int, error)

// Unfinished reports whether a rotation has not come to its end, as after a power cut.
// Everything can be opened nevertheless. Finish is to be called.
func (v *Vault) Unfinished() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.keys.old != nil
}

// Rotate makes a new key, has everything sealed anew, and forgets the old key. It returns
// what reseal counted. Secrets can be sealed and opened meanwhile.
//
// The order is: both keys in the key file, from when on the new one seals; the transaction
// of reseal; the new key alone in the key file. A power cut or an error at any step leaves
// in the file every key that is needed: then the rotation is Unfinished, or has not begun.
func (v *Vault) Rotate(reseal Reseal) (int, error) {
	v.rotating.Lock()
	defer v.rotating.Unlock()
	if _, err := v.finish(reseal); err != nil {
		return 0, err
	}
	v.mu.RLock()
	old := v.keys.current
	v.mu.RUnlock()
	if err := v.change(ring{current: newKey(), old: old}); err != nil {
		return 0, fmt.Errorf("add device key: %w", err)
	}
	return v.finish(reseal)
}

// Finish ends a rotation that is Unfinished; without one it does nothing. It belongs to the
// start, before anything else is sealed.
func (v *Vault) Finish(reseal Reseal) (int, error) {
	v.rotating.Lock()
	defer v.rotating.Unlock()
	return v.finish(reseal)
}

func (v *Vault) finish(reseal Reseal) (int, error) {
	if !v.Unfinished() {
		return 0, nil
	}
	n, err := reseal(v.Open, v.Seal)
	if err != nil {
		return 0, fmt.Errorf("seal everything anew: %w", err)
	}
	v.mu.RLock()
	current := v.keys.current
	v.mu.RUnlock()
	if err := v.change(ring{current: current}); err != nil {
		return n, fmt.Errorf("forget old device key: %w", err)
	}
	return n, nil
}

// change uses other keys once they are durable. Whichever file an error leaves, it has the
// keys in use before.
func (v *Vault) change(r ring) error {
	if err := replace(v.files, r); err != nil {
		return err
	}
	v.mu.Lock()
	v.keys = r
	v.mu.Unlock()
	return nil
}
