package sampler

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxPicture bounds one JPEG, in bytes.
const maxPicture = 4 << 20

// Errors of a stream of pictures.
var (
	errNotJPEG = errors.New("what it writes is no JPEG")
	errTooLong = fmt.Errorf("it writes a picture of more than %d MiB", maxPicture>>20)
)

// Markers of JPEG (ITU-T T.81, table B.1), without their 0xff.
const (
	markSOI = 0xd8
	markEOI = 0xd9
	markSOS = 0xda
)

// pictures takes a stream of JPEGs, one right behind the other, apart.
type pictures struct {
	r   *bufio.Reader
	buf []byte // the picture under way

	width, height int
	scanned       bool
}

func newPictures(r io.Reader) *pictures { return &pictures{r: bufio.NewReaderSize(r, 32<<10)} }

// next returns the next picture, which the caller owns, and its size in pixels.
// It returns io.EOF at the end of the stream if that is where a picture ends. No
// error but that leaves the stream where a picture begins.
func (p *pictures) next() (data []byte, width, height int, err error) {
	if _, err := p.r.Peek(1); err != nil {
		return nil, 0, 0, err
	}
	p.buf, p.width, p.height, p.scanned = p.buf[:0], 0, 0, false
	if err := p.take(2); err != nil {
		return nil, 0, 0, torn(err)
	}
	if p.buf[0] != 0xff || p.buf[1] != markSOI {
		return nil, 0, 0, errNotJPEG
	}
	mark, err := p.marker()
	for err == nil && mark != markEOI {
		if err = p.segment(mark); err != nil {
			break
		}
		if mark == markSOS {
			mark, err = p.scan()
		} else {
			mark, err = p.marker()
		}
	}
	if err != nil {
		return nil, 0, 0, torn(err)
	}
	if !p.scanned || p.width == 0 || p.height == 0 {
		return nil, 0, 0, errNotJPEG
	}
	return bytes.Clone(p.buf), p.width, p.height, nil
}

// torn makes the end of the stream inside a picture an error.
func torn(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// take appends the next n bytes to the picture.
func (p *pictures) take(n int) error {
	if len(p.buf)+n > maxPicture {
		return errTooLong
	}
	at := len(p.buf)
	p.buf = append(p.buf, make([]byte, n)...)
	_, err := io.ReadFull(p.r, p.buf[at:])
	return err
}

// marker takes the next marker, which has to be there, and returns its code.
func (p *pictures) marker() (byte, error) {
	if err := p.take(1); err != nil {
		return 0, err
	}
	if p.buf[len(p.buf)-1] != 0xff {
		return 0, errNotJPEG
	}
	return p.code()
}

// code takes the code behind a 0xff, past any filling of more of them.
func (p *pictures) code() (byte, error) {
	for {
		if err := p.take(1); err != nil {
			return 0, err
		}
		if c := p.buf[len(p.buf)-1]; c != 0xff {
			return c, nil
		}
	}
}

// segment takes what belongs to the marker m.
func (p *pictures) segment(m byte) error {
	if m < 0xc0 || m >= 0xd0 && m <= markSOI { // reserved, restarts, another beginning
		return errNotJPEG
	}
	if err := p.take(2); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(p.buf[len(p.buf)-2:]))
	if n < 2 {
		return errNotJPEG
	}
	at := len(p.buf)
	if err := p.take(n - 2); err != nil {
		return err
	}
	switch {
	case m == markSOS:
		p.scanned = true
	case m >= 0xc0 && m <= 0xcf && m != 0xc4 && m != 0xc8 && m != 0xcc: // SOFn
		if n < 8 {
			return errNotJPEG
		}
		p.height = int(binary.BigEndian.Uint16(p.buf[at+1:]))
		p.width = int(binary.BigEndian.Uint16(p.buf[at+3:]))
	}
	return nil
}

// scan takes coded data up to the marker that ends it and returns its code.
func (p *pictures) scan() (byte, error) {
	for {
		run, err := p.r.ReadSlice(0xff)
		if len(p.buf)+len(run) > maxPicture {
			return 0, errTooLong
		}
		p.buf = append(p.buf, run...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return 0, err
		}
		c, err := p.code()
		if err != nil {
			return 0, err
		}
		if c != 0 && (c < 0xd0 || c > 0xd7) { // neither a coded 0xff nor a restart
			return c, nil
		}
	}
}

// measure returns the size in pixels of data, which has to be one whole JPEG.
func measure(data []byte) (width, height int, err error) {
	if len(data) > maxPicture {
		return 0, 0, errTooLong
	}
	_, width, height, err = newPictures(bytes.NewReader(data)).next()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errNotJPEG
	}
	return width, height, err
}
