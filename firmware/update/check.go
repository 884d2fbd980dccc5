package update

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"vedette/firmware/slots"
)

// Bundle is what a bundle is, according to its signed manifest.
type Bundle struct {
	Version string `json:"version"`
	Bytes   int64  `json:"bytes"` // of the slot image
	SHA256  string `json:"sha256"`
	// Note is what was not as plain as it should be.
	Note string `json:"note,omitempty"`
}

const checkLimit = 5 * time.Minute // a signature of 512 MiB on a slow card

// Check looks at the bundle that was received, and removes it if it is refused. Errors:
// ErrBusy, ErrNothing, ErrDamaged, ErrSignature, ErrBoard, ErrTooLarge; ErrOlder unless
// it is allowed to be; those of ctx.
func (u *Updater) Check(ctx context.Context, allowOlder bool) (b Bundle, err error) {
	if err := u.claim(Checking); err != nil {
		return b, err
	}
	defer func() { u.release(err) }()
	b, err = u.check(ctx, allowOlder)
	if err != nil {
		u.failed(ctx, b.Version, err)
		u.discard()
	}
	return b, err
}

// check returns what is known of the bundle, with an error too.
func (u *Updater) check(ctx context.Context, allowOlder bool) (Bundle, error) {
	var b Bundle
	if err := wellFormed(u.bundle()); err != nil {
		return b, err
	}
	m, err := u.manifest(ctx)
	if err != nil {
		return b, err
	}
	b.Version = m.Version
	if want := "vedette-" + u.o.Board; m.Compatible != want {
		return b, fmt.Errorf("%w: it is for %.40q, and this is %q", ErrBoard, m.Compatible, want)
	}
	ok, note := newer(b.Version, u.o.Version)
	if b.Note = note; !ok && !allowOlder {
		return b, fmt.Errorf("%w: %s does not come after %s", ErrOlder, b.Version, u.o.Version)
	}
	return b, m.image(&b)
}

// wellFormed returns ErrDamaged for what cannot be a plain bundle: a squashfs, whose
// size is a multiple of 4096 bytes, then a signature, and its size in 8 bytes, the
// highest first (RAUC, Reference, "Bundle Formats").
func wellFormed(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return ErrNothing
	} else if err != nil {
		return fmt.Errorf("check update: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("check update: %w", err)
	}
	const most = 64 << 10 // bytes of a signature, for RAUC too
	var magic [4]byte
	var tail [8]byte
	if st.Size() < int64(len(magic)+len(tail)) {
		return fmt.Errorf("%w: it has %d bytes", ErrDamaged, st.Size())
	}
	if _, err := f.ReadAt(magic[:], 0); err != nil {
		return fmt.Errorf("check update: %w", err)
	}
	if _, err := f.ReadAt(tail[:], st.Size()-8); err != nil {
		return fmt.Errorf("check update: %w", err)
	}
	signature := binary.BigEndian.Uint64(tail[:])
	if string(magic[:]) != "hsqs" {
		return fmt.Errorf("%w: it is no bundle", ErrDamaged)
	}
	if signature == 0 || signature > most || int64(signature) > st.Size()-8 || (st.Size()-8-int64(signature))%4096 != 0 {
		return fmt.Errorf("%w: its end is missing", ErrDamaged)
	}
	return nil
}

// manifest is what RAUC tells of a bundle whose signature is right. It tells more, and
// other versions of it other things.
type manifest struct {
	Compatible, Version string
	Images              []map[string]struct {
		Checksum string
		Size     int64
	}
}

// manifest has RAUC check the signature.
func (u *Updater) manifest(ctx context.Context) (m manifest, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, checkLimit, fmt.Errorf("it took more than %v", checkLimit))
	defer cancel()
	dir, err := os.MkdirTemp(u.o.RunDir, "check-")
	if err != nil {
		return m, fmt.Errorf("check update: %w", err)
	}
	defer os.RemoveAll(dir)
	var said strings.Builder
	err = u.o.Exec(ctx, Program{
		Name: "rauc", Args: []string{"--conf=" + u.o.Config, "info", "--output-format=json", u.bundle()},
		Env:  []string{"TMPDIR=" + dir},
		Line: func(line string) { said.WriteString(line + "\n") },
	})
	switch {
	case err == nil:
		return parseManifest(said.String())
	case ctx.Err() != nil:
		return m, fmt.Errorf("check update: %w", err)
	case strings.Contains(err.Error(), "signature verification failed"):
		return m, fmt.Errorf("%w: %w", ErrSignature, err)
	case strings.Contains(err.Error(), "Invalid bundle format"):
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return m, fmt.Errorf("check update: %w", err)
}

func parseManifest(said string) (m manifest, err error) {
	// Before it there may be messages of the library that RAUC uses.
	begin := max(strings.Index(said, "{"), 0)
	if err := json.NewDecoder(strings.NewReader(said[begin:])).Decode(&m); err != nil {
		return m, fmt.Errorf("check update: RAUC does not tell what it is: %w", err)
	}
	return m, nil
}

// image fills in what the manifest says of the one image that there must be.
func (m manifest) image(b *Bundle) error {
	if len(m.Images) != 1 || len(m.Images[0]) != 1 {
		return fmt.Errorf("%w: it has %d images, and not one", ErrDamaged, len(m.Images))
	}
	img, ok := m.Images[0]["rootfs"]
	if !ok {
		return fmt.Errorf("%w: it has no image for a slot", ErrDamaged)
	}
	if len(img.Checksum) != 64 || strings.Trim(img.Checksum, "0123456789abcdef") != "" || img.Size <= 0 {
		return fmt.Errorf("%w: its image has no checksum and size", ErrDamaged)
	}
	if img.Size > slots.MaxImageBytes {
		return fmt.Errorf("%w: its image has %d bytes, and a slot %d", ErrTooLarge, img.Size, slots.MaxImageBytes)
	}
	b.Bytes, b.SHA256 = img.Size, img.Checksum
	return nil
}
