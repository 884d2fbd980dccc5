package card

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"vedette/firmware/durable"
)

// Names below the mount point of vedette-data.
const (
	resetName    = "reset.json"            // a reset that is to be carried out
	stateName    = "vedette"               // the data directory of vedette run
	eraseFootage = "vedette/erase-footage" // the recorder is to erase the footage on other disks
	identityName = "volume.json"           // what makes a directory a footage volume (docs/format/volume.md)
)

// maxRequest is far more bytes than a request takes.
const maxRequest = 4 << 10

// request is what reset.json says.
type request struct {
	Footage *bool `json:"footage"` // it goes too
}

// RequestReset asks for a factory reset at the next start: when it returns nil that
// is durable. data is where vedette-data is mounted. A second request takes the place
// of the first.
func RequestReset(data string, keepFootage bool) error {
	goes := !keepFootage
	b, err := json.Marshal(request{&goes})
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(data, resetName), b); err != nil {
		return fmt.Errorf("request a reset: %w", err)
	}
	return nil
}

// reset carries out a request. It returns an error only if ctx ended it: whatever
// else goes wrong is in the report, and the request stays for the next start.
func (p *preparation) reset(ctx context.Context) error {
	path := filepath.Join(p.data, resetName)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	_ = p.r.step("reset", func() error {
		asked, err := readRequest(path)
		if err != nil {
			return errors.Join(err, removeDurably(path)) // nobody can tell what it was
		}
		p.r.Reset = &ResetReport{Footage: *asked.Footage}
		if err := p.carryOut(ctx, *asked.Footage); err != nil {
			return err
		}
		if err := removeDurably(path); err != nil {
			return err
		}
		p.r.Reset.Done = true
		return nil
	})
	return context.Cause(ctx)
}

// readRequest reads a request, or says why it is none.
func readRequest(path string) (request, error) {
	st, err := os.Lstat(path)
	switch {
	case err != nil:
		return request{}, err
	case !st.Mode().IsRegular() || st.Size() > maxRequest:
		return request{}, fmt.Errorf("%s: not a request", resetName)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return request{}, err
	}
	var asked request
	if err := json.Unmarshal(b, &asked); err != nil {
		return request{}, fmt.Errorf("%s: %w", resetName, err)
	}
	if asked.Footage == nil {
		return request{}, fmt.Errorf("%s: footage is missing", resetName)
	}
	return asked, nil
}

// carryOut wipes what the box knows: accounts, secrets, settings, and what a
// vedette-spare keeps of them. Each part may be done again.
func (p *preparation) carryOut(ctx context.Context, footage bool) error {
	var errs []error
	for _, name := range []string{stateName, "system", "update"} {
		_, err := wipe(ctx, filepath.Join(p.data, name), !footage)
		errs = append(errs, err)
	}
	if ctx.Err() != nil {
		errs = append(errs, context.Cause(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if footage {
		if err := os.MkdirAll(filepath.Join(p.data, stateName), 0o755); err != nil {
			return err
		}
		if err := durable.WriteFile(filepath.Join(p.data, eraseFootage), nil); err != nil {
			return err
		}
	}
	// ext4 gives back only what its journal has let go: Trim syncs first.
	trimmed, err := p.m.Trim(p.data)
	p.r.Reset.TrimmedBytes = trimmed
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return p.emptySpare()
}

// emptySpare discards a vedette-spare that holds what was vedette-data.
func (p *preparation) emptySpare() error {
	spare, ok := p.Part(Spare)
	if !ok || spare.Node == "" || p.table.named(Spare)[0].flags&kept == 0 {
		return nil
	}
	switch err := p.m.Discard(spare.Node, spare.Bytes); {
	case errors.Is(err, errors.ErrUnsupported):
		return nil // the report says that it was not done
	case err != nil:
		return err
	}
	p.r.Reset.SpareDiscarded = true
	return p.write(p.table.emptied())
}

// wipe removes what is in a directory, and reports whether something in it was kept:
// with keepVolumes, directories below it that are footage volumes, and what leads to
// them. A symbolic link goes, not what it leads to. It goes on after an error, but not
// after the end of ctx; a directory that it could not look through stays whole, as
// there may be a volume in it.
func wipe(ctx context.Context, dir string, keepVolumes bool) (keeps bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	errs := []error{err}
	for _, e := range entries {
		if ctx.Err() != nil {
			return true, errors.Join(append(errs, context.Cause(ctx))...)
		}
		path := filepath.Join(dir, e.Name())
		if e.IsDir() && keepVolumes {
			stays, err := isVolume(path), error(nil)
			if !stays {
				stays, err = wipe(ctx, path, true)
				errs = append(errs, err)
			}
			if stays || err != nil {
				keeps = true
				continue
			}
		}
		errs = append(errs, os.RemoveAll(path))
	}
	return keeps, errors.Join(errs...)
}

func isVolume(dir string) bool {
	st, err := os.Lstat(filepath.Join(dir, identityName))
	return err == nil && st.Mode().IsRegular()
}

func removeDurably(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(path))
}
