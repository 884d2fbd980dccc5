package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"filippo.io/age"
)

// Read decrypts and checks an archive into dir, which has to be there and empty; files are
// for their owner alone, and durable when it returns. It takes 32 MiB of memory for a
// moment; calls are better not made at once. It returns ErrPassphrase, ErrDamaged,
// ErrVersion, ErrTooLarge, or what reading r and writing the disk returned; then what is in
// dir is of no use.
func Read(ctx context.Context, r io.Reader, passphrase, dir string) (Manifest, error) {
	t, err := openTree(dir)
	if err != nil {
		return Manifest{}, fmt.Errorf("read backup: %w", err)
	}
	defer t.Close() // a directory
	return read(ctx, r, passphrase, t, ".")
}

func read(ctx context.Context, r io.Reader, passphrase string, t tree, dir string) (Manifest, error) {
	in := &input{ctx: ctx, r: r}
	m, err := decrypt(in, passphrase, t, dir)
	if in.err != nil { // and no wonder that something was missing
		err = in.err
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read backup: %w", err)
	}
	return m, nil
}

func decrypt(r io.Reader, passphrase string, t tree, dir string) (Manifest, error) {
	if !fits(passphrase) {
		return Manifest{}, ErrPassphrase
	}
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Manifest{}, err
	}
	id.SetMaxWorkFactor(mostWorkFactor)
	plain, err := age.Decrypt(r, id)
	var mismatch *age.NoIdentityMatchError
	switch {
	case errors.As(err, &mismatch) && slices.Equal(mismatch.StanzaTypes, []string{"scrypt"}):
		return Manifest{}, ErrPassphrase
	case err != nil:
		return Manifest{}, damaged("%w", err)
	}
	return unpack(plain, t, dir)
}

// unpack reads the archive below the encryption.
func unpack(r io.Reader, t tree, dir string) (Manifest, error) {
	tr := tar.NewReader(r)
	m, err := manifest(tr)
	if err != nil {
		return Manifest{}, err
	}
	dirs := []string{dir}
	for _, e := range m.Files {
		made, err := makeDirs(t, dir, path.Dir(e.Name))
		if err != nil {
			return Manifest{}, err
		}
		dirs = append(dirs, made...)
		if err := extract(tr, e, t, path.Join(dir, e.Name)); err != nil {
			return Manifest{}, err
		}
	}
	if h, err := tr.Next(); err == nil {
		return Manifest{}, damaged("it holds %.100q beside what it says", h.Name)
	} else if !errors.Is(err, io.EOF) {
		return Manifest{}, damaged("%w", err)
	}
	// What follows the end must be read: the end alone says that nothing was cut off.
	if n, err := io.Copy(io.Discard, io.LimitReader(r, 1)); err != nil {
		return Manifest{}, damaged("%w", err)
	} else if n > 0 {
		return Manifest{}, damaged("there is something after its end")
	}
	for _, d := range slices.Backward(dirs) {
		if err := t.sync(d); err != nil {
			return Manifest{}, err
		}
	}
	return m, nil
}

// manifest reads the first file of an archive.
func manifest(tr *tar.Reader) (m Manifest, err error) {
	h, err := next(tr, manifestFile)
	if err != nil {
		return m, err
	}
	if h.Size > mostManifest {
		return m, fmt.Errorf("%w: its list of files has %d bytes", ErrTooLarge, h.Size)
	}
	text, err := io.ReadAll(io.LimitReader(tr, mostManifest))
	if err != nil {
		return m, damaged("%w", err)
	}
	var only struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &only); err == nil && only.Format > format {
		return m, (&Manifest{Format: only.Format}).check() // whatever else that format has
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, damaged("its list of files: %w", err)
	}
	return m, m.check()
}

// next wants a plain file of that name.
func next(tr *tar.Reader, name string) (*tar.Header, error) {
	h, err := tr.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, damaged("%s is not there", name)
	case err != nil:
		return nil, damaged("%w", err)
	case h.Typeflag != tar.TypeReg || h.Name != name || h.Size < 0:
		return nil, damaged("%.100q is where %s should be", h.Name, name)
	}
	return h, nil
}

// extract writes the next file of the archive, which has to be e, as name.
func extract(tr *tar.Reader, e Entry, t tree, name string) error {
	h, err := next(tr, e.Name)
	if err != nil {
		return err
	}
	if h.Size != e.Size {
		return damaged("%s has %d bytes, and not %d", e.Name, h.Size, e.Size)
	}
	f, err := t.create(name)
	if err != nil {
		return err
	}
	out, sum := &output{w: f}, sha256.New()
	_, err = io.Copy(io.MultiWriter(out, sum), tr)
	if err != nil && out.err == nil {
		err = damaged("%w", err)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != e.SHA256 {
		return damaged("%s has another SHA-256 than it should", e.Name)
	}
	return nil
}

// makeDirs makes the directory name below dir, and returns those that were not there.
func makeDirs(t tree, dir, name string) (made []string, err error) {
	if name == "." {
		return nil, nil
	}
	if made, err = makeDirs(t, dir, path.Dir(name)); err != nil {
		return nil, err
	}
	full := path.Join(dir, name)
	switch err := t.mkdir(full); {
	case err == nil:
		return append(made, full), nil
	case errors.Is(err, fs.ErrExist):
		return made, nil
	default:
		return nil, err
	}
}

// input ends with ctx, and remembers what else went wrong with reading.
type input struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (in *input) Read(p []byte) (n int, err error) {
	if err = in.ctx.Err(); err == nil {
		n, err = in.r.Read(p)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	return n, err
}

// output remembers what went wrong with writing.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (n int, err error) {
	n, err = o.w.Write(p)
	if err != nil {
		o.err = err
	}
	return n, err
}
