package proof

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
)

// Errors of Verify, wrapped with what is wrong.
var (
	ErrNotExport = errors.New("not an export of Vedette")
	ErrSignature = errors.New("the signature is not that of the manifest")
	ErrOtherKey  = errors.New("signed by another key")
)

// Bounds of what is read.
const (
	mostManifest  = 4 << 20 // bytes
	mostSignature = 4 << 10
	mostFiles     = 10_000
)

// Report is what an export turned out to be.
type Report struct {
	Manifest Manifest
	KeyID    string // of the key that it is signed with
	// Known says that it is the key that the caller asked for. Otherwise nothing
	// but a key that came with the file vouches for it.
	Known bool
	Files []Checked
}

// Checked is a clip, and what is wrong with it: "" = nothing.
type Checked struct {
	Name, Problem string
}

// OK reports whether nothing is wrong with any clip.
func (r Report) OK() bool {
	for _, f := range r.Files {
		if f.Problem != "" {
			return false
		}
	}
	return true
}

// Verify checks an export of size bytes: its signature, and every file against the
// manifest. key is the public key it has to be signed with, or its id; empty: any.
// It returns ErrNotExport, ErrSignature, ErrOtherKey or what reading says; what is
// wrong with clips alone is in the report.
func Verify(r io.ReaderAt, size int64, key string) (Report, error) {
	files, err := list(r, size)
	if err != nil {
		return Report{}, err
	}
	text, err := small(files[ManifestFile], mostManifest)
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w: %w", ManifestFile, ErrNotExport, err)
	}
	raw, err := small(files[SignatureFile], mostSignature)
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w: %w", SignatureFile, ErrNotExport, err)
	}
	out, err := signed(text, raw, key)
	if err != nil {
		return Report{}, err
	}
	if err := json.Unmarshal(text, &out.Manifest); err != nil {
		return Report{}, fmt.Errorf("%s: %w: %w", ManifestFile, ErrNotExport, err)
	}
	if out.Manifest.Format != Format {
		return Report{}, fmt.Errorf("format %d: %w that this version can read", out.Manifest.Format, ErrNotExport)
	}
	out.compare(files)
	return out, nil
}

// list returns the files of the zip by name.
func list(r io.ReaderAt, size int64) (map[string]*zip.File, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%w: %w", ErrNotExport, err)
	}
	if len(z.File) > mostFiles {
		return nil, fmt.Errorf("%d files: %w", len(z.File), ErrNotExport)
	}
	files := map[string]*zip.File{}
	for _, f := range z.File {
		switch {
		case f.Name != ManifestFile && f.Name != SignatureFile && !validName.MatchString(f.Name):
			return nil, fmt.Errorf("a file called %.64q: %w", f.Name, ErrNotExport)
		case files[f.Name] != nil:
			return nil, fmt.Errorf("%s is there twice: %w", f.Name, ErrNotExport)
		case f.Method != zip.Store: // what is packed may be any size
			return nil, fmt.Errorf("%s is packed: %w", f.Name, ErrNotExport)
		}
		files[f.Name] = f
	}
	return files, nil
}

// small reads a file that has most bytes at most.
func small(f *zip.File, most int64) ([]byte, error) {
	if f == nil {
		return nil, errors.New("is missing")
	}
	from, err := f.Open()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	if errors.Is(err, zip.ErrChecksum) {
		err = nil // the signature says it better
	}
	if err = errors.Join(err, from.Close()); err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, errors.New("is too long")
	}
	return text, nil
}

// signed checks the signature of text.
func signed(text, raw []byte, key string) (Report, error) {
	var s Signature
	if err := json.Unmarshal(raw, &s); err != nil {
		return Report{}, fmt.Errorf("%s: %w: %w", SignatureFile, ErrNotExport, err)
	}
	if s.Algorithm != algorithm || len(s.PublicKey) != ed25519.PublicKeySize {
		return Report{}, fmt.Errorf("%s: %w: signed by %.32q", SignatureFile, ErrNotExport, s.Algorithm)
	}
	if !ed25519.Verify(s.PublicKey, text, s.Signature) {
		return Report{}, ErrSignature
	}
	out := Report{KeyID: KeyID(s.PublicKey)}
	if key == "" {
		return out, nil
	}
	if out.Known = key == out.KeyID || bytes.Equal(public(key), s.PublicKey); !out.Known {
		return Report{}, fmt.Errorf("%w, %s", ErrOtherKey, out.KeyID)
	}
	return out, nil
}

// compare checks every file against the manifest, and that there are no others.
func (r *Report) compare(files map[string]*zip.File) {
	named := map[string]bool{ManifestFile: true, SignatureFile: true}
	for _, m := range r.Manifest.Files {
		c := Checked{Name: m.Name}
		switch f := files[m.Name]; {
		case named[m.Name]:
			c.Problem = "the manifest names it twice"
		case f == nil:
			c.Problem = "is missing"
		default:
			c.Problem = differs(f, m)
		}
		named[m.Name] = true
		r.Files = append(r.Files, c)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !named[name] {
			r.Files = append(r.Files, Checked{name, "the manifest does not name it"})
		}
	}
}

// differs says what of a file is not as the manifest has it.
func differs(f *zip.File, m File) string {
	from, err := f.Open()
	if err != nil {
		return err.Error()
	}
	defer func() { _ = from.Close() }() // it was only read
	sum := sha256.New()
	n, err := read(sum, from, m.Bytes)
	switch {
	case err != nil:
		return err.Error()
	case n != m.Bytes:
		return fmt.Sprintf("has not the %d bytes of the manifest", m.Bytes)
	case hex.EncodeToString(sum.Sum(nil)) != m.SHA256:
		return "was changed"
	}
	return ""
}

// read hashes at most one byte more than there may be.
func read(sum hash.Hash, from io.Reader, most int64) (int64, error) {
	n, err := io.Copy(sum, io.LimitReader(from, max(most, 0)+1))
	if errors.Is(err, zip.ErrChecksum) {
		err = nil // the hash says it better
	}
	return n, err
}

// public returns the key that text is in base64, or nil.
func public(text string) []byte {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil
	}
	return key
}
