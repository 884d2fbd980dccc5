package support

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestTheMachineItRunsOn: this process runs, / is mounted, and a socket that was
// just opened listens.
func TestTheMachineItRunsOn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	u, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	proc := os.DirFS("/proc")
	processes, err := Processes(proc)
	if i := slices.IndexFunc(processes, func(p Process) bool { return p.PID == os.Getpid() }); err != nil || i < 0 || processes[i].RSS < 1<<20 || !strings.HasPrefix(processes[i].Name, "support") {
		t.Errorf("this process is not in %v, %v", processes, err)
	}
	mounts, err := Mounts(proc)
	if err != nil || !slices.ContainsFunc(mounts, func(m Mount) bool { return m.Dir == "/" && m.FS != "" }) {
		t.Errorf("/ is not in %v, %v", mounts, err)
	}
	sockets, err := Listening(proc)
	for _, want := range []Socket{{"tcp", netip.MustParseAddrPort(l.Addr().String())}, {"udp", netip.MustParseAddrPort(u.LocalAddr().String())}} {
		if err != nil || !slices.Contains(sockets, want) {
			t.Errorf("%v is not in %v, %v", want, sockets, err)
		}
	}
}

// TestAReportSaysWhatItCannotRead: a part that is missing costs itself alone.
func TestAReportSaysWhatItCannotRead(t *testing.T) {
	var b strings.Builder
	proc := fstest.MapFS{
		"7/status":  {Data: []byte("Name:\tinit\nVmRSS:\t 1024 kB\n")},
		"8/status":  {Data: []byte("Name:\tkthreadd\n")},
		"9/cmdline": {Data: []byte("secret")},
		"net/tcp":   {Data: []byte("  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A\n   1: 0100007F:0050 00000000:0000 01\n   2: xx 0 0A\n")},
	}
	n, err := Report{Head: []string{"vedette v1"}, Proc: proc, Log: []string{"a line\n"}}.WriteTo(&b)
	text := b.String()
	if err != nil || n != int64(len(text)) {
		t.Errorf("%d bytes, %v; %d were written", n, err, len(text))
	}
	for _, want := range []string{"vedette v1\n", "7 init 1024 KiB\n", "list mounts: ", "tcp 127.0.0.1:8080\n", "== memory\nopen meminfo: ", "== log\na line\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	for _, no := range []string{"kthreadd", "secret", ":80\n"} {
		if strings.Contains(text, no) {
			t.Errorf("%q in:\n%s", no, text)
		}
	}
}
