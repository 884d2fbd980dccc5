package slots

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// MaxImageBytes is the size of a slot, and so the most that an image may have.
const MaxImageBytes = 256 << 20

// ErrImage is that a slot holds no image, or a damaged one.
var ErrImage = errors.New("no slot image")

// Header tells what a slot image is.
type Header struct {
	Version string
	Board   string // as in board.IDs
	// Bytes is the size of the image, the padding at its end included.
	Bytes int64
	// FIT is where kernel and device trees begin, FITBytes how long they are.
	FIT, FITBytes int64
}

const (
	page           = 4096
	squashfsMagic  = 0x73717368 // "hsqs"; Documentation/filesystems/squashfs.rst
	superblock     = 96         // bytes
	maxHeaderValue = 128        // bytes; what a header tells is shown to people
)

// ReadHeader returns what the image at the beginning of a slot says of itself. It
// tells nothing of whether that image is whole. The error is ErrImage unless the slot
// cannot be read.
func ReadHeader(slot io.ReaderAt) (Header, error) {
	super := make([]byte, superblock)
	if err := readAt(slot, super, 0); err != nil {
		return Header{}, err
	}
	if binary.LittleEndian.Uint32(super) != squashfsMagic {
		return Header{}, fmt.Errorf("%w: it does not begin with a squashfs", ErrImage)
	}
	size := binary.LittleEndian.Uint64(super[40:])
	if size < superblock || size > MaxImageBytes {
		return Header{}, fmt.Errorf("%w: its squashfs has %d bytes", ErrImage, size)
	}
	at := (int64(size) + page - 1) / page * page
	block := make([]byte, BlockBytes)
	if err := readAt(slot, block, at); err != nil {
		return Header{}, err
	}
	return parseHeader(block, at)
}

func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b): // with or without io.EOF
		return nil
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it ends at byte %d", ErrImage, at+int64(n))
	}
	return fmt.Errorf("read slot: %w", err)
}

func parseHeader(block []byte, at int64) (Header, error) {
	vars, err := variables(block)
	if err != nil {
		return Header{}, fmt.Errorf("%w: header: %w", ErrImage, err)
	}
	values, _, err := once(vars, "fit_blocks", "version", "board")
	if err != nil {
		return Header{}, fmt.Errorf("%w: header: %w", ErrImage, err)
	}
	h := Header{Version: values["version"], Board: values["board"], FIT: at + page}
	for _, name := range []string{"version", "board"} {
		if !plain(values[name]) {
			return Header{}, fmt.Errorf("%w: header: %s is %.20q", ErrImage, name, values[name])
		}
	}
	digits, hexadecimal := strings.CutPrefix(values["fit_blocks"], "0x")
	blocks, err := strconv.ParseUint(digits, 16, 31)
	if !hexadecimal || err != nil || blocks == 0 || blocks > MaxImageBytes/BlockBytes {
		return Header{}, fmt.Errorf("%w: header: fit_blocks is %.20q", ErrImage, values["fit_blocks"])
	}
	h.FITBytes = int64(blocks) * BlockBytes
	h.Bytes = (h.FIT + h.FITBytes + page - 1) / page * page
	if h.Bytes > MaxImageBytes {
		return Header{}, fmt.Errorf("%w: header: %d bytes are more than a slot has", ErrImage, h.Bytes)
	}
	return h, nil
}

// plain says whether a value is something that may be shown: visible ASCII.
func plain(s string) bool {
	return s != "" && len(s) <= maxHeaderValue && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
