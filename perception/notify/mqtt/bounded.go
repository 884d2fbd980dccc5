package mqtt

import (
	"errors"
	"net"
	"time"
)

const (
	mostPacket = 256 << 10        // bytes of a packet that is taken from a broker
	writeTime  = 15 * time.Second // for one write
)

var errPacket = errors.New("the broker sends a packet that is too long, or none")

// bounded is a connection on which no packet is longer than mostPacket and no write
// takes for ever. The library would make room for any length that is announced.
type bounded struct {
	net.Conn
	left  int  // bytes of the packet that are still to come
	shift uint // of the next byte of the length; 0 = none was read yet
	size  int  // the length so far
	begun bool // the first byte of a packet was read, its length not wholly
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if see := b.see(p[:n]); see != nil {
		return 0, see
	}
	return n, err
}

func (b *bounded) Write(p []byte) (int, error) {
	if err := b.Conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return b.Conn.Write(p)
}

// see follows what was read: a byte, a length of up to four bytes with seven bits
// each, and as much as that says.
func (b *bounded) see(p []byte) error {
	for len(p) > 0 {
		switch {
		case b.left > 0:
			n := min(b.left, len(p))
			b.left -= n
			p = p[n:]
		case !b.begun:
			b.begun = true
			p = p[1:]
		default:
			b.size |= int(p[0]&0x7f) << b.shift
			b.shift += 7
			more := p[0]&0x80 != 0
			p = p[1:]
			if b.size > mostPacket || more && b.shift > 21 {
				return errPacket
			}
			if !more {
				b.left, b.size, b.shift, b.begun = b.size, 0, 0, false
			}
		}
	}
	return nil
}
