package live

import (
	"encoding/binary"
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// canSegment reports whether the kernel knows UDP_SEGMENT (Linux 4.18).
func canSegment(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	known := false
	err = raw.Control(func(fd uintptr) {
		_, e := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		known = e == nil
	})
	return err == nil && known
}

// sendSegmented hands buf to the kernel, which cuts it every size bytes.
func sendSegmented(conn *net.UDPConn, buf []byte, size int, to *net.UDPAddr) error {
	var oob [32]byte
	_, _, err := conn.WriteMsgUDP(buf, segmentControl(oob[:0], size), to)
	return err
}

// segmentControl appends the control message that carries the segment size.
func segmentControl(dst []byte, size int) []byte {
	length := uint64(unix.CmsgLen(2))
	if unix.SizeofCmsghdr == 16 {
		dst = binary.NativeEndian.AppendUint64(dst, length)
	} else {
		dst = binary.NativeEndian.AppendUint32(dst, uint32(length))
	}
	dst = binary.NativeEndian.AppendUint32(dst, unix.IPPROTO_UDP)
	dst = binary.NativeEndian.AppendUint32(dst, unix.UDP_SEGMENT)
	dst = binary.NativeEndian.AppendUint16(dst, uint16(size))
	for len(dst) < unix.CmsgSpace(2) {
		dst = append(dst, 0)
	}
	return dst
}

// refusesSegments reports whether err says that this socket's device cannot
// do it: no checksum offload, or a path smaller than the packets.
func refusesSegments(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOPROTOOPT)
}
