package image_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// machine is a running emulator.
type machine struct {
	t       testing.TB
	cmd     *exec.Cmd
	port    int // of the panel, on this machine
	started time.Time
	monitor string // a socket of the emulator
	exited  chan struct{}

	mu    sync.Mutex
	lines []line
	saved io.Writer
}

// line is one line of the console.
type line struct {
	at   time.Duration // since the emulator started
	text string
}

// setup is what a machine has.
type setup struct {
	card    string   // the image of the card
	cardLog string   // where each write to the card is logged, "" = not
	disk    string   // a disk for footage, "" = none
	sd      bool     // the card is an SD card, and the kernel is given
	more    []string // further arguments
}

// start switches a machine on. It ends with the test.
func start(t testing.TB, name string, s setup) *machine {
	t.Helper()
	m := &machine{t: t, port: testkit.FreePort(t), monitor: filepath.Join(t.TempDir(), "monitor"), exited: make(chan struct{})}
	console, err := os.OpenFile(filepath.Join(lab, name+".console"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	m.saved = console
	args := []string{
		"-M", "virt,acpi=off", "-dtb", filepath.Join(lab, "board.dtb"), "-cpu", "cortex-a72", "-smp", "2", "-m", "768", "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio",
		"-monitor", "unix:" + m.monitor + ",server=on,wait=off",
		"-device", "i6300esb", "-action", "watchdog=reset",
		"-netdev", fmt.Sprintf("user,id=net,hostfwd=tcp:127.0.0.1:%d-:443", m.port), "-device", "virtio-net-pci,netdev=net,romfile=",
	}
	switch {
	case s.sd:
		args = append(args, "-kernel", filepath.Join(kernel, "vmlinuz"), "-initrd", filepath.Join(lab, "initrd"),
			"-append", "rauc.slot=A ro rootwait gpt panic=10 quiet console=ttyAMA0",
			"-drive", "if=none,id=card,format=raw,file="+s.card, "-device", "sdhci-pci", "-device", "sd-card,drive=card")
	case s.cardLog != "":
		args = append(args, "-bios", filepath.Join(lab, "debian/u-boot.bin"),
			"-blockdev", "driver=blklogwrites,node-name=card,log-sector-size=512,file.driver=file,file.filename="+s.card+",log.driver=file,log.filename="+s.cardLog,
			"-device", "virtio-blk-pci,drive=card")
	default:
		args = append(args, "-bios", filepath.Join(lab, "debian/u-boot.bin"),
			"-drive", "if=none,id=card,format=raw,discard=unmap,file="+s.card, "-device", "virtio-blk-pci,drive=card")
	}
	if s.disk != "" {
		args = append(args, "-drive", "if=none,id=disk,format=raw,discard=unmap,file="+s.disk, "-device", "virtio-blk-pci,drive=disk,serial=footage1")
	}
	m.cmd = exec.Command("qemu-system-aarch64", append(args, s.more...)...)
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.cmd.Stderr = m.cmd.Stdout
	m.started = time.Now()
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go m.read(out, console)
	t.Cleanup(func() {
		m.cut()
		if t.Failed() {
			t.Logf("the end of the console of %s:\n%s", name, m.tail(60))
		}
	})
	return m
}

func (m *machine) read(out io.Reader, console io.Closer) {
	r := bufio.NewReader(out)
	for {
		text, err := r.ReadString('\n')
		if text = strings.TrimRight(text, "\r\n"); text != "" {
			at := time.Since(m.started)
			m.mu.Lock()
			m.lines = append(m.lines, line{at, text})
			fmt.Fprintf(m.saved, "%6.2f %s\n", at.Seconds(), text)
			m.mu.Unlock()
		}
		if err != nil {
			break
		}
	}
	_ = m.cmd.Wait() // it may have been ended by us
	_ = console.Close()
	close(m.exited)
}

// cut takes the power away, and returns when the machine is gone.
func (m *machine) cut() {
	_ = m.cmd.Process.Kill() // it may have ended
	<-m.exited
}

// said returns the nth line (from 0) that matches, counted from line number from.
func (m *machine) said(pattern string, from int) (line, int, bool) {
	re := regexp.MustCompile(pattern)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := from; i < len(m.lines); i++ {
		if re.MatchString(m.lines[i].text) {
			return m.lines[i], i, true
		}
	}
	return line{}, 0, false
}

// wait returns the first line from line number from on that matches, and the
// number of the one after it. It ends the test if none comes.
func (m *machine) wait(within time.Duration, pattern string, from int) (line, int) {
	m.t.Helper()
	deadline := time.Now().Add(within)
	for {
		if l, i, ok := m.said(pattern, from); ok {
			return l, i + 1
		}
		select {
		case <-m.exited:
			m.t.Fatalf("the machine ended before it said %q", pattern)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("nothing like %q on the console within %v", pattern, within)
		}
	}
}

// at returns the number of the next line.
func (m *machine) at() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.lines)
}

func (m *machine) tail(n int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for _, l := range m.lines[max(0, len(m.lines)-n):] {
		fmt.Fprintf(&b, "%6.2f %s\n", l.at.Seconds(), l.text)
	}
	return b.String()
}

// tell says something to the emulator.
func (m *machine) tell(command string) {
	m.t.Helper()
	c, err := net.Dial("unix", m.monitor)
	if err != nil {
		m.t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprintln(c, command); err != nil {
		m.t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second)) // the answer is of no interest
	_, _ = io.Copy(io.Discard, c)
}
