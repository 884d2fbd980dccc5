// Package proof owns exports that prove themselves: a zip of clips with a
// manifest that names each file by its SHA-256, and a signature of the manifest
// by the key of the box; and how such a file is checked. docs/format/export.md
// says what lies where.
//
// The package never decides who may take what away, and never holds a clip in
// memory. What it reads of a file to be checked it believes nothing of.
package proof

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"
)

// Names of the files in an export that are no clips.
const (
	ManifestFile  = "manifest.json"
	SignatureFile = "manifest.sig"
)

// Format is the version of the format that is written and read.
const Format = 1

// Manifest says what an export holds, and who made it when. Times are UTC.
type Manifest struct {
	Format   int       `json:"format"`
	Made     time.Time `json:"made"`
	By       string    `json:"by"` // who took it
	Box      Box       `json:"box"`
	Incident string    `json:"incident,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	From     time.Time `json:"from"` // what was asked for
	To       time.Time `json:"to"`
	Files    []File    `json:"files"`
}

// Box is where an export comes from.
type Box struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version"` // of the program
}

// File is one clip.
type File struct {
	Name       string    `json:"name"`
	Bytes      int64     `json:"bytes"`
	SHA256     string    `json:"sha256"` // lower-case hexadecimal
	Camera     string    `json:"camera"` // id
	CameraName string    `json:"camera_name"`
	From       time.Time `json:"from"` // of the first picture
	To         time.Time `json:"to"`
	Gaps       []Gap     `json:"gaps,omitempty"` // what is missing between them
}

// Gap is a time without footage.
type Gap struct {
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason string    `json:"reason,omitempty"`
}

// Signature is what SignatureFile holds.
type Signature struct {
	Algorithm string `json:"algorithm"` // Ed25519
	KeyID     string `json:"key_id"`
	PublicKey []byte `json:"public_key"` // base64
	Signature []byte `json:"signature"`  // base64, of the bytes of ManifestFile
}

const algorithm = "ed25519"

// Clip is a file to be put into an export. What File says of bytes and hash is
// not looked at.
type Clip struct {
	File
	// Open returns the bytes; it is called once, when it is the clip's turn.
	Open func() (io.ReadCloser, error)
}

// Result is what became of an export.
type Result struct {
	ManifestSHA256 string
	Bytes          int64 // of the whole file
}

// ErrName is returned for a clip whose name does not do, or is there already.
var ErrName = errors.New("not a name for a clip")

var validName = regexp.MustCompile(`^[a-z0-9][A-Za-z0-9._-]{0,119}\.mp4$`)

// Write writes an export to w: the clips as they are, one after the other, then
// m with what they turned out to be, and its signature. m.Format and m.Files are
// given here. What was written before an error is no export.
func (k *Key) Write(w io.Writer, m Manifest, clips []Clip) (Result, error) {
	count := &counter{w: w}
	z := zip.NewWriter(count)
	m.Format, m.Files = Format, nil
	seen := map[string]bool{}
	for _, c := range clips {
		if !validName.MatchString(c.Name) || seen[c.Name] {
			return Result{}, fmt.Errorf("%q: %w", c.Name, ErrName)
		}
		seen[c.Name] = true
		f, err := add(z, c, m.Made)
		if err != nil {
			return Result{}, fmt.Errorf("export %s: %w", c.Name, err)
		}
		m.Files = append(m.Files, f)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Result{}, err
	}
	text = append(text, '\n')
	signature, err := json.MarshalIndent(k.sign(text), "", "  ")
	if err != nil {
		return Result{}, err
	}
	for _, part := range []struct {
		name string
		text []byte
	}{{ManifestFile, text}, {SignatureFile, append(signature, '\n')}} {
		to, err := begin(z, part.name, m.Made)
		if err == nil {
			_, err = to.Write(part.text)
		}
		if err != nil {
			return Result{}, fmt.Errorf("export %s: %w", part.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return Result{}, fmt.Errorf("end export: %w", err)
	}
	sum := sha256.Sum256(text)
	return Result{hex.EncodeToString(sum[:]), count.n}, nil
}

// begin begins a file of the zip, which is not packed: video does not get smaller.
func begin(z *zip.Writer, name string, made time.Time) (io.Writer, error) {
	return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: made})
}

func add(z *zip.Writer, c Clip, made time.Time) (f File, err error) {
	from, err := c.Open()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := begin(z, c.Name, made)
	if err != nil {
		return f, err
	}
	sum := sha256.New()
	f = c.File
	f.Bytes, err = io.Copy(io.MultiWriter(to, sum), from)
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return f, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
