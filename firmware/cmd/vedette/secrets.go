package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"

	"vedette/firmware/backup"
	"vedette/firmware/certs"
	"vedette/firmware/egress"
	"vedette/firmware/seal"
	"vedette/perception/events"
	"vedette/perception/proof"
	"vedette/web/api"
)

// The place of the proof that the device key belongs to the state database.
const (
	proofBucket = "seal"
	proofKey    = "proof"
)

// applyRestored puts a backup in place that was restored before the start.
func (p *process) applyRestored() error {
	pending, err := backup.Pending(p.flags.data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for a restored backup: %w", err)
	}
	if !pending {
		return nil
	}
	if err := backup.Apply(p.flags.data); err != nil {
		return fmt.Errorf("put the restored backup in place: %w", err)
	}
	p.restored = true
	return nil
}

// openVault opens the device key, and makes sure that it is the one of the
// database: with another one every secret would be lost at the first change.
func (p *process) openVault(db *storm.DB) (err error) {
	if p.vault, err = seal.Open(p.flags.data, seal.Options{Log: p.log}); err != nil {
		return err
	}
	var proof []byte
	switch err := db.Get(proofBucket, proofKey, &proof); {
	case errors.Is(err, storm.ErrNotFound):
		if err := db.Set(proofBucket, proofKey, p.vault.Proof()); err != nil {
			return fmt.Errorf("store proof of the device key: %w", err)
		}
	case err != nil:
		return fmt.Errorf("read proof of the device key: %w", err)
	default:
		if err := p.vault.Verify(proof); err != nil {
			return fmt.Errorf("%w: put back the %s that belongs to state.db, or restore a backup", err, filepath.Join(p.flags.data, backup.KeyFile))
		}
	}
	return nil
}

// reseal seals every secret there is anew: those in the database in one
// transaction, and the keys of certificates after it. Stopped anywhere it can be
// done again, because both device keys are there until it has ended.
func (p *process) reseal(open, seal seal.Func) (n int, err error) {
	err = p.state.Bolt.Update(func(tx *bolt.Tx) error {
		people, err := p.auth.Reseal(tx, open, seal)
		if err != nil {
			return err
		}
		anew := func(table, id, field, stored string) (string, error) {
			plain, err := p.vault.OpenText(table, id, field, stored)
			if err != nil {
				return "", err
			}
			return p.vault.SealText(table, id, field, plain)
		}
		cameras, err := p.recorder.Reseal(tx, anew)
		if err != nil {
			return err
		}
		told, err := p.perception.Reseal(tx, anew)
		if err != nil {
			return err
		}
		signing, err := proof.Reseal(p.state, tx, anew)
		if n = people + cameras + told + signing; err != nil {
			return err
		}
		return p.state.WithTransaction(tx).Set(proofBucket, proofKey, p.vault.Proof())
	})
	if err != nil {
		return 0, err
	}
	keys, err := p.certs.Reseal(open, seal)
	return n + keys, err
}

// finishRotation ends a change of the device key that a power cut stopped.
func (p *process) finishRotation() error {
	if !p.vault.Unfinished() {
		return nil
	}
	n, err := p.vault.Finish(p.reseal)
	p.log.Info("a change of the device key was brought to its end", "secrets", n, "err", err)
	return err
}

// errArchiving is for the second of two backups at once.
var errArchiving = fmt.Errorf("a backup is made or restored already: %w", api.ErrConflict)

// secrets implements api.Secrets and api.Backups.
type secrets struct{ p *process }

func (s secrets) Rotate(context.Context) (int, error) {
	n, err := s.p.vault.Rotate(s.p.reseal)
	if err == nil {
		s.p.events.Emit(events.Event{Type: "secrets_rotated", Payload: map[string]any{"secrets": n}})
	}
	return n, err
}

func (s secrets) Backup(ctx context.Context, w io.Writer, passphrase string) error {
	p := s.p
	if !p.archiving.TryLock() { // each takes 32 MiB
		return errArchiving
	}
	defer p.archiving.Unlock()
	host, _ := os.Hostname() // without one the archive does not say whose it is
	err := backup.Write(ctx, w, passphrase, backup.Source{
		Dir: p.flags.data, Files: []string{backup.KeyFile, certsDir},
		State: func(w io.Writer) (n int64, err error) {
			err = p.state.Bolt.View(func(tx *bolt.Tx) error {
				n, err = tx.WriteTo(w)
				return err
			})
			return n, err
		},
		Version: version, Created: p.clock.Now(), Board: p.board.board.ID, Host: host,
	})
	if err == nil {
		p.events.Emit(events.Event{Type: "backup_made"})
	}
	return err
}

// Restore takes a backup in and has the process begin anew.
func (s secrets) Restore(ctx context.Context, r io.Reader, passphrase string) error {
	if !s.p.archiving.TryLock() {
		return errArchiving
	}
	defer s.p.archiving.Unlock()
	m, err := backup.Receive(ctx, r, passphrase, s.p.flags.data, dropSessions)
	for code, is := range map[string]error{"passphrase": backup.ErrPassphrase, "damaged": backup.ErrDamaged, "version": backup.ErrVersion, "too_large": backup.ErrTooLarge} {
		if errors.Is(err, is) {
			return &api.RestoreError{Code: code, Reason: is.Error()}
		}
	}
	if errors.Is(err, backup.ErrPending) {
		return fmt.Errorf("%w: %w", err, api.ErrConflict)
	}
	if err != nil {
		return err
	}
	s.p.log.Info("a backup is restored", "created", m.Created, "version", m.Version)
	s.p.again.Store(true)
	s.p.stop()
	return nil
}

// dropSessions makes a restored database one that nobody is signed in to.
func dropSessions(path string) (err error) {
	if err := checkState(path); err != nil { // a torn page would end the process
		return err
	}
	db, err := openBolt(path)
	if err != nil {
		return fmt.Errorf("open restored state: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Bolt.Update(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte("auth_sessions")) == nil {
			return nil
		}
		return tx.DeleteBucket([]byte("auth_sessions"))
	})
}

// beginAnew replaces this process by one of the same program and arguments. It
// returns if that is not possible, and then whoever supervises it starts it.
func beginAnew(std streams) int {
	self, err := os.Executable()
	if err != nil {
		return fail(std, 1, fmt.Errorf("begin anew: %w", err))
	}
	return fail(std, 1, fmt.Errorf("begin anew: %w", syscall.Exec(self, os.Args, os.Environ())))
}

// certsDir is where certificates are, below the data directory.
const certsDir = "tls"

// openCerts opens the certificates, even where the panel is not encrypted: their
// keys are secrets like the others.
func (p *process) openCerts() (err error) {
	p.certs, err = certs.Open(certs.Options{
		Dir: filepath.Join(p.flags.data, certsDir), Names: p.names, Seal: p.vault, Log: p.log, Client: p.egress.Client(egress.Web), Dial: p.egress.Dial(egress.Web),
		Emit: func(what string, detail map[string]any) {
			severity := events.Info
			if what != "certificate_renewed" {
				severity = events.Warning
			}
			p.events.Emit(events.Event{Type: what, Severity: severity, Payload: detail})
		},
		Now: p.clock.believed,
	})
	return err
}
