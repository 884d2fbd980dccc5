package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
)

// Source is what goes into an archive.
type Source struct {
	// Dir is the data directory. What is collected lies in it, in a file without a name,
	// while the archive is written.
	Dir string
	// State writes a snapshot of the state database: one transaction, which is over when
	// State returns and so never waits for whoever receives the archive.
	State func(w io.Writer) (int64, error)
	// Files are further ones, below Dir: KeyFile, which has to be there, and the directory
	// "tls" or files in it. One that is not there is left out, and so is what lies in a
	// directory under a name that an archive cannot hold, or that ends with ".new".
	Files []string

	Version     string // of the program
	Created     time.Time
	Board, Host string
}

// Write writes an archive. What can be wrong with s is found before the first byte: then
// nothing was written to w. It returns a *FieldError for a passphrase of less than 8 or more
// than 128 characters, ErrTooLarge, or what disk and w returned. It takes 32 MiB of memory
// for a moment; calls are better not made at once.
func Write(ctx context.Context, w io.Writer, passphrase string, s Source) error {
	return write(ctx, w, passphrase, s, workFactor)
}

func write(ctx context.Context, w io.Writer, passphrase string, s Source, work int) error {
	if !fits(passphrase) {
		return &FieldError{"passphrase", fmt.Sprintf("The passphrase must have %d to %d characters.", shortest, longest)}
	}
	sp, err := collect(ctx, s)
	if err != nil {
		return fmt.Errorf("collect for backup: %w", err)
	}
	defer sp.Close() // nothing of it is kept
	m := Manifest{Format: format, Version: s.Version, Created: s.Created.UTC(), Board: s.Board, Host: s.Host, Files: sp.files}
	if err := m.check(); err != nil {
		return fmt.Errorf("collect for backup: %w", err)
	}
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	r.SetWorkFactor(work)
	out, err := age.Encrypt(limited{ctx, w}, r)
	if err == nil {
		err = pack(out, m, sp)
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

// pack writes the archive below the encryption.
func pack(w io.Writer, m Manifest, content io.ReaderAt) error {
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	if len(text) > mostManifest {
		return fmt.Errorf("%w: its list of files has %d bytes", ErrTooLarge, len(text))
	}
	tw := tar.NewWriter(w)
	header := func(name string, size int64) error {
		return tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: m.Created.Truncate(time.Second)})
	}
	if err := header(manifestFile, int64(len(text))); err != nil {
		return err
	}
	if _, err := tw.Write(text); err != nil {
		return err
	}
	at := int64(0)
	for _, e := range m.Files {
		if err := header(e.Name, e.Size); err != nil {
			return err
		}
		if _, err := io.Copy(tw, io.NewSectionReader(content, at, e.Size)); err != nil {
			return err
		}
		at += e.Size
	}
	return tw.Close()
}

// limited writes until ctx ends.
type limited struct {
	ctx context.Context
	w   io.Writer
}

func (l limited) Write(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	return l.w.Write(p)
}
