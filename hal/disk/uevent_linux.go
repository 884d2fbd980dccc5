package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ueventBuffer is how many bytes of messages the kernel keeps while f works: a
// hub with four sticks sends some hundred messages of less than 1 KiB.
const ueventBuffer = 1 << 20

// Watch calls f for each disk or partition that comes, goes or changes, until ctx
// is done: then it returns ctx's cause. It returns another error where the kernel
// gives no messages. f is called from the caller's goroutine, one call at a time;
// when it takes so long that the kernel drops messages it is called with the
// action Lost, and the caller looks at all disks again. What is there already is
// not reported: call List after Watch has begun, or on a timer.
//
// Only messages of the kernel are taken (netlink(7), NETLINK_KOBJECT_UEVENT). At
// "add" the node in /dev is there with devtmpfs; with another manager it may come
// later.
func Watch(ctx context.Context, f func(Change)) error { return watch(ctx, ueventBuffer, nil, f) }

// watch is Watch with a size of the kernel's buffer. It calls ready, if any, once
// nothing can be missed any more.
func watch(ctx context.Context, buffer int, ready func(), f func(Change)) error {
	s, err := ueventSocket(buffer)
	if err != nil {
		return err
	}
	defer s.Close()
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		s.SetReadDeadline(time.Unix(1, 0)) // it fails only if the socket is closed: nobody reads it then
	})
	defer func() {
		if !stop() {
			<-woken
		}
	}()
	if ready != nil {
		ready()
	}
	message := make([]byte, 16<<10) // the kernel's are at most 2 KiB and a path
	for ctx.Err() == nil {
		switch n, err := receive(raw, message); {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, unix.ENOBUFS):
			f(Change{Action: Lost})
		case err != nil:
			return fmt.Errorf("read messages of the kernel: %w", err)
		default:
			if c, ok := parseUevent(message[:n]); ok {
				f(c)
			}
		}
	}
	return context.Cause(ctx)
}

// ueventSocket opens a socket that gets what the kernel, not udev, sends to all.
func ueventSocket(buffer int) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("socket for messages of the kernel: %w", err)
	}
	// Without the right to more than the limit, the limit: Lost says if it is too little.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen to messages of the kernel: %w", err)
	}
	return os.NewFile(uintptr(fd), "uevent"), nil
}

// rawReader is the part of syscall.RawConn that receive uses.
type rawReader interface {
	Read(f func(fd uintptr) bool) error
}

// receive waits for a message and returns its length: 0 for one that is not the
// kernel's. Any process with the right to may send to the group (CVE-2009-1185).
func receive(raw rawReader, message []byte) (int, error) {
	var n int
	var from unix.Sockaddr
	var failed error
	err := raw.Read(func(fd uintptr) bool {
		n, from, failed = unix.Recvfrom(int(fd), message, 0)
		return !errors.Is(failed, unix.EAGAIN)
	})
	switch {
	case err != nil:
		return 0, err
	case errors.Is(failed, unix.EINTR):
		return 0, nil
	case failed != nil:
		return 0, failed
	}
	if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
		return 0, nil
	}
	return n, nil
}
