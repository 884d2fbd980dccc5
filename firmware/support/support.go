// Package support owns the report on the machine that people send along when they
// ask for help: what runs, what is mounted, what listens, how much memory there is, and the
// end of the kernel's log. It reads what the kernel shows and holds no secret: no
// arguments of programs, no environment, no file of ours.
package support

import (
	"bufio"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Process is a program that runs. Threads of the kernel are none.
type Process struct {
	PID  int
	Name string // as the kernel has it: 15 bytes at most
	RSS  int64  // resident memory in bytes
}

// Socket is one that waits for others: a TCP socket that listens, or a UDP socket that
// is bound.
type Socket struct {
	Protocol string // tcp or udp
	Address  netip.AddrPort
}

// Mount is a file system that is mounted.
type Mount struct{ Device, Dir, FS, Options string }

// Processes returns what runs, by number. A process that ends meanwhile is left out.
func Processes(proc fs.FS) ([]Process, error) {
	entries, err := fs.ReadDir(proc, ".")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		status, err := fs.ReadFile(proc, e.Name()+"/status")
		if err != nil {
			continue
		}
		p := Process{PID: pid}
		user := false
		for line := range strings.Lines(string(status)) {
			key, value, _ := strings.Cut(line, ":")
			value = strings.TrimSpace(value)
			switch key {
			case "Name":
				p.Name = value
			case "VmRSS":
				kib, _ := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
				p.RSS, user = kib<<10, true
			}
		}
		if user { // the kernel's own have no memory
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	return all, nil
}

// Mounts returns what is mounted, in the order it was.
func Mounts(proc fs.FS) ([]Mount, error) {
	text, err := fs.ReadFile(proc, "mounts")
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	var all []Mount
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) >= 4 {
			all = append(all, Mount{f[0], f[1], f[2], f[3]})
		}
	}
	return all, nil
}

// Listening returns the sockets that others can reach, each once: TCP before UDP, by address.
func Listening(proc fs.FS) ([]Socket, error) {
	var all []Socket
	for _, name := range [...]string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := fs.ReadFile(proc, "net/"+name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("list sockets: %w", err)
		}
		protocol := name[:3]
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			// A TCP socket in state 0A listens; a UDP one in 07 is connected to nobody.
			if len(f) < 4 || protocol == "tcp" && f[3] != "0A" || protocol == "udp" && f[3] != "07" {
				continue
			}
			if at, ok := address(f[1]); ok {
				all = append(all, Socket{protocol, at})
			}
		}
	}
	slices.SortFunc(all, func(a, b Socket) int {
		return cmp.Or(strings.Compare(a.Protocol, b.Protocol), a.Address.Compare(b.Address))
	})
	return slices.Compact(all), nil
}

// address parses an address as /proc/net has it: words of four bytes, each in the order of
// the machine, which is little-endian on all that we run on.
func address(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if !ok || err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	n, err := strconv.ParseUint(port, 16, 16)
	a, valid := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a, uint16(n)), err == nil && valid
}

// Report is what is known of the machine.
type Report struct {
	Head []string // lines that the caller begins with, such as the version
	Proc fs.FS    // /proc
	// Kernel returns the end of the kernel's log; nil = left out.
	Kernel func() ([]byte, error)
	Log    []string // the end of our own log
}

// WriteTo writes the report as text. What cannot be read is named in it; the error is
// that of w.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	count := &counter{w: w}
	b := bufio.NewWriter(count)
	for _, l := range r.Head {
		fmt.Fprintln(b, l)
	}
	section(b, "processes", Processes, r.Proc, func(p Process) string { return fmt.Sprintf("%d %s %d KiB", p.PID, p.Name, p.RSS>>10) })
	section(b, "mounts", Mounts, r.Proc, func(m Mount) string { return strings.Join([]string{m.Device, m.Dir, m.FS, m.Options}, " ") })
	section(b, "listening", Listening, r.Proc, func(s Socket) string { return s.Protocol + " " + s.Address.String() })
	memory, err := fs.ReadFile(r.Proc, "meminfo")
	fmt.Fprintf(b, "\n== memory\n%s", orError(memory, err))
	if r.Kernel != nil {
		log, err := r.Kernel()
		fmt.Fprintf(b, "\n== kernel\n%s", orError(log, err))
	}
	fmt.Fprintf(b, "\n== log\n")
	for _, l := range r.Log {
		fmt.Fprintln(b, strings.TrimRight(l, "\n"))
	}
	err = b.Flush()
	return count.n, err
}

func section[T any](w io.Writer, name string, list func(fs.FS) ([]T, error), proc fs.FS, text func(T) string) {
	fmt.Fprintf(w, "\n== %s\n", name)
	all, err := list(proc)
	if err != nil {
		fmt.Fprintln(w, err)
	}
	for _, one := range all {
		fmt.Fprintln(w, text(one))
	}
}

func orError(text []byte, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	return string(text)
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
