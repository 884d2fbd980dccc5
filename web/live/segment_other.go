//go:build !linux

package live

import (
	"errors"
	"net"
)

func canSegment(*net.UDPConn) bool { return false }

func sendSegmented(*net.UDPConn, []byte, int, *net.UDPAddr) error { return errors.ErrUnsupported }

func refusesSegments(error) bool { return true }
