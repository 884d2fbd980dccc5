package mdns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/testkit"
)

const group = "224.0.0.251" // of multicast DNS

// boxVariable makes a test binary the box of the other tests.
const boxVariable = "VEDETTE_TEST_MDNS_BOX"

// TestBox is no test: it is what runs in the namespace of the box, until its
// standard input ends.
func TestBox(t *testing.T) {
	name := os.Getenv(boxVariable)
	if name == "" {
		return
	}
	r := New(Options{Hostname: name, HTTP: 80, HTTPS: 443, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	r.look = 200 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
}

// TestWhatFailsIsTriedAgain lets the library fail, and the network be missing, on a
// clock of its own.
func TestWhatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{Hostname: "nvr", Log: slog.New(slog.DiscardHandler)})
		begin, tries := time.Now(), []time.Duration(nil)
		r.work = func(ctx context.Context) error {
			tries = append(tries, time.Since(begin))
			switch n := len(tries); {
			case n <= 8:
				return errors.New("broken")
			case n == 9: // it works for an hour, and then the addresses change
				time.Sleep(time.Hour)
				return nil
			case n == 11:
				return errNoNetwork
			case n <= 13:
				return errors.New("broken")
			}
			<-ctx.Done()
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
		var want []time.Duration
		for _, s := range []int{0, 1, 3, 7, 15, 31, 63, 123, 183, 3783, 3784, 3794, 3795, 3797} {
			want = append(want, time.Duration(s)*time.Second)
		}
		if !slices.Equal(tries, want) {
			t.Errorf("tried at %v, want %v", tries, want)
		}
	})
}

// network is two network namespaces with a cable between them, and nothing else: no
// packet leaves the machine.
type network struct {
	t          *testing.T
	box, asker string // namespaces
}

func newNetwork(t *testing.T) *network {
	if os.Getuid() != 0 {
		testkit.Lacking(t, "making network namespaces needs root")
	}
	for _, name := range []string{"ip", "drill", "mdns-scan"} {
		if _, err := exec.LookPath(name); err != nil {
			testkit.Lacking(t, "this test needs "+name)
		}
	}
	n := &network{t: t, box: fmt.Sprintf("vedette-box-%d", os.Getpid()), asker: fmt.Sprintf("vedette-asker-%d", os.Getpid())}
	for _, ns := range []string{n.box, n.asker} {
		testkit.Command(t, "ip", "netns", "add", ns)
		t.Cleanup(func() { testkit.Command(t, "ip", "netns", "del", ns) })
		n.ip(ns, "link", "set", "lo", "up")
	}
	n.plug()
	return n
}

// plug lays the cable, with the box not up yet.
func (n *network) plug() {
	n.ip(n.box, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", n.asker)
	n.ip(n.box, "addr", "add", "192.0.2.20/24", "dev", "eth0")
	n.ip(n.box, "addr", "add", "2001:db8::20/64", "dev", "eth0", "nodad")
	n.ip(n.asker, "addr", "add", "192.0.2.1/24", "dev", "eth0")
	n.ip(n.asker, "addr", "add", "2001:db8::1/64", "dev", "eth0", "nodad")
	n.ip(n.asker, "link", "set", "eth0", "up")
	n.ip(n.asker, "route", "add", "224.0.0.0/4", "dev", "eth0")
}

func (n *network) ip(ns string, arg ...string) {
	n.t.Helper()
	testkit.Command(n.t, "ip", append([]string{"-netns", ns}, arg...)...)
}

// start runs a box and returns what it logs.
func (n *network) start(name string) *log {
	cmd := exec.Command("ip", "netns", "exec", n.box, os.Args[0], "-test.run=^TestBox$")
	cmd.Env = append(os.Environ(), boxVariable+"="+name)
	said := &log{}
	cmd.Stdout, cmd.Stderr = said, said
	in, err := cmd.StdinPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			n.t.Errorf("the box ended with %v", err)
		}
		if n.t.Failed() {
			n.t.Logf("the box said\n%s", said)
		}
	})
	return said
}

// log is what a process said.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// ask asks once, for one type of record, at an address, and returns the answer.
// drill takes answers from whoever sends them, as multicast needs.
func (n *network) ask(kind, name, at string) string {
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, "ip", "netns", "exec", n.asker, "drill", "-p", "5353", name, "@"+at, kind).Output()
	_, answer, _ := strings.Cut(string(out), ";; ANSWER SECTION:\n")
	line, _, _ := strings.Cut(answer, "\n")
	_, value, _ := strings.Cut(line, "\t"+kind+"\t")
	return value
}

func (n *network) answers(want, kind, name, at string) {
	n.t.Helper()
	testkit.Until(n.t, 20*time.Second, kind+" of "+name+" is "+want, func() bool { return n.ask(kind, name, at) == want })
}

// TestTheBoxIsFoundByItsName has a foreign resolver ask for a real process over a real
// (virtual) cable.
func TestTheBoxIsFoundByItsName(t *testing.T) {
	n := newNetwork(t)
	said := n.start("nvr")
	if got := n.ask("A", "nvr.local", group); got != "" {
		t.Errorf("answered without a cable: %q", got)
	}
	n.ip(n.box, "link", "set", "eth0", "up") // the box started before its network

	n.answers("192.0.2.20", "A", "nvr.local", group)
	n.answers("192.0.2.20", "A", "NVR.Local", group)
	n.answers("2001:db8::20", "AAAA", "nvr.local", group)
	n.answers("2001:db8::20", "AAAA", "nvr.local", "ff02::fb")
	n.answers("nvr._http._tcp.local.", "PTR", "_http._tcp.local", group)
	n.answers("0 0 443 nvr.local.", "SRV", "nvr._https._tcp.local", group)
	if got := n.ask("A", "other.local", group); got != "" {
		t.Errorf("answered for another name: %q", got)
	}

	// The address changes, as by another lease.
	n.ip(n.box, "addr", "del", "192.0.2.20/24", "dev", "eth0")
	n.ip(n.box, "addr", "add", "192.0.2.21/24", "dev", "eth0")
	n.answers("192.0.2.21", "A", "nvr.local", group)

	// The interface goes, and another one comes.
	n.ip(n.box, "link", "del", "eth0")
	n.plug()
	n.ip(n.box, "link", "set", "eth0", "up")
	n.answers("192.0.2.20", "A", "nvr.local", group)
	if strings.Contains(said.String(), "level=WARN") {
		t.Errorf("it warned of what is usual:\n%s", said)
	}
}

// TestWebServersAreFoundByMulticast has another client listen for answers to all.
func TestWebServersAreFoundByMulticast(t *testing.T) {
	n := newNetwork(t)
	n.ip(n.box, "link", "set", "eth0", "up")
	n.start("nvr")
	n.answers("192.0.2.20", "A", "nvr.local", group)
	scan := exec.Command("ip", "netns", "exec", n.asker, "mdns-scan")
	said := &log{}
	scan.Stdout, scan.Stderr = said, said
	if err := scan.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = scan.Process.Kill() // it does not end by itself
		_ = scan.Wait()
	}()
	testkit.Until(t, 20*time.Second, "mdns-scan finds both", func() bool {
		s := said.String()
		return strings.Contains(s, "nvr._http._tcp.local") && strings.Contains(s, "nvr._https._tcp.local")
	})
}
